package filters

// Every filter there is, and what one is built from. Package policy knows them by this table alone: a new filter is one
// file and one entry here.

import (
	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/schema"
)

// Table lists the filters in the order of design.md, section 5.
var Table = []Definition{
	{Name: "keep", Input: Path, Options: []string{"oneof", "between", "else", "missing"}, Build: buildKeep},
	{Name: "constant", Input: Nothing, Build: buildConstant},
	{Name: "event_id", Input: Nothing, Build: buildEventID},
	{Name: "pseudonym", Input: Subject, Build: buildPseudonym},
	{Name: "s2", Input: Position, Options: []string{"level", "missing"}, Category: "location", Build: buildS2},
	{Name: "round_down", Input: Path, Options: []string{"to", "missing"}, Build: buildRoundDown},
	{Name: "bucket", Input: Path, Options: []string{"edges", "missing"}, Build: buildBucket},
	{Name: "domain", Input: Path, Options: []string{"oneof", "with", "else", "missing"}, Category: "browsing", Build: buildDomain},
	{Name: "topic", Input: Path, Options: []string{"oneof", "else", "missing"}, Build: buildTopic},
	{Name: "text", Input: Path, Options: []string{"missing"}, Category: "search", Build: buildText},
	{Name: "map", Input: Path, Options: []string{"with", "else", "missing"}, Build: buildMap},
}

// Definition is one filter as a policy names it.
type Definition struct {
	Name     string   // the key in a field's mapping
	Input    Input    // what the key's value names
	Options  []string // further keys that it takes
	Category string   // a category that its output implies whatever its input; "" for none
	Build    func(*Args) (*Built, *Refusal)
}

// Lookup finds a filter by name.
func Lookup(name string) (*Definition, bool) {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i], true
		}
	}
	return nil, false
}

// Input tells what the value of a filter's own key names.
type Input uint8

const (
	Nothing  Input = iota // no field: event_id, constant
	Path                  // one path of the source schema
	Position              // the word position: latitude and longitude
	Subject               // the path of the source's subject
)

// Args is what a builder may look at. Paths are already resolved and allowed: what may feed what is policy's business.
type Args struct {
	Value   Arg           // of the filter's own key
	Options []NamedArg    // in file order, each at most once, each among Definition.Options
	Paths   []string      // of the inputs
	Types   []schema.Type // of the inputs
	Unit    Unit          // of an integer input that is the source's own time
	Floor   Floor         // the finest time that this stream may tell
	SpanMS  int64         // how far apart two values of the source's own time can be: past and future together; 0 for other inputs
	Partner string        // recipient
	Topic   string        // partner topic
	Period  int64         // same_person_for, milliseconds
	Read    func(path string) ([]byte, error)
	Reads   Reads           // which of the source's own fields the one input is
	Topics  *detect.Topics  // of the house
	Scanner *detect.Scanner // of the house: filters clone it
}

// Reads tells which of the fields that a source names by kind a path is.
type Reads uint8

const (
	NoneOfThem Reads = iota
	URLField         // url: a URL or a host name
	AppField         // app: an app id
	QueryField       // query: what somebody typed into a search
)

func (r Reads) String() string {
	switch r {
	case URLField:
		return "a URL's host"
	case AppField:
		return "an app id"
	case QueryField:
		return "a search"
	}
	return "a value"
}

// Floor is the shortest period that round_down may name in a stream, and why.
type Floor struct {
	MS  int64
	Why string // "1h in a stream whose categories include location"
}

// Option finds an option by name.
func (a *Args) Option(name string) (Arg, bool) {
	for _, o := range a.Options {
		if o.Name == name {
			return o.Arg, true
		}
	}
	return Arg{}, false
}

// NamedArg is one option.
type NamedArg struct {
	Name string
	Arg  Arg
}

// ArgKind tells what an Arg holds.
type ArgKind uint8

const (
	ArgNull ArgKind = iota
	ArgString
	ArgInt
	ArgFloat
	ArgBool
	ArgList
)

// Arg is a scalar of a policy file, or a flat list of them. Text is the scalar as it was written.
type Arg struct {
	Kind  ArgKind
	Text  string
	Int   int64
	Float float64
	Bool  bool
	List  []Arg
}

// Built is a filter and what a listing and the output schema say of it.
type Built struct {
	Filter   Filter
	Kind     schema.Kind // of the output: String, Int, Bool or Time
	Values   []string    // the closed list of a String output, nil where there is none
	Doc      string      // what the value means, for the partner; never a raw path
	How      string      // what is done, for listings and explain
	Leaves   Leaves      // what kind of value comes out; the zero value is the one that is looked into
	Distinct float64     // how many different values it can take, null included; +Inf where each event or person has its own
}

// Leaves tells what a filter's values are made of, and so who looks for identifiers in them.
type Leaves uint8

const (
	Open   Leaves = iota // of the event: every value that would leave is scanned
	Closed               // of the policy's own lists, which are scanned once, when they are compiled
	Made                 // keyed ids, cells, times and ranges: no byte of the event stands in them
)

// Refusal says why a filter cannot be built, and what to do instead. Option is the key that it concerns, "" for the
// filter's own; Index is the element of a list, -1 for the whole value.
type Refusal struct {
	Option  string
	Index   int
	Message string
}

func refuse(option, message string) *Refusal { return &Refusal{option, -1, message} }
