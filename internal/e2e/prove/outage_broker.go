package main

// The broker goes away with events and verdicts of people in the workers' hands who withdraw meanwhile.

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

func brokerStopped(ctx context.Context, s *stage, row *outageRow) error {
	return s.brokerAway(ctx, row, s.h.TB.Kafka.Stop)
}

func brokerKilled(ctx context.Context, s *stage, row *outageRow) error {
	return s.brokerAway(ctx, row, s.h.TB.Kafka.Kill)
}

// brokerAway ends the broker with events of people in the workers' hands who withdraw while it is away.
func (s *stage) brokerAway(ctx context.Context, row *outageRow, end func() error) error {
	who := s.take(6)
	if err := hold(ctx, time.Second); err != nil {
		return err
	}
	old, err := s.reigns(ctx)
	if err != nil {
		return err
	}
	at := time.Now()
	if err := end(); err != nil {
		return err
	}
	ended := time.Now()
	if err := s.withdraw(ctx, who); err != nil {
		return err
	}
	row.cause = "broker_unreachable"
	if row.parked, err = s.parked(ctx, at, row.cause, partners...); err != nil {
		return err
	}
	// A worker ends in an orderly way without a broker too, and one that starts meanwhile waits for it.
	started, err := s.restart(ctx, 1)
	if err != nil {
		return err
	}
	if _, err := s.parked(ctx, started, row.cause, partners...); err != nil {
		return fmt.Errorf("a worker that started meanwhile: %w", err)
	}
	if err := s.h.TB.Kafka.Start(ctx); err != nil {
		return err
	}
	back := time.Now()
	fresh, err := s.reigns(ctx)
	if err != nil {
		return err
	}
	for p, epoch := range old {
		if fresh[p] > epoch {
			s.book.ended[reign{p, epoch}] = ended
		}
	}
	row.resumed, err = s.resumed(ctx, back, partners...)
	return err
}

// reigns are the leader epochs of the partner topics.
func (s *stage) reigns(ctx context.Context) (map[partition]int32, error) {
	cl, err := s.h.Client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	out := map[partition]int32{}
	return out, await(ctx, 30*time.Second, "leaders of the partner topics", func() (bool, error) {
		details, err := kadm.NewClient(cl).ListTopics(ctx, partnerTopics()...)
		if err != nil {
			return false, err
		}
		complete := true
		details.EachPartition(func(d kadm.PartitionDetail) {
			out[partition{d.Topic, d.Partition}] = d.LeaderEpoch
			complete = complete && d.Err == nil && d.Leader >= 0
		})
		return complete && len(out) > 0, nil
	})
}

func brokerHeld(ctx context.Context, s *stage, row *outageRow) error {
	return s.brokerPaused(ctx, row, 10*time.Second)
}

func brokerHeldLong(ctx context.Context, s *stage, row *outageRow) error {
	return s.brokerPaused(ctx, row, 25*time.Second)
}

// brokerPaused holds the broker: it takes bytes that it does not answer. Those cannot be recalled; it refuses them itself
// once they are 15 s old.
func (s *stage) brokerPaused(ctx context.Context, row *outageRow, lasts time.Duration) error {
	who := s.take(6)
	if err := hold(ctx, time.Second); err != nil {
		return err
	}
	at := time.Now()
	if err := s.h.TB.Kafka.Pause(); err != nil {
		return err
	}
	if err := s.withdraw(ctx, who); err != nil {
		return err
	}
	if err := hold(ctx, time.Until(at.Add(lasts))); err != nil {
		return err
	}
	if p, ok := s.watch.first(at, "parked"); ok {
		row.cause, row.parked = p.cause, p.at.Sub(at)
	}
	if err := s.h.TB.Kafka.Continue(); err != nil {
		return err
	}
	back := time.Now()
	s.book.sockets = append(s.book.sockets, socket{from: at, to: back})
	var err error
	row.resumed, err = s.resumed(ctx, back, partners...)
	return err
}
