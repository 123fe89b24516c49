package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
)

func TestKeysVerbs(t *testing.T) {
	config, dir := sampleHouse(t)
	do := func(want int, args ...string) (string, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(append([]string{"keys", "-c", config}, args...), strings.NewReader(""), &stdout, &stderr); code != want {
			t.Fatalf("keys %v: exit %d: %s", args, code, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
	if _, said := do(exitFailed, "list"); !strings.Contains(said, "keys init") {
		t.Errorf("list without a folder: %q", said)
	}
	do(exitOK, "init")
	if _, said := do(exitFailed, "init"); !strings.Contains(said, "keys rotate") {
		t.Errorf("a second init: %q", said)
	}
	if out, _ := do(exitOK, "rotate"); out != "nothing to do\n" {
		t.Errorf("rotate: %q", out)
	}
	text, _ := do(exitOK, "list")
	listed, _ := do(exitOK, "list", "--json")
	var x struct {
		Epochs []struct {
			Name, State string
			EraseBy     time.Time `json:"erase_by"`
		}
	}
	if err := json.Unmarshal([]byte(listed), &x); err != nil || len(x.Epochs) == 0 {
		t.Fatalf("list --json: %v", err)
	}
	for _, e := range x.Epochs {
		if !strings.Contains(text, e.Name) || e.EraseBy.IsZero() {
			t.Errorf("%+v is not in the listing", e)
		}
		key, err := os.ReadFile(filepath.Join(dir, e.Name+".key"))
		if err != nil || strings.Contains(text+listed, string(key[:8])) {
			t.Errorf("%s: %v, or its key was printed", e.Name, err)
		}
	}
	// A folder that others can read is refused with the command that mends it.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, said := do(exitFailed, "list"); !strings.Contains(said, "chmod 700") {
		t.Errorf("an open folder: %q", said)
	}
}

func TestKeyPlan(t *testing.T) {
	d := func(v time.Duration) policy.Duration { return policy.Duration{Value: v, Set: true} }
	text := func(s string) policy.Text { return policy.Text{Value: s} }
	stream := func(source string, period time.Duration) policy.StreamSpec {
		return policy.StreamSpec{Source: text(source), SamePersonFor: d(period)}
	}
	const day = 24 * time.Hour
	cfg := &config.Config{
		Keys: config.Keys{Keep: time.Hour},
		Sources: []policy.SourceSpec{
			{Name: text("a"), Topic: text("raw.a"), Time: policy.TimeSpec{Past: d(day)}},
			{Name: text("b"), Topic: text("raw.b"), Time: policy.TimeSpec{Past: d(3 * day)}},
		},
		Partners: []policy.PartnerSpec{
			{Name: text("p"), Streams: []policy.StreamSpec{stream("a", day), stream("a", 7*day), {Source: text("b")}}},
			{Name: text("q"), Streams: []policy.StreamSpec{stream("b", day), stream("b", day)}},
		},
	}
	want := []keys.PeriodPlan{{Period: day, Past: 3 * day}, {Period: 7 * day, Past: day}}
	if got := keyPlan(cfg); !slices.Equal(got.Periods, want) || got.Keep != time.Hour {
		t.Errorf("plan %+v, want %+v", got, want)
	}
	got := topicsOfPeriod(cfg, day)
	if len(got) != 2 || !slices.Equal(got["p"], []string{"raw.a"}) || !slices.Equal(got["q"], []string{"raw.b"}) {
		t.Errorf("topics %v", got)
	}
}
