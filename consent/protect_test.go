// Protected subjects, in the single store and in one that is filled from the changelog.

package consent_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/consentry/consentry/consent"
)

func TestProtectInASingleStore(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		if _, err := r.Protect(t.Context(), subject(1), true); !errors.Is(err, consent.ErrNotOpen) {
			t.Fatalf("a store that nobody accepted: %v", err)
		}
		r.accept(t)
		worker := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow})
		var snap consent.Snapshot
		ids := []consent.ID{subject(1), subject(2), subject(3)}
		ask := func(s *consent.Store, want ...bool) {
			t.Helper()
			must(t, s.Ask(t.Context(), "acme", ids, &snap))
			if fmt.Sprint(snap.Protected) != fmt.Sprint(want) {
				t.Fatalf("%v, want %v", snap.Protected, want)
			}
		}
		ask(worker)
		if snap.Protected != nil {
			t.Fatal("not nil")
		}
		at, err := r.Protect(t.Context(), subject(2), true)
		must(t, err)
		if at.IsZero() {
			t.Fatal("no time")
		}
		ask(worker, false, true, false) // it did not know that there are any
		ask(worker, false, true, false)
		r.accept(t) // they survive what lines survive
		ask(worker, false, true, false)
		if on, err := r.Protected(t.Context(), subject(2)); err != nil || !on {
			t.Fatalf("%v, %v", on, err)
		}
		if found, err := r.Inspect(t.Context()); err != nil || found.Lines != 0 {
			t.Fatalf("%d lines, %v", found.Lines, err)
		}
		if _, err := r.Protect(t.Context(), subject(2), false); err != nil {
			t.Fatal(err)
		}
		ask(worker, false, false, false) // the first to see that there are none
		ask(worker)
		// It counts as a change: a store that lost it stands behind.
		meta := fmt.Sprintf("consentry:{%02d}:meta", subject(2).Shard())
		must(t, r.raw.HIncrBy(t.Context(), meta, "place", -1).Err())
		wantCause(t, worker, "redis_wiped")
	})
}

func TestProtectedByTheChangelog(t *testing.T) {
	r := newProjection(t)
	openAll(t, r.Store, 7, 0)
	vouch(t, r.Store)
	id := subject(1)
	var snap consent.Snapshot
	must(t, r.Ask(t.Context(), "acme", []consent.ID{id}, &snap))
	op := consent.Op{Key: []byte(consent.ProtectedKey(id)), Value: []byte("1")}
	project(t, r.Store, consent.ShardBatch{Shard: id.Shard(), Epoch: 7, To: 1, Ops: []consent.Op{op}})
	must(t, r.Ask(t.Context(), "acme", []consent.ID{id, subject(2)}, &snap))
	if len(snap.Protected) != 2 || !snap.Protected[0] || snap.Protected[1] {
		t.Fatalf("%v", snap.Protected)
	}
	// The count goes with the set into another epoch.
	at, _, err := r.BeginFill(t.Context(), id.Shard(), 8)
	must(t, err)
	project(t, r.Store, consent.ShardBatch{Shard: id.Shard(), Epoch: 8, Building: true, From: at, To: 1, Ops: []consent.Op{op}})
	if ok, err := r.Flip(t.Context(), id.Shard(), 8, 1); err != nil || !ok {
		t.Fatal(err)
	}
	if m := metas(t, r.Store)[id.Shard()]; m.Protected != 1 || m.Epoch != 8 {
		t.Fatalf("%+v", m)
	}
	listed, err := r.ProtectedOf(t.Context(), id.Shard(), 8)
	must(t, err)
	if len(listed) != 1 || listed[0] != id {
		t.Fatalf("%+v", listed)
	}
}
