// Filling an epoch from the state topic, beside the open one or into an empty store, and switching to it; taking a single
// store out of use before it is moved over; and clearing away what is left of epochs that are past.

package consent

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// beginFill names the epoch to build; one that is being built goes on, unless the server has dropped keys meanwhile.
var beginFill = redis.NewScript(`
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch', 'building', 'building_place', 'building_dropped')
if m[1] == 'kafka' and m[2] and tonumber(m[2]) >= tonumber(ARGV[1]) then return 'live' end
if m[3] == ARGV[1] and m[4] and not m[5] then return m[4] end
redis.call('HSET', KEYS[1], 'building', ARGV[1], 'building_place', '0')
redis.call('HDEL', KEYS[1], 'building_dropped')
return '0'
`)

// BeginFill begins to build an epoch of a shard, or finds how far that has come: the place from which to Project with
// Building set. live means that this epoch, or a later one, is open.
func (s *Store) BeginFill(ctx context.Context, shard int, epoch uint64) (place uint64, live bool, err error) {
	word, err := s.shardScript(ctx, beginFill, shard, []string{metaKeys[shard]}, epoch)
	if err != nil || word == "live" {
		return 0, word == "live", err
	}
	v, ok := parseInt([]byte(word))
	if !ok || v < 0 {
		return 0, false, s.failed(ctx, errReply)
	}
	return uint64(v), false, nil
}

// flip opens the epoch that was built, only if it stands at this place and nothing of it can have been dropped. Nobody has
// vouched for it then.
var flip = redis.NewScript(`
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch', 'building', 'building_place', 'building_dropped')
if m[1] == 'kafka' and m[2] == ARGV[1] then return 'ok' end
if m[3] ~= ARGV[1] or m[4] ~= ARGV[2] then return 'moved' end
if m[1] == 'kafka' and m[2] and tonumber(m[2]) > tonumber(ARGV[1]) then return 'moved' end
if m[5] or not string.find(redis.call('INFO', 'stats'), '\nevicted_keys:0\r', 1, true) then
  redis.call('HDEL', KEYS[1], 'building', 'building_place', 'building_dropped')
  return 'moved'
end
redis.call('HSET', KEYS[1], 'truth', 'kafka', 'epoch', ARGV[1], 'place', ARGV[2], 'protected', redis.call('SCARD', KEYS[2]))
redis.call('HDEL', KEYS[1], 'building', 'building_place', 'beat', 'run', 'group', 'accepting', 'dropped')
return 'ok'
`)

// Flip opens the epoch that was built, if it has come to place; one of which the server may have dropped keys is thrown
// away. Workers park until it has been vouched for (Beat). It answers true also for one that is open already.
func (s *Store) Flip(ctx context.Context, shard int, epoch, place uint64) (bool, error) {
	word, err := s.shardScript(ctx, flip, shard, []string{metaKeys[shard], protectedKey(shard, epoch)}, epoch, place)
	return word == "ok", err
}

// shut takes a shard of a single store out of use: its compare-and-set refuses from then on. Workers go on reading.
var shut = redis.NewScript(`
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch')
if m[1] == 'kafka' then return 'ok' end
if not m[2] then return 'closed' end
redis.call('HSET', KEYS[1], 'truth', 'shut')
return 'ok'
`)

// Shut makes a shard of a single store refuse every change, for ever. One that is not open is being accepted, and its
// lines stand where nobody would look for them: it is refused.
func (s *Store) Shut(ctx context.Context, shard int) error {
	word, err := s.shardScript(ctx, shut, shard, []string{metaKeys[shard]})
	if err == nil && word == "closed" {
		return errBeingAccepted
	}
	return err
}

var errBeingAccepted error = &Refused{Reason: "the single store is not open: let consentry consent accept-epoch finish with the former " +
	"configuration, which has no consent.changelog, then run this again"}

func (s *Store) shardScript(ctx context.Context, script *redis.Script, shard int, keys []string, args ...any) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return "", err
	}
	word, err := script.Run(ctx, client, keys, args...).Text()
	if err != nil {
		return "", s.failed(ctx, err)
	}
	return word, nil
}

// unlinkPast deletes keys of one epoch, unless it is open or being built.
var unlinkPast = redis.NewScript(`
local m = redis.call('HMGET', KEYS[1], 'truth', 'epoch', 'building')
if m[1] ~= 'kafka' or m[2] == ARGV[1] or m[3] == ARGV[1] then return 'kept' end
redis.call('UNLINK', unpack(KEYS, 2))
return 'ok'
`)

// UnlinkPast deletes what stands under other epochs than those that are open or being built, of shards whose truth is in
// Kafka, and says how many keys that were. told is told the number so far; it may be nil.
func (s *Store) UnlinkPast(ctx context.Context, told func(int)) (int, error) {
	metas, err := s.Metas(ctx, allShards)
	if err != nil {
		return 0, err
	}
	total := 0
	type past struct {
		shard int
		epoch uint64
	}
	waiting := map[past][]string{}
	flush := func(p past) error {
		keys := append([]string{metaKeys[p.shard]}, waiting[p]...)
		word, err := s.shardScript(ctx, unlinkPast, p.shard, keys, p.epoch)
		if err != nil {
			return err
		}
		if word == "ok" {
			total += len(waiting[p])
		}
		delete(waiting, p)
		if told != nil {
			told(total)
		}
		return nil
	}
	err = s.scan(ctx, func(shard int, epoch uint64, rest string) error {
		m := &metas[shard]
		if !m.Kafka || epoch == m.Epoch || epoch == m.Building {
			return nil
		}
		p := past{shard, epoch}
		waiting[p] = append(waiting[p], string(appendEpochPrefix(nil, shard, epoch))+rest)
		if len(waiting[p]) < moveBatch {
			return nil
		}
		return flush(p)
	})
	for p := range waiting {
		if err != nil {
			break
		}
		err = flush(p)
	}
	return total, err
}
