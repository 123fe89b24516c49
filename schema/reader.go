package schema

// This file is what the callers see of every compiled reader.

// Reader locates a Layout's paths in wire bytes. Safe for concurrent use; the Record is not.
type Reader struct {
	impl interface {
		read(wire []byte, dst *Record) error
	}
}

// Read fills dst from one Avro body (without the framing prefix) or one JSON object. On error nothing in dst may be
// used. The error is a *Bad.
func (r *Reader) Read(wire []byte, dst *Record) error { return r.impl.read(wire, dst) }

// Bad says why a record cannot be read: where, and which rule it broke; never what it held.
type Bad struct {
	Path   string // the field being read, "" for the record as a whole
	Offset int    // byte offset into the body
	Reason string // from a closed set, e.g. "truncated", "trailing bytes", "not UTF-8", "duplicate key"
}

func (b *Bad) Error() string { return "unreadable record: " + b.Reason }
