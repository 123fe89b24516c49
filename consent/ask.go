// The question that a batch asks: one pipelined round trip on one connection. The lines come first, then the stop flag,
// then the meta of all shards, then the store's clock. A store that was emptied or accepted anew between the lines or the
// flag and the meta shows it in the meta, and then no answer counts.

package consent

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxSkew is how far the worker's clock may be from the store's.
const maxSkew = 2 * time.Second

// Attempts of one Ask, all within its deadline: a connection that died idle, and an epoch that turned.
const askAttempts = 3

// Ask reads what the store knows of ids into snap. On error nothing in snap may be used; every error is a *Sick.
func (s *Store) Ask(ctx context.Context, partner string, ids []ID, snap *Snapshot) error {
	ctx, cancel := context.WithTimeout(ctx, s.deadline)
	defer cancel()
	snap.forget()
	err := s.ask(ctx, partner, ids, snap)
	if err != nil {
		snap.forget()
		return err
	}
	return nil
}

// forget makes the Snapshot answer nothing; its memory stays.
func (snap *Snapshot) forget() {
	clear(snap.Lines)
	snap.Lines = snap.Lines[:0]
	snap.AskedAt, snap.StoreMS, snap.Epoch, snap.Places, snap.Stopped = time.Time{}, 0, 0, [Shards]uint64{}, false
}

func (s *Store) ask(ctx context.Context, partner string, ids []ID, snap *Snapshot) error {
	if s.safety != nil {
		if err := s.checkSafe(ctx); err != nil {
			return err
		}
	}
	var last *Sick
	for range askAttempts {
		// What was seen before the question was sent: a lane that asked later may have seen more by the time that this
		// answer is read, which does not make it old.
		floor, fell := s.standing()
		epoch := floor.epoch
		if epoch == 0 {
			found, err := s.firstEpoch(ctx)
			if err != nil {
				return err
			}
			epoch = found
		}
		sent := s.now()
		snap.AskedAt = time.Now()
		if err := s.read(ctx, epoch, partner, ids, snap); err != nil {
			last = unreachable(err)
			if ctx.Err() != nil {
				return last
			}
			continue
		}
		got := s.now()
		shards, meta, err := snap.parse(len(ids))
		if err != nil {
			return err
		}
		if meta == fell || floor.behind(meta, &shards) {
			s.noteFell(meta)
			return sick(causeWiped, "the store stands before a place that was seen: it was emptied or restored; "+
				"when it is right as it stands, run consentry consent accept-epoch")
		}
		s.Seen(meta, shards)
		if meta != epoch {
			// A person accepted the store anew. These answers are of the old epoch: ask again.
			last = sick(causeWiped, "the store's epoch is changing")
			continue
		}
		snap.Epoch, snap.Places = meta, shards
		store := time.UnixMilli(snap.StoreMS)
		if store.Before(sent.Add(-maxSkew)) || store.After(got.Add(maxSkew)) {
			return sick(causeSkew, "this machine's clock and the store's are more than 2 s apart")
		}
		return snap.plausible()
	}
	return last
}

// firstEpoch learns the epoch of a store that this process has not asked yet.
func (s *Store) firstEpoch(ctx context.Context) (uint64, error) {
	v, err := s.client.HGet(ctx, metaKeys[0], fieldEpoch).Uint64()
	if err == redis.Nil {
		return 0, noMeta()
	}
	if err != nil {
		return 0, unreachable(err)
	}
	if v == 0 {
		return 0, noMeta()
	}
	return v, nil
}

func noMeta() *Sick {
	return sick(causeWiped, "the store has no complete meta: it is new, was emptied, or is being accepted; "+
		"when it is right as it stands, run consentry consent accept-epoch")
}

// read sends the pipeline and collects the raw replies in snap.reply.
func (s *Store) read(ctx context.Context, epoch uint64, partner string, ids []ID, snap *Snapshot) error {
	snap.reply.reset()
	for i := range snap.perShard {
		snap.perShard[i] = snap.perShard[i][:0]
	}
	for len(snap.keys) < len(ids) {
		snap.keys = append(snap.keys, keyArg{})
	}
	for i, id := range ids {
		snap.keys[i].b = appendLineKey(snap.keys[i].b[:0], epoch, id)
		shard := id.Shard()
		snap.perShard[shard] = append(snap.perShard[shard], int32(i))
	}
	// The arguments of all MGETs stand in one slice, which must not move while commands point into it.
	if need := len(ids) + Shards; cap(snap.args) < need {
		snap.args = make([]any, 0, 2*need)
	}
	snap.args = snap.args[:0]
	pipe := s.client.Pipeline()
	for _, members := range snap.perShard {
		if len(members) == 0 {
			continue
		}
		from := len(snap.args)
		snap.args = append(snap.args, "mget")
		for _, i := range members {
			snap.args = append(snap.args, &snap.keys[i])
		}
		raw(ctx, pipe, &snap.reply, snap.args[from:len(snap.args):len(snap.args)]...)
	}
	raw(ctx, pipe, &snap.reply, "exists", stopKey(epoch, partner))
	for _, args := range metaArgs {
		raw(ctx, pipe, &snap.reply, args...)
	}
	raw(ctx, pipe, &snap.reply, "time")
	_, err := pipe.Exec(ctx)
	clear(snap.args)
	return err
}

var metaArgs = func() (a [Shards][]any) {
	for i := range a {
		a[i] = []any{"hmget", metaKeys[i], fieldEpoch, fieldPlace}
	}
	return a
}()

func raw(ctx context.Context, pipe redis.Pipeliner, w *replyBuffer, args ...any) {
	// Pipeliner.Process only queues; its error comes with Exec.
	_ = pipe.Process(ctx, redis.NewRawWriteToCmd(ctx, w, args...))
}

// parse reads the collected replies. It fills Lines, Stopped and StoreMS.
func (snap *Snapshot) parse(ids int) (shards [Shards]uint64, epoch uint64, err error) {
	r := &snap.reply
	for len(snap.Lines) < ids {
		snap.Lines = append(snap.Lines, nil)
	}
	for _, members := range snap.perShard {
		if len(members) == 0 {
			continue
		}
		if err := r.array(len(members)); err != nil {
			return shards, 0, unreachable(err)
		}
		for _, i := range members {
			if snap.Lines[i], err = r.bulk(); err != nil {
				return shards, 0, unreachable(err)
			}
		}
	}
	stopped, err := r.integer(':')
	if err != nil {
		return shards, 0, unreachable(err)
	}
	snap.Stopped = stopped > 0
	for i := range shards {
		if err := r.array(2); err != nil {
			return shards, 0, unreachable(err)
		}
		e, hasEpoch, err := r.number()
		if err != nil {
			return shards, 0, unreachable(err)
		}
		place, hasPlace, err := r.number()
		if err != nil {
			return shards, 0, unreachable(err)
		}
		if !hasEpoch || !hasPlace || e == 0 {
			return shards, 0, noMeta()
		}
		if i > 0 && e != epoch {
			return shards, 0, sick(causeWiped, "the shards disagree on the epoch: accept-epoch is under way, "+
				"or was cut short; run consentry consent accept-epoch again")
		}
		epoch, shards[i] = e, place
	}
	if snap.StoreMS, err = r.timeMS(); err != nil {
		return shards, 0, unreachable(err)
	}
	return shards, epoch, nil
}

// plausible refuses a read of which more than 1 % and at least 10 lines are malformed: one bad line is a subject's, so
// many are the store's.
func (snap *Snapshot) plausible() error {
	lines, bad := 0, 0
	for _, line := range snap.Lines {
		if line == nil {
			continue
		}
		lines++
		if !Valid(line) {
			bad++
		}
	}
	if bad >= 10 && bad*100 > lines {
		return sick(causeMalformed, fmt.Sprintf("%d of %d lines read are malformed", bad, lines))
	}
	return nil
}
