// Moving a single-store deployment over: the store is shut, so that nothing can change in it any more, every line becomes
// a request, and the owners open the log under a new epoch. It may be cut short anywhere, and run again.

package changelog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/consentry/consentry/consent"
)

// Adopted is what Adopt did.
type Adopted struct {
	Epoch                     uint64
	Lines, Damaged, Protected int
	Stopped                   int
	Unlinked                  int
}

// CanAdopt says why a deployment cannot be moved over; nil when it can.
func (s Standing) CanAdopt() error {
	switch {
	case s.Lost:
		return ErrLost
	case s.Open == consent.Shards && s.Held == 0 && !s.Single && !s.Shut:
		return errors.New("the truth is in Kafka already, and the store has nothing of its own: nothing is to be moved")
	case s.Held > 0:
		return errors.New("the changelog is held until a file is loaded: let consentry consent accept-epoch --import FILE finish")
	case s.Open > 0 && !s.Shut:
		return errors.New("the changelog was opened already, and the store holds a single-store deployment's consents under it: " +
			"this is not the store that belongs to this log, or the log is another deployment's")
	case s.Store == 0:
		return errors.New("the store is empty: run consentry consent accept-epoch")
	}
	return nil
}

const adoptBatch = 2000

// Adopt moves the store's lines, protections and stops into the log and opens it; house is the fingerprint of the house key
// that named its subjects. tell is told how far it is.
func (c *Client) Adopt(ctx context.Context, s Standing, house string, tell func(what string, done int)) (Adopted, error) {
	out := Adopted{Epoch: s.NextEpoch()}
	for p := range consent.Shards {
		if err := c.o.Store.Shut(ctx, p); err != nil {
			return out, err
		}
	}
	if s.Open == 0 {
		a := adopter{c: c, out: &out, tell: func(n int) { tell("lines", n) }}
		if err := a.run(ctx); err != nil {
			return out, err
		}
	} else {
		out.Epoch = s.Epoch // an earlier run had begun to open it, so all lines are in the log
	}
	if _, err := c.Open(ctx, Opening{Epoch: out.Epoch, House: house, Wait: switchWait}); err != nil {
		return out, err
	}
	var err error
	out.Unlinked, err = c.o.Store.UnlinkPast(ctx, func(n int) { tell("keys of the former epoch removed", n) })
	return out, err
}

// adopter appends what stands in the store.
type adopter struct {
	c       *Client
	out     *Adopted
	tell    func(int)
	metas   []consent.Meta
	waiting [consent.Shards][]string
	last    map[int32]int64 // request offsets
}

func (a *adopter) run(ctx context.Context) error {
	var err error
	if a.metas, err = a.c.o.Store.Metas(ctx, shardNumbers()); err != nil {
		return err
	}
	a.last = map[int32]int64{}
	extents, err := a.c.state.extents(ctx, allShards())
	if err != nil {
		return err
	}
	err = a.c.o.Store.Survey(ctx, func(shard int, epoch uint64, key string) error {
		if epoch != a.metas[shard].Epoch {
			return nil
		}
		if a.waiting[shard] = append(a.waiting[shard], key); len(a.waiting[shard]) < adoptBatch {
			return nil
		}
		return a.flush(ctx, shard)
	})
	for shard := 0; err == nil && shard < consent.Shards; shard++ {
		if err = a.flush(ctx, shard); err == nil {
			err = a.protections(ctx, shard)
		}
	}
	if err != nil {
		return err
	}
	return a.awaitMerge(ctx, extents)
}

// flush appends the keys that wait of one shard.
func (a *adopter) flush(ctx context.Context, shard int) error {
	keys := a.waiting[shard]
	if len(keys) == 0 {
		return nil
	}
	values, err := a.c.o.Store.Values(ctx, shard, a.metas[shard].Epoch, keys)
	if err != nil {
		return err
	}
	var reqs []consent.Request
	for i, key := range keys {
		if values[i] == nil {
			continue
		}
		k := consent.ParseStateKey(shard, []byte(key))
		r := consent.Request{Kind: consent.AskAdopt, ReqID: RandomID(), ID: k.ID, Line: values[i]}
		switch {
		case k.Kind == consent.StateStop:
			_, reason, _ := strings.Cut(string(values[i]), " ")
			r = consent.Request{Kind: consent.AskStop, ReqID: RandomID(), Partner: k.Partner, Reason: reason}
			if r.Problem() != "" {
				r.Reason = ""
			}
			a.out.Stopped++
		case !consent.Valid(values[i]):
			// Nobody can say what it allowed, so it allows nothing.
			r = consent.Request{Kind: consent.AskWithdrawAll, ReqID: RandomID(), ID: k.ID, Change: consent.Change{Action: consent.ActWithdrawAll}}
			a.out.Damaged++
		default:
			a.out.Lines++
		}
		reqs = append(reqs, r)
	}
	a.waiting[shard] = keys[:0]
	return a.append(ctx, reqs)
}

func (a *adopter) protections(ctx context.Context, shard int) error {
	ids, err := a.c.o.Store.ProtectedOf(ctx, shard, a.metas[shard].Epoch)
	if err != nil {
		return err
	}
	var reqs []consent.Request
	for _, id := range ids {
		reqs = append(reqs, consent.Request{Kind: consent.AskProtect, ReqID: RandomID(), ID: id})
	}
	a.out.Protected += len(ids)
	return a.append(ctx, reqs)
}

func (a *adopter) append(ctx context.Context, reqs []consent.Request) error {
	if len(reqs) == 0 {
		return nil
	}
	at, err := a.c.append(ctx, reqs)
	if err != nil {
		return err
	}
	for _, p := range at {
		a.last[p.Partition] = max(a.last[p.Partition], p.Offset)
	}
	a.tell(a.out.Lines + a.out.Damaged)
	return nil
}

// awaitMerge waits until the owners have merged all that was appended: only then may the log be opened.
func (a *adopter) awaitMerge(ctx context.Context, extents map[int32]extent) error {
	f, err := a.c.follow(extents)
	if err != nil {
		return err
	}
	defer f.close()
	// Until this moment, pushed on by each mark that is read.
	silent := time.Now()
	for len(a.last) > 0 {
		pctx, cancel := context.WithTimeout(ctx, time.Second)
		err := f.poll(pctx, func(int32, int64, consent.Done) {}, func(p int32, _ int64, m consent.Mark) {
			silent = time.Now()
			if at, waits := a.last[p]; waits && m.Requests > at {
				delete(a.last, p)
			}
		})
		late := pctx.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return errors.New("interrupted; run it again")
		case err != nil && !late:
			return err
		case time.Since(silent) > importSilence:
			return fmt.Errorf("%s; all lines stand in topic %s: run this again when one does", noOwner, a.c.o.Requests)
		}
	}
	return nil
}
