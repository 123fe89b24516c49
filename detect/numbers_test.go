package detect

// The classes made of digits, held against public cases and against numbers made by the numbering rules.

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedData opens a file of the data that lies beside the repository.
func sharedData(t testing.TB, name string) *os.File {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		f, err := os.Open(filepath.Join(dir, "..", "shared", "data", name))
		if err != nil {
			t.Fatalf("the shared data must lie beside the repository: %v", err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	t.Fatal("no go.mod above the test")
	return nil
}

func eachLine[T any](t testing.TB, name string, do func(T)) {
	t.Helper()
	lines := bufio.NewScanner(sharedData(t, name))
	n := 0
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%s: line %d: %v", name, n+1, err)
		}
		do(one)
		n++
	}
	if err := lines.Err(); err != nil || n == 0 {
		t.Fatalf("%s: %d lines, %v", name, n, err)
	}
}

func newScanner(t testing.TB) *Scanner {
	t.Helper()
	s, err := NewScanner("US")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStdnumCases: what python-stdnum takes for valid is found. What it refuses is not, but for MEIDs: one with a wrong
// check digit holds one without.
func TestStdnumCases(t *testing.T) {
	type line struct {
		Kind, Value string
		Valid       bool
	}
	class := map[string]Class{"iban": IBAN, "imei": IMEI, "imsi": IMSI, "mac": MAC, "meid": IMEI}
	s := newScanner(t)
	tried := 0
	eachLine(t, "ids_stdnum/telecom_and_finance.jsonl", func(l line) {
		c, ours := class[l.Kind]
		if !ours || l.Kind == "meid" && !l.Valid {
			return
		}
		tried++
		if got := s.Scan([]byte(l.Value)); got.Has(c) != l.Valid {
			t.Errorf("%s %q: hits %v, valid %v", l.Kind, l.Value, got, l.Valid)
		}
	})
	if tried < 200 {
		t.Errorf("only %d cases", tried)
	}
}

// TestPhoneExamples: every example number of libphonenumber is found with its country code from anywhere, and without
// one at home if it has as many digits as are looked at.
func TestPhoneExamples(t *testing.T) {
	type line struct {
		Type, Region, E164 string
		National           string `json:"national_number"`
	}
	s := newScanner(t)
	eachLine(t, "phone_libphonenumber/example_numbers_a.jsonl", func(l line) {
		for _, text := range []string{l.E164, "00" + l.E164[1:], "011 " + l.E164[1:], "+ " + l.E164[1:], "msisdn " + l.E164[1:]} {
			if text[0] == 'm' && len(l.National) < minNational {
				continue
			}
			if !s.Scan([]byte(text)).Has(Phone) {
				t.Errorf("%s %s: %q", l.Region, l.Type, text)
			}
		}
		if l.Region == "001" || len(l.National) < minNational {
			return
		}
		home, err := NewScanner(l.Region)
		if err != nil {
			t.Fatal(err)
		}
		if !home.Scan([]byte(l.National)).Has(Phone) {
			t.Errorf("at home: %s %s %q", l.Region, l.Type, l.National)
		}
	})
}

func TestPresidioCases(t *testing.T) {
	type line struct {
		Text, Entity string
		Count        int `json:"expected_count"`
	}
	class := map[string]Class{
		"US_SSN": NationalID, "US_ITIN": NationalID, "CREDIT_CARD": Card, "IBAN_CODE": IBAN, "IP_ADDRESS": IP, "MAC_ADDRESS": MAC,
		"PHONE_NUMBER": Phone, "PL_PESEL": NationalID, "TR_NATIONAL_ID": NationalID, "ES_NIF": NationalID, "ES_NIE": NationalID,
		"FI_PERSONAL_IDENTITY_CODE": NationalID, "ZA_ID_NUMBER": NationalID, "US_MBI": NationalID, "UK_NINO": NationalID, "UK_NHS": NationalID,
		"CA_SIN": NationalID, "DE_SOCIAL_SECURITY": NationalID,
	}
	otherwise := map[string]string{
		"Default 0.0.0.0":             "unspecified",
		"0.0.0.0/0":                   "unspecified",
		"my ip: ::1":                  "loopback",
		"Use local ipv6 ::":           "unspecified",
		"::1/128":                     "loopback",
		"localhost 127.0.0.1":         "loopback",
		"My CN number is 13812345678": "neither of the home region nor with a country code",
		"text192.168.1.1":             "an address beside letters is one",
		"IP192.168.1.1text":           "the same",
		"ID 80010150090":              "no South African number, but a valid one of eleven digits elsewhere",
		"LV80 bANK 0000 4351 9500 1":  "case does not matter",
		"Slash as iban separator: AL47/2121/1009/0000/0002/3569/8741":             "slashes do not matter",
		"My US number is (415) 555-0132, and my international one is415-555-0132": "there is a number in it",
	}
	s := newScanner(t)
	eachLine(t, "pii_presidio/recognizer_cases_a.jsonl", func(l line) {
		c, ours := class[l.Entity]
		if _, known := otherwise[l.Text]; !ours || known {
			return
		}
		if got := s.Scan([]byte(l.Text)); got.Has(c) != (l.Count > 0) {
			t.Errorf("%s %q: hits %v, expected %d", l.Entity, l.Text, got, l.Count)
		}
	})
}

func TestCommonRegexCases(t *testing.T) {
	type line struct {
		Kind, Value string
		Match       bool
	}
	otherwise := map[string]string{
		"1234567890":     "no plan has it",
		"(123) 456 7890": "no plan has it",
		"+442345678900":  "no plan has it",
		"5678900":        "without its area it is nobody's",
		"567-8900":       "without its area it is nobody's",
		"127.0.0.1":      "loopback",
		"::1":            "loopback",
	}
	class := map[string]Class{"test_phones": Phone, "test_phones_with_extensions": Phone, "test_ips": IP, "test_ipv6s": IP, "test_ssn": NationalID}
	s := newScanner(t)
	eachLine(t, "pii_commonregex/cases.jsonl", func(l line) {
		c, ours := class[l.Kind]
		if _, known := otherwise[l.Value]; known {
			return
		}
		if got := s.Scan([]byte(l.Value)); ours && got.Has(c) != l.Match {
			t.Errorf("%s %q: hits %v, match %v", l.Kind, l.Value, got, l.Match)
		}
	})
}

// TestNoHits: what the published list says is none of its classes, and what only looks like one.
func TestNoHits(t *testing.T) {
	numbers := hit(Phone, NationalID, Card, IBAN, IMEI, IMSI, ICCID, MAC, IP, UUID, Digest)
	s := newScanner(t)
	for _, text := range []string{
		"", "0", "2026", "2026-11-22", "2026-11-22 10:30:00", "2026-11-22T10:00:00Z", "22/11/2026 - 23/11/2026", "1795340400", "1795340400000",
		"000000000000000", "00000000000000000000", "123456789", "523041234", "90210-1234", "02540-4119", "$12,345,678.90", "3.14159265358979", "0.4155550132",
		"ISBN 978-0-306-40615-7", "9780306406157", "0-306-40615-2", "5901234123457", // an ISBN, an EAN
		"4111111111111112", "378282246310006", "4111-1111-1111-1113", "89014103211118510721",
		"DE89370400440532013001", "XX89370400440532013000", "GB29NWBK6016133192681", "000-12-3456", "666-12-3456", "123-00-4567", "123-45-0000", "911-89-1234",
		"+1 123 456 7890", "+999 1234 5678", "(000) 555-0132", "100-555-0132", "10:20:30:40:50", "d0:50:99:84:a2:a0:ff", "00:00:00:00:00:00", "FF-FF-FF-FF-FF-FF",
		"127.0.0.1", "127.8.9.10", "0.0.0.0", "::", "::1", "[::1]:80", "::ffff:127.0.0.1", "http://2130706433/", "http://0x7f000001/", "http://0/", "1.2.3", "256.1.1.1", "1.2.3.4.5",
		"std::vector", "a::b", "10:30", "12:34:56", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
		"00000000000000000000000000000000", "d41d8cd98f00b204e9800998ecf8427", "89c2594", "89c25a1", "80858004", "89c259c4", "8928308280fffff", "872830828ffffff", "8f28308280f18f2",
		"bed 2005 cafe", "face off 1997", "add 12 bed 3", "10 20 30", "model 10 of 12", "oil 2005", "i love 1999",
	} {
		if got := s.Scan([]byte(text)) & numbers; got != 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestHits: one line for each form that the published list names.
func TestHits(t *testing.T) {
	s := newScanner(t)
	for _, c := range []struct {
		class Class
		texts []string
	}{
		{Phone, []string{"+41 22 730 5989", "(+41) 22 730 5989", "0041227305989", "011 41 22 730 59 89", "+44 (0)20 7946 0958", "415-555-0132", "4155550132", "1 (415) 555 0132",
			"tel:+1-415-555-0132", "415/555/0132", "(523)222-8888x623", "call4155550132", "whatsapp 447400123456", "14155550132", "+1+415+555+0132", "%2B14155550132"}},
		{NationalID, []string{"523 23 4566", "523-04-1234", "523.04.1234", "523/04/1234", "ssn 523041234", "SSN: 078-051120", "911-64-1234", "12345678Z", "X9613851N", "AB123456C", "RSSMRA85T10A562S",
			"44051401458", "529.982.247-25", "85.07.30-033.28", "756.9217.0769.85", "11010519491231002X", "130-692-544", "1234 5678 9012 is no aadhaar, 4991 1866 5246 is one", "1EG4-TE5-MK73",
			"131052-308T", "19811228-9874", "811228-9874", "10000000146", "8001015009087", "S1234567D", "A123456789", "1 85 05 78 006 084 91"}},
		{Card, []string{"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111/1111/1111/1111", "378282246310005", "3782 822463 10005", "30569309025904",
			"4222222222222", "6304000000000000", "2223003122003222", "card 4111111111111111!", "cc:4111111111111111", "x4111111111111111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"}},
		{IBAN, []string{"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "gb29nwbk60161331926819", "IBANDE89370400440532013000", "de89-3704-0044-0532-0130-00"}},
		{IMEI, []string{"490154203237518", "49-015420-323751-8", "49-015420-323751", "3520990017614823", "imeisv 4901542032375182", "AF0123450ABCDE", "AF 01 23 45 0A BC DE C", "29360 87365 0070 3710"}},
		{IMSI, []string{"310150123456789", "502152100145324", "467 07 1234567890", "IMSI310150123456789"}},
		{ICCID, []string{"89014103211118510720", "8901 4103 2111 1851 0720", "8944500102198304826"}},
		{MAC, []string{"d0:50:99:84:a2:a0", "D0-50-99-84-A2-A0", "d050.9984.a2a0", "d0 50 99 84 a2 a0", "02:42:ac:ff:fe:11:00:02", "bssid=d0509984a2a0", "mac d0509984a2a0", "aa-bb-cc-dd-ee-ff"}},
		{IP, []string{"8.8.8.8", "192.168.001.001", "8.8.8.8:53", "10.0.0.0/8", "fe80::204:61ff:fe9d:f156", "fe80:0:0:0:204:61ff:254.157.241.86", "[2001:db8::1]:8080", "::ffff:10.1.2.3", "fe80::1%eth0",
			"http://3232235777/", "http://0xC0A80101/x", "http://0300.0250.1.1/", "http://0xc0.168.257/", "https://u@3232235777:80/", "2001:DB8::1.", "ec2-54-23-110-9.compute"}},
		{UUID, []string{"550e8400-e29b-41d4-a716-446655440000", "{550E8400-E29B-41D4-A716-446655440000}", "00000000-0000-0000-0000-000000000001", "550e8400.e29b.41d4.a716.446655440000"}},
		{Digest, []string{"d41d8cd98f00b204e9800998ecf8427e", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "d41d 8cd9 8f00 b204 e980 0998 ecf8 427e", "d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e"}},
	} {
		for _, text := range c.texts {
			if got := s.Scan([]byte(text)); !got.Has(c.class) {
				t.Errorf("%v %q: %v", c.class, text, got)
			}
		}
	}
}

// TestNationalNumbers: one published example of each register, and the same with another last character.
func TestNationalNumbers(t *testing.T) {
	s := newScanner(t)
	for _, text := range []string{
		"bsn 111222333", "nif 501964843", "teudat zehut 039337423", "12.531.909-2", "76.086.428-5", "20.347.878-K", "710319/2745", "egn 7523169263", "943 476 5870", "2123 45670 1",
		"1237 010180", "15108695088", "36805280109", "33309240064", "36 574 261 809", "oib 33392005961", "20-05536168-2", "112-233-445 95", "51 824 753 556", "1234 5678 9018",
		"inn 500100732259", "1630615123457", "1-2345-45678-78-1", "360426199101010071", "6433435F", "BOXW310820HNERXN09", "15070649C103", "44051401458", "529.982.247-25", "85.07.30-033.28",
		"756.9217.0769.85", "130-692-544", "4991 1866 5246", "131052-308T", "811228-9874", "19811228-9874", "10000000146", "8001015009087", "S1234567D", "A123456789", "1 85 05 78 006 084 91",
		"12345678Z", "X9613851N", "RSSMRA85T10A562S", "tfn 876 543 210",
	} {
		if got := s.Scan([]byte(text)); !got.Has(NationalID) {
			t.Errorf("%q: %v", text, got)
		}
		// The check digit is the last but for a few; in Austria it is the fourth, in Australia the last but one.
		at := len(text) - 1
		switch text {
		case "1237 010180":
			at = 3
		case "2123 45670 1":
			at = len(text) - 3
		case "inn 500100732259", "15108695088", "8001015009087", "1 85 05 78 006 084 91", "112-233-445 95":
			at = len(text) - 2
		}
		wrong := []byte(text)
		switch {
		case wrong[at] == '9' || wrong[at] == 'K':
			wrong[at]--
		default:
			wrong[at]++
		}
		if got := s.Scan(wrong); got.Has(NationalID) {
			t.Errorf("%q: %v", wrong, got)
		}
	}
	// No check digit: the groups, the date or the label decide.
	for _, text := range []string{"120174-3399", "kennitala 1201743399", "211062-5629", "161175-19997", "770305-02-1234", "960121-1234567", "HKID A123456(3)", "ACUPA7085R", "AB123456C", "1EG4-TE5-MK73"} {
		if got := s.Scan([]byte(text)); !got.Has(NationalID) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
