// Erasing a subject: a withdrawal of all, and then the subject's earlier requests. Each stands under a key of its own, so
// compaction takes each away. What is left is that everything was withdrawn, and when; and who is protected stays so, with
// the request that says it, because from the requests all is merged again when the state is lost.

package changelog

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// eraseBatch is the number of tombstones sent at once.
const eraseBatch = 1000

// Forget withdraws everything for the request's subject, waits until that holds, and erases its earlier requests, but not
// the one by which the subject is protected: erased says how many. On error after the withdrawal the outcome is valid, and
// running it again erases the rest.
func (c *Client) Forget(ctx context.Context, r consent.Request) (out Outcome, erased int, err error) {
	outs, err := c.Ask(ctx, r)
	if err != nil {
		return Outcome{}, 0, err
	}
	out = outs[0]
	if out.Effect.Refused() {
		return out, 0, nil
	}
	extents, err := c.requests.extents(ctx, []int32{out.Partition})
	if err != nil {
		return out, 0, err
	}
	subject := append(r.ID.Append(nil), '/')
	earlier := map[string]int64{} // offsets by key, where it still has a value
	protection := ""              // the key of the request by which the subject is protected
	err = c.requests.read(ctx, map[int32]span{out.Partition: {extents[out.Partition].start, extents[out.Partition].stable}}, func(rec *kgo.Record) error {
		if !bytes.HasPrefix(rec.Key, subject) || rec.Offset == out.Offset {
			return nil
		}
		if rec.Value == nil {
			delete(earlier, string(rec.Key))
			return nil
		}
		if rec.Offset < out.Offset {
			earlier[string(rec.Key)] = rec.Offset
		}
		switch q := consent.ReadRequest(int(rec.Partition), rec.Offset, 0, rec.Key, rec.Value); q.Request.Kind {
		case consent.AskProtect:
			protection = string(rec.Key)
		case consent.AskUnprotect:
			protection = ""
		}
		return nil
	}, func(int32) error { return nil })
	if err != nil {
		return out, 0, err
	}
	var tombstones []*kgo.Record
	flush := func() error {
		if err := c.cl.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
			return kafka.RequestTrouble(err, "topic "+c.o.Requests)
		}
		erased += len(tombstones)
		tombstones = tombstones[:0]
		return nil
	}
	delete(earlier, protection)
	// Oldest first: cut short, it leaves no protection whose end was erased.
	for _, key := range slices.SortedFunc(maps.Keys(earlier), func(a, b string) int { return cmp.Compare(earlier[a], earlier[b]) }) {
		tombstones = append(tombstones, &kgo.Record{Topic: c.o.Requests, Partition: out.Partition, Key: []byte(key)})
		if len(tombstones) == eraseBatch {
			if err := flush(); err != nil {
				return out, erased, err
			}
		}
	}
	return out, erased, flush()
}
