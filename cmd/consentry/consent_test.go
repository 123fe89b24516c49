// consent_test.go runs the consent verbs against a real redis-server, as a person would.

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	samples "github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/internal/testbed"
)

// counter is a configured deployment with a store and keys.
type counter struct {
	config string
	redis  *testbed.Redis
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "samples"), samples.Files); err != nil {
		t.Fatal(err)
	}
	c := &counter{config: filepath.Join(dir, "samples", "consentry.yaml"), redis: testbed.StartRedis(t)}
	for name, value := range map[string]string{
		"CONSENTRY_KAFKA": nobody, "CONSENTRY_INSTANCE": "0", "CONSENTRY_REDIS": c.redis.Addr,
		"CONSENTRY_REGISTRY_RAW": "http://" + nobody, "CONSENTRY_REGISTRY_PARTNER": "http://" + nobody,
		"CONSENTRY_KEYS": filepath.Join(dir, "keys"), "CONSENTRY_ADMIN": nobody,
	} {
		t.Setenv(name, value)
	}
	c.want(t, 0, "", "keys", "init")
	return c
}

// try runs one command and gives its exit code and what it printed.
func (c *counter) try(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(append(args, "-c", c.config), strings.NewReader(stdin), &o, &e)
	for _, secret := range []string{"2025550123", "202) 555"} {
		if strings.Contains(o.String()+e.String(), secret) {
			t.Errorf("%v printed a subject:\n%s%s", args, o.String(), e.String())
		}
	}
	return code, o.String(), e.String()
}

func (c *counter) want(t *testing.T, code int, stdin string, args ...string) string {
	t.Helper()
	got, out, errs := c.try(t, stdin, args...)
	if got != code {
		t.Fatalf("%v: exit %d, want %d\n%s%s", args, got, code, out, errs)
	}
	return out + errs
}

const who = "+12025550123"

func TestConsentVerbs(t *testing.T) {
	c := newCounter(t)
	pair := []string{"--subject", who, "--partner", "acme-ads", "--purpose", "advertising"}
	grant := append(append([]string{"consent", "grant"}, pair...), "--categories", "location,app_usage", "--linked", "--json")
	withdraw := append(append([]string{"consent", "withdraw"}, pair...), "--json")

	if said := c.want(t, 1, "", append(grant, "--since", "now")...); !strings.Contains(said, "consent accept-epoch") {
		t.Errorf("a store that nobody accepted: %s", said)
	}
	if said := c.want(t, 1, "n\n", "consent", "accept-epoch"); !strings.Contains(said, "not accepted") {
		t.Errorf("no is no: %s", said)
	}
	if said := c.want(t, 0, "y\n", "consent", "accept-epoch"); !strings.Contains(said, "subjects: 0") {
		t.Errorf("accepted: %s", said)
	}
	var made struct {
		At   string  `json:"acknowledged_at"`
		In   *bool   `json:"in_force"`
		Void *string `json:"void"`
	}
	read := func(out string) (time.Time, bool, string) {
		t.Helper()
		if err := json.Unmarshal([]byte(strings.SplitAfter(out, "}")[0]), &made); err != nil || made.In == nil || made.Void == nil {
			t.Fatalf("%q: %v", out, err)
		}
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(made.At) {
			t.Errorf("acknowledged_at %q", made.At)
		}
		at, err := time.Parse(time.RFC3339, made.At)
		if err != nil {
			t.Fatal(err)
		}
		return at, *made.In, *made.Void
	}
	if _, in, void := read(c.want(t, 0, "", append(grant, "--since", "2026-01-01T00:00:00Z")...)); !in || void != "" {
		t.Errorf("grant: %v %q", in, void)
	}
	first, in, _ := read(c.want(t, 0, "", withdraw...))
	if !in {
		t.Error("withdrawal is not in force")
	}
	if _, in, void := read(c.want(t, 1, "", append(grant, "--since", "2026-01-01T00:00:00Z")...)); in || void == "" {
		t.Errorf("an old grant again: %v %q", in, void)
	}
	if at, in, _ := read(c.want(t, 0, "", append(grant, "--since", "now", "--evidence", "E7")...)); !in || at.Before(first) {
		t.Errorf("a new grant: %v at %v", in, at)
	}
	if _, in, _ := read(c.want(t, 0, "", append(withdraw, "--categories", "location")...)); !in {
		t.Error("partial withdrawal")
	}
	var view struct {
		Line     string
		Consents []struct {
			Partner, Purpose, Since, Until, Withdrawn string
			Granted, Linked                           bool
			Categories                                []string
		}
	}
	out := c.want(t, 0, " (202) 555-0123\n", "consent", "get", "--subject", "-", "--json")
	if err := json.Unmarshal([]byte(out), &view); err != nil {
		t.Fatal(err)
	}
	if len(view.Consents) != 1 || !view.Consents[0].Granted || strings.Join(view.Consents[0].Categories, " ") != "app_usage" || view.Consents[0].Withdrawn == "" {
		t.Errorf("%s", out)
	}
	if out := c.want(t, 0, "", "consent", "get", "--subject", who); !strings.Contains(out, "acme-ads/advertising: app_usage, since ") {
		t.Errorf("%s", out)
	}
	c.want(t, 0, who+"\n", "consent", "withdraw-all", "--subject", "-")
	if out := c.want(t, 0, "", "consent", "get", "--subject", who); !strings.HasPrefix(out, "everything withdrawn at ") {
		t.Errorf("%s", out)
	}
	if out := c.want(t, 0, "", "consent", "get", "--subject", "+12025550199"); !strings.Contains(out, "nothing was ever") {
		t.Errorf("%s", out)
	}
}

func TestConsentUsage(t *testing.T) {
	c := newCounter(t)
	full := []string{"consent", "grant", "--subject", who, "--partner", "acme-ads", "--purpose", "advertising", "--categories", "location", "--since", "now"}
	without := func(flag string) []string {
		for i, a := range full {
			if a == flag {
				return append(append([]string{}, full[:i]...), full[i+2:]...)
			}
		}
		t.Fatal(flag)
		return nil
	}
	for _, args := range [][]string{
		{"consent"}, {"consent", "get"}, {"consent", "get", "--subject", who, "--history"}, {"consent", "withdraw-all"}, {"consent", "import"},
		without("--subject"), without("--partner"), without("--purpose"), without("--categories"), without("--since"),
		append(without("--categories"), "--categories", "weather"), append(without("--since"), "--since", "yesterday"),
		append(full, "--until", "never"), append(full, "--until", "2020-01-01T00:00:00Z"), append(without("--subject"), "--subject", "nobody"),
		{"consent", "withdraw", "--subject", who, "--partner", "acme-ads", "--purpose", "advertising", "--categories", ""},
		{"consent", "accept-epoch", "--history"}, {"stop"}, {"stop", "nobody"}, {"consent", "import", "/does/not/exist"},
		{"consent", "verify"}, {"consent", "verify", "--sample", "half"}, {"consent", "rebuild"}, {"consent", "rebuild", "--yes"},
		{"consent", "rebuild", "--from-store"}, {"consent", "forget", "--subject", who}, {"consent", "forget"}, {"consent", "protect"},
	} {
		if args[len(args)-1] == "2020-01-01T00:00:00Z" {
			c.want(t, 0, "y\n", "consent", "accept-epoch") // now must be known for this one
		}
		if said := c.want(t, 2, "", args...); said == "" {
			t.Errorf("%v: silent", args)
		}
	}
	if said := c.want(t, 1, "", append(without("--partner"), "--partner", "nobody")...); !strings.Contains(said, "no such partner; there are: acme-ads, globex, initech") {
		t.Errorf("grant to nobody: %s", said)
	}
	if said := c.want(t, 1, "", append(without("--purpose"), "--purpose", "310260042856080")...); !strings.Contains(said, "such a purpose; there are: advertising, measurement, research") || strings.Contains(said, "31026") {
		t.Errorf("grant for no purpose: %s", said)
	}
	c.want(t, 0, "", "consent", "withdraw", "--subject", who, "--partner", "nobody", "--purpose", "advertising")
}

// A withdrawal under another house key would be acknowledged for a subject that no event has.
func TestConsentWithAnotherKeyFolder(t *testing.T) {
	c := newCounter(t)
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	c.want(t, 0, "", "consent", "withdraw-all", "--subject", who)
	t.Setenv("CONSENTRY_KEYS", filepath.Join(t.TempDir(), "keys"))
	c.want(t, 0, "", "keys", "init")
	for _, args := range [][]string{
		{"withdraw-all", "--subject", who}, {"get", "--subject", who}, {"import", "-"}, {"accept-epoch", "--yes", "--import", "-"},
	} {
		if said := c.want(t, 1, importFile, append([]string{"consent"}, args...)...); !strings.Contains(said, "is not the one that was here first") {
			t.Errorf("%v: %s", args, said)
		}
	}
	c.want(t, 2, "", "consent", "accept-epoch", "--yes", "--import", "/does/not/exist")
	c.want(t, 2, importFile, "consent", "accept-epoch", "--import", "-")
	c.want(t, 1, "no header\n", "consent", "accept-epoch", "--yes", "--import", "-")
	if said := c.want(t, 0, "y\n", "consent", "accept-epoch"); !strings.Contains(said, "the store is open, epoch ") ||
		strings.Contains(said, "is not open") {
		t.Errorf("a slip closed the store: %s", said)
	}
}

const importFile = `action,subject,partner,purpose,categories,linked,since,until,evidence
grant,+12025550123,acme-ads,advertising,location app_usage,true,2026-01-01T00:00:00Z,,E1
grant,+12025550124,acme-ads,advertising,location,false,2026-01-01T00:00:00Z,2098-01-01T00:00:00Z,
withdraw,+12025550124,acme-ads,advertising,,false,2025-06-01T00:00:00Z,,
withdraw-all,+12025550125,,,,,2026-02-01T00:00:00Z,,
grant,+12025550125,acme-ads,advertising,location,false,2026-01-15T00:00:00Z,,
`

func TestConsentImport(t *testing.T) {
	c := newCounter(t)
	file := filepath.Join(t.TempDir(), "consents.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(importFile)
	c.want(t, 1, "", "consent", "import", file) // not open
	out := c.want(t, 0, "", "consent", "accept-epoch", "--import", file, "--history", "--yes")
	for _, want := range []string{"line 4: note: a later grant stands", "line 6: void: it was given no later than the last withdrawal", "made 4, void 1, refused 0", "the store is open, epoch "} {
		if !strings.Contains(out, want) {
			t.Errorf("not said: %s; but\n%s", want, out)
		}
	}
	get := func(subject string) string { return c.want(t, 0, "", "consent", "get", "--subject", subject) }
	before := get("+12025550124")
	if out := c.want(t, 0, importFile, "consent", "import", "-", "--history"); !strings.Contains(out, "void 1, refused 0") {
		t.Errorf("the same file again: %s", out)
	}
	if after := get("+12025550124"); after != before {
		t.Errorf("the same file again changed\n%sto\n%s", before, after)
	}
	// The same file when it is no history: the withdrawal counts now.
	c.want(t, 0, "", "consent", "import", file)
	if after := get("+12025550124"); !strings.Contains(after, ": withdrawn ") {
		t.Errorf("withdrawn now: %s", after)
	}
	bad := importFile + "grant,+12025550123,acme-ads,advertising,location,true,,,\nwithdraw,2025550123x,acme-ads,advertising,,,,,\n"
	write(bad)
	if out := c.want(t, 1, "", "consent", "import", file); !strings.Contains(out, "line 7: refused: a grant must state") || !strings.Contains(out, "line 8: refused: the subject") {
		t.Errorf("%s", out)
	}
	if out := c.want(t, 1, "", "consent", "accept-epoch", "--yes", "--import", file); !strings.Contains(out, "stays closed") {
		t.Errorf("a withdrawal that was refused: %s", out)
	}
	c.want(t, 1, "", "consent", "withdraw-all", "--subject", who)
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	c.want(t, 0, "", "consent", "withdraw-all", "--subject", who)
}

func TestStopVerbs(t *testing.T) {
	c := newCounter(t)
	c.want(t, 1, "", "stop", "acme-ads")
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	if out := c.want(t, 0, "", "stop", "acme-ads", "--reason", "under review"); !strings.HasPrefix(out, "acme-ads stopped at ") {
		t.Errorf("%s", out)
	}
	if out := c.want(t, 0, "", "consent", "accept-epoch", "--yes"); !strings.Contains(out, "stopped partners: acme-ads") {
		t.Errorf("%s", out)
	}
	c.want(t, 0, "", "resume", "acme-ads")
	if out := c.want(t, 0, "", "consent", "accept-epoch", "--yes"); !strings.Contains(out, "stopped partners: none") {
		t.Errorf("%s", out)
	}
	if err := c.redis.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"consent", "get", "--subject", who}, {"consent", "withdraw-all", "--subject", who}, {"consent", "accept-epoch"}, {"stop", "acme-ads"},
	} {
		if out := c.want(t, 1, "", args...); !strings.Contains(out, "redis_unreachable") || !strings.Contains(out, "redis.url is redis://"+c.redis.Addr) {
			t.Errorf("%v: %s", args, out)
		}
	}
	for _, args := range [][]string{{"topics", "plan"}, {"topics", "create"}, {"offsets", "init", "--at", "end"}} {
		if out := c.want(t, 1, "", args...); !strings.Contains(out, "broker_unreachable") || !strings.Contains(out, "kafka.brokers is "+nobody) {
			t.Errorf("%v: %s", args, out)
		}
	}
}
