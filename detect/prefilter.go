package detect

// The prefilter: one pass over a reading that lowers case and notes what occurs, so that most texts are clean at once.

import "slices"

// charTraits is what one byte adds to the traits.
var charTraits = func() (t [256]traits) {
	for i := range t {
		switch c := byte(i); {
		case '0' <= c && c <= '9':
			t[i] = hasDigit
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			t[i] = hasLetter
			if isSoft(c | 0x20) {
				t[i] |= hasSoft
			}
		case c >= 0x80:
			t[i] = hasHigh
		}
	}
	for c, b := range map[byte]traits{
		' ': hasSpace, '\t': hasSpace, '\n': hasSpace, '\r': hasSpace, '@': hasAt, '%': hasPercent, '\\': hasBackslash,
		'&': hasAmpersand, '=': hasEquals, ':': hasColon, '/': hasSlash, '.': hasDot, '+': hasPlus, '-': hasDash,
		'(': hasBracket, '[': hasBracket, '{': hasBracket,
	} {
		t[c] |= b
	}
	return t
}()

// char is what the prefilter needs to know of one byte.
type char struct {
	has    traits
	run    int32  // all bits if the byte is of base64's alphabets, else none
	counts uint64 // bit 0 if it is a digit, bit 32 if it is a hex digit
	lower  byte
}

var chars = func() (t [256]char) {
	for i := range t {
		c := &t[i]
		c.has, c.lower = charTraits[i], lowerASCII[i]
		if base64Value[i] >= 0 {
			c.run = -1
		}
		if '0' <= i && i <= '9' {
			c.counts = 1
		}
		if hexValue[i] >= 0 {
			c.counts |= 1 << 32
		}
	}
	return t
}()

// alnum says which bytes are ASCII letters or digits.
var alnum = func() (t [256]bool) {
	for i := range t {
		t[i] = isDigit(byte(i)) || isLetter(byte(i))
	}
	return t
}()

func isAlnum(c byte) bool  { return alnum[c] }
func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// appendFold appends text in lower case and says what occurs in it.
func appendFold(dst, text []byte) ([]byte, traits) {
	start := len(dst)
	dst = slices.Grow(dst, len(text))[:start+len(text)]
	out := dst[start:]
	var has traits
	var counts uint64
	var run, longest int32
	for i, b := range text {
		c := &chars[b]
		has |= c.has
		counts += c.counts
		run = (run + 1) & c.run
		longest = max(longest, run)
		out[i] = c.lower
	}
	has |= counted(counts)
	if longest >= minBase64 {
		has |= run8
	}
	if longest >= 20 {
		has |= run20
	}
	return dst, has
}

func counted(counts uint64) (has traits) {
	if digits := uint32(counts); digits >= 7 {
		has = digits4 | digits7
	} else if digits >= 4 {
		has = digits4
	}
	if counts>>32 >= 12 {
		has |= hex12
	}
	return has
}

// countsOf counts digits and hex digits again, in a text whose letters were read as digits.
func countsOf(text []byte) traits {
	var counts uint64
	for _, b := range text {
		counts += chars[b].counts
	}
	return counted(counts)
}

// isSoft says which letters, in lower case, may be meant for a digit: o for 0, l and i for 1.
func isSoft(c byte) bool { return c == 'o' || c == 'l' || c == 'i' }

// isJoint says which bytes may stand between the groups of one number.
var isJoint = [256]bool{' ': true, '-': true, '.': true, '/': true, '_': true, '+': true, '\t': true, ':': true}

// softWord is what a word of letters and digits consists of.
type softWord struct {
	from, end    int
	digits, soft int
	hex          bool // nothing but hex digits and soft letters, or such after 0x
}

func softWordAt(b []byte, i int) (w softWord) {
	w.from, w.hex = i, true
	for ; i < len(b) && isAlnum(b[i]); i++ {
		switch c := b[i]; {
		case isDigit(c):
			w.digits++
		case isSoft(c):
			w.soft++
		case hexValue[c] < 0 && !(c == 'x' && i == w.from+1 && (b[w.from] == 'o' || b[w.from] == '0')):
			w.hex = false
		}
	}
	w.end = i
	return w
}

// appendHardDigits appends fold with o read as 0, and l and i as 1, in words that are numbers otherwise: such that hold
// a digit, and such that stand beside one with a separator between. 4l5-555-Ol32, 4OOO OOOO OOOO OOO2, Ob:a8:d5.
func appendHardDigits(dst, fold []byte) []byte {
	start := len(dst)
	dst = append(dst, fold...)
	out := dst[start:]
	number := byte(0) // the separator behind a word that is a number; 0 for none
	for i := 0; i < len(out); {
		if !isAlnum(out[i]) {
			if !isJoint[out[i]] || i > 0 && !isAlnum(out[i-1]) && out[i] != out[i-1] {
				number = 0
			} else if number != 0 {
				number = out[i]
			}
			i++
			continue
		}
		w := softWordAt(out, i)
		i = w.end
		hard := w.hex && w.digits > 0
		if w.hex && !hard && w.soft > 0 {
			// Nothing but letters: what stands beside it decides; words with spaces around must be of one letter.
			alike := sameBytes(out[w.from:w.end]) && w.end-w.from > 1
			hard = number != 0 && (number != ' ' || alike) || beforeNumber(out, w.end, alike)
		}
		if hard && w.soft > 0 {
			for k := w.from; k < w.end; k++ {
				out[k] = hardDigit(out[k])
			}
		}
		number = 0
		if hard || w.hex && w.soft == 0 {
			number = 1
		}
	}
	return dst
}

// beforeNumber says whether one separator and a number follow.
func beforeNumber(b []byte, end int, alike bool) bool {
	for hops := 0; hops < 3; hops++ {
		if end+1 >= len(b) || !isJoint[b[end]] || b[end] == ' ' && !alike || !isAlnum(b[end+1]) {
			return false
		}
		w := softWordAt(b, end+1)
		if !w.hex || w.end-w.from > 64 {
			return false
		}
		if w.digits > 0 {
			return true
		}
		end = w.end
	}
	return false
}

func sameBytes(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}
