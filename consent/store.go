// The Redis store: how its keys are named, and what it remembers of the epoch and the places that it has seen.

package consent

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Store holds the lines, in one Redis or in a Cluster. It is shared by all lanes.
type Store struct {
	client        *redis.Client        // of one server, or of the master that Sentinels name; nil for a Cluster
	cluster       *redis.ClusterClient // nil unless a Cluster
	now           func() time.Time
	deadline      time.Duration
	writeDeadline time.Duration
	changelog     bool // the truth is in Kafka
	staleAfter    time.Duration
	safety        *safety // nil when embedded

	// Shards whose meta last told of protected subjects: their sets are asked with the lines.
	protects [Shards]atomic.Bool

	mu   sync.Mutex
	seen places
	fell uint64 // epoch in which the store was found behind; 0 for none. Of the single store only
}

// places is an epoch and how far each shard has come within it. The zero value has seen nothing.
type places struct {
	epoch  uint64
	shards [Shards]uint64
}

// Close closes the connections.
func (s *Store) Close() error {
	if s.cluster != nil {
		return s.cluster.Close()
	}
	return s.client.Close()
}

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

// behind tells whether a shard at a place of an epoch has lost what p has seen.
func (p *places) behind(shard int, epoch, place uint64) bool {
	if epoch != p.epoch {
		return epoch < p.epoch
	}
	return place < p.shards[shard]
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
	causeStale       = "redis_stale"
)

func sick(cause, reason string) *Sick { return &Sick{cause: cause, reason: reason} }

func unreachable(err error) *Sick {
	return sick(causeUnreachable, classify(err))
}
