// One transaction: begin, produce what the verdicts allow, quarantine, tally, end. Everything in it was decided before
// it began, because an aborted record stays readable for whoever reads uncommitted.

package kafka

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/processor"
)

// releaseGrain is how coarse the timestamp of a released record is.
const releaseGrain = 10 * time.Second

// outcome is what became of a transaction.
type outcome struct {
	committed bool
	produce   error // the first record that was refused
	end       error
}

// transact writes one batch. It returns whether it was committed; false without an error means that the session stands
// at the committed offsets again and the events come once more.
func (l *lane) transact(ctx context.Context, s *session, b *processor.Batch) (committed bool, err error) {
	if err := l.measure(s); err != nil {
		return false, err
	}
	if err := balance(l.p.policy, l.spans, b); err != nil {
		return false, err
	}
	stopPoint(ctx, l.p.policy.Name)
	if err := l.fill(b); err != nil {
		return false, err
	}
	s.guard.arm(b.VerdictAt)
	defer s.guard.disarm()
	began := time.Now()
	if err := s.Begin(); err != nil {
		return false, l.failed(s, err, began)
	}
	defer func() {
		if !committed {
			l.p.w.metrics.transactions.WithLabelValues(l.p.policy.Name, "aborted").Inc()
		}
	}()
	// From here on the transaction is finished, whatever ctx says.
	endCtx, cancel := context.WithTimeout(context.Background(), endDeadline)
	defer cancel()
	done := make(chan outcome, 1)
	t := transaction{records: l.records, spans: l.spans, sources: l.p.sources, ids: l.plan.ids, batch: b}
	go func() { done <- t.write(endCtx, s) }()
	select {
	case out := <-done:
		return l.judge(s, out, began)
	case <-s.guard.tripped:
		// A verdict died on its way. Promises and End would hang: the client is closed, a new one takes its identity.
		// Were it only that the batch is too large for the way to the broker, it would die there again: the next is smaller.
		l.most = max(1, min(l.most, len(l.inbound))/2)
		l.log.Warn("frame guard closed a session", zap.Int("next_at_most", l.most))
	case <-endCtx.Done():
		l.log.Warn("transaction did not end in time")
	}
	return false, errRebuild
}

// transaction is what one write works on. A write that hangs is left behind with it: the lane goes on with new buffers.
type transaction struct {
	records []kgo.Record
	spans   []span
	sources map[string]int
	ids     map[string]topicID
	batch   *processor.Batch
}

// write produces the records and ends the transaction.
func (t *transaction) write(ctx context.Context, s *session) outcome {
	promise := kgo.AbortingFirstErrPromise(s.Client())
	for i := range t.records {
		s.Produce(ctx, &t.records[i], promise.Promise())
	}
	if err := s.Client().Flush(ctx); err != nil {
		return outcome{produce: err, end: errRebuild}
	}
	out := outcome{produce: promise.Err()}
	out.committed, out.end = s.End(kgo.PreTxnCommitFnContext(ctx, t.annotate), kgo.TransactionEndTry(out.produce == nil))
	return out
}

// judge tells what to do after a transaction ended: the recovery ladder. A failed End is aborted once on the same
// session; if that fails too, or Begin does, the session is rebuilt.
func (l *lane) judge(s *session, out outcome, began time.Time) (bool, error) {
	if out.committed {
		l.aborts = 0
		return true, nil
	}
	if out.produce != nil {
		l.log.Warn("record refused", zap.String("code", code(out.produce)))
	}
	if out.end != nil {
		l.log.Warn("transaction failed", zap.String("code", code(out.end)))
	}
	l.aborts++
	if errors.Is(out.produce, kerr.InvalidTimestamp) && l.aborts >= 5 {
		// A single one is a batch that was late; one after the other means that the broker's clock is another.
		return false, &Trouble{ClockSkew, code(out.produce)}
	}
	for _, err := range []error{out.produce, out.end} {
		if c := brokerCause(err); c != "" {
			return false, &Trouble{c, code(err)}
		}
	}
	if err := l.failed(s, out.produce, began); errors.Is(err, ErrFenced) || errors.Is(err, errRebuild) {
		return false, err
	}
	if out.end == nil {
		return false, nil
	}
	if err := l.failed(s, out.end, began); errors.Is(err, ErrFenced) || errors.Is(err, errRebuild) {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), endDeadline)
	defer cancel()
	if _, err := s.End(ctx, kgo.TryAbort); err != nil {
		return false, l.failed(s, err, began)
	}
	return false, nil
}

// failed tells a newer instance from a transaction that merely timed out: both bump the producer's epoch, but only a
// newer instance joins the group under this lane's name.
func (l *lane) failed(s *session, err error, began time.Time) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.FencedInstanceID):
		return ErrFenced
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		if l.p.usurped(instanceID(l.p.w.instance, l.n), s.memberID()) {
			return ErrFenced
		}
		l.log.Warn("producer epoch bumped", zap.Duration("transaction", time.Since(began)))
		return errRebuild
	}
	if c := brokerCause(err); c != "" {
		return &Trouble{c, code(err)}
	}
	return err
}

// measure works out what this transaction commits: one span per source partition, from the offset committed before to
// just past the last event polled.
func (l *lane) measure(s *session) error {
	l.spans = l.spans[:0]
	committed := s.Client().CommittedOffsets()
	for i := range l.inbound {
		in := &l.inbound[i]
		sp := findSpan(l.spans, in.Source, in.Partition)
		if sp == nil {
			topic := l.p.raw[in.Source]
			from, ok := committed[topic][in.Partition]
			if !ok {
				return errRebuild
			}
			if from.Offset == 0 && from.Epoch < 0 {
				// Nothing was committed: the partition is new and began at its log start.
				from.Offset = l.plan.starts[topic][in.Partition]
			}
			l.spans = append(l.spans, span{source: in.Source, partition: in.Partition, from: from.Offset, oldestMS: in.TimestampMS})
			sp = &l.spans[len(l.spans)-1]
		}
		sp.to, sp.epoch = in.Offset+1, in.LeaderEpoch
		sp.events++
		sp.oldestMS = min(sp.oldestMS, in.TimestampMS)
	}
	return nil
}

// findSpan finds the span of a source partition. A lane has few, and events come in runs: the search starts at the last.
func findSpan(spans []span, source int, partition int32) *span {
	for i := len(spans) - 1; i >= 0; i-- {
		if s := &spans[i]; s.source == source && s.partition == partition {
			return s
		}
	}
	return nil
}

// fill makes the records of one transaction: released ones, pointers, tallies.
func (l *lane) fill(b *processor.Batch) error {
	p := l.p.policy
	l.records = l.records[:0]
	// The release is dated when it was decided, not when it is sent: a batch that is held up on its way grows old, and
	// the broker refuses it.
	decided := b.VerdictAt
	if guardsOff() {
		decided = time.Now()
	}
	released := decided.Truncate(releaseGrain)
	if p.Mode == modeLive {
		picks := map[string]int32{}
		for i := range b.Out {
			out := &b.Out[i]
			r := kgo.Record{Topic: out.Topic(), Key: out.Key(), Value: out.Value(), Timestamp: released}
			if len(r.Key) == 0 {
				r.Key = nil
				at, ok := picks[r.Topic]
				if !ok {
					var err error
					if at, err = l.pick(r.Topic); err != nil {
						return err
					}
					picks[r.Topic] = at
				}
				r.Partition = at
			}
			l.records = append(l.records, r)
		}
	}
	for i := range b.Quarantine {
		key, value, err := quarantineOf(p, &b.Quarantine[i], l.p.w.opt.Policy.Revision)
		if err != nil {
			return &Trouble{StateRestoring, "a quarantine pointer cannot be written"}
		}
		l.records = append(l.records, kgo.Record{Topic: l.p.w.opt.Quarantine, Key: key, Value: value})
	}
	for i := range l.spans {
		s := &l.spans[i]
		for _, stream := range p.Sources[s.source].Streams {
			value, err := tallyOf(p, s, stream, countsOf(b, s, stream.Topic), l.p.w.opt.Policy.Revision, l.p.w.instance)
			if err != nil {
				return &Trouble{StateRestoring, "a tally record cannot be written"}
			}
			// The tallies of one source partition stand in order, in one partition.
			l.records = append(l.records, kgo.Record{Topic: l.p.w.opt.Tally, Value: value, Partition: s.partition})
		}
	}
	return nil
}

// pick chooses the partition for a stream's records without a key in this transaction.
func (l *lane) pick(topic string) (int32, error) {
	var key [32]byte
	if l.p.w.opt.Keyring.EventKey(&key, l.p.policy.Name, topic) != filters.Filled {
		return 0, &Trouble{KeyMissing, "the event key"}
	}
	first := &l.spans[0]
	return pick(&key, l.p.raw[first.source], first.partition, first.from), nil
}

// annotate writes the note into each offset that is about to be committed, and refuses the commit unless the offsets
// are exactly those that the tally of this transaction counts.
func (t *transaction) annotate(req *kmsg.TxnOffsetCommitRequest) error {
	seen := 0
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			part := &topic.Partitions[j]
			source, ok := t.sources[topic.Topic]
			if !ok {
				return errors.New("an offset of another topic: " + topic.Topic)
			}
			sp := findSpan(t.spans, source, part.Partition)
			if sp == nil || sp.to != part.Offset {
				return errors.New("an offset without its tally: " + strconv.FormatInt(part.Offset, 10))
			}
			seen++
			text := string(appendNote(nil, t.ids[topic.Topic], t.batch.Snapshot.Epoch, &t.batch.Snapshot.Places))
			part.Metadata = &text
		}
	}
	if seen != len(t.spans) {
		return errors.New("a tally without its offset")
	}
	return nil
}
