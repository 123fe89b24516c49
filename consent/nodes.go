// Which server holds which shards. What is read together of a shard (lines, meta, the server's name and clock) comes from
// one server over one connection; so questions are put to each server by itself, and never to "the Cluster".

package consent

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// node is a server and those of the wanted shards that it holds.
type node struct {
	client *redis.Client
	shards []int
}

var allShards = func() []int {
	all := make([]int, Shards)
	for i := range all {
		all[i] = i
	}
	return all
}()

// nodesOf finds the masters of shards.
func (s *Store) nodesOf(ctx context.Context, shards []int) ([]node, error) {
	if s.cluster == nil {
		return []node{{s.client, shards}}, nil
	}
	var nodes []node
next:
	for _, shard := range shards {
		client, err := s.cluster.MasterForKey(ctx, metaKeys[shard])
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		for i := range nodes {
			if nodes[i].client == client {
				nodes[i].shards = append(nodes[i].shards, shard)
				continue next
			}
		}
		nodes = append(nodes, node{client, []int{shard}})
	}
	return nodes, nil
}

// master is the server that holds a key.
func (s *Store) master(ctx context.Context, key string) (*redis.Client, error) {
	if s.cluster == nil {
		return s.client, nil
	}
	client, err := s.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return client, nil
}

// failed makes a *Sick of a server's error. The shards may have moved: the next call looks where they are.
func (s *Store) failed(ctx context.Context, err error) *Sick {
	var already *Sick
	if errors.As(err, &already) {
		return already
	}
	if s.cluster != nil {
		s.cluster.ReloadState(ctx)
	}
	return unreachable(err)
}

// onNodes does f with each server that holds one of the shards, at the same time, and gives the first error.
func (s *Store) onNodes(ctx context.Context, shards []int, f func(context.Context, node) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	nodes, err := s.nodesOf(ctx, shards)
	if err != nil {
		return err
	}
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = f(ctx, n) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return s.failed(ctx, err)
		}
	}
	return nil
}
