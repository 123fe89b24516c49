// demo_samples.go chooses raw events worth looking at and finds what became of them: the verdict by the same stages as
// the worker's, and what left by looking into the partner's topic.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
	"github.com/consentry/consentry/schema"
)

// topicRecords is what some topics held.
type topicRecords struct {
	extents map[string]map[int32]kafka.Extent
	counts  map[string]int64
	records map[string][]*kafka.Committed
}

func readTopics(ctx context.Context, conn kafka.Connection, topics []string) (*topicRecords, error) {
	t := &topicRecords{counts: map[string]int64{}, records: map[string][]*kafka.Committed{}}
	var err error
	t.extents, err = kafka.ReadCommitted(ctx, conn, topics, func(r *kafka.Committed) {
		t.counts[r.Topic]++
		t.records[r.Topic] = append(t.records[r.Topic], r)
	})
	for _, records := range t.records { // partitions arrive in any order
		slices.SortFunc(records, func(a, b *kafka.Committed) int {
			if a.Partition != b.Partition {
				return int(a.Partition - b.Partition)
			}
			return int(a.Offset - b.Offset)
		})
	}
	return t, err
}

func readRaw(ctx context.Context, c *carrier, conn kafka.Connection) (*topicRecords, error) {
	var topics []string
	for _, s := range c.sources {
		topics = append(topics, s.Topic.Value)
	}
	return readTopics(ctx, conn, topics)
}

func readReleased(ctx context.Context, d *deployment, conn kafka.Connection) (*topicRecords, error) {
	streams, err := d.streams(nil)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, s := range streams {
		topics = append(topics, s.Topic)
	}
	return readTopics(ctx, conn, topics)
}

// sampler explains raw events.
type sampler struct {
	d          *deployment
	processors []*processor.Processor // by partner
	got        *topicRecords
}

// triedPerSource bounds the search for good samples.
const triedPerSource = 600

// wanted are the kinds of sample: first the event that the most partners got, then the ones that stayed, by reason.
var wanted = []struct {
	source  string
	verdict string
}{
	{"location", "released"}, {"location", "withdrawn"}, {"app_usage", "released"}, {"app_usage", "minor"},
	{"search", "released"}, {"search", "no_consent"},
}

// pickSamples looks at the newest events.
func pickSamples(ctx context.Context, d *deployment, raw, got *topicRecords, store *consent.Store, ring *keys.Ring) ([]demoSample, error) {
	s := &sampler{d: d, got: got}
	houseKey := ring.HouseKey()
	for _, p := range d.set.Partners {
		readers := anyReader{}
		for _, src := range p.Sources {
			if src.Format != "avro" {
				continue
			}
			reader, err := src.Shape.Compile(src.Layout)
			if err != nil {
				return nil, err
			}
			readers[src.Name] = reader
		}
		proc, err := processor.New(processor.Options{
			Partner: p, Readers: readers, Consent: store, Keys: ring, Names: consent.NewNamer(houseKey[:]),
		})
		if err != nil {
			return nil, err
		}
		s.processors = append(s.processors, proc)
	}
	samples := []demoSample{}
	used := map[*kafka.Committed]bool{}
	for _, want := range wanted {
		best, bestScore := (*demoSample)(nil), 0
		var bestRecord *kafka.Committed
		topic := s.topicOf(want.source)
		records := raw.records[topic]
		for _, r := range records[max(0, len(records)-triedPerSource):] {
			if used[r] {
				continue
			}
			sample, err := s.explain(ctx, want.source, topic, r)
			if err != nil {
				return nil, err
			}
			if sample == nil {
				continue
			}
			if score := score(sample, want.verdict); score > bestScore {
				best, bestScore, bestRecord = sample, score, r
			}
		}
		if best != nil {
			used[bestRecord] = true
			samples = append(samples, *best)
		}
	}
	return samples, nil
}

func (s *sampler) topicOf(source string) string {
	for _, src := range s.d.set.Sources {
		if src.Name.Value == source {
			return src.Topic.Value
		}
	}
	return ""
}

// score tells how well a sample shows a verdict; 0 is not at all. What carries more identifiers shows more.
func score(x *demoSample, verdict string) int {
	hits := 0
	for _, o := range x.Outcomes {
		if o.Verdict == verdict {
			hits++
		}
	}
	if hits == 0 {
		return 0
	}
	n := 1 + 8*hits
	for _, mark := range []string{"@mail.example.com", " Street", " Avenue", "is card", "calling from", `"name":"`, "gclid"} {
		if bytes.Contains(x.Raw, []byte(mark)) {
			n++
		}
	}
	return n
}

// explain tells what became of one raw record; nil when it cannot be shown.
func (s *sampler) explain(ctx context.Context, source, topic string, r *kafka.Committed) (*demoSample, error) {
	x := &demoSample{Source: source}
	for i, p := range s.d.set.Partners {
		at := slices.IndexFunc(p.Sources, func(src *policy.Source) bool { return src.Name == source })
		if at < 0 {
			continue
		}
		if x.Raw == nil {
			if x.Raw = rendered(p.Sources[at], r.Value); x.Raw == nil {
				return nil, nil
			}
		}
		got, err := s.processors[i].Explain(ctx, processor.Inbound{
			Source: at, Partition: r.Partition, Offset: r.Offset, TimestampMS: r.TimestampMS, Value: r.Value,
		})
		if err != nil {
			return nil, err
		}
		for _, st := range got.Streams {
			o := demoOutcome{Topic: st.Topic, Verdict: st.Verdict, Why: st.Why}
			if st.Verdict == processor.Released.String() {
				if !s.delivered(st.Topic, st.Released) {
					return nil, errors.New("an event that should have been released is not in " + st.Topic)
				}
				o.Released = st.Released
			}
			x.Outcomes = append(x.Outcomes, o)
		}
	}
	return x, nil
}

// delivered tells whether the partner's topic holds the record: its event id stands in one.
func (s *sampler) delivered(topic string, released json.RawMessage) bool {
	var id struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(released, &id) != nil || id.Event == "" {
		return false
	}
	return slices.ContainsFunc(s.got.records[topic], func(r *kafka.Committed) bool {
		return bytes.Contains(r.Value, []byte(id.Event))
	})
}

// rendered is the raw event as JSON; nil when it is unreadable.
func rendered(src *policy.Source, value []byte) json.RawMessage {
	if src.Format == "json" {
		if !json.Valid(value) {
			return nil
		}
		return value
	}
	_, body, ok := schema.SplitFrame(value)
	if !ok {
		return nil
	}
	out, err := src.Shape.Render(body)
	if err != nil {
		return nil
	}
	return out
}

// anyReader reads every writer schema of a source as the one that the policies were compiled against.
type anyReader map[string]*schema.Reader

func (r anyReader) Reader(_ context.Context, src *policy.Source, _ int) (*schema.Reader, error) {
	return r[src.Name], nil
}
