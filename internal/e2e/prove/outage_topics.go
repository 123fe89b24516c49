package main

// Single topics are deleted and made again, a partner is stopped by a person: nobody else may notice.

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

func partnerTopicRemade(ctx context.Context, s *stage, row *outageRow) error {
	const name, topic = "globex", "partner.globex.interests"
	if _, err := s.optOut(ctx, 2); err != nil {
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
	if _, err := s.optOut(ctx, 2); err != nil {
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
	// Kafka forgot the positions with the topic, so there is none to move: the verb says what is left to decide.
	_, err = s.h.Verb(ctx, "offsets", "init", "--lost")
	s.r.check(err != nil && strings.Contains(err.Error(), "offsets init --at beginning"), "offsets init --lost refuses, and says that a person must choose --at")
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
