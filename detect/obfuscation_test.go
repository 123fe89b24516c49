package detect

// Numbers made by the numbering rules, each hidden in every way of the published list. What the tests make, they make
// without the scanner's own checks.

import (
	"encoding/base64"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// maker makes valid identifiers of one class.
type maker struct {
	class Class
	name  string
	exact bool // its class must be found in every case (a check digit decides)
	make  func(r *rand.Rand) string
}

func randomDigits(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + r.Intn(10)))
	}
	return b.String()
}

func randomHex(r *rand.Rand, n int) string {
	for {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789abcdef"[r.Intn(16)])
		}
		if s := b.String(); strings.ContainsAny(s, "abcdef") && strings.ContainsAny(s, "0123456789") {
			return s
		}
	}
}

// withLuhn appends the digit that makes the sum of ISO/IEC 7812-1 a multiple of ten.
func withLuhn(s string) string {
	for c := '0'; c <= '9'; c++ {
		full := s + string(c)
		sum, double := 0, false
		for i := len(full) - 1; i >= 0; i-- {
			x := int(full[i] - '0')
			if double {
				x *= 2
				if x > 9 {
					x -= 9
				}
			}
			sum += x
			double = !double
		}
		if sum%10 == 0 {
			return full
		}
	}
	panic("unreachable")
}

func passesLuhn(s string) bool { return withLuhn(s[:len(s)-1]) == s }

func makeIBAN(r *rand.Rand) string {
	formats := []struct {
		country, form string
	}{
		{"DE", "999999999999999999"}, {"GB", "AAAA99999999999999"}, {"FR", "9999999999ccccccccccc99"}, {"NL", "AAAA9999999999"}, {"MT", "AAAA99999cccccccccccccccccc"},
		{"NO", "99999999999"}, {"PL", "999999999999999999999999"}, {"SA", "99cccccccccccccccccc"},
	}
	f := formats[r.Intn(len(formats))]
	var b strings.Builder
	for _, c := range f.form {
		switch {
		case c == '9' || c == 'c' && r.Intn(3) > 0:
			b.WriteByte(byte('0' + r.Intn(10)))
		default:
			b.WriteByte(byte('A' + r.Intn(26)))
		}
	}
	rest := 0
	for _, c := range b.String() + f.country + "00" {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", f.country, 98-rest, b.String())
}

var makers = []maker{
	{Phone, "abroad", false, func(r *rand.Rand) string {
		regions := []string{"GB", "DE", "FR", "IN", "BR", "JP", "CN", "RU", "NG", "AU", "IT", "MX", "ZA", "AE", "FI"}
		kinds := []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE}
		n := phonenumbers.GetExampleNumberForType(regions[r.Intn(len(regions))], kinds[r.Intn(2)])
		e := phonenumbers.Format(n, phonenumbers.E164)
		// Another subscriber of the same exchange.
		if other := e[:len(e)-2] + randomDigits(r, 2); valid(other) {
			return other
		}
		return e
	}},
	{Phone, "home", false, func(r *rand.Rand) string {
		for {
			s := fmt.Sprintf("%d%s", 2+r.Intn(8), randomDigits(r, 9))
			if valid("+1" + s) {
				return fmt.Sprintf("(%s) %s-%s", s[:3], s[3:6], s[6:])
			}
		}
	}},
	{NationalID, "ssn", true, func(r *rand.Rand) string {
		area := 1 + r.Intn(899)
		if area == 666 {
			area++
		}
		return fmt.Sprintf("%03d-%02d-%04d", area, 1+r.Intn(99), 1+r.Intn(9999))
	}},
	{NationalID, "itin", true, func(r *rand.Rand) string {
		return fmt.Sprintf("9%s-%02d-%s", randomDigits(r, 2), 70+r.Intn(19), randomDigits(r, 4))
	}},
	{Card, "16", true, func(r *rand.Rand) string { return withLuhn("4" + randomDigits(r, 14)) }},
	{Card, "15", true, func(r *rand.Rand) string { return withLuhn("37" + randomDigits(r, 12)) }},
	{Card, "14", true, func(r *rand.Rand) string { return withLuhn("36" + randomDigits(r, 11)) }},
	{Card, "19", true, func(r *rand.Rand) string { return withLuhn("62" + randomDigits(r, 16)) }},
	{Card, "13", true, func(r *rand.Rand) string { return withLuhn("4" + randomDigits(r, 11)) }},
	{IBAN, "", true, makeIBAN},
	{IMEI, "imei", true, func(r *rand.Rand) string { return withLuhn("35" + randomDigits(r, 12)) }},
	{IMEI, "imeisv", true, func(r *rand.Rand) string { return []string{"01", "35", "86", "99"}[r.Intn(4)] + randomDigits(r, 14) }},
	{IMEI, "meid", false, func(r *rand.Rand) string { return strings.ToUpper("a" + randomHex(r, 13)) }},
	{IMSI, "", true, func(r *rand.Rand) string {
		for {
			s := []string{"310410", "26201", "23415", "40445", "72405", "50501", "44010"}[r.Intn(7)]
			if s += randomDigits(r, 15-len(s)); !passesLuhn(s) {
				return s
			}
		}
	}},
	{ICCID, "19", true, func(r *rand.Rand) string { return withLuhn("8901" + randomDigits(r, 14)) }},
	{ICCID, "20", true, func(r *rand.Rand) string { return withLuhn("8944" + randomDigits(r, 15)) }},
	{MAC, "48", false, func(r *rand.Rand) string { return strings.Join(pairsOf(randomHex(r, 12), 2), ":") }},
	{MAC, "64", false, func(r *rand.Rand) string { return strings.Join(pairsOf(randomHex(r, 16), 2), ":") }},
	{MAC, "dotted", false, func(r *rand.Rand) string { return strings.Join(pairsOf(randomHex(r, 12), 4), ".") }},
	{MAC, "label", false, func(r *rand.Rand) string { return "bssid=" + randomHex(r, 12) }},
	{IP, "v4", false, func(r *rand.Rand) string {
		return fmt.Sprintf("%d.%d.%d.%d", 11+r.Intn(110), r.Intn(256), r.Intn(256), r.Intn(256))
	}},
	{IP, "v6", false, func(r *rand.Rand) string { return "2001:db8:" + strings.Join(pairsOf(randomHex(r, 24), 4), ":") }},
	{IP, "short v6", false, func(r *rand.Rand) string { return "2a02:" + randomHex(r, 4) + "::" + randomHex(r, 3) }},
	{IP, "mapped", false, func(r *rand.Rand) string {
		return fmt.Sprintf("[::ffff:%d.%d.%d.%d]:443", 11+r.Intn(110), r.Intn(256), r.Intn(256), r.Intn(256))
	}},
	{IP, "decimal", false, func(r *rand.Rand) string { return fmt.Sprintf("http://%d/", 1<<28+r.Intn(1<<29)) }},
	{IP, "hex", false, func(r *rand.Rand) string { return fmt.Sprintf("http://0x%08x/a", 1<<28+r.Intn(1<<29)) }},
	{UUID, "", false, func(r *rand.Rand) string {
		h := randomHex(r, 32)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}},
	{Digest, "md5", false, func(r *rand.Rand) string { return randomHex(r, 32) }},
	{Digest, "sha1", false, func(r *rand.Rand) string { return randomHex(r, 40) }},
	{Digest, "sha256", false, func(r *rand.Rand) string { return randomHex(r, 64) }},
}

func valid(e164 string) bool {
	n, err := phonenumbers.Parse(e164, "ZZ")
	return err == nil && phonenumbers.IsValidNumber(n)
}

func pairsOf(s string, n int) (groups []string) {
	for ; len(s) > n; s = s[n:] {
		groups = append(groups, s[:n])
	}
	return append(groups, s)
}

// regrouped gives the number in groups of so many characters, if it is one of digits or hex digits; separators that it
// has are replaced.
func regrouped(m maker, s, sep string, size int) (string, bool) {
	switch m.class {
	case Card, IBAN, IMEI, IMSI, ICCID, Digest:
		return strings.Join(pairsOf(s, size), sep), true
	case Phone:
		if strings.HasPrefix(s, "+") {
			return "+" + strings.Join(pairsOf(s[1:], size), sep), true
		}
		return s[1:4] + sep + s[6:9] + sep + s[10:], true
	case NationalID, UUID:
		return strings.ReplaceAll(s, "-", sep), true
	case MAC:
		if m.name != "label" {
			return strings.Join(pairsOf(strings.NewReplacer(":", "", ".", "").Replace(s), min(size&^1, 4)), sep), true
		}
	case IP:
		if m.name == "v4" {
			return strings.ReplaceAll(s, ".", sep), true
		}
	}
	return "", false
}

func mapped(s string, f func(c rune) string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(f(c))
	}
	return b.String()
}

func digitsAt(zero rune) func(m maker, s string) (string, bool) {
	return func(_ maker, s string) (string, bool) {
		return mapped(s, func(c rune) string {
			if '0' <= c && c <= '9' {
				return string(zero + c - '0')
			}
			return string(c)
		}), true
	}
}

func grouping(sep string, size int) func(m maker, s string) (string, bool) {
	return func(m maker, s string) (string, bool) { return regrouped(m, s, sep, size) }
}

func always(f func(s string) string) func(m maker, s string) (string, bool) {
	return func(_ maker, s string) (string, bool) { return f(s), true }
}

func percentAll(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func replacing(pairs ...string) func(m maker, s string) (string, bool) {
	return always(strings.NewReplacer(pairs...).Replace)
}

var disguises = []struct {
	name string
	hide func(m maker, s string) (string, bool)
}{
	{"plain", always(func(s string) string { return s })},
	{"in a sentence", always(func(s string) string { return "please write to " + s + ", it is his" })},
	{"upper case", always(strings.ToUpper)},
	{"fullwidth", always(func(s string) string {
		return mapped(s, func(c rune) string {
			if '!' <= c && c <= '~' {
				return string(c - '!' + '！')
			}
			return string(c)
		})
	})},
	{"mathematical", digitsAt('𝟎')},
	{"arabic-indic", digitsAt('٠')},
	{"devanagari", digitsAt('०')},
	{"cyrillic letters", replacing("a", "а", "c", "с", "e", "е", "A", "А", "B", "В", "C", "С", "E", "Е", "x", "х", "p", "р")},
	{"cyrillic zero and three", replacing("0", "О", "3", "З")},
	{"letters o and l", replacing("0", "O", "1", "l")},
	{"letter I", replacing("1", "I")},
	{"zero-width space", always(func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") })},
	{"joiner, soft hyphen, mark", always(func(s string) string {
		return mapped(s, func(c rune) string { return string(c) + []string{"\u200d", "\u00ad", "\ufeff", "\u2060"}[c%4] })
	})},
	{"struck through", always(func(s string) string { return mapped(s, func(c rune) string { return string(c) + "\u0336" }) })},
	{"spaces, 4", grouping(" ", 4)}, {"dashes, 4", grouping("-", 4)}, {"dots, 4", grouping(".", 4)}, {"slashes, 4", grouping("/", 4)},
	{"spaces, 3", grouping(" ", 3)}, {"dashes, 3", grouping("-", 3)}, {"dots, 3", grouping(".", 3)}, {"slashes, 3", grouping("/", 3)},
	{"spaces, 2", grouping(" ", 2)}, {"dashes, 2", grouping("-", 2)}, {"dots, 2", grouping(".", 2)}, {"slashes, 2", grouping("/", 2)},
	{"no-break spaces, 4", grouping("\u00a0", 4)}, {"en dashes, 4", grouping("–", 4)},
	{"percent", always(percentAll)},
	{"percent, lower", always(func(s string) string { return strings.ToLower(percentAll(s)) })},
	{"percent twice", always(func(s string) string { return percentAll(percentAll(s)) })},
	{"percent of percent", always(func(s string) string { return strings.ReplaceAll(percentAll(s), "%", "%25") })},
	{"plus for space", always(func(s string) string { return strings.ReplaceAll(s, " ", "+") })},
	{"base64", always(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	{"base64 raw", always(func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) })},
	{"base64url", always(func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) })},
	{"base64 in a query", always(func(s string) string {
		return "https://a.example/?d=" + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "=", "%3D")
	})},
	{"\\u", always(func(s string) string { return mapped(s, func(c rune) string { return fmt.Sprintf("\\u%04x", c) }) })},
	{"&#", always(func(s string) string { return mapped(s, func(c rune) string { return fmt.Sprintf("&#%d;", c) }) })},
}

func TestDisguises(t *testing.T) {
	const cases = 200
	s := newScanner(t)
	r := rand.New(rand.NewSource(1))
	for _, m := range makers {
		for _, d := range disguises {
			found, withheld, tried := 0, 0, 0
			example := ""
			for range cases {
				plain := m.make(r)
				hidden, can := d.hide(m, plain)
				if !can {
					continue
				}
				tried++
				hits := s.Scan([]byte(hidden))
				if hits != 0 {
					withheld++
				}
				if hits.Has(m.class) {
					found++
				} else {
					example = hidden
				}
			}
			if withheld*1000 < tried*995 || m.exact && withheld < tried {
				t.Errorf("%v %s, %s: withheld %d of %d, found %d, e.g. %q", m.class, m.name, d.name, withheld, tried, found, example)
			} else if found < tried {
				t.Logf("%v %s, %s: found %d of %d, all withheld, e.g. %q", m.class, m.name, d.name, found, tried, example)
			}
		}
	}
}
