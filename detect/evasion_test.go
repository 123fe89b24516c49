package detect

// Values written so as to slip past the scan: each of these once did.

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestEvasions(t *testing.T) {
	s := newScanner(t)
	b64 := func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }
	const mail, card, uuid = "john.doe@example.com", "4111111111111111", "123e4567-e89b-12d3-a456-426614174000"
	for _, c := range []struct {
		class Class
		text  string
	}{
		// cut in the middle of a character, or with bytes that are no character
		{Email, mail + "\xe2\x82"}, {Email, "\xf0\x9f" + mail}, {Email, mail + "%E2%82"}, {Email, mail + "\ufffd"}, {NameLine, "John\xff Smith"},
		{StreetAddress, "\x80123 Main Street\x80"}, {Phone, "415\xff555\xfe2671"},
		// beside other characters
		{Email, "x_" + mail + "_y"}, {Card, "a" + card}, {Card, card + "d25121010000"}, {Card, "f" + card}, {Card, "%B" + card + "^DOE"},
		{UUID, "x" + uuid}, {UUID, uuid + "x"}, {UUID, "1" + uuid + "2"}, {Digest, "0xd41d8cd98f00b204e9800998ecf8427e"},
		{Digest, "0x52908400098527886E0F7030069857D2E4169EE7"}, {MAC, "001A2B-3C4D5E"},
		// other signs for brackets, at and dot
		{Phone, "[415] 555-2671"}, {Phone, "{415} 555 2671"}, {IP, "192[.]168[.]1[.]1"}, {IP, "192(.)168(.)1(.)1"}, {IP, "192[dot]168[dot]1[dot]1"},
		{Email, "jane [ at ] example [ dot ] com"}, {Email, "jane( at )example( dot )com"}, {Email, "jane{at}example{dot}com"}, {IP, "192 dot 168 dot 1 dot 1"},
		{Email, "jane&commat;example&period;com"},
		// names behind a label, and with a comma in the wrong place
		{NameLine, "name: John Smith"}, {NameLine, "name=John Smith"}, {NameLine, "John, Smith"},
		// latitude and longitude apart
		{Coordinates, `{"lat":40.7128,"accuracy":5,"lng":-74.0060}`}, {Coordinates, "lat:40.7128 alt:12.5 lon:-74.0060"}, {Coordinates, "lat=40.7128&zoom=12.5&lng=-74.0060"},
		// base64 in other words
		{Email, "id_" + b64(mail)}, {Email, "user-" + b64(mail) + "-x"}, {Email, "a_b_" + b64(mail)}, {Email, "x" + b64(mail)}, {Email, "xy" + b64(mail)}, {Email, "xyz" + b64(mail)},
		{Phone, b64("+14155552671") + "zz"}, {Card, "k_" + b64(card)}, {Phone, strings.Repeat("lorem ", 10) + "v-" + b64("415-555-2671")},
	} {
		if got := s.Scan([]byte(c.text)); got == 0 {
			t.Errorf("%s: %q passes", c.class, c.text)
		} else if !got.Has(c.class) {
			t.Errorf("%s: %q is taken for %s", c.class, c.text, got)
		}
	}
	for _, clean := range []string{
		"polka dot dress", "at the dot com boom", "[a] (b) {c}", "[1] 2. 3", "a[.]b", "colour 0xff00ff", "0x1234", "list (1) (2) (3)", "a: b, c", "New York: Boston",
		"lat 40 long 74", "{\"lat\":\"x\"}", "something-something_else", "the-quick-brown-fox-jumps-over-the-lazy-dog", "caf\xe9 au lait",
	} {
		if got := s.Scan([]byte(clean)); got != 0 {
			t.Errorf("%q is taken for %s", clean, got)
		}
	}
}
