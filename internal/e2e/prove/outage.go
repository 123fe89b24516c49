package main

// Outage: while events flow through two workers, one part after another is stopped, held, killed, emptied or made again.
// Each time: which cause status tells, how soon the partners concerned park and resume, whether the others notice, and
// that nothing left without consent, was lost, or came twice.

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// outageRow is what one scenario showed.
type outageRow struct {
	scenario        string
	cause           string // as status told it; "" when nobody parked
	parked, resumed time.Duration
	found           finding
}

// scenarios in the order of the run. Those after the guards' are about single topics; the last changes what raw offsets
// mean, so it comes last.
var scenarios = []struct {
	name string
	run  func(ctx context.Context, s *stage, row *outageRow) error
}{
	{"redis stopped and started", redisStopped},
	{"redis held 10 s", redisHeld},
	{"redis killed and restarted", redisKilled},
	{"redis emptied (FLUSHALL)", redisFlushed},
	{"redis restarted empty", redisLost},
	{"redis restored from an old copy", redisRestored},
	{"registries stopped, workers go on", registriesGone},
	{"registries down at a worker's start", registriesGoneAtStart},
	{"broker stopped and started", brokerStopped},
	{"broker killed and started", brokerKilled},
	{"broker held 10 s", brokerHeld},
	{"broker held 25 s", brokerHeldLong},
	{"workers held 20 s by SIGSTOP", workersHeld},
	{"held 20 s between decision and write", heldWithGuards},
	{"the same with both guards off", heldWithoutGuards},
	{"partner topic made again", partnerTopicRemade},
	{"partner stopped and resumed", partnerStopped},
	{"raw topic made again", rawTopicRemade},
}

func outage(ctx context.Context, r *report) error {
	s, err := newStage(ctx, r)
	if err != nil {
		return err
	}
	defer s.close()
	var rows []outageRow
	for _, sc := range scenarios {
		if only := os.Getenv("PROVE_ONLY"); !strings.Contains(sc.name, only) { // while one works on a scenario
			continue
		}
		r.say("-- %s", sc.name)
		row := outageRow{scenario: sc.name}
		if err := sc.run(ctx, s, &row); err != nil {
			r.fail("%s: %v", sc.name, err)
		}
		if err := s.settle(ctx, &row.found); err != nil {
			return fmt.Errorf("after %q: %w", sc.name, err)
		}
		f := row.found
		r.check(f.unconsented == 0 && f.lost == 0 && f.twice == 0, "%s: %d records more on the uncommitted read, %d without consent, %d lost, %d twice",
			sc.name, f.records, f.unconsented, f.lost, f.twice)
		if f.inSocket > 0 {
			r.say("of those %d were bytes that the held broker already had, decided before the opt-out and less than %s old", f.inSocket, brokerRefuses)
		}
		rows = append(rows, row)
	}
	s.finish(ctx, len(rows))
	r.print(rows)
	return nil
}

// settle lets the workers catch up and adds what they did to f.
func (s *stage) settle(ctx context.Context, f *finding) error {
	if err := s.flow.pause(ctx); err != nil {
		return err
	}
	defer s.flow.resume()
	if err := drained(ctx, s.h, 2*time.Minute); err != nil {
		return err
	}
	more, err := s.book.judge(ctx)
	f.add(more)
	return err
}

// finish stops the workers and holds the whole tally against a foreign client's counts.
func (s *stage) finish(ctx context.Context, scenarios int) {
	if err := s.flow.pause(ctx); err != nil {
		s.r.fail("the flow does not end: %v", err)
	}
	// Nobody may have more than the account of the last scenario knows.
	if err := s.book.learn(ctx); err != nil {
		s.r.fail("%v", err)
	}
	for _, w := range s.workers {
		if err := w.Stop(ctx); err != nil {
			s.r.fail("a worker did not end with exit 0 on SIGTERM: %v", err)
		}
	}
	s.r.check(s.flow.refused.Load() == 0, "%d raw events acknowledged by the broker, %d refused", s.flow.acked.Load(), s.flow.refused.Load())
	people, events := s.book.followed()
	s.r.check(people >= scenarios && events >= 20*people, "%d people opted out, and %d events of theirs came later than %s after it", people, events, bound)
	counts, err := kcatCounts(ctx, s.h.TB.Kafka.Addr, rawTopics)
	if err != nil {
		s.r.fail("%v", err)
		return
	}
	wrong := 0
	for topic, parts := range counts {
		for p, n := range parts {
			if s.book.next[partition{topic, p}] != n {
				wrong++
			}
		}
	}
	s.r.check(wrong == 0, "kcat counts the raw events as this proof does, %d partitions differ", wrong)
}

// print shows the table.
func (r *report) print(rows []outageRow) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tcause\tparked after\tresumed after\tunconsented\tlost\ttwice\tlast after opt-out")
	for _, row := range rows {
		cause := row.cause
		if cause == "" {
			cause = "-"
		}
		unconsented := fmt.Sprint(row.found.unconsented)
		if row.found.stale > 0 {
			unconsented += fmt.Sprintf(" (%d, as wanted)", row.found.stale)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", row.scenario, cause, span(row.parked), span(row.resumed),
			unconsented, row.found.lost, row.found.twice, span(row.found.latest))
	}
	_ = w.Flush()
	for line := range strings.Lines(b.String()) {
		fmt.Fprint(r.out, "         ", line)
	}
}

func span(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(10 * time.Millisecond).String()
}

// partners of the samples.
var partners = []string{"acme-ads", "globex", "initech"}

// others are the partners that a scenario must not touch.
func others(not string) []string {
	return slices.DeleteFunc(slices.Clone(partners), func(p string) bool { return p == not })
}
