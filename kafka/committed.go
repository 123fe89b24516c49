// How far a group has come in Kafka's time: a pseudonym key may be erased only when nothing that needs it is still to
// be read.

package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// CommittedPast reports whether a group has committed past every record of the topics that was appended or stamped
// before atMS (Unix ms). False when atMS is still to come, a topic has no commit, or a record may be left.
func CommittedPast(ctx context.Context, conn Connection, group string, topics []string, atMS int64) (bool, error) {
	if len(topics) == 0 {
		return true, nil // kadm takes none for all
	}
	if atMS > time.Now().UnixMilli() {
		return false, nil
	}
	cl, adm, err := adminClient(conn)
	if err != nil {
		return false, err
	}
	defer cl.Close()
	details, err := lookAtTopics(ctx, adm, topics)
	if err != nil {
		return false, err
	}
	commits, err := stablePositions(ctx, cl, group, details, topics)
	if err != nil {
		return false, err
	}
	reach, err := adm.ListOffsetsAfterMilli(ctx, atMS, topics...)
	if err != nil {
		return false, requestTrouble(err, "the offsets of that time")
	}
	starts, err := adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return false, requestTrouble(err, "the first offsets of the raw topics")
	}
	for _, topic := range topics {
		begun := false
		for p := range details[topic].Partitions {
			target, start := reach[topic][p], starts[topic][p]
			if err := firstError(target.Err, start.Err); err != nil {
				return false, requestTrouble(err, "topic "+topic)
			}
			// A new partition is read from its start.
			at := start.Offset
			if c := commits[topic][p].at; c >= 0 {
				at, begun = c, true
			}
			if at >= target.Offset {
				continue
			}
			left, err := recordsBetween(ctx, conn, topic, p, max(at, start.Offset), target.Offset)
			if err != nil || left {
				return false, err
			}
		}
		if !begun {
			return false, nil
		}
	}
	return true, nil
}

// recordsBetween tells whether a partition holds a record, not just markers of transactions, in [from, to): behind the
// last record of a transaction stands its marker, which no group ever commits past.
func recordsBetween(ctx context.Context, conn Connection, topic string, partition int32, from, to int64) (bool, error) {
	if to-from > maxMarkers {
		return true, nil
	}
	cl, _, err := adminClient(conn,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxPartitionBytes(1<<20))
	if err != nil {
		return false, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return false, requestTrouble(err, "topic "+topic)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if r.Offset >= to {
				return false, nil
			}
			if !r.Attrs.IsControl() {
				return true, nil
			}
			if r.Offset == to-1 {
				return false, nil
			}
		}
	}
}

// maxMarkers is how many offsets are worth a look: more than that are records.
const maxMarkers = 1000
