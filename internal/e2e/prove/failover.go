package main

// Failover: opt-outs that were acknowledged, and then everything that can make a store forget them: the master killed
// with its replica cut off before, emptied, restored from an old copy, parted from those who watch it; owners killed,
// stopped and doubled; old consents that come again; clocks that are wrong. Each time, on a live uncommitted read, not one
// event of the person that was appended after the acknowledgement may leave, and a hundred others of the same shard must
// flow again at once.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/consentry/consentry/internal/testbed"
)

const (
	othersBack = 2 * time.Second // from the owner's word to the hundredth other person
	pauseBound = 3 * time.Second // of a failover behind Sentinels
	denseRate  = 10              // events a second of the person who opted out
	promotes   = 2 * time.Second // Sentinels that agree at once promote in this; their next attempt comes seconds later
)

// truthRun is what one run of a scenario showed.
type truthRun struct {
	promoted time.Duration // from the fault to another server being the master
	lacked   bool          // the store that answers next was seen without the opt-out
	acked    time.Time     // of the opt-out
	fault    time.Time     // when the store, or the owner, was hurt
	rate     float64       // events a second of the person after the acknowledgement
	others   int           // other people of the shard released again within othersBack
	back     time.Duration // from the owner's word to the hundredth of them
	pause    time.Duration // longest time without a release
	ackTook  time.Duration
	vouched  time.Duration // from the fault to the owner's word
}

type truthScenario struct {
	name string
	// lacks says that the store that answers next must be seen without the opt-out.
	lacks bool
	// pause bounds the time without releases; 0 for no bound.
	pause time.Duration
	// alone says that nobody tells the workers where the store is now: how soon they find it has no bound.
	alone bool
	// act does everything between the flow's beginning and the store's or the owner's return.
	act func(ctx context.Context, t *truthStage, c *players, run *truthRun) error
	// mend makes the stage whole again for the next run; nil for nothing.
	mend func(ctx context.Context, t *truthStage) error
}

var sentinelScenarios = []truthScenario{
	{name: "master killed, replication cut before", lacks: true, pause: pauseBound, act: masterKilled, mend: sentinelsWhole},
	{name: "FLUSHALL", lacks: true, act: flushed},
	{name: "old copy restored", lacks: true, act: restoredOld, mend: sentinelsWhole},
	{name: "old master parted, still answers", lacks: true, act: shunned, mend: sentinelsWhole},
	{name: "the same, workers left with it", lacks: true, alone: true, act: parted, mend: sentinelsWhole},
}

// truthRow adds the runs of one scenario up.
type truthRow struct {
	name                    string
	runs, good, lacked      int
	void                    int // runs that showed nothing
	slow                    int // runs in which the Sentinels had to vote again
	unlawful                int
	found                   finding
	rate                    float64
	others                  int
	back, pause, ack, vouch time.Duration
	promoted                time.Duration
}

func runsOfEach() int {
	if n, err := strconv.Atoi(os.Getenv("PROVE_RUNS")); err == nil && n > 0 {
		return n // while one works on a scenario
	}
	return 10
}

func failover(ctx context.Context, r *report) error {
	return truthProof(ctx, r, testbed.RedisSentinel, 1, sentinelScenarios)
}

func truthProof(ctx context.Context, r *report, form string, owners int, scenarios []truthScenario) error {
	t, err := newTruthStage(ctx, r, form, owners)
	if err != nil {
		return err
	}
	defer t.close()
	var rows []*truthRow
	defer func() { r.printTruth(rows) }()
	for _, sc := range scenarios {
		if !strings.Contains(sc.name, os.Getenv("PROVE_ONLY")) {
			continue
		}
		row := &truthRow{name: sc.name, rate: 1e9, others: 1 << 30}
		rows = append(rows, row)
		for n := 0; n < runsOfEach(); n++ {
			run, err := t.once(ctx, &sc)
			row.runs++
			if errors.Is(err, errNotPromoted) && row.void < runsOfEach()/5 {
				r.say("%s, run %d shows nothing and is made again: %v", sc.name, n+1, err)
				row.runs, row.void, n = row.runs-1, row.void+1, n-1
			} else if err != nil {
				r.fail("%s, run %d: %v", sc.name, n+1, err)
			} else {
				row.add(run)
				r.say("%s, run %d: lacked %v, acknowledged in %s, promoted after %s, vouched after %s, %d others back, the hundredth after %s, pause %s, %.0f events/s",
					sc.name, n+1, run.lacked, span(run.ackTook), span(run.promoted), span(run.vouched), run.others, span(run.back), span(run.pause), run.rate)
			}
			if sc.mend != nil {
				if err := sc.mend(ctx, t); err != nil {
					return fmt.Errorf("%s: making it whole again: %w", sc.name, err)
				}
			}
		}
		if err := t.account(ctx, row); err != nil {
			return fmt.Errorf("after %q: %w", sc.name, err)
		}
		r.verdict(&sc, row)
	}
	return nil
}

// once is one run.
func (t *truthStage) once(ctx context.Context, sc *truthScenario) (*truthRun, error) {
	c, err := t.choose(ctx)
	if err != nil {
		return nil, err
	}
	if err := hold(ctx, 500*time.Millisecond); err != nil {
		return nil, err
	}
	run := &truthRun{}
	if err := sc.act(ctx, t, c, run); err != nil {
		return nil, err
	}
	vouched, err := t.believed(ctx, c.id.Shard(), run.fault)
	if err != nil {
		return nil, err
	}
	run.vouched = vouched.Sub(run.fault)
	node, err := t.holder(ctx, c.id.Shard())
	if err != nil {
		return nil, err
	}
	if out, err := t.optedOut(ctx, node, c.who); err != nil || !out {
		return nil, fmt.Errorf("the store is vouched for without the opt-out (%v)", err)
	}
	if err := await(ctx, time.Minute, "a hundred others of the shard released again", func() (bool, error) {
		again, err := t.released(ctx, vouched)
		if err != nil {
			return false, err
		}
		var times []time.Time
		run.others = 0
		for subject, at := range again {
			if c.others[subject] {
				times = append(times, at)
				if at.Before(vouched.Add(othersBack)) {
					run.others++
				}
			}
		}
		if len(times) < truthOthers {
			return false, fmt.Errorf("%d of %d", len(times), truthOthers)
		}
		slices.SortFunc(times, time.Time.Compare)
		run.back = times[truthOthers-1].Sub(vouched)
		return true, nil
	}); err != nil {
		return nil, err
	}
	// The person's events go on: an old line that comes back late must show.
	if err := hold(ctx, 1500*time.Millisecond); err != nil {
		return nil, err
	}
	if err := t.book.learn(ctx); err != nil {
		return nil, err
	}
	run.rate = float64(t.after(c.who, run.acked)) / time.Since(run.acked).Seconds()
	run.pause = t.pauseAround(run.fault)
	return run, nil
}

func (row *truthRow) add(run *truthRun) {
	row.good++
	if run.lacked {
		row.lacked++
	}
	row.rate = min(row.rate, run.rate)
	row.others = min(row.others, run.others)
	row.back = max(row.back, run.back)
	if run.promoted <= promotes {
		row.pause = max(row.pause, run.pause)
	} else {
		row.slow++
	}
	row.promoted = max(row.promoted, run.promoted)
	row.ack = max(row.ack, run.ackTook)
	row.vouch = max(row.vouch, run.vouched)
}

// account judges everything that arrived in the runs of a scenario.
func (t *truthStage) account(ctx context.Context, row *truthRow) error {
	t.flow.gather(nil)
	if err := t.settle(ctx, &row.found); err != nil {
		return err
	}
	row.unlawful = t.unlawful()
	return nil
}

func (r *report) verdict(sc *truthScenario, row *truthRow) {
	f := row.found
	r.check(row.good == row.runs, "%s: %d of %d runs came to their end", sc.name, row.good, row.runs)
	r.check(row.unlawful == 0 && f.unconsented == 0 && f.records > 0,
		"%s: %d records on the live uncommitted read, %d of people whose event was appended after their opt-out was acknowledged, %d without consent",
		sc.name, f.records, row.unlawful, f.unconsented)
	r.check(f.lost == 0 && f.twice == 0, "%s: %d events lost, %d twice", sc.name, f.lost, f.twice)
	if sc.lacks {
		r.check(row.lacked == row.good, "%s: in %d of %d runs the store that answered next was seen without the opt-out", sc.name, row.lacked, row.good)
	}
	r.check(row.rate >= denseRate, "%s: at least %.0f events/s of the person throughout", sc.name, row.rate)
	r.check(row.others >= truthOthers || sc.alone && row.back > 0, "%s: at least %d other people of the shard released within %s of the owner's word, the hundredth after at most %s",
		sc.name, row.others, othersBack, span(row.back))
	if sc.pause > 0 {
		r.check(row.pause <= sc.pause, "%s: releases paused for at most %s, wanted %s; %d runs in which the Sentinels did not agree at once are not counted",
			sc.name, span(row.pause), sc.pause, row.slow)
	}
}

// printTruth shows the table.
func (r *report) printTruth(rows []*truthRow) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\truns\tlacked it\treleased after ack\tlost\ttwice\tothers back\thundredth after\tpause\tpromoted after\tvouched after\tack took\tevents/s\tlast after ack")
	for _, row := range rows {
		if row.good == 0 {
			fmt.Fprintf(w, "%s\t0 of %d\n", row.name, row.runs)
			continue
		}
		fmt.Fprintf(w, "%s\t%d of %d\t%d\t%d\t%d\t%d\t>= %d\t<= %s\t<= %s\t<= %s\t<= %s\t<= %s\t>= %.0f\t%s\n", row.name, row.good, row.runs, row.lacked,
			row.unlawful+row.found.unconsented, row.found.lost, row.found.twice, row.others, span(row.back), span(row.pause), span(row.promoted), span(row.vouch), span(row.ack),
			row.rate, span(row.found.latest))
	}
	_ = w.Flush()
	for line := range strings.Lines(b.String()) {
		fmt.Fprint(r.out, "         ", line)
	}
}
