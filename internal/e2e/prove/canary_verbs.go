package main

// What a person does at the command line, and does wrong: subjects where they do not belong, bad files, secrets in the
// wrong place. All that the verbs say is kept and searched.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
)

// talk runs verbs and keeps what they say.
type talk struct {
	h     *house.House
	lines []spoken
}

type spoken struct {
	command string // without what is marked in it
	said    []byte
}

// verbBound is longer than any verb of these takes.
const verbBound = 20 * time.Second

// run runs one verb; its exit code is not looked at, want is: 0 that it must be 0, 1 that it must not, -1 either.
func (t *talk) run(ctx context.Context, want int, name, stdin string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, verbBound)
	defer cancel()
	said, code, err := t.h.Said(ctx, stdin, nil, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.lines = append(t.lines, spoken{name, said})
	if want == 0 && code != 0 || want == 1 && code == 0 {
		return fmt.Errorf("%s: exit %d; it said:\n%s", name, code, said)
	}
	return nil
}

// prepare brings the consents of a batch in.
func (t *talk) prepare(ctx context.Context, p *script) error {
	file := filepath.Join(t.h.Dir, "consents.csv")
	if err := p.consents(file); err != nil {
		return err
	}
	if err := t.run(ctx, 0, "consent import", "", "consent", "import", file); err != nil {
		return err
	}
	for _, who := range p.withdrawn {
		if err := t.run(ctx, 0, "consent withdraw-all", who, "consent", "withdraw-all", "--subject", "-", "--json"); err != nil {
			return err
		}
	}
	return nil
}

// subjects are typed where they do and do not belong.
func (t *talk) subjects(ctx context.Context, p *script) error {
	who, pair := p.agreed[0], []string{"--partner", "acme-ads", "--purpose", "advertising"}
	grant := append([]string{"consent", "grant", "--categories", "location", "--since", "now"}, pair...)
	with := func(base []string, more ...string) []string { return append(append([]string{}, base...), more...) }
	for _, c := range []struct {
		name string
		want int
		args []string
	}{
		{"consent get", 0, []string{"consent", "get", "--subject", who}},
		{"consent get --json", 0, []string{"consent", "get", "--subject", who, "--json"}},
		{"consent grant", 0, with(grant, "--subject", who, "--linked", "--evidence", p.put(classNamed("email"), "evidence"))},
		{"consent grant with a subject as partner", 1, []string{"consent", "grant", "--subject", who, "--partner", who, "--purpose", "advertising", "--categories", "location", "--since", "now"}},
		{"consent grant with a subject as purpose", 1, []string{"consent", "grant", "--subject", who, "--partner", "acme-ads", "--purpose", who, "--categories", "location", "--since", "now"}},
		{"consent grant with a subject as category", 1, with(grant, "--subject", who, "--categories", who)},
		{"consent grant with a subject as time", 1, with(grant, "--subject", who, "--since", who)},
		{"consent grant with a subject as end", 1, with(grant, "--subject", who, "--until", who)},
		{"consent grant, subject as an argument", 1, with(grant, who)},
		{"consent withdraw with a subject as category", 1, with([]string{"consent", "withdraw", "--subject", who, "--categories", who}, pair...)},
		{"consent get, subject as an argument", 1, []string{"consent", "get", who}},
		{"consent withdraw-all, subject as an argument", 1, []string{"consent", "withdraw-all", who}},
		{"consent, subject as a verb", 1, []string{"consent", who}},
		{"subject as a verb", 1, []string{who}},
		{"a flag that takes no value", 1, with(grant, "--subject", who, "--linked="+who)},
		{"a flag of one letter that is none", 1, []string{"consent", "get", "-s" + who}},
		{"a flag that is none", 1, []string{"consent", "get", "--sbject=" + who}},
		{"a flag that is the subject", 1, []string{"consent", "get", "--" + who}},
		{"import with two files", 1, []string{"consent", "import", who, who}},
		{"a number flag", 1, []string{"simulate", "--events", who + "x"}},
		{"run with a role", 1, []string{"run", "--role", who}},
		{"run with an argument", 1, []string{"run", who}},
		{"stop", 1, []string{"stop", who}},
		{"explain with a bad time", 1, []string{"explain", "--source", "search", "--at", who, "-"}},
		{"explain with a bad grant", 1, []string{"explain", "--source", "search", "--grant", who, "-"}},
		{"explain of a source that is none", 1, []string{"explain", "--source", who, "-"}},
		{"explain with a pair that is none", 1, []string{"explain", "--source", "search", "--grant", who[1:] + "/" + who[1:] + ":search", "-"}},
		{"resume", -1, []string{"resume", who}},
		{"schema show", 1, []string{"schema", "show", who}},
		{"schema publish", 1, []string{"schema", "publish", who}},
		{"topics plan", 1, []string{"topics", "plan", who}},
		{"offsets init with a subject as time", 1, []string{"offsets", "init", "--at", who}},
		{"offsets init with a subject as partner", 1, []string{"offsets", "init", "--at", "end", "--partner", who}},
		{"offsets init with a subject as topic", 1, []string{"offsets", "init", "--at", "end", "--overwrite", "--topic", who}},
		{"keys list", 1, []string{"keys", "list", who}},
		{"import of a file that is none", 1, []string{"consent", "import", who}},
		{"explain of a file that is none", 1, []string{"explain", "--source", "search", who}},
		{"explain with two files", 1, []string{"explain", "--source", "search", who, who}},
	} {
		if err := t.run(ctx, c.want, c.name, "", c.args...); err != nil {
			return err
		}
	}
	for i := range classes {
		bad := p.put(i, "--subject")
		for _, args := range [][]string{{"consent", "get"}, with(grant), {"consent", "withdraw-all"}} {
			if i%3 > 0 && args[1] != "get" { // processes are slow to start
				continue
			}
			if err := t.run(ctx, -1, strings.Join(args[:2], " ")+" with a subject that is none", bad+"\n", with(args, "--subject", "-")...); err != nil {
				return err
			}
		}
	}
	return nil
}

// imports reads files of which hardly a row is right.
func (t *talk) imports(ctx context.Context, p *script) error {
	var b strings.Builder
	b.WriteString("action,subject,partner,purpose,categories,linked,since,until,evidence\n")
	good := []string{"grant", p.agreed[0], "acme-ads", "advertising", "location", "true", "2026-01-01T00:00:00Z", "", "E1"}
	for column := range good {
		for i := range classes {
			row := append([]string{}, good...)
			row[column] = p.put(i, "import column "+fmt.Sprint(column))
			if i%2 == 0 {
				row[column] = `"` + row[column] + `"`
			}
			b.WriteString(strings.Join(row, ",") + "\n")
		}
	}
	for i := range classes {
		v := p.put(i, "import line")
		b.WriteString(v + "\n" + `grant,"` + v + "\n" + v + `",x,` + strings.Repeat(v+",", 12) + "\n")
	}
	if err := t.run(ctx, 1, "consent import of bad rows", b.String(), "consent", "import", "-"); err != nil {
		return err
	}
	if err := t.run(ctx, -1, "consent import --history of bad rows", b.String(), "consent", "import", "--history", "-"); err != nil {
		return err
	}
	return t.run(ctx, 1, "consent import of a bad header", p.put(classNamed("email"), "import header")+"\n", "consent", "import", "-")
}

// explains asks about the batch's own events, among them those that nobody can read.
func (t *talk) explains(ctx context.Context, p *script, most int) error {
	step := max(1, len(p.records)/most)
	for i := 0; i < len(p.records); i += step {
		r := p.records[i]
		args := []string{"explain", "--source", strings.TrimPrefix(r.Topic, "raw."), "--grant", "acme-ads/advertising!:location,app_usage",
			"--grant", "globex/measurement!:browsing,search", "--grant", "initech/research!:location", "-"}
		if r.Topic != "raw.search" && i/step%4 > 0 { // the fourth has bytes for JSON
			args = append(args, "--binary")
		}
		if i/step%2 == 0 {
			args = append(args, "--json")
		}
		if err := t.run(ctx, -1, "explain", string(r.Value), args...); err != nil {
			return err
		}
	}
	for topic, v := range p.values {
		args := []string{"explain", "--source", strings.TrimPrefix(topic, "raw."), "--live", "-"}
		if topic != "raw.search" {
			args = append(args, "--binary")
		}
		if err := t.run(ctx, 0, "explain --live", string(v), args...); err != nil {
			return err
		}
	}
	return nil
}

// secretVariable is the variable of the environment that holds a marked secret.
const secretVariable = "CONSENTRY_MARKED_SECRET"

// secrets puts a secret into configurations that are refused, and into some that cannot connect.
func (t *talk) secrets(ctx context.Context, secret string) error {
	ref := "${env:" + secretVariable + "}"
	redis := `redis: {url: "redis://${env:CONSENTRY_REDIS}/0"}`
	for i, c := range []struct {
		verb     string
		want     int
		old, new string
	}{
		{"check", 1, redis, `redis: {url: "redis://u:` + secret + `@127.0.0.1:6379/0"}`},
		{"check", 1, redis, `redis: {url: "redis://u:` + ref + `@127.0.0.1:6379/0"}`},
		{"check", 1, redis, `redis: {url: "redis://127.0.0.1:6379/0", password: ` + secret + `}`},
		{"check", 1, redis, `redis: {url: "redis://127.0.0.1:6379/0", password: "` + secret},
		{"check", 1, redis, `redis: {url: "` + ref + `"}`},
		{"check", 1, redis, `redis: {url: "redis://127.0.0.1:6379/0", passwort: "` + ref + `"}`},
		{"check", 1, redis, `redis: {url: "redis://127.0.0.1:6379/0", password: ["` + ref + `"]}`},
		{"check", 1, "instance: ${env:CONSENTRY_INSTANCE}", "instance: " + ref},
		{"check", 1, "every: 250ms", "every: " + ref},
		{"check", 1, "records: 20000", "records: " + ref},
		{"check", 1, `admin: "${env:CONSENTRY_ADMIN}"`, `admin: "` + ref + `"`},
		{"check", 1, "environment: test", "environment: " + ref + "/"},
		{"check", 1, `url: "${env:CONSENTRY_REGISTRY_RAW}"`, `url: "http://u:` + ref + `@127.0.0.1:1"`},
		{"check", 1, `url: "${env:CONSENTRY_REGISTRY_RAW}"`, `url: "` + ref + `"`},
		{"check", 1, "lanes: 2", `sasl: {mechanism: PLAIN, username: u, password: "` + secret + `"}`},
		{"check", 1, "lanes: 2", `sasl: {mechanism: "` + ref + `", username: u, password: "` + ref + `"}`},
		{"consent get --subject +16125550123", 1, redis, `redis: {url: "redis://${env:CONSENTRY_REDIS}/0", username: u, password: "` + ref + `"}`},
		{"preflight", 1, redis, `redis: {url: "redis://${env:CONSENTRY_REDIS}/0", username: u, password: "` + ref + `"}`},
		{"preflight", 1, "lanes: 2", `sasl: {mechanism: PLAIN, username: u, password: "` + ref + `"}`},
		{"preflight", -1, `url: "${env:CONSENTRY_REGISTRY_RAW}"`, `url: "${env:CONSENTRY_REGISTRY_RAW}/nowhere", username: u, password: "` + ref + `"`},
	} {
		bad := *t.h
		dir := filepath.Join(t.h.Dir, fmt.Sprintf("refused-%d", i))
		if err := os.CopyFS(dir, os.DirFS(filepath.Dir(t.h.Config))); err != nil {
			return err
		}
		bad.Config = filepath.Join(dir, "consentry.yaml")
		if err := bad.Edit("consentry.yaml", c.old, c.new); err != nil {
			return err
		}
		other := &talk{h: &bad}
		err := other.run(ctx, c.want, fmt.Sprintf("%s with a secret, case %d", c.verb, i), "", strings.Fields(c.verb)...)
		t.lines = append(t.lines, other.lines...)
		if err != nil {
			return err
		}
	}
	return nil
}

// rounds are the verbs of every day.
func (t *talk) rounds(ctx context.Context) error {
	for _, v := range []string{"check", "check --json", "preflight", "preflight --json", "topics plan", "schema show partner.acme-ads.apps",
		"keys list", "offsets init --at beginning", "stop acme-ads --reason review", "status --json", "resume acme-ads", "version"} {
		if err := t.run(ctx, -1, v, "", strings.Fields(v)...); err != nil {
			return err
		}
	}
	return nil
}
