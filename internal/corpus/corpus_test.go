package corpus

// The corpus is only worth something if it is the same for everybody and its numbers are right: the check digits are held
// against published examples.

import (
	"reflect"
	"testing"
)

func TestTheSameForEverybody(t *testing.T) {
	data, err := DataFolder(".")
	if err != nil {
		t.Fatal(err)
	}
	first, err := Plain(data)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Plain(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Error("two runs make two corpora")
	}
	distinct := map[string]bool{}
	for _, c := range first {
		distinct[c.Class+c.Text] = true
	}
	if len(distinct) < len(first)*9/10 {
		t.Errorf("%d of %d cases are distinct", len(distinct), len(first))
	}
}

func TestCheckDigitsOfPublishedExamples(t *testing.T) {
	for body, want := range map[string]string{"7992739871": "3", "49015420323751": "8", "411111111111111": "1"} {
		if got := luhn(body); got != want {
			t.Errorf("Luhn of %s is %s, not %s", body, got, want)
		}
	}
	for iban, want := range map[string]string{"GB WEST12345698765432": "82", "DE 370400440532013000": "89"} {
		if got := ibanCheck(iban[:2], iban[3:]); got != want {
			t.Errorf("the check digits of %s are %s, not %s", iban, got, want)
		}
	}
	if got := weighted("4405140145", 1, 3, 7, 9, 1, 3, 7, 9, 1, 3); (10-got%10)%10 != 8 {
		t.Errorf("PESEL 4405140145 has the sum %d", got)
	}
}

func TestEveryWayHidesSomething(t *testing.T) {
	hidden := map[string]bool{}
	for _, c := range []Case{{Text: "+12025550123", Class: "phone", bare: true}, {Text: "ann.lee@example.org", Class: "email"}} {
		for _, h := range Obfuscate(c) {
			hidden[h.Obfuscation] = true
		}
	}
	for _, o := range Obfuscations {
		if !hidden[o.Name] && o.Name != "small letters" {
			t.Errorf("%s hides neither a number nor an address", o.Name)
		}
	}
}
