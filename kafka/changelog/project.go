// From the state topic into Redis: what is slow of it. A batch is one script of one shard; it says from which place to
// which it leads and does nothing at any other, so that no change is left out and none is made twice, whoever else
// projects meanwhile.

package changelog

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// roundOps is how many records are read before they are projected in one round trip for each server.
const roundOps = 8000

// strangeAgain is when a log that holds what no owner wrote is read again.
const strangeAgain = time.Second

// labour makes shards complete, or learns what is known of them, and lets go of them.
func (l *lane) labour(ctx context.Context, tasks []*task) {
	var tails, fills, flips, behind []*task
	for _, t := range tasks {
		switch t.step {
		case stepTail:
			tails = append(tails, t)
		case stepFill:
			fills = append(fills, t)
		case stepFlip:
			flips = append(flips, t)
		default:
			behind = append(behind, t)
		}
	}
	for _, part := range []struct {
		tasks []*task
		do    func(context.Context, []*task) error
	}{{tails, l.takeOver}, {flips, l.flip}, {behind, l.catchUp}, {fills, l.fill}} {
		if len(part.tasks) == 0 {
			continue
		}
		l.each(ctx, part.tasks, part.do)
	}
}

// each does something for tasks together. What the log of one of them holds must not keep the others: then each is done by
// itself.
func (l *lane) each(ctx context.Context, tasks []*task, do func(context.Context, []*task) error) {
	err := do(ctx, tasks)
	if len(tasks) > 1 && err != nil && ctx.Err() == nil && troubleOf(err).Cause() == string(kafka.OffsetsLost) {
		for i := range tasks {
			l.each(ctx, tasks[i:i+1], do)
		}
		return
	}
	l.mu.Lock()
	for _, t := range tasks {
		t.busy, t.stuck = false, err != nil
		if err != nil && ctx.Err() == nil {
			t.suspect(troubleOf(err), time.Now())
			if t.doubt.Cause() == string(kafka.OffsetsLost) {
				t.until = time.Now().Add(strangeAgain)
			}
		}
	}
	l.mu.Unlock()
	l.wake()
}

// takeOver reads what the state partitions say of shards that nothing is known of.
func (l *lane) takeOver(ctx context.Context, tasks []*task) error {
	extents := map[int32]extent{}
	for _, t := range tasks {
		extents[int32(t.n)] = t.extent
	}
	found, err := l.o.log.tails(ctx, extents)
	if err != nil {
		return err
	}
	var partitions []int32
	for p := range extents {
		partitions = append(partitions, p)
	}
	requests, err := l.o.requests.extents(ctx, partitions)
	if err != nil {
		return err
	}
	closed := map[int32]span{}
	for p, f := range found {
		if f.mark.Epoch == 0 && f.head > 0 {
			closed[p] = span{extents[p].start, f.head}
		}
	}
	lines, err := l.o.log.readUnopened(ctx, closed)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tasks {
		f := found[int32(t.n)]
		if f.mark.Requests < t.mark.Requests {
			// Somebody has written a mark that stands before what was merged: it is read and merged from there.
			t.placed, t.owed = false, max(t.owed, t.mark.Requests)
		}
		t.mark, t.head, t.known, t.marked = f.mark, f.head, true, false
		t.begin = f.mark.Requests
		if e := requests[int32(t.n)]; t.begin > e.high {
			// Its offsets begin anew, or come a second time: what was merged before is known by its time.
			t.begin = e.start
		}
		if t.owed > requests[int32(t.n)].high {
			t.owed = 0 // offsets that will not come: the requests were made again
		}
		t.unopened = lines[int32(t.n)]
	}
	return nil
}

// catchUp projects from the place that Redis has to the stable end.
func (l *lane) catchUp(ctx context.Context, tasks []*task) error {
	p := projection{}
	for _, t := range tasks {
		p.add(t, t.meta.Place, false)
	}
	return p.run(ctx, l)
}

// fill projects a whole shard under an epoch that the store does not have yet, beside what is there; it goes on where a
// filling was cut short.
func (l *lane) fill(ctx context.Context, tasks []*task) error {
	p := projection{}
	for _, t := range tasks {
		place, live, err := l.o.opt.Store.BeginFill(ctx, t.n, t.mark.Epoch)
		if err != nil {
			return err
		}
		if !live {
			p.add(t, place, true)
		}
	}
	return p.run(ctx, l)
}

// flip makes what was filled the epoch of the store. Where somebody else was quicker, or the filling is gone, the next
// look says. Before anybody believes the store, it says which house key named the subjects in it.
func (l *lane) flip(ctx context.Context, tasks []*task) error {
	for _, t := range tasks {
		if t.mark.House != "" {
			if err := l.o.opt.Store.Imprint(ctx, l.o.opt.HouseKey, t.mark.House); err != nil {
				return err
			}
		}
		if _, err := l.o.opt.Store.Flip(ctx, t.n, t.mark.Epoch, t.meta.BuildingPlace); err != nil {
			return err
		}
	}
	return nil
}

// projection is one reading of several state partitions into Redis, by partition.
type projection map[int32]*projecting

// projecting is one shard in it.
type projecting struct {
	*task
	batch  consent.ShardBatch
	lost   bool // Redis stands elsewhere: the next look begins anew
	beyond bool // there is a record behind what the owner knows
}

func (p projection) add(t *task, from uint64, building bool) {
	p[int32(t.n)] = &projecting{task: t, batch: consent.ShardBatch{Shard: t.n, Epoch: t.mark.Epoch, Building: building, From: from, To: from}}
}

// run reads every shard from where its batch begins to its stable end.
func (p projection) run(ctx context.Context, l *lane) error {
	spans := map[int32]span{}
	for n, part := range p {
		// An epoch that is filled begins at place 0, wherever the log begins.
		spans[n] = span{max(int64(part.batch.From), part.extent.start), part.extent.stable}
	}
	read := 0
	err := l.o.log.read(ctx, spans, func(r *kgo.Record) error {
		part := p[r.Partition]
		if consent.ParseStateKey(part.n, r.Key).Kind == 0 {
			return kafka.NewTrouble(kafka.OffsetsLost, "topic "+r.Topic+" holds a record that no owner wrote")
		}
		if part.lost {
			return nil
		}
		part.beyond = part.beyond || r.Offset >= part.head
		part.batch.Ops = append(part.batch.Ops, consent.Op{Offset: r.Offset, Key: r.Key, Value: r.Value})
		part.batch.To = uint64(r.Offset) + 1
		if read++; read%roundOps == 0 {
			return p.flush(ctx, l.o.opt.Store)
		}
		return nil
	}, func(n int32) error {
		p[n].batch.To = uint64(p[n].extent.stable)
		return nil
	})
	if err == nil {
		err = p.flush(ctx, l.o.opt.Store)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, part := range p {
		switch {
		case part.beyond:
			part.forget() // somebody else has written: the tail says what
		case !part.lost && part.extent.stable > part.head:
			part.head, part.marked = part.extent.stable, false
		}
	}
	return nil
}

// flush projects what was read since the last time.
func (p projection) flush(ctx context.Context, store Store) error {
	var batches []consent.ShardBatch
	var parts []*projecting
	for _, part := range p {
		if !part.lost && part.batch.To > part.batch.From {
			batches, parts = append(batches, part.batch), append(parts, part)
		}
	}
	if len(batches) == 0 {
		return nil
	}
	projected, err := store.Project(ctx, batches)
	if err != nil {
		return err
	}
	for i, part := range parts {
		part.lost = !projected[i].OK
		part.batch.From, part.batch.Ops = batches[i].To, part.batch.Ops[:0]
	}
	return nil
}
