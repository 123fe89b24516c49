package schema

// This file reads one JSON object in a single pass: the whole text is checked (UTF-8, grammar, depth, nothing after
// the object), and only the values under the wanted keys are kept.

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

type jsonReader struct {
	slotFill
	root *jsonNode
	keys int // how many wanted keys there are, each with its own bit
}

// jsonNode is an object on the way to located values.
type jsonNode struct{ keys []jsonKey }

type jsonKey struct {
	name []byte
	path string
	bit  int
	slot int       // of a located value
	sub  *jsonNode // of an object on the way
}

func (n *jsonNode) find(name []byte) *jsonKey {
	for i := range n.keys {
		if bytes.Equal(n.keys[i].name, name) {
			return &n.keys[i]
		}
	}
	return nil
}

// The reasons of Bad beside those of Avro.
const (
	badSyntax    = "bad syntax"
	badObject    = "not an object"
	badDuplicate = "duplicate key"
	badSurrogate = "lone surrogate"
)

func (r *jsonReader) read(wire []byte, dst *Record) error {
	slots := r.begin(dst)
	dst.scratch = dst.scratch[:0]
	if words := (r.keys + 63) / 64; cap(dst.seen) < words {
		dst.seen = make([]uint64, words)
	} else {
		dst.seen = dst.seen[:words]
		clear(dst.seen)
	}
	w := jsonWalk{wire: wire, dst: dst}
	if !utf8.Valid(wire) {
		w.fail(badUTF8)
	}
	if w.space(); w.peek() == '{' {
		w.object(r.root, 1)
	} else {
		w.fail(badObject)
	}
	if w.space(); w.pos != len(wire) {
		w.fail(badTrailing)
	}
	if w.bad != "" {
		clear(slots)
		return &Bad{Path: w.path, Offset: w.at, Reason: w.bad}
	}
	r.end(slots)
	return nil
}

// jsonWalk is the state of one Read.
type jsonWalk struct {
	wire []byte
	pos  int
	dst  *Record
	path string // the wanted key that is being read
	bad  string // the reason of the first failure
	at   int    // and where
}

// fail notes the first failure and moves to the end, so that nothing more is read.
func (w *jsonWalk) fail(reason string) {
	if w.bad == "" {
		w.bad, w.at = reason, w.pos
	}
	w.pos = len(w.wire)
}

// peek returns the next byte, 0 at the end.
func (w *jsonWalk) peek() byte {
	if w.pos < len(w.wire) {
		return w.wire[w.pos]
	}
	return 0
}

func (w *jsonWalk) space() {
	for w.pos < len(w.wire) {
		switch w.wire[w.pos] {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return
		}
	}
}

// object reads the object that begins here. node is nil inside a value that nobody wants.
func (w *jsonWalk) object(node *jsonNode, depth int) {
	if depth > maxDepth {
		w.fail(badDepth)
		return
	}
	w.pos++
	if w.space(); w.peek() == '}' {
		w.pos++
		return
	}
	for w.bad == "" {
		w.member(node, depth)
		w.space()
		switch w.peek() {
		case ',':
			w.pos++
			w.space()
		case '}':
			w.pos++
			return
		default:
			w.fail(badSyntax)
		}
	}
}

// member reads one key and its value.
func (w *jsonWalk) member(node *jsonNode, depth int) {
	raw, escaped := w.str()
	var key *jsonKey
	if node != nil && w.bad == "" {
		if !escaped {
			key = node.find(raw)
		} else {
			keep := len(w.dst.scratch)
			if name, ok := w.unescape(raw); ok { // a lone surrogate is in no wanted name
				key = node.find(name)
			}
			w.dst.scratch = w.dst.scratch[:keep]
		}
	}
	if w.space(); w.peek() != ':' {
		w.fail(badSyntax)
		return
	}
	w.pos++
	w.space()
	if key == nil {
		w.skip(depth)
		return
	}
	outer := w.path
	w.path = key.path
	seen := &w.dst.seen[key.bit/64]
	if bit := uint64(1) << (key.bit % 64); *seen&bit != 0 {
		w.fail(badDuplicate)
		return
	} else {
		*seen |= bit
	}
	if key.sub != nil {
		w.onWay(key.sub, depth)
	} else {
		w.value(&w.dst.Slots[key.slot], depth)
	}
	if w.bad == "" {
		w.path = outer
	}
}

// onWay reads the value of a key that should be an object: null leaves what lies beneath Absent, anything else that
// is no object makes it Other, so that a flag beneath it does not read as not set.
func (w *jsonWalk) onWay(node *jsonNode, depth int) {
	switch w.peek() {
	case '{':
		w.object(node, depth+1)
		return
	case 'n':
	default:
		node.fillOther(w.dst.Slots)
	}
	w.skip(depth)
}

func (n *jsonNode) fillOther(slots []Value) {
	for i := range n.keys {
		if n.keys[i].sub != nil {
			n.keys[i].sub.fillOther(slots)
		} else {
			slots[n.keys[i].slot] = Value{Kind: Other}
		}
	}
}

// value reads a located value into its slot.
func (w *jsonWalk) value(slot *Value, depth int) {
	switch c := w.peek(); {
	case c == '"':
		raw, escaped := w.str()
		if escaped && w.bad == "" {
			text, ok := w.unescape(raw)
			if !ok {
				w.fail(badSurrogate)
			}
			raw = text
		}
		*slot = Value{Kind: String, Raw: raw}
	case c == '-' || c >= '0' && c <= '9':
		begin := w.pos
		if whole := w.number(); w.bad == "" {
			*slot = number(w.wire[begin:w.pos], whole)
		}
	case c == 't':
		*slot = BoolValue(true)
		w.skip(depth)
	case c == 'f':
		*slot = BoolValue(false)
		w.skip(depth)
	case c == 'n':
		w.skip(depth)
	default:
		*slot = Value{Kind: Other}
		w.skip(depth)
	}
}

// skip checks any value and steps over it.
func (w *jsonWalk) skip(depth int) {
	switch c := w.peek(); {
	case c == '"':
		w.str()
	case c == '{':
		w.object(nil, depth+1)
	case c == '[':
		w.array(depth + 1)
	case c == 't':
		w.word("true")
	case c == 'f':
		w.word("false")
	case c == 'n':
		w.word("null")
	case c == '-' || c >= '0' && c <= '9':
		w.number()
	default:
		w.fail(badSyntax)
	}
}

func (w *jsonWalk) array(depth int) {
	if depth > maxDepth {
		w.fail(badDepth)
		return
	}
	w.pos++
	if w.space(); w.peek() == ']' {
		w.pos++
		return
	}
	for w.bad == "" {
		w.skip(depth)
		w.space()
		switch w.peek() {
		case ',':
			w.pos++
			w.space()
		case ']':
			w.pos++
			return
		default:
			w.fail(badSyntax)
		}
	}
}

func (w *jsonWalk) word(word string) {
	if len(w.wire)-w.pos < len(word) || string(w.wire[w.pos:w.pos+len(word)]) != word {
		w.fail(badSyntax)
		return
	}
	w.pos += len(word)
}

func (w *jsonWalk) digits() {
	begin := w.pos
	for w.pos < len(w.wire) && w.wire[w.pos]-'0' <= 9 {
		w.pos++
	}
	if w.pos == begin {
		w.fail(badSyntax)
	}
}

// number steps over a number and tells whether it is written as a whole one.
func (w *jsonWalk) number() (whole bool) {
	if w.peek() == '-' {
		w.pos++
	}
	if w.peek() == '0' {
		w.pos++
	} else {
		w.digits()
	}
	whole = true
	if w.peek() == '.' {
		whole = false
		w.pos++
		w.digits()
	}
	if c := w.peek(); c == 'e' || c == 'E' {
		whole = false
		w.pos++
		if c := w.peek(); c == '+' || c == '-' {
			w.pos++
		}
		w.digits()
	}
	return whole
}

// number turns checked digits into a value: Int when they are whole and fit, else the nearest Float. What is too large
// for a float is an infinity, which filters refuse.
func number(text []byte, whole bool) Value {
	if whole && len(text) <= 20 {
		neg := text[0] == '-'
		digits := text
		if neg {
			digits = text[1:]
		}
		n := uint64(0)
		for _, c := range digits { // at most 20 digits: uint64 can only wrap on the last
			d := uint64(c - '0')
			if n > (math.MaxUint64-d)/10 {
				n = math.MaxUint64
				break
			}
			n = n*10 + d
		}
		switch {
		case !neg && n <= math.MaxInt64:
			return IntValue(int64(n))
		case neg && n <= 1<<63:
			return IntValue(-int64(n))
		}
	}
	f, _ := strconv.ParseFloat(string(text), 64)
	if f == 0 && hasDigit(text) {
		// Too small to hold, yet not 0: as 0 an opt-out flag would read as not set.
		return Value{Kind: Other}
	}
	return FloatValue(f)
}

// hasDigit tells whether a number has a digit other than 0 before its exponent.
func hasDigit(number []byte) bool {
	for _, c := range number {
		switch {
		case c == 'e' || c == 'E':
			return false
		case c >= '1' && c <= '9':
			return true
		}
	}
	return false
}
