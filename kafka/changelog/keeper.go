// The keeper of a lane: every half second it looks where Kafka ends and where Redis stands, tells Redis that a complete
// shard is complete (the heartbeat), and starts what makes the others complete. What takes long runs beside it, so that
// no shard grows stale for another's sake.

package changelog

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

const (
	lookDeadline = time.Second // of what Redis is asked in one look
	// soon is when the keeper looks again while something is not as it should be.
	soon = 50 * time.Millisecond
)

// keep works until ctx ends.
func (l *lane) keep(ctx context.Context, s *session) {
	var slow sync.WaitGroup
	defer slow.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.nudge:
		}
		began := time.Now()
		again := l.look(ctx, s, &slow)
		wait := l.o.opt.pulse
		if again {
			wait = min(soon, wait)
		}
		timer.Reset(max(time.Until(began.Add(wait)), time.Millisecond))
	}
}

// task is a shard with what was seen of it and what it needs.
type task struct {
	*shard
	meta   consent.Meta
	extent extent
	step   step
	err    error // it could not be seen
}

// look does what is quick and starts what is slow. It tells whether to look again soon.
func (l *lane) look(ctx context.Context, s *session, slow *sync.WaitGroup) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.publish()
	l.sync(s)
	tasks := l.see(ctx)
	if ctx.Err() != nil {
		return false
	}
	now := time.Now()
	var quick, long []*task
	for _, t := range tasks {
		if t.err != nil {
			t.ready, t.fresh, again = false, false, true
			t.suspect(troubleOf(t.err), now)
			continue
		}
		step, doubt := t.assess(&t.meta, t.extent, now, l.o.opt.ParkWhenStale+staleMargin, l.o.group)
		t.step = step
		balks := doubt == nil && now.Before(t.until)
		switch {
		case doubt == nil && t.balked > 0, t.stuck && step.slow():
			// It is tried again, and what is wrong is told until that goes well.
		default:
			t.suspect(doubt, now)
		}
		t.ready = !balks && t.mayMerge(step, &t.meta, l.o.group)
		switch {
		case step == stepBeat, step == stepAdvance:
			quick = append(quick, t)
		case step.slow() && !now.Before(t.until):
			t.busy = true
			long = append(long, t)
		}
		if !t.ready {
			again = true
			t.fresh = t.fresh && balks
		}
	}
	l.noteDropped(ctx, tasks)
	if len(long) > 0 {
		slow.Go(func() { l.labour(ctx, long) })
	}
	if !l.beat(ctx, quick) {
		again = true
	}
	l.allow(s)
	return again
}

// noteDropped keeps what a server says of itself only until it starts again. Where it cannot be written it is at the next
// look, and until then nothing is merged upon that server either.
func (l *lane) noteDropped(ctx context.Context, tasks []*task) {
	ctx, cancel := context.WithTimeout(ctx, lookDeadline)
	defer cancel()
	for _, t := range tasks {
		if t.err != nil || !t.drops(&t.meta) {
			continue
		}
		if err := l.o.opt.Store.NoteDropped(ctx, t.n); err != nil {
			l.log.Warn("store", zap.String("code", kafka.Code(err)))
			return
		}
	}
}

// see asks Redis and Kafka about every shard that is not busy. Redis is asked first: its clock is the time from which a
// heartbeat counts, and the end of the log is read after it.
func (l *lane) see(ctx context.Context) []*task {
	var tasks []*task
	var numbers []int
	var partitions []int32
	for p, sh := range l.shards {
		if !sh.busy {
			tasks = append(tasks, &task{shard: sh})
			numbers = append(numbers, sh.n)
			partitions = append(partitions, p)
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	l.ask(ctx, tasks, numbers)
	extents, err := l.o.log.extents(ctx, partitions)
	for _, t := range tasks {
		e, ok := extents[int32(t.n)]
		if !ok && t.err == nil {
			t.err = err
		}
		t.extent = e
	}
	return tasks
}

// ask reads the metas. Of a Cluster a part may answer while another does not: then each shard is asked by itself.
func (l *lane) ask(ctx context.Context, tasks []*task, numbers []int) {
	all, cancel := context.WithTimeout(ctx, lookDeadline)
	defer cancel()
	metas, err := l.o.opt.Store.Metas(all, numbers)
	if err == nil {
		for i, t := range tasks {
			t.meta = metas[i]
		}
		return
	}
	each, cancelEach := context.WithTimeout(ctx, lookDeadline)
	defer cancelEach()
	var wg sync.WaitGroup
	for _, t := range tasks {
		wg.Go(func() {
			one, err := l.o.opt.Store.Metas(each, []int{t.n})
			if err != nil {
				t.err = err
				return
			}
			t.meta = one[0]
		})
	}
	wg.Wait()
}

// beat says of complete shards that they are: first moves the place over our own last marker where it stands between.
// False if one of them is not any more.
func (l *lane) beat(ctx context.Context, tasks []*task) bool {
	if len(tasks) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookDeadline)
	defer cancel()
	whole := true
	failed := func(t *task, err error) {
		whole = false
		t.fresh = false
		if err != nil {
			t.ready = false
			t.suspect(troubleOf(err), time.Now())
		}
	}
	var moved []*task
	var moves []consent.ShardBatch
	for _, t := range tasks {
		if t.step == stepAdvance {
			moved = append(moved, t)
			moves = append(moves, consent.ShardBatch{Shard: t.n, Epoch: t.mark.Epoch, From: uint64(t.head), To: uint64(t.head) + 1})
		}
	}
	if len(moves) > 0 {
		places, err := l.o.opt.Store.Project(ctx, moves)
		if err != nil {
			for _, t := range tasks {
				failed(t, err)
			}
			return false
		}
		for i, t := range moved {
			if places[i].OK {
				t.head, t.marked = t.head+1, false
			}
		}
	}
	beats := make([]consent.ShardBeat, len(tasks))
	for i, t := range tasks {
		beats[i] = consent.ShardBeat{Shard: t.n, Epoch: t.mark.Epoch, Place: uint64(t.head), AtMS: t.meta.NowMS, Run: t.meta.NodeRun, Group: l.o.group}
		t.sent(t.meta.NodeRun, time.Now())
	}
	stopPoint("beat")
	done, err := l.o.opt.Store.Beat(ctx, beats)
	for i, t := range tasks {
		if err != nil || !done[i] {
			failed(t, err)
			continue
		}
		t.fresh = true
		t.beaten = t.believed
	}
	return whole
}

// suspect keeps why a shard is not as it should be, and since when; nil when it is.
func (s *shard) suspect(t *kafka.Trouble, at time.Time) {
	before := s.doubt
	s.doubt = t
	if (t == nil) != (before == nil) || t != nil && t.Cause() != before.Cause() {
		s.since = at
	}
}

func troubleOf(err error) *kafka.Trouble {
	cause, detail := kafka.CauseOf(err, kafka.RedisUnreachable)
	return kafka.NewTrouble(cause, detail)
}
