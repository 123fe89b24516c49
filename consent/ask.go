// The question that a batch asks: one pipelined round trip on one connection of each server, which is one server unless
// the store is a Cluster. The lines come first, then who is protected, the stop flag, the meta of all shards, and last the
// server's clock; with a changelog its name before that. A store that was emptied or accepted anew between the lines or
// the flag and the meta shows it in the meta, and then no answer counts (believe.go).

package consent

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Attempts of one Ask, all within its deadline: a connection that died idle, and an epoch that turned. In a Cluster the
// shards may have moved, which its client learns in the background.
const (
	askAttempts     = 3
	clusterAttempts = 10
	clusterPause    = 20 * time.Millisecond
)

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
	snap.Protected = nil
	snap.AskedAt, snap.StoreMS, snap.Epoch, snap.Places, snap.Stopped = time.Time{}, 0, 0, [Shards]uint64{}, false
}

func (s *Store) ask(ctx context.Context, partner string, ids []ID, snap *Snapshot) error {
	if s.safety != nil {
		if err := s.checkSafe(ctx); err != nil {
			return err
		}
	}
	attempts := askAttempts
	if s.cluster != nil {
		attempts = clusterAttempts
	}
	var last *Sick
	for attempt := range attempts {
		if attempt > 0 && s.cluster != nil {
			if pause(ctx, clusterPause) != nil {
				return last
			}
		}
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
			last = s.failed(ctx, err)
			if ctx.Err() != nil {
				return last
			}
			continue
		}
		got := s.now()
		if err := snap.parse(len(ids), s.changelog); err != nil {
			last = s.failed(ctx, err)
			if s.cluster != nil && ctx.Err() == nil {
				continue
			}
			return last
		}
		meta, err := s.believe(snap, len(ids), &floor, fell)
		if err != nil {
			return err
		}
		if meta != epoch {
			// The store was opened anew. These answers are of the old epoch: ask again.
			last = sick(causeWiped, "the store's epoch is changing")
			continue
		}
		if s.missedProtected(snap) {
			last = sick(causeStale, "protected subjects are being added")
			continue
		}
		snap.Epoch = meta
		if err := s.fresh(snap, len(ids)); err != nil {
			return err
		}
		if err := snap.skewed(sent, got); err != nil {
			return err
		}
		return snap.plausible()
	}
	return last
}

// firstEpoch learns the epoch of a store that this process has not asked yet.
func (s *Store) firstEpoch(ctx context.Context) (uint64, error) {
	v, _, err := s.openEpoch(ctx, stopShard)
	if err == ErrNotOpen || err == nil && v == 0 {
		return 0, s.noMeta()
	}
	return v, err
}

// part is one server's share of a question.
type part struct {
	client *redis.Client
	pipe   redis.Pipeliner
	shards []int
	reply  replyBuffer
	nodeMS int64
	err    error
}

// locate finds the servers to ask.
func (s *Store) locate(ctx context.Context, snap *Snapshot) error {
	if s.cluster == nil {
		if len(snap.parts) == 0 {
			snap.parts = make([]part, 1)
		}
		snap.parts[0].client, snap.parts[0].shards = s.client, allShards
		return nil
	}
	nodes, err := s.nodesOf(ctx, allShards)
	if err != nil {
		return err
	}
	for len(snap.parts) < len(nodes) {
		snap.parts = append(snap.parts, part{})
	}
	snap.parts = snap.parts[:len(nodes)]
	for i, n := range nodes {
		snap.parts[i].client, snap.parts[i].shards = n.client, n.shards
	}
	return nil
}

// read sends the pipelines and collects the raw replies in snap.parts.
func (s *Store) read(ctx context.Context, epoch uint64, partner string, ids []ID, snap *Snapshot) error {
	if err := s.locate(ctx, snap); err != nil {
		return err
	}
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
	for i := range snap.parts {
		s.queue(ctx, epoch, partner, ids, snap, &snap.parts[i])
	}
	defer clear(snap.args)
	if len(snap.parts) == 1 {
		_, err := snap.parts[0].pipe.Exec(ctx)
		return err
	}
	var wg sync.WaitGroup
	for i := range snap.parts {
		p := &snap.parts[i]
		wg.Go(func() { _, p.err = p.pipe.Exec(ctx) })
	}
	wg.Wait()
	for i := range snap.parts {
		if err := snap.parts[i].err; err != nil {
			return err
		}
	}
	return nil
}

// queue queues one server's share of the question.
func (s *Store) queue(ctx context.Context, epoch uint64, partner string, ids []ID, snap *Snapshot, p *part) {
	p.reply.reset()
	p.pipe = p.client.Pipeline()
	for _, shard := range p.shards {
		members := snap.perShard[shard]
		snap.asked[shard] = len(members) > 0 && s.protects[shard].Load()
		if len(members) == 0 {
			continue
		}
		from := len(snap.args)
		snap.args = append(snap.args, "mget")
		for _, i := range members {
			snap.args = append(snap.args, &snap.keys[i])
		}
		raw(ctx, p.pipe, &p.reply, snap.args[from:len(snap.args):len(snap.args)]...)
		if snap.asked[shard] {
			args := make([]any, 0, 2+len(members))
			args = append(args, "smismember", protectedKey(shard, epoch))
			for _, i := range members {
				args = append(args, ids[i].String())
			}
			raw(ctx, p.pipe, &p.reply, args...)
		}
	}
	fields := &metaArgs
	if s.changelog {
		fields = &vouchedArgs
	}
	for _, shard := range p.shards {
		if shard == stopShard {
			raw(ctx, p.pipe, &p.reply, "exists", stopKey(epoch, partner))
		}
	}
	for _, shard := range p.shards {
		raw(ctx, p.pipe, &p.reply, fields[shard]...)
	}
	if s.changelog {
		raw(ctx, p.pipe, &p.reply, "info", "server")
	}
	raw(ctx, p.pipe, &p.reply, "time")
}

var (
	metaArgs    = hmget(fieldEpoch, fieldPlace, fieldTruth, fieldProtected)
	vouchedArgs = hmget(fieldEpoch, fieldPlace, fieldTruth, fieldProtected, fieldBeat, fieldRun)
)

func hmget(fields ...any) (a [Shards][]any) {
	for i := range a {
		a[i] = append([]any{"hmget", metaKeys[i]}, fields...)
	}
	return a
}

func raw(ctx context.Context, pipe redis.Pipeliner, w *replyBuffer, args ...any) {
	// Pipeliner.Process only queues; its error comes with Exec.
	_ = pipe.Process(ctx, redis.NewRawWriteToCmd(ctx, w, args...))
}
