package detect

// Reads a text as a person would, whatever it was written with: one stream of small ASCII letters and digits, other
// scripts as UTF-8, one space between words. What hides a word is undone: case, accents, compatibility forms, letters of
// another alphabet that look alike, invisible characters, %XX and \uXXXX.

import (
	"unicode"
	"unicode/utf8"
)

// Bytes that stand for nothing in a folded text but for themselves in one that is written with digits for letters.
const (
	leetAt     = 0x01
	leetDollar = 0x02
	leetBang   = 0x03
)

// folder gives the folded text of b in pieces. The zero folder with b set begins at the start.
type folder struct {
	b     []byte
	i     int
	space bool // the last byte that was given is a space
}

// plain folds what is ASCII: 0 separates words, 1 needs a look.
var plain = func() (t [256]byte) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			t[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		case c >= 0x80, c == '%', c == '\\', c == '\'', c == '@', c == '$', c == '!', c == '&':
			t[c] = 1
		}
	}
	return t
}()

// maxPerRune bounds what one character of the input folds to: 15 characters of 4 bytes, and a space.
const maxPerRune = 80

// fill writes the next piece into buf, which must hold more than maxPerRune bytes; 0 at the end.
func (f *folder) fill(buf []byte) int {
	n := 0
	for f.i < len(f.b) && n < len(buf)-maxPerRune {
		c := f.b[f.i]
		switch p := plain[c]; p {
		case 0:
			f.i++
			if !f.space {
				buf[n], f.space = ' ', true
				n++
			}
		case 1:
			n = f.special(buf, n)
		default:
			f.i++
			buf[n], f.space = p, false
			n++
		}
	}
	return n
}

// AppendWords appends the words of a text, folded, with one space between two. Not ok: the text is longer than 1,024
// bytes, or holds a word that is not of ASCII letters and digits.
func AppendWords(dst, text []byte) (words []byte, ok bool) {
	if len(text) > 1024 {
		return dst, false
	}
	from := len(dst)
	f := folder{b: text, space: true}
	var buf [512]byte
	for n := f.fill(buf[:]); n > 0; n = f.fill(buf[:]) {
		for _, c := range buf[:n] {
			switch {
			case c >= 0x80:
				return dst[:from], false
			case c > ' ':
				dst = append(dst, c)
			case len(dst) > from && dst[len(dst)-1] != ' ':
				dst = append(dst, ' ')
			}
		}
	}
	if len(dst) > from && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst, true
}

// special folds one character that is not plain.
func (f *folder) special(buf []byte, n int) int {
	r := f.rune()
	if r < utf8.RuneSelf {
		return f.ascii(buf, n, byte(r))
	}
	// The table of the scan for identifiers: what looks or means the same, in small letters, without accents and what is
	// invisible.
	d, changed := plainForms().of(r)
	if !changed {
		return f.letter(buf, n, r)
	}
	for len(d) > 0 {
		r, m := utf8.DecodeRune(d)
		d = d[m:]
		n = f.letter(buf, n, r)
	}
	return n
}

func (f *folder) ascii(buf []byte, n int, c byte) int {
	put := plain[c]
	switch c {
	case '@':
		put = leetAt
	case '$':
		put = leetDollar
	case '!':
		put = leetBang
	case '\'':
		// it's, women's: one word. l'amour, d'Angelo: two.
		if f.i < len(f.b) && (f.b[f.i] == 's' || f.b[f.i] == 'S') && (f.i+1 == len(f.b) || plain[f.b[f.i+1]] == 0) {
			return n
		}
		put = 0
	case '&', '%', '\\':
		put = 0
	}
	if put <= 1 && put != leetAt {
		if !f.space {
			buf[n], f.space = ' ', true
			n++
		}
		return n
	}
	buf[n], f.space = put, false
	return n + 1
}

// letter folds one character that has no plainer form.
func (f *folder) letter(buf []byte, n int, r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return f.ascii(buf, n, byte(r))
	case unicode.Is(unicode.Mn, r) && r < 0x700: // points of Hebrew, Arabic and Syriac, which most leave out
		return n
	}
	r = unicode.ToLower(r)
	switch s := romanised(r); {
	case s != "":
		f.space = false
		return n + copy(buf[n:], s)
	case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r):
		if !f.space {
			buf[n], f.space = ' ', true
			n++
		}
		return n
	}
	f.space = false
	return n + utf8.EncodeRune(buf[n:], r)
}

// rune reads one character, through %XX up to twice and \uXXXX once. Bytes that are no UTF-8 read as U+FFFD.
func (f *folder) rune() rune {
	c, size := f.byteAt(f.i)
	if c == '\\' && f.i+5 < len(f.b) && f.b[f.i+1] == 'u' {
		if r, ok := hex(f.b[f.i+2 : f.i+6]); ok {
			f.i += 6
			return rune(r)
		}
	}
	if c < utf8.RuneSelf {
		f.i += size
		return rune(c)
	}
	var tmp [utf8.UTFMax]byte
	at, n := f.i, 0
	for n < len(tmp) && at < len(f.b) {
		c, size := f.byteAt(at)
		if n > 0 && c&0xc0 != 0x80 {
			break
		}
		tmp[n] = c
		n++
		at += size
	}
	r, used := utf8.DecodeRune(tmp[:n])
	for range used {
		_, size := f.byteAt(f.i)
		f.i += size
	}
	return r
}

// byteAt is the byte at i, decoded if it is %XX or %25XX, and how many bytes of the input it takes.
func (f *folder) byteAt(i int) (byte, int) {
	c := f.b[i]
	if c != '%' || i+2 >= len(f.b) {
		return c, 1
	}
	v, ok := hex(f.b[i+1 : i+3])
	switch {
	case !ok:
		return c, 1
	case v == '%' && i+4 < len(f.b):
		if w, ok := hex(f.b[i+3 : i+5]); ok {
			return byte(w), 5
		}
	}
	return byte(v), 3
}

func hex(b []byte) (v uint32, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}

// romanised is how a small letter of the Latin script is written where a keyboard lacks it; "" for none.
func romanised(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'đ', 'ð', 'ɖ':
		return "d"
	case 'ħ':
		return "h"
	case 'ɨ':
		return "i"
	case 'ł', 'ɫ':
		return "l"
	case 'ŋ':
		return "n"
	case 'ø', 'ɔ':
		return "o"
	case 'ŧ':
		return "t"
	case 'ə', 'ɛ':
		return "e"
	case 'ƶ':
		return "z"
	}
	return ""
}
