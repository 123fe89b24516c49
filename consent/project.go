// The projection: records of the state topic into Redis, in the order of the topic. A shard's lines and its place are
// written by one script, which does nothing unless the place is exactly the one where the records begin: so no record is
// left out or applied upon another state, whoever projects, however late, and whatever a fail-over took back.

package consent

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Op is a record of the state topic. Marks, and keys that are not ours, only move the place.
type Op struct {
	Offset int64
	Key    []byte
	Value  []byte // nil is a tombstone
}

// ShardBatch is the records [From, To) of a shard's state partition, in their order. Offsets have gaps, and To is at
// least the last Offset + 1.
type ShardBatch struct {
	Shard    int
	Epoch    uint64
	Building bool // into the epoch that is being filled, not the open one
	From, To uint64
	Ops      []Op
}

// Projected is where a shard stands after a batch.
type Projected struct {
	OK    bool   // it stands at the batch's To
	Open  bool   // it has the batch's epoch, open or building as the batch says
	Place uint64 // valid if Open
}

// apply notes of an epoch that is being filled if its server drops keys. It sets keys, deletes keys, adds and removes protected subjects, and moves the place. KEYS: meta, the set of
// protected subjects, keys to set, keys to delete. ARGV: the names of the fields of epoch and place, epoch, from, to, the
// numbers of keys to set, keys to delete and members to add, then values, members to add, members to remove.
const applySource = `
local m = redis.call('HMGET', KEYS[1], ARGV[1], ARGV[2], 'truth')
if m[1] ~= ARGV[3] or not m[2] or ARGV[1] == 'epoch' and m[3] ~= 'kafka' then return 'closed' end
if m[2] ~= ARGV[4] then return m[2] end
local n, d, a = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
if n > 0 then
  local kv = {}
  for i = 1, n do
    kv[2 * i - 1] = KEYS[2 + i]
    kv[2 * i] = ARGV[8 + i]
  end
  redis.call('MSET', unpack(kv))
end
if d > 0 then redis.call('DEL', unpack(KEYS, 3 + n, 2 + n + d)) end
if a > 0 then redis.call('SADD', KEYS[2], unpack(ARGV, 9 + n, 8 + n + a)) end
if #ARGV > 8 + n + a then redis.call('SREM', KEYS[2], unpack(ARGV, 9 + n + a)) end
if #ARGV > 8 + n and ARGV[1] == 'epoch' then
  redis.call('HSET', KEYS[1], 'protected', redis.call('SCARD', KEYS[2]))
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[5])
if ARGV[1] ~= 'epoch' and not string.find(redis.call('INFO', 'stats'), '\nevicted_keys:0\r', 1, true) then
  redis.call('HSET', KEYS[1], 'building_dropped', '1')
end
return ARGV[5]
`

var apply = redis.NewScript(applySource)

// applyBatch bounds the keys of one script, which holds the server up.
const applyBatch = 500

// Project applies batches, of as many shards as wanted, in one pipeline per server. A shard may have several batches,
// which follow one another. On error some may have been applied: read the Metas before going on.
func (s *Store) Project(ctx context.Context, batches []ShardBatch) ([]Projected, error) {
	out := make([]Projected, len(batches))
	var byShard [Shards][]int
	var shards []int
	for i := range batches {
		shard := batches[i].Shard
		if byShard[shard] == nil {
			shards = append(shards, shard)
		}
		byShard[shard] = append(byShard[shard], i)
	}
	if len(batches) == 0 {
		return out, nil
	}
	err := s.onNodes(ctx, shards, func(ctx context.Context, n node) error {
		pipe := n.client.Pipeline()
		// In the same pipeline, so that a server which restarted meanwhile has it.
		pipe.ScriptLoad(ctx, applySource)
		var replies []*redis.Cmd
		var of []int
		for _, shard := range n.shards {
			for _, i := range byShard[shard] {
				for _, args := range batches[i].scripts() {
					replies = append(replies, apply.EvalSha(ctx, pipe, args.keys, args.argv...))
					of = append(of, i)
				}
			}
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for j, reply := range replies {
			word, err := reply.Text()
			if err != nil {
				return err
			}
			p := &out[of[j]]
			if word == "closed" {
				*p = Projected{}
				continue
			}
			place, ok := parseInt([]byte(word))
			if !ok || place < 0 {
				return errReply
			}
			*p = Projected{Open: true, Place: uint64(place), OK: uint64(place) == batches[of[j]].To}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type scriptArgs struct {
	keys []string
	argv []any
}

// scripts cuts a batch into scripts that follow one another.
func (b *ShardBatch) scripts() []scriptArgs {
	var out []scriptArgs
	from := b.From
	ops := b.Ops
	for {
		n := min(len(ops), applyBatch)
		to := b.To
		if n < len(ops) {
			to = uint64(ops[n].Offset)
		}
		out = append(out, b.script(from, to, ops[:n]))
		if n == len(ops) {
			return out
		}
		ops, from = ops[n:], to
	}
}

// script is one call of apply. Of several records of one key only the last counts.
func (b *ShardBatch) script(from, to uint64, ops []Op) scriptArgs {
	last := make(map[string]int, len(ops))
	for i := range ops {
		last[string(ops[i].Key)] = i
	}
	epochField, placeField := fieldEpoch, fieldPlace
	if b.Building {
		epochField, placeField = fieldBuilding, fieldBuildingPlace
	}
	keys := make([]string, 2, 2+len(ops))
	keys[0], keys[1] = metaKeys[b.Shard], protectedKey(b.Shard, b.Epoch)
	argv := make([]any, 8, 8+len(ops))
	var dels []string
	var adds, rems []any
	for i := range ops {
		op := &ops[i]
		if last[string(op.Key)] != i {
			continue
		}
		k := ParseStateKey(b.Shard, op.Key)
		var name string
		switch k.Kind {
		case StateLine:
			name = lineKey(b.Epoch, k.ID)
		case StateStop:
			name = stopKey(b.Epoch, k.Partner)
		case StateProtected:
			if op.Value != nil {
				adds = append(adds, k.ID.String())
			} else {
				rems = append(rems, k.ID.String())
			}
			continue
		default:
			continue
		}
		if op.Value != nil {
			keys, argv = append(keys, name), append(argv, op.Value)
		} else {
			dels = append(dels, name)
		}
	}
	head := []any{epochField, placeField, b.Epoch, from, to, len(keys) - 2, len(dels), len(adds)}
	copy(argv, head)
	return scriptArgs{append(keys, dels...), append(append(argv, adds...), rems...)}
}

// ShardBeat says that, at AtMS of the server's clock, the end of the shard's state partition was at most Place.
type ShardBeat struct {
	Shard        int
	Epoch, Place uint64
	AtMS         int64
	Run          string // of the server whose clock that was
	Group        string // of the owner
}

// beat vouches for a shard, only in this epoch, at this place and on this server, and while nobody believes the owner of
// another group. A script that comes late writes an old time; it does not take back a newer one, unless that lies ahead of
// a clock that was set back.
const beatSource = `
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch', 'place', 'beat', 'run', 'group')
if m[1] ~= 'kafka' or m[2] ~= ARGV[1] or m[3] ~= ARGV[2] then return 0 end
if not string.find(redis.call('INFO', 'server'), 'run_id:' .. ARGV[4], 1, true) then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local at, had = tonumber(ARGV[3]), tonumber(m[4] or '0')
if at > now then return 0 end
if m[6] and m[6] ~= ARGV[5] and m[5] == ARGV[4] and had <= now and now - had <= tonumber(ARGV[6]) then return 0 end
if m[5] ~= ARGV[4] or had < at or had > now then redis.call('HSET', KEYS[1], 'beat', ARGV[3], 'run', ARGV[4], 'group', ARGV[5]) end
return 1
`

var beat = redis.NewScript(beatSource)

// Beat vouches for shards; each answer says whether the shard stood as the beat says.
func (s *Store) Beat(ctx context.Context, beats []ShardBeat) ([]bool, error) {
	out := make([]bool, len(beats))
	if len(beats) == 0 {
		return out, nil
	}
	var at [Shards]int
	shards := make([]int, len(beats))
	for i, b := range beats {
		if len(b.Run) != runIDLen {
			return nil, &Refused{Reason: "a beat names no server"}
		}
		at[b.Shard], shards[i] = i, b.Shard
	}
	err := s.onNodes(ctx, shards, func(ctx context.Context, n node) error {
		pipe := n.client.Pipeline()
		pipe.ScriptLoad(ctx, beatSource)
		replies := make([]*redis.Cmd, len(n.shards))
		for i, shard := range n.shards {
			b := &beats[at[shard]]
			replies[i] = beat.EvalSha(ctx, pipe, []string{metaKeys[shard]}, b.Epoch, b.Place, b.AtMS, b.Run, b.Group, s.staleAfter.Milliseconds())
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for i, shard := range n.shards {
			got, err := replies[i].Int()
			if err != nil {
				return err
			}
			out[at[shard]] = got == 1
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
