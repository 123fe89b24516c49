package schema

// This file derives what a partner is told about a stream: its schema as text. The text is the same for the same
// Output, byte for byte, since registries match it exactly.

import (
	"strings"
)

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

// AvroName makes a name that Avro allows: `-` and `.` (and whatever else Avro forbids) become `_`. Two names may become
// the same; whoever makes the Output refuses that.
func AvroName(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			b[i] = '_'
		}
	}
	if len(b) == 0 || b[0] >= '0' && b[0] <= '9' {
		b = append([]byte{'_'}, b...)
	}
	return string(b)
}

// Text is the schema in the stream's own format.
func (o *Output) Text() string {
	if o.Format == "json" {
		return o.JSONSchema()
	}
	return o.AvroSchema()
}

// AvroSchema is the Avro schema: one record, each field ["null", T] with default null.
func (o *Output) AvroSchema() string {
	b := append([]byte(nil), `{"type":"record","name":`...)
	b = appendJSONString(b, []byte(AvroName(o.Name)))
	b = append(b, `,"fields":[`...)
	for i, f := range o.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n  "...)
		b = append(b, `{"name":`...)
		b = appendJSONString(b, []byte(AvroName(f.Name)))
		b = append(b, `,"type":["null",`...)
		switch f.Kind {
		case String:
			b = append(b, `"string"`...)
		case Int:
			b = append(b, `"long"`...)
		case Bool:
			b = append(b, `"boolean"`...)
		case Time:
			b = append(b, `{"type":"long","logicalType":"timestamp-millis"}`...)
		}
		b = append(b, `],"default":null`...)
		if doc := f.doc(); doc != "" {
			b = append(b, `,"doc":`...)
			b = appendJSONString(b, []byte(doc))
		}
		b = append(b, '}')
	}
	b = append(b, "\n]}"...)
	return string(b)
}

// JSONSchema is the JSON Schema (draft 7, which every registry knows). Every field is there in every record, and may be
// null. The schema does not say `required`, and leaves other names to be scalars: only so does a registry under
// FULL_TRANSITIVE let a field be added later, as it does for Avro. What is written comes from Fields alone.
func (o *Output) JSONSchema() string {
	b := append([]byte(nil), `{"$schema":"http://json-schema.org/draft-07/schema#","title":`...)
	b = appendJSONString(b, []byte(o.Name))
	b = append(b, `,"type":"object","properties":{`...)
	for i, f := range o.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n  "...)
		b = appendJSONString(b, []byte(f.Name))
		b = append(b, `:{"type":["null",`...)
		switch f.Kind {
		case String:
			b = append(b, `"string"]`...)
		case Int:
			b = append(b, `"integer"]`...)
		case Bool:
			b = append(b, `"boolean"]`...)
		case Time:
			b = append(b, `"string"],"format":"date-time"`...)
		}
		b = append(b, `,"default":null`...)
		if doc := f.doc(); doc != "" {
			b = append(b, `,"description":`...)
			b = appendJSONString(b, []byte(doc))
		}
		b = append(b, '}')
	}
	b = append(b, "\n},\"additionalProperties\":{\"type\":[\"null\",\"string\",\"integer\",\"boolean\"]}}"...)
	return string(b)
}

// doc is the field's meaning and, where there is one, its closed list. The list stands here and not as an enum, so that
// a new value breaks no reader.
func (f *OutField) doc() string {
	if len(f.Values) == 0 {
		return f.Doc
	}
	list := "One of: " + strings.Join(f.Values, ", ")
	if f.Doc == "" {
		return list
	}
	return f.Doc + ". " + list
}
