// What one transaction merges of one shard, and upon which lines: those of Redis where it stands exactly where this owner
// left it and has dropped nothing, those of the log where it may have.

package changelog

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
)

// work is what one transaction does for one shard.
type work struct {
	*shard
	reqs    []consent.Positioned // that were not merged before
	next    consent.Mark
	out     []consent.StateRecord
	records []*kgo.Record // of the state partition; the mark is the last
	poison  []*kgo.Record // requests that cannot be read
	err     error
}

// errMoved says that Redis does not stand where this owner left it.
var errMoved = errors.New("the store stands elsewhere")

func (w *work) merge(ctx context.Context, store Store, log *statelog) {
	keys := w.changing()
	values := make(map[string][]byte, len(keys))
	switch {
	case len(keys) == 0:
	case w.mark.Epoch == 0:
		if w.err = w.unopenedValues(ctx, log, values); w.err != nil {
			return
		}
	default:
		found, ok, err := store.ReadForMerge(ctx, w.n, w.mark.Epoch, uint64(w.head), keys)
		switch {
		case errors.Is(err, consent.ErrDropped):
			// A line that Redis has dropped would be merged upon as none, and an old grant would count again. The log has
			// them all, and takes longer.
			for _, key := range keys {
				values[key] = nil
			}
			if w.err = w.loggedValues(ctx, log, values); w.err != nil {
				return
			}
		case err != nil:
			w.err = err
			return
		case !ok:
			w.err = errMoved
			return
		default:
			for i, key := range keys {
				values[key] = found[i]
			}
		}
	}
	w.next, w.out = consent.MergeRequests(w.mark, func(key string) []byte { return values[key] }, w.reqs)
	partition := int32(w.n)
	w.records = make([]*kgo.Record, 0, len(w.out))
	for i := range w.out {
		r := &kgo.Record{Topic: log.topic, Partition: partition, Key: []byte(w.out[i].Key), Value: w.out[i].Value}
		if done := consent.AppendDone(nil, w.out[i].Done); len(done) > 0 {
			r.Headers = []kgo.RecordHeader{{Key: consent.DoneHeader, Value: done}}
		}
		w.records = append(w.records, r)
	}
}

// changing lists the keys of the state that the requests may change, each once.
func (w *work) changing() []string {
	seen := make(map[string]bool, len(w.reqs))
	var keys []string
	for i := range w.reqs {
		p := &w.reqs[i]
		if p.Gone || p.Err != nil {
			continue
		}
		if key := p.Request.StateKey(); key != "" && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}
