// One lane of the owner: it merges requests into lines, in transactions, for the shards that the group gave it and that
// Redis is complete for. Its keeper (keeper.go) makes shards ready, and keeps them fresh.

package changelog

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

type lane struct {
	o    *Owner
	n    int
	part string
	log  *zap.Logger

	mu     sync.Mutex // guards shards and what is in them; held through a transaction
	shards map[int32]*shard
	nudge  chan struct{} // asks the keeper to look at once

	polled []*kgo.Record
	passed [consent.Shards]atomic.Int64 // just past the last control record polled
	last   time.Time                    // of the last commit
	alive  atomic.Int64
	shown  atomic.Pointer[view]
	told   string // the cause that was logged last; empty for none
}

func newLane(o *Owner, n int) *lane {
	part := "lane " + strconv.Itoa(n)
	return &lane{o: o, n: n, part: part, log: o.opt.Log.With(zap.String("part", part)), shards: map[int32]*shard{},
		nudge: make(chan struct{}, 1)}
}

// session works with one session until ctx ends (nil), a newer instance takes over, or trouble comes.
func (l *lane) session(ctx context.Context) (worked bool, err error) {
	instance := kafka.InstanceID(l.o.instance, l.n)
	s, err := newSession(sessionSpec{conn: l.o.opt.Connection, group: l.o.group, instance: instance, topic: l.o.opt.Requests, hold: true})
	if err != nil {
		return false, err
	}
	defer kafka.LetGo(s.GroupTransactSession)
	defer l.alive.Store(0)
	kctx, stop := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	defer func() {
		stop()
		keeper.Wait()
		l.mu.Lock()
		clear(l.shards)
		l.publish()
		l.mu.Unlock()
	}()
	l.polled = nil
	if err := s.claim(ctx); err != nil {
		return false, l.o.failed(s, l.o.group, instance, err)
	}
	keeper.Go(func() { l.keep(kctx, s) })
	for ctx.Err() == nil {
		l.alive.Store(time.Now().UnixNano())
		if t := l.o.wrong.Load(); t != nil {
			return worked, t
		}
		if err := l.collect(ctx, s); err != nil {
			return worked, err
		}
		l.o.looked.Store(true)
		if s.settled() {
			worked = true
			l.o.standing.content(l.part)
		}
		if len(l.polled) == 0 || ctx.Err() != nil {
			continue
		}
		stopPoint("polled")
		committed, err := l.transact(ctx, s)
		clear(l.polled)
		l.polled = l.polled[:0]
		if err != nil {
			return worked, l.o.failed(s, l.o.group, instance, err)
		}
		l.last = time.Now()
		if committed {
			worked = true
			l.o.standing.content(l.part)
		} else {
			kafka.Pause(ctx, kafka.EndGap)
		}
	}
	return worked, nil
}

// collect polls until there is something and the last commit is long enough ago, or for one idle poll.
func (l *lane) collect(ctx context.Context, s *session) error {
	due := l.last.Add(kafka.EndGap)
	for ctx.Err() == nil && len(l.polled) < mostRequests {
		wait := idlePoll
		if len(l.polled) > 0 {
			if wait = time.Until(due); wait <= 0 {
				return nil
			}
		}
		err := s.poll(ctx, wait, mostRequests-len(l.polled), l.take, l.log)
		if err != nil || len(l.polled) == 0 {
			return err
		}
	}
	return nil
}

// take keeps what was polled. Control records are no requests, and count only as read.
func (l *lane) take(r *kgo.Record) {
	if r.Attrs.IsControl() {
		l.passed[r.Partition].Store(r.Offset + 1)
		return
	}
	l.polled = append(l.polled, r)
}

// transact merges what was polled and writes it. False without an error means that nothing was committed and what was
// polled comes again.
func (l *lane) transact(ctx context.Context, s *session) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.publish()
	l.sync(s)
	works, ok := l.sort()
	if ok && !s.moved.Load() {
		ok = l.merge(ctx, works)
	}
	if !ok || s.moved.Load() {
		// A shard that is no longer complete, or no longer ours: what was polled is let go, and comes again when it is.
		l.allow(s)
		l.wake()
		return false, s.rewind()
	}
	var records []*kgo.Record
	for _, w := range works {
		records = append(records, w.records...)
		for _, r := range w.poison {
			p, err := pointer(l.o.opt.Quarantine, "consent", r)
			if err != nil {
				return false, err
			}
			records = append(records, p)
		}
	}
	stopPoint("merged")
	committed, err := s.write(records)
	if !committed {
		for _, w := range works {
			w.forget()
		}
		l.wake()
		return false, err
	}
	stopPoint("committed")
	l.o.opt.written()
	// What is committed is brought into Redis also by who is about to end.
	pctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), kafka.EndDeadline)
	defer cancel()
	l.project(pctx, works)
	stopPoint("projected")
	l.allow(s)
	return true, nil
}

// sort puts what was polled into its shards. False if one of them may not be merged now.
func (l *lane) sort() ([]*work, bool) {
	byShard := map[int32]*work{}
	var works []*work
	for _, r := range l.polled {
		w := byShard[r.Partition]
		if w == nil {
			sh := l.shards[r.Partition]
			if sh == nil || !sh.ready || sh.busy {
				return nil, false
			}
			w = &work{shard: sh, next: sh.mark}
			byShard[r.Partition] = w
			works = append(works, w)
		}
		p := consent.ReadRequest(w.n, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value)
		if !w.next.Take(&p) {
			continue // merged before
		}
		if p.Err != nil {
			w.poison = append(w.poison, r)
		}
		w.reqs = append(w.reqs, p)
	}
	return works, true
}

// merge reads the lines and merges the requests of all works. False if a line may not be merged upon.
func (l *lane) merge(ctx context.Context, works []*work) bool {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, w := range works {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			w.merge(ctx, l.o.opt.Store, l.o.log)
		})
	}
	wg.Wait()
	ok := true
	for _, w := range works {
		if w.err != nil {
			w.ready, ok = false, false
			if !errors.Is(w.err, errMoved) {
				w.suspect(troubleOf(w.err), time.Now())
				w.balk(time.Now())
			}
		} else {
			w.balked = 0
		}
	}
	return ok
}

// project notes what was committed and brings it into Redis.
func (l *lane) project(ctx context.Context, works []*work) {
	var touched []*work
	var batches []consent.ShardBatch
	for _, w := range works {
		if len(w.records) == 0 {
			continue
		}
		l.o.metrics.count(w.out)
		first, last := w.records[0].Offset, w.records[len(w.records)-1].Offset
		if !w.joins(first) || last-first+1 != int64(len(w.records)) {
			// Somebody else's records, or aborted ones, are between: the log is read.
			w.mark = w.next
			w.forget()
			continue
		}
		from, epoch := w.head, w.mark.Epoch
		w.wrote(w.next, last)
		switch w.next.Epoch {
		case 0:
			w.noteUnopened(w.out)
		case epoch:
			b := consent.ShardBatch{Shard: w.n, Epoch: epoch, From: uint64(from), To: uint64(last) + 1, Ops: make([]consent.Op, len(w.records))}
			for i, r := range w.records {
				b.Ops[i] = consent.Op{Offset: r.Offset, Key: r.Key, Value: r.Value}
			}
			touched, batches = append(touched, w), append(batches, b)
		default:
			w.ready = false
		}
	}
	if len(batches) > 0 {
		projected, err := l.o.opt.Store.Project(ctx, batches)
		for i, w := range touched {
			if err != nil {
				w.suspect(troubleOf(err), time.Now())
			}
			w.ready = err == nil && projected[i].OK
		}
	}
	if slices.ContainsFunc(works, func(w *work) bool { return !w.ready }) {
		l.wake()
	}
}

// wake asks the keeper to look now.
func (l *lane) wake() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// sync makes the shards those that are assigned: one that was away in between is a new one. mu is held.
func (l *lane) sync(s *session) {
	owned := s.assigned()
	for p, sh := range l.shards {
		if owned[p] != sh.turn {
			delete(l.shards, p)
		}
	}
	for p, turn := range owned {
		if l.shards[p] == nil {
			l.shards[p] = &shard{n: int(p), turn: turn, gained: time.Now()}
			l.passed[p].Store(0)
		}
	}
}

// allow lets the requests of ready shards be fetched, and no others. mu is held.
func (l *lane) allow(s *session) {
	var ready []int32
	for p, sh := range l.shards {
		if sh.ready && !sh.busy {
			if sh.placed = sh.placed || s.place(p, sh.begin); sh.placed {
				ready = append(ready, p)
			} else {
				l.wake()
			}
		}
	}
	s.allow(ready)
}

func isFenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.FencedInstanceID)
}

// pointer says in quarantine where a record stands that cannot be read.
func pointer(topic, stage string, r *kgo.Record) (*kgo.Record, error) {
	p := kafka.Pointer{Topic: r.Topic, Partition: r.Partition, LeaderEpoch: r.LeaderEpoch, Offset: r.Offset, Stage: stage,
		Reason: "bad_event", Size: len(r.Key) + len(r.Value)}
	key, value, err := p.Quarantined()
	return &kgo.Record{Topic: topic, Key: key, Value: value}, err
}
