// Protected subjects: whose events are kept from every partner, whatever their line says. A set per shard, under the
// epoch like the lines, and its size in the meta, so that a batch asks for it only where there are any.

package consent

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

func protectedKey(shard int, epoch uint64) string {
	return string(appendEpochPrefix(nil, shard, epoch)) + protectedName
}

const protectedName = "protected"

// setProtected adds or removes a subject, only in an open single store and under its epoch; it counts as a change.
var setProtected = redis.NewScript(`
local m = redis.call('HMGET', KEYS[2], 'epoch', 'truth')
if m[2] then return 'kafka' end
if not m[1] then return 'nometa' end
if m[1] ~= ARGV[1] then return 'epoch' end
local t = redis.call('TIME')
redis.call(ARGV[2], KEYS[1], ARGV[3])
redis.call('HSET', KEYS[2], 'protected', redis.call('SCARD', KEYS[1]))
redis.call('HINCRBY', KEYS[2], 'place', 1)
return string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
`)

// Protect protects a subject in a single store, or no longer. It returns the store's time of the write.
func (s *Store) Protect(ctx context.Context, id ID, on bool) (time.Time, error) {
	act := "SREM"
	if on {
		act = "SADD"
	}
	return s.setFlag(ctx, setProtected, id.Shard(), func(epoch uint64) (string, []any) {
		return protectedKey(id.Shard(), epoch), []any{act, id.String()}
	})
}

// Protected tells whether a subject is protected.
func (s *Store) Protected(ctx context.Context, id ID) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	epoch, client, err := s.openEpoch(ctx, id.Shard())
	if err != nil {
		return false, err
	}
	on, err := client.SIsMember(ctx, protectedKey(id.Shard(), epoch), id.String()).Result()
	if err != nil {
		return false, s.failed(ctx, err)
	}
	return on, nil
}
