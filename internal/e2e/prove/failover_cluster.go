package main

// The store as a Cluster of three masters forgets: a master dies before its replica knew, comes back old or empty, or is
// emptied. Opt-outs are of people of several shards.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/consentry/consentry/internal/testbed"
)

var clusterScenarios = []truthScenario{
	{name: "cluster: master killed, replication cut before", lacks: true, act: clusterMasterKilled, mend: clusterWhole},
	{name: "cluster: master restarted from an old copy", lacks: true, act: clusterRestored(true), mend: clusterWhole},
	{name: "cluster: master restarted empty", lacks: true, act: clusterRestored(false), mend: clusterWhole},
	{name: "cluster: FLUSHALL of one node", lacks: true, act: flushed},
}

func cluster(ctx context.Context, r *report) error {
	return truthProof(ctx, r, testbed.RedisCluster, 1, clusterScenarios)
}

// across opts five people of other shards out, who make events with the first.
func (t *truthStage) across(ctx context.Context, c *players) error {
	all := []int{c.who}
	for shard := range t.shards {
		if len(all) == 6 {
			break
		}
		for _, who := range t.shards[(c.id.Shard()+11*shard+1)%len(t.shards)] {
			if !t.used[who] {
				t.used[who] = true
				all = append(all, who)
				break
			}
		}
	}
	t.flow.focus(all)
	for _, who := range all[1:] {
		if _, err := t.leave(ctx, who); err != nil {
			return err
		}
	}
	return nil
}

func clusterMasterKilled(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	master, replicas, err := t.h.TB.Cluster.Master(ctx, metaKey(c.id.Shard()))
	if err != nil {
		return err
	}
	if len(replicas) != 1 {
		return errors.New("the master has no replica")
	}
	if err := replicas[0].CutReplication(ctx); err != nil {
		return err
	}
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	if err := t.across(ctx, c); err != nil {
		return err
	}
	run.fault = time.Now()
	if err := master.Kill(); err != nil {
		return err
	}
	run.lacked, err = t.promotedLacks(ctx, replicas[0], c.who)
	run.promoted = time.Since(run.fault)
	return err
}

// clusterRestored brings a master back, whose replica is down, with its files of before the opt-out or with none.
func clusterRestored(old bool) func(context.Context, *truthStage, *players, *truthRun) error {
	return func(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
		master, replicas, err := t.h.TB.Cluster.Master(ctx, metaKey(c.id.Shard()))
		if err != nil {
			return err
		}
		files := filepath.Join(t.h.Dir, "old-"+c.id.String())
		if err := os.CopyFS(files, os.DirFS(master.DataDir())); err != nil {
			return err
		}
		if !old {
			// Only who it is in the Cluster stays.
			if err := errors.Join(os.RemoveAll(filepath.Join(files, "appendonlydir")), os.RemoveAll(filepath.Join(files, "dump.rdb"))); err != nil {
				return err
			}
		}
		if err := run.opt(ctx, t, c); err != nil {
			return err
		}
		if err := t.across(ctx, c); err != nil {
			return err
		}
		for _, r := range replicas {
			if err := r.Kill(); err != nil {
				return err
			}
		}
		run.fault = time.Now()
		return t.comesBack(ctx, master, files, c, run)
	}
}

// clusterWhole starts what is down and lets replicas find their masters.
func clusterWhole(ctx context.Context, t *truthStage) error {
	for _, n := range t.h.TB.Cluster.Nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
		if err := n.HealReplication(ctx); err != nil {
			return err
		}
	}
	return t.h.TB.Cluster.Settled(ctx)
}
