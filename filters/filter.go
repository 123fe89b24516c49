// Package filters holds the ways of making a value less personal, one file each; table.go lists them all.
//
// A filter is pure: no clock, no input or output, no logger, no randomness. Time comes from the event and keys through
// the Keyring, so the same bytes under the same policy and keys give the same bytes. A filter that does not understand
// its value refuses, and the event is withheld.
package filters

import "github.com/consentry/consentry/schema"

// Outcome says what became of one output field. The zero Outcome refuses.
type Outcome uint8

const (
	Refused    Outcome = iota // not understood, or outside the list: filter_refused
	Filled                    // dst holds the value (an Absent dst is a released null)
	Missing                   // the input is absent or null and the policy gives no substitute: missing_field
	KeyErased                 // the epoch's key is gone on schedule: key_erased
	KeyMissing                // the key should be there and is not: doubt about the system, the caller parks
)

// Event is what a filter may know about an event beside its input values.
type Event struct {
	TimeMS    int64  // the event's own time, Unix milliseconds
	Topic     string // raw topic, partition and offset: the identity for event_id
	Partition int32
	Offset    int64
	Kind      string // the kind of subject: msisdn, imsi or opaque
	Subject   []byte // canonical subject
	MarkMS    int64  // the later of the withdrawal marks of the pair and of all, 0 if none
	Scratch   []byte // a buffer for values that a filter makes; filters append to it and point into it
}

// Filter fills one output value from its input slots. Implementations are safe for concurrent use unless Clone says
// otherwise; see Cloner.
type Filter interface {
	Apply(dst *schema.Value, in []schema.Value, ev *Event) Outcome
}

// Cloner is implemented by filters that need keys and keep working state (a reusable HMAC): each lane takes its own
// copy over its Keyring. Before that they give KeyMissing.
type Cloner interface{ Clone(keys Keyring) Filter }

// Keyring gives the derived keys of one deployment. Package keys implements it.
type Keyring interface {
	// PseudonymKey writes HKDF-SHA256(root of the epoch, info LP(partner) LP(topic)) to dst. epoch counts periods of
	// periodMS since 1970-01-01T00:00Z.
	PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) Outcome
	// EventKey writes the key of partner x stream for event ids.
	EventKey(dst *[32]byte, partner, topic string) Outcome
	// Generation changes whenever the folder was read anew: derived keys that were kept must be dropped.
	Generation() uint64
}
