// Whether the store keeps what it acknowledges: the settings without which a withdrawal could be lost, checked at the
// start and each minute.

package consent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	safetyEvery = time.Minute
	// An unsafe store is looked at again soon: it resumes by itself when somebody mends the setting.
	unsafeEvery = time.Second
)

// safety remembers the last look at the server's settings.
type safety struct {
	mu      sync.Mutex
	at      time.Time
	verdict *Sick
}

// checkSafe gives the cached verdict, or looks. While one lane looks, the others wait for it: none may pass on a verdict
// that is out of date.
func (s *Store) checkSafe(ctx context.Context) error {
	s.safety.mu.Lock()
	defer s.safety.mu.Unlock()
	age := time.Since(s.safety.at)
	if s.safety.verdict == nil && age < safetyEvery {
		return nil
	}
	if s.safety.verdict != nil && age < unsafeEvery {
		return s.safety.verdict
	}
	problems, err := s.unsafe(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	s.safety.verdict = nil
	if len(problems) > 0 {
		s.safety.verdict = sick(causeUnsafe, strings.Join(problems, "; "))
	}
	s.safety.at = time.Now()
	if s.safety.verdict != nil {
		return s.safety.verdict
	}
	return nil
}

// Unsafe lists what is unsafe in the server's settings, each with what to set; nothing for a safe or embedded one. An
// error means that the server could not be asked.
func (s *Store) Unsafe(ctx context.Context) ([]string, error) {
	if s.safety == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	problems, err := s.unsafe(ctx)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return problems, nil
}

// setting is one that is wanted, by its name in INFO, with what to do about another value.
type setting struct{ name, value, mend string }

// wantedSingle are the settings of a store that is itself the truth.
var wantedSingle = []setting{
	{"redis_mode", "standalone", "the store must be one plain Redis server unless consents are kept in Kafka " +
		"(consent.changelog): Sentinel and Cluster lose acknowledged withdrawals at a fail-over"},
	{"role", "master", "connect to the master, not to a replica"},
	{"connected_slaves", "0", "detach the replicas: a fail-over to one loses acknowledged withdrawals"},
	{"aof_enabled", "1", "CONFIG SET appendonly yes"},
	{"maxmemory_policy", "noeviction", "CONFIG SET maxmemory-policy noeviction"},
	{"evicted_keys", "0", "keys were evicted: import the consents again, then CONFIG RESETSTAT"},
}

// wantedView are those of a store that can be filled again: it may lose a tail, which its places show, but no single line.
var wantedView = []setting{
	{"role", "master", "connect to the master, not to a replica"},
	{"maxmemory_policy", "noeviction", "CONFIG SET maxmemory-policy noeviction"},
	{"evicted_keys", "0", "keys were evicted: CONFIG RESETSTAT, then run consentry consent rebuild"},
}

// unsafe looks at every server that holds a shard.
func (s *Store) unsafe(ctx context.Context) ([]string, error) {
	nodes, err := s.nodesOf(ctx, allShards)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, n := range nodes {
		found, err := s.unsafeNode(ctx, n.client)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		for _, p := range found {
			if !slices.Contains(problems, p) {
				problems = append(problems, p)
			}
		}
	}
	return problems, nil
}

func (s *Store) unsafeNode(ctx context.Context, client *redis.Client) ([]string, error) {
	have, fsync, err := readSettings(ctx, client)
	if err != nil {
		return nil, err
	}
	wanted := wantedSingle
	if s.changelog {
		wanted = wantedView
	}
	var problems []string
	for _, w := range wanted {
		if have[w.name] != w.value {
			problems = append(problems, w.name+" is not "+w.value+": "+w.mend)
		}
	}
	mode := "standalone"
	if s.cluster != nil {
		mode = "cluster"
	}
	switch {
	case !s.changelog && fsync == "":
		problems = append(problems, "appendfsync cannot be read: allow this user CONFIG|GET")
	case !s.changelog && fsync != "always":
		problems = append(problems, "appendfsync is not always: CONFIG SET appendfsync always")
	case s.changelog && have["redis_mode"] != mode:
		problems = append(problems, "redis_mode is not "+mode+": name a Cluster's nodes in redis.cluster, and nothing else there")
	}
	return problems, nil
}

// Advice lists what a store with a changelog may do without and had better have.
func (s *Store) Advice(ctx context.Context) ([]string, error) {
	if s.safety == nil || !s.changelog {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	nodes, err := s.nodesOf(ctx, allShards)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		have, _, err := readSettings(ctx, n.client)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		if have["aof_enabled"] != "1" {
			return []string{"appendonly is not yes: a server that restarts is filled again from the changelog, and partners park " +
				"meanwhile; CONFIG SET appendonly yes"}, nil
		}
	}
	return nil, nil
}

// readSettings gives the fields of INFO and appendfsync, which is empty when it may not be read.
func readSettings(ctx context.Context, client *redis.Client) (have map[string]string, fsync string, err error) {
	pipe := client.Pipeline()
	info := pipe.Info(ctx)
	config := pipe.ConfigGet(ctx, "appendfsync")
	// Each command's own error is read below. A connection that was never let in leaves them empty and without one.
	_, failed := pipe.Exec(ctx)
	text, err := info.Result()
	if err == nil && text == "" {
		if err = failed; err == nil {
			err = errReply
		}
	}
	if err != nil {
		return nil, "", err
	}
	have = map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			have[name] = value
		}
	}
	if settings, err := config.Result(); err == nil {
		fsync = settings["appendfsync"]
	}
	return have, fsync, nil
}
