package consent

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The published schema and the reader agree, so that who writes by the one is taken by the other.
func TestIntakeSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../docs/consent-intake.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		record string
		good   bool
	}{
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location"],"linked":true,"since":"2026-11-22T10:00:00Z","until":"","evidence":"CRM-1"}`, true},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location"],"since":"2026-11-22T10:00:00+01:00"}`, true},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location"]}`, false},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":[],"since":"2026-11-22T10:00:00Z"}`, false},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["shoe size"],"since":"2026-11-22T10:00:00Z"}`, false},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location","location"],"since":"2026-11-22T10:00:00Z"}`, false},
		{`{"action":"grant","subject":"+12025550123","partner":"ACME","purpose":"advertising","categories":["location"],"since":"2026-11-22T10:00:00Z"}`, false},
		{`{"action":"grant","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location"],"since":"yesterday"}`, false},
		{`{"action":"withdraw","subject":"+12025550123","partner":"acme-ads","purpose":"advertising"}`, true},
		{`{"action":"withdraw","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","categories":["location"],"linked":true,"since":"2026-11-22T10:00:00Z"}`, true},
		{`{"action":"withdraw","subject":"+12025550123","partner":"acme-ads","purpose":"advertising","until":"2026-11-22T10:00:00Z"}`, false},
		{`{"action":"withdraw","subject":"+12025550123","partner":"acme-ads"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","evidence":"letter"}`, true},
		{`{"action":"withdraw-all","subject":"+12025550123","evidence":"Brief vom 20. März, № 7"}`, true},
		{`{"action":"withdraw-all","subject":"+12025550123","evidence":"a\nb"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","evidence":"a\u0085b"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","evidence":"a\u2066b"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","linked":false}`, true},
		{`{"action":"withdraw-all","subject":"+12025550123","linked":true}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","partner":"acme-ads"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","categories":["location"]}`, false},
		{`{"action":"forget","subject":"+12025550123"}`, false},
		{`{"action":"withdraw-all","subject":"+12025550123","name":"Ann"}`, false},
		{`{"action":"withdraw-all","subject":12025550123}`, false},
		{`["withdraw-all"]`, false},
	} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(x.record)))
		if err != nil {
			t.Fatal(err)
		}
		_, read := DecodeIntake([]byte(x.record))
		if written := schema.Validate(doc); (read == nil) != x.good || (written == nil) != x.good {
			t.Errorf("%s: the reader says %v, the schema %v", x.record, read, written)
		}
	}
}
