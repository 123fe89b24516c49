package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/consentry/consentry/policy"
)

// TestSecretDoesNotPrint tries every usual road out.
func TestSecretDoesNotPrint(t *testing.T) {
	c := Config{Redis: Redis{Password: NewSecret("hunter2")}, Kafka: Kafka{SASL: &SASL{Password: NewSecret("hunter2")}}}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %v", c, c, c, c.Redis.Password, c.Redis.Password, c.Redis.Password, c.Kafka.SASL) + string(raw)
	for _, secret := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(all, secret) {
			t.Errorf("the secret is in: %s", all)
		}
	}
	if c.Redis.Password.Reveal() != "hunter2" {
		t.Error("Reveal does not")
	}
}

// TestRedact: what came by reference is taken out of messages made elsewhere.
func TestRedact(t *testing.T) {
	f := newFiles()
	at := policy.Pos{File: "a.yaml", Line: 3, Column: 9}
	f.resolved = []resolved{{at, "abc"}, {at, "long-value"}, {at, ""}}
	for _, c := range []struct {
		line      int
		msg, want string
	}{
		{3, `"abc" is not a level`, `"[redacted]" is not a level`},
		{4, `"abc" is not a level`, `"abc" is not a level`},
		{4, `"long-value" is not a level`, `"[redacted]" is not a level`},
	} {
		got := f.Redact(policy.Problem{Pos: policy.Pos{File: "a.yaml", Line: c.line, Column: 1}, Message: c.msg})
		if got.Message != c.want {
			t.Errorf("line %d: got %s, want %s", c.line, got.Message, c.want)
		}
	}
}

// TestPrintWithoutText: a problem of package policy may have a place that no file has.
func TestPrintWithoutText(t *testing.T) {
	f := newFiles()
	f.add("a.yaml", []byte("x: 1\n"))
	var b bytes.Buffer
	f.Print(&b, []policy.Problem{
		{Pos: policy.Pos{File: "a.yaml", Line: 9, Column: 9}, Message: "beyond the end"},
		{Pos: policy.Pos{File: "b.yaml", Line: 1, Column: 1}, Message: "never read"},
		{Message: "nowhere"},
		{Pos: policy.Pos{File: "a.yaml", Line: 1, Column: 80}, Message: "right of the line"},
	})
	want := "a.yaml:9:9: beyond the end\nb.yaml:1:1: never read\nnowhere\na.yaml:1:80: right of the line\n    x: 1\n        ^\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}
