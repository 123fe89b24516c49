// The committed positions of a group, as they are and not as they were a moment ago.

package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// position is one committed offset and its metadata. At is -1 where there is none.
type position struct {
	at   int64
	note note
}

// stablePositions reads a group's positions in every partition of the topics, and waits while a transaction that
// commits some is still open. It names each partition: asked for all, a broker leaves out one whose first commit is
// still on its way. A group that never was has no positions.
func stablePositions(ctx context.Context, cl *kgo.Client, group string, details kadm.TopicDetails, topics []string) (map[string]map[int32]position, error) {
	var found map[string]map[int32]position
	err := settle(ctx, func() (err error) {
		found, err = askPositions(ctx, cl, group, details, topics)
		return err
	})
	if err != nil {
		return nil, requestTrouble(err, "group "+group)
	}
	return found, nil
}

// describeGroup tells a group's state and what we may do with it. A group that nobody ever joined is Dead.
func describeGroup(ctx context.Context, adm *kadm.Client, group string) (kadm.DescribedGroup, error) {
	var g kadm.DescribedGroup
	err := settle(ctx, func() error {
		groups, err := adm.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		g = groups[group]
		return g.Err
	})
	if errors.Is(err, kerr.GroupIDNotFound) { // what the newest brokers say
		g.State, err = "Dead", nil
	}
	return g, err
}

// commitWait bounds the wait until the broker has settled what was asked of it.
const commitWait = 10 * time.Second

// settle asks again while the broker still writes the markers of a transaction, or makes or loads its internal topics.
func settle(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		passing := false
		for _, code := range []error{kerr.ConcurrentTransactions, kerr.UnstableOffsetCommit, kerr.CoordinatorNotAvailable,
			kerr.CoordinatorLoadInProgress, kerr.NotCoordinator} {
			passing = passing || errors.Is(err, code)
		}
		if !passing {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func askPositions(ctx context.Context, cl *kgo.Client, group string, details kadm.TopicDetails, topics []string) (map[string]map[int32]position, error) {
	found := map[string]map[int32]position{}
	names := map[[16]byte]string{}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	for _, topic := range topics {
		found[topic] = map[int32]position{}
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.TopicID = topic, details[topic].ID
		names[t.TopicID] = topic
		for p := range details[topic].Partitions {
			found[topic][p] = position{at: -1}
			t.Partitions = append(t.Partitions, p)
		}
		g.Topics = append(g.Topics, t)
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable, req.Groups = true, append(req.Groups, g)
	res, err := req.RequestWith(ctx, cl)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, err
	}
	if res == nil {
		return found, nil
	}
	for _, g := range res.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return nil, err
		}
		for _, t := range g.Topics {
			topic := t.Topic
			if topic == "" {
				topic = names[t.TopicID]
			}
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, err
				}
				pos := position{at: p.Offset}
				if p.Metadata != nil {
					pos.note = parseNote(*p.Metadata)
				}
				if found[topic] != nil && p.Offset >= 0 {
					found[topic][p.Partition] = pos
				}
			}
		}
	}
	return found, nil
}
