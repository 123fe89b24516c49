package corpus

// Published test values of other detectors and of the standards' own tests.

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// published takes the values that others published, class by class.
func published(m *maker) error {
	for _, read := range []func(*maker) error{isEmail, presidio, presidioSentences, stdnum, commonRegex, scrubadub} {
		if err := read(m); err != nil {
			return err
		}
	}
	return nil
}

// isEmail takes the addresses of isemail that are one: valid, or deprecated, with a top-level domain or an address in
// brackets. What no mail server would take is not in it.
func isEmail(m *maker) error {
	m.of("email", "isemail")
	return eachLine(filepath.Join(m.data, "pii_isemail", "cases.jsonl"), func(line []byte) error {
		var c struct{ Address, Category, Diagnosis string }
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		switch c.Category {
		case "ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321", "ISEMAIL_CFWS", "ISEMAIL_DEPREC":
		default:
			return nil
		}
		// Domains that nobody can have: a numeric or an unknown top-level domain.
		for _, end := range []string{".123", "@iana.a", ".co-uk", ".v", "ghi"} {
			if strings.HasSuffix(c.Address, end) {
				return nil
			}
		}
		m.text(c.Address)
		return nil
	})
}

// presidioClass maps the entities of Presidio to our classes; the others are no identifiers, or of documents.
var presidioClass = map[string]string{
	"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "US_SSN": "national_id", "US_ITIN": "national_id", "CREDIT_CARD": "card",
	"IBAN_CODE": "iban", "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac",
	"UK_NINO": "national_id", "ES_NIF": "national_id", "ES_NIE": "national_id", "PL_PESEL": "national_id", "FI_PERSONAL_IDENTITY_CODE": "national_id",
	"TR_NATIONAL_ID": "national_id", "ZA_ID_NUMBER": "national_id",
}

func presidio(m *maker) error {
	return eachLine(filepath.Join(m.data, "pii_presidio", "recognizer_cases_a.jsonl"), func(line []byte) error {
		var c struct {
			Text, Entity string
			Count        int `json:"expected_count"`
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		class := presidioClass[c.Entity]
		switch {
		case class == "" || c.Count == 0:
			return nil
		case class == "phone" && !strings.Contains(c.Text, "+") && !strings.HasPrefix(c.Text, "US"):
			return nil // national numbers of other regions
		case class == "ip" && saysNobody(c.Text):
			return nil // loopback and unspecified addresses
		}
		m.of(class, "presidio")
		m.text(c.Text)
		return nil
	})
}

// saysNobody says whether all addresses in a text are loopback or unspecified ones.
func saysNobody(text string) bool {
	for _, a := range []string{"0.0.0.0", "::1", "Use local ipv6 ::", "127.0.0.1"} {
		if text == a || strings.HasSuffix(text, " "+a) || strings.HasPrefix(text, a+"/") {
			return true
		}
	}
	return false
}

// presidioSentences takes the marked parts of the synthetic sentences, with the sentence around them.
func presidioSentences(m *maker) error {
	return eachLine(filepath.Join(m.data, "pii_presidio", "synthetic_sentences_a.jsonl"), func(line []byte) error {
		var c struct {
			Text  string
			Spans [][3]any
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		for _, s := range c.Spans {
			kind, _ := s[2].(string)
			from, _ := s[0].(float64)
			to, _ := s[1].(float64)
			part := string([]rune(c.Text)[int(from):int(to)])
			class := presidioClass[kind]
			switch {
			case class == "card" && !isCard(part), class == "national_id" && (part[0] == '9' || strings.HasPrefix(part, "666")), class == "phone", class == "":
				continue // made without their check digits, or of a country that the text does not name
			}
			m.of(class, "presidio-research")
			m.text(c.Text)
			break
		}
		return nil
	})
}

// isCard says whether a published value is one by the rules.
func isCard(s string) bool {
	return len(s) >= 13 && len(s) <= 19 && strings.Trim(s, digits) == "" && s[0] >= '2' && s[0] <= '6' && luhn(s[:len(s)-1]) == s[len(s)-1:]
}

func stdnum(m *maker) error {
	return eachLine(filepath.Join(m.data, "ids_stdnum", "telecom_and_finance.jsonl"), func(line []byte) error {
		var c struct {
			Kind, Value string
			Valid       bool
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		class := map[string]string{"iban": "iban", "imsi": "imsi", "mac": "mac"}[c.Kind]
		if c.Kind == "imei" && len(strings.ReplaceAll(c.Value, "-", "")) == 15 {
			class = "imei"
		}
		if c.Kind == "meid" && strings.HasPrefix(c.Value, "AF") && strings.HasSuffix(c.Value, "DE") {
			class = "imei"
		}
		if class == "" || !c.Valid {
			return nil
		}
		m.of(class, "python-stdnum")
		m.text(c.Value)
		return nil
	})
}

func commonRegex(m *maker) error {
	return eachLine(filepath.Join(m.data, "pii_commonregex", "cases.jsonl"), func(line []byte) error {
		var c struct {
			Kind, Value string
			Match       bool
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		class := map[string]string{
			"test_emails": "email", "test_street_addresses": "street_address", "test_po_boxes": "street_address", "test_ips": "ip", "test_ipv6s": "ip", "test_ssn": "national_id",
		}[c.Kind]
		if class == "" || !c.Match || class == "ip" && saysNobody(c.Value) {
			return nil
		}
		m.of(class, "CommonRegex")
		m.text(c.Value)
		return nil
	})
}

func scrubadub(m *maker) error {
	return eachLine(filepath.Join(m.data, "pii_scrubadub", "before_after.jsonl"), func(line []byte) error {
		var c struct{ Type, Text, Redacted string }
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		class := map[string]string{
			"detector_emails": "email", "detector_credit_card": "card", "detector_en_US_social_security_number": "national_id", "detector_en_GB_nino": "national_id",
		}[c.Type]
		if class == "" || c.Text == c.Redacted {
			return nil
		}
		m.of(class, "scrubadub")
		m.text(c.Text)
		return nil
	})
}
