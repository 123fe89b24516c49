package schema

// This file walks one Avro body: a list of steps with forward jumps, no recursion for located fields and a bounded one
// for skipped ones. Every claim of the bytes (a length, a count) is held against what is left before it is believed,
// so a hostile body costs no memory and at most one pass over its bytes.

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

type opCode uint8

const (
	opSkip      opCode = iota // step over any type
	opFixed                   // n bytes
	opSkipBytes               // a length and as many bytes
	opSkipLong
	opNullable // union: at index null go on at jump; any other index below n goes on here
	opBool
	opInt
	opLong
	opTime     // n units are a millisecond
	opZoneless // a time without a zone: Other
	opFloat
	opDouble
	opString
	opBytes
	opFixedBytes // n bytes
	opEnum
)

type avroOp struct {
	code    opCode
	slot    int
	n       int64
	null    int64
	jump    int
	depth   int
	typ     *avroType
	symbols [][]byte
	path    string
}

type avroReader struct {
	slotFill
	ops []avroOp
}

// The reasons of Bad.
const (
	badTruncated = "truncated"
	badTrailing  = "trailing bytes"
	badVarint    = "bad varint"
	badInt       = "int out of range"
	badLength    = "bad length"
	badCount     = "bad block count"
	badBlock     = "bad block size"
	badUnion     = "bad union index"
	badEnum      = "bad enum index"
	badBool      = "bad boolean"
	badUTF8      = "not UTF-8"
	badDepth     = "nested too deeply"
)

// avroWalk is the state of one Read: what is asked in the hot loop, kept on the stack.
type avroWalk struct {
	wire   []byte
	pos    int
	bad    string // the reason of the first failure
	budget int    // items without bytes that may still be claimed
}

func (r *avroReader) read(wire []byte, dst *Record) error {
	slots := r.begin(dst)
	w := avroWalk{wire: wire, budget: len(wire) + 1024}
	for pc := 0; pc < len(r.ops); pc++ {
		op := &r.ops[pc]
		switch op.code {
		case opFixed:
			w.bytes(op.n)
		case opSkip:
			w.skip(op.typ, op.depth)
		case opSkipBytes:
			w.bytes(w.long())
		case opSkipLong:
			w.long()
		case opNullable:
			n := w.long()
			if n < 0 || n >= op.n {
				w.fail(badUnion)
			} else if n == op.null {
				pc = op.jump - 1
			}
		case opBool:
			slots[op.slot] = Value{Kind: Bool, Num: w.boolean()}
		case opInt:
			slots[op.slot] = Value{Kind: Int, Num: w.int()}
		case opLong:
			slots[op.slot] = Value{Kind: Int, Num: w.long()}
		case opTime:
			slots[op.slot] = Value{Kind: Time, Num: floorDiv(w.long(), op.n)}
		case opZoneless:
			w.long()
			slots[op.slot].Kind = Other
		case opFloat:
			if b := w.bytes(4); w.bad == "" {
				slots[op.slot] = FloatValue(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
			}
		case opDouble:
			if b := w.bytes(8); w.bad == "" {
				slots[op.slot] = Value{Kind: Float, Num: int64(binary.LittleEndian.Uint64(b))}
			}
		case opString:
			b := w.bytes(w.long())
			if !utf8.Valid(b) {
				w.fail(badUTF8)
			}
			slots[op.slot] = Value{Kind: String, Raw: b}
		case opBytes:
			slots[op.slot] = Value{Kind: Bytes, Raw: w.bytes(w.long())}
		case opFixedBytes:
			slots[op.slot] = Value{Kind: Bytes, Raw: w.bytes(op.n)}
		case opEnum:
			n := w.long()
			if n < 0 || n >= int64(len(op.symbols)) {
				w.fail(badEnum)
			} else {
				slots[op.slot] = Value{Kind: String, Raw: op.symbols[n]}
			}
		}
		if w.bad != "" {
			clear(slots)
			return &Bad{Path: op.path, Offset: w.pos, Reason: w.bad}
		}
	}
	if w.pos != len(wire) {
		clear(slots)
		return &Bad{Offset: w.pos, Reason: badTrailing}
	}
	r.end(slots)
	return nil
}

func (w *avroWalk) fail(reason string) {
	if w.bad == "" {
		w.bad = reason
	}
}

// long reads a zigzag varint; after a failure it returns 0.
func (w *avroWalk) long() int64 {
	if w.pos < len(w.wire) {
		if b := w.wire[w.pos]; b < 0x80 { // most lengths, indexes and counts
			w.pos++
			return int64(b>>1) ^ -int64(b&1)
		}
	}
	return w.longSlow()
}

func (w *avroWalk) longSlow() int64 {
	u, n := binary.Uvarint(w.wire[w.pos:])
	switch {
	case n > 0:
		w.pos += n
		return int64(u>>1) ^ -int64(u&1)
	case n == 0 && len(w.wire)-w.pos < binary.MaxVarintLen64:
		w.fail(badTruncated)
	default:
		w.fail(badVarint)
	}
	return 0
}

func (w *avroWalk) int() int64 {
	n := w.long()
	if n != int64(int32(n)) {
		w.fail(badInt)
		return 0
	}
	return n
}

func (w *avroWalk) boolean() int64 {
	b := w.bytes(1)
	if w.bad != "" {
		return 0
	}
	if b[0] > 1 {
		w.fail(badBool)
		return 0
	}
	return int64(b[0])
}

// bytes steps over n bytes and returns them; nil after a failure.
func (w *avroWalk) bytes(n int64) []byte {
	if n < 0 {
		w.fail(badLength)
	} else if n > int64(len(w.wire)-w.pos) {
		w.fail(badTruncated)
	}
	if w.bad != "" {
		return nil
	}
	b := w.wire[w.pos : w.pos+int(n) : w.pos+int(n)]
	w.pos += int(n)
	return b
}

// skip steps over one value of t and checks its shape. depth counts the records, arrays and maps around it.
func (w *avroWalk) skip(t *avroType, depth int) {
	if t.size >= 0 {
		w.bytes(t.size)
		return
	}
	switch t.kind {
	case avroBool:
		w.boolean()
	case avroInt:
		w.int()
	case avroLong:
		w.long()
	case avroBytes, avroString:
		w.bytes(w.long())
	case avroEnum:
		if n := w.long(); n < 0 || n >= int64(len(t.symbols)) {
			w.fail(badEnum)
		}
	case avroUnion:
		n := w.long()
		if n < 0 || n >= int64(len(t.parts)) {
			w.fail(badUnion)
			return
		}
		w.skip(t.parts[n], depth)
	case avroRecord:
		if depth >= maxDepth {
			w.fail(badDepth)
			return
		}
		for _, step := range t.skip {
			w.skip(step, depth+1)
			if w.bad != "" {
				return
			}
		}
	case avroArray, avroMap:
		if depth >= maxDepth {
			w.fail(badDepth)
			return
		}
		w.blocks(t, depth+1)
	}
}

// blocks steps over the blocks of an array or map.
func (w *avroWalk) blocks(t *avroType, depth int) {
	for {
		n := w.long()
		if n == 0 || w.bad != "" {
			return
		}
		end := -1
		if n < 0 { // a block that says its size in bytes
			size := w.long()
			if n = -n; n < 0 {
				w.fail(badCount)
			} else if size < 0 || size > int64(len(w.wire)-w.pos) {
				w.fail(badBlock)
			}
			end = w.pos + int(size)
		}
		w.items(t, n, depth)
		if w.bad == "" && end >= 0 && w.pos != end {
			w.fail(badBlock)
		}
		if w.bad != "" {
			return
		}
	}
}

func (w *avroWalk) items(t *avroType, n int64, depth int) {
	if w.bad != "" {
		return
	}
	least := int64(1) // bytes that an item has at least
	if t.kind == avroArray && t.item.size >= 0 {
		least = t.item.size
	}
	switch {
	case least == 0:
		// Items without bytes: a count is all there is, so the only bound is ours.
		if n > int64(w.budget) {
			w.fail(badCount)
			return
		}
		w.budget -= int(n)
		return
	case n > int64(len(w.wire)-w.pos)/least:
		w.fail(badCount)
		return
	case t.kind == avroArray && t.item.size >= 0:
		w.bytes(n * least)
		return
	}
	for ; n > 0 && w.bad == ""; n-- {
		if t.kind == avroMap {
			w.bytes(w.long())
		}
		w.skip(t.item, depth)
	}
}

func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
