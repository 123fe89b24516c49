// Changes to the store: read a line, merge, and set it only if nothing moved meanwhile.

package consent

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Result is what became of one change.
type Result struct {
	AcknowledgedAtMS int64 // the store's time of the write; of the reading where nothing was to be written
	InForce          bool
	Effect           Effect
}

// Named is a change of one subject.
type Named struct {
	ID     ID
	Change Change
}

// setLine sets one line and raises its shard's place, only if line and epoch are what the merge saw and its time of
// acceptance is at most a second ago. It answers the time of the write, or a word.
const setLineSource = `
if redis.call('HEXISTS', KEYS[2], 'truth') == 1 then return 'kafka' end
local epoch = redis.call('HGET', KEYS[2], ARGV[1])
if not epoch then return 'nometa' end
if epoch ~= ARGV[2] then return 'epoch' end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if now - tonumber(ARGV[3]) > 1000 then return 'late' end
local line = redis.call('GET', KEYS[1])
if (line or '') ~= ARGV[4] then return 'moved' end
redis.call('SET', KEYS[1], ARGV[5])
redis.call('HINCRBY', KEYS[2], 'place', 1)
return string.format('%.0f', now)
`

// Only its hash is used: Script.Load in a pipeline would overwrite the hash with the answer that is not there yet.
var setLine = redis.NewScript(setLineSource)

// ErrNotOpen says that the store has no meta, so that nobody knows whether it is the right one.
var ErrNotOpen error = &Refused{Reason: "the store has not been accepted: it is new, was emptied or is being accepted; " +
	"look at it and run consentry consent accept-epoch"}

// ErrMoved says that the store is no longer changed directly: its truth is in Kafka, or is being moved there.
var ErrMoved error = &Refused{Reason: "the truth about consents is in Kafka now, or is being moved there: set consent.changelog in the " +
	"configuration and run this again"}

var errBusy error = &Refused{Reason: "the line was changed by others again and again; try again"}

// writeAttempts bounds the tries of a change against others that change the same line.
const writeAttempts = 50

// Apply makes one change, and returns when it is safe in the store. An error is a *Sick, a *Refused or ErrNotOpen; then
// the change may or may not have been made, and sending it again is harmless.
func (s *Store) Apply(ctx context.Context, id ID, c Change) (Result, error) {
	results, err := s.ApplyAll(ctx, []Named{{id, c}})
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// ApplyAll makes many changes in two round trips; those of one subject in their order. Results[i] belongs to changes[i].
// Callers keep a batch to some hundred changes, so that it is written within a second.
func (s *Store) ApplyAll(ctx context.Context, changes []Named) ([]Result, error) {
	return s.writer(fieldEpoch, 0).applyAll(ctx, changes)
}

// writer writes under one field of the meta: epoch in an open store, accepting in one that is being accepted.
type writer struct {
	*Store
	field string
	epoch uint64 // 0: read it each time
}

func (s *Store) writer(field string, epoch uint64) writer { return writer{s, field, epoch} }

func (w writer) applyAll(ctx context.Context, changes []Named) ([]Result, error) {
	if w.changelog {
		return nil, ErrMoved
	}
	results := make([]Result, len(changes))
	waiting := make([]int, len(changes))
	for i := range waiting {
		waiting[i] = i
	}
	for attempt := range writeAttempts {
		if attempt > 0 {
			if err := pause(ctx, time.Duration(min(attempt, 10))*2*time.Millisecond); err != nil {
				return nil, unreachable(err)
			}
		}
		var err error
		if waiting, err = w.round(ctx, changes, waiting, results); err != nil {
			return nil, err
		}
		if len(waiting) == 0 {
			return results, nil
		}
	}
	return nil, errBusy
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pending is one subject's line on its way.
type pending struct {
	id      ID
	changes []int
	old     []byte
	new     []byte
	reply   *redis.Cmd
}

// round tries the waiting changes once, all of one subject as one write, and returns those that must be tried again.
func (w writer) round(ctx context.Context, changes []Named, waiting []int, results []Result) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, w.writeDeadline)
	defer cancel()
	epoch := w.epoch
	if epoch == 0 {
		v, err := w.client.HGet(ctx, metaKeys[changes[waiting[0]].ID.Shard()], w.field).Uint64()
		if errors.Is(err, redis.Nil) {
			return nil, ErrNotOpen
		}
		if err != nil {
			return nil, unreachable(err)
		}
		epoch = v
	}
	var lines []*pending
	byID := make(map[ID]*pending, len(waiting))
	for _, i := range waiting {
		p := byID[changes[i].ID]
		if p == nil {
			p = &pending{id: changes[i].ID}
			byID[p.id] = p
			lines = append(lines, p)
		}
		p.changes = append(p.changes, i)
	}
	accepted, err := w.readLines(ctx, epoch, lines)
	if err != nil {
		return nil, err
	}
	pipe := w.client.Pipeline()
	loaded := false
	for _, p := range lines {
		line := p.old
		for _, i := range p.changes {
			var out Outcome
			line, out = Merge(line, changes[i].Change, accepted)
			results[i] = Result{AcknowledgedAtMS: accepted, InForce: out.InForce, Effect: out.Effect}
		}
		p.new = line
		if string(p.new) == string(p.old) {
			continue
		}
		if !loaded {
			// In the same pipeline, so that a server which restarted meanwhile has it.
			pipe.ScriptLoad(ctx, setLineSource)
			loaded = true
		}
		p.reply = setLine.EvalSha(ctx, pipe, []string{lineKey(epoch, p.id), metaKeys[p.id.Shard()]},
			w.field, epoch, accepted, p.old, p.new)
	}
	if loaded {
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, unreachable(err)
		}
	}
	return w.settle(lines, results)
}

// readLines reads the lines and, last, the time of acceptance.
func (w writer) readLines(ctx context.Context, epoch uint64, lines []*pending) (int64, error) {
	pipe := w.client.Pipeline()
	gets := make([]*redis.StringCmd, len(lines))
	for i, p := range lines {
		gets[i] = pipe.Get(ctx, lineKey(epoch, p.id))
	}
	now := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, unreachable(err)
	}
	for i, p := range lines {
		b, err := gets[i].Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return 0, unreachable(err)
		}
		p.old = b
		if errors.Is(err, redis.Nil) {
			p.old = nil
		}
	}
	t, err := now.Result()
	if err != nil {
		return 0, unreachable(err)
	}
	return t.UnixMilli(), nil
}

// settle reads the answers of setLine.
func (w writer) settle(lines []*pending, results []Result) ([]int, error) {
	var again []int
	for _, p := range lines {
		if p.reply == nil {
			continue
		}
		word, err := p.reply.Text()
		if err != nil {
			return nil, unreachable(err)
		}
		switch word {
		case "kafka":
			return nil, ErrMoved
		case "nometa", "epoch":
			if w.field == fieldAccepting {
				return nil, errOvertaken
			}
			if word == "nometa" {
				return nil, ErrNotOpen
			}
			again = append(again, p.changes...)
			continue
		case "late", "moved":
			again = append(again, p.changes...)
			continue
		}
		at, ok := parseInt([]byte(word))
		if !ok {
			return nil, unreachable(errReply)
		}
		for _, i := range p.changes {
			results[i].AcknowledgedAtMS = at
		}
	}
	return again, nil
}

// Clock is the store's time; of a Cluster, that of the server which holds the first shard.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[stopShard])
	if err != nil {
		return time.Time{}, err
	}
	t, err := client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, s.failed(ctx, err)
	}
	return t.UTC(), nil
}

// Line reads one subject's line; nil when the store has none.
func (s *Store) Line(ctx context.Context, id ID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	epoch, client, err := s.openEpoch(ctx, id.Shard())
	if err != nil {
		return nil, err
	}
	b, err := client.Get(ctx, lineKey(epoch, id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return b, nil
}

// openEpoch is the epoch of an open shard, and the server that holds it. One without a meta is ErrNotOpen, or with a
// changelog a *Sick: its owner fills it.
func (s *Store) openEpoch(ctx context.Context, shard int) (uint64, *redis.Client, error) {
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return 0, nil, err
	}
	v, err := client.HGet(ctx, metaKeys[shard], fieldEpoch).Uint64()
	if errors.Is(err, redis.Nil) {
		if s.changelog {
			return 0, nil, s.noMeta()
		}
		return 0, nil, ErrNotOpen
	}
	if err != nil {
		return 0, nil, s.failed(ctx, err)
	}
	return v, client, nil
}
