package changelog

// Redis that drops keys to make room: what it lacks then proves nothing.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// evict makes Redis drop one key as it does when its memory is full.
func (r *ownerRig) evict(key string) {
	r.t.Helper()
	ctx := r.t.Context()
	set := func(name, value string) {
		if err := r.raw.ConfigSet(ctx, name, value).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
	// Only keys that have a time to live may go, and this is the only one.
	set("maxmemory-policy", "volatile-ttl")
	if err := r.raw.Expire(ctx, key, time.Hour).Err(); err != nil {
		r.t.Fatal(err)
	}
	set("maxmemory", "1mb")
	for i := 0; r.raw.Exists(ctx, key).Val() == 1; i++ {
		// Refused for want of memory once that key is gone.
		if err := r.raw.Set(ctx, fmt.Sprint("ballast:", i), strings.Repeat("x", 1<<16), 0).Err(); err != nil && !redis.IsOOMError(err) {
			r.t.Fatal(err)
		}
	}
	set("maxmemory", "0")
	set("maxmemory-policy", "noeviction")
}

// A withdrawal's line is evicted and the opt-in before it comes again: merged upon Redis it would count, merged upon the log
// it does not. Nobody believes the store until it was built anew, also when its count of evictions has been reset.
func TestEvictedLineRevivesNothing(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	r.outcome(c, grant(1, 1000))
	r.outcome(c, withdraw(1))
	held := func() string {
		line, err := r.store.Line(t.Context(), person(1))
		if err != nil {
			t.Fatal(err)
		}
		return string(line)
	}
	withdrawn := held()
	if !strings.HasPrefix(withdrawn, "acme/advertisingX") {
		t.Fatalf("the line is %q", withdrawn)
	}
	r.evict(r.key(7, person(1)))
	r.until("the meta keeps it", func() bool {
		metas, err := r.store.Metas(t.Context(), []int{person(1).Shard()})
		return err == nil && metas[0].Noted
	})
	if _, err := c.Rebuild(t.Context(), func(string, int) {}); err == nil || !strings.Contains(err.Error(), "RESETSTAT") {
		t.Errorf("built anew where Redis still counts what it dropped: %v", err)
	}
	if err := r.raw.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	short := r.verb(time.Second)
	if _, err := short.Ask(t.Context(), grant(1, 1000)); err == nil || !strings.Contains(err.Error(), "dropped keys") {
		t.Errorf("a store that may lack lines was vouched for: %v", err)
	}
	r.until("the old opt-in is merged", func() bool { return r.waits() == "" })
	if line := held(); line != "" && line != withdrawn {
		t.Errorf("an evicted withdrawal was %q, and the line is %q", withdrawn, line)
	}
	if _, err := c.Rebuild(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	if line := held(); line != withdrawn {
		t.Errorf("%q, want %q", line, withdrawn)
	}
	if got := r.outcome(c, grant(1, 1000)); got.InForce || got.Effect != consent.VoidWithdrawn {
		t.Errorf("%+v", got)
	}
}

func TestStoreThatDropsKeysParksItsOwner(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	r.evict(r.key(firstEpoch, person(1)))
	r.until("it parks", func() bool {
		s := o.Status()
		return s.State == kafka.StateParked && s.Cause == string(kafka.RedisUnsafe) && s.Open == 0 && strings.Contains(s.Next, "rebuild")
	})
}

// Keys of the epoch that is being filled are evicted, and somebody makes Redis forget how many before the switch.
func TestEvictedWhileFilledRevivesNothing(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	r.outcome(c, grant(1, 1000))
	r.outcome(c, withdraw(1))
	s, err := c.Standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A rebuild up to its switch.
	f := filler{c: c, epoch: s.NextEpoch(), tell: func(int) {}}
	for p := range f.place {
		if _, _, err := r.store.BeginFill(t.Context(), p, f.epoch); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.evict(r.key(f.epoch, person(1)))
	r.until("it is noted", func() bool {
		metas, err := r.store.Metas(t.Context(), []int{person(1).Shard()})
		return err == nil && metas[0].BuildingNoted
	})
	if err := r.raw.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), Opening{Epoch: f.epoch, Wait: testDeadline}); err != nil {
		t.Fatal(err)
	}
	if got := r.outcome(c, grant(1, 1000)); got.InForce {
		t.Errorf("an old opt-in lifted a withdrawal whose line was evicted: %+v", got)
	}
}

// Redis has evicted while no owner ran, and has started again since, so that it counts from nothing; but it still may.
func TestServerThatMayEvictIsNotBelievedAtFirst(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000), withdraw(1))
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.evict(r.key(firstEpoch, person(1)))
	if err := r.raw.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.raw.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	o = r.start()
	r.until("it parks", func() bool { return o.Status().Cause == string(kafka.RedisUnsafe) })
	if err := r.raw.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	r.ask(grant(1, 1000))
	r.until("the old opt-in is merged", func() bool { return r.waits() == "" })
	if line := r.line(1); line != "" {
		t.Errorf("an evicted withdrawal is %q now", line)
	}
	if s := o.Status(); s.State != kafka.StateParked || s.Open != 0 {
		t.Errorf("nobody has built the store anew, and it is vouched for: %+v", s)
	}
}
