package schema

// This file says what a source schema can be asked, whatever its format.

import "strings"

// Type is what a source schema says about one path.
type Type struct {
	Kind     Kind
	Nullable bool
	// Symbols is the closed list of an Avro enum or a JSON Schema string enum; nil when the schema leaves it open.
	Symbols []string
	// Zoneless marks Avro's local-timestamp-* types: a time without a zone says nothing and is refused.
	Zoneless bool
	// DateTime marks a JSON string of format date-time.
	DateTime bool
	// Mixed marks a JSON value of several scalar types, Kind being the first. Only a flag can be judged by it.
	Mixed bool
}

// Layout names the paths to locate. Slot i of a Record holds Paths[i]. A writer schema that lacks a path with
// Required[i] set is not readable at all (a renamed opt-out flag must not read as absent); any other missing path
// reads as Absent.
type Layout struct {
	Paths    []string
	Required []bool
}

// Shape is a parsed source schema: what can be located in it and how to compile a Reader.
// ParseAvro and ParseJSONSchema make one.
type Shape struct {
	impl shape
}

type shape interface {
	lookup(path string) (Type, error)
	paths() []string
	compile(Layout) (*Reader, error)
}

// Lookup tells the type of a dotted path, e.g. "subscriber.msisdn". The error says why it cannot be located: it is not
// there, or lies in an array, a map or a union of several types.
func (s *Shape) Lookup(path string) (Type, error) { return s.impl.lookup(path) }

// Paths lists every path that can be located, in schema order; for "did you mean" and listings.
func (s *Shape) Paths() []string { return s.impl.paths() }

// Compile builds a Reader for the layout. The error is a *LacksPath.
func (s *Shape) Compile(l Layout) (*Reader, error) { return s.impl.compile(l) }

// LacksPath tells that a schema does not have, or has in a form that cannot be located, a path that the layout requires.
type LacksPath struct{ Path string }

func (e *LacksPath) Error() string { return "the schema lacks the path " + e.Path }

// Invalid says why a schema text was refused: the schema's own names and a rule, nothing of any event.
type Invalid struct {
	Path   string // where in the schema, e.g. "subscriber.msisdn"; "" for the schema as a whole
	Reason string
}

func (e *Invalid) Error() string {
	if e.Path == "" {
		return "schema: " + e.Reason
	}
	return "schema: at " + e.Path + ": " + e.Reason
}

// Limits of a schema text. A registry is trusted less than a file, so they hold for both.
const (
	maxSchemaText  = 1 << 20
	maxSchemaDepth = 64
	// maxDepth bounds how deep one event may nest: records, arrays and maps, or JSON objects and arrays.
	maxDepth = 32
	// maxPaths bounds listings: named types that hold each other twice have exponentially many paths.
	maxPaths = 4096
)

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// nearest returns the known path that is most like the asked one, or "" when none is close.
func nearest(path string, known []string) string {
	best, bestCost := "", 1+len(path)/3
	for _, k := range known {
		if k[strings.LastIndexByte(k, '.')+1:] == path[strings.LastIndexByte(path, '.')+1:] && bestCost > 1 {
			best, bestCost = k, 1 // the right field in another place
			continue
		}
		if c := editDistance(path, k, bestCost); c < bestCost {
			best, bestCost = k, c
		}
	}
	return best
}

// editDistance is Levenshtein's, given up at limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost = 1 + min(diag, row[j], row[j-1])
			}
			diag, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}

// notThere is the answer for a path that the schema does not have.
func notThere(path string, known []string) error {
	if n := nearest(path, known); n != "" {
		return &Invalid{path, "there is no such path; did you mean " + n + "?"}
	}
	return &Invalid{path, "there is no such path"}
}
