// The stop flags of partners: set and lifted by a person, under the epoch like the lines, so that they survive what
// consents survive.

package consent

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// setStop sets or lifts a flag, only in an open store and under its epoch; it counts as a change, so that a store that
// lost it stands behind.
var setStop = redis.NewScript(`
if redis.call('HEXISTS', KEYS[2], 'truth') == 1 then return 'kafka' end
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then return 'nometa' end
if epoch ~= ARGV[1] then return 'epoch' end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local had = redis.call('EXISTS', KEYS[1])
if ARGV[2] == 'stop' then
  redis.call('SET', KEYS[1], now .. ' ' .. ARGV[3])
elseif had == 1 then
  redis.call('DEL', KEYS[1])
end
redis.call('HINCRBY', KEYS[2], 'place', 1)
return now
`)

// Stop parks a partner, within the same bound as a withdrawal. It returns the store's time of the write.
func (s *Store) Stop(ctx context.Context, partner, reason string) (time.Time, error) {
	return s.flag(ctx, partner, "stop", reason)
}

// Resume lifts the flag; one that is not set is no error.
func (s *Store) Resume(ctx context.Context, partner string) (time.Time, error) {
	return s.flag(ctx, partner, "resume", "")
}

func (s *Store) flag(ctx context.Context, partner, act, reason string) (time.Time, error) {
	if !ValidName(partner) {
		return time.Time{}, &Refused{Reason: "that is no partner's name"}
	}
	return s.setFlag(ctx, setStop, stopShard, func(epoch uint64) (string, []any) {
		return stopKey(epoch, partner), []any{act, reason}
	})
}

// setFlag runs a script that changes one key of a shard under the epoch that is open.
func (s *Store) setFlag(
	ctx context.Context, script *redis.Script, shard int, under func(epoch uint64) (key string, args []any),
) (time.Time, error) {
	if s.changelog {
		return time.Time{}, ErrMoved
	}
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	for range askAttempts {
		epoch, client, err := s.openEpoch(ctx, shard)
		if err != nil {
			return time.Time{}, err
		}
		key, args := under(epoch)
		word, err := script.Run(ctx, client, []string{key, metaKeys[shard]}, append([]any{epoch}, args...)...).Text()
		if err != nil {
			return time.Time{}, unreachable(err)
		}
		switch word {
		case "kafka":
			return time.Time{}, ErrMoved
		case "nometa":
			return time.Time{}, ErrNotOpen
		case "epoch":
			continue
		}
		at, ok := parseInt([]byte(word))
		if !ok {
			return time.Time{}, unreachable(errReply)
		}
		return time.UnixMilli(at).UTC(), nil
	}
	return time.Time{}, errBusy
}

// Stopped tells whether a partner is stopped; one small read, with the deadline of an Ask. Every error is a *Sick.
func (s *Store) Stopped(ctx context.Context, partner string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.deadline)
	defer cancel()
	epoch, client, err := s.openEpoch(ctx, stopShard)
	if err == ErrNotOpen {
		return false, s.noMeta()
	}
	if err != nil {
		return false, err
	}
	n, err := client.Exists(ctx, stopKey(epoch, partner)).Result()
	if err != nil {
		return false, s.failed(ctx, err)
	}
	return n > 0, nil
}
