package main

// Workers held: anywhere, by SIGSTOP, and exactly between decision and write. For that the stop point, and the switch
// for the guards, are in a test build only.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/e2e/house"
)

const heldFor = 20 * time.Second

// heldWithGuards: the frame guard refuses what was decided before the hold.
func heldWithGuards(ctx context.Context, s *stage, row *outageRow) error {
	began := s.guardTrips()
	who, err := s.heldBetween(ctx, row)
	if err != nil {
		return err
	}
	trips := s.guardTrips() - began
	s.r.check(trips > 0, "the frame guard closed %d sessions with batches of %d people who withdrew meanwhile", trips, len(who))
	return s.back(ctx)
}

// heldWithoutGuards is the proof that the one before can fail.
func heldWithoutGuards(ctx context.Context, s *stage, row *outageRow) error {
	if err := s.secondGuard(ctx, false); err != nil {
		return err
	}
	// What follows is wanted, and judged apart.
	for _, p := range s.pool[:heldPeople] {
		s.book.expected[s.flow.subject(p)] = true
	}
	if _, err := s.heldBetween(ctx, row, "CONSENTRY_STOPPOINT_GUARDS=off"); err != nil {
		return err
	}
	if err := s.settle(ctx, &row.found); err != nil {
		return err
	}
	s.r.check(row.found.stale > 0, "both guards off: %d stale records of people who had withdrawn: the check can fail", row.found.stale)
	if err := s.secondGuard(ctx, true); err != nil {
		return err
	}
	return s.back(ctx)
}

const heldPeople = 10

// heldBetween starts the workers anew from the test build upon a backlog; each holds the first batch of acme-ads that it
// has decided. Meanwhile those in it withdraw.
func (s *stage) heldBetween(ctx context.Context, row *outageRow, env ...string) ([]int, error) {
	bin, err := house.Build(ctx, s.h.Dir, "stoppoint")
	if err != nil {
		return nil, err
	}
	for _, w := range s.workers {
		if err := w.Stop(ctx); err != nil {
			return nil, err
		}
	}
	who := s.take(heldPeople)
	if err := hold(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	var marks []string
	began := time.Now()
	for i, w := range s.workers {
		mark := filepath.Join(s.h.Dir, fmt.Sprintf("held-%d-%d", i, began.UnixNano()))
		marks = append(marks, mark)
		w.Use(bin, append([]string{"CONSENTRY_STOPPOINT_HOLD=" + heldFor.String(), "CONSENTRY_STOPPOINT_PARTNER=acme-ads",
			"CONSENTRY_STOPPOINT_MARK=" + mark}, env...)...)
		if err := w.Start(); err != nil {
			return nil, err
		}
	}
	if err := await(ctx, time.Minute, "both workers at the stop point", func() (bool, error) {
		for _, m := range marks {
			if _, err := os.Stat(m); err != nil {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		return nil, err
	}
	at := time.Now()
	if err := s.withdraw(ctx, who); err != nil {
		return nil, err
	}
	s.r.check(time.Since(at) < heldFor-bound, "%d people withdrew within %s, while the workers were held", len(who), span(time.Since(at)))
	if err := hold(ctx, time.Until(at.Add(heldFor))); err != nil {
		return nil, err
	}
	row.resumed, err = s.resumed(ctx, time.Now(), partners...)
	return who, err
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

// back starts the workers from the build that is shipped.
func (s *stage) back(ctx context.Context) error {
	for _, w := range s.workers {
		if err := w.Stop(ctx); err != nil {
			return err
		}
		w.Use(s.h.Bin)
		if err := w.Start(); err != nil {
			return err
		}
	}
	_, err := s.resumed(ctx, time.Now(), partners...)
	return err
}

// guardTrips counts how often a worker's log says that the frame guard closed a session.
func (s *stage) guardTrips() (n int) {
	for _, w := range s.workers {
		b, err := os.ReadFile(w.Log())
		if err != nil {
			continue // no log, no trip
		}
		n += bytes.Count(b, []byte("frame guard closed a session"))
	}
	return n
}

// secondGuard takes the brokers' own bound from the partner topics, or sets it again.
func (s *stage) secondGuard(ctx context.Context, on bool) error {
	return s.topics(ctx, func(adm *kadm.Client) error {
		alter := kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "message.timestamp.before.max.ms"}
		if on {
			alter.Op, alter.Value = kadm.SetConfig, kadm.StringPtr("15000")
		}
		res, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{alter}, partnerTopics()...)
		if err != nil {
			return err
		}
		for _, r := range res {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	})
}
