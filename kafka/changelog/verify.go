// Comparing the log with the store, both ways, while changes go on. What differs at the first look may only have changed
// in between: it is looked at again until the store stands exactly where the log was read to.

package changelog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// Ways in which a key differs.
const (
	Missing   = "missing in the store"
	Different = "different in the store"
	Extra     = "not in the log"
)

// Mismatch is one key that differs. Key is a key of the state topic: a keyed id, a protection or a stop.
type Mismatch struct {
	Shard int
	Key   string
	What  string
}

// Comparison is what Verify found.
type Comparison struct {
	Log, Store int // keys compared, of the log and of the store
	Mismatches []Mismatch
	Unsettled  int // keys that changed too quickly to be compared
}

const (
	// verifyShards is how many shards are read at once: of all of them the lines would be in memory.
	verifyShards = 8
	verifyBatch  = 500
	// settleTries bounds the looks at a shard that goes on changing; each waits for the next heartbeat's time.
	settleTries = 40
	settlePause = 100 * time.Millisecond
)

// Verify compares the log with the store, of every subject or of one in sample. tell is told how many keys of the log
// were compared so far. Everything else of the store waits for nothing.
func (c *Client) Verify(ctx context.Context, sample int, tell func(int)) (Comparison, error) {
	tails, extents, err := c.marks(ctx)
	if err != nil {
		return Comparison{}, err
	}
	v := verifier{c: c, sample: uint64(max(sample, 1)), tell: tell, tails: tails, at: map[int32]int64{}}
	for p := range int32(consent.Shards) {
		if tails[p].mark.Epoch == 0 {
			return Comparison{}, errors.New(notOpened)
		}
		v.at[p] = extents[p].stable
	}
	for from := 0; from < consent.Shards; from += verifyShards {
		if err := v.compare(ctx, extents, from); err != nil {
			return v.out, err
		}
	}
	if err := v.survey(ctx); err != nil {
		return v.out, err
	}
	for p := range consent.Shards {
		if err := v.settle(ctx, p); err != nil {
			return v.out, err
		}
	}
	sort.Slice(v.out.Mismatches, func(a, b int) bool {
		x, y := v.out.Mismatches[a], v.out.Mismatches[b]
		return x.Shard < y.Shard || x.Shard == y.Shard && x.Key < y.Key
	})
	return v.out, nil
}

type verifier struct {
	c      *Client
	sample uint64
	tell   func(int)
	tails  map[int32]tail
	at     map[int32]int64 // up to where each partition was read
	out    Comparison
	known  [consent.Shards][]uint64 // a part of each id in the log, sorted: whole ids of all subjects would fill the memory
	others [consent.Shards]map[string]bool
	// doubtful are keys that differed at the first look, and what the log has of them now.
	doubtful [consent.Shards]map[string][]byte
}

// wanted tells whether a key belongs to the sample. Stops always do.
func (v *verifier) wanted(k consent.StateKey) bool {
	switch k.Kind {
	case consent.StateLine, consent.StateProtected:
		return binary.BigEndian.Uint64(k.ID[8:])%v.sample == 0
	}
	return k.Kind == consent.StateStop
}

// compare reads some shards of the log and looks at the same keys of the store.
func (v *verifier) compare(ctx context.Context, extents map[int32]extent, from int) error {
	spans, values := map[int32]span{}, map[int32]map[string][]byte{}
	for p := int32(from); p < int32(from+verifyShards); p++ {
		spans[p], values[p] = span{extents[p].start, v.at[p]}, map[string][]byte{}
	}
	return v.c.state.read(ctx, spans, func(r *kgo.Record) error {
		if !v.wanted(consent.ParseStateKey(int(r.Partition), r.Key)) {
			return nil
		}
		if r.Value == nil {
			delete(values[r.Partition], string(r.Key))
		} else {
			values[r.Partition][string(r.Key)] = bytes.Clone(r.Value)
		}
		return nil
	}, func(p int32) error {
		err := v.lookUp(ctx, int(p), values[p])
		delete(values, p)
		return err
	})
}

// lookUp reads the keys of one shard's log in the store.
func (v *verifier) lookUp(ctx context.Context, shard int, log map[string][]byte) error {
	v.doubtful[shard], v.others[shard] = map[string][]byte{}, map[string]bool{}
	keys := make([]string, 0, len(log))
	for key := range log {
		keys = append(keys, key)
		k := consent.ParseStateKey(shard, []byte(key))
		if k.Kind == consent.StateLine {
			v.known[shard] = append(v.known[shard], part(k.ID))
		} else {
			v.others[shard][key] = true
		}
	}
	slices.Sort(v.known[shard])
	for len(keys) > 0 {
		some := keys[:min(verifyBatch, len(keys))]
		keys = keys[len(some):]
		have, _, ok, err := v.c.o.Store.Read(ctx, shard, v.tails[int32(shard)].mark.Epoch, some)
		if err != nil {
			return err
		}
		for i, key := range some {
			if !ok || !same(have[i], log[key]) {
				v.doubtful[shard][key] = log[key]
			}
		}
		v.out.Log += len(some)
		v.tell(v.out.Log)
	}
	return nil
}

// part is enough of an id to tell apart the subjects of one shard: two of 10 million share one with a chance of 1 in
// some 350,000, and then an extra line of one of them is not seen.
func part(id consent.ID) uint64 { return binary.BigEndian.Uint64(id[:]) }

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// survey looks for keys of the store that the log does not have.
func (v *verifier) survey(ctx context.Context) error {
	seen := func(shard int, key string) error {
		k := consent.ParseStateKey(shard, []byte(key))
		if !v.wanted(k) {
			return nil
		}
		v.out.Store++
		there := v.others[shard][key]
		if k.Kind == consent.StateLine {
			_, there = slices.BinarySearch(v.known[shard], part(k.ID))
		}
		if _, doubted := v.doubtful[shard][key]; !there && !doubted {
			v.doubtful[shard][key] = nil
		}
		return nil
	}
	err := v.c.o.Store.Survey(ctx, func(shard int, epoch uint64, key string) error {
		if epoch != v.tails[int32(shard)].mark.Epoch {
			return nil
		}
		return seen(shard, key)
	})
	if err != nil {
		return err
	}
	for shard := range consent.Shards {
		ids, err := v.c.o.Store.ProtectedOf(ctx, shard, v.tails[int32(shard)].mark.Epoch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := seen(shard, consent.ProtectedKey(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle looks again at what differed, with the log read on, until the store stands exactly where it was read to.
func (v *verifier) settle(ctx context.Context, shard int) error {
	p := int32(shard)
	for try := 0; len(v.doubtful[shard]) > 0; try++ {
		if try == settleTries {
			v.out.Unsettled += len(v.doubtful[shard])
			return nil
		}
		if try > 0 {
			kafka.Pause(ctx, settlePause)
		}
		head, err := v.readOn(ctx, p)
		if err != nil {
			return err
		}
		keys := make([]string, 0, len(v.doubtful[shard]))
		for key := range v.doubtful[shard] {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		// Keys beyond one read are looked at in later rounds, at whatever place the store then has.
		keys = keys[:min(len(keys), verifyBatch)]
		have, place, ok, err := v.c.o.Store.Read(ctx, shard, v.tails[p].mark.Epoch, keys)
		if err != nil {
			return err
		}
		if !ok || int64(place) < head || int64(place) > v.at[p] {
			continue
		}
		for i, key := range keys {
			want := v.doubtful[shard][key]
			delete(v.doubtful[shard], key)
			if same(have[i], want) {
				continue
			}
			what := Different
			switch {
			case have[i] == nil:
				what = Missing
			case want == nil:
				what = Extra
			}
			v.out.Mismatches = append(v.out.Mismatches, Mismatch{shard, key, what})
		}
		try = -1 // the next round, if any, has all its tries
	}
	return ctx.Err()
}

// readOn reads what the log has got meanwhile. head is the place behind its last record: between it and the end stand
// only markers of transactions.
func (v *verifier) readOn(ctx context.Context, p int32) (head int64, err error) {
	extents, err := v.c.state.extents(ctx, []int32{p})
	if err != nil {
		return 0, err
	}
	tails, err := v.c.state.tails(ctx, extents)
	if err != nil {
		return 0, err
	}
	v.tails[p] = tails[p]
	err = v.c.state.read(ctx, map[int32]span{p: {v.at[p], extents[p].stable}}, func(r *kgo.Record) error {
		if _, doubted := v.doubtful[p][string(r.Key)]; doubted {
			v.doubtful[p][string(r.Key)] = bytes.Clone(r.Value)
		}
		return nil
	}, func(int32) error { return nil })
	if err != nil {
		return 0, err
	}
	v.at[p] = max(v.at[p], extents[p].stable)
	return extents[p].stable - markers, nil
}

// markers is how many offsets at the end of a partition may hold nothing but markers: one after each transaction, and
// every transaction ends in a mark, so the last record is directly before.
const markers = 1

func (m Mismatch) String() string { return fmt.Sprintf("shard %d: %s: %s", m.Shard, m.Key, m.What) }
