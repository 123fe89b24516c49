package main

// The broker and the registries go away; single topics are deleted and made again.

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

func registriesGone(ctx context.Context, s *stage, row *outageRow) error {
	at := time.Now()
	if err := errors.Join(s.h.TB.Raw.Stop(), s.h.TB.Partner.Stop()); err != nil {
		return err
	}
	down := time.Now()
	if err := s.optOut(ctx, 3); err != nil {
		return err
	}
	if err := hold(ctx, 8*time.Second); err != nil {
		return err
	}
	s.untouched(ctx, at, down, partners...)
	return errors.Join(s.h.TB.Raw.Start(ctx), s.h.TB.Partner.Start(ctx))
}

func registriesGoneAtStart(ctx context.Context, s *stage, row *outageRow) error {
	const one = 0
	if err := errors.Join(s.h.TB.Raw.Stop(), s.h.TB.Partner.Stop()); err != nil {
		return err
	}
	at, err := s.restart(ctx, one)
	if err != nil {
		return err
	}
	row.cause = "registry_unreachable"
	shown, err := s.watch.reachOn(ctx, time.Minute, at, one, partners, func(v sighting) bool {
		return v.state == "parked" && v.cause == row.cause && v.next != ""
	})
	if err != nil {
		return err
	}
	row.parked = shown.Sub(at)
	if err := s.optOut(ctx, 3); err != nil {
		return err
	}
	if err := hold(ctx, 3*time.Second); err != nil {
		return err
	}
	for _, st := range streams { // the other worker's partitions
		if _, err := s.arrives(ctx, st.topic, shown); err != nil {
			return err
		}
	}
	if err := s.h.TB.Partner.Start(ctx); err != nil {
		return err
	}
	back := time.Now()
	// globex reads JSON by a schema file: it needs the raw registry no more. The others meet events of a schema that
	// nobody can tell them.
	if _, err := s.watch.reachOn(ctx, time.Minute, back, one, []string{"globex"}, func(v sighting) bool { return v.state == "running" }); err != nil {
		return err
	}
	if _, err := s.watch.reachOn(ctx, time.Minute, back, one, others("globex"), func(v sighting) bool {
		return v.state == "parked" && v.cause == row.cause
	}); err != nil {
		return err
	}
	s.r.say("the partner registry is back: globex runs, acme-ads and initech wait for the raw one")
	if err := s.h.TB.Raw.Start(ctx); err != nil {
		return err
	}
	row.resumed, err = s.resumed(ctx, time.Now(), partners...)
	return err
}

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
	if err := hold(ctx, 2*time.Second); err != nil {
		return err
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

// brokerHeld holds the broker: it takes bytes that it does not answer, and those cannot be recalled.
func brokerHeld(ctx context.Context, s *stage, row *outageRow) error {
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
	if err := hold(ctx, time.Until(at.Add(10*time.Second))); err != nil {
		return err
	}
	if p, ok := s.watch.first(at, "parked"); ok {
		row.cause, row.parked = p.cause, p.at.Sub(at)
	}
	if err := s.h.TB.Kafka.Continue(); err != nil {
		return err
	}
	back := time.Now()
	s.book.sockets = append(s.book.sockets, [2]time.Time{at, back})
	var err error
	row.resumed, err = s.resumed(ctx, back, partners...)
	return err
}

func partnerTopicRemade(ctx context.Context, s *stage, row *outageRow) error {
	const name, topic = "globex", "partner.globex.interests"
	if err := s.optOut(ctx, 2); err != nil {
		return err
	}
	// What the topic holds goes with it, so it is counted before, while nothing is under way.
	if err := s.flow.pause(ctx); err != nil {
		return err
	}
	if err := drained(ctx, s.h, time.Minute); err != nil {
		return err
	}
	if err := s.book.caughtUp(ctx); err != nil {
		return err
	}
	kept, err := s.book.committed(ctx, topic)
	if err != nil {
		return err
	}
	s.book.kept[topic] = kept
	at := time.Now()
	if err := s.topics(ctx, func(adm *kadm.Client) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	}); err != nil {
		return err
	}
	s.flow.resume()
	row.cause = "topic_missing"
	if row.parked, err = s.parked(ctx, at, row.cause, name); err != nil {
		return err
	}
	if err := hold(ctx, 4*time.Second); err != nil {
		return err
	}
	s.untouched(ctx, at, at.Add(row.parked), others(name)...)
	if _, err := s.h.Verb(ctx, "topics", "create"); err != nil {
		return err
	}
	back := time.Now()
	if err := s.book.tail(topic); err != nil {
		return err
	}
	if row.resumed, err = s.resumed(ctx, back, name); err != nil {
		return err
	}
	s.untouched(ctx, at, back, others(name)...)
	return nil
}

func partnerStopped(ctx context.Context, s *stage, row *outageRow) error {
	const name = "initech"
	at := time.Now()
	if _, err := s.h.Verb(ctx, "stop", name, "--reason", "a complaint is looked into"); err != nil {
		return err
	}
	row.cause = "stopped by a person"
	var err error
	if row.parked, err = s.shown(ctx, at, "stopped", "", name); err != nil {
		return err
	}
	if err := s.optOut(ctx, 2); err != nil {
		return err
	}
	if err := hold(ctx, 3*time.Second); err != nil {
		return err
	}
	s.silent(at.Add(row.parked), name)
	s.untouched(ctx, at, at.Add(row.parked), others(name)...)
	back := time.Now()
	if _, err := s.h.Verb(ctx, "resume", name); err != nil {
		return err
	}
	row.resumed, err = s.resumed(ctx, back, name)
	return err
}

// rawTopicRemade loses a raw topic. A person must say where to go on: what was in it is gone.
func rawTopicRemade(ctx context.Context, s *stage, row *outageRow) error {
	const name, topic, stream = "globex", "raw.search", "partner.globex.interests"
	if err := s.settle(ctx, &row.found); err != nil {
		return err
	}
	if err := s.flow.pause(ctx); err != nil {
		return err
	}
	at := time.Now()
	if err := s.topics(ctx, func(adm *kadm.Client) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	}); err != nil {
		return err
	}
	for p, n := range s.book.next {
		if p.topic == topic {
			s.book.gone[place{stream, topic, p.n}] += n
			s.book.next[p] = 0
		}
	}
	if _, err := s.parked(ctx, at, "topic_missing", name); err != nil {
		return err
	}
	if err := s.h.MakeRaw(ctx, 4, topic); err != nil {
		return err
	}
	made := time.Now()
	if err := s.flow.reopen(); err != nil {
		return err
	}
	s.flow.resume()
	row.cause = "offsets_lost"
	var err error
	if row.parked, err = s.parked(ctx, made, row.cause, name); err != nil {
		return err
	}
	if err := hold(ctx, 3*time.Second); err != nil {
		return err
	}
	s.silent(made.Add(row.parked), name)
	s.untouched(ctx, at, made.Add(row.parked), others(name)...)
	// First what status says, to the letter; a person reads what it answers.
	out, err := s.h.Verb(ctx, "offsets", "init", "--lost")
	s.r.say("offsets init --lost: %v %v", err, out)
	back := time.Now()
	if _, err := s.h.Verb(ctx, "offsets", "init", "--at", "beginning"); err != nil {
		return err
	}
	if row.resumed, err = s.resumed(ctx, back, name); err != nil {
		return err
	}
	s.untouched(ctx, at, back, others(name)...)
	return nil
}

// topics lends an admin client.
func (s *stage) topics(ctx context.Context, do func(*kadm.Client) error) error {
	cl, err := s.h.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return do(kadm.NewClient(cl))
}

// workersHeld stops both worker processes where they are, for 20 s, and lets people withdraw meanwhile.
func workersHeld(ctx context.Context, s *stage, row *outageRow) error {
	who := s.take(10)
	if err := hold(ctx, 1500*time.Millisecond); err != nil {
		return err
	}
	at := time.Now()
	for i, w := range s.workers {
		if err := w.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		// Not both at the same point of their rounds.
		if err := hold(ctx, time.Duration(137*(i+1))*time.Millisecond); err != nil {
			return err
		}
	}
	if err := s.withdraw(ctx, who); err != nil {
		return err
	}
	if err := hold(ctx, time.Until(at.Add(20*time.Second))); err != nil {
		return err
	}
	for _, w := range s.workers {
		if err := w.Signal(syscall.SIGCONT); err != nil {
			return err
		}
	}
	back := time.Now()
	var err error
	if row.resumed, err = s.resumed(ctx, back, partners...); err != nil {
		return fmt.Errorf("after SIGCONT: %w", err)
	}
	return nil
}
