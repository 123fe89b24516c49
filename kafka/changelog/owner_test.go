package changelog

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/consent"
)

const firstEpoch = 1700000000000

// opened is a rig whose shards are open and fresh, with an owner at work.
func opened(t *testing.T) (*ownerRig, *running) {
	t.Helper()
	r := newOwnerRig(t)
	return r, r.opened()
}

func (r *ownerRig) opened() *running {
	r.t.Helper()
	o := r.start()
	r.open(firstEpoch)
	o.untilOpen(consent.Shards)
	return o
}

func TestGrantAppendedIsInForce(t *testing.T) { onEither(t, grantAppended) }

func grantAppended(r *ownerRig) {
	t := r.t
	r.opened()
	r.ask(grant(1, 1000), grant(2, 1000), withdraw(2))
	r.settle(firstEpoch)
	var snap consent.Snapshot
	if err := r.store.Ask(t.Context(), "acme", []consent.ID{person(1), person(2), person(3)}, &snap); err != nil {
		t.Fatal(err)
	}
	if string(snap.Lines[0]) != "acme/advertising:location@1000-" {
		t.Errorf("the line of who agreed is %q", snap.Lines[0])
	}
	if line := string(snap.Lines[1]); len(line) < 18 || line[:18] != "acme/advertisingX1" {
		t.Errorf("the line of who withdrew is %q", line)
	}
	if snap.Lines[2] != nil {
		t.Errorf("somebody nobody knows has the line %q", snap.Lines[2])
	}
}

func TestGroupWithoutPositionsMergesNothingTwice(t *testing.T) { onEither(t, groupDeleted) }

func groupDeleted(r *ownerRig) {
	t, o := r.t, r.opened()
	for n := range 300 {
		r.ask(grant(n, 1000), withdraw(n))
	}
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.until("the group is gone", func() bool {
		// Static members stay until their sessions end, unless somebody takes them out.
		_, _ = r.adm.LeaveGroup(context.Background(), kadm.LeaveGroup(o.group).InstanceIDs("0.0", "0.1"))
		res, err := r.adm.DeleteGroups(context.Background(), o.group)
		return err == nil && res[o.group].Err == nil
	})
	before := r.projected(firstEpoch)
	o = r.start()
	o.untilOpen(consent.Shards)
	r.ask(grant(7, 1001))
	r.settle(firstEpoch)
	after := r.projected(firstEpoch)
	for shard := range before {
		for key, v := range before[shard] {
			if key != person(7).String() && after[shard][key] != v {
				t.Errorf("shard %d %s was %q and is %q", shard, key, v, after[shard][key])
			}
		}
	}
}

func TestEmptiedStoreIsFilledByItself(t *testing.T) {
	r, o := opened(t)
	for n := range 200 {
		r.ask(grant(n, 1000))
	}
	r.ask(withdraw(5))
	r.settle(firstEpoch)
	if err := r.raw.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	var snap consent.Snapshot
	if err := r.store.Ask(t.Context(), "acme", []consent.ID{person(5)}, &snap); err == nil && snap.Lines[0] == nil {
		t.Error("an emptied store was believed")
	}
	r.settle(firstEpoch)
	o.untilOpen(consent.Shards)
	r.until("workers believe it again", func() bool {
		return r.store.Ask(t.Context(), "acme", []consent.ID{person(5)}, &snap) == nil
	})
}

// TestOlderStoreIsCaughtUp puts back what Redis held some changes ago, as a promoted replica or an old snapshot would.
func TestOlderStoreIsCaughtUp(t *testing.T) {
	r, o := opened(t)
	for n := range 100 {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	old := r.snapshot()
	for n := range 100 {
		r.ask(withdraw(n))
	}
	r.settle(firstEpoch)
	r.restore(old)
	r.settle(firstEpoch)
	r.ask(grant(1, 2000)) // older than its withdrawal
	r.settle(firstEpoch)
	o.untilOpen(consent.Shards)
}

func (r *ownerRig) snapshot() map[string]string {
	r.t.Helper()
	ctx := context.Background()
	out := map[string]string{}
	it := r.raw.Scan(ctx, 0, "consentry:*", 1000).Iterator()
	for it.Next(ctx) {
		out[it.Val()] = r.raw.Dump(ctx, it.Val()).Val()
	}
	if err := it.Err(); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *ownerRig) restore(keys map[string]string) {
	r.t.Helper()
	pipe := r.raw.TxPipeline()
	pipe.FlushAll(context.Background())
	for key, v := range keys {
		pipe.RestoreReplace(context.Background(), key, 0, v)
	}
	if _, err := pipe.Exec(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// TestOwnerStoppedBeforeItsScript holds an owner between commit and projection while another one takes shards over, and
// lets it go on when it is long out of date.
func TestOwnerStoppedBeforeItsScript(t *testing.T) { onEither(t, stoppedBeforeScript) }

func stoppedBeforeScript(r *ownerRig) {
	t := r.t
	held, release := make(chan struct{}), make(chan struct{})
	hold := false
	first := r.start(func(o *Options) {
		o.Lanes = 1
		o.written = func() {
			if hold {
				hold = false
				close(held)
				<-release
			}
		}
	})
	r.open(firstEpoch)
	first.untilOpen(consent.Shards)
	for n := range 64 {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	first.lanes[0].mu.Lock()
	hold = true
	first.lanes[0].mu.Unlock()
	r.ask(withdraw(3), withdraw(4))
	<-held
	second := r.start(func(o *Options) { o.Instance, o.Lanes, o.Store = 1, 1, r.openStore() })
	r.until("the second owns half", func() bool { return second.Status().Shards == consent.Shards/2 })
	second.untilOpen(consent.Shards / 2)
	for n := range 64 {
		r.ask(grant(n, 3000), withdraw(n), grant(n, 2000))
	}
	close(release)
	r.settle(firstEpoch)
	if err := second.halt(); err != nil {
		t.Fatal(err)
	}
	r.ask(grant(3, 1), withdraw(40))
	// The second was a static member: its shards are free when its session has ended.
	if _, err := r.adm.LeaveGroup(t.Context(), kadm.LeaveGroup(first.group).InstanceIDs("1.0")); err != nil {
		t.Fatal(err)
	}
	r.settle(firstEpoch)
	first.untilOpen(consent.Shards)
}

func TestRequestThatCannotBeReadLeavesAPointer(t *testing.T) {
	r, _ := opened(t)
	poison(r, 5, []byte("no/key"), []byte("{"))
	r.ask(grant(5, 1000))
	r.settle(firstEpoch)
	pointers := r.pointers()
	if len(pointers) != 1 || pointers[0].Stage != "consent" || pointers[0].Reason != "bad_event" || pointers[0].Topic != r.requests ||
		pointers[0].Partition != 5 {
		t.Errorf("quarantine holds %+v", pointers)
	}
}

func TestUnopenedShardWaitsForAPerson(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start()
	r.until("every shard is looked at", func() bool { s := o.Status(); return s.Shards == consent.Shards && s.Cause == "redis_wiped" })
	if s := o.Status(); s.State != "parked" || s.Open != 0 {
		t.Errorf("status is %+v", s)
	}
	var snap consent.Snapshot
	if r.store.Ask(t.Context(), "acme", []consent.ID{person(5)}, &snap) == nil {
		t.Error("a store that nobody opened was believed")
	}
}

// TestLinesOfASingleStoreAreTakenOver: before the first opening lines are adopted; who withdraws meanwhile stays so.
func TestLinesOfASingleStoreAreTakenOver(t *testing.T) {
	r := newOwnerRig(t)
	adopt := func(n int) consent.Request {
		return consent.Request{Kind: consent.AskAdopt, ReqID: requestID(), ID: person(n), Line: []byte("acme/advertising:location@1000-")}
	}
	o := r.start()
	r.ask(adopt(1), adopt(2))
	r.until("both are merged", func() bool { return len(r.dones()) == 2 })
	r.ask(withdraw(1), withdraw(3))
	r.until("and what follows", func() bool { return len(r.dones()) == 4 })
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	o = r.start() // which must find out what was withdrawn
	r.ask(adopt(1), adopt(3), withdraw(2))
	r.open(firstEpoch)
	o.untilOpen(consent.Shards)
	r.settle(firstEpoch)
	for n := 1; n <= 3; n++ {
		if line := r.projected(firstEpoch)[n][person(n).String()]; len(line) < 17 || line[:17] != "acme/advertisingX" {
			t.Errorf("person %d withdrew and has the line %q", n, line)
		}
	}
}

func TestHeldStoreIsFilledAndNotBelieved(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start()
	var reqs []consent.Request
	for shard := range consent.Shards {
		reqs = append(reqs, consent.Request{Kind: consent.AskOpen, ReqID: requestID(), Epoch: firstEpoch, OpenOf: shard, Hold: true})
	}
	r.ask(reqs...)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	var snap consent.Snapshot
	if r.store.Ask(t.Context(), "acme", []consent.ID{person(1)}, &snap) == nil {
		t.Error("a store that is held was believed")
	}
	r.open(firstEpoch)
	o.untilOpen(consent.Shards)
	r.until("workers believe it", func() bool { return r.store.Ask(t.Context(), "acme", []consent.ID{person(1)}, &snap) == nil })
}

func TestAnotherEpochIsBuiltBesideTheOpenOne(t *testing.T) {
	r, o := opened(t)
	for n := range 128 {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	r.open(firstEpoch + 1)
	r.settle(firstEpoch + 1)
	o.untilOpen(consent.Shards)
	r.ask(withdraw(5))
	r.settle(firstEpoch + 1)
}

// measured is what the metrics say, by name and labels.
func (o *running) measured() map[string]float64 {
	o.r.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(o.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		o.r.t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}

// TestMetrics: the lag comes back to nothing, each change counts once and openings do not.
func TestMetrics(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	r.until("nothing waits", func() bool { return o.Status().Lag == 0 })
	r.ask(grant(1, 900), grant(1, 1))
	r.settle(firstEpoch)
	r.until("nothing waits", func() bool { return o.Status().Lag == 0 })
	got := o.measured()
	for name, want := range map[string]float64{"consentry_consent_changes_total in_force": 1, "consentry_consent_changes_total void": 2,
		"consentry_consent_changes_total refused": 0, "consentry_consent_lag_changes": 0} {
		if v, there := got[name]; !there || v != want {
			t.Errorf("%s is %v, not %v", name, v, want)
		}
	}
	if len(got) != 5 {
		t.Errorf("the metrics are %v", got)
	}
	if age := got["consentry_consent_store_age_seconds"]; age <= 0 || age > testDeadline.Seconds() {
		t.Errorf("the oldest heartbeat is %v s old", age)
	}
}
