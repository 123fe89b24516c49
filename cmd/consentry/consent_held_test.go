// consent_held_test.go is about logs that a person's word must not open, or not so easily.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/consentry/consentry/consent"
)

// A load that left the log held is not waved through by a script that says --yes; a person who was told may.
func TestHeldLogIsOpenedByItsFile(t *testing.T) {
	c := newLogCounter(t)
	write := func(name, rows string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(consent.Header+"\n"+rows), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	// What was refused may be a withdrawal.
	broken := write("broken.csv", "withdraw,nobody,acme-ads,advertising,,,,,\n")
	if said := c.want(t, 1, "", "consent", "accept-epoch", "--import", broken, "--yes"); !strings.Contains(said, "stays closed") {
		t.Fatalf("accept-epoch: %s", said)
	}
	if said := c.want(t, 1, "", "consent", "accept-epoch", "--yes"); !strings.Contains(said, "run consentry consent accept-epoch --import FILE") {
		t.Errorf("accept-epoch --yes of a held log: %s", said)
	}
	good := write("good.csv", "grant,+12025550199,acme-ads,advertising,location,true,2026-01-01T00:00:00Z,,\n")
	_, out, errs := c.try(t, "", "consent", "import", good)
	if !strings.Contains(out, "made 1,") || !strings.Contains(errs, "nothing of this is in force before") {
		t.Errorf("import into a held log: %s%s", out, errs)
	}
	if said := c.want(t, 1, "n\n", "consent", "accept-epoch"); !strings.Contains(said, "A file was to be loaded first") {
		t.Errorf("the question: %s", said)
	}
	if said := c.want(t, 0, "", "consent", "accept-epoch", "--import", good, "--yes"); !strings.Contains(said, "the changelog is open, epoch ") {
		t.Errorf("with its file: %s", said)
	}
	if _, _, errs := c.try(t, "", "consent", "import", good); strings.Contains(errs, "held") {
		t.Errorf("import into an open log: %s", errs)
	}
}

// The store follows a log, and the state topic has nothing: to open it anew would not bring back what was lost.
func TestLostLogIsNotOpened(t *testing.T) {
	c := newLogCounter(t)
	raw := goredis.NewClient(&goredis.Options{Addr: c.redis.Addr, Protocol: 2, DisableIdentity: true})
	defer raw.Close()
	for shard := range consent.Shards {
		if err := raw.HSet(t.Context(), fmt.Sprintf("consentry:{%02d}:meta", shard), "truth", "kafka", "epoch", 5, "place", 10, "protected", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if said := c.want(t, 1, "", "consent", "accept-epoch", "--yes"); !strings.Contains(said, "the state topic is lost") || strings.Contains(said, "is open") {
		t.Errorf("accept-epoch: %s", said)
	}
	_, out, errs := c.try(t, "", "preflight")
	if !strings.Contains(out, "fail  consent changelog: the store follows") || strings.Contains(out+errs, "accept-epoch") {
		t.Errorf("preflight: %s%s", out, errs)
	}
}

// Reading leaves no trace in a store that was emptied, and what it says of it is not what a new deployment has to do.
func TestGetOfAnEmptiedStore(t *testing.T) {
	c := newCounter(t)
	// The brokers do not answer, so no owner fills the store.
	c.withChangelog(t)
	if said := c.want(t, 1, "", "consent", "get", "--subject", who); !strings.Contains(said, "its owner fills it again") {
		t.Errorf("get: %s", said)
	}
	raw := goredis.NewClient(&goredis.Options{Addr: c.redis.Addr, Protocol: 2, DisableIdentity: true})
	defer raw.Close()
	if keys := raw.Keys(t.Context(), "*").Val(); len(keys) != 0 {
		t.Errorf("it left %v", keys)
	}
}
