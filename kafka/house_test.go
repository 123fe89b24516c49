package kafka

// A whole lane's surroundings for tests: an embedded broker, one JSON source, the real compiler and processor, and a
// consent store in memory that can fall ill, be stopped and tell what it was asked.

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
	"github.com/consentry/consentry/schema"
)

const (
	rawTopic        = "raw.usage"
	streamTopic     = "partner.acme.usage"
	tallyTopic      = "consentry.tally"
	quarantineTopic = "consentry.quarantine"
	deadline        = 40 * time.Second
)

const usageSchema = `{"type":"object","properties":{"msisdn":{"type":"string"},"at":{"type":"string","format":"date-time"},
 "os":{"type":"string"},"app":{"type":"string"},"minor":{"type":"boolean"}}}`

// house is one test's world.
type house struct {
	t      *testing.T
	broker *kfake.Cluster
	conn   Connection
	set    *policy.Set
	keys   *keys.Throwaway
	store  *memoryStore
	adm    *kadm.Client
	client *kgo.Client
	events int
}

func newHouse(t *testing.T, opts ...kfake.Opt) *house {
	t.Helper()
	all := append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, rawTopic), kfake.SeedTopics(3, streamTopic),
		kfake.SeedTopics(1, tallyTopic, quarantineTopic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"})}, opts...)
	broker, err := kfake.NewCluster(all...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	h := &house{t: t, broker: broker, conn: Connection{Brokers: broker.ListenAddrs()}, keys: keys.NewThrowaway(),
		set: usagePolicy(t), store: &memoryStore{lines: map[consent.ID][]byte{}}}
	h.client, h.adm, err = adminClient(h.conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.client.Close)
	return h
}

func word(s string) policy.Text { return policy.Text{Value: s} }

// usageLists are the shipped lists, read once.
var usageLists = sync.OnceValue(func() *policy.House {
	h, problems := policy.NewHouse(policy.HouseFiles{Region: "US"})
	if len(problems) > 0 {
		panic(problems[0].Message)
	}
	return h
})

func usagePolicy(t *testing.T) *policy.Set {
	t.Helper()
	shape, err := schema.ParseJSONSchema([]byte(usageSchema))
	if err != nil {
		t.Fatal(err)
	}
	str := func(s string) policy.Scalar { return policy.Scalar{Kind: policy.ScalarString, Str: s} }
	field := func(name string, entries ...policy.Entry) policy.FieldSpec {
		return policy.FieldSpec{Name: word(name), Entries: entries}
	}
	set, problems := policy.Compile(policy.Inputs{
		House: usageLists(),
		Sources: []policy.SourceSpec{{Name: word("usage"), Topic: word(rawTopic), Format: word("json"), SchemaFile: word("usage.json"),
			Category: word("app_usage"), SubjectField: word("msisdn"), App: word("app"),
			Time: policy.TimeSpec{Field: word("at"), Past: policy.Duration{Value: 7 * 24 * time.Hour, Set: true},
				Future: policy.Duration{Value: 5 * time.Minute, Set: true}},
			ReleaseOnlyIfFalse: []policy.NamedPath{{Name: word("minor"), Path: word("minor")}}}},
		Partners: []policy.PartnerSpec{{Name: word("acme"), Purpose: word("advertising"),
			Contract: &policy.ContractSpec{ID: word("C-1"), Until: word("2099-01-01"), ForbidsReidentification: true},
			Streams: []policy.StreamSpec{{Topic: word(streamTopic), Source: word("usage"), Profile: word("pseudonymous"),
				Format: word("json"), SamePersonFor: policy.Duration{Value: 7 * 24 * time.Hour, Set: true},
				Fields: []policy.FieldSpec{
					field("visitor", policy.Entry{Key: word("pseudonym"), Value: str("msisdn")}),
					field("os", policy.Entry{Key: word("keep"), Value: str("os")},
						policy.Entry{Key: word("oneof"), Value: policy.Scalar{Kind: policy.ScalarList, List: []policy.Scalar{str("android"), str("ios")}}},
						policy.Entry{Key: word("else"), Value: str("other")}),
					field("event", policy.Entry{Key: word("event_id"), Value: policy.Scalar{Kind: policy.ScalarBool, Bool: true, Str: "true"}}),
				}}}}},
		Shape:       func(string) *schema.Shape { return shape },
		ReadFile:    func(string) ([]byte, error) { return []byte(usageSchema), nil },
		SubjectKind: "msisdn", Region: "US",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return set
}

// memoryStore is a consent store that tests can make ill.
type memoryStore struct {
	mu      sync.Mutex
	lines   map[consent.ID][]byte
	sick    error
	stopped bool
	seen    []uint64
	delay   func() // called at each question with subjects, outside the lock
}

func (m *memoryStore) Ask(_ context.Context, _ string, ids []consent.ID, snap *consent.Snapshot) error {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	if delay != nil && len(ids) > 0 {
		delay()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sick != nil {
		return m.sick
	}
	now := time.Now()
	*snap = consent.Snapshot{AskedAt: now, StoreMS: now.UnixMilli(), Epoch: 7, Stopped: m.stopped}
	for _, id := range ids {
		snap.Lines = append(snap.Lines, m.lines[id])
	}
	return nil
}

func (m *memoryStore) Seen(epoch uint64, _ [consent.Shards]uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, epoch)
}

func (m *memoryStore) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// subject is the telephone number of person n; every second one consents.
func (h *house) subject(n int) string { return fmt.Sprintf("+1202555%04d", n) }

func (h *house) grant(n int) {
	house := h.keys.HouseKey()
	canonical, ok := consent.Canonical(nil, "msisdn", "e164", "US", []byte(h.subject(n)))
	if !ok {
		h.t.Fatalf("%s is no subject", h.subject(n))
	}
	id := consent.NewNamer(house[:]).ID("msisdn", canonical)
	h.store.set(func() { h.store.lines[id] = []byte("acme/advertising!:app_usage@1000-") })
}

// raw writes n events of 100 people, half of whom consent, and one broken event in 50.
func (h *house) raw(n int) {
	h.t.Helper()
	for i := range 100 {
		if i%2 == 0 {
			h.grant(i)
		}
	}
	now := time.Now()
	var records []*kgo.Record
	for range n {
		i := h.events
		h.events++
		value := fmt.Sprintf(`{"msisdn":%q,"at":%q,"os":"android","minor":false}`, h.subject(i%100), now.UTC().Format(time.RFC3339))
		if i%50 == 49 {
			value = `{"msisdn":`
		}
		records = append(records, &kgo.Record{Topic: rawTopic, Partition: int32(i % 4), Value: []byte(value), Key: []byte(h.subject(i % 100)), Timestamp: now})
	}
	producer, err := kgo.NewClient(append(h.conn.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		h.t.Fatal(err)
	}
}

// begin says where the group begins.
func (h *house) begin() {
	h.t.Helper()
	_, err := InitOffsets(h.t.Context(), h.conn, []Reader{{Partner: "acme", Group: "consentry.acme",
		Sources: []ReaderSource{{Name: "usage", Topic: rawTopic, Streams: []string{streamTopic}}}}},
		InitOptions{At: Start{Beginning: true}, Tally: tallyTopic, Instance: "0"})
	if err != nil {
		h.t.Fatal(err)
	}
}

// running is a Worker at work.
type running struct {
	*Worker
	h     *house
	stop  context.CancelFunc
	ended chan error
}

func (h *house) start(change ...func(*Options)) *running {
	h.t.Helper()
	o := Options{Connection: h.conn, Group: "consentry", Lanes: 2, CommitEvery: 30 * time.Millisecond, CommitRecords: 500,
		Quarantine: quarantineTopic, Tally: tallyTopic, Policy: h.set, Store: h.store, Keyring: h.keys,
		CheckKeys: func(context.Context) error { return nil }, Prepare: h.prepare, Version: "test", Log: zap.NewNop(),
		pulse: 50 * time.Millisecond, keysEvery: 50 * time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Worker: New(o), h: h, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- r.Run(ctx) }()
	h.t.Cleanup(func() { r.halt() })
	return r
}

func (h *house) prepare(_ context.Context, p *policy.Partner, ask consent.Asker, maxBytes []int) (func() (Decider, error), error) {
	return func() (Decider, error) {
		house := h.keys.HouseKey()
		return processor.New(processor.Options{Partner: p, Consent: ask, Keys: h.keys, Names: consent.NewNamer(house[:]),
			OutputIDs: make([]int, len(p.Streams)), MaxBytes: maxBytes})
	}, nil
}

// halt stops the worker and returns what Run said.
func (r *running) halt() error {
	r.h.t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(deadline):
		r.h.t.Fatal("the worker did not stop")
		return nil
	}
}

// await waits for a state and cause of the one partner.
func (r *running) await(state string, cause Cause) {
	r.h.t.Helper()
	s := r.partners[0].standing
	select {
	case <-s.await(func(v view) bool { return v.State == state && v.Cause == cause }):
	case err := <-r.ended:
		r.ended <- err
		r.h.t.Fatalf("the worker ended with %v while %s %s was awaited", err, state, cause)
	case <-time.After(deadline):
		r.h.t.Fatalf("the partner is %+v, not %s %s", s.look(), state, cause)
	}
}

// until asks again every few milliseconds.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			h.t.Fatalf("still not: %s", what)
		}
	}
}

// all reads whole topics, committed or not.
func (h *house) all(committed bool, topics ...string) []Committed {
	h.t.Helper()
	var out []Committed
	if committed {
		_, err := ReadCommitted(context.Background(), h.conn, topics, func(c *Committed) {
			d := *c
			d.Key, d.Value = slices.Clone(c.Key), slices.Clone(c.Value)
			out = append(out, d)
		})
		if err != nil {
			h.t.Fatal(err)
		}
		return out
	}
	ends, err := h.adm.ListEndOffsets(context.Background(), topics...)
	if err != nil {
		h.t.Fatal(err)
	}
	from := map[string]map[int32]kgo.Offset{}
	left := map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			if from[o.Topic] == nil {
				from[o.Topic] = map[int32]kgo.Offset{}
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().AtStart()
			left[fmt.Sprint(o.Topic, o.Partition)] = o.Offset
		}
	})
	if len(left) == 0 {
		return nil
	}
	reader, err := kgo.NewClient(append(h.conn.Options(), kgo.ConsumePartitions(from), kgo.KeepControlRecords())...)
	if err != nil {
		h.t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for len(left) > 0 {
		f := reader.PollFetches(ctx)
		if err := f.Err(); err != nil {
			h.t.Fatal(err)
		}
		f.EachRecord(func(r *kgo.Record) {
			where := fmt.Sprint(r.Topic, r.Partition)
			if r.Offset+1 >= left[where] {
				delete(left, where)
			}
			if !r.Attrs.IsControl() {
				out = append(out, Committed{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value,
					TimestampMS: r.Timestamp.UnixMilli()})
			}
		})
	}
	return out
}

// tallied sums the events of the committed tally.
func (h *house) tallied() (n int64) {
	for _, c := range h.all(true, tallyTopic) {
		var r tallyRecord
		if err := json.Unmarshal(c.Value, &r); err != nil {
			h.t.Fatal(err)
		}
		n += r.Events
	}
	return n
}

// released is what the partner reads: the multiset of values.
func (h *house) released(committed bool) map[string]int {
	out := map[string]int{}
	for _, c := range h.all(committed, streamTopic) {
		out[string(c.Value)]++
	}
	return out
}

// settle waits until every raw event is in the committed tally, then checks every law that holds of the whole.
func (h *house) settle() {
	h.t.Helper()
	h.until("every event in the committed tally", func() bool { return h.tallied() >= int64(h.events) })
	h.law()
	h.once()
	for _, c := range h.all(false, streamTopic, quarantineTopic, tallyTopic) {
		for i := range 100 {
			if strings.Contains(string(c.Value)+string(c.Key), h.subject(i)) {
				h.t.Fatalf("a raw subject stands in %s", c.Topic)
			}
		}
	}
}

// law checks the tally: ranges of a partition join from 0, events = released + withheld.
func (h *house) law() {
	h.t.Helper()
	at := map[int32]int64{}
	var released int64
	for _, c := range h.all(true, tallyTopic) {
		var r tallyRecord
		if err := json.Unmarshal(c.Value, &r); err != nil {
			h.t.Fatal(err)
		}
		if r.From != at[r.Partition] || r.To < r.From {
			h.t.Errorf("partition %d: a tally from %d to %d follows %d", r.Partition, r.From, r.To, at[r.Partition])
		}
		at[r.Partition] = r.To
		sum := r.Released + r.Held
		for _, n := range r.Withheld {
			sum += n
		}
		if sum != r.Events {
			h.t.Errorf("partition %d from %d: %d verdicts for %d events", r.Partition, r.From, sum, r.Events)
		}
		released += r.Released
	}
	commits, err := h.adm.FetchOffsets(context.Background(), "consentry.acme")
	if err != nil {
		h.t.Fatal(err)
	}
	for p, to := range at {
		if commits[rawTopic][p].At != to {
			h.t.Errorf("partition %d: committed %d, tallied to %d", p, commits[rawTopic][p].At, to)
		}
	}
	var got int64
	for _, n := range h.released(true) {
		got += int64(n)
	}
	if got != released || got == 0 {
		h.t.Errorf("%d records committed, %d tallied as released", got, released)
	}
}

// once checks that each consenting event was released once and no other ever.
func (h *house) once() {
	h.t.Helper()
	want := 0
	for i := range h.events {
		if i%100%2 == 0 && i%50 != 49 {
			want++
		}
	}
	committed := h.released(true)
	for value, n := range committed {
		if n != 1 {
			h.t.Errorf("released %d times: %s", n, value)
		}
	}
	if len(committed) != want {
		h.t.Errorf("%d different records released, %d consenting events", len(committed), want)
	}
	for value := range h.released(false) {
		if committed[value] == 0 {
			h.t.Errorf("the uncommitted read shows what was never released: %s", value)
		}
	}
	broken := 0
	for range maps.Keys(h.pointers()) {
		broken++
	}
	if broken != h.events/50 {
		h.t.Errorf("%d events in quarantine, %d are broken", broken, h.events/50)
	}
}

// pointers are the committed quarantine records by key; a key twice fails.
func (h *house) pointers() map[string]quarantineRecord {
	h.t.Helper()
	out := map[string]quarantineRecord{}
	for _, c := range h.all(true, quarantineTopic) {
		var q quarantineRecord
		if err := json.Unmarshal(c.Value, &q); err != nil {
			h.t.Fatal(err)
		}
		if _, twice := out[string(c.Key)]; twice {
			h.t.Errorf("two pointers %s", c.Key)
		}
		out[string(c.Key)] = q
	}
	return out
}
