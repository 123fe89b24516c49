package main

// Load: opt-outs while the workers, the owner and a carrier's own changes are busy, and the master dies in the midst of
// it. From the acknowledgement to the last record of the person that a partner could read.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/testbed"
)

const (
	loadEvents  = 20_000 // a second
	loadChanges = 500    // a second
	loadPeople  = 120    // who opt out
	loadBefore  = 5 * time.Second
)

func load(ctx context.Context, r *report) error {
	t, err := newTruthStage(ctx, r, testbed.RedisSentinel, 1)
	if err != nil {
		return err
	}
	defer t.close()
	who, err := t.leavers(ctx)
	if err != nil {
		return err
	}
	asked := loadEvents
	if n, err := strconv.Atoi(os.Getenv("PROVE_RATE")); err == nil && n > 0 {
		asked = n // on a machine that cannot do more
	}
	t.flow.quicken(asked)
	began, before := time.Now(), t.flow.acked.Load()
	logged, err := t.requests(ctx)
	if err != nil {
		return err
	}
	cctx, stop := context.WithCancel(ctx)
	defer stop()
	var changes atomic.Int64
	made := make(chan error, 1)
	go func() { made <- t.changing(cctx, &changes) }()
	if err := hold(ctx, loadBefore); err != nil {
		return err
	}
	var took []time.Duration
	var killed time.Time
	for n, p := range who {
		if n == len(who)/2 {
			master, err := t.h.TB.Sentinels.Master(ctx)
			if err != nil {
				return err
			}
			killed = time.Now()
			if err := master.Kill(); err != nil {
				return err
			}
		}
		at := time.Now()
		if err := await(ctx, time.Minute, "an opt-out acknowledged", func() (bool, error) {
			_, err := t.leave(ctx, p)
			return err == nil, err
		}); err != nil {
			return err
		}
		took = append(took, time.Since(at))
	}
	if err := hold(ctx, 5*time.Second); err != nil {
		return err
	}
	stop()
	if err := <-made; err != nil {
		return err
	}
	lasted := time.Since(began).Seconds()
	r.say("%.0f events/s were appended and %.0f changes/s sent, for %.0f s; wanted %d and %d", float64(t.flow.acked.Load()-before)/lasted,
		float64(changes.Load())/lasted, lasted, loadEvents, loadChanges)
	grown, err := t.requests(ctx)
	if err != nil {
		return err
	}
	r.check(grown-logged >= changes.Load()+loadPeople, "%d of them became requests, with the opt-outs", grown-logged)
	pause := t.pauseAround(killed)
	t.flow.quicken(0)
	row := &truthRow{}
	if err := t.account(ctx, row); err != nil {
		return err
	}
	slices.Sort(took)
	r.say("acknowledged after %s at the median, at most %s; releases paused for at most %s around the death of the master", span(took[len(took)/2]), span(took[len(took)-1]), span(pause))
	lates := t.lastAfter(who)
	p99 := lates[(len(lates)*99-1)/100]
	r.check(row.unlawful == 0 && row.found.unconsented == 0, "%d records on the live uncommitted read, %d of events appended after the opt-out was acknowledged, %d without consent",
		row.found.records, row.unlawful, row.found.unconsented)
	r.check(row.found.lost == 0 && row.found.twice == 0, "%d events lost, %d twice", row.found.lost, row.found.twice)
	r.check(p99 <= time.Second && lates[len(lates)-1] <= bound, "%d opt-outs: from acknowledgement to last record p99 %s, max %s", len(lates), p99.Round(time.Millisecond),
		lates[len(lates)-1].Round(time.Millisecond))
	return nil
}

// requests is how far the topic of requests has grown, over all its partitions.
func (t *truthStage) requests(ctx context.Context) (n int64, err error) {
	err = t.topics(ctx, func(adm *kadm.Client) error {
		ends, err := adm.ListCommittedOffsets(ctx, "consentry.consent.requests")
		ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
		return err
	})
	return n, err
}

// leavers are people of all shards whose events are released; they flow densely from here on.
func (t *truthStage) leavers(ctx context.Context) ([]int, error) {
	var crowd []int
	for _, all := range t.shards {
		crowd = append(crowd, all[:min(len(all), 6)]...)
	}
	t.flow.gather(crowd)
	defer t.flow.gather(nil)
	began := time.Now()
	var who []int
	err := await(ctx, 30*time.Second, "people whose events are released", func() (bool, error) {
		out, err := t.released(ctx, began)
		who = nil
		for _, p := range crowd {
			if !out[t.flow.subject(p)].IsZero() && len(who) < loadPeople {
				who = append(who, p)
			}
		}
		return len(who) == loadPeople, err
	})
	t.flow.focus(who)
	return who, err
}

// changing sends withdrawals of people from a partner that there is not, as a carrier's own system does: each changes a line,
// and nothing that is released depends on it.
func (t *truthStage) changing(ctx context.Context, sent *atomic.Int64) error {
	cl, err := t.h.Client(kgo.DefaultProduceTopic(intakeTopic), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return err
	}
	defer cl.Close()
	tick := time.NewTicker(flowTick)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return cl.Flush(context.WithoutCancel(ctx))
		case <-tick.C:
			for range loadChanges * int(flowTick) / int(time.Second) {
				n++
				text, err := json.Marshal(map[string]any{"action": "withdraw", "subject": t.flow.subject(n % truthPeople), "partner": "nobody", "purpose": "nothing"})
				if err != nil {
					return err
				}
				cl.Produce(context.WithoutCancel(ctx), &kgo.Record{Key: fmt.Append(nil, n%truthPeople), Value: text}, func(_ *kgo.Record, err error) {
					if err == nil {
						sent.Add(1)
					}
				})
			}
		}
	}
}

// lastAfter is, for each of these people, how long after the acknowledgement their last record arrived; 0 for none.
func (t *truthStage) lastAfter(who []int) []time.Duration {
	last := map[string]time.Duration{}
	for _, p := range who {
		last[t.flow.subject(p)] = 0
	}
	for _, rec := range t.book.tails[0].Seen() {
		at, ok := t.book.ids[rec.Topic][eventID(rec.Value)]
		if !ok {
			continue
		}
		subject := t.book.raw[at].subject
		if late, of := last[subject]; of {
			last[subject] = max(late, rec.Arrived.Sub(t.book.t.changes[subject][0].acked))
		}
	}
	var all []time.Duration
	for _, late := range last {
		all = append(all, late)
	}
	slices.Sort(all)
	return all
}
