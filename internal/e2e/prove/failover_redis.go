package main

// The store behind Sentinels forgets: its master dies before the replica knew, is emptied, comes back old, or goes on
// answering when another has its place.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/consentry/consentry/internal/testbed"
)

// errNotPromoted says that the Sentinels found nobody to promote: such a run shows nothing, and another takes its place.
var errNotPromoted = errors.New("is not promoted")

// opt withdraws everything of the run's person.
func (run *truthRun) opt(ctx context.Context, t *truthStage, c *players) (err error) {
	began := time.Now()
	run.acked, err = t.leave(ctx, c.who)
	run.ackTook = time.Since(began)
	return err
}

// cutOff opts the person out behind the back of the replica and shows that it does not know.
func (run *truthRun) cutOff(ctx context.Context, t *truthStage, c *players) (master, replica *testbed.Redis, err error) {
	if master, err = t.h.TB.Sentinels.Master(ctx); err != nil {
		return nil, nil, err
	}
	replica = t.h.TB.Sentinels.Other(master)
	if err = replica.CutReplication(ctx); err != nil {
		return nil, nil, err
	}
	return master, replica, run.opt(ctx, t, c)
}

func masterKilled(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	master, replica, err := run.cutOff(ctx, t, c)
	if err != nil {
		return err
	}
	run.fault = time.Now()
	if err := master.Kill(); err != nil {
		return err
	}
	run.lacked, err = t.promotedLacks(ctx, replica, c.who)
	run.promoted = time.Since(run.fault)
	return err
}

// promotedLacks waits until a server is a master and tells whether its line still is the old one at that moment.
func (t *truthStage) promotedLacks(ctx context.Context, node *testbed.Redis, who int) (bool, error) {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		role, err := node.Do(ctx, "ROLE")
		if err == nil && strings.HasPrefix(role, "master") {
			out, err := t.optedOut(ctx, node, who)
			return !out, err
		}
		if err := hold(ctx, 2*time.Millisecond); err != nil {
			return false, err
		}
	}
	return false, fmt.Errorf("%s: %w", node.Name(), errNotPromoted)
}

// flushed empties the master, and by it the replica.
func flushed(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	node, err := t.holder(ctx, c.id.Shard())
	if err != nil {
		return err
	}
	run.fault = time.Now()
	if _, err := node.Do(ctx, "FLUSHALL"); err != nil {
		return err
	}
	out, err := t.optedOut(ctx, node, c.who)
	run.lacked = !out
	return err
}

// restoredOld brings the master back with its files of before the opt-out, and the replica empty.
func restoredOld(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	master, err := t.h.TB.Sentinels.Master(ctx)
	if err != nil {
		return err
	}
	replica := t.h.TB.Sentinels.Other(master)
	old := filepath.Join(t.h.Dir, fmt.Sprint("old-", c.id))
	if err := os.CopyFS(old, os.DirFS(master.DataDir())); err != nil {
		return err
	}
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	run.fault = time.Now()
	if err := replica.Kill(); err != nil {
		return err
	}
	return t.comesBack(ctx, master, old, c, run)
}

// comesBack kills a server and starts it again with other files; it looks at the person's line as soon as that answers.
func (t *truthStage) comesBack(ctx context.Context, node *testbed.Redis, files string, c *players, run *truthRun) error {
	if err := node.Kill(); err != nil {
		return err
	}
	if err := os.RemoveAll(node.DataDir()); err != nil {
		return err
	}
	if err := os.CopyFS(node.DataDir(), os.DirFS(files)); err != nil {
		return err
	}
	seen := make(chan error, 1)
	go func() {
		deadline := time.Now().Add(30 * time.Second)
		for {
			out, err := t.optedOut(ctx, node, c.who)
			if err == nil || time.Now().After(deadline) {
				run.lacked = err == nil && !out
				seen <- err
				return
			}
		}
	}()
	if err := node.Start(ctx); err != nil {
		return err
	}
	return <-seen
}

// shunned parts the old master from the Sentinels only: it knows nobody new any more, and they name the other, which does
// not know of the opt-out. Whoever is connected to the old one is answered by it, as before.
func shunned(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	master, replica, err := run.cutOff(ctx, t, c)
	if err != nil {
		return err
	}
	run.fault = time.Now()
	if err := shun(master); err != nil {
		return err
	}
	if run.lacked, err = t.promotedLacks(ctx, replica, c.who); err != nil {
		return err
	}
	run.promoted = time.Since(run.fault)
	return t.second(ctx, c)
}

// shun makes a server ask newcomers for a password that nobody has, and sends the Sentinels away: they come as newcomers.
func shun(node *testbed.Redis) error {
	conn, err := net.DialTimeout("tcp", node.Addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	call := func(line string) (string, error) {
		if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
			return "", err
		}
		reply, err := resp(r)
		text, _ := reply.(string)
		return text, err
	}
	if _, err := call("CONFIG SET requirepass nobody"); err != nil {
		return err
	}
	clients, err := call("CLIENT LIST")
	if err != nil {
		return err
	}
	for client := range strings.Lines(clients) {
		if id, _, _ := strings.Cut(strings.TrimPrefix(client, "id="), " "); strings.Contains(client, " name=sentinel-") {
			if _, err := call("CLIENT KILL ID " + id); err != nil {
				return err
			}
		}
	}
	return nil
}

// parted leaves the old master running and answering while the Sentinels name the other, which does not know of the
// opt-out, and tells the workers nothing: they stay where they are until they ask by themselves. The owner comes to the
// new one first.
func parted(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	if _, _, err := run.cutOff(ctx, t, c); err != nil {
		return err
	}
	run.fault = time.Now()
	_, promoted, err := t.h.TB.Sentinels.Partition(ctx)
	if err != nil {
		return err
	}
	out, err := t.optedOut(ctx, promoted, c.who)
	if err != nil {
		return err
	}
	run.lacked = !out
	if err := t.owners[0].Kill(); err != nil {
		return err
	}
	if err := t.owners[0].Start(); err != nil {
		return err
	}
	return t.second(ctx, c)
}

// second opts another person out on the new master, of which the old one never hears.
func (t *truthStage) second(ctx context.Context, c *players) error {
	second := -1
	for _, who := range t.shards[c.id.Shard()] {
		if c.others[t.flow.subject(who)] && second < 0 {
			second = who
		}
	}
	delete(c.others, t.flow.subject(second))
	t.used[second] = true
	t.flow.focus([]int{c.who, second})
	return await(ctx, 30*time.Second, "an opt-out on the new master", func() (bool, error) {
		_, err := t.leave(ctx, second)
		return err == nil, err
	})
}

// sentinelsWhole starts what is down and makes the server that the Sentinels do not name the other's replica.
func sentinelsWhole(ctx context.Context, t *truthStage) error {
	s := t.h.TB.Sentinels
	var master *testbed.Redis
	if err := await(ctx, 30*time.Second, "a master", func() (bool, error) {
		var err error
		master, err = s.Master(ctx)
		return err == nil, err
	}); err != nil {
		return err
	}
	replica := s.Other(master)
	for _, n := range s.Nodes {
		if _, err := n.Do(ctx, "PING"); err != nil {
			// It is down, or wants a password until it starts again.
			if err := errors.Join(n.Stop(), n.Start(ctx)); err != nil {
				return err
			}
		}
	}
	for _, n := range s.Nodes {
		if err := n.HealReplication(ctx); err != nil {
			return err
		}
	}
	host, port, _ := strings.Cut(master.Addr, ":")
	if _, err := replica.Do(ctx, "REPLICAOF", host, port); err != nil {
		return err
	}
	return s.Settled(ctx)
}
