// The Redis store: how it is opened, how its keys are named, and what it remembers of the epoch and the places that it
// has seen.

package consent

import (
	"context"
	"crypto/tls"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options say how to reach the store. The zero value of everything but URL is a sensible default.
type Options struct {
	URL                string // redis:// or rediss://, host, port and database number
	Username, Password string // win over what the URL has
	TLS                *tls.Config
	// Deadline bounds one Ask, connecting included. Default 250ms.
	Deadline time.Duration
	// WriteDeadline bounds one round trip of a change or of accept-epoch. Default 5s.
	WriteDeadline time.Duration
	// Embedded says that the server lives in this process (the demo) and has no settings to check.
	Embedded bool
	// Now is the worker's clock; time.Now by default.
	Now func() time.Time
}

// Store is the one Redis that holds the lines. It is shared by all lanes.
type Store struct {
	client        *redis.Client
	now           func() time.Time
	deadline      time.Duration
	writeDeadline time.Duration
	safety        *safety // nil when embedded

	mu   sync.Mutex
	seen places
	fell uint64 // epoch in which the store was found behind; 0 for none
}

// places is an epoch and how far each shard has come within it. The zero value has seen nothing.
type places struct {
	epoch  uint64
	shards [Shards]uint64
}

// voidLogger silences go-redis, which prints addresses and commands to stderr by default.
type voidLogger struct{}

func (voidLogger) Printf(context.Context, string, ...any) {}

var silenced atomic.Bool

// Open makes the client. It does not connect: a store that is down at the start parks like one that goes down later.
// The error says what is wrong with the options and quotes nothing.
func Open(o Options) (*Store, error) {
	if silenced.CompareAndSwap(false, true) {
		redis.SetLogger(voidLogger{})
	}
	ro, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, &Refused{Reason: "redis url is not of the form redis://host:port/database (rediss:// for TLS)"}
	}
	if o.Username != "" {
		ro.Username = o.Username
	}
	if o.Password != "" {
		ro.Password = o.Password
	}
	if o.TLS != nil {
		ro.TLSConfig = o.TLS
	}
	if o.Deadline == 0 {
		o.Deadline = 250 * time.Millisecond
	}
	if o.WriteDeadline == 0 {
		o.WriteDeadline = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	// Without ContextTimeoutEnabled a context's deadline bounds nothing. Retries are made here, where a reply that came
	// half is thrown away first; the dialer's own five retries would outlive an Ask.
	ro.ContextTimeoutEnabled = true
	ro.ReadTimeout = o.WriteDeadline
	ro.WriteTimeout = o.WriteDeadline
	ro.DialTimeout = o.Deadline
	ro.DialerRetries = 1
	ro.PoolTimeout = o.Deadline
	ro.MaxRetries = -1
	ro.Protocol = 2
	ro.DisableIdentity = true
	ro.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	s := &Store{client: redis.NewClient(ro), now: o.Now, deadline: o.Deadline, writeDeadline: o.WriteDeadline}
	if !o.Embedded {
		s.safety = &safety{}
	}
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// Seen tells the store what an earlier worker saw, from the metadata of its offset commits. A store that stands behind
// it has lost something.
func (s *Store) Seen(epoch uint64, shards [Shards]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.raise(epoch, &shards)
}

// Known is the highest epoch and places seen so far; epoch 0 when none were.
func (s *Store) Known() (epoch uint64, shards [Shards]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.epoch, s.seen.shards
}

// raise takes a newer epoch whole, and within one epoch the higher place of each shard.
func (p *places) raise(epoch uint64, shards *[Shards]uint64) {
	switch {
	case epoch > p.epoch:
		p.epoch, p.shards = epoch, *shards
	case epoch == p.epoch:
		for i, v := range shards {
			p.shards[i] = max(p.shards[i], v)
		}
	}
}

// behind tells whether a store at (epoch, shards) has lost what p has seen.
func (p *places) behind(epoch uint64, shards *[Shards]uint64) bool {
	if epoch != p.epoch {
		return epoch < p.epoch
	}
	for i, v := range shards {
		if v < p.shards[i] {
			return true
		}
	}
	return false
}

// standing is what was seen so far, and whether the store was found behind in that epoch.
func (s *Store) standing() (floor places, fell uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.fell
}

// noteFell remembers that a store has lost something in an epoch. Later changes raise its places again and bring nothing
// back, so the doubt stays until a person has opened another epoch.
func (s *Store) noteFell(epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fell = max(s.fell, epoch)
}

// The hash tag {shard} keeps a shard's line, meta and stop flags on one node of a Redis Cluster.

func appendTag(dst []byte, shard int) []byte {
	dst = append(dst, "consentry:{"...)
	dst = append(dst, byte('0'+shard/10), byte('0'+shard%10))
	return append(dst, '}')
}

func appendEpochPrefix(dst []byte, shard int, epoch uint64) []byte {
	dst = append(appendTag(dst, shard), ':')
	dst = strconv.AppendUint(dst, epoch, 10)
	return append(dst, ':')
}

func appendLineKey(dst []byte, epoch uint64, id ID) []byte {
	return id.Append(appendEpochPrefix(dst, id.Shard(), epoch))
}

func lineKey(epoch uint64, id ID) string { return string(appendLineKey(nil, epoch, id)) }

func metaKey(shard int) string { return string(append(appendTag(nil, shard), ":meta"...)) }

// Stop flags live in the first shard, under the epoch like the lines, so that they survive what consents survive.
const stopShard = 0

func stopKey(epoch uint64, partner string) string {
	return string(appendEpochPrefix(nil, stopShard, epoch)) + "stop:" + partner
}

// metaKeys are the 64 keys that every Ask reads.
var metaKeys = func() (k [Shards]string) {
	for i := range k {
		k[i] = metaKey(i)
	}
	return k
}()

// Refused is a change or a setting that cannot be, whatever the store's health. Its reason names no subject.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }

// Causes of doubt about the store, as status names them.
const (
	causeUnreachable = "redis_unreachable"
	causeWiped       = "redis_wiped"
	causeMalformed   = "redis_malformed"
	causeUnsafe      = "redis_unsafe"
	causeSkew        = "clock_skew"
)

func sick(cause, reason string) *Sick { return &Sick{cause: cause, reason: reason} }

func unreachable(err error) *Sick {
	return sick(causeUnreachable, classify(err))
}
