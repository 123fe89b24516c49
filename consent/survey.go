// Looking through the whole store: for a comparison with the log, and for moving a single store over.

package consent

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Survey visits every line and stop flag of every epoch, under its key of the state topic. What is written meanwhile may
// be visited or not, and a key twice.
func (s *Store) Survey(ctx context.Context, visit func(shard int, epoch uint64, key string) error) error {
	return s.scan(ctx, func(shard int, epoch uint64, rest string) error {
		switch ParseStateKey(shard, []byte(rest)).Kind {
		case StateLine, StateStop:
			return visit(shard, epoch, rest)
		}
		return nil
	})
}

// ProtectedOf lists the protected subjects of a shard under an epoch.
func (s *Store) ProtectedOf(ctx context.Context, shard int, epoch uint64) ([]ID, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return nil, err
	}
	members, err := client.SMembers(ctx, protectedKey(shard, epoch)).Result()
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	var ids []ID
	for _, m := range members {
		if id, ok := ParseID([]byte(m)); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Values reads lines and stop flags of a shard under an epoch, open or not: values[i] belongs to keys[i], nil for none.
func (s *Store) Values(ctx context.Context, shard int, epoch uint64, keys []string) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return nil, err
	}
	pipe := client.Pipeline()
	gets := make([]*redis.StringCmd, len(keys))
	prefix := string(appendEpochPrefix(nil, shard, epoch))
	for i, key := range keys {
		gets[i] = pipe.Get(ctx, prefix+key)
	}
	if len(keys) > 0 {
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, s.failed(ctx, err)
		}
	}
	values := make([][]byte, len(keys))
	for i, g := range gets {
		b, err := g.Bytes()
		switch {
		case errors.Is(err, redis.Nil):
		case err != nil:
			return nil, s.failed(ctx, err)
		default:
			values[i] = b
		}
	}
	return values, nil
}
