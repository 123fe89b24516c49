// Package policy checks what a source's and a partner's file say and compiles them to an immutable, printable program
// per stream. It has no choices left at run time. It says no well: every refusal has file, line and column and tells
// what to do instead.
//
// It does not read YAML (package config fills the Spec types), asks no network and cannot log.
package policy

import (
	"time"

	"github.com/consentry/consentry/consent/signal"
)

// Pos is a place in a configuration file. Line and Column count from 1.
type Pos struct {
	File         string
	Line, Column int
}

// Problem is one refusal. Problems are collected: one run reports them all.
type Problem struct {
	Pos     Pos
	Message string
	Hidden  bool // the line must not be shown: an identifier may stand on it
}

// Text is a string from a file with its place. An empty Value means the key was not given.
type Text struct {
	Value string
	Pos   Pos
}

// Duration is a time span from a file (250ms, 5s, 15m, 1h, 7d) with its place. Set tells whether it was given.
type Duration struct {
	Value time.Duration
	Set   bool
	Pos   Pos
}

// SourceSpec is one sources/*.yaml file as written.
type SourceSpec struct {
	Pos           Pos
	Name          Text // source:
	Topic         Text
	Format        Text // avro | json
	SchemaSubject Text
	SchemaFile    Text // resolved relative to the file that names it
	Category      Text
	SubjectField  Text
	SubjectForm   Text // e164 (default), digits, national; only for msisdn
	Account       Text // a path, or same_as_subject
	LineSince     Text
	Time          TimeSpec
	Position      *PositionSpec
	Jurisdiction  JurisdictionSpec
	URL, App      Text
	Query         Text
	Identifiers   []Text
	// In file order. Names: minor | protected, and gpc or any other name of a signal.
	ReleaseOnlyIfFalse []NamedPath
	OptOutIfSet        []NamedPath
	Signals            SignalSpec
}

// TimeSpec is the source's `time:`. Unit is "" (RFC 3339 or Avro's timestamp types), s, ms or us.
type TimeSpec struct {
	Pos          Pos
	Field        Text
	Unit         Text
	Past, Future Duration
}

// PositionSpec is the source's `position:`. Accuracy (metres) is optional.
type PositionSpec struct {
	Pos                Pos
	Lat, Lon, Accuracy Text
}

// JurisdictionSpec is the source's `jurisdiction:`: where the event happened and where the account lives, each optional.
type JurisdictionSpec struct{ Place, Residence Text }

// NamedPath is one entry of release_only_if_false or opt_out_if_set.
type NamedPath struct {
	Name Text
	Path Text
}

// SignalSpec is the source's `signals:`, each a path or empty.
type SignalSpec struct{ GPP, TCF, USPrivacy Text }

// PartnerSpec is one partners/*.yaml file as written.
type PartnerSpec struct {
	Pos      Pos
	Name     Text // partner:
	Contract *ContractSpec
	Purpose  Text
	TCF      signal.Vendor // zero where the file names none
	Mode     Text          // live (default) | shadow
	Streams  []StreamSpec
}

// ContractSpec is the partner's `contract:`. Until is a date, YYYY-MM-DD; the contract ends at 24:00 UTC of it.
type ContractSpec struct {
	Pos                     Pos
	ID                      Text
	Until                   Text
	ForbidsReidentification bool
}

// StreamSpec is one entry of a partner's `streams:`.
type StreamSpec struct {
	Pos           Pos
	Topic         Text
	Source        Text
	Profile       Text // default unlinked
	Format        Text
	SamePersonFor Duration
	Fields        []FieldSpec
	// `withhold:`, which only adds to what the house withholds: categories of places, nodes of the taxonomy.
	AlsoNear, AlsoTopics []Text
	// NotYet holds keys that the configuration contract knows (crowd, at_most) and this version cannot keep:
	// policy refuses each with a sentence.
	NotYet []Text
}

// FieldSpec is one output field as written: the mapping's entries in file order, the filter's own key among them.
type FieldSpec struct {
	Name    Text
	Pos     Pos
	Entries []Entry
}

// Entry is one key of a field's mapping.
type Entry struct {
	Key   Text
	Value Scalar
}

// ScalarKind tells what a Scalar holds.
type ScalarKind uint8

const (
	ScalarNull ScalarKind = iota
	ScalarString
	ScalarInt
	ScalarFloat
	ScalarBool
	ScalarList
)

// Scalar is a YAML scalar, or a flat list of them, with its place. Str always holds the source text of a scalar.
type Scalar struct {
	Kind  ScalarKind
	Str   string
	Int   int64
	Float float64
	Bool  bool
	List  []Scalar
	Pos   Pos
}
