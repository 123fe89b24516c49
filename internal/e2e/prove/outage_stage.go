package main

// The stage of the outage proof: a house with two workers, a flow of events, readers, and the questions that every
// scenario asks: when did the partners park, when were they back, did the others notice.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
)

const (
	outageSubscribers = 3000
	outageSeed        = 23
	outageDays        = 3   // of decisions before the proof
	outageRate        = 400 // events a second
	outageWorkers     = 2
)

type stage struct {
	h       *house.House
	r       *report
	ring    *keys.Ring
	workers []*house.Worker
	watch   *watcher
	flow    *flow
	book    *book
	pool    []int // subscribers whose location events acme-ads gets, not used yet
}

func newStage(ctx context.Context, r *report) (*stage, error) {
	h, err := house.New(ctx, r)
	if err != nil {
		return nil, err
	}
	s := &stage{h: h, r: r}
	if err := s.furnish(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) furnish(ctx context.Context) error {
	if err := s.h.MakeRaw(ctx, 4, rawTopics...); err != nil {
		return err
	}
	if err := s.h.Steps(ctx, "keys init", "consent accept-epoch --yes",
		// A small part tells the ids of the raw schemas; the rest flows from here.
		fmt.Sprintf("simulate --events 600 --subscribers %d --seed %d --days %d", outageSubscribers, outageSeed, outageDays),
		"topics create", "schema publish", "offsets init --at beginning"); err != nil {
		return err
	}
	var err error
	if s.ring, err = keys.Open(s.h.Setting("CONSENTRY_KEYS")); err != nil {
		return err
	}
	if s.book, err = newBook(s.h, s.ring); err != nil {
		return err
	}
	if s.flow, err = newFlow(ctx, s.h, outageSubscribers, outageRate); err != nil {
		return err
	}
	books := filepath.Join(s.h.Dir, "consents.csv")
	if _, err := s.writeHistory(books); err != nil {
		return err
	}
	if _, err := s.h.Verb(ctx, "consent", "import", books, "--history"); err != nil {
		return err
	}
	if s.book.t.initial, err = lines(s.h.TB.Redis.Addr); err != nil {
		return err
	}
	for i := range outageWorkers {
		w, err := s.h.Worker(i)
		if err != nil {
			return err
		}
		if err := w.Start(); err != nil {
			return err
		}
		s.workers = append(s.workers, w)
	}
	s.watch = newWatcher(s.workers)
	began := time.Now()
	if _, err := s.resumed(ctx, began, partners...); err != nil {
		return err
	}
	return s.fillPool(ctx)
}

func (s *stage) close() {
	for _, w := range s.workers {
		_ = w.Signal(syscall.SIGKILL)
	}
	if s.watch != nil {
		s.watch.close()
	}
	if s.flow != nil {
		s.flow.close()
	}
	if s.book != nil {
		s.book.close()
	}
	if keep := os.Getenv("PROVE_KEEP_LOGS"); keep != "" {
		for _, w := range s.workers {
			b, err := os.ReadFile(w.Log())
			if err == nil {
				err = os.WriteFile(keep+"-"+fmt.Sprint(slices.Index(s.workers, w))+".log", b, 0o600)
			}
			if err != nil {
				s.r.say("keeping a log: %v", err)
			}
		}
	}
	if err := s.h.Close(); err != nil {
		s.r.say("closing the house: %v", err)
	}
}

// fillPool waits until acme-ads has got events of enough people to take some of them through opt-outs.
func (s *stage) fillPool(ctx context.Context) error {
	err := await(ctx, time.Minute, "people whose events acme-ads gets", func() (bool, error) {
		var err error
		s.pool, err = s.book.people(ctx, s.flow, "partner.acme-ads.location")
		return len(s.pool) >= 150, err
	})
	s.r.say("acme-ads gets events of %d people already", len(s.pool))
	return err
}

// take draws people from the pool and lets events of them flow densely.
func (s *stage) take(n int) []int {
	who := s.pool[:n]
	s.pool = s.pool[n:]
	s.flow.focus(who)
	return who
}

// withdraw withdraws everything of each, by the command line.
func (s *stage) withdraw(ctx context.Context, who []int) error {
	for _, p := range who {
		subject := s.flow.subject(p)
		at, err := acknowledged(ctx, s.h, subject, []string{"consent", "withdraw-all"})
		if err != nil {
			return err
		}
		s.book.changed(change{subject: subject, withdraws: true, acked: at})
	}
	return nil
}

// optOut lets events of n people flow for a second and withdraws their consents while they go on.
func (s *stage) optOut(ctx context.Context, n int) ([]int, error) {
	who := s.take(n)
	if err := hold(ctx, time.Second); err != nil {
		return nil, err
	}
	return who, s.withdraw(ctx, who)
}

// refused checks that a change is not acknowledged now.
func (s *stage) refused(ctx context.Context, why string) {
	_, err := s.h.VerbIn(ctx, s.flow.subject(s.pool[0])+"\n", "consent", "withdraw-all", "--subject", "-", "--json")
	s.r.check(err != nil, "a withdrawal is not acknowledged while %s", why)
}

// parked waits until every worker shows the partners parked for the cause, asks `consentry status --json` what it says
// of them, and returns how long after since that was.
func (s *stage) parked(ctx context.Context, since time.Time, cause string, names ...string) (time.Duration, error) {
	return s.shown(ctx, since, "parked", cause, names...)
}

func (s *stage) shown(ctx context.Context, since time.Time, state, cause string, names ...string) (time.Duration, error) {
	at, err := s.watch.reach(ctx, time.Minute, since, names, func(v sighting) bool { return v.state == state && v.cause == cause })
	if err != nil {
		return 0, fmt.Errorf("%v %s for %s: %w", names, state, cause, err)
	}
	for i, w := range s.workers {
		out, err := w.Verb(ctx, "status", "--json")
		var st struct {
			Partners []struct{ Partner, State, Cause, Next, Detail, Since string }
		}
		if jerr := json.Unmarshal([]byte(out), &st); jerr != nil {
			return 0, errors.New("status --json is not one JSON object")
		}
		good := 0
		for _, p := range st.Partners {
			if slices.Contains(names, p.Partner) && p.State == state && p.Cause == cause && p.Next != "" && p.Since != "" {
				good++
				if i == 0 && good == 1 {
					s.r.say("%s is %s: %s %s | %s", p.Partner, p.State, p.Cause, p.Detail, p.Next)
				}
			}
		}
		s.r.check(err != nil && good == len(names), "worker %d: status --json exits 1 and shows %d of %d partners %s with %q and what to do next", i, good, len(names), state, cause)
	}
	return at.Sub(since), nil
}

// resumed waits until the partners run on every worker and each of their streams has a record that arrived after since.
func (s *stage) resumed(ctx context.Context, since time.Time, names ...string) (time.Duration, error) {
	last, err := s.watch.reach(ctx, 2*time.Minute, since, names, func(v sighting) bool { return v.state == "running" })
	if err != nil {
		return 0, fmt.Errorf("%v running again: %w", names, err)
	}
	for _, st := range streams {
		if !slices.Contains(names, st.partner) {
			continue
		}
		first, err := s.arrives(ctx, st.topic, since)
		if err != nil {
			return 0, err
		}
		if first.After(last) {
			last = first
		}
	}
	return max(last.Sub(since), time.Millisecond), nil
}

// arrives waits for a record of a topic that came after since, and returns when it came.
func (s *stage) arrives(ctx context.Context, topic string, since time.Time) (first time.Time, err error) {
	err = await(ctx, time.Minute, "a record of "+topic, func() (bool, error) {
		first = s.book.firstAfter(topic, since)
		return !first.IsZero(), nil
	})
	return first, err
}

// untouched checks that the partners ran all the time since from, and that their streams went on while others were parked.
func (s *stage) untouched(ctx context.Context, from, parkedAt time.Time, names ...string) {
	for _, n := range names {
		s.r.check(s.watch.steady(n, from), "%s ran all the time", n)
	}
	for _, st := range streams {
		if slices.Contains(names, st.partner) {
			_, err := s.arrives(ctx, st.topic, parkedAt)
			s.r.check(err == nil, "%s went on meanwhile", st.topic)
		}
	}
}

// silent checks that nothing more arrived for parked partners, from a grace after parkedAt until now. In the grace lie
// transactions that were under way.
func (s *stage) silent(parkedAt time.Time, names ...string) {
	const grace = 500 * time.Millisecond
	n := 0
	for _, st := range streams {
		if slices.Contains(names, st.partner) {
			n += s.book.arrivedAfter(st.topic, parkedAt.Add(grace))
		}
	}
	s.r.check(n == 0, "%d records arrived while %s parked", n, strings.Join(names, ", "))
}

// hold waits; it is how a proof keeps a fault up for a time that the scenario states.
func hold(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
