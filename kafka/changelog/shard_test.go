package changelog

import (
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
)

// known is a shard that stands at head under an epoch.
func known(head int64, epoch uint64) shard {
	return shard{n: 3, known: true, found: true, mark: consent.Mark{Epoch: epoch}, head: head, run: "A"}
}

// ours is the group of the owners here.
const ours = "g.consent"

// meta is a store of epoch 7 at a place, on the server A.
func meta(place uint64) consent.Meta {
	return consent.Meta{Kafka: true, Epoch: 7, Place: place, Run: "A", NodeRun: "A", BeatMS: 100_000, NowMS: 101_000, Group: ours}
}

func TestAssess(t *testing.T) {
	end := func(at int64) extent { return extent{0, at, at} }
	marked := func(s shard) shard { s.marked = true; return s }
	held := func(s shard) shard { s.mark.Hold = true; return s }
	with := func(m consent.Meta, change func(*consent.Meta)) consent.Meta { change(&m); return m }
	shardWith := func(s shard, change func(*shard)) shard { change(&s); return s }
	for _, c := range []struct {
		name  string
		shard shard
		meta  consent.Meta
		end   extent
		want  step
		cause string
	}{
		{"nothing is known", shard{n: 3}, meta(9), end(9), stepTail, "state_restoring"},
		{"a predecessor's transaction is open", shard{n: 3}, meta(9), extent{0, 9, 12}, stepWait, "state_restoring"},
		{"complete", known(9, 7), meta(9), end(9), stepBeat, ""},
		{"our own transaction's marker is not written yet", marked(known(9, 7)), meta(9), extent{0, 6, 9}, stepBeat, ""},
		{"our own marker stands between", marked(known(9, 7)), meta(9), end(10), stepAdvance, ""},
		{"something that is not ours stands there", known(9, 7), meta(9), end(10), stepCatchUp, "redis_stale"},
		{"more than our marker stands there", marked(known(9, 7)), meta(9), end(11), stepCatchUp, "redis_stale"},
		{"somebody moved it over our marker", marked(known(9, 7)), meta(10), end(10), stepBeat, ""},
		{"somebody wrote and projected", marked(known(9, 7)), meta(14), end(14), stepTail, "state_restoring"},
		{"the store was put back", known(9, 7), meta(4), end(9), stepCatchUp, "redis_stale"},
		{"the store was put back and a transaction hangs", known(9, 7), meta(4), extent{0, 6, 12}, stepWait, "state_restoring"},
		{"the store is ahead of the log", known(9, 7), meta(40), end(9), stepWait, "offsets_lost"},
		{"the store was emptied", known(9, 7), consent.Meta{NodeRun: "A"}, end(9), stepFill, "redis_wiped"},
		{"and is being filled", known(9, 7), consent.Meta{NodeRun: "A", Building: 7, BuildingPlace: 4}, end(9), stepFill, "redis_wiped"},
		{"and is filled", known(9, 7), consent.Meta{NodeRun: "A", Building: 7, BuildingPlace: 9}, end(9), stepFlip, "redis_wiped"},
		{"filled, and the log has grown", known(9, 7), consent.Meta{NodeRun: "A", Building: 7, BuildingPlace: 9}, end(12), stepFill, "redis_wiped"},
		{"the store has an older epoch", known(9, 8), meta(9), end(9), stepFill, "redis_wiped"},
		{"another epoch is built beside", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Building, m.BuildingPlace = 8, 3 }), end(9), stepBeat, ""},
		{"a single store from before the log was opened", known(9, 7), consent.Meta{Epoch: 5, NodeRun: "A"}, end(9), stepFill, "redis_wiped"},
		{"a single store that was opened later", known(9, 7), consent.Meta{Epoch: 8, NodeRun: "A"}, end(9), stepWait, "redis_wiped"},
		{"the log has lost its end, and the store everything", known(9, 7), consent.Meta{NodeRun: "A"}, end(4), stepWait, "state_restoring"},
		{"the store has a later epoch", known(9, 6), meta(9), end(9), stepWait, "offsets_lost"},
		{"held by a person", held(known(9, 7)), meta(9), end(9), stepNone, "redis_wiped"},
		{"held, behind our marker", held(marked(known(9, 7))), meta(9), end(10), stepNone, "redis_wiped"},
		{"never opened", known(0, 0), consent.Meta{NodeRun: "A"}, end(0), stepNone, "redis_wiped"},
		{"never opened, over a single store", known(0, 0), consent.Meta{Epoch: 5, NodeRun: "A"}, end(0), stepWait, "redis_wiped"},
		{"never opened, over one that is being moved", known(0, 0), consent.Meta{Epoch: 5, Shut: true, NodeRun: "A"}, end(0), stepNone, "redis_wiped"},
		{"an empty log under a store that follows it", known(0, 0), meta(9), end(0), stepWait, "offsets_lost"},
		{"the log has lost its end, and the store was put back", known(100, 7), meta(90), end(95), stepWait, "state_restoring"},
		{"the log has lost its end, and the store was put back to there", known(100, 7), meta(95), end(95), stepWait, "state_restoring"},
		{"another group is believed", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Group = "other" }), end(9), stepWait, "state_restoring"},
		{"another group was believed", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Group, m.NowMS = "other", 102_001 }), end(9), stepBeat, ""},
		{"another group was believed elsewhere", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Group, m.Run = "other", "B" }), end(9), stepBeat, ""},
		{"the mark went back", shardWith(known(9, 7), func(s *shard) { s.owed = 4 }), meta(9), end(9), stepNone, "redis_stale"},
		{"keys were dropped", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Noted = true }), end(9), stepNone, "redis_unsafe"},
		{"keys may be dropped", known(9, 7), with(meta(9), func(m *consent.Meta) { m.Evicts = true }), end(9), stepNone, "redis_unsafe"},
		{"emptied, and keys are dropped", known(9, 7), consent.Meta{NodeRun: "A", Evicted: true}, end(9), stepWait, "redis_unsafe"},
		{"filled, and some of it was dropped", known(9, 7), consent.Meta{NodeRun: "A", Building: 7, BuildingPlace: 9, BuildingNoted: true}, end(9), stepFill, "redis_wiped"},
		{"on a server that nobody was told of", known(9, 7), with(meta(9), func(m *consent.Meta) { m.NodeRun = "B" }), end(9), stepNone, "redis_stale"},
		{"put back on such a server", known(9, 7), with(meta(4), func(m *consent.Meta) { m.NodeRun = "B" }), end(9), stepCatchUp, "redis_stale"},
	} {
		s := c.shard
		s.believed = time.Unix(100, 0)
		got, doubt := s.assess(&c.meta, c.end, time.Unix(101, 0), 2*time.Second, ours)
		cause := ""
		if doubt != nil {
			cause = doubt.Cause()
		}
		if got != c.want || cause != c.cause {
			t.Errorf("%s: step %d because of %q, not %d because of %q", c.name, got, cause, c.want, c.cause)
		}
		if c.want == stepBeat && s.head != int64(c.meta.Place) {
			t.Errorf("%s: a heartbeat for place %d at %d", c.name, s.head, c.meta.Place)
		}
	}
}

// TestAnotherServerIsWaitedOut: no heartbeat on a new master before the last one on the former can be believed no more.
func TestAnotherServerIsWaitedOut(t *testing.T) {
	const stale = 2 * time.Second
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	m := meta(9)
	m.NodeRun = "B"
	s := known(9, 7)
	s.sent("A", at(100))
	for now, want := range map[int64]step{100: stepNone, 101: stepNone, 102: stepBeat, 200: stepBeat} {
		one := s
		if got, _ := one.assess(&m, extent{0, 9, 9}, at(now), stale, ours); got != want {
			t.Errorf("%d s after: step %d, not %d", now-100, got, want)
		}
	}
	// Who has sent none cannot know when others did, and counts from when it saw the server first.
	s.run, s.believed = "", time.Time{}
	if got, _ := s.assess(&m, extent{0, 9, 9}, at(300), stale, ours); got != stepNone {
		t.Errorf("a server seen for the first time is told at once: step %d", got)
	}
	if got, _ := s.assess(&m, extent{0, 9, 9}, at(302), stale, ours); got != stepBeat {
		t.Errorf("it is not told after two seconds: step %d", got)
	}
	// A heartbeat of another owner on this very server is as good as one of ours.
	s = known(9, 7)
	s.run = ""
	m.Run = "B"
	if got, _ := s.assess(&m, extent{0, 9, 9}, at(400), stale, ours); got != stepBeat {
		t.Errorf("a server that others have told is waited out: step %d", got)
	}
	// But not when we have told another one since.
	s.sent("A", at(500))
	if got, _ := s.assess(&m, extent{0, 9, 9}, at(501), stale, ours); got != stepNone {
		t.Errorf("a server that came back is told at once: step %d", got)
	}
}

func TestWhatWeWroteJoins(t *testing.T) {
	s := known(9, 7)
	if !s.joins(9) || s.joins(10) {
		t.Error("without a marker of ours the next record stands at head")
	}
	s.wrote(consent.Mark{Epoch: 7, Requests: 4}, 11)
	if !s.joins(12) || !s.joins(13) || s.joins(14) || s.head != 12 {
		t.Errorf("behind our own transaction at most its marker stands: head %d", s.head)
	}
	s.forget()
	if s.known || s.ready || s.marked {
		t.Error("something is still believed")
	}
}

// Where heartbeats are sent, nothing is merged before this group's was taken; where none are, as long as no other was.
func TestMayMerge(t *testing.T) {
	s := known(9, 7)
	for _, c := range []struct {
		next  step
		group string
		want  bool
	}{
		{stepBeat, ours, true}, {stepAdvance, ours, true}, {stepBeat, "", false}, {stepBeat, "other", false},
		{stepNone, ours, true}, {stepNone, "", true}, {stepNone, "other", false}, {stepWait, ours, false}, {stepFill, ours, false},
	} {
		if got := s.mayMerge(c.next, &consent.Meta{Group: c.group}, ours); got != c.want {
			t.Errorf("step %d, the last heartbeat was of %q: %v", c.next, c.group, got)
		}
	}
}

func TestDroppedKeysAreNoted(t *testing.T) {
	s := known(9, 7)
	for i, c := range []struct {
		meta consent.Meta
		want bool
	}{
		{consent.Meta{NodeRun: "A"}, false},
		{consent.Meta{NodeRun: "A", Evicts: true}, false}, // it was watched, and counts
		{consent.Meta{NodeRun: "B", Evicts: true}, true},  // it may have, before it began to count
		{consent.Meta{NodeRun: "B", Evicts: true, Noted: true}, false},
		{consent.Meta{NodeRun: "B", Evicted: true}, true},
		{consent.Meta{NodeRun: "B", Evicted: true, Noted: true}, false},
		{consent.Meta{NodeRun: "B", Evicted: true, Noted: true, Building: 8}, true},
		{consent.Meta{NodeRun: "B", Evicted: true, Noted: true, Building: 8, BuildingNoted: true}, false},
	} {
		if got := s.drops(&c.meta); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}
