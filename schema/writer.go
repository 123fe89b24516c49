package schema

// This file makes released bytes. It walks the output schema, so nothing can be written that the schema does not name.

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// Writer encodes the output slots of one stream. Safe for concurrent use.
type Writer struct {
	json   bool
	fields []outStep
	known  bool // the format and every kind are ones that can be written
}

type outStep struct {
	name string
	kind Kind
	key  []byte // JSON: what stands before the value
}

// Unwritable says why a record cannot be written: it must be withheld. It never holds a value.
type Unwritable struct{ Field, Reason string }

func (e *Unwritable) Error() string { return "unwritable record: field " + e.Field + ": " + e.Reason }

// NewWriter compiles an Output. An Output with a kind that no output may have yields a Writer that refuses every record.
func NewWriter(o *Output) *Writer {
	w := &Writer{json: o.Format == "json", known: o.Format == "json" || o.Format == "avro"}
	for i, f := range o.Fields {
		s := outStep{name: f.Name, kind: f.Kind}
		if i > 0 {
			s.key = append(s.key, ',')
		}
		s.key = append(appendJSONString(s.key, []byte(f.Name)), ':')
		w.fields = append(w.fields, s)
		switch f.Kind {
		case String, Int, Bool, Time:
		default:
			w.known = false
		}
	}
	return w
}

// Append appends one record, an Avro body (without the prefix) or a JSON object, and allocates nothing when dst has
// room. vals stand in the order of the Output's fields; an Absent one is written as null. The error is an *Unwritable,
// and dst is then returned as it was.
func (w *Writer) Append(dst []byte, vals []Value) ([]byte, error) {
	if !w.known || len(vals) != len(w.fields) {
		return dst, &Unwritable{"", "the values do not fit the output schema"}
	}
	out := dst
	if w.json {
		out = append(out, '{')
	}
	for i := range w.fields {
		f, v := &w.fields[i], &vals[i]
		reason := ""
		if v.Kind != Absent && v.Kind != f.kind {
			reason = "the value is not of the field's kind"
		} else if v.Kind == String && !utf8.Valid(v.Raw) {
			reason = badUTF8
		} else if w.json {
			out, reason = appendJSON(append(out, f.key...), v)
		} else {
			out = appendAvro(out, v)
		}
		if reason != "" {
			return dst, &Unwritable{f.name, reason}
		}
	}
	if w.json {
		out = append(out, '}')
	}
	return out, nil
}

// appendAvro writes a value of the union ["null", T].
func appendAvro(dst []byte, v *Value) []byte {
	if v.Kind == Absent {
		return append(dst, 0)
	}
	dst = append(dst, 2)
	switch v.Kind {
	case String:
		return append(appendLong(dst, int64(len(v.Raw))), v.Raw...)
	case Bool:
		if v.Num != 0 {
			return append(dst, 1)
		}
		return append(dst, 0)
	}
	return appendLong(dst, v.Num) // Int and Time
}

func appendLong(dst []byte, n int64) []byte {
	return binary.AppendUvarint(dst, uint64(n)<<1^uint64(n>>63))
}

func appendJSON(dst []byte, v *Value) (out []byte, reason string) {
	switch v.Kind {
	case String:
		return appendJSONString(dst, v.Raw), ""
	case Int:
		return strconv.AppendInt(dst, v.Num, 10), ""
	case Bool:
		return strconv.AppendBool(dst, v.Num != 0), ""
	case Time:
		out, ok := AppendTime(append(dst, '"'), v.Num)
		if !ok {
			return dst, "the time is outside the years 0 to 9999"
		}
		return append(out, '"'), ""
	}
	return append(dst, "null"...), ""
}

// appendJSONString appends valid UTF-8 as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
