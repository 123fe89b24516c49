package schema

// OutField is one field of a released record.
type OutField struct {
	Name   string
	Kind   Kind     // String, Int, Bool or Time
	Doc    string   // meaning, never a raw path
	Values []string // the closed list, where there is one
}

// Output is the derived schema of a stream: fields in file order, each nullable with default null (design: section 5).
type Output struct {
	Format string // "avro" or "json"
	Name   string // Avro record name, derived from the topic
	Fields []OutField
}
