// The changelog as a whole, without Kafka and Redis: whatever is compacted, rolled back, emptied, sent twice or late, and
// however many owners do it at once, the store ends with the lines of one merge in order, and is never vouched for without
// what was acknowledged.

package consent

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// broken names a rule that a test leaves out, to see that the histories notice.
type broken uint8

const (
	nothing       broken = iota
	placeAtLeast         // apply takes records that begin at or before the place
	placeAtMost          // apply takes records that begin at or after the place
	mergeAnywhere        // the owner merges upon the store wherever it stands
	requestsAgain        // the owner does not look at the mark's requests
	runUnchecked         // a beat counts on any server
	beatBeforeEnd        // the end is read before the projection, and its time after it
	numBroken
)

// modelStore is a shard in Redis: what the scripts do, in Go.
type modelStore struct {
	run          int // of the server
	kafka        bool
	epoch, place uint64
	lines        map[string]string
	beat         int64
	beatRun      int
	filling      bool
	building     uint64
	place2       uint64
	under        map[string]string
}

func (s *modelStore) clone() *modelStore {
	c := *s
	c.lines, c.under = maps.Clone(s.lines), maps.Clone(s.under)
	return &c
}

type modelBatch struct {
	building bool
	epoch    uint64
	from, to uint64
	ops      []StateRecord
}

func (s *modelStore) apply(b modelBatch, rule broken) {
	place, into := &s.place, s.lines
	if b.building {
		place, into = &s.place2, s.under
		if !s.filling || s.building != b.epoch {
			return
		}
	} else if !s.kafka || s.epoch != b.epoch {
		return
	}
	switch {
	case b.from == *place, rule == placeAtLeast && b.from <= *place, rule == placeAtMost && b.from >= *place:
	default:
		return
	}
	for _, op := range b.ops {
		switch {
		case op.Key == MarkKey:
		case op.Value == nil:
			delete(into, op.Key)
		default:
			into[op.Key] = string(op.Value)
		}
	}
	*place = b.to
}

type modelBeat struct {
	epoch, place uint64
	at           int64
	run          int
}

func (s *modelStore) vouch(b modelBeat, rule broken) {
	if s.kafka && s.epoch == b.epoch && s.place == b.place && (b.run == s.run || rule == runUnchecked) && (s.beatRun != s.run || b.at > s.beat) {
		s.beat, s.beatRun = b.at, s.run
	}
}

// stateAt is a record of the state topic, at an offset.
type stateAt struct {
	offset uint64
	StateRecord
}

// owner is one process that believes, or once believed, that the shard is its own.
type owner struct {
	generation int
	mark       Mark
	place      uint64 // the end of the state partition after what it wrote or found
	known      bool
	batches    []modelBatch // on their way to Redis
	beats      []modelBeat
}

type changelogModel struct {
	r          *rand.Rand
	rule       broken
	now        int64
	requests   []Positioned
	next       int64 // offset
	state      []stateAt
	end        uint64 // of the state partition
	committed  int    // the group's position among requests, which may be lost
	generation int
	owners     [2]owner
	store      *modelStore
	snapshots  []*modelStore
	acked      uint64
	ids        [2]ID
	truth      map[string]string // one merge in order
	mark       Mark
	believed   int
	merged     int
}

func newModel(r *rand.Rand, rule broken) *changelogModel {
	m := &changelogModel{r: r, rule: rule, now: 1000, truth: map[string]string{}}
	m.store = &modelStore{lines: map[string]string{}, under: map[string]string{}}
	m.ids = [2]ID{{1, 1}, {1, 2}}
	m.owners[1].generation = -1 // the group gives the shard to one, and refuses the other's commits
	m.request(Request{Kind: AskOpen, Epoch: 5})
	return m
}

func (m *changelogModel) request(q Request) {
	p := Positioned{Offset: m.next, AppendMS: m.now + m.r.Int64N(41) - 20, Request: q}
	m.next += 1 + m.r.Int64N(3)
	m.requests = append(m.requests, p)
	// What one merge in order makes of it, a request at a time.
	var records []StateRecord
	m.mark, records = MergeRequests(m.mark, func(k string) []byte { return valueOf(m.truth, k) }, []Positioned{p})
	for _, rec := range records {
		switch {
		case rec.Key == MarkKey:
		case rec.Value == nil:
			delete(m.truth, rec.Key)
		default:
			m.truth[rec.Key] = string(rec.Value)
		}
	}
}

func valueOf(in map[string]string, key string) []byte {
	if v, ok := in[key]; ok {
		return []byte(v)
	}
	return nil
}

func (m *changelogModel) randomRequest() {
	id := m.ids[m.r.IntN(2)]
	at := m.now - 60 + m.r.Int64N(80)
	q := Request{ID: id}
	pair := Change{Partner: "a", Purpose: "x"}
	switch m.r.IntN(10) {
	case 0, 1, 2, 3:
		q.Kind, q.Change = AskGrant, pair
		q.Change.Action, q.Change.Categories, q.Change.AtMS, q.Change.Stated = ActGrant, []string{"c", "d"}[:1+m.r.IntN(2)], at, true
	case 4, 5, 6:
		q.Kind, q.Change = AskWithdraw, pair
		q.Change.Action = ActWithdraw
	case 7:
		q.Kind, q.Change.Action = AskWithdrawAll, ActWithdrawAll
	case 8:
		q.Kind = AskProtect
	case 9:
		q.Kind = AskUnprotect
		if m.r.IntN(4) == 0 {
			q = Request{Kind: AskOpen, Epoch: m.mark.Epoch + 1}
		}
	}
	m.request(q)
}

// read gives the records from an offset on, as far as compaction left them.
func (m *changelogModel) read(from, to uint64) []StateRecord {
	var out []StateRecord
	for _, s := range m.state {
		if s.offset >= from && s.offset < to {
			out = append(out, s.StateRecord)
		}
	}
	return out
}

func (m *changelogModel) tail() Mark {
	for _, s := range slices.Backward(m.state) {
		if s.Key == MarkKey {
			mark, err := DecodeMark(s.Value)
			if err != nil {
				panic(err)
			}
			return mark
		}
	}
	return Mark{}
}

// merge is one transaction of an owner: cut short anywhere, or fenced, it changes nothing but what the owner believes.
func (m *changelogModel) merge(o *owner) {
	if !o.known {
		o.mark, o.place, o.known = m.tail(), m.end, true
	}
	if !m.standsAt(o) && m.rule != mergeAnywhere {
		m.project(o)
		return
	}
	from := m.committed
	if m.r.IntN(8) == 0 {
		from = m.r.IntN(len(m.requests) + 1) // the group's offsets were lost, or set back
		for from > 0 && m.requests[from-1].Offset >= o.mark.Requests {
			from-- // never ahead: a group that is new begins at the start
		}
	}
	batch := m.requests[from:min(len(m.requests), from+1+m.r.IntN(4))]
	mark := o.mark
	if m.rule == requestsAgain {
		mark.Requests = 0
	}
	next, records := MergeRequests(mark, func(k string) []byte { return valueOf(m.store.lines, k) }, batch)
	if o.generation != m.generation || m.r.IntN(8) == 0 {
		o.known = false // fenced, or aborted
		return
	}
	m.committed = max(m.committed, from+len(batch))
	if len(records) == 0 {
		return
	}
	if m.r.IntN(8) == 0 {
		m.end++ // the marker of a transaction that was aborted
	}
	for _, rec := range records {
		m.state = append(m.state, stateAt{m.end, rec})
		m.end++
	}
	m.end++ // the marker
	m.merged++
	if m.r.IntN(8) == 0 {
		o.known = false // it died before it knew
		return
	}
	b := modelBatch{epoch: o.mark.Epoch, from: o.place, to: m.end, ops: m.read(o.place, m.end)}
	o.mark, o.place = next, m.end
	o.batches = append(o.batches, b)
}

// standsAt: the store stands where this owner thinks that the topic ends, in the epoch of its mark. Before the first
// opening nothing is merged upon Redis, and nothing but openings is there in this model.
func (m *changelogModel) standsAt(o *owner) bool {
	if o.mark.Epoch == 0 {
		return m.end == 0
	}
	return m.store.kafka && m.store.epoch == o.mark.Epoch && m.store.place == o.place
}

// project sends what the store lacks, as seen now; it arrives later, or twice, or never.
func (m *changelogModel) project(o *owner) {
	mark := m.tail()
	if mark.Epoch == 0 {
		return
	}
	s := m.store
	if s.kafka && s.epoch == mark.Epoch {
		to := m.end
		if m.r.IntN(3) == 0 && s.place < m.end {
			to = s.place + uint64(m.r.Int64N(int64(m.end-s.place)+1))
		}
		o.batches = append(o.batches, modelBatch{epoch: s.epoch, from: s.place, to: to, ops: m.read(s.place, to)})
		return
	}
	if !s.filling || s.building != mark.Epoch {
		s.filling, s.building, s.place2, s.under = true, mark.Epoch, 0, map[string]string{}
	}
	if s.place2 < m.end {
		o.batches = append(o.batches, modelBatch{building: true, epoch: mark.Epoch, from: s.place2, to: m.end, ops: m.read(s.place2, m.end)})
		return
	}
	s.kafka, s.epoch, s.place, s.lines = true, s.building, s.place2, s.under
	s.filling, s.under, s.beatRun, s.beat = false, map[string]string{}, -1, 0
}

// heartbeat reads the clock, then the end, then sees the store there; the beat arrives later.
func (m *changelogModel) heartbeat(o *owner) {
	mark := m.tail()
	s := m.store
	at := m.now
	end := m.end
	if m.rule == beatBeforeEnd {
		end = s.place
	}
	if s.kafka && s.epoch == mark.Epoch && s.place == end {
		o.beats = append(o.beats, modelBeat{s.epoch, s.place, at, s.run})
	}
}

func (m *changelogModel) deliver(o *owner) {
	if n := len(o.batches); n > 0 && m.r.IntN(2) == 0 {
		i := m.r.IntN(n)
		m.store.apply(o.batches[i], m.rule)
		if m.r.IntN(4) > 0 {
			o.batches = slices.Delete(o.batches, i, i+1)
		}
	} else if n := len(o.beats); n > 0 {
		i := m.r.IntN(n)
		m.store.vouch(o.beats[i], m.rule)
		if m.r.IntN(4) > 0 {
			o.beats = slices.Delete(o.beats, i, i+1)
		}
	}
}

// compact drops records that a later one of their key replaces; never the last of a key.
func (m *changelogModel) compact() {
	seen := map[string]bool{}
	for i := len(m.state) - 1; i >= 0; i-- {
		key := m.state[i].Key
		if seen[key] && m.r.IntN(2) == 0 {
			m.state = slices.Delete(m.state, i, i+1)
			continue
		}
		seen[key] = true
	}
}

func (m *changelogModel) step() {
	m.now += m.r.Int64N(10)
	o := &m.owners[m.r.IntN(2)]
	switch m.r.IntN(20) {
	case 0, 1, 2:
		m.randomRequest()
	case 3, 4, 5, 6:
		m.merge(o)
	case 7, 8:
		m.project(o)
	case 9, 10:
		m.heartbeat(o)
	case 11, 12, 13, 14:
		m.deliver(o)
	case 15:
		m.compact()
	case 16: // the shard moves to another owner
		m.generation++
		*o = owner{generation: m.generation, batches: o.batches, beats: o.beats}
	case 17:
		m.snapshots = append(m.snapshots, m.store.clone())
	case 18: // a fail-over, a restored backup or a wiped store: another process in each case
		run := m.store.run + 1
		if n := len(m.snapshots); n > 0 && m.r.IntN(3) > 0 {
			m.store = m.snapshots[m.r.IntN(n)].clone()
		} else if m.r.IntN(3) == 0 {
			m.store = &modelStore{lines: map[string]string{}, under: map[string]string{}}
		}
		m.store.run = max(run, m.store.run+1)
	case 19: // a verb sees its change in Redis and says so
		if m.store.kafka && m.store.epoch == m.tail().Epoch {
			m.acked = max(m.acked, m.store.place)
		}
	}
}

// trusted is what a worker that has seen nothing before makes of the store.
func (m *changelogModel) trusted() bool {
	return m.store.kafka && m.store.beatRun == m.store.run && m.store.beat > 0
}

// history runs one, and says what went wrong.
func (m *changelogModel) history(steps int) string {
	for range steps {
		m.step()
		if m.trusted() && m.store.epoch == m.tail().Epoch {
			m.believed++
			if m.store.place < m.acked {
				return "vouched for without what was acknowledged"
			}
		}
	}
	// Everything that is still on its way arrives, and one owner goes on alone.
	for i := range m.owners {
		for _, b := range m.owners[i].batches {
			m.store.apply(b, m.rule)
		}
		m.owners[i].batches = nil
	}
	m.generation++
	last := &owner{generation: m.generation}
	m.committed = 0
	for range 1000 {
		if m.tail().Requests == m.mark.Requests && m.store.kafka && m.store.epoch == m.mark.Epoch && m.store.place == m.end {
			return m.compare()
		}
		m.project(last)
		for _, b := range last.batches {
			m.store.apply(b, m.rule)
		}
		last.batches = nil
		m.merge(last)
	}
	return "it does not come to an end"
}

func (m *changelogModel) compare() string {
	if len(m.truth) != len(m.store.lines) {
		return "other keys"
	}
	for k, v := range m.truth {
		if !bytes.Equal([]byte(m.store.lines[k]), []byte(v)) {
			return "another line"
		}
	}
	if m.tail() != m.mark {
		return "another mark"
	}
	return ""
}

func TestChangelogHistories(t *testing.T) {
	const histories = 100_000
	believed, merged := 0, 0
	for seed := range uint64(histories) {
		m := newModel(rand.New(rand.NewPCG(4, seed)), nothing)
		if wrong := m.history(60); wrong != "" {
			t.Fatalf("history %d: %s", seed, wrong)
		}
		believed, merged = believed+m.believed, merged+m.merged
	}
	if believed < histories || merged < histories {
		t.Errorf("%d moments vouched for, %d transactions: the histories are too quiet", believed, merged)
	}
}

// Each rule matters: without it a history goes wrong.
func TestChangelogHistoriesNotice(t *testing.T) {
	for rule := placeAtLeast; rule < numBroken; rule++ {
		found := ""
		for seed := uint64(0); seed < 20_000 && found == ""; seed++ {
			found = newModel(rand.New(rand.NewPCG(4, seed)), rule).history(60)
		}
		if found == "" {
			t.Errorf("without rule %d everything stays right", rule)
		}
		t.Logf("without rule %d: %s", rule, found)
	}
}
