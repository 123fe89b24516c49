// The projection's scripts and what a worker believes of their work, on a real redis-server.

package consent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func newProjection(t *testing.T) rig {
	return newRig(t, testbed.StartRedis(t).Addr, consent.Options{Deadline: slow, Changelog: true, StaleAfter: time.Hour})
}

var all = func() []int {
	s := make([]int, consent.Shards)
	for i := range s {
		s[i] = i
	}
	return s
}()

// openAll fills an epoch of every shard up to a place, with nothing in it, and opens it.
func openAll(t testing.TB, s *consent.Store, epoch, place uint64) {
	t.Helper()
	for shard := range consent.Shards {
		at, live, err := s.BeginFill(t.Context(), shard, epoch)
		must(t, err)
		if live {
			t.Fatalf("shard %d has epoch %d", shard, epoch)
		}
		project(t, s, consent.ShardBatch{Shard: shard, Epoch: epoch, Building: true, From: at, To: place})
		ok, err := s.Flip(t.Context(), shard, epoch, place)
		must(t, err)
		if !ok {
			t.Fatalf("shard %d was not opened", shard)
		}
	}
}

func project(t testing.TB, s *consent.Store, batches ...consent.ShardBatch) {
	t.Helper()
	got, err := s.Project(t.Context(), batches)
	must(t, err)
	for i, p := range got {
		if !p.OK || !p.Open || p.Place != batches[i].To {
			t.Fatalf("shard %d: %+v", batches[i].Shard, p)
		}
	}
}

func metas(t testing.TB, s *consent.Store) []consent.Meta {
	t.Helper()
	m, err := s.Metas(t.Context(), all)
	must(t, err)
	return m
}

// vouch beats every shard where it stands.
func vouch(t testing.TB, s *consent.Store) {
	t.Helper()
	var beats []consent.ShardBeat
	for shard, m := range metas(t, s) {
		beats = append(beats, consent.ShardBeat{Shard: shard, Epoch: m.Epoch, Place: m.Place, AtMS: m.NowMS, Run: m.NodeRun})
	}
	ok, err := s.Beat(t.Context(), beats)
	must(t, err)
	if slices.Contains(ok, false) {
		t.Fatal("a beat was refused")
	}
}

func lineOp(offset int64, id consent.ID, line string) consent.Op {
	op := consent.Op{Offset: offset, Key: []byte(consent.LineKey(id))}
	if line != "" {
		op.Value = []byte(line)
	}
	return op
}

func TestProjection(t *testing.T) {
	r := newProjection(t)
	openAll(t, r.Store, 7, 3)
	id := subject(1)
	shard := id.Shard()
	batch := consent.ShardBatch{Shard: shard, Epoch: 7, From: 3, To: 9, Ops: []consent.Op{
		lineOp(3, id, "acme/adsX1"), lineOp(4, id, "acme/adsX2"),
		{Offset: 5, Key: []byte(consent.ProtectedKey(id)), Value: []byte("1")}, {Offset: 8, Key: []byte(consent.MarkKey), Value: []byte("{}")},
	}}
	project(t, r.Store, batch)
	read := func(place uint64, want ...string) {
		t.Helper()
		got, ok, err := r.ReadForMerge(t.Context(), shard, 7, place, []string{consent.LineKey(id), consent.ProtectedKey(id)})
		must(t, err)
		if ok != (want != nil) {
			t.Fatalf("at %d: %v", place, ok)
		}
		for i, w := range want {
			if string(got[i]) != w {
				t.Fatalf("value %d is %q, want %q", i, got[i], w)
			}
		}
	}
	read(9, "acme/adsX2", "1")
	read(8)
	// The same again, one with a gap before it, one that overlaps: nothing happens.
	for _, from := range []uint64{3, 8, 10} {
		late := batch
		late.From, late.To, late.Ops = from, 20, []consent.Op{lineOp(int64(from), id, "acme/adsX9")}
		got, err := r.Project(t.Context(), []consent.ShardBatch{late})
		must(t, err)
		if got[0].OK || !got[0].Open || got[0].Place != 9 {
			t.Fatalf("from %d: %+v", from, got[0])
		}
	}
	late := batch
	late.Epoch, late.From, late.To = 8, 9, 10
	got, err := r.Project(t.Context(), []consent.ShardBatch{late})
	must(t, err)
	if got[0].OK || got[0].Open {
		t.Fatalf("another epoch: %+v", got[0])
	}
	read(9, "acme/adsX2", "1")
	project(t, r.Store, consent.ShardBatch{Shard: shard, Epoch: 7, From: 9, To: 11, Ops: []consent.Op{
		lineOp(9, id, ""), {Offset: 10, Key: []byte(consent.ProtectedKey(id))},
	}})
	read(11, "", "")
	if _, _, err := r.ReadForMerge(t.Context(), shard, 7, 11, []string{"mark"}); err == nil {
		t.Fatal("the mark has no value in Redis")
	}
}

// More records than one script takes, several batches of one shard, a stop flag: they follow one another or none does.
func TestProjectionOfMany(t *testing.T) {
	r := newProjection(t)
	openAll(t, r.Store, 7, 0)
	var batches []consent.ShardBatch
	var at [consent.Shards]uint64
	var ids []consent.ID
	for n := range 3 {
		var ops [consent.Shards][]consent.Op
		for i := range 2000 {
			id := subject(n*2000 + i)
			id[0] = id[0] & 0x07 // the first two shards
			ids = append(ids, id)
			shard := id.Shard()
			ops[shard] = append(ops[shard], lineOp(int64(at[shard])+int64(2*len(ops[shard])), id, fmt.Sprintf("acme/adsX%d", n*2000+i)))
		}
		for shard := range 2 {
			to := at[shard] + uint64(2*len(ops[shard]))
			batches = append(batches, consent.ShardBatch{Shard: shard, Epoch: 7, From: at[shard], To: to, Ops: ops[shard]})
			at[shard] = to
		}
	}
	project(t, r.Store, batches...)
	for shard := range 2 {
		var keys []string
		var want []string
		for i, id := range ids {
			if id.Shard() == shard {
				keys, want = append(keys, consent.LineKey(id)), append(want, fmt.Sprintf("acme/adsX%d", i))
			}
		}
		got, ok, err := r.ReadForMerge(t.Context(), shard, 7, at[shard], keys)
		must(t, err)
		if !ok {
			t.Fatal("the place is another")
		}
		for i := range want {
			if string(got[i]) != want[i] {
				t.Fatalf("%s is %q, want %q", keys[i], got[i], want[i])
			}
		}
	}
	found := map[int]map[string]bool{0: {}, 1: {}}
	must(t, r.Survey(t.Context(), func(shard int, epoch uint64, key string) error {
		if epoch != 7 || shard > 1 {
			t.Errorf("shard %d has %s under epoch %d", shard, key, epoch)
			return nil
		}
		found[shard][key] = true
		return nil
	}))
	if n := len(found[0]) + len(found[1]); n != len(ids) {
		t.Fatalf("%d lines are found, want %d", n, len(ids))
	}
}

func TestVouching(t *testing.T) {
	r := newProjection(t)
	wantCause(t, r.Store, "redis_wiped")
	openAll(t, r.Store, 7, 3)
	wantCause(t, r.Store, "redis_stale")
	m := metas(t, r.Store)[0]
	if m.Epoch != 7 || m.Place != 3 || !m.Kafka || m.BeatMS != 0 || len(m.NodeRun) != 40 || m.NowMS == 0 {
		t.Fatalf("%+v", m)
	}
	good := consent.ShardBeat{Shard: 0, Epoch: 7, Place: 3, AtMS: m.NowMS, Run: m.NodeRun}
	for _, spoil := range []func(*consent.ShardBeat){
		func(b *consent.ShardBeat) { b.Epoch = 8 },
		func(b *consent.ShardBeat) { b.Place = 2 },
		func(b *consent.ShardBeat) { b.Place = 4 },
		func(b *consent.ShardBeat) { b.AtMS += 60_000 },
		func(b *consent.ShardBeat) { b.Run = strings.Repeat("a", 40) },
	} {
		b := good
		spoil(&b)
		ok, err := r.Beat(t.Context(), []consent.ShardBeat{b})
		must(t, err)
		if ok[0] {
			t.Errorf("taken: %+v", b)
		}
	}
	vouch(t, r.Store)
	wantCause(t, r.Store, "")
	// A late beat takes nothing back; a server's clock that was set back makes a later one count again.
	beat := metas(t, r.Store)[0].BeatMS
	late := good
	late.AtMS -= 20_000
	if _, err := r.Beat(t.Context(), []consent.ShardBeat{late}); err != nil || metas(t, r.Store)[0].BeatMS != beat {
		t.Fatalf("a late beat was taken: %v", err)
	}
	set := func(field string, value any) {
		t.Helper()
		must(t, r.raw.HSet(t.Context(), "consentry:{00}:meta", field, value).Err())
	}
	set("beat", m.NowMS+600_000)
	wantCause(t, r.Store, "redis_stale")
	vouch(t, r.Store)
	wantCause(t, r.Store, "")
	set("run", strings.Repeat("a", 40))
	wantCause(t, r.Store, "redis_stale")
	vouch(t, r.Store)
	set("beat", m.NowMS-2*time.Hour.Milliseconds())
	wantCause(t, r.Store, "redis_stale")
	vouch(t, r.Store)
	wantCause(t, r.Store, "")
	// A place that fell back is doubted until it has caught up, whoever vouches for it.
	set("place", 2)
	vouch(t, r.Store)
	wantCause(t, r.Store, "redis_wiped")
	project(t, r.Store, consent.ShardBatch{Shard: 0, Epoch: 7, From: 2, To: 3})
	wantCause(t, r.Store, "")
}

// Only the shards of those who are asked about, and the first one, count.
func TestStaleShardOfOthers(t *testing.T) {
	r := newProjection(t)
	openAll(t, r.Store, 7, 3)
	vouch(t, r.Store)
	other := subject(5)
	must(t, r.raw.HDel(t.Context(), fmt.Sprintf("consentry:{%02d}:meta", other.Shard()), "beat").Err())
	var snap consent.Snapshot
	if c := cause(t, r.Ask(t.Context(), "acme", []consent.ID{subject(1)}, &snap)); c != "" || subject(1).Shard() == other.Shard() {
		t.Fatalf("others: %q", c)
	}
	if snap.Places[other.Shard()] != 3 {
		t.Fatal("its place is not told")
	}
	if c := cause(t, r.Ask(t.Context(), "acme", []consent.ID{other}, &snap)); c != "redis_stale" {
		t.Fatalf("its own: %q", c)
	}
	if c := cause(t, r.Ask(t.Context(), "acme", nil, &snap)); c != "redis_stale" {
		t.Fatalf("the store as such: %q", c)
	}
}

func TestRebuildBeside(t *testing.T) {
	r := newProjection(t)
	openAll(t, r.Store, 7, 0)
	id := subject(1)
	shard := id.Shard()
	project(t, r.Store, consent.ShardBatch{Shard: shard, Epoch: 7, To: 5, Ops: []consent.Op{lineOp(0, id, "acme/adsX1")}})
	vouch(t, r.Store)
	var snap consent.Snapshot
	ask := func() (uint64, string) {
		t.Helper()
		must(t, r.Ask(t.Context(), "acme", []consent.ID{id}, &snap))
		return snap.Epoch, string(snap.Lines[0])
	}
	for i := range consent.Shards {
		_, live, err := r.BeginFill(t.Context(), i, 9)
		must(t, err)
		if live {
			t.Fatal("live")
		}
	}
	fill := consent.ShardBatch{Shard: shard, Epoch: 9, Building: true, To: 4, Ops: []consent.Op{lineOp(0, id, "acme/adsX2")}}
	project(t, r.Store, fill)
	if epoch, line := ask(); epoch != 7 || line != "acme/adsX1" {
		t.Fatalf("while it is built: %d %q", epoch, line)
	}
	if at, _, err := r.BeginFill(t.Context(), shard, 9); err != nil || at != 4 {
		t.Fatalf("it goes on at %d: %v", at, err)
	}
	if ok, err := r.Flip(t.Context(), shard, 9, 5); err != nil || ok {
		t.Fatalf("opened before it is full: %v", err)
	}
	project(t, r.Store, consent.ShardBatch{Shard: shard, Epoch: 9, Building: true, From: 4, To: 5})
	for i := range consent.Shards {
		to := uint64(0)
		if i == shard {
			to = 5
		}
		if ok, err := r.Flip(t.Context(), i, 9, to); err != nil || !ok {
			t.Fatalf("shard %d: %v", i, err)
		}
		if i == 10 {
			wantCause(t, r.Store, "redis_stale") // turning
		}
	}
	wantCause(t, r.Store, "redis_stale") // nobody has vouched for it
	vouch(t, r.Store)
	if epoch, line := ask(); epoch != 9 || line != "acme/adsX2" {
		t.Fatalf("after: %d %q", epoch, line)
	}
	if _, live, err := r.BeginFill(t.Context(), shard, 8); err != nil || !live {
		t.Fatalf("an epoch before it: %v", err)
	}
	if n, err := r.UnlinkPast(t.Context(), nil); err != nil || n != 1 {
		t.Fatalf("%d keys of the past: %v", n, err)
	}
	if epoch, line := ask(); epoch != 9 || line != "acme/adsX2" {
		t.Fatalf("after clearing: %d %q", epoch, line)
	}
}

// One that accept-epoch is at work in is not shut: its lines stand under no epoch that is open.
func TestShutWhileItIsAccepted(t *testing.T) {
	r := newRig(t, testbed.StartRedis(t).Addr, consent.Options{Deadline: slow})
	r.accept(t)
	moved := open(t, r.addr, consent.Options{Deadline: slow, Changelog: true, StaleAfter: time.Hour})
	_, err := r.Accept(t.Context(), func(context.Context, consent.Writer) error {
		if err := moved.Shut(t.Context(), 5); err == nil {
			t.Error("a shard was shut that is being accepted")
		}
		return nil
	}, nil)
	must(t, err)
}

// A single store that is shut refuses every change and is read on; once its truth is in Kafka nobody without a changelog
// believes it.
func TestShut(t *testing.T) {
	r := newRig(t, testbed.StartRedis(t).Addr, consent.Options{Deadline: slow})
	r.accept(t)
	r.apply(t, subject(1), grant(1000))
	moved := open(t, r.addr, consent.Options{Deadline: slow, Changelog: true, StaleAfter: time.Hour})
	for shard := range consent.Shards {
		must(t, moved.Shut(t.Context(), shard))
	}
	refused := func() {
		t.Helper()
		for name, err := range map[string]error{
			"change":  second(r.Apply(t.Context(), subject(1), withdraw())),
			"stop":    second(r.Stop(t.Context(), "acme", "")),
			"protect": second(r.Protect(t.Context(), subject(1), true)),
			"accept":  second(r.Accept(t.Context(), nil, nil)),
		} {
			if err != consent.ErrMoved {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	refused()
	wantCause(t, r.Store, "")
	wantCause(t, moved, "redis_wiped")
	openAll(t, moved, metas(t, moved)[0].Epoch+1, 0)
	vouch(t, moved)
	wantCause(t, moved, "")
	wantCause(t, r.Store, "redis_unsafe")
	refused()
}

func second[T any](_ T, err error) error { return err }
