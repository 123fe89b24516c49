package changelog

// What is done to the topics behind the owner's back: positions moved ahead, a topic made again, one that keeps the wrong
// time. No request may be passed over that was never merged.

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// leave takes the static members of an owner that has ended out of its group.
func (r *ownerRig) leave(group string) {
	r.t.Helper()
	r.until("the group is empty", func() bool {
		_, _ = r.adm.LeaveGroup(context.Background(), kadm.LeaveGroup(group).InstanceIDs("0.0", "0.1"))
		groups, err := r.adm.DescribeGroups(context.Background(), group)
		return err == nil && len(groups[group].Members) == 0
	})
}

// makeAgain deletes a topic and makes it anew, empty.
func (r *ownerRig) makeAgain(topic string) {
	r.t.Helper()
	ctx := context.Background()
	if _, err := r.adm.DeleteTopics(ctx, topic); err != nil {
		r.t.Fatal(err)
	}
	logAppend, compact := "LogAppendTime", "compact"
	settings := map[string]*string{"cleanup.policy": &compact}
	if topic == r.requests {
		settings["message.timestamp.type"] = &logAppend
	}
	r.until("the topic can be made again", func() bool {
		_, err := r.adm.CreateTopic(ctx, consent.Shards, 1, settings, topic)
		return err == nil
	})
	// The producer must have met the new one.
	r.client.ForceMetadataRefresh()
}

func (r *ownerRig) line(n int) string {
	r.t.Helper()
	v, _ := r.raw.Get(context.Background(), r.key(firstEpoch, person(n))).Result()
	return v
}

// A person, or a tool, moves the group's positions to the end while no owner runs: what was asked meanwhile is merged all
// the same, because the mark says where the merge stands and not the group.
func TestPositionsMovedAheadPassNothingOver(t *testing.T) { onEither(t, positionsMovedAhead) }

func positionsMovedAhead(r *ownerRig) {
	t, o := r.t, r.opened()
	for n := range 2 * consent.Shards {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.leave(o.group)
	for n := range 2 * consent.Shards {
		r.ask(withdraw(n))
	}
	ends, err := r.adm.ListEndOffsets(t.Context(), r.requests)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.adm.CommitAllOffsets(t.Context(), o.group, ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	r.start().untilOpen(consent.Shards)
	r.settle(firstEpoch)
}

// The requests topic is made again: its offsets begin anew, below the marks. Changes are merged as before.
func TestRequestsMadeAgainAreMerged(t *testing.T) { onEither(t, requestsMadeAgain) }

func requestsMadeAgain(r *ownerRig) {
	t, o := r.t, r.opened()
	for n := range 4 * consent.Shards {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.makeAgain(r.requests)
	o = r.start()
	c := r.verb(testDeadline)
	got := r.outcome(c, withdraw(1))
	if !got.InForce || !strings.HasPrefix(r.line(1), "acme/advertisingX") {
		t.Errorf("%+v, and the line is %q", got, r.line(1))
	}
	// And once only, also by the next owner.
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	before := r.line(1)
	r.start().untilOpen(consent.Shards)
	if got := r.outcome(c, withdraw(2)); !got.InForce || r.line(1) != before {
		t.Errorf("%+v, and the line was %q and is %q", got, before, r.line(1))
	}
}

// The state topic and Redis are both lost: the requests have everything, and are merged again.
func TestStateMadeAgainIsMergedFromTheRequests(t *testing.T) {
	r, o := opened(t)
	for n := range 2 * consent.Shards {
		r.ask(grant(n, 1000))
	}
	r.ask(withdraw(3), withdraw(70))
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.makeAgain(r.state)
	if err := r.raw.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	o = r.start()
	o.untilOpen(consent.Shards)
	r.settle(firstEpoch)
}

// Under the sender's time whoever asks would choose when a change was accepted, and a topic that deletes by age forgets
// withdrawals: under such a setting nothing is acknowledged, and what was asked is merged when it is right again.
func TestWrongSettingsPark(t *testing.T) {
	r, o := opened(t)
	set := func(topic, name, value string) {
		if _, err := r.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range []struct{ topic, name, value, right string }{
		{r.requests, "message.timestamp.type", "CreateTime", "LogAppendTime"},
		{r.requests, "cleanup.policy", "delete", "compact"},
		{r.state, "cleanup.policy", "compact,delete", "compact"},
	} {
		if err := o.halt(); err != nil {
			t.Fatal(err)
		}
		set(wrong.topic, wrong.name, wrong.value)
		o = r.start()
		r.until("it parks for "+wrong.name, func() bool {
			s := o.Status()
			return s.State == kafka.StateParked && s.Cause == string(kafka.TopicMissing) && strings.Contains(s.Detail, wrong.name) &&
				strings.Contains(s.Detail, wrong.topic)
		})
		if _, err := r.verb(time.Second).Ask(t.Context(), withdraw(1)); err == nil {
			t.Error("a change was acknowledged")
		}
		set(wrong.topic, wrong.name, wrong.right)
		o.untilOpen(consent.Shards)
	}
}

// A setting becomes wrong while an owner is at work.
func TestSettingThatBecomesWrongParks(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start(func(o *Options) { o.lookEvery = 20 * time.Millisecond })
	r.open(firstEpoch)
	o.untilOpen(consent.Shards)
	for _, policy := range []string{"delete", "compact"} {
		if _, err := r.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: &policy}}, r.state); err != nil {
			t.Fatal(err)
		}
		if policy == "delete" {
			r.until("it parks", func() bool {
				s := o.Status()
				return s.Open == 0 && strings.Contains(s.Detail, "cleanup.policy=delete")
			})
		}
	}
	o.untilOpen(consent.Shards)
}

// Somebody has put something else where a line stands, so that the subject's requests cannot be merged: the shards of
// everybody else go on, and it shows.
func TestShardThatCannotBeMergedKeepsNobody(t *testing.T) {
	r, o := opened(t)
	c := r.verb(testDeadline)
	if err := r.raw.LPush(t.Context(), r.key(firstEpoch, person(1)), "x").Err(); err != nil {
		t.Fatal(err)
	}
	r.ask(withdraw(1))
	r.until("it shows", func() bool { return o.Status().State == kafka.StateParked })
	for n := 2; n < 12; n++ {
		if got := r.outcome(c, withdraw(n)); !got.InForce {
			t.Errorf("%+v", got)
		}
		if s := o.Status(); s.State != kafka.StateParked {
			t.Errorf("a shard cannot be merged, and the status is %+v", s)
		}
	}
	if err := r.raw.Del(t.Context(), r.key(firstEpoch, person(1))).Err(); err != nil {
		t.Fatal(err)
	}
	r.settle(firstEpoch)
}

// One partition of the state holds a record that no owner wrote: an emptied store is filled with all the others.
func TestStrangeRecordKeepsOneShard(t *testing.T) {
	r, o := opened(t)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	if err := r.client.ProduceSync(t.Context(), &kgo.Record{Topic: r.state, Partition: 7, Key: []byte("strange"), Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := r.raw.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	o = r.start()
	o.untilOpen(consent.Shards - 1)
	s := o.Status()
	if s.State != kafka.StateParked || s.Cause != string(kafka.OffsetsLost) {
		t.Errorf("%+v", s)
	}
}

// testHouse stands for the house key of the deployments in these tests.
const testHouse = "00112233aabbccdd"

// An emptied store is met first by somebody with another key folder: when it is filled again it says whose it is.
func TestEmptiedStoreKeepsItsHouseKey(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	if house, err := c.House(t.Context()); err != nil || house != testHouse {
		t.Fatalf("%q %v", house, err)
	}
	if err := r.raw.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Fingerprint(t.Context(), "house", "ffffffffffffffff"); err != nil {
		t.Fatal(err)
	}
	r.outcome(c, withdraw(1))
	if same, err := r.store.Fingerprint(t.Context(), "house", testHouse); err != nil || !same {
		t.Errorf("the store believes another house key: %v", err)
	}
	if _, err := c.Open(t.Context(), Opening{Epoch: 9, House: "ffffffffffffffff", Wait: testDeadline}); err == nil || !strings.Contains(err.Error(), "house key") {
		t.Errorf("opened under another house key: %v", err)
	}
}

// Owners of another group, which nothing fences from these, leave the shards alone as long as these are believed: also shards
// that nobody has changed.
func TestOwnersOfAnotherGroupPark(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	elsewhere := func(o *Options) { o.Group += "-too"; o.Store = r.openStore() }
	other := r.start(elsewhere)
	parked := func(o *running, by string) func() bool {
		return func() bool {
			s := o.Status()
			return s.State == kafka.StateParked && s.Open == 0 && strings.Contains(s.Detail, "owned under group "+by)
		}
	}
	r.until("the other group parks", parked(other, o.group))
	r.ask(withdraw(1))
	r.settle(firstEpoch)
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	other.untilOpen(consent.Shards)
	// Nothing was asked since, and still the first finds it is not the owner any more.
	o = r.start()
	r.until("the first group parks", parked(o, other.group))
	r.ask(grant(2, 1000))
	r.settle(firstEpoch)
}

// Somebody, such as an owner of another group that hung, writes late what was merged long ago: what has been merged since is
// merged again, and nobody is told meanwhile that the store is complete.
func TestMarkThatWentBackIsMergedAgain(t *testing.T) {
	r, _ := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	_, marks := r.merged()
	old := marks[1]
	r.ask(withdraw(1))
	r.settle(firstEpoch)
	late := []*kgo.Record{
		{Topic: r.state, Partition: 1, Key: []byte(person(1).String()), Value: []byte("acme/advertising:location@1000-")},
		{Topic: r.state, Partition: 1, Key: []byte(consent.MarkKey), Value: old.Value()},
	}
	if err := r.client.ProduceSync(t.Context(), late...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	extents, err := r.verb(testDeadline).state.extents(t.Context(), []int32{1})
	if err != nil {
		t.Fatal(err)
	}
	meta := func() consent.Meta {
		metas, err := r.store.Metas(t.Context(), []int{person(1).Shard()})
		if err != nil {
			t.Fatal(err)
		}
		return metas[0]
	}
	r.until("it was projected", func() bool { return int64(meta().Place) >= extents[1].stable })
	since := meta().NowMS
	r.until("a heartbeat", func() bool { return meta().BeatMS > since })
	if line := r.line(1); !strings.HasPrefix(line, "acme/advertisingX") {
		t.Errorf("the store is said to be complete, and the line is %q", line)
	}
}
