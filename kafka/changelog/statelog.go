// The state topic as a reader sees it: where each partition ends, its records from one offset to another, and its last
// mark. Committed records only; positions are counted over control records too, because the end of a partition usually is
// one.

package changelog

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/kafka"
)

// extent is where a partition begins and ends. stable is the end for readers of committed records: all below it is
// decided. high is the end of what has been written at all.
type extent struct{ start, stable, high int64 }

// span is the part [from, to) of a partition.
type span struct{ from, to int64 }

const (
	// tailWindow is how far before the end the last mark is looked for first; doubled until it is found.
	tailWindow = 64
	// stalled is how long a read may bring nothing before it is given up: its partition has lost its leader.
	stalled = 10 * time.Second
)

// statelog reads one topic.
type statelog struct {
	conn  kafka.Connection
	topic string
	adm   *kadm.Client
}

// extents asks for the bounds of the partitions. One that cannot be asked is left out; err is then of one such.
func (l *statelog) extents(ctx context.Context, partitions []int32) (map[int32]extent, error) {
	ctx, cancel := context.WithTimeout(ctx, kafka.LookTimeout)
	defer cancel()
	// The stable end is read last: then it is never above a high end that was read before another writer came.
	var listed [3]kadm.ListedOffsets
	for i, list := range []func(context.Context, ...string) (kadm.ListedOffsets, error){
		l.adm.ListStartOffsets, l.adm.ListEndOffsets, l.adm.ListCommittedOffsets} {
		var err error
		if listed[i], err = list(ctx, l.topic); err != nil {
			return nil, kafka.RequestTrouble(err, "topic "+l.topic)
		}
	}
	out := make(map[int32]extent, len(partitions))
	var failed error
	for _, p := range partitions {
		var at [3]int64
		var err error
		for i := range listed {
			o, ok := listed[i].Lookup(l.topic, p)
			switch {
			case !ok:
				err = kafka.NewTrouble(kafka.TopicMissing, fmt.Sprintf("topic %s has no partition %d", l.topic, p))
			case o.Err != nil:
				err = kafka.RequestTrouble(o.Err, fmt.Sprintf("topic %s partition %d", l.topic, p))
			}
			at[i] = o.Offset
		}
		if err != nil {
			failed = err
			continue
		}
		out[p] = extent{at[0], at[2], max(at[1], at[2])}
	}
	return out, failed
}

// read visits the committed records of the spans, in order within a partition, and tells done when a span has been read
// to its end.
func (l *statelog) read(ctx context.Context, spans map[int32]span, visit func(*kgo.Record) error, done func(partition int32) error) error {
	from := map[int32]kgo.Offset{}
	for p, s := range spans {
		if s.from < s.to {
			from[p] = kgo.NewOffset().At(s.from)
		} else if err := done(p); err != nil {
			return err
		}
	}
	if len(from) == 0 {
		return nil
	}
	reader, err := kgo.NewClient(append(l.conn.Options(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.MaxConcurrentFetches(2), kgo.FetchMaxBytes(8<<20),
		kgo.FetchMaxPartitionBytes(1<<20), kgo.BrokerMaxReadBytes(64<<20), kgo.MaxDecompressBatchBytes(128<<20))...)
	if err != nil {
		return fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	defer reader.Close()
	left := len(from)
	for left > 0 {
		pctx, cancel := context.WithTimeout(ctx, stalled)
		fetches := reader.PollFetches(pctx)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil {
			return kafka.RequestTrouble(err, "topic "+l.topic)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if _, reading := from[r.Partition]; !reading {
				continue
			}
			s := spans[r.Partition]
			if r.Offset < s.to && !r.Attrs.IsControl() {
				if err := visit(r); err != nil {
					return err
				}
			}
			if r.Offset >= s.to-1 {
				delete(from, r.Partition)
				left--
				if err := done(r.Partition); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
