package detect

// Undoing what hides a value: percent signs, \u, character references, base64. Every step is linear and makes the text
// shorter.

import (
	"unicode/utf8"
)

// escaped says whether b holds an escape.
func escaped(b []byte) bool {
	for i, c := range b {
		if c == '%' || c == '\\' || c == '&' {
			if _, n := escape(b[i:]); n > 0 {
				return true
			}
		}
	}
	return false
}

// appendUnescaped appends src with one layer of escapes undone: %41, \u0041, \u{41}, \U00000041, \x41, %u0041, &#65;,
// &#x41; and the signs that JSON escapes. What is no escape stays.
func appendUnescaped(dst, src []byte) []byte {
	start := 0
	for i := 0; i < len(src); {
		if c := src[i]; c != '%' && c != '\\' && c != '&' {
			i++
			continue
		}
		r, n := escape(src[i:])
		if n == 0 {
			i++
			continue
		}
		dst = append(dst, src[start:i]...)
		if r < 0 { // a byte
			dst = append(dst, byte(^r))
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		i += n
		start = i
	}
	return append(dst, src[start:]...)
}

// escape reads the escape at the beginning of b: its rune, or the complement of its byte, and its length; 0 for none.
func escape(b []byte) (r rune, n int) {
	if len(b) < 3 {
		return 0, 0
	}
	switch {
	case b[0] == '%' && b[1] == 'u':
		return unit(b, 2, 4)
	case b[0] == '%':
		return hexByte(b, 1)
	case b[0] == '\\' && (b[1] == '"' || b[1] == '/' || b[1] == '\\' || b[1] == '\''):
		return rune(b[1]), 2
	case b[0] == '\\' && (b[1] == 'n' || b[1] == 't' || b[1] == 'r'):
		return ' ', 2
	case b[0] == '\\' && b[1] == 'x':
		return hexByte(b, 2)
	case b[0] == '\\' && b[1] == 'U':
		return unit(b, 2, 8)
	case b[0] == '\\' && b[1] == 'u' && b[2] == '{':
		return braced(b, 3, 16, '}')
	case b[0] == '\\' && b[1] == 'u':
		return unit(b, 2, 4)
	case b[0] == '&' && isLetter(b[1]):
		return entity(b)
	case b[0] == '&' && b[1] == '#' && (b[2] == 'x' || b[2] == 'X'):
		return braced(b, 3, 16, ';')
	case b[0] == '&' && b[1] == '#':
		return braced(b, 2, 10, ';')
	}
	return 0, 0
}

// entity reads a named character reference (HTML, 13.5) of a sign that identifiers hold.
func entity(b []byte) (r rune, n int) {
	for i := range entities {
		if e := &entities[i]; len(b) > len(e.name) && string(b[1:1+len(e.name)]) == e.name {
			return e.r, 1 + len(e.name)
		}
	}
	return 0, 0
}

var entities = [...]struct {
	name string
	r    rune
}{
	{"commat;", '@'}, {"period;", '.'}, {"amp;", '&'}, {"nbsp;", ' '}, {"plus;", '+'}, {"hyphen;", '-'}, {"dash;", '-'}, {"colon;", ':'}, {"sol;", '/'},
	{"lowbar;", '_'}, {"num;", '#'}, {"percnt;", '%'}, {"equals;", '='}, {"comma;", ','}, {"lpar;", '('}, {"rpar;", ')'}, {"quot;", '"'}, {"apos;", '\''},
}

// appendSpelt appends text with the signs that people write to hide an address from machines: [.], (dot) and [ at ] are a
// dot and an at sign, and so is " dot " between digits. The result is shorter if there is any.
func appendSpelt(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if opensAside(c) || c == ' ' {
			if sign, n := speltSign(text, i); n > 0 {
				dst = append(dst, sign)
				i += n
				continue
			}
		}
		dst = append(dst, c)
		i++
	}
	return dst
}

// speltSign reads a sign that stands in brackets at i, or a dot that is written out between digits.
func speltSign(b []byte, i int) (sign byte, n int) {
	j := i + 1
	aside := b[i] != ' '
	if !aside && (i == 0 || !isDigit(b[i-1])) {
		return 0, 0
	}
	for k := 0; aside && k < maxBlanks && j < len(b) && b[j] == ' '; k++ {
		j++
	}
	rest := b[j:]
	switch {
	case len(rest) > 3 && rest[0]|0x20 == 'd' && rest[1]|0x20 == 'o' && rest[2]|0x20 == 't':
		sign, j = '.', j+3
	case aside && len(rest) > 2 && rest[0]|0x20 == 'a' && rest[1]|0x20 == 't':
		sign, j = '@', j+2
	case aside && len(rest) > 1 && (rest[0] == '.' || rest[0] == '@'):
		sign, j = rest[0], j+1
	default:
		return 0, 0
	}
	if !aside {
		if j+1 < len(b) && b[j] == ' ' && isDigit(b[j+1]) {
			return sign, j + 1 - i
		}
		return 0, 0
	}
	for k := 0; k < maxBlanks && j < len(b) && b[j] == ' '; k++ {
		j++
	}
	if j < len(b) && closesAside(b[j]) {
		return sign, j + 1 - i
	}
	return 0, 0
}

func hexByte(b []byte, at int) (r rune, n int) {
	if len(b) < at+2 || hexValue[b[at]] < 0 || hexValue[b[at+1]] < 0 {
		return 0, 0
	}
	return ^(rune(hexValue[b[at]])<<4 | rune(hexValue[b[at+1]])), at + 2
}

// unit reads so many hex digits, and the second half of a surrogate pair.
func unit(b []byte, at, digits int) (r rune, n int) {
	if len(b) < at+digits {
		return 0, 0
	}
	for _, c := range b[at : at+digits] {
		d := hexValue[c]
		if d < 0 || r > unitMax {
			return 0, 0
		}
		r = r<<4 | rune(d)
	}
	n = at + digits
	if 0xd800 <= r && r < 0xdc00 && len(b) >= n+6 && b[n] == '\\' && b[n+1] == 'u' {
		if low, m := lowHalf(b[n:]); m > 0 {
			return 0x10000 + (r-0xd800)<<10 + low, n + m
		}
	}
	return r, n
}

// unitMax keeps eight hex digits from running over: another digit would be no rune.
const unitMax = utf8.MaxRune >> 4

func lowHalf(b []byte) (low rune, n int) {
	for _, c := range b[2:6] {
		d := hexValue[c]
		if d < 0 {
			return 0, 0
		}
		low = low<<4 | rune(d)
	}
	if low < 0xdc00 || low > 0xdfff {
		return 0, 0
	}
	return low - 0xdc00, 6
}

// braced reads up to eight digits and the character that ends them.
func braced(b []byte, at int, base rune, end byte) (r rune, n int) {
	for i := at; i < len(b) && i <= at+8; i++ {
		if b[i] == end && i > at {
			return r, i + 1
		}
		d := rune(hexValue[b[i]])
		if d < 0 || d >= base || r > utf8.MaxRune {
			return 0, 0
		}
		r = r*base + d
	}
	return 0, 0
}

// minBase64 is the shortest run that is tried: seven bytes, the length of the shortest IPv4 address, make ten.
const minBase64 = 8

// minPartial is how many bytes must be text of a run of which not all is: fewer may be chance.
const minPartial = 7

// appendBase64 appends what the base64 in src holds, one piece a line: every run of either alphabet; if that is no text,
// the parts of it between the signs of the alphabets, which also join words; and what begins one to three characters
// later, behind what was glued to it.
func appendBase64(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if base64Value[src[i]] < 0 {
			i++
			continue
		}
		from, signs := i, false
		for i < len(src) && base64Value[src[i]] >= 0 {
			signs = signs || !isAlnum(src[i])
			i++
		}
		run, n := src[from:i], len(dst)
		if dst = appendDecoded(dst, run); len(dst) > n {
			continue
		}
		for rest := run; signs && len(rest) > 0; {
			part := 0
			for part < len(rest) && isAlnum(rest[part]) {
				part++
			}
			if part < len(run) {
				dst = appendDecoded(dst, rest[:part])
			}
			rest = rest[min(part+1, len(rest)):]
		}
		for skip := 1; skip < 4 && len(dst) == n && len(run) >= minGlued; skip++ {
			dst = appendDecoded(dst, run[skip:])
		}
	}
	return dst
}

// minGlued is the shortest run in which base64 is looked for behind other characters.
const minGlued = 12

// appendDecoded appends one run decoded as far as it is text, and a line feed; nothing if too little is.
func appendDecoded(dst, run []byte) []byte {
	if len(run) < minBase64 {
		return dst
	}
	start := len(dst)
	var acc uint32
	var have uint
	high, whole := false, len(run)%4 != 1
	for _, c := range run {
		acc = acc<<6 | uint32(base64Value[c])
		if have += 6; have < 8 {
			continue
		}
		have -= 8
		d := byte(acc >> have)
		if d < ' ' && d != '\t' && d != '\n' && d != '\r' || d == 0x7f {
			whole = false
			break
		}
		high = high || d >= utf8.RuneSelf
		dst = append(dst, d)
	}
	if high {
		for i := start; i < len(dst); {
			r, n := utf8.DecodeRune(dst[i:])
			if r == utf8.RuneError && n <= 1 {
				dst, whole = dst[:i], false
				break
			}
			i += n
		}
	}
	if !whole && len(dst)-start < minPartial {
		return dst[:start]
	}
	return append(dst, '\n')
}

var hexValue = func() (t [256]int8) {
	for i := range t {
		switch c := byte(i); {
		case '0' <= c && c <= '9':
			t[i] = int8(c - '0')
		case 'a' <= c && c <= 'f':
			t[i] = int8(c-'a') + 10
		case 'A' <= c && c <= 'F':
			t[i] = int8(c-'A') + 10
		default:
			t[i] = -1
		}
	}
	return t
}()

// base64Value reads both alphabets of RFC 4648.
var base64Value = func() (t [256]int8) {
	for i := range t {
		switch c := byte(i); {
		case 'A' <= c && c <= 'Z':
			t[i] = int8(c - 'A')
		case 'a' <= c && c <= 'z':
			t[i] = int8(c-'a') + 26
		case '0' <= c && c <= '9':
			t[i] = int8(c-'0') + 52
		case c == '+' || c == '-':
			t[i] = 62
		case c == '/' || c == '_':
			t[i] = 63
		default:
			t[i] = -1
		}
	}
	return t
}()
