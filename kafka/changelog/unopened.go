// A shard that was never opened has its lines in the state topic alone: nothing of it is projected, because nobody has
// said yet under which epoch. Lines of a single store are taken over into it, most of them untouched; only those that
// somebody changes meanwhile must be known when the next request for them is merged.

package changelog

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// unopened holds the values that were changed by anything but taking over, by key. Values that were only taken over are
// not kept: to take the same line over again changes nothing.
type unopened map[string][]byte

// note keeps a record if somebody changed its value.
func (u unopened) note(key string, value []byte, done []consent.Done) {
	_, there := u[key]
	changed := slices.ContainsFunc(done, func(d consent.Done) bool { return d.Effect != consent.Adopted && d.Effect != consent.Kept })
	if there || changed || len(done) == 0 {
		u[key] = bytes.Clone(value)
	}
}

// noteUnopened notes what a transaction of ours has written.
func (s *shard) noteUnopened(out []consent.StateRecord) {
	if s.unopened == nil {
		s.unopened = unopened{}
	}
	for i := range out {
		if out[i].Key != consent.MarkKey {
			s.unopened.note(out[i].Key, out[i].Value, out[i].Done)
		}
	}
}

// readUnopened reads what was changed in shards that were never opened, by partition.
func (l *statelog) readUnopened(ctx context.Context, spans map[int32]span) (map[int32]unopened, error) {
	out := make(map[int32]unopened, len(spans))
	for p := range spans {
		out[p] = unopened{}
	}
	err := l.read(ctx, spans, func(r *kgo.Record) error {
		if isMark(r.Key) {
			return nil
		}
		done, ok := doneOf(r)
		if !ok {
			return kafka.NewTrouble(kafka.OffsetsLost, "topic "+l.topic+" holds a record that no owner wrote")
		}
		out[r.Partition].note(string(r.Key), r.Value, done)
		return nil
	}, func(int32) error { return nil })
	return out, err
}

func doneOf(r *kgo.Record) ([]consent.Done, bool) {
	for _, h := range r.Headers {
		if h.Key == consent.DoneHeader {
			return consent.ParseDone(h.Value)
		}
	}
	return nil, true
}

// unopenedValues finds what the state has now for the requests of a shard that was never opened. Who changes a line
// that was taken over, which is rare, has the whole partition read.
func (w *work) unopenedValues(ctx context.Context, log *statelog, values map[string][]byte) error {
	missing := map[string][]byte{}
	for i := range w.reqs {
		p := &w.reqs[i]
		key := p.Request.StateKey()
		if p.Gone || p.Err != nil || key == "" {
			continue
		}
		if v, known := w.unopened[key]; known {
			values[key] = v
		} else if p.Request.Kind != consent.AskAdopt {
			missing[key] = nil
		}
	}
	err := w.loggedValues(ctx, log, missing)
	maps.Copy(values, missing)
	return err
}

// loggedValues sets the values of keys, all of them keys of the map, to what the state partition says up to where this
// owner knows it. It reads the whole partition.
func (s *shard) loggedValues(ctx context.Context, log *statelog, values map[string][]byte) error {
	if len(values) == 0 {
		return nil
	}
	extents, err := log.extents(ctx, []int32{int32(s.n)})
	if err != nil {
		return err
	}
	return log.read(ctx, map[int32]span{int32(s.n): {extents[int32(s.n)].start, s.head}}, func(r *kgo.Record) error {
		if _, asked := values[string(r.Key)]; asked {
			values[string(r.Key)] = bytes.Clone(r.Value)
		}
		return nil
	}, func(int32) error { return nil })
}
