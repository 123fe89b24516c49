// The tally: one record per transaction, source partition and stream, written in the same transaction as what it
// counts. It is what proves the counting law: ranges join without gap or overlap, and events = released + withheld.

package kafka

import (
	"fmt"

	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
)

// tallyRecord is the value of a tally record (contract: records). Map keys marshal sorted, so equal counts give equal
// bytes.
type tallyRecord struct {
	Source    string           `json:"source"`
	Topic     string           `json:"topic"`
	Partition int32            `json:"partition"`
	From      int64            `json:"from"`
	To        int64            `json:"to"`
	Events    int64            `json:"events"`
	Stream    string           `json:"stream"`
	Released  int64            `json:"released"`
	Held      int64            `json:"held"`
	Withheld  map[string]int64 `json:"withheld"`
	Policy    string           `json:"policy"`
	Instance  string           `json:"instance"`
	Mode      string           `json:"mode,omitempty"` // shadow: released counts what would have been
}

// span is the part of one source partition that a transaction commits.
type span struct {
	source    int
	partition int32
	from, to  int64
	epoch     int32 // leader epoch of the last record
	events    int64
	oldestMS  int64 // smallest record timestamp in it
}

// tallyOf makes the record of one span and stream; counts is nil when the batch has no tally of it, which only an empty
// span may do.
func tallyOf(p *policy.Partner, s *span, stream *policy.Program, counts *[processor.NumReasons]int64, revision, instance string) ([]byte, error) {
	src := p.Sources[s.source]
	r := tallyRecord{
		Source: src.Name, Topic: src.Topic, Partition: s.partition, From: s.from, To: s.to, Events: s.events,
		Stream: stream.Topic, Withheld: map[string]int64{}, Policy: revision, Instance: instance,
	}
	if p.Mode != modeLive {
		r.Mode = p.Mode
	}
	if counts != nil {
		r.Released = counts[processor.Released]
		for reason, n := range counts {
			if n != 0 && processor.Reason(reason) != processor.Released {
				r.Withheld[processor.Reason(reason).String()] = n
			}
		}
	}
	return marshal(r)
}

// modeLive is the only mode that releases.
const modeLive = "live"

// balance checks the law on one batch before anything of it is committed: every stream of every span has one verdict
// for each polled event, and there are as many outbound records as verdicts "released".
func balance(p *policy.Partner, spans []span, b *processor.Batch) error {
	released := map[string]int64{}
	for i := range spans {
		s := &spans[i]
		for _, stream := range p.Sources[s.source].Streams {
			counts := countsOf(b, s, stream.Topic)
			if counts == nil {
				return &Trouble{StateRestoring, "no verdicts for " + stream.Topic}
			}
			var sum int64
			for _, n := range counts {
				sum += n
			}
			if sum != s.events || counts[processor.Undecided] != 0 {
				return &Trouble{StateRestoring, fmt.Sprintf("%s: %d verdicts for %d events", stream.Topic, sum, s.events)}
			}
			released[stream.Topic] += counts[processor.Released]
		}
	}
	if p.Mode != modeLive {
		if len(b.Out) != 0 {
			return &Trouble{StateRestoring, "an outbound record in mode " + p.Mode}
		}
		return nil
	}
	for i := range b.Out {
		topic := b.Out[i].Topic()
		if topic == "" {
			return &Trouble{StateRestoring, "an outbound record without a stream"}
		}
		released[topic]--
	}
	for topic, n := range released {
		if n != 0 {
			return &Trouble{StateRestoring, fmt.Sprintf("%s: %d more released than records", topic, n)}
		}
	}
	return nil
}

// countsOf finds the batch's tally of a span and stream; nil when there is none, or more than one.
func countsOf(b *processor.Batch, s *span, stream string) *[processor.NumReasons]int64 {
	var found *[processor.NumReasons]int64
	for i := range b.Tallies {
		t := &b.Tallies[i]
		if t.Source == s.source && t.Partition == s.partition && t.Program.Topic == stream {
			if found != nil {
				return nil
			}
			found = &t.Counts
		}
	}
	return found
}
