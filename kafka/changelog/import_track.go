// What became of the rows of a load: which of them stand in the log and are not merged yet, and the counts of those that
// are.

package changelog

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/consentry/consentry/consent"
)

// row is one row that became a request.
type row struct {
	offset int64 // of its request, in the partition of its shard
	line   int32
	grant  bool
	merged bool
	former bool // an earlier run appended it
}

// tracker is told what was appended and what was merged, by two goroutines.
type tracker struct {
	mu     sync.Mutex
	report func(line int, kind, reason string)

	waiting  [consent.Shards][]row // in the order of their offsets
	outside  int                   // how many of them
	counts   consent.Loaded        // of merged rows only; Line is of the file
	formed   refusals              // rows that never became requests
	line     int                   // up to which everything is in the log, or was refused
	state    [consent.Shards]int64 // state offsets read so far
	need     [consent.Shards]need
	progress time.Time // when the last row was merged, or the first one appended
	err      error
}

func newTracker(report func(int, string, string)) *tracker {
	return &tracker{report: report, progress: time.Now()}
}

func (t *tracker) say(line int, kind, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report(line, kind, reason)
}

// add notes the rows of a batch that was flushed.
func (t *tracker) add(b *batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outside == 0 {
		t.progress = time.Now()
	}
	for k, r := range b.records {
		one := b.rows[k]
		one.offset = r.Offset
		t.waiting[r.Partition] = append(t.waiting[r.Partition], one)
	}
	t.outside += len(b.records)
}

// note counts a batch as written.
func (t *tracker) note(b *batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line, t.formed = max(t.line, b.line), b.formed
}

func (t *tracker) merged() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts.Made + t.counts.Void + t.counts.Refused
}

// loaded is the account so far.
func (t *tracker) loaded() consent.Loaded {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.counts
	done.Refused += t.formed.refused
	done.Doubtful += t.formed.doubtful
	done.Line = t.line
	return done
}

func (t *tracker) needs() map[int32]need {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[int32]need{}
	for p, n := range t.need {
		if n.marked {
			out[int32(p)] = n
		}
	}
	return out
}

// settle follows the state topic and counts what the owners say, until ctx ends.
func (i *importer) settle(ctx context.Context, f *follower) error {
	for ctx.Err() == nil {
		err := f.poll(ctx, i.done, i.mark)
		if err != nil && ctx.Err() == nil {
			i.fail(err)
			return err
		}
	}
	return nil
}

// errPassedOver: every row that this run appended is named in what is read since it began.
var errPassedOver = errors.New("the owners passed rows over, because the topic of requests was made again or has lost its end; " +
	"what was kept of this load is dropped, so that it begins again")

func (t *tracker) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// done is told that a state record names a request.
func (t *tracker) done(p int32, offset int64, d consent.Done) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state[p] = offset + 1
	w := t.waiting[p]
	k, ours := slices.BinarySearchFunc(w, d.Offset, func(r row, at int64) int { return cmp.Compare(r.offset, at) })
	if ours && !w[k].merged {
		w[k].merged = true
		t.count(&w[k], d.Effect)
	}
}

func (t *tracker) count(r *row, e consent.Effect) {
	switch {
	case e.Refused():
		t.counts.Refused++
		if !r.grant {
			t.counts.Doubtful++
		}
		t.report(int(r.line), consent.KindRefused, e.Reason())
	case e.Void():
		t.counts.Void++
		t.report(int(r.line), consent.KindVoid, e.Reason())
	default:
		t.counts.Made++
		if e == consent.LaterStands || e == consent.AllBecause {
			t.report(int(r.line), consent.KindNote, e.Reason())
		}
	}
}

// mark is told up to where a shard was merged.
func (t *tracker) mark(p int32, offset int64, m consent.Mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state[p] = offset + 1
	w := t.waiting[p]
	n := 0
	for ; n < len(w) && w[n].offset < m.Requests; n++ {
		switch {
		case w[n].merged:
		case !w[n].former:
			t.err = errPassedOver
		default:
			// A load that was cut short went on so late that newer records have displaced the one that said it.
			t.counts.Made++
			t.report(int(w[n].line), consent.KindNote, "it was merged; what became of it is no longer in the log")
		}
	}
	if n > 0 {
		t.waiting[p] = w[n:]
		t.outside -= n
		t.need[p] = need{place: uint64(offset) + 1, marked: true, epoch: m.Epoch, hold: m.Hold}
		t.progress = time.Now()
	}
}

// errSilent: nothing was merged for importSilence.
var errSilent = errors.New(noOwner)

// first lists the first row of each partition that waits.
func (t *tracker) first() (out []Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, w := range t.waiting {
		if len(w) > 0 {
			out = append(out, Position{int32(p), w[0].offset})
		}
	}
	return out
}

// awaitRoom waits until another batch may be appended.
func (t *tracker) awaitRoom(ctx context.Context) error { return t.await(ctx, importWindow-importBatch) }

// drain waits until every row is merged.
func (t *tracker) drain(ctx context.Context) error { return t.await(ctx, 0) }

// await waits until no more rows than that wait for the owners.
func (t *tracker) await(ctx context.Context, most int) error {
	tick := time.NewTicker(metaPoll)
	defer tick.Stop()
	for {
		t.mu.Lock()
		waits, silent, err := t.outside, time.Since(t.progress), t.err
		t.mu.Unlock()
		switch {
		case err != nil:
			return err
		case waits <= most:
			return nil
		case silent > importSilence:
			return errSilent
		}
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-tick.C:
		}
	}
}
