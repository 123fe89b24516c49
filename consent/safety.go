// Whether the store keeps what it acknowledges: the settings without which a withdrawal could be lost, checked at the
// start and each minute.

package consent

import (
	"context"
	"strings"
	"sync"
	"time"
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
		return unreachable(err)
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
		return nil, unreachable(err)
	}
	return problems, nil
}

// wanted are the settings by their names in INFO, with what to do about another value.
var wanted = []struct{ name, value, mend string }{
	{"redis_mode", "standalone", "the store must be one plain Redis server until consents are kept in Kafka: " +
		"Sentinel and Cluster lose acknowledged withdrawals at a fail-over"},
	{"role", "master", "connect to the master, not to a replica"},
	{"connected_slaves", "0", "detach the replicas: a fail-over to one loses acknowledged withdrawals"},
	{"aof_enabled", "1", "CONFIG SET appendonly yes"},
	{"maxmemory_policy", "noeviction", "CONFIG SET maxmemory-policy noeviction"},
	{"evicted_keys", "0", "keys were evicted: import the consents again, then CONFIG RESETSTAT"},
}

func (s *Store) unsafe(ctx context.Context) ([]string, error) {
	pipe := s.client.Pipeline()
	info := pipe.Info(ctx)
	fsync := pipe.ConfigGet(ctx, "appendfsync")
	// Each command's own error is read below. A connection that was never let in leaves them empty and without one.
	_, failed := pipe.Exec(ctx)
	text, err := info.Result()
	if err == nil && text == "" {
		if err = failed; err == nil {
			err = errReply
		}
	}
	if err != nil {
		return nil, err
	}
	have := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			have[name] = value
		}
	}
	var problems []string
	for _, w := range wanted {
		if have[w.name] != w.value {
			problems = append(problems, w.name+" is not "+w.value+": "+w.mend)
		}
	}
	settings, err := fsync.Result()
	switch {
	case err != nil:
		problems = append(problems, "appendfsync cannot be read: allow this user CONFIG|GET")
	case settings["appendfsync"] != "always":
		problems = append(problems, "appendfsync is not always: CONFIG SET appendfsync always")
	}
	return problems, nil
}
