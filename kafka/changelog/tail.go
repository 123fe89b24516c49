// Taking a shard over: the last mark in its state partition says all that an owner must know. It is always near the end,
// because every transaction ends in one; so the partition is read backwards from there.

package changelog

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// tail is what the end of a state partition says.
type tail struct {
	mark  consent.Mark
	found bool  // false only in a partition that never held anything
	head  int64 // all below it is in the mark
}

// tails reads the last mark of each partition below its stable end. A partition that holds records and no mark is no
// state of ours.
func (l *statelog) tails(ctx context.Context, extents map[int32]extent) (map[int32]tail, error) {
	out := make(map[int32]tail, len(extents))
	spans := map[int32]span{}
	for p, e := range extents {
		out[p] = tail{head: e.stable}
		if e.stable > e.start {
			spans[p] = span{max(e.start, e.stable-tailWindow), e.stable}
		}
	}
	strange := map[int32]bool{}
	for len(spans) > 0 {
		err := l.read(ctx, spans, func(r *kgo.Record) error {
			if !isMark(r.Key) {
				strange[r.Partition] = true
				return nil
			}
			m, err := consent.DecodeMark(r.Value)
			if err != nil {
				return kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf("topic %s partition %d offset %d is no mark", l.topic, r.Partition, r.Offset))
			}
			out[r.Partition] = tail{mark: m, found: true, head: extents[r.Partition].stable}
			return nil
		}, func(int32) error { return nil })
		if err != nil {
			return nil, err
		}
		for p, s := range spans {
			if out[p].found {
				delete(spans, p)
				continue
			}
			e := extents[p]
			if s.from == e.start {
				if strange[p] {
					return nil, kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf("topic %s partition %d has records and no mark", l.topic, p))
				}
				delete(spans, p) // only what was aborted
				continue
			}
			// What was read before holds no mark: only what is before it is left.
			spans[p] = span{max(e.start, s.from-(e.stable-s.from)), s.from}
		}
	}
	return out, nil
}

func isMark(key []byte) bool { return string(key) == consent.MarkKey }
