// A store that must not be believed: emptied, restored, damaged, slow, or set so that it may lose what it acknowledged.

package consent_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func TestStoreThatLostSomething(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		epoch := r.accept(t)
		r.apply(t, subject(1), withdraw())
		wantCause(t, r.Store, "")
		var snap consent.Snapshot
		if err := r.Ask(t.Context(), "acme", nil, &snap); err != nil {
			t.Fatal(err)
		}
		seeded := func(epoch uint64, places [consent.Shards]uint64) *consent.Store {
			s := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow})
			s.Seen(epoch, places)
			return s
		}
		wantCause(t, seeded(epoch, snap.Places), "")
		ahead := snap.Places
		ahead[subject(1).Shard()]++
		wantCause(t, seeded(epoch, ahead), "redis_wiped")
		wantCause(t, seeded(epoch+1, [consent.Shards]uint64{}), "redis_wiped")
		wantCause(t, seeded(epoch-1, ahead), "")

		meta := "consentry:{63}:meta"
		must(t, r.raw.HSet(t.Context(), meta, "epoch", epoch+1).Err())
		wantCause(t, r.Store, "redis_wiped") // shards disagree
		must(t, r.raw.Del(t.Context(), meta).Err())
		wantCause(t, r.Store, "redis_wiped")
		must(t, r.raw.FlushAll(t.Context()).Err())
		wantCause(t, r.Store, "redis_wiped")
		r.accept(t)
		wantCause(t, r.Store, "")
	})
}

func TestMalformedStore(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		epoch := r.accept(t)
		var ids []consent.ID
		for i := range 1200 {
			ids = append(ids, subject(i))
		}
		put := func(i int, line string) {
			id := subject(i)
			must(t, r.raw.Set(t.Context(), fmt.Sprintf("consentry:{%02d}:%d:%s", id.Shard(), epoch, id), line, 0).Err())
		}
		ask := func(n int) string {
			var snap consent.Snapshot
			return cause(t, r.Ask(t.Context(), "acme", ids[:n], &snap))
		}
		for i := range 9 {
			put(i, "acme/ads")
		}
		if c := ask(9); c != "" {
			t.Fatalf("9 of 9: %q", c)
		}
		put(9, "acme/ads")
		if c := ask(10); c != "redis_malformed" {
			t.Fatalf("10 of 10: %q", c)
		}
		for i := 10; i < 1000; i++ {
			put(i, "acme/adsX1")
		}
		if c := ask(999); c != "redis_malformed" {
			t.Fatalf("10 of 999: %q", c)
		}
		if c := ask(1000); c != "" {
			t.Fatalf("10 of 1000, exactly 1 %%: %q", c)
		}
		put(500, "?")
		if c := ask(1200); c != "redis_malformed" {
			t.Fatalf("11 of 1000 lines, 200 more without: %q", c)
		}
	})
}

func TestClockSkew(t *testing.T) {
	r := newRig(t, miniredis.RunT(t).Addr(), consent.Options{Embedded: true, Deadline: slow})
	r.accept(t)
	for _, c := range []struct {
		off  time.Duration
		want string
	}{{0, ""}, {1500 * time.Millisecond, ""}, {-1500 * time.Millisecond, ""}, {time.Minute, "clock_skew"}, {-time.Minute, "clock_skew"}} {
		s := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow, Now: func() time.Time { return time.Now().Add(c.off) }})
		wantCause(t, s, c.want)
	}
}

// A server that accepts and never answers must cost no more than the deadline, connecting included.
func TestStalledServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var held []net.Conn
	var mu sync.Mutex
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			c.Close()
		}
	})
	bounded(t, func(ctx context.Context, o consent.Options) error {
		s := open(t, l.Addr().String(), o)
		s.Seen(7, [consent.Shards]uint64{})
		var snap consent.Snapshot
		return s.Ask(ctx, "acme", []consent.ID{subject(1)}, &snap)
	})
}

// A server that answered and then is stopped as a debugger would.
func TestPausedServer(t *testing.T) {
	server := testbed.StartRedis(t)
	bounded(t, func(ctx context.Context, o consent.Options) error {
		r := newRig(t, server.Addr, o)
		if _, err := r.Accept(ctx, nil, nil); err != nil {
			return nil
		}
		must(t, server.Pause())
		defer server.Continue()
		var snap consent.Snapshot
		return r.Ask(ctx, "acme", []consent.ID{subject(1)}, &snap)
	})
}

// bounded wants ask to fail by its own deadline and not by that of the caller, which is far away.
func bounded(t *testing.T, ask func(context.Context, consent.Options) error) {
	t.Helper()
	for _, embedded := range []bool{true, false} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := ask(ctx, consent.Options{Embedded: embedded, Deadline: 150 * time.Millisecond})
		late := ctx.Err()
		cancel()
		if late != nil {
			t.Fatal("the deadline of an Ask bounds nothing")
		}
		if c := cause(t, err); c != "redis_unreachable" {
			t.Fatalf("cause %q (%v)", c, err)
		}
	}
}

func TestUnsafeSettings(t *testing.T) {
	master := testbed.StartRedis(t)
	r := newRig(t, master.Addr, consent.Options{Deadline: slow})
	r.accept(t)
	wantCause(t, r.Store, "")
	for _, c := range []struct {
		args []string
		name string
	}{
		{[]string{"--appendfsync", "everysec"}, "appendfsync is not always"},
		{[]string{"--appendonly", "no"}, "aof_enabled is not 1"},
		{[]string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory_policy is not noeviction"},
		{[]string{"--cluster-enabled", "yes"}, "redis_mode is not standalone"},
		{[]string{"--replicaof", strings.ReplaceAll(master.Addr, ":", " ")}, "role is not master"},
		{[]string{"--rename-command", "CONFIG", "HIDDEN"}, "appendfsync cannot be read"},
	} {
		s := open(t, testbed.StartRedis(t, c.args...).Addr, consent.Options{Deadline: slow})
		var snap consent.Snapshot
		err := s.Ask(t.Context(), "acme", nil, &snap)
		if cause(t, err) != "redis_unsafe" || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%v: %v", c.args, err)
		}
		if problems, err := s.Unsafe(t.Context()); err != nil || len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), c.name) {
			t.Errorf("%v: %q %v", c.args, problems, err)
		}
	}
}

func TestRestartAndRestoredSnapshot(t *testing.T) {
	server := testbed.StartRedis(t)
	r := newRig(t, server.Addr, consent.Options{Deadline: slow})
	r.accept(t)
	r.apply(t, subject(1), grant(1000))
	must(t, r.raw.Save(t.Context()).Err())
	dump := readFile(t, server.DataDir()+"/dump.rdb")
	acked := r.apply(t, subject(1), withdraw())
	wantCause(t, r.Store, "")

	must(t, server.Kill())
	wantCause(t, r.Store, "redis_unreachable")
	must(t, server.Start(t.Context()))
	wantCause(t, r.Store, "")
	if line, err := r.Line(t.Context(), subject(1)); err != nil || string(line) == "" || !bytes.Contains(line, []byte("X")) {
		t.Fatalf("the withdrawal of %d did not survive a kill: %q %v", acked.AcknowledgedAtMS, line, err)
	}

	must(t, server.Kill())
	restore(t, server.DataDir(), dump)
	must(t, server.Start(t.Context()))
	if line, err := r.Line(t.Context(), subject(1)); err != nil || bytes.Contains(line, []byte("X")) || line == nil {
		t.Fatalf("the old snapshot was not restored: %q %v", line, err)
	}
	wantCause(t, r.Store, "redis_wiped")
	r.apply(t, subject(1), withdraw())
	r.accept(t)
	wantCause(t, r.Store, "")
}
