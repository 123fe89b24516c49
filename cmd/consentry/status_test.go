// status_test.go asks a stand-in for the admin listener, and checks what run refuses before it starts.

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/kafka"
)

// samplesAt copies the sample configuration and sets its variables; admin is the listener's host:port.
func samplesAt(t *testing.T, admin string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, samples.Files); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"KAFKA": nobody, "INSTANCE": "0", "REGISTRY_RAW": "http://" + nobody,
		"REGISTRY_PARTNER": "http://" + nobody, "REDIS": nobody, "KEYS": filepath.Join(dir, "keys"), "ADMIN": admin} {
		t.Setenv("CONSENTRY_"+name, value)
	}
	return filepath.Join(dir, "consentry.yaml")
}

func TestStatusForPeopleAndMachines(t *testing.T) {
	parked := kafka.Status{Version: "v", Policy: strings.Repeat("ab", 32), Instance: "0", Roles: []string{"filter"}, Partners: []kafka.PartnerStatus{
		{Partner: "acme-ads", State: "parked", Cause: "offsets_missing", Since: "2026-11-22T10:00:00Z", Lag: 120, Lanes: 2,
			DecideBy: "2026-12-01T00:00:00Z", Detail: "topic raw.location partition 0", Next: "run: consentry offsets init --at beginning"},
		{Partner: "globex", State: "running", Since: "2026-11-22T10:00:00Z", Lanes: 2}}}
	running := parked
	running.Partners = parked.Partners[1:]
	owner := parked
	owner.Partners, owner.Roles = nil, []string{"sync"}
	owner.Consent = &kafka.ConsentStatus{State: kafka.StateRunning, Since: "2026-11-22T10:00:00Z", Open: 64, Shards: 64}
	for name, c := range map[string]struct {
		says any
		code int
		want []string
	}{
		"parked": {parked, 1, []string{"acme-ads", "parked: offsets_missing", "2026-11-22T10:00:00Z", "120", "topic raw.location partition 0",
			"what to do: run: consentry offsets init --at beginning", "lost if not fixed by: 2026-12-01T00:00:00Z", "running"}},
		"running":   {running, 0, []string{"globex", "running"}},
		"no answer": {"not consentry", 1, nil},
		"sync only": {owner, 0, []string{"this process serves no partner\n\nconsents: running since", "64 of 64 shards fresh"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/statusz" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				_ = json.NewEncoder(w).Encode(c.says)
			}))
			defer srv.Close()
			file := samplesAt(t, srv.Listener.Addr().String())
			var out bytes.Buffer
			if code := run([]string{"status", "-c", file}, nil, &out, io.Discard); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in\n%s", w, out.String())
				}
			}
			out.Reset()
			if code := run([]string{"status", "--json", "-c", file}, nil, &out, io.Discard); code != c.code {
				t.Errorf("--json: exit code %d, want %d", code, c.code)
			}
			if s, ok := c.says.(kafka.Status); ok {
				want, _ := json.Marshal(s)
				if strings.TrimSpace(out.String()) != string(want) {
					t.Errorf("--json prints\n%s\nnot\n%s", out.String(), want)
				}
			}
		})
	}
	if code := run([]string{"status", "-c", samplesAt(t, nobody)}, nil, io.Discard, io.Discard); code != 1 {
		t.Errorf("without a worker: exit code %d", code)
	}
}

func TestRunRefusesRolesThatItLacks(t *testing.T) {
	for role, code := range map[string]int{"gate": 2, "filter,gate": 2, "sync,gate": 2, "filters": 2, "": 2} {
		var errw bytes.Buffer
		if got := run([]string{"run", "--role", role, "-c", "missing.yaml"}, nil, io.Discard, &errw); got != code || errw.Len() < 30 {
			t.Errorf("--role %q: exit code %d, %q", role, got, errw.String())
		}
	}
	for _, role := range []string{"all", "filter", "sync", "filter,sync"} {
		if got := run([]string{"run", "--role", role, "-c", "missing.yaml"}, nil, io.Discard, io.Discard); got != exitConfig {
			t.Errorf("--role %s without a configuration: exit code %d", role, got)
		}
	}
}
