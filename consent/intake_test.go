package consent

import (
	"reflect"
	"strings"
	"testing"
)

func TestDecodeIntake(t *testing.T) {
	in, err := DecodeIntake([]byte(`{"action":"grant","subject":"+12025550123","partner":"acme","purpose":"advertising",` +
		`"categories":["location","search"],"linked":true,"since":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00+00:00","evidence":"E-1"}`))
	want := Intake{Subject: "+12025550123", Evidence: "E-1", Change: Change{Action: ActGrant, Partner: "acme", Purpose: "advertising",
		Categories: []string{"location", "search"}, Linked: true, AtMS: 1767225600000, Stated: true, UntilMS: 1798761600000, Ends: true}}
	if err != nil || !reflect.DeepEqual(in, want) {
		t.Errorf("%+v, %v", in, err)
	}
	r := in.Request(ID{1}, [16]byte{2})
	back, err := DecodeRequest(r.Shard(), r.Key(), r.Value())
	if err != nil || !reflect.DeepEqual(back.Change, in.Change) || back.Evidence != "E-1" || back.Kind != AskGrant {
		t.Errorf("as a request: %+v, %v", back, err)
	}
	for _, good := range []string{
		`{"action":"withdraw-all","subject":"+12025550123"}`,
		`{"action":"withdraw","subject":"x","partner":"acme","purpose":"advertising","linked":false}`,
		`{"action":"withdraw","subject":"x","partner":"acme","purpose":"advertising","categories":["location"],"since":"2026-01-01T00:00:00Z"}`,
	} {
		if in, err := DecodeIntake([]byte(good)); err != nil || in.Change.History {
			t.Errorf("%s: %v", good, err)
		}
	}
	grant := `{"action":"grant","subject":"x","partner":"acme","purpose":"advertising","categories":["location"],"since":"2026-01-01T00:00:00Z"}`
	if _, err := DecodeIntake([]byte(grant)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"nothing":                        ``,
		"no object":                      `[]`,
		"null":                           `null`,
		"cut":                            grant[:len(grant)-1],
		"two objects":                    grant + grant,
		"unknown field":                  strings.Replace(grant, `"since"`, `"sinse":1,"since"`, 1),
		"fields in capitals":             strings.Replace(grant, `"action"`, `"Action"`, 1),
		"a field in capitals beside it":  strings.Replace(grant, `"subject"`, `"SUBJECT":"y","subject"`, 1),
		"no action":                      strings.Replace(grant, `"grant"`, `""`, 1),
		"unknown action":                 strings.Replace(grant, `"grant"`, `"protect"`, 1),
		"no since":                       strings.Replace(grant, `,"since":"2026-01-01T00:00:00Z"`, ``, 1),
		"since is now":                   strings.Replace(grant, `2026-01-01T00:00:00Z`, `now`, 1),
		"no category":                    strings.Replace(grant, `"location"`, ``, 1),
		"unknown category":               strings.Replace(grant, `location`, `place`, 1),
		"partner is no name":             strings.Replace(grant, `acme`, `Acme Inc`, 1),
		"until before since":             strings.Replace(grant, `"since"`, `"until":"2025-01-01T00:00:00Z","since"`, 1),
		"withdrawal with until":          `{"action":"withdraw","subject":"x","partner":"acme","purpose":"advertising","until":"2026-01-01T00:00:00Z"}`,
		"withdrawal of all with more":    `{"action":"withdraw-all","subject":"x","partner":"acme"}`,
		"evidence too long":              strings.Replace(grant, `"since"`, `"evidence":"`+strings.Repeat("e", 129)+`","since"`, 1),
		"evidence with a line break":     strings.Replace(grant, `"since"`, `"evidence":"a\nb","since"`, 1),
		"evidence that steers terminals": strings.Replace(grant, `"since"`, `"evidence":"a\u009bb","since"`, 1),
		"evidence turned around":         strings.Replace(grant, `"since"`, `"evidence":"a\u202eb","since"`, 1),
		"evidence that is not seen":      strings.Replace(grant, `"since"`, `"evidence":"a\u200bb","since"`, 1),
		"not UTF-8":                      strings.Replace(grant, `"x"`, "\"\xff\"", 1),
		"too large":                      strings.Replace(grant, `"x"`, `"`+strings.Repeat("x", maxIntake)+`"`, 1),
	} {
		in, err := DecodeIntake([]byte(bad))
		if err == nil || !reflect.DeepEqual(in, Intake{}) {
			t.Errorf("%s was read as %+v", name, in)
		}
		if err != nil && strings.Contains(err.Error(), "acme") {
			t.Errorf("%s: the error quotes: %v", name, err)
		}
	}
}

// FuzzDecodeIntake: whatever comes, what is read becomes a request that owners can read.
func FuzzDecodeIntake(f *testing.F) {
	f.Add([]byte(`{"action":"grant","subject":"+1","partner":"a","purpose":"b","categories":["location"],"since":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"action":"withdraw-all","subject":"x","evidence":"e"}`))
	f.Add([]byte(`{"Action":"withdraw","subject":"x","partner":"a","purpose":"b","linked":true,"since":"1970-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		in, err := DecodeIntake(value)
		if err != nil {
			return
		}
		r := in.Request(ID{1}, [16]byte{2})
		if _, err := DecodeRequest(r.Shard(), r.Key(), r.Value()); err != nil {
			t.Errorf("%q became a request that nobody can read", value)
		}
	})
}
