package main

// The account of the outage proof: after each scenario everything is read back, and what is new is judged. Lost is a
// raw event without its verdict or a released one that a committed reader does not see; twice is the opposite of both;
// unconsented is judged on what the live uncommitted reader saw.

import (
	"context"
	"fmt"
	"time"

	"github.com/linkedin/goavro/v2"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
)

type partition struct {
	topic string
	n     int32
}

// reign is one leader epoch of a partition.
type reign struct {
	partition
	epoch int32
}

// socket is a time in which a broker was held.
type socket struct{ from, to time.Time }

// finding is what one scenario added to the account.
type finding struct {
	records     int // on the uncommitted read
	unconsented int
	stale       int // of people whose records were expected to be stale: both guards were off
	inSocket    int // stood in a held broker or before it
	lost, twice int
	latest      time.Duration // from an acknowledgement to the last record that arrived after it
}

func (f *finding) add(more finding) {
	f.records += more.records
	f.unconsented += more.unconsented
	f.stale += more.stale
	f.inSocket += more.inSocket
	f.lost += more.lost
	f.twice += more.twice
	f.latest = max(f.latest, more.latest)
}

type book struct {
	h      *house.House
	ring   *keys.Ring
	codecs map[string]*goavro.Codec
	t      *timeline

	raw      []rawEvent
	next     map[partition]int64 // how many raw events of each partition are known
	gone     map[place]int64     // raw events of topics that were deleted since, by stream
	ids      map[string]map[string]int32
	subjects map[string]string
	kept     map[string]map[string]int // by stream: committed ids of a topic that was deleted since

	tails  []*house.Tail
	reader map[string]*house.Tail // of a topic as it is now
	judged []int

	ended    map[reign]time.Time // when the broker went away that led so
	sockets  []socket
	expected map[string]bool // subjects whose records may be stale
	before   finding         // of the whole run, at the last judgement
}

func newBook(h *house.House, ring *keys.Ring) (*book, error) {
	codecs, err := rawCodecs(h)
	if err != nil {
		return nil, err
	}
	b := &book{h: h, ring: ring, codecs: codecs, t: &timeline{changes: map[string][]change{}},
		next: map[partition]int64{}, gone: map[place]int64{}, ids: map[string]map[string]int32{}, subjects: map[string]string{},
		kept: map[string]map[string]int{}, reader: map[string]*house.Tail{}, ended: map[reign]time.Time{}, expected: map[string]bool{}}
	for _, s := range streams {
		b.ids[s.topic], b.kept[s.topic] = map[string]int32{}, map[string]int{}
	}
	return b, b.tail(partnerTopics()...)
}

// tail starts a live uncommitted reader; topics that were made again need a new one.
func (b *book) tail(topics ...string) error {
	t, err := b.h.Tail(topics...)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		b.reader[topic] = t
	}
	b.tails, b.judged = append(b.tails, t), append(b.judged, 0)
	return nil
}

func (b *book) close() {
	for _, t := range b.tails {
		_ = t.Close() // what it met while brokers were away
	}
}

func (b *book) changed(c change) { b.t.changes[c.subject] = append(b.t.changes[c.subject], c) }

// learn reads the raw events that are new.
func (b *book) learn(ctx context.Context) error {
	from := len(b.raw)
	if err := b.h.ReadFrom(ctx, false, func(topic string, p int32) int64 { return b.next[partition{topic, p}] }, func(r *house.Record) {
		if p := (partition{r.Topic, r.Partition}); r.Offset >= b.next[p] {
			b.next[p] = r.Offset + 1
			b.raw = append(b.raw, decodeRaw(b.codecs, r))
		}
	}, rawTopics...); err != nil {
		return err
	}
	fresh := b.raw[from:]
	for i := range streams {
		found, err := eventIDs(b.ring, &streams[i], fresh)
		if err != nil {
			return err
		}
		for id, at := range found {
			b.ids[streams[i].topic][id] = int32(from) + at
		}
	}
	for subject, id := range subjectIDs(b.ring, fresh) {
		b.subjects[subject] = id
	}
	return nil
}

// judge reads everything back and returns what is new since the last judgement.
func (b *book) judge(ctx context.Context) (finding, error) {
	if err := b.learn(ctx); err != nil {
		return finding{}, err
	}
	var f finding
	if err := b.count(ctx, &f); err != nil {
		return f, err
	}
	now := f
	f.lost, f.twice = f.lost-b.before.lost, f.twice-b.before.twice
	b.before = now
	if err := b.caughtUp(ctx); err != nil {
		return f, err
	}
	for i, t := range b.tails {
		seen := t.From(b.judged[i])
		for j := range seen {
			b.release(&seen[j], &f)
		}
		b.judged[i] += len(seen)
	}
	return f, nil
}

// caughtUp waits until the live readers have seen what is in the topics now.
func (b *book) caughtUp(ctx context.Context) error {
	there := map[string]int{}
	if err := b.h.Read(ctx, false, func(rec *house.Record) { there[rec.Topic]++ }, partnerTopics()...); err != nil {
		return err
	}
	return await(ctx, 30*time.Second, "the live readers at the end", func() (bool, error) {
		for topic, n := range there {
			if got := b.reader[topic].Count(topic); got < n {
				return false, fmt.Errorf("%s: %d of %d", topic, got, n)
			}
		}
		return true, nil
	})
}

// brokerRefuses is message.timestamp.before.max.ms of the partner topics.
const brokerRefuses = 15 * time.Second

// release judges one record of the uncommitted read.
func (b *book) release(rec *house.Record, f *finding) {
	f.records++
	var s *stream
	for i := range streams {
		if streams[i].topic == rec.Topic {
			s = &streams[i]
		}
	}
	at, ok := b.ids[s.topic][eventID(rec.Value)]
	if !ok {
		f.unconsented++
		return
	}
	e := &b.raw[at]
	arrived := rec.Arrived
	if end, was := b.ended[reign{partition{rec.Topic, rec.Partition}, rec.Epoch}]; was && end.Before(arrived) {
		// It was in the log when the broker went away, which kept it from every reader.
		arrived = end
	}
	allowed, late := b.t.judge(s, b.subjects[e.subject], e.subject, e.timeMS, arrived)
	if allowed {
		f.latest = max(f.latest, late)
		return
	}
	if b.expected[e.subject] {
		f.stale++
		return
	}
	// Bytes in a held broker's socket cannot be recalled. Such a record was decided before the acknowledgement and came
	// when the broker went on.
	for _, held := range b.sockets {
		acked := arrived.Add(-late)
		young := held.to.Sub(rec.Stamp) <= brokerRefuses
		if late > 0 && young && rec.Stamp.Before(acked) && acked.After(held.from) && arrived.Before(held.to.Add(2*time.Second)) {
			f.inSocket++
			return
		}
	}
	f.unconsented++
}

// followed counts the raw events that came later than the bound after their person's opt-out.
func (b *book) followed() (people, events int) {
	who := map[string]bool{}
	for i := range b.raw {
		e := &b.raw[i]
		if out := b.t.changes[e.subject]; len(out) > 0 && e.produced.After(out[0].acked.Add(bound)) {
			who[e.subject] = true
			events++
		}
	}
	return len(who), events
}

// people are those whose events have arrived on a topic so far.
func (b *book) people(ctx context.Context, f *flow, topic string) ([]int, error) {
	if err := b.learn(ctx); err != nil {
		return nil, err
	}
	got := map[string]bool{}
	for _, rec := range b.tails[0].Seen() {
		if at, ok := b.ids[topic][eventID(rec.Value)]; ok && rec.Topic == topic {
			got[b.raw[at].subject] = true
		}
	}
	var who []int
	for p := range f.people {
		if got[f.subject(p)] {
			who = append(who, p)
		}
	}
	return who, nil
}

// firstAfter is when the first record of a topic came that came after since; zero when none did.
func (b *book) firstAfter(topic string, since time.Time) time.Time {
	for _, rec := range b.reader[topic].After(since) {
		if rec.Topic == topic {
			return rec.Arrived
		}
	}
	return time.Time{}
}

// arrivedAfter counts the records of a topic that came after since.
func (b *book) arrivedAfter(topic string, since time.Time) (n int) {
	for _, rec := range b.reader[topic].After(since) {
		if rec.Topic == topic {
			n++
		}
	}
	return n
}
