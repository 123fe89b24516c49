// Building the store anew beside the lines in force, and switching to it: for a store that is suspected, or fragmented,
// or to be freed of what older epochs left. Workers park only while the owners switch.

package changelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
)

const (
	// fillBatch is the number of records of a shard that are projected in one go.
	fillBatch = 2000
	// nearEnough is how many records may be left to the owners at the switch.
	nearEnough = 2000
	// switchWait bounds the switch, and an opening: the owners fill what is left.
	switchWait = 2 * time.Minute
)

// Rebuilt is what Rebuild did.
type Rebuilt struct {
	Epoch    uint64
	Records  int // projected
	Unlinked int // keys of former epochs
	Switch   time.Duration
}

// Switching is what tell is told when the store is filled and the owners are to switch.
const Switching = "records filled, waiting for the switch"

// Rebuild fills a new epoch from the log, lets the owners switch to it, and clears the former one away. tell is told what
// it is doing, and how much of it is done.
func (c *Client) Rebuild(ctx context.Context, tell func(what string, done int)) (Rebuilt, error) {
	s, err := c.Standing(ctx)
	if err != nil {
		return Rebuilt{}, err
	}
	switch {
	case s.Single:
		return Rebuilt{}, errors.New("the store holds the truth of a single-store deployment: run consentry consent rebuild --from-store")
	case s.Lost:
		return Rebuilt{}, ErrLost
	case s.Open < consent.Shards:
		return Rebuilt{}, errors.New(notOpened)
	case s.Drops:
		return Rebuilt{}, errors.New("what is built now may be dropped again: CONFIG SET maxmemory-policy noeviction, CONFIG RESETSTAT, then run this again")
	case s.Held > 0:
		return Rebuilt{}, errors.New("the changelog is held until a file is loaded: run consentry consent accept-epoch --import FILE")
	}
	if s.Believed == 0 {
		// Where they run and park, because Redis has dropped keys, this is what helps.
		if owned, err := c.Owned(ctx); err == nil && !owned {
			return Rebuilt{}, errors.New(noOwner + ", who would switch; nothing was begun")
		}
	}
	out := Rebuilt{Epoch: s.NextEpoch()}
	f := filler{c: c, epoch: out.Epoch, tell: func(n int) { tell("records", n) }}
	for p := range f.place {
		at, live, err := c.o.Store.BeginFill(ctx, p, out.Epoch)
		if err != nil {
			return out, err
		}
		if live {
			return out, errors.New("another rebuild has overtaken this one")
		}
		f.place[p] = int64(at)
	}
	for left := int64(nearEnough) + 1; left > nearEnough; {
		if left, err = f.pass(ctx); err != nil {
			return out, err
		}
	}
	out.Records = f.records
	began := time.Now()
	tell(Switching, out.Records)
	if _, err := c.Open(ctx, Opening{Epoch: out.Epoch, Wait: switchWait}); err != nil {
		if ny := (*NotYet)(nil); errors.As(err, &ny) {
			err = fmt.Errorf("%w; the switch then happens by itself, and what this has not removed, the keys of former epochs, the next rebuild removes", err)
		}
		return out, err
	}
	out.Switch = time.Since(began)
	out.Unlinked, err = c.o.Store.UnlinkPast(ctx, func(n int) { tell("keys of former epochs removed", n) })
	return out, err
}

// filler projects the log into an epoch that is being built.
type filler struct {
	c       *Client
	epoch   uint64
	place   [consent.Shards]int64
	waiting [consent.Shards][]consent.Op
	records int
	tell    func(int)
}

// pass projects up to the end that it finds, and returns how much has come meanwhile.
func (f *filler) pass(ctx context.Context) (left int64, err error) {
	extents, err := f.c.state.extents(ctx, allShards())
	if err != nil {
		return 0, err
	}
	spans := map[int32]span{}
	for p, e := range extents {
		// What is filled begins at place 0, wherever the log begins.
		spans[p] = span{max(f.place[p], e.start), e.stable}
		if f.place[p] < e.start && f.place[p] > 0 {
			return 0, fmt.Errorf("shard %d: the state topic no longer has what was being read; run it again", p)
		}
		if f.place[p] >= e.stable {
			delete(spans, p)
		}
	}
	err = f.c.state.read(ctx, spans, func(r *kgo.Record) error {
		p := r.Partition
		f.waiting[p] = append(f.waiting[p], consent.Op{Offset: r.Offset, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
		if len(f.waiting[p]) < fillBatch {
			return nil
		}
		return f.project(ctx, p, r.Offset+1)
	}, func(p int32) error { return f.project(ctx, p, spans[p].to) })
	if err != nil {
		return 0, err
	}
	now, err := f.c.state.extents(ctx, allShards())
	for p, e := range now {
		left += max(0, e.stable-f.place[p])
	}
	return left, err
}

func (f *filler) project(ctx context.Context, p int32, to int64) error {
	batch := consent.ShardBatch{Shard: int(p), Epoch: f.epoch, Building: true, From: uint64(f.place[p]), To: uint64(to), Ops: f.waiting[p]}
	got, err := f.c.o.Store.Project(ctx, []consent.ShardBatch{batch})
	if err != nil {
		return err
	}
	if !got[0].OK {
		return fmt.Errorf("shard %d: the store was emptied or switched while it was being filled; run it again", p)
	}
	f.records += len(f.waiting[p])
	f.waiting[p], f.place[p] = nil, to
	f.tell(f.records)
	return nil
}
