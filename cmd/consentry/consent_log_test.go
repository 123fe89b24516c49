// consent_log_test.go runs the consent verbs with the truth in Kafka: on an embedded broker, a real redis-server and a real
// owner.

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
)

// newLogCounter is a counter with the changelog and an owner at work.
func newLogCounter(t *testing.T) *counter {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	c := newCounter(t)
	t.Setenv("CONSENTRY_KAFKA", broker.ListenAddrs()[0])
	c.withChangelog(t)
	if said := c.want(t, 0, "", "topics", "create"); !strings.Contains(said, "consentry.consent.state: 64 partitions") {
		t.Errorf("topics create: %s", said)
	}
	cfg, err := (&app{configPath: c.config}).loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	role, closeRole, err := newSyncRole(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- role.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		closeRole()
	})
	return c
}

// withChangelog puts the changelog into the configuration.
func (c *counter) withChangelog(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "park_when_stale: 2s}\n", "park_when_stale: 2s, changelog: {}}\n", 1)
	if changed == string(text) {
		t.Fatal("the sample has another line for consent")
	}
	if err := os.WriteFile(c.config, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConsentVerbsWithTheChangelog(t *testing.T) {
	c := newLogCounter(t)
	pair := []string{"--subject", who, "--partner", "acme-ads", "--purpose", "advertising"}
	verb := func(name string, more ...string) []string {
		return append(append([]string{"consent", name}, pair...), more...)
	}

	if said := c.want(t, 1, "n\n", "consent", "accept-epoch"); !strings.Contains(said, "never opened") || !strings.Contains(said, "to that key for good") || !strings.Contains(said, "not accepted") {
		t.Errorf("accept-epoch: %s", said)
	}
	if said := c.want(t, 0, "y\n", "consent", "accept-epoch"); !strings.Contains(said, "the changelog is open, epoch ") {
		t.Errorf("accept-epoch: %s", said)
	}
	if said := c.want(t, 0, "", "consent", "accept-epoch"); !strings.Contains(said, "nothing is to be accepted") {
		t.Errorf("accept-epoch again: %s", said)
	}

	_, out, _ := c.try(t, "", verb("grant", "--categories", "location,app_usage", "--since", "now", "--evidence", "CRM-1", "--json")...)
	var got resultJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || !got.InForce || got.Void != "" || got.AcknowledgedAt == "" {
		t.Errorf("grant: %s", out)
	}
	c.want(t, 0, "", verb("withdraw", "--evidence", "CALL-2")...)
	if said := c.want(t, 1, "", verb("grant", "--categories", "location", "--since", "2026-01-01T00:00:00Z")...); !strings.Contains(said, "no later than the last withdrawal") {
		t.Errorf("an old opt-in: %s", said)
	}
	if said := c.want(t, 2, "", verb("withdraw", "--evidence", strings.Repeat("x", 129))...); !strings.Contains(said, "128 bytes") {
		t.Errorf("evidence: %s", said)
	}
	c.want(t, 0, "", "consent", "protect", "--subject", who)
	said := c.want(t, 0, "", "consent", "get", "--subject", who, "--history")
	for _, words := range []string{"grant acme-ads/advertising: location, app_usage", "evidence CRM-1", "by withdraw, evidence CALL-2", "void: it was given", "protect\n", "now:\nprotected"} {
		if !strings.Contains(said, words) {
			t.Errorf("the account lacks %q:\n%s", words, said)
		}
	}
	var view lineView
	_, out, _ = c.try(t, "", "consent", "get", "--subject", who, "--history", "--json")
	if err := json.Unmarshal([]byte(out), &view); err != nil || len(view.History) != 4 || view.History[0].EndedFor != "CALL-2" || !view.Protected {
		t.Errorf("the account: %s", out)
	}
	c.want(t, 0, "", "consent", "unprotect", "--subject", who)
	c.want(t, 0, "", "stop", "globex", "--reason", "review")
	c.want(t, 0, "", "resume", "globex")

	file := filepath.Join(t.TempDir(), "consents.csv")
	rows := "action,subject,partner,purpose,categories,linked,since,until,evidence\n" +
		"grant,+12025550199,acme-ads,advertising,location,true,2026-01-01T00:00:00Z,,E-1\n" +
		"grant,+12025550199,acme-ads,advertising,location,true,2025-01-01T00:00:00Z,,E-1\n" +
		"grant,nobody,acme-ads,advertising,location,true,2026-01-01T00:00:00Z,,E-1\n"
	if err := os.WriteFile(file, []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		said = c.want(t, 1, "", "consent", "import", file)
		for _, words := range []string{"line 3: void: a later grant is in force", "line 4: refused: the subject is not", "made 1, void 1, refused 1"} {
			if !strings.Contains(said, words) {
				t.Errorf("import lacks %q:\n%s", words, said)
			}
		}
	}

	if said := c.want(t, 0, "", "consent", "verify"); !strings.Contains(said, "compared 2 of the log and 2 of the store") {
		t.Errorf("verify: %s", said)
	}
	raw := goredis.NewClient(&goredis.Options{Addr: c.redis.Addr, Protocol: 2, DisableIdentity: true})
	defer raw.Close()
	if err := raw.ConfigSet(t.Context(), "appendonly", "no").Err(); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := c.try(t, "", "preflight"); !strings.Contains(out, "warn  consent store: appendonly is not yes") {
		t.Errorf("preflight of a store that forgets at a restart: %s", out)
	}
	for _, key := range raw.Keys(t.Context(), "consentry:*:*:*").Val() {
		if strings.Count(key, ":") == 3 && !strings.HasSuffix(key, "protected") {
			raw.Set(t.Context(), key, "acme-ads/advertising!:location@1-", 0)
			break
		}
	}
	if said := c.want(t, 1, "", "consent", "verify"); !strings.Contains(said, "different in the store") || !strings.Contains(said, "consent rebuild") {
		t.Errorf("a planted difference: %s", said)
	}
	c.want(t, 0, "", "consent", "rebuild")
	c.want(t, 0, "", "consent", "verify", "--sample", "1/1")
	_, out, _ = c.try(t, "", "consent", "forget", "--subject", who, "--json")
	var gone forgottenJSON
	if err := json.Unmarshal([]byte(out), &gone); err != nil || !gone.InForce || gone.Erased != 5 {
		t.Errorf("forget: %s", out)
	}
	if said := c.want(t, 0, "", "consent", "get", "--subject", who, "--history"); strings.Contains(said, "CRM-1") || !strings.Contains(said, "forget") {
		t.Errorf("after forget: %s", said)
	}
	if said := c.want(t, 1, "", "consent", "rebuild", "--from-store", "--yes"); !strings.Contains(said, "in Kafka already") {
		t.Errorf("rebuild --from-store: %s", said)
	}
}

// Redis is emptied, and then somebody comes with another key folder: a withdrawal under it would be acknowledged and be
// nobody's, so it is refused by what the log says.
func TestAnotherKeyFolderIsRefusedByTheLog(t *testing.T) {
	c := newLogCounter(t)
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	c.want(t, 0, "", "consent", "grant", "--subject", who, "--partner", "acme-ads", "--purpose", "advertising", "--categories", "location", "--since", "now")
	ours := os.Getenv("CONSENTRY_KEYS")
	t.Setenv("CONSENTRY_KEYS", filepath.Join(t.TempDir(), "keys"))
	c.want(t, 0, "", "keys", "init")
	raw := goredis.NewClient(&goredis.Options{Addr: c.redis.Addr, Protocol: 2, DisableIdentity: true})
	defer raw.Close()
	if err := raw.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if said := c.want(t, 1, "", "consent", "get", "--subject", who); !strings.Contains(said, "mount the key folder") {
		t.Errorf("get under another house key: %s", said)
	}
	// An emptied store takes the first that comes, a worker say, at his word.
	raw.SetNX(t.Context(), "consentry:keys:house", strings.Repeat("0", 16), 0)
	if said := c.want(t, 1, "", "consent", "withdraw-all", "--subject", who); !strings.Contains(said, "mount the key folder") {
		t.Errorf("a withdrawal under another house key: %s", said)
	}
	t.Setenv("CONSENTRY_KEYS", ours)
	c.want(t, 0, "", "consent", "withdraw-all", "--subject", who)
	if said := c.want(t, 0, "", "consent", "get", "--subject", who); !strings.Contains(said, "withdrawn") {
		t.Errorf("get: %s", said)
	}
}
