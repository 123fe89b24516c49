package detect

// Reads a text as a person would, whatever it was written with: one stream of small ASCII letters and digits, other
// scripts as UTF-8, one space between words. What hides a word is undone: case, accents, compatibility forms, letters of
// another alphabet that look alike, invisible characters, %XX and \uXXXX.

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
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

// maxPerRune bounds what one character of the input folds to: 18 characters of 4 bytes, and a space.
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
	switch {
	case r < utf8.RuneSelf:
		return f.ascii(buf, n, byte(r))
	case invisible(r):
		return n
	}
	var tmp [utf8.UTFMax]byte
	var d []byte
	if m := utf8.EncodeRune(tmp[:], r); r < 0xac00 || r > 0xd7a3 {
		if d = norm.NFKD.Properties(tmp[:m]).Decomposition(); d == nil {
			d = tmp[:m]
		}
	} else {
		d = tmp[:m] // Hangul is compared as it is written
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

// letter folds one character of a decomposition.
func (f *folder) letter(buf []byte, n int, r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return f.ascii(buf, n, byte(r))
	case r >= 0x300 && r <= 0x36f, invisible(r), unicode.Is(unicode.Mn, r) && r < 0x700, unicode.Is(unicode.Me, r):
		return n
	case r == '’' || r == '‘' || r == 'ʼ' || r == '´':
		return f.ascii(buf, n, '\'')
	}
	r = unicode.ToLower(r)
	switch s := lookalike(r); {
	case s != "":
		f.space = false
		return n + copy(buf[n:], s)
	case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r):
		if !f.space {
			buf[n], f.space = ' ', true
			n++
		}
		return n
	case unicode.IsDigit(r):
		f.space = false
		buf[n] = '0' + digit(r)
		return n + 1
	}
	f.space = false
	return n + utf8.EncodeRune(buf[n:], r)
}

// digit is the value of a decimal digit of any script: each script has its ten in a row.
func digit(r rune) byte {
	d := byte(0)
	for d < 9 && unicode.IsDigit(r-1) && (r-1)&^0xf == r&^0xf {
		r--
		d++
	}
	return d
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

// invisible characters join what stands around them: soft hyphen, zero width, direction marks, variation selectors, tags.
func invisible(r rune) bool {
	switch {
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0, r == 0xfeff,
		r >= 0x180b && r <= 0x180e, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// lookalike is the ASCII for a small letter that has no decomposition to it but is read as it; "" for none.
func lookalike(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'а', 'α', 'ɑ', 'ꭺ', 'ᴀ':
		return "a"
	case 'ь', 'ƅ', 'ʙ':
		return "b"
	case 'с', 'ϲ', 'ᴄ', 'ⅽ':
		return "c"
	case 'ԁ', 'đ', 'ð', 'ɗ', 'ᴅ':
		return "d"
	case 'е', 'ε', 'ҽ', 'ɛ', 'ᴇ', 'є', 'ə':
		return "e"
	case 'ϝ', 'ƒ', 'ꜰ':
		return "f"
	case 'ɡ', 'ց', 'ɢ', 'ǥ':
		return "g"
	case 'һ', 'հ', 'ʜ', 'ħ':
		return "h"
	case 'і', 'ι', 'ı', 'ɩ', 'ɪ', 'ӏ', 'ɨ':
		return "i"
	case 'ј', 'ʝ', 'ᴊ':
		return "j"
	case 'к', 'κ', 'ᴋ', 'ƙ':
		return "k"
	case 'ł', 'ʟ', 'ɫ':
		return "l"
	case 'м', 'ᴍ', 'ɱ':
		return "m"
	case 'ո', 'ɴ', 'η', 'п', 'ŋ':
		return "n"
	case 'о', 'ο', 'օ', 'ø', 'ᴏ', 'ɔ', 'σ':
		return "o"
	case 'р', 'ρ', 'ᴘ', 'ƿ':
		return "p"
	case 'ԛ', 'զ':
		return "q"
	case 'ʀ', 'г', 'ɾ':
		return "r"
	case 'ѕ', 'ꜱ', 'ʂ':
		return "s"
	case 'т', 'τ', 'ᴛ', 'ŧ':
		return "t"
	case 'υ', 'ս', 'ʊ', 'ᴜ', 'ц':
		return "u"
	case 'ν', 'ѵ', 'ᴠ', 'ʋ':
		return "v"
	case 'ԝ', 'ω', 'ɯ', 'ᴡ', 'ш':
		return "w"
	case 'х', 'χ', 'ж':
		return "x"
	case 'у', 'γ', 'ү', 'ʏ', 'ɣ':
		return "y"
	case 'ᴢ', 'ʐ', 'ƶ', 'з':
		return "z"
	}
	return ""
}
