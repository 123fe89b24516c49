// Redis behind Sentinels: three of them, a master and a replica, in the clear.

package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SentinelMaster is the name under which the Sentinels know the master.
const SentinelMaster = "consentry"

const sentinelCount = 3

// Sentinels are the servers behind them, the master of the beginning first, and the Sentinels.
type Sentinels struct {
	Nodes []*Redis // redis-1, redis-2
	Watch []*Redis // sentinel-1 to sentinel-3
}

// down-after is short for tests; under two seconds of it a failover reads back.
const sentinelConf = `bind 127.0.0.1
port %[1]d
dir %[2]s
sentinel monitor %[3]s 127.0.0.1 %[4]d 2
sentinel down-after-milliseconds %[3]s 1000
sentinel failover-timeout %[3]s 4000
sentinel parallel-syncs %[3]s 1
`

// A replica takes over at once what it is told; the backlog is small, for there is little data.
const replicatedConf = `repl-diskless-sync-delay 0
repl-timeout 5
repl-ping-replica-period 1
`

func newSentinels(t *Testbed) (*Sentinels, error) {
	if t.Secure != nil {
		return nil, errors.New("the secure testbed has one Redis: leave --redis away")
	}
	ports, err := freePorts(2 + sentinelCount)
	if err != nil {
		return nil, err
	}
	s := &Sentinels{}
	for i := range 2 {
		extra := replicatedConf
		if i > 0 {
			extra += fmt.Sprintf("replicaof 127.0.0.1 %d\n", ports[0])
		}
		r, err := newRedisNode(t, fmt.Sprintf("redis-%d", i+1), ports[i], extra)
		if err != nil {
			return nil, err
		}
		s.Nodes = append(s.Nodes, r)
	}
	for i := range sentinelCount {
		name, port := fmt.Sprintf("sentinel-%d", i+1), ports[2+i]
		dir := filepath.Join(t.Dir, name)
		conf := filepath.Join(dir, "sentinel.conf")
		write := func(context.Context) error {
			text := fmt.Sprintf(sentinelConf, port, dir, SentinelMaster, ports[0])
			return os.WriteFile(conf, []byte(text), 0o600)
		}
		if err := errors.Join(os.MkdirAll(dir, 0o700), write(context.Background())); err != nil {
			return nil, err
		}
		r := &Redis{Addr: address(port)}
		r.Process = &Process{
			name: name, dir: dir, pids: t.Dir, argv: []string{"redis-server", conf, "--sentinel"}, wipe: write,
			ready: func(ctx context.Context) error { return ping(ctx, r.Addr, nil) },
		}
		s.Watch = append(s.Watch, r)
	}
	return s, nil
}

// start starts the servers, then the Sentinels, which find a replica that is there at once and a later one in ten seconds.
func (s *Sentinels) start(ctx context.Context) error {
	if err := startNodes(ctx, s.Nodes); err != nil {
		return err
	}
	if err := until(ctx, "the replica does not follow", func(ctx context.Context) error {
		return s.Nodes[1].wantInfo(ctx, "master_link_status", "up")
	}); err != nil {
		return err
	}
	if err := startNodes(ctx, s.Watch); err != nil {
		return err
	}
	return s.Settled(ctx)
}

// Settled waits until every Sentinel knows the others and a replica that follows its master.
func (s *Sentinels) Settled(ctx context.Context) error {
	return until(ctx, "the Sentinels do not find each other", func(ctx context.Context) error {
		for _, w := range s.Watch {
			text, err := w.Do(ctx, "SENTINEL", "MASTER", SentinelMaster)
			if err != nil {
				return err
			}
			fields := pairs(text)
			if fields["num-other-sentinels"] != "2" || fields["num-slaves"] != "1" || fields["flags"] != "master" {
				return errors.New("not all are known")
			}
			replica, err := w.Do(ctx, "SENTINEL", "REPLICAS", SentinelMaster)
			if err != nil {
				return err
			}
			if f := pairs(replica); f["master-link-status"] != "ok" || f["flags"] != "slave" {
				return errors.New("the replica is not seen to follow")
			}
		}
		return nil
	})
}

// pairs reads names and values, one a line.
func pairs(text string) map[string]string {
	lines := strings.Split(text, "\n")
	out := map[string]string{}
	for i := 0; i+1 < len(lines); i += 2 {
		out[lines[i]] = lines[i+1]
	}
	return out
}

// Addrs are the Sentinels' addresses.
func (s *Sentinels) Addrs() []string { return addrs(s.Watch) }

// Master is the server that the Sentinels name, by most of those that answer.
func (s *Sentinels) Master(ctx context.Context) (*Redis, error) {
	votes := map[string]int{}
	for _, w := range s.Watch {
		text, err := w.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelMaster)
		if err == nil {
			votes[strings.Replace(text, "\n", ":", 1)]++
		}
	}
	for _, n := range s.Nodes {
		if votes[n.Addr] >= 2 {
			return n, nil
		}
	}
	return nil, errors.New("the Sentinels do not agree on a master")
}

// Other is the server that is not n.
func (s *Sentinels) Other(n *Redis) *Redis {
	if n == s.Nodes[0] {
		return s.Nodes[1]
	}
	return s.Nodes[0]
}

// Partition leaves the master running as one that still answers and makes its replica the master that the Sentinels name,
// as when the network parts the old one from them. It returns both. What the replica had not yet got it lacks; cut its
// replication before a write to be sure of that.
func (s *Sentinels) Partition(ctx context.Context) (old, promoted *Redis, err error) {
	if old, err = s.Master(ctx); err != nil {
		return nil, nil, err
	}
	promoted = s.Other(old)
	if err := promoted.CutReplication(ctx); err != nil {
		return nil, nil, err
	}
	if _, err := promoted.Do(ctx, "REPLICAOF", "NO", "ONE"); err != nil {
		return nil, nil, err
	}
	host, port, _ := strings.Cut(promoted.Addr, ":")
	for _, w := range s.Watch {
		for _, c := range [][]string{
			{"SENTINEL", "REMOVE", SentinelMaster},
			{"SENTINEL", "MONITOR", SentinelMaster, host, port, "2"},
		} {
			if _, err := w.Do(ctx, c...); err != nil {
				return nil, nil, err
			}
		}
	}
	return old, promoted, nil
}
