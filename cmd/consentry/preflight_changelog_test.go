package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kfake"
)

// steps are the commands that preflight lists.
func (c *counter) steps(t *testing.T) (steps []string, out string) {
	t.Helper()
	_, out, errs := c.try(t, "", "preflight")
	_, list, _ := strings.Cut(errs, "In this order, and then preflight again:\n")
	for line := range strings.Lines(list) {
		steps = append(steps, strings.TrimSpace(line))
	}
	return steps, out
}

// In a new deployment the steps work in the order in which they are listed: consents are made in a log that is open, and
// it is opened by owners.
func TestPreflightOrderWithTheChangelog(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	c := newCounter(t)
	t.Setenv("CONSENTRY_KAFKA", broker.ListenAddrs()[0])
	c.withChangelog(t)
	ordered := func(want ...string) {
		t.Helper()
		steps, out := c.steps(t)
		at := -1
		for _, w := range want {
			next := slices.Index(steps, w)
			if next <= at {
				t.Fatalf("%q is not where it works in\n%s\n%s", w, strings.Join(steps, "\n"), out)
			}
			at = next
		}
	}
	ordered("consentry topics create", startOwner, "consentry consent accept-epoch", simulateAll)
	c.want(t, 0, "", "topics", "create")
	ordered(startOwner, "consentry consent accept-epoch", simulateAll)
}

// Of an open log it tells what the single store would tell, and whose keys these are.
func TestPreflightOfAnOpenLog(t *testing.T) {
	c := newLogCounter(t)
	steps, out := c.steps(t)
	if slices.Contains(steps, startOwner) || !slices.Contains(steps, "consentry consent accept-epoch") {
		t.Errorf("an owner runs and nobody has opened it:\n%s\n%s", strings.Join(steps, "\n"), out)
	}
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	c.want(t, 0, "", "stop", "globex", "--reason", "review")
	_, out = c.steps(t)
	for _, words := range []string{"warn  consent store: it holds no consent", "warn  consent store: partner globex is stopped  run: consentry resume globex"} {
		if !strings.Contains(out, words) {
			t.Errorf("no %q in\n%s", words, out)
		}
	}
	c.want(t, 0, "", "resume", "globex")
	raw := goredis.NewClient(&goredis.Options{Addr: c.redis.Addr, Protocol: 2, DisableIdentity: true})
	defer raw.Close()
	print := raw.Get(t.Context(), "consentry:keys:house").Val()
	t.Setenv("CONSENTRY_KEYS", filepath.Join(t.TempDir(), "keys"))
	c.want(t, 0, "", "keys", "init")
	_, out = c.steps(t)
	if strings.Contains(out, "globex is stopped") || !strings.Contains(out, "another house key") {
		t.Errorf("resumed, and with another key folder:\n%s", out)
	}
	if now := raw.Get(t.Context(), "consentry:keys:house").Val(); now != print {
		t.Errorf("it changed the store's fingerprint from %q to %q", print, now)
	}
}
