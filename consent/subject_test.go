// Subjects: the forms, the oracle for telephone numbers, and the keyed name.

package consent

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestCanonical(t *testing.T) {
	cases := []struct{ kind, form, region, in, want string }{
		{MSISDN, E164, "US", "+12025550123", "+12025550123"},
		{MSISDN, "", "US", "+12025550123", "+12025550123"},
		{MSISDN, E164, "US", "+1234567", "+1234567"},
		{MSISDN, E164, "US", "+123456789012345", "+123456789012345"},
		{MSISDN, E164, "US", "+123456", ""},
		{MSISDN, E164, "US", "+1234567890123456", ""},
		{MSISDN, E164, "US", "12025550123", ""},
		{MSISDN, E164, "US", "+1202555012x", ""},
		{MSISDN, E164, "US", "+1 202 555 0123", ""},
		{MSISDN, E164, "US", "+", ""},
		{MSISDN, E164, "US", "", ""},
		{MSISDN, E164, "US", "+12025550123 ", ""},
		{MSISDN, E164, "US", "+１２０２５５５０１２３", ""},
		{MSISDN, Digits, "US", "12025550123", "+12025550123"},
		{MSISDN, Digits, "US", "+12025550123", ""},
		{MSISDN, Digits, "US", "123456", ""},
		{MSISDN, Digits, "US", "1234567890123456", ""},
		{MSISDN, National, "US", "2025550123", "+12025550123"},
		{MSISDN, National, "US", "12025550123", "+12025550123"},
		{MSISDN, National, "US", "22025550123", ""},
		{MSISDN, National, "US", "202555012", ""},
		{MSISDN, National, "US", "112025550123", ""},
		{MSISDN, National, "US", "+12025550123", ""},
		{MSISDN, National, "DE", "01711234567", "+491711234567"},
		{MSISDN, National, "DE", "4917112345678", ""}, // the library takes it for another person's number
		{MSISDN, National, "DE", "0", ""},
		{MSISDN, National, "IT", "0612345678", "+390612345678"},
		{MSISDN, National, "ES", "612345678", "+34612345678"},
		{MSISDN, National, "HU", "06201234567", "+36201234567"},
		{MSISDN, National, "XX", "2025550123", ""},
		{MSISDN, "other", "US", "2025550123", ""},
		{IMSI, "", "", "310150123456789", "310150123456789"},
		{IMSI, "", "", "310150", "310150"},
		{IMSI, "", "", "31015", ""},
		{IMSI, "", "", "3101501234567890", ""},
		{IMSI, "", "", "31015012345678a", ""},
		{Opaque, "", "", "any thing/\x00", "any thing/\x00"},
		{Opaque, "", "", strings.Repeat("o", 64), strings.Repeat("o", 64)},
		{Opaque, "", "", strings.Repeat("o", 65), ""},
		{Opaque, "", "", "", ""},
		{"", "", "", "+12025550123", ""},
	}
	for _, c := range cases {
		got, ok := Canonical([]byte("before"), c.kind, c.form, c.region, []byte(c.in))
		if ok != (c.want != "") || string(got) != "before"+c.want {
			t.Errorf("%s %s %s %q: %q %v", c.kind, c.form, c.region, c.in, got, ok)
		}
	}
}

// Each region's example numbers, written as people write them there, come out as the library has them.
func TestNationalAgainstTheLibrary(t *testing.T) {
	for _, r := range rules {
		if !KnownRegion(r.region) || len(r.region) != 2 {
			t.Errorf("%q", r.region)
		}
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
			n := phonenumbers.GetExampleNumberForType(r.region, kind)
			if n == nil {
				t.Errorf("%s has no example", r.region)
				continue
			}
			want := phonenumbers.Format(n, phonenumbers.E164)
			typed := r.trunk + phonenumbers.GetNationalSignificantNumber(n)
			got, ok := Canonical(nil, MSISDN, National, r.region, []byte(typed))
			if !ok || string(got) != want {
				t.Errorf("%s %s: %q, the library has %q", r.region, typed, got, want)
			}
			back, err := phonenumbers.Parse(typed, r.region)
			if err != nil || phonenumbers.Format(back, phonenumbers.E164) != want {
				t.Errorf("%s %s: the library reads it otherwise", r.region, typed)
			}
		}
	}
	if KnownRegion("us") || KnownRegion("") {
		t.Error("a region that is none")
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte("+12025550123"), byte(0))
	f.Add([]byte("01711234567"), byte(9))
	f.Fuzz(func(t *testing.T, v []byte, pick byte) {
		region := rules[int(pick)%len(rules)].region
		for _, form := range []string{E164, Digits, National} {
			got, ok := Canonical(nil, MSISDN, form, region, v)
			if !ok {
				if len(got) != 0 {
					t.Fatal("something was appended")
				}
				continue
			}
			again, ok := Canonical(nil, MSISDN, E164, region, got)
			if !ok || !bytes.Equal(again, got) {
				t.Fatalf("%q is not E.164", got)
			}
		}
	})
}

func TestNamer(t *testing.T) {
	house := []byte("a house key of thirty-two bytes!")
	mac := hmac.New(sha256.New, house)
	mac.Write([]byte("msisdn+12025550123"))
	want := mac.Sum(nil)[:16]
	n := NewNamer(house)
	n.ID(IMSI, []byte("310150123456789"))
	id := n.ID(MSISDN, []byte("+12025550123"))
	if !bytes.Equal(id[:], want) || NewID(house, MSISDN, []byte("+12025550123")) != id {
		t.Error("not the HMAC of the design")
	}
	if id.String() != base64.RawURLEncoding.EncodeToString(want) || len(id.String()) != IDText {
		t.Error("not base64url")
	}
	if id.Shard() != int(want[0])/4 || (ID{0xff}).Shard() != 63 || (ID{3}).Shard() != 0 {
		t.Error("not the first six bits")
	}
	key := "consentry:{" + string([]byte{byte('0' + id.Shard()/10), byte('0' + id.Shard()%10)}) + "}:17:" + id.String()
	if lineKey(17, id) != key {
		t.Errorf("%s, want %s", lineKey(17, id), key)
	}
}

func TestSubjectsAllocateNothing(t *testing.T) {
	n := NewNamer([]byte("k"))
	canonical, text := make([]byte, 0, 64), make([]byte, 0, 64)
	raw := []byte("2025550123")
	allocs := testing.AllocsPerRun(100, func() {
		c, ok := Canonical(canonical[:0], MSISDN, National, "US", raw)
		if !ok {
			t.Fatal("no subject")
		}
		text = n.ID(MSISDN, c).Append(text[:0])
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
