// A Redis Cluster: three masters, each with a replica, in the clear.

package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Cluster is its servers: redis-1 to redis-3 begin as masters, redis-4 to redis-6 as replicas.
type Cluster struct {
	Nodes []*Redis

	made bool
}

const (
	clusterMasters = 3
	clusterNodes   = 6
)

// A replica stands for election however old its data is: that is what a deployment does which wants to be there again.
const clusterConf = replicatedConf + `cluster-enabled yes
cluster-port %d
cluster-config-file nodes.conf
cluster-node-timeout 1000
cluster-replica-validity-factor 0
`

func newCluster(t *Testbed) (*Cluster, error) {
	if t.Secure != nil {
		return nil, errors.New("the secure testbed has one Redis: leave --redis away")
	}
	ports, err := freePorts(2 * clusterNodes)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i := range clusterNodes {
		r, err := newRedisNode(t, fmt.Sprintf("redis-%d", i+1), ports[i], fmt.Sprintf(clusterConf, ports[clusterNodes+i]))
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, r)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := startNodes(ctx, c.Nodes); err != nil {
		return err
	}
	if !c.made {
		args := append([]string{"--cluster", "create"}, c.Addrs()...)
		cmd := exec.CommandContext(ctx, "redis-cli", append(args, "--cluster-replicas", "1", "--cluster-yes")...)
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("redis-cli makes no cluster: %w:\n%s", err, lastLines(string(said), 5))
		}
		c.made = true
	}
	return c.Settled(ctx)
}

// Settled waits until every node that runs finds the Cluster whole and every replica follows its master.
func (c *Cluster) Settled(ctx context.Context) error {
	return until(ctx, "the Cluster does not become whole", func(ctx context.Context) error {
		for _, n := range c.Nodes {
			if n.PID() == 0 {
				continue
			}
			text, err := n.Do(ctx, "CLUSTER", "INFO")
			if err != nil {
				return err
			}
			if !strings.Contains(text, "cluster_state:ok") {
				return errors.New(n.name + " does not find it whole")
			}
			role, err := n.info(ctx, "role")
			if err != nil {
				return err
			}
			if role == "slave" {
				if err := n.wantInfo(ctx, "master_link_status", "up"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Addrs are the nodes' addresses.
func (c *Cluster) Addrs() []string { return addrs(c.Nodes) }

// Master is the node that holds a key, as a node that runs sees it, and the replicas of that node.
func (c *Cluster) Master(ctx context.Context, key string) (*Redis, []*Redis, error) {
	var last error
	for _, n := range c.Nodes {
		if n.PID() == 0 {
			continue
		}
		slot, err := n.Do(ctx, "CLUSTER", "KEYSLOT", key)
		if err != nil {
			last = err
			continue
		}
		text, err := n.Do(ctx, "CLUSTER", "NODES")
		if err != nil {
			last = err
			continue
		}
		if master, replicas := c.holder(text, slot); master != nil {
			return master, replicas, nil
		}
		last = errors.New("nobody holds the slot of that key")
	}
	return nil, nil, last
}

// holder reads the answer of CLUSTER NODES: id, address@bus, flags, id of its master, ..., slots.
func (c *Cluster) holder(text, slot string) (master *Redis, replicas []*Redis) {
	var id string
	for pass := range 2 {
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) < 8 {
				continue
			}
			addr, _, _ := strings.Cut(f[1], "@")
			switch {
			case pass == 0 && strings.Contains(f[2], "master") && !strings.Contains(f[2], "fail") && holds(f[8:], slot):
				master, id = c.at(addr), f[0]
			case pass == 1 && id != "" && f[3] == id:
				replicas = append(replicas, c.at(addr))
			}
		}
	}
	return master, replicas
}

func (c *Cluster) at(addr string) *Redis {
	for _, n := range c.Nodes {
		if n.Addr == addr {
			return n
		}
	}
	return nil
}

func holds(ranges []string, slot string) bool {
	var want, from, to int
	if _, err := fmt.Sscan(slot, &want); err != nil {
		return false
	}
	for _, r := range ranges {
		if n, _ := fmt.Sscanf(r, "%d-%d", &from, &to); n == 1 {
			to = from
		} else if n != 2 {
			continue // a slot on its way
		}
		if want >= from && want <= to {
			return true
		}
	}
	return false
}

// newRedisNode is a redis-server in the clear under a name of its own, with the settings of redisConf and more.
func newRedisNode(t *Testbed, name string, port int, extra string) (*Redis, error) {
	dir := filepath.Join(t.Dir, name)
	data, conf := filepath.Join(dir, "data"), filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf(redisConf, data) + fmt.Sprintf("port %d\n", port) + extra
	write := func() error {
		return errors.Join(os.MkdirAll(data, 0o700), os.WriteFile(conf, []byte(text), 0o600))
	}
	if err := write(); err != nil {
		return nil, err
	}
	r := &Redis{Addr: address(port)}
	r.Process = &Process{
		name: name, dir: dir, pids: t.Dir, argv: []string{"redis-server", conf},
		wipe: func(context.Context) error {
			if err := os.RemoveAll(data); err != nil {
				return err
			}
			return write()
		},
		ready: func(ctx context.Context) error { return ping(ctx, r.Addr, nil) },
	}
	return r, nil
}

func startNodes(ctx context.Context, nodes []*Redis) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = n.Start(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func addrs(nodes []*Redis) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.Addr)
	}
	return all
}
