package policy

// What comes out of a compilation: the values that the processor and the listing work from.

import (
	"github.com/consentry/consentry/consent/signal"
	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// Inputs is everything that Compile may look at.
type Inputs struct {
	Sources  []SourceSpec
	Partners []PartnerSpec
	// Shape returns the compiled-against schema of a source by its name; nil when it could not be had, in which case the
	// caller has already reported why.
	Shape func(source string) *schema.Shape
	// ReadFile reads a look-up list; the path is already resolved.
	ReadFile    func(path string) ([]byte, error)
	SubjectKind string // consent.subject of the main file: msisdn, imsi or opaque
	Region      string // consent.region, ISO 3166-1 alpha-2
	// NationalKnown tells whether national numbers of a region can be read; nil means of none. Package consent knows.
	NationalKnown func(region string) bool
	House         *House // nil when its lists could not be had, in which case the caller has already reported why
	NowMS         int64  // only to lead a listing with a contract that has ended
}

// Set is everything that was compiled, immutable and safe for concurrent use.
type Set struct {
	Revision string // 64 hex digits over all listings and lists: stamped on every verdict
	Partners []*Partner
	House    *House
	Sources  []*SourceSpec // every source of the configuration, also those that no stream reads
}

// Partner is one recipient and the sources its streams read. One consumer group each.
type Partner struct {
	Name          string
	Purpose       string
	Mode          string // live | shadow
	ContractID    string
	ContractEndMS int64 // first millisecond at which the contract no longer holds
	Vendor        signal.Vendor
	Sources       []*Source
	Streams       []*Program // in file order, over all sources
	House         *House
}

// Source is what one partner's streams need of one raw topic: a layout shared by all of them, and where the fields
// that every verdict needs stand in it.
type Source struct {
	Name, Topic   string
	Format        string // avro | json
	SchemaSubject string // the registry subject, <topic>-value when the file does not name one
	Shape         *schema.Shape
	Layout        schema.Layout
	SubjectKind   string
	SubjectForm   string
	Region        string
	PastMS        int64
	FutureMS      int64
	TimeUnit      string // "", s, ms, us
	// Slots into Layout; -1 where the source does not name one.
	SubjectSlot, TimeSlot, LineSinceSlot int
	ReleaseOnlyIfFalse                   []FlagSlot // minor, protected
	OptOutIfSet                          []FlagSlot
	Signals                              []FlagSlot // gpp, tcf, us_privacy
	LatSlot, LonSlot, AccuracySlot       int
	PlaceSlot, ResidenceSlot             int // of the jurisdictions
	URLSlot, AppSlot, QuerySlot          int
	Streams                              []*Program
}

// FlagSlot is a field whose value can only withhold.
type FlagSlot struct {
	Name string
	Slot int
}

// Program is one stream, compiled.
type Program struct {
	Partner       string
	Purpose       string
	Topic         string
	Source        string
	Profile       string
	Format        string
	PeriodMS      int64    // same_person_for
	Needs         []string // categories, sorted
	Linked        bool     // needs a consent to be linked
	ContractEndMS int64
	Fields        []Field
	Output        schema.Output
	AlsoNear      uint64        // categories of places withheld beside those of the house
	AlsoTopics    []detect.Node // withheld beside those of the house
	RadiusM       float64       // smallest enclosing radius of the areas it releases, metres; +Inf for a stream without one
	ReadsPosition bool          // a filter of the stream reads the position, and refuses what it cannot read
	ReadsURL      bool          // likewise the source's url
	Scanned       []int         // indexes of the Fields whose values are scanned at every event
	KeyField      int           // index of the pseudonym in Fields, which is also the record key; -1 for none

	Detectors []Detector // in the order of verdicts, for listings

	listing string
	in      []schema.Value // inputs of the field in hand, room for the widest
}

// Detector is one check that stands before fields of a stream.
type Detector struct {
	Name   string   // its verdict, or protected for both kinds of protected lines
	Before []string // names of the fields that it stands before; "every field" where it withholds the event as a whole
	How    string
}

// Field is one compiled output field.
type Field struct {
	Name   string
	Filter filters.Filter
	Slots  []int    // inputs, as slots of the source's Layout
	From   []string // the same as paths, for listings and explain
	How    string   // e.g. "s2 level 12", for listings and explain
	Type   string   // output type, for listings
	Leaves filters.Leaves
	Place  bool    // it says where the event was
	Bits   float64 // log2 of how many different values it can take
}
