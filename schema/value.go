// Package schema turns wire bytes into slots and slots into wire bytes.
//
// A Reader is compiled once per writer schema and locates only the fields that a policy names; everything else is
// skipped without being decoded, so a field nobody named has no way to leave. A Writer walks the output schema.
// The package is pure: it never asks a network (schema/registry does), never logs, and its errors carry a path, an
// offset and a reason, never a value.
package schema

import "math"

// Kind tells what a Value holds. The zero Kind is Absent: a slot that nobody filled releases nothing.
type Kind uint8

const (
	Absent Kind = iota // not in the record, or null
	Bool
	Int
	Float
	String // valid UTF-8, JSON escapes already undone
	Bytes
	Time // an instant, milliseconds since 1970-01-01T00:00Z
	// Other is present, and neither null nor a scalar that can be told apart: a JSON object or array where a value was
	// looked for, or a time without a zone. A flag counts as set, a filter refuses, a subject is bad.
	Other
)

// Value is one located field. Raw points into the input record or into the Record's scratch space and is valid only
// until the next Read into the same Record.
type Value struct {
	Kind Kind
	Num  int64 // Bool: 0 or 1; Int: the number; Float: math.Float64bits; Time: Unix milliseconds
	Raw  []byte
}

// BoolValue, IntValue, FloatValue, StringValue and TimeValue build values for outputs and tests.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}
func IntValue(n int64) Value     { return Value{Kind: Int, Num: n} }
func FloatValue(f float64) Value { return Value{Kind: Float, Num: int64(math.Float64bits(f))} }
func StringValue(s []byte) Value { return Value{Kind: String, Raw: s} }
func TimeValue(ms int64) Value   { return Value{Kind: Time, Num: ms} }

// Float returns the number of a Float or Int value.
func (v Value) Float() float64 {
	if v.Kind == Int {
		return float64(v.Num)
	}
	return math.Float64frombits(uint64(v.Num))
}

// Record is one event as slots in Layout order. Reuse one per goroutine: Read overwrites it.
type Record struct {
	Slots   []Value
	scratch []byte   // unescaped JSON strings
	seen    []uint64 // JSON: which located keys this record had already, one bit each
}

// reset makes n Absent slots, without allocating once the Record has been used.
func (r *Record) reset(n int) []Value {
	if cap(r.Slots) < n {
		r.Slots = make([]Value, n)
	}
	r.Slots = r.Slots[:n]
	clear(r.Slots)
	return r.Slots
}
