package processor

// What goes into a decision and what comes out: raw records in; outbound records, pointers and counts out.

import (
	"context"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
)

// Inbound is one raw record. Value is nil for a tombstone. The raw key and headers are not here: nothing may use them.
type Inbound struct {
	Source      int // index into Partner.Sources
	Partition   int32
	LeaderEpoch int32
	Offset      int64
	TimestampMS int64 // the raw record's own Kafka timestamp
	Value       []byte
}

// Outbound is one record that may leave. Only this package can fill one; the zero Outbound names no stream.
type Outbound struct {
	program *policy.Program
	key     []byte
	value   []byte
	size    int
}

// Topic is the partner topic, "" for the zero Outbound, which must not be produced.
func (o *Outbound) Topic() string {
	if o.program == nil {
		return ""
	}
	return o.program.Topic
}
func (o *Outbound) Key() []byte   { return o.key }
func (o *Outbound) Value() []byte { return o.value }

// Pointer is one quarantine entry: where an unreadable event stands and why, never what it held.
type Pointer struct {
	Source      int
	Partition   int32
	LeaderEpoch int32
	Offset      int64
	Stage       string // decode
	Reason      Reason
	Field       string
	SchemaID    int
	Size        int
}

// Tally counts the verdicts of one source partition for one stream in this batch.
type Tally struct {
	Source    int
	Partition int32
	Program   *policy.Program
	Events    int64
	Counts    [NumReasons]int64 // by Reason; they add up to Events
}

// ResidualClass is a class of residual identifiers, whose String is its label; NumResidualClasses bounds it.
type ResidualClass = detect.Class

const NumResidualClasses = detect.NumClasses

// Batch is the outcome of one Decide. Reused by the lane; everything in it is valid until the next Decide.
type Batch struct {
	Out        []Outbound
	Quarantine []Pointer
	Tallies    []Tally
	Residual   [NumResidualClasses]int64 // hits of the residual scan, by class
	// VerdictAt is when the consent that the oldest verdict rests on was asked for; monotonic. A batch without events
	// has the time of the decision.
	VerdictAt time.Time
	Snapshot  consent.Snapshot // of this batch's ask: epoch and places for the commit metadata, and Stopped
}

// Readers finds the compiled reader for a framed Avro record. Package schema/registry implements it. The error is
// registry.ErrUnknown when the id is known to be unknown (a final verdict), else it implements Cause() string.
type Readers interface {
	Reader(ctx context.Context, source *policy.Source, id int) (*schema.Reader, error)
}

// ErrUnknownSchema is the final verdict that a writer schema is not to be had or lacks a path that the source needs.
type ErrUnknownSchema struct{}

func (ErrUnknownSchema) Error() string { return "unknown schema" }
