// Reading topics from their beginning to their end as a partner's job would, committed records only: what the demo
// shows and checks the law on.

package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Committed is one committed record. Its slices are the caller's.
type Committed struct {
	Topic       string
	Partition   int32
	Offset      int64
	TimestampMS int64
	Key, Value  []byte
}

// Extent is one partition as it stood when the reading began: every record lies in [Start, End). The end of a topic
// that transactions write to counts their markers too.
type Extent struct{ Start, End int64 }

// ReadCommitted visits every committed record that the topics held when it was called, in the order of each partition.
func ReadCommitted(ctx context.Context, conn Connection, topics []string, visit func(*Committed)) (map[string]map[int32]Extent, error) {
	if len(topics) == 0 {
		return nil, nil // kadm takes none for all
	}
	cl, adm, err := adminClient(conn)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	extents, err := extentsOf(ctx, adm, topics)
	if err != nil {
		return nil, err
	}
	from := map[string]map[int32]kgo.Offset{}
	left := 0
	for topic, parts := range extents {
		from[topic] = map[int32]kgo.Offset{}
		for p, e := range parts {
			if e.End > e.Start {
				from[topic][p] = kgo.NewOffset().At(e.Start)
				left++
			}
		}
	}
	if left == 0 {
		return extents, nil
	}
	reader, _, err := adminClient(conn, kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for left > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, requestTrouble(err, "reading")
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end := extents[r.Topic][r.Partition].End
			if r.Offset >= end {
				continue
			}
			if !r.Attrs.IsControl() {
				visit(&Committed{r.Topic, r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value})
			}
			if r.Offset == end-1 {
				left--
			}
		}
	}
	return extents, nil
}

func extentsOf(ctx context.Context, adm *kadm.Client, topics []string) (map[string]map[int32]Extent, error) {
	starts, err := adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, requestTrouble(err, "the first offsets")
	}
	ends, err := adm.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, requestTrouble(err, "the last offsets")
	}
	out := map[string]map[int32]Extent{}
	for topic, parts := range ends {
		out[topic] = map[int32]Extent{}
		for p, end := range parts {
			if err := firstError(end.Err, starts[topic][p].Err); err != nil {
				return nil, requestTrouble(err, "topic "+topic)
			}
			out[topic][p] = Extent{starts[topic][p].Offset, end.Offset}
		}
	}
	return out, nil
}
