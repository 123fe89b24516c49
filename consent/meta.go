// A shard's meta: which epoch its lines have, up to which offset of the state topic they go, and when an owner last
// vouched that this is all there is.

package consent

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Fields of a shard's meta. The epoch is there while the store is open; accepting holds the epoch to come while
// accept-epoch is at work, and then nobody else may write.
const (
	fieldEpoch     = "epoch"
	fieldAccepting = "accepting"
	fieldPlace     = "place"
	// fieldProtected counts the shard's protected subjects.
	fieldProtected = "protected"
	// fieldTruth is absent in the single store, truthShut while it is being moved over, truthKafka after.
	fieldTruth = "truth"
	// fieldBeat is the server's time just before the end was read up to which the owner then projected; fieldRun the
	// run_id of the server that was told so. A server promoted since has another.
	fieldBeat = "beat"
	fieldRun  = "run"
	// fieldBuilding is an epoch that is being filled beside the open one.
	fieldBuilding      = "building"
	fieldBuildingPlace = "building_place"
	// fieldGroup is the consumer group of the owner that beat last: fencing knows one group only.
	fieldGroup = "group"
	// fieldDropped stays, once the server was seen to have dropped keys by itself, until the shard's lines are others;
	// fieldBuildingDropped says the same of those that are being filled.
	fieldDropped         = "dropped"
	fieldBuildingDropped = "building_dropped"

	truthShut  = "shut"
	truthKafka = "kafka"
)

// Meta is what a shard's meta says, and the server that holds it.
type Meta struct {
	Kafka bool // the truth is in Kafka
	Shut  bool // a single store that is being moved over: nobody can change it any more
	// Epoch is the one that is open; 0 for none. Its lines are the fold of the records [0, Place) of the state partition.
	Epoch, Place            uint64
	Building, BuildingPlace uint64 // an epoch being filled; 0 for none
	BeatMS                  int64  // 0 for none
	Run                     string
	Group                   string // of the owner that beat last
	Protected               uint64
	// Evicts: the server may drop keys to make room. Evicted: it has, since it started or was told to forget how many.
	// Noted and BuildingNoted: an owner has seen that, of the open epoch and of the one that is being filled. Of a
	// changelog only.
	Evicts, Evicted, Noted, BuildingNoted bool
	NodeRun                               string // run_id of the server; of a changelog only
	NowMS                                 int64  // its clock, read after the meta
}

var metaFields = []string{
	fieldTruth, fieldEpoch, fieldPlace, fieldBuilding, fieldBuildingPlace, fieldBeat, fieldRun, fieldProtected, fieldGroup, fieldDropped,
	fieldBuildingDropped,
}

// Dropped tells whether a line, a stop or a protection may be missing although the place says that it is there.
func (m *Meta) Dropped() bool { return m.Evicts || m.Evicted || m.Noted }

// Metas reads the metas of shards: Metas[i] belongs to shards[i].
func (s *Store) Metas(ctx context.Context, shards []int) ([]Meta, error) {
	var at [Shards]int
	for i, shard := range shards {
		at[shard] = i
	}
	metas := make([]Meta, len(shards))
	err := s.onNodes(ctx, shards, func(ctx context.Context, n node) error {
		pipe := n.client.Pipeline()
		reads := make([]*redis.SliceCmd, len(n.shards))
		for i, shard := range n.shards {
			reads[i] = pipe.HMGet(ctx, metaKeys[shard], metaFields...)
		}
		var info, stats, memory *redis.StringCmd
		if s.changelog {
			info, stats, memory = pipe.Info(ctx, "server"), pipe.Info(ctx, "stats"), pipe.Info(ctx, "memory")
		}
		now := pipe.Time(ctx)
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		run, evicts, evicted := "", false, false
		if info != nil {
			// What the server does not say counts as the worse.
			run = runID(info.Val())
			evicts = !strings.Contains(memory.Val(), "\nmaxmemory_policy:noeviction\r")
			evicted = !strings.Contains(stats.Val(), "\nevicted_keys:0\r")
		}
		for i, shard := range n.shards {
			m, ok := readMeta(reads[i].Val())
			if !ok {
				return errReply
			}
			m.NodeRun, m.NowMS, m.Evicts, m.Evicted = run, now.Val().UnixMilli(), evicts, evicted
			metas[at[shard]] = m
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return metas, nil
}

// readMeta reads the values of metaFields; false when one that should be a number is none.
func readMeta(values []any) (Meta, bool) {
	if len(values) != len(metaFields) {
		return Meta{}, false
	}
	good := true
	text := func(i int) string {
		t, _ := values[i].(string)
		return t
	}
	number := func(i int) uint64 {
		t := text(i)
		if t == "" {
			return 0
		}
		v, ok := parseInt([]byte(t))
		good = good && ok && v >= 0
		return uint64(max(v, 0))
	}
	m := Meta{
		Kafka: text(0) == truthKafka, Shut: text(0) == truthShut, Epoch: number(1), Place: number(2),
		Building: number(3), BuildingPlace: number(4), BeatMS: int64(number(5)), Run: text(6), Protected: number(7),
		Group: text(8), Noted: text(9) != "", BuildingNoted: text(10) != "",
	}
	return m, good
}

// runIDLen is the length of a run_id, which a server draws when it starts.
const runIDLen = 40

// runID finds the server's run_id in its INFO; empty when it is not there.
func runID(info string) string { return string(runOf([]byte(info))) }

// readKeys reads keys of a shard, and its place, at one moment; only while its epoch is the one asked. ARGV says of each
// key what it is: a value, or a member of the set of protected subjects, which is KEYS[2].
const readKeysSource = `
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch', 'place')
if m[1] ~= 'kafka' or m[2] ~= ARGV[1] then return {} end
local out = {m[3]}
for i = 3, #KEYS do out[#out + 1] = redis.call('GET', KEYS[i]) end
for i = 2, #ARGV do out[#out + 1] = redis.call('SISMEMBER', KEYS[2], ARGV[i]) end
return out
`

var readKeys = redis.NewScript(readKeysSource)

// readBatch bounds the keys of one script, which holds the server up.
const readBatch = 500

// ErrDropped says that a server has dropped keys by itself: what it does not have proves nothing, and must not be merged
// upon.
var ErrDropped error = sick(causeUnsafe, "the store has dropped keys by itself")

// ReadForMerge reads what keys of the state topic (Request.StateKey) have in Redis: values[i] belongs to keys[i], nil for
// none. ok only if the shard stands, while they are read, in this epoch at exactly this place. The error is ErrDropped
// where any of them may be missing.
func (s *Store) ReadForMerge(ctx context.Context, shard int, epoch, place uint64, keys []string) (values [][]byte, ok bool, err error) {
	values, found, ok, err := s.Read(ctx, shard, epoch, keys)
	if err != nil || !ok || found != place {
		return nil, false, err
	}
	// Asked after the keys were read: what was dropped before that shows.
	metas, err := s.Metas(ctx, []int{shard})
	switch {
	case err != nil:
		return nil, false, err
	case metas[0].Dropped():
		return nil, false, ErrDropped
	}
	return values, true, nil
}

var noteDropped = redis.NewScript(`
redis.call('HSET', KEYS[1], 'dropped', '1')
if redis.call('HEXISTS', KEYS[1], 'building') == 1 then redis.call('HSET', KEYS[1], 'building_dropped', '1') end
return 'ok'
`)

// NoteDropped notes in a shard's meta that its server has dropped keys: its own count ends with it, or by CONFIG RESETSTAT.
func (s *Store) NoteDropped(ctx context.Context, shard int) error {
	_, err := s.shardScript(ctx, noteDropped, shard, []string{metaKeys[shard]})
	return err
}

// Read reads what keys of the state topic have in Redis under an epoch, and the shard's place, which did not move
// meanwhile. ok is false when that epoch is not open, or the place moved.
func (s *Store) Read(ctx context.Context, shard int, epoch uint64, keys []string) (values [][]byte, place uint64, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return nil, 0, false, err
	}
	values = make([][]byte, len(keys))
	pipe := client.Pipeline()
	pipe.ScriptLoad(ctx, readKeysSource)
	type reading struct {
		reply *redis.Cmd
		at    []int
	}
	var reads []reading
	for from := 0; from == 0 || from < len(keys); from += readBatch {
		names := []string{metaKeys[shard], protectedKey(shard, epoch)}
		args := []any{epoch}
		var plain, members []int
		for i := from; i < min(from+readBatch, len(keys)); i++ {
			k := ParseStateKey(shard, []byte(keys[i]))
			switch k.Kind {
			case StateLine:
				names, plain = append(names, lineKey(epoch, k.ID)), append(plain, i)
			case StateStop:
				names, plain = append(names, stopKey(epoch, k.Partner)), append(plain, i)
			case StateProtected:
				args, members = append(args, k.ID.String()), append(members, i)
			default:
				return nil, 0, false, errStateKey
			}
		}
		reads = append(reads, reading{readKeys.EvalSha(ctx, pipe, names, args...), append(plain, members...)})
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, 0, false, s.failed(ctx, err)
	}
	for n, r := range reads {
		got, err := r.reply.Slice()
		if err != nil {
			return nil, 0, false, s.failed(ctx, err)
		}
		if len(got) == 0 {
			return nil, 0, false, nil
		}
		text, _ := got[0].(string)
		at, good := parseInt([]byte(text))
		if !good || at < 0 || len(got) != 1+len(r.at) {
			return nil, 0, false, s.failed(ctx, errReply)
		}
		if n > 0 && uint64(at) != place {
			return nil, 0, false, nil
		}
		place = uint64(at)
		for j, i := range r.at {
			switch v := got[1+j].(type) {
			case string:
				values[i] = []byte(v)
			case int64:
				if v == 1 {
					values[i] = []byte("1")
				}
			}
		}
	}
	return values, place, true, nil
}

var errStateKey error = &Refused{Reason: "that is no key of the shard's state"}
