// What a worker believes when a master dies, on real servers behind Sentinels and in a Cluster: never a promoted replica
// or an old master, until the owner has replayed the changelog onto it and vouched for it.

package consent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func startForm(t *testing.T, form string) *testbed.Testbed {
	t.Helper()
	tb, err := testbed.Start(t.Context(), testbed.Options{Parts: []string{testbed.PartRedis}, Redis: form})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Close(); err != nil {
			t.Error(err)
		}
	})
	return tb
}

func openForm(t *testing.T, tb *testbed.Testbed) *consent.Store {
	t.Helper()
	o := consent.Options{Changelog: true, StaleAfter: time.Hour, Deadline: time.Second}
	if tb.Cluster != nil {
		o.Cluster = tb.Cluster.Addrs()
	} else {
		o.Sentinel = &consent.Sentinel{Master: testbed.SentinelMaster, Nodes: tb.Sentinels.Addrs()}
	}
	s, err := consent.Open(o)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// await asks until f is content; the test's own deadline ends it.
func await(t *testing.T, what string, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// holder gives the master of a shard's keys and its replica.
func holder(t *testing.T, tb *testbed.Testbed, shard int) (master, replica *testbed.Redis) {
	t.Helper()
	var err error
	if tb.Cluster != nil {
		var replicas []*testbed.Redis
		master, replicas, err = tb.Cluster.Master(t.Context(), fmt.Sprintf("consentry:{%02d}:meta", shard))
		must(t, err)
		return master, append(replicas, nil)[0]
	}
	master, err = tb.Sentinels.Master(t.Context())
	must(t, err)
	return master, tb.Sentinels.Other(master)
}

func TestFailover(t *testing.T) {
	for _, form := range []string{testbed.RedisSentinel, testbed.RedisCluster} {
		t.Run(form, func(t *testing.T) { failover(t, startForm(t, form)) })
	}
}

func failover(t *testing.T, tb *testbed.Testbed) {
	owner, worker := openForm(t, tb), openForm(t, tb)
	openAll(t, owner, 7, 0)
	id := subject(1)
	shard := id.Shard()
	granted := consent.ShardBatch{Shard: shard, Epoch: 7, To: 1, Ops: []consent.Op{lineOp(0, id, "acme/ads:location@1000-")}}
	project(t, owner, granted)
	vouch(t, owner)
	var snap consent.Snapshot
	answer := func() (consent.Answer, error) {
		if err := worker.Ask(t.Context(), "acme", []consent.ID{id}, &snap); err != nil {
			return consent.Unknown, err
		}
		a, _, _ := consent.Judge(snap.Lines[0], ads, 2000, consent.LineSince{}, snap.StoreMS)
		return a, nil
	}
	if a, err := answer(); a != consent.Given {
		t.Fatalf("before: %d, %v", a, err)
	}
	master, replica := holder(t, tb, shard)
	line := fmt.Sprintf("consentry:{%02d}:7:%s", shard, id)
	await(t, "the replica gets the grant", func() error { return wantLine(t, replica, line, "acme/ads:location@1000-") })
	must(t, replica.CutReplication(t.Context()))
	withdrawn := consent.ShardBatch{Shard: shard, Epoch: 7, From: 1, To: 2, Ops: []consent.Op{lineOp(1, id, "acme/adsX5000")}}
	project(t, owner, withdrawn)
	vouch(t, owner)
	if a, err := answer(); a != consent.Withdrawn {
		t.Fatalf("acknowledged: %d, %v", a, err)
	}
	must(t, master.Kill())
	await(t, "the replica is promoted", func() error {
		role, err := replica.Do(t.Context(), "ROLE")
		if err == nil && !strings.HasPrefix(role, "master") {
			err = errors.New("not yet")
		}
		return err
	})
	must(t, wantLine(t, replica, line, "acme/ads:location@1000-")) // without the withdrawal
	await(t, "the owner reaches the new master", func() error {
		a, err := answer()
		if err == nil {
			t.Fatalf("answered %d by a master for which nobody vouched", a)
		}
		m, err := owner.Metas(t.Context(), []int{shard})
		if err == nil && (m[0].Place != 1 || m[0].Run == m[0].NodeRun) {
			err = errors.New("not yet")
		}
		return err
	})
	// A worker that has not seen the withdrawal's place relies on the server's name alone.
	fresh := openForm(t, tb)
	await(t, "a fresh worker reaches it", func() error {
		err := fresh.Ask(t.Context(), "acme", []consent.ID{id}, new(consent.Snapshot))
		if c := cause(t, err); c != "redis_stale" {
			return fmt.Errorf("%q: %w", c, err)
		}
		return nil
	})
	// Vouching for the old place does not help those who have seen more.
	vouch(t, owner)
	if _, err := answer(); cause(t, err) != "redis_wiped" {
		t.Fatalf("vouched for without a replay: %v", err)
	}
	project(t, owner, withdrawn)
	vouch(t, owner)
	if a, err := answer(); a != consent.Withdrawn {
		t.Fatalf("after the replay: %d, %v", a, err)
	}
	// The old master comes back as a replica and is not asked.
	must(t, replica.HealReplication(t.Context()))
	must(t, master.Start(t.Context()))
	await(t, "the old master follows", func() error { return wantLine(t, master, line, "acme/adsX5000") })
	if a, err := answer(); a != consent.Withdrawn {
		t.Fatalf("at the end: %d, %v", a, err)
	}
	if problems, err := worker.Unsafe(t.Context()); err != nil || len(problems) > 0 {
		t.Fatalf("%v, %v", problems, err)
	}
}

func wantLine(t *testing.T, r *testbed.Redis, key, want string) error {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.Addr, Protocol: 2, DisableIdentity: true})
	defer client.Close()
	if err := client.Do(t.Context(), "readonly").Err(); err != nil && !strings.Contains(err.Error(), "cluster") {
		return err
	}
	conn := client.Conn()
	defer conn.Close()
	_ = conn.Do(t.Context(), "readonly").Err() // of a Cluster's replica; elsewhere an error without meaning
	got, err := conn.Get(t.Context(), key).Result()
	if err == nil && got != want {
		err = fmt.Errorf("it has %q", got)
	}
	return err
}

// An old master that goes on answering is believed until the owner's last beat there is stale, and no longer.
func TestPartitionedMaster(t *testing.T) {
	tb := startForm(t, testbed.RedisSentinel)
	owner := openForm(t, tb)
	openAll(t, owner, 7, 0)
	vouch(t, owner)
	untold := openForm(t, tb)
	wantCause(t, untold, "")
	old, promoted, err := tb.Sentinels.Partition(t.Context())
	must(t, err)
	stuck, err := consent.Open(consent.Options{URL: "redis://" + old.Addr, Changelog: true, StaleAfter: 100 * time.Millisecond, Deadline: slow})
	must(t, err)
	defer stuck.Close()
	await(t, "the old master's beat grows stale", func() error {
		if c := cause(t, stuck.Ask(t.Context(), "acme", nil, new(consent.Snapshot))); c != "redis_stale" {
			return fmt.Errorf("%q", c)
		}
		return nil
	})
	if master, err := tb.Sentinels.Master(t.Context()); err != nil || master != promoted {
		t.Fatalf("the Sentinels name another: %v", err)
	}
	wantCause(t, openForm(t, tb), "redis_stale")
	// Who is connected to the old one, and was not told, asks the Sentinels again by itself.
	await(t, "an untold worker asks the new master", func() error {
		if c := cause(t, untold.Ask(t.Context(), "acme", nil, new(consent.Snapshot))); c != "redis_stale" {
			return fmt.Errorf("%q", c)
		}
		return nil
	})
	vouch(t, stuck) // the owner on the wrong side of the network vouches on, for a store that nobody else is told of
	wantCause(t, openForm(t, tb), "redis_stale")
}

// A master that gives way in good order sends its clients to the new one at once (MOVED).
func TestMovedShards(t *testing.T) {
	tb := startForm(t, testbed.RedisCluster)
	owner, worker := openForm(t, tb), openForm(t, tb)
	openAll(t, owner, 7, 0)
	vouch(t, owner)
	wantCause(t, worker, "")
	_, replica := holder(t, tb, 0)
	if _, err := replica.Do(t.Context(), "CLUSTER", "FAILOVER"); err != nil {
		t.Fatal(err)
	}
	await(t, "the replica is promoted", func() error {
		if master, _ := holder(t, tb, 0); master != replica {
			return errors.New("not yet")
		}
		return nil
	})
	await(t, "the worker asks the new master", func() error {
		if c := cause(t, worker.Ask(t.Context(), "acme", nil, new(consent.Snapshot))); c != "redis_stale" {
			return fmt.Errorf("%q", c)
		}
		return nil
	})
	await(t, "the owner finds it", func() error {
		m, err := owner.Metas(t.Context(), []int{0})
		if err == nil && m[0].Run == m[0].NodeRun {
			err = errors.New("not yet")
		}
		return err
	})
	vouch(t, owner)
	wantCause(t, worker, "")
	must(t, owner.Survey(t.Context(), func(shard int, _ uint64, key string) error {
		return fmt.Errorf("shard %d has %s", shard, key)
	}))
}
