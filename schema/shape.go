package schema

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

// Compile builds a Reader for the layout.
func (s *Shape) Compile(l Layout) (*Reader, error) { return s.impl.compile(l) }
