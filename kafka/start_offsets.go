// The look before a partner starts, and again while it is parked: are the topics there, may we, and does every
// partition of every source have a position that still means something. Nothing here moves a position: where nobody has
// said where to begin, or what stood between is gone, a person must say (offsets init).

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// lookTimeout bounds one look at the broker.
const lookTimeout = 8 * time.Second

// beginning is what the look found: what the lanes need to commit and count.
type beginning struct {
	ids    map[string]topicID         // of the raw topics
	starts map[string]map[int32]int64 // log start of partitions without a commit
	notes  []note                     // what earlier workers saw of the consent store
}

// lookAtTopics checks that every topic can be described and returns the raw topics' details.
func lookAtTopics(ctx context.Context, adm *kadm.Client, topics []string) (kadm.TopicDetails, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	details, err := adm.ListTopics(ctx, topics...)
	if err != nil {
		return nil, requestTrouble(err, "the topics")
	}
	for _, name := range topics {
		d, ok := details[name]
		if !ok {
			return nil, &Trouble{TopicMissing, "topic " + name}
		}
		if d.Err != nil {
			return nil, requestTrouble(d.Err, "topic "+name)
		}
	}
	return details, nil
}

// lookAtOffsets judges the group's position in every partition of the raw topics. known holds the ids of the raw
// topics that this worker has met before: a topic that is made again takes its commits, and so its old id, with it.
// lost holds the positions at which events were lost: as long as one stands, nobody has said how to go on.
func lookAtOffsets(ctx context.Context, adm *kadm.Client, group string, raw []string, details kadm.TopicDetails, known map[string]topicID, lost map[string]map[int32]int64) (*beginning, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	commits, err := commitsOf(ctx, adm, group)
	if err != nil {
		return nil, requestTrouble(err, "group "+group)
	}
	starts, err := adm.ListStartOffsets(ctx, raw...)
	if err != nil {
		return nil, requestTrouble(err, "the first offsets of the raw topics")
	}
	ends, err := adm.ListCommittedOffsets(ctx, raw...)
	if err != nil {
		return nil, requestTrouble(err, "the last offsets of the raw topics")
	}
	b := &beginning{ids: map[string]topicID{}, starts: map[string]map[int32]int64{}}
	for _, topic := range raw {
		id := topicID(details[topic].ID)
		b.ids[topic] = id
		b.starts[topic] = map[int32]int64{}
		partitions := slices.Sorted(maps.Keys(details[topic].Partitions))
		for _, p := range partitions {
			where := fmt.Sprintf("topic %s partition %d", topic, p)
			start, end := starts[topic][p], ends[topic][p]
			if err := firstError(start.Err, end.Err, commits[topic][p].Err); err != nil {
				return nil, requestTrouble(err, where)
			}
			commit, ok := commits[topic][p]
			if !ok || commit.At < 0 {
				// A partition without a commit is new only if the ones below it have begun; the first never is.
				if p == partitions[0] {
					if old := known[topic]; old != (topicID{}) && old != id {
						return nil, &Trouble{OffsetsLost, "topic " + topic + " was made again"}
					}
					return nil, &Trouble{OffsetsMissing, where}
				}
				b.starts[topic][p] = start.Offset
				continue
			}
			n := parseNote(commit.Metadata)
			if n.topic != (topicID{}) && n.topic != id {
				return nil, &Trouble{OffsetsLost, "topic " + topic + " was made again"}
			}
			if commit.At < start.Offset || commit.At > end.Offset && commit.At > endOf(ctx, adm, topic, p) {
				return nil, &Trouble{OffsetsLost, where}
			}
			if at, was := lost[topic][p]; was && at == commit.At {
				return nil, &Trouble{OffsetsLost, where + ": events before the position were lost"}
			}
			if n.epoch != 0 {
				b.notes = append(b.notes, n)
			}
		}
	}
	return b, nil
}

// commitsOf reads a group's committed offsets. A group that nobody has met has none.
func commitsOf(ctx context.Context, adm *kadm.Client, group string) (kadm.OffsetResponses, error) {
	commits, err := adm.FetchOffsets(ctx, group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	return commits, err
}

// measureLag counts what a group has still to read of each topic, over all partitions.
func measureLag(ctx context.Context, adm *kadm.Client, group string, raw []string) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	commits, err := commitsOf(ctx, adm, group)
	if err != nil {
		return nil, err
	}
	starts, err := adm.ListStartOffsets(ctx, raw...)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListCommittedOffsets(ctx, raw...)
	if err != nil {
		return nil, err
	}
	lag := map[string]int64{}
	for _, topic := range raw {
		lag[topic] = 0
		for p, end := range ends[topic] {
			if err := firstError(end.Err, starts[topic][p].Err); err != nil {
				return nil, err
			}
			from := starts[topic][p].Offset
			if c, ok := commits[topic][p]; ok && c.Err == nil {
				from = max(from, c.At)
			}
			lag[topic] += max(0, end.Offset-from)
		}
	}
	return lag, nil
}

// endOf is the log end: the last stable offset may lie below a commit only while a transaction is open.
func endOf(ctx context.Context, adm *kadm.Client, topic string, partition int32) int64 {
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil || ends[topic][partition].Err != nil {
		return -1
	}
	return ends[topic][partition].Offset
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// requestTrouble turns the failure of a look into a cause; what cannot be told apart counts as an unreachable broker.
func requestTrouble(err error, what string) *Trouble {
	c := brokerCause(err)
	if c == "" {
		c = BrokerUnreachable
	}
	return &Trouble{c, what + ": " + code(err)}
}
