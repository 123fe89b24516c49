// Package consent knows who has allowed what: the line kept for each subject, the one function that merges a change
// into it, the question asked about an event, and the Redis store that holds the lines.
//
// It is the only importer of go-redis. It never sees an event and never logs; a Redis dump of what it keeps names
// nobody.
package consent

import (
	"context"
	"time"
)

// Shards is the number of shards that subjects are spread over.
const Shards = 64

// ID is the keyed name of a subject: the first 16 bytes of HMAC-SHA256(house key, kind ‖ canonical subject).
type ID [16]byte

// Question is what one stream needs to be allowed.
type Question struct {
	Partner, Purpose string
	Needs            []string // every category; sorted
	Linked           bool
}

// Answer is what a line says to a Question at an event's time. The zero Answer is Unknown and lets nothing out.
type Answer uint8

const (
	Unknown Answer = iota // never a verdict: the question was not asked
	Given
	Withdrawn     // no grant, but a mark of the pair or of all
	NoConsent     // neither, or the grant lacks a category, or the line is malformed
	BeforeConsent // the event is before since, or since before line_since, or line_since is null
	Ended
	NotLinked
)

// LineSince says since when the telephone line belongs to this subscriber: a consent from before may be another person's.
type LineSince struct {
	Named bool // the source has the field
	Known bool // and the event carries it
	MS    int64
}

// Snapshot is what one batched read saw. The zero Snapshot answers nothing. Reuse one per lane.
type Snapshot struct {
	AskedAt time.Time // taken just before the read was sent, monotonic: a verdict's age counts from here
	StoreMS int64     // the store's clock, Unix milliseconds
	Epoch   uint64
	Places  [Shards]uint64 // how far each shard has come within the epoch
	Stopped bool           // consentry stop PARTNER
	Lines   [][]byte       // Lines[i] belongs to ids[i]; nil when the store has none. Valid until the next Ask
	// Protected[i] belongs to ids[i]; nil when none of their shards has a protected subject. Valid until the next Ask.
	Protected []bool

	// Reused from Ask to Ask.
	parts     []part
	keys      []keyArg
	args      []any
	perShard  [Shards][]int32
	metas     [Shards]shardMeta
	asked     [Shards]bool // who is protected was asked
	protected []bool
}

// Asker is what the processor needs of a store. An error means that the system is sick and that nothing in the
// Snapshot may be used; it implements Cause() string with one of the causes of status (redis_unreachable, redis_wiped,
// redis_stale, redis_malformed, redis_unsafe, clock_skew).
type Asker interface {
	Ask(ctx context.Context, partner string, ids []ID, snap *Snapshot) error
}

// Sick is doubt about the store, never about an event.
type Sick struct {
	cause  string
	reason string
}

func (s *Sick) Error() string { return s.cause + ": " + s.reason }
func (s *Sick) Cause() string { return s.cause }
