package main

// Million: 1,000,000 events of three kinds for 50,000 subscribers and three partners, two worker processes with two
// lanes each, five SIGKILLs of which at least three hit an open transaction, at least 500 opt-outs and 50 of them
// granted again, all while events flow.

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
)

const (
	millionEvents      = 1_000_000
	millionSubscribers = 50_000
	millionSeed        = 11
	millionRate        = 12_000 // a second: the run of the events outlasts the kills and the opt-outs
	optOuts            = 520
	regrants           = 60
	kills              = 5
	killsInTransaction = 3
)

func million(ctx context.Context, r *report) error {
	h, err := house.New(ctx, r)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.Edit("consentry.yaml", "partitions: 4", "partitions: 8"); err != nil {
		return err
	}
	if err := h.MakeRaw(ctx, 8, rawTopics...); err != nil {
		return err
	}
	common := fmt.Sprintf("--subscribers %d --seed %d --days 6", millionSubscribers, millionSeed)
	if err := h.Steps(ctx, "keys init", "consent accept-epoch --yes",
		// A first small part makes the raw topics and every subscriber's consents; the rest flows later.
		"simulate --events 1000 --consents "+common,
		"topics create", "schema publish", "offsets init --at beginning"); err != nil {
		return err
	}
	before, err := lines(h.TB.Redis.Addr)
	if err != nil {
		return err
	}
	ring, err := keys.Open(h.Setting("CONSENTRY_KEYS"))
	if err != nil {
		return err
	}
	tail, err := h.Tail(partnerTopics()...)
	if err != nil {
		return err
	}
	defer tail.Close()
	workers, stop, err := startWorkers(ctx, h, 2)
	if err != nil {
		return err
	}
	defer stop()

	flow := make(chan error, 1)
	go func() {
		flow <- h.Steps(ctx, fmt.Sprintf("simulate --events %d --rate %d %s", millionEvents-1000, millionRate, common))
	}()
	chased, err := newChaser(ctx, h)
	if err != nil {
		return err
	}
	minds := make(chan error, 1)
	var changed map[string][]change
	go func() {
		var err error
		changed, err = changeMinds(ctx, h, ring, before, chased)
		minds <- err
	}()
	inTransaction, err := killWorkers(ctx, r, h, tail, workers)
	if err != nil {
		return err
	}
	if err := <-minds; err != nil {
		return err
	}
	r.say("%d subjects opted out, %d of them were granted again", len(changed), regrants)
	if err := <-flow; err != nil {
		return err
	}
	extra, err := chased.close(ctx)
	if err != nil {
		return err
	}
	r.say("%d events are in the raw topics, and %d that chase the opt-outs", millionEvents, extra)
	if err := drained(ctx, h, 5*time.Minute); err != nil {
		return err
	}
	for _, w := range workers {
		if err := w.Stop(ctx); err != nil {
			r.fail("a worker did not end with exit 0 on SIGTERM: %v", err)
		}
	}
	r.check(inTransaction >= killsInTransaction, "%d of the kills hit an open transaction (aborted records follow)", inTransaction)
	return judgeMillion(ctx, r, h, ring, tail, &timeline{initial: before, changes: changed}, millionEvents+extra)
}

// startWorkers starts n worker processes; stop kills those that still run.
func startWorkers(ctx context.Context, h *house.House, n int, env ...string) ([]*house.Worker, func(), error) {
	var all []*house.Worker
	stop := func() {
		for _, w := range all {
			_ = w.Signal(syscall.SIGKILL)
		}
	}
	for i := range n {
		w, err := h.Worker(i, env...)
		if err != nil {
			return nil, stop, err
		}
		if err := w.Start(); err != nil {
			return nil, stop, err
		}
		all = append(all, w)
	}
	return all, stop, nil
}

// drained waits until every group has committed everything that is in the raw topics.
func drained(ctx context.Context, h *house.House, within time.Duration) error {
	return await(ctx, within, "every group at the end of its topics", func() (bool, error) {
		lag, err := h.Lag(ctx, groups)
		if err != nil {
			return false, err
		}
		for _, n := range lag {
			if n != 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// killWorkers kills workers by turns, each as soon as a burst of produced records shows that a transaction is open, and
// starts them again. A kill hit an open transaction when uncommitted records of before it are never committed, which
// judgeMillion counts; here a burst under way at the kill stands for it.
func killWorkers(ctx context.Context, r *report, h *house.House, tail *house.Tail, workers []*house.Worker) (inTransaction int, err error) {
	abortedBefore := 0
	for n := 0; n < kills || inTransaction < killsInTransaction && n < 5*kills; n++ {
		w := workers[n%len(workers)]
		from := tail.Len()
		if err := await(ctx, 2*time.Minute, "records on the partner topics", func() (bool, error) {
			return tail.Len() > from+2000, nil
		}); err != nil {
			return inTransaction, err
		}
		if err := w.Kill(); err != nil {
			return inTransaction, err
		}
		if err := w.Start(); err != nil {
			return inTransaction, err
		}
		from = tail.Len()
		if err := await(ctx, 2*time.Minute, "records again after the kill", func() (bool, error) {
			return tail.Len() > from+2000, nil
		}); err != nil {
			return inTransaction, err
		}
		aborted, err := abortedSoFar(ctx, h)
		if err != nil {
			return inTransaction, err
		}
		if aborted > abortedBefore {
			inTransaction++
		}
		r.say("kill %d of worker %d: %d aborted records are readable now, %d before", n+1, n%len(workers), aborted, abortedBefore)
		abortedBefore = aborted
	}
	return inTransaction, nil
}

// abortedSoFar counts the records that only an uncommitted reader sees below the last stable offset.
func abortedSoFar(ctx context.Context, h *house.House) (int, error) {
	type place struct {
		t string
		p int32
		o int64
	}
	committed := map[place]bool{}
	last := map[[2]any]int64{}
	if err := h.Read(ctx, true, func(rec *house.Record) {
		committed[place{rec.Topic, rec.Partition, rec.Offset}] = true
		k := [2]any{rec.Topic, rec.Partition}
		last[k] = max(last[k], rec.Offset)
	}, partnerTopics()...); err != nil {
		return 0, err
	}
	n := 0
	err := h.Read(ctx, false, func(rec *house.Record) {
		if !committed[place{rec.Topic, rec.Partition, rec.Offset}] && rec.Offset < last[[2]any{rec.Topic, rec.Partition}] {
			n++
		}
	}, partnerTopics()...)
	return n, err
}
