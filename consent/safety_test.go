// Settings of a store whose truth is in Kafka: it may lose a tail, never a single line.

package consent_test

import (
	"strings"
	"testing"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func TestSettingsOfAView(t *testing.T) {
	for _, c := range []struct {
		args         string
		unsafe, hint string
	}{
		{"--appendfsync everysec", "", ""},
		{"--appendonly no", "", "appendonly"},
		{"--maxmemory-policy allkeys-lru", "maxmemory_policy", ""},
		{"--replicaof 127.0.0.1 1", "role", ""},
		{"--cluster-enabled yes", "redis_mode", ""},
	} {
		t.Run(strings.Fields(c.args)[0], func(t *testing.T) {
			t.Parallel()
			r := testbed.StartRedis(t, strings.Fields(c.args)...)
			s := open(t, r.Addr, consent.Options{Changelog: true, Deadline: slow})
			problems, err := s.Unsafe(t.Context())
			must(t, err)
			if len(problems) > 1 || (len(problems) == 1) != (c.unsafe != "") || c.unsafe != "" && !strings.HasPrefix(problems[0], c.unsafe) {
				t.Errorf("unsafe: %q", problems)
			}
			if c.unsafe != "" {
				wantCause(t, s, "redis_unsafe")
			}
			hints, err := s.Advice(t.Context())
			must(t, err)
			if (len(hints) == 1) != (c.hint != "") || c.hint != "" && !strings.HasPrefix(hints[0], c.hint) {
				t.Errorf("advice: %q", hints)
			}
		})
	}
}

func TestFormsRefused(t *testing.T) {
	sentinel := &consent.Sentinel{Master: "m", Nodes: []string{"localhost:1"}}
	for name, o := range map[string]consent.Options{
		"Sentinels without a changelog": {Sentinel: sentinel},
		"a Cluster without a changelog": {Cluster: []string{"localhost:1"}},
		"two forms":                     {Changelog: true, Sentinel: sentinel, Cluster: []string{"localhost:1"}},
		"a URL beside":                  {Changelog: true, Sentinel: sentinel, URL: "redis://localhost:1"},
		"none":                          {Changelog: true},
	} {
		if s, err := consent.Open(o); err == nil {
			s.Close()
			t.Error(name)
		}
	}
}
