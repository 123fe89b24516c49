package corpus

// Identifiers made of digits, by the rules by which they are given out.

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// luhn gives the check digit for body (ISO/IEC 7812-1, annex B).
func luhn(body string) string {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			d = d * 2
		}
		sum += d/10 + d%10
	}
	return strconv.Itoa((10 - sum%10) % 10)
}

// weighted is the sum of the digits of body by their weights.
func weighted(body string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(body[i]-'0') * w
	}
	return sum
}

// group puts separators behind so many characters each.
func group(s, sep string, sizes ...int) string {
	var parts []string
	for _, n := range sizes {
		parts = append(parts, s[:n])
		s = s[n:]
	}
	if s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, sep)
}

func phones(m *maker) error {
	m.of("phone", "libphonenumber")
	err := eachLine(filepath.Join(m.data, "phone_libphonenumber", "example_numbers_a.jsonl"), func(line []byte) error {
		var n struct{ Type, E164 string }
		if err := json.Unmarshal(line, &n); err != nil {
			return err
		}
		// Numbers of services that reach no person's line have other lengths than a plan's and are dialled nationally only.
		switch n.Type {
		case "fixedLine", "mobile", "personalNumber", "voip", "pager":
			m.add(n.E164)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The North American Numbering Plan: NPA-NXX-XXXX, with area codes that are in use.
	m.of("phone", "NANP")
	for range 120 {
		npa := m.pick("201", "212", "303", "312", "404", "415", "512", "617", "702", "713", "808", "907", "919", "972")
		nxx := m.from("23456789", 1) + m.from("0123456789", 1) + m.from("23456789", 1)
		rest := m.digits(4)
		m.add(m.pick("("+npa+") "+nxx+"-"+rest, npa+"-"+nxx+"-"+rest, npa+"."+nxx+"."+rest, "1-"+npa+"-"+nxx+"-"+rest, "+1 "+npa+" "+nxx+" "+rest))
	}
	return nil
}

func nationalIDs(m *maker) error {
	m.of("national_id", "SSN, ITIN")
	for range 140 {
		area := m.between(1, 898)
		if area >= 666 {
			area++
		}
		sep := m.pick("-", " ", ".")
		m.add(fmt.Sprintf("%03d%s%02d%s%04d", area, sep, m.between(1, 99), sep, m.between(1, 9999)))
	}
	for range 60 {
		g := []int{m.between(50, 65), m.between(70, 88), m.between(90, 92), m.between(94, 99)}[m.below(4)]
		sep := m.pick("-", " ")
		m.add(fmt.Sprintf("9%02d%s%02d%s%04d", m.below(100), sep, g, sep, m.between(1, 9999)))
	}
	m.of("national_id", "PESEL")
	for range 15 {
		body := fmt.Sprintf("%02d%02d%02d%s", m.between(40, 99), m.between(1, 12), m.between(1, 28), m.digits(4))
		m.add(body + strconv.Itoa((10-weighted(body, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10))
	}
	m.of("national_id", "CPF")
	for range 15 {
		body := m.digits(9)
		for n := 10; n <= 11; n++ {
			var w []int
			for k := n; k >= 2; k-- {
				w = append(w, k)
			}
			body += strconv.Itoa(weighted(body, w...) * 10 % 11 % 10)
		}
		m.add(body[:3] + "." + body[3:6] + "." + body[6:9] + "-" + body[9:])
	}
	m.of("national_id", "DNI")
	for range 15 {
		n := m.between(10000000, 99999999)
		m.text(fmt.Sprintf("%d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23]))
	}
	m.of("national_id", "NINO")
	for range 15 {
		m.text(m.from("ABCEHJLMPRSTWXY", 1) + m.from("ABCEHJLMPRSTWXYZ", 1) + " " + group(m.digits(6), " ", 2, 2, 2) + " " + m.from("ABCD", 1))
	}
	m.of("national_id", "resident identity card (CN)")
	for range 15 {
		body := m.pick("110101", "310104", "440305", "510104") + fmt.Sprintf("%d%02d%02d", m.between(1950, 2005), m.between(1, 12), m.between(1, 28)) + m.digits(3)
		m.text(body + string("10X98765432"[weighted(body, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11]))
	}
	return nil
}

func cards(m *maker) error {
	m.of("card", "ISO/IEC 7812")
	for range 230 {
		brand := [...]struct {
			prefix string
			size   int
		}{{"4", 16}, {"4", 13}, {"51", 16}, {"55", 16}, {"2221", 16}, {"2720", 16}, {"34", 15}, {"37", 15}, {"36", 14}, {"300", 14}, {"6011", 16},
			{"65", 16}, {"3530", 16}, {"62", 16}, {"62", 19}, {"50", 16}, {"60", 16}}[m.below(17)]
		body := brand.prefix + m.digits(brand.size-1-len(brand.prefix))
		number := body + luhn(body)
		switch {
		case brand.size == 15 && m.below(2) == 0:
			number = group(number, " ", 4, 6, 5)
		case brand.size == 16 && m.below(2) == 0:
			number = group(number, m.pick(" ", "-"), 4, 4, 4, 4)
		}
		m.add(number)
	}
	return nil
}

func ibans(m *maker) error {
	m.of("iban", "ISO 13616")
	for range 60 {
		// Country and structure of the account number, from the registry of SWIFT: n digits, a letters.
		country := [...][2]string{{"DE", "nnnnnnnnnnnnnnnnnn"}, {"GB", "aaaannnnnnnnnnnnnn"}, {"FR", "nnnnnnnnnnnnnnnnnnnnnnn"}, {"NL", "aaaannnnnnnnnn"},
			{"ES", "nnnnnnnnnnnnnnnnnnnn"}, {"CH", "nnnnnnnnnnnnnnnnn"}, {"NO", "nnnnnnnnnnn"}, {"PL", "nnnnnnnnnnnnnnnnnnnnnnnn"}}[m.below(8)]
		body := ""
		for _, k := range country[1] {
			if k == 'a' {
				body += m.from(upper, 1)
			} else {
				body += m.digits(1)
			}
		}
		iban := country[0] + ibanCheck(country[0], body) + body
		if m.below(2) == 0 {
			iban = group(iban, " ", 4, 4, 4)
		}
		m.text(iban)
	}
	return nil
}

// ibanCheck gives the two check digits: 98 less the number, its letters read as 10 to 35, modulo 97.
func ibanCheck(country, body string) string {
	var number strings.Builder
	for _, c := range body + country + "00" {
		if c >= 'A' {
			fmt.Fprint(&number, c-'A'+10)
		} else {
			number.WriteRune(c)
		}
	}
	n, _ := new(big.Int).SetString(number.String(), 10)
	return fmt.Sprintf("%02d", 98-new(big.Int).Mod(n, big.NewInt(97)).Int64())
}

func telecom(m *maker) error {
	// A type allocation code begins with the number of the body that gave it out (GSMA TS.06).
	m.of("imei", "GSMA TS.06")
	for range 160 {
		body := m.pick("35", "86", "01", "99", "35") + m.digits(12)
		imei := body + luhn(body)
		switch m.below(4) {
		case 0:
			imei = group(imei, "-", 2, 6, 6, 1)
		case 1:
			imei = group(imei, " ", 6, 2, 6, 1)
		}
		m.add(imei)
	}
	for range 30 {
		m.add(m.pick("35", "86", "01") + m.digits(14)) // IMEISV
	}
	for range 30 {
		m.text(strings.ToUpper(m.from("abcdef", 1) + m.from(hexes, 13))) // MEID
	}
	m.of("imsi", "ITU-T E.212")
	f, err := os.Open(filepath.Join(m.data, "ref_geo", "mcc-mnc-table.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	for range 210 {
		row := rows[m.between(1, len(rows)-1)]
		mcc, mnc := row[0], row[2]
		if len(mcc) != 3 || len(mnc) < 2 || len(mnc) > 3 || strings.Trim(mcc+mnc, digits) != "" {
			mcc, mnc = "310", "410"
		}
		m.add(mcc + mnc + m.digits(15-3-len(mnc)))
	}
	m.of("iccid", "ITU-T E.118")
	for range 210 {
		body := "89" + m.pick("1", "44", "49", "33", "34", "91", "86", "55")
		body += m.digits(m.between(17, 19) - len(body))
		body += luhn(body)
		switch m.below(3) {
		case 0:
			body = group(body, " ", 4, 4, 4, 4)
		case 1:
			body = group(body, "-", 6, 4, 4)
		}
		m.add(body)
	}
	return nil
}
