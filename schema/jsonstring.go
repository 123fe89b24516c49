package schema

// This file reads JSON strings: the grammar of all of them, the contents of those that are wanted.

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// str steps over the string that begins here and returns what stands between its quotes. The text as a whole is known
// to be UTF-8.
func (w *jsonWalk) str() (raw []byte, escaped bool) {
	if w.peek() != '"' {
		w.fail(badSyntax)
		return nil, false
	}
	begin := w.pos + 1
	for i := begin + plain(w.wire[begin:]); i < len(w.wire); i++ {
		switch c := w.wire[i]; {
		case c == '"':
			w.pos = i + 1
			return w.wire[begin:i:i], escaped
		case c < ' ':
			w.pos = i
			w.fail(badSyntax)
			return nil, false
		case c == '\\':
			escaped = true
			i++
			if i == len(w.wire) {
				break
			}
			switch w.wire[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(w.wire[i+1:]); !ok {
					w.pos = i
					w.fail(badSyntax)
					return nil, false
				}
				i += 4
			default:
				w.pos = i
				w.fail(badSyntax)
				return nil, false
			}
		}
	}
	w.pos = len(w.wire)
	w.fail(badSyntax)
	return nil, false
}

// plain is how many bytes at the beginning of b can be stepped over: none of them is a quote, a backslash or a control
// character. It looks at eight at a time, and stops at the first that is one or where fewer than eight are left.
func plain(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, slash := x^ones*'"', x^ones*'\\' // a byte that is one is now 0
		// (v - k) &^ v has the top bit of each byte below k, and above the lowest such byte perhaps of others: a borrow.
		if hit := ((x-ones*' ')&^x | (quote-ones)&^quote | (slash-ones)&^slash) & tops; hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
	}
	return n
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	r := rune(0)
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape undoes the escapes of a checked string, in the record's scratch space. ok is false for a lone surrogate,
// which no UTF-8 can hold.
func (w *jsonWalk) unescape(raw []byte) (text []byte, ok bool) {
	begin := len(w.dst.scratch)
	out := w.dst.scratch
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(0)
				if i+6 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
					low, _ = hex4(raw[i+3:])
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					w.dst.scratch = out
					return nil, false
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default: // quote, backslash, slash
			out = append(out, raw[i])
		}
	}
	w.dst.scratch = out
	return out[begin:len(out):len(out)], true
}
