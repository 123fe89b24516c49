package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/processor"
)

// sampleHouse is the sample configuration with a key folder of its own and nothing else to reach.
func sampleHouse(t *testing.T) (config, keyDir string) {
	t.Helper()
	keyDir = filepath.Join(t.TempDir(), "keys")
	for name, value := range map[string]string{
		"KAFKA": "127.0.0.1:1", "INSTANCE": "0", "REGISTRY_RAW": "http://127.0.0.1:1", "REGISTRY_PARTNER": "http://127.0.0.1:1",
		"REDIS": "127.0.0.1:1", "KEYS": keyDir, "ADMIN": "127.0.0.1:0",
	} {
		t.Setenv("CONSENTRY_"+name, value)
	}
	return filepath.Join("..", "..", "deploy", "samples", "consentry.yaml"), keyDir
}

const explainedEvent = `{
  "subscriber": {"msisdn": "+12025550123", "imsi": "310150123456789", "account_id": "A-1", "name": null, "activated_at": 1735689600000, "minor": false},
  "device": {"imei": "356938035643809", "os": "android"}, "cell": {"id": 4711, "lac": 12, "neighbours": [1, 2]},
  "position": {"lat": 38.9, "lon": -77.03, "accuracy": 12.5}, "network": {"kind": "G5", "roaming": null, "bars": 3},
  "observed_at": 1795348800000, "attributes": {"a": "b"}}`

func explainSample(t *testing.T, event string, args ...string) (code int, out, said string) {
	t.Helper()
	config, _ := sampleHouse(t)
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"explain", "-c", config}, args...), strings.NewReader(event), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestExplainJSON(t *testing.T) {
	code, out, said := explainSample(t, explainedEvent, "--source", "location", "--at", "2026-11-22T12:00:10Z",
		"--grant", "acme-ads/advertising!:location", "--grant", "initech/research:location", "--json", "-")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	var x struct {
		Source  string
		Streams []struct {
			Topic, Verdict, Why string
			Fields              []struct {
				Name, How string
				From      []string
				Value     any
			}
			Released map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out), &x); err != nil || strings.Count(strings.TrimSpace(out), "\n") != 0 {
		t.Fatalf("not one JSON object: %v", err)
	}
	if x.Source != "location" || len(x.Streams) != 2 {
		t.Fatalf("%s", out)
	}
	a, b := x.Streams[0], x.Streams[1]
	if a.Topic != "partner.acme-ads.location" || a.Verdict != "released" || !strings.HasPrefix(a.Why, "acme-ads/advertising covers location since the event's own time") {
		t.Errorf("%+v", a)
	}
	if a.Released["area"] != "89b7b79" || a.Released["period"] != "2026-11-22T12:00:00Z" || a.Released["os"] != "android" || len(a.Released) != len(a.Fields) {
		t.Errorf("released %v", a.Released)
	}
	for _, f := range a.Fields {
		if f.How == "" || f.Value != a.Released[f.Name] {
			t.Errorf("field %+v, released %v", f, a.Released[f.Name])
		}
	}
	if b.Verdict != "not_linked" || b.Released != nil || len(b.Fields) != 0 {
		t.Errorf("%+v", b)
	}
	if !strings.Contains(said, "throwaway key") {
		t.Errorf("nobody was told that the keys are not real: %q", said)
	}
	for _, secret := range []string{"2025550123", "310150123456789", "38.9", "A-1"} {
		if strings.Contains(out+said, secret) {
			t.Errorf("%s was printed", secret)
		}
	}
}

func TestExplainUsesTheKeyFolder(t *testing.T) {
	config, _ := sampleHouse(t)
	once := func(args ...string) (string, string) {
		var stdout, stderr bytes.Buffer
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		if code := run(append(args, "-c", config), strings.NewReader(strings.Replace(explainedEvent, "1795348800000", now, 1)), &stdout, &stderr); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
	once("keys", "init")
	args := []string{"explain", "--source", "location", "--grant", "acme-ads/advertising!:location", "--json", "-"}
	visitor := func() string {
		out, said := once(args...)
		var x processor.Explanation
		if err := json.Unmarshal([]byte(out), &x); err != nil || x.Streams[0].Verdict != "released" || said != "" {
			t.Fatalf("%v: %s, said %q", err, out, said)
		}
		return string(x.Streams[0].Fields[0].Value)
	}
	if first, second := visitor(), visitor(); first != second {
		t.Errorf("the same keys gave the pseudonyms %s and %s", first, second)
	}
}

func TestExplainRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(explainedEvent), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code int
		want string
		args []string
	}{
		{"no source", exitUsage, "--source", []string{file}},
		{"unknown source", exitUsage, "location", []string{"--source", "nope", file}},
		{"malformed grant", exitUsage, "partner/purpose", []string{"--source", "location", "--grant", "x", file}},
		{"grant with a time", exitUsage, "partner/purpose", []string{"--source", "location", "--grant", "acme-ads/advertising:location@5", file}},
		{"same grant twice", exitUsage, "once", []string{"--source", "location", "--grant", "acme-ads/advertising:location", "--grant", "acme-ads/advertising:search", file}},
		{"grant to nobody", exitUsage, "acme-ads/advertising", []string{"--source", "location", "--grant", "foo/bar:location", file}},
		{"live and grant", exitUsage, "--live", []string{"--source", "location", "--live", "--grant", "acme-ads/advertising:location", file}},
		{"bad time", exitUsage, "RFC 3339", []string{"--source", "location", "--at", "yesterday", file}},
		{"live without keys", exitFailed, "key folder", []string{"--source", "location", "--live", file}},
		{"no file", exitFailed, "cannot be opened", []string{"--source", "location", file + ".none"}},
		{"not of the schema", exitFailed, "does not fit", []string{"--source", "app_usage", file}},
	} {
		code, out, said := explainSample(t, "", c.args...)
		if code != c.code || out != "" || !strings.Contains(said, c.want) || strings.Contains(said, "2025550123") {
			t.Errorf("%s: exit %d, %q, %q", c.name, code, out, said)
		}
	}
}

// TestExplainUnreadable: what a worker would quarantine is explained, not failed on.
func TestExplainUnreadable(t *testing.T) {
	code, out, _ := explainSample(t, `{"subscriber": `, "--source", "search", "-")
	if code != 0 || !strings.Contains(out, "withheld: bad_event") || !strings.Contains(out, "at byte") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = explainSample(t, "\x01nothing framed", "--source", "location", "--binary", "-")
	if code != 0 || !strings.Contains(out, "withheld: bad_event") || !strings.Contains(out, "prefix") {
		t.Errorf("exit %d: %s", code, out)
	}
}
