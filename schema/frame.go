package schema

// This file knows the Confluent prefix in front of an Avro body: a zero byte and the schema's id as 4 bytes, big-endian.

import "encoding/binary"

// FrameSize is the length of the prefix in bytes.
const FrameSize = 5

// SplitFrame takes the prefix off a record value. ok is false for anything that does not begin with one (also for a
// negative id, which no registry hands out); the event is then unreadable.
func SplitFrame(value []byte) (id int, body []byte, ok bool) {
	if len(value) < FrameSize || value[0] != 0 || value[1] > 0x7f {
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint32(value[1:])), value[FrameSize:], true
}

// AppendFrame appends the prefix for a schema id.
func AppendFrame(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}
