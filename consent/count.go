// Counting and listing what stands in the store, for those who compare it with the changelog or move it there.

package consent

import (
	"context"
	"strings"
)

// Counted is what stands in a shard under the epoch that is open.
type Counted struct{ Lines, Stops, Protected int }

// Count counts what stands in each shard under its open epoch.
func (s *Store) Count(ctx context.Context) ([Shards]Counted, error) {
	var out [Shards]Counted
	metas, err := s.Metas(ctx, allShards)
	if err != nil {
		return out, err
	}
	err = s.scan(ctx, func(shard int, epoch uint64, rest string) error {
		switch {
		case epoch != metas[shard].Epoch:
		case strings.HasPrefix(rest, stopPrefix):
			out[shard].Stops++
		case rest != protectedName:
			out[shard].Lines++
		}
		return nil
	})
	for shard := range out {
		out[shard].Protected = int(metas[shard].Protected)
	}
	return out, err
}

// listBatch bounds the keys that are read and handed over together.
const listBatch = 500

// Item is what a key of the state has in the store.
type Item struct {
	Shard int
	Key   StateKey
	Value []byte
}

// List visits everything that stands under the open epoch of each shard, in batches and in no order; what moves meanwhile
// may come twice. A key that is none of ours is passed over.
func (s *Store) List(ctx context.Context, visit func([]Item) error) error {
	metas, err := s.Metas(ctx, allShards)
	if err != nil {
		return err
	}
	var waiting [Shards][]Item
	flush := func(shard int) error {
		items := waiting[shard]
		if len(items) == 0 {
			return nil
		}
		waiting[shard] = waiting[shard][:0]
		if err := s.readItems(ctx, shard, metas[shard].Epoch, items); err != nil {
			return err
		}
		return visit(items)
	}
	err = s.scan(ctx, func(shard int, epoch uint64, rest string) error {
		if epoch != metas[shard].Epoch {
			return nil
		}
		if rest == protectedName {
			return s.listProtected(ctx, shard, epoch, visit)
		}
		k := ParseStateKey(shard, []byte(rest))
		if k.Kind != StateLine && k.Kind != StateStop {
			return nil
		}
		waiting[shard] = append(waiting[shard], Item{Shard: shard, Key: k})
		if len(waiting[shard]) < listBatch {
			return nil
		}
		return flush(shard)
	})
	for shard := range waiting {
		if err == nil {
			err = flush(shard)
		}
	}
	return err
}

func (s *Store) readItems(ctx context.Context, shard int, epoch uint64, items []Item) error {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return err
	}
	names := make([]string, len(items))
	for i, it := range items {
		names[i] = lineKey(epoch, it.Key.ID)
		if it.Key.Kind == StateStop {
			names[i] = stopKey(epoch, it.Key.Partner)
		}
	}
	values, err := client.MGet(ctx, names...).Result()
	if err != nil {
		return s.failed(ctx, err)
	}
	for i := range items {
		items[i].Value = nil
		if text, ok := values[i].(string); ok {
			items[i].Value = []byte(text)
		}
	}
	return nil
}

func (s *Store) listProtected(ctx context.Context, shard int, epoch uint64, visit func([]Item) error) error {
	client, err := s.master(ctx, metaKeys[shard])
	if err != nil {
		return err
	}
	var cursor uint64
	for {
		members, next, err := s.scanMembers(ctx, client, protectedKey(shard, epoch), cursor)
		if err != nil {
			return err
		}
		var items []Item
		for _, m := range members {
			if id, ok := ParseID([]byte(m)); ok && id.Shard() == shard {
				items = append(items, Item{Shard: shard, Key: StateKey{Kind: StateProtected, ID: id}, Value: []byte("1")})
			}
		}
		if len(items) > 0 {
			if err := visit(items); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}
