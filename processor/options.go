package processor

// What one lane's processor is built from.

import (
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/policy"
)

// Options is what a Processor works with: one per lane, for one partner.
type Options struct {
	Partner *policy.Partner
	Readers Readers // for Avro sources; JSON sources need none
	Consent consent.Asker
	Keys    filters.Keyring
	Names   *consent.Namer // the lane's own
	// OutputIDs holds for each of Partner.Streams the id of its schema in the partner registry; JSON streams ignore theirs.
	OutputIDs []int
	// MaxBytes holds for each of Partner.Streams the largest record that its topic takes; a missing or zero entry means
	// DefaultMaxBytes.
	MaxBytes []int
	// Now is the worker's clock; nil means time.Now.
	Now func() time.Time
}

// DefaultMaxBytes is Kafka's own default for a topic's max.message.bytes.
const DefaultMaxBytes = 1048588

// recordOverhead is more than Kafka adds to the key and value of one record alone in its batch: 61 bytes of batch
// header and at most 33 of lengths, deltas and attributes.
const recordOverhead = 100
