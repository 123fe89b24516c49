package detect

// What looks like ASCII becomes ASCII: compatibility forms (NFKC), digits of every script, letters that look alike,
// dashes, spaces and dots. What nobody sees is dropped. One table, made once, so that it costs one look-up a rune.

import (
	"bytes"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// isASCII says whether b needs no normalising but that of case.
func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// normalized appends src as the searches and the lists of topics read it: plain and in lower case. It allocates only
// what dst lacks. Lists are normalised by the same function, so that both sides of a comparison agree.
func normalized(dst, src []byte) []byte {
	start := len(dst)
	dst = appendPlain(dst, src)
	for i := start; i < len(dst); i++ {
		dst[i] = lowerASCII[dst[i]]
	}
	return dst
}

var lowerASCII = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

// appendPlain appends src with every rune replaced by its plain form. ASCII keeps its case; other letters are in lower
// case. Bytes that are no UTF-8, as of a character that was cut, separate words. The result has at most three times the length of src.
func appendPlain(dst, src []byte) []byte {
	p := plainForms()
	start := 0 // what stays as it is goes over in one piece
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			i++
			continue
		}
		if i+1 == len(src) || src[i+1]&0xc0 != 0x80 || c < 0xc2 {
			dst = append(append(dst, src[start:i]...), ' ') // no UTF-8
			i++
			start = i
			continue
		}
		r, n := rune(c&0x1f)<<6|rune(src[i+1]&0x3f), 2
		if c >= 0xe0 {
			if r, n = utf8.DecodeRune(src[i:]); n == 1 {
				dst = append(append(dst, src[start:i]...), ' ')
				i++
				start = i
				continue
			}
		}
		if form, changed := p.of(r); changed {
			dst = append(dst, src[start:i]...)
			dst = append(dst, form...)
			start = i + n
		}
		i += n
	}
	return append(dst, src[start:]...)
}

// plainTable maps a rune to its plain form: an entry is 0 (stays), or 1 + offset<<4 | length into forms.
type plainTable struct {
	pages [(unicode.MaxRune >> 8) + 1]*[256]uint32
	forms []byte
}

func (t *plainTable) of(r rune) (form []byte, changed bool) {
	page := t.pages[r>>8]
	if page == nil {
		return nil, false
	}
	e := page[r&0xff]
	if e == 0 {
		return nil, false
	}
	e--
	return t.forms[e>>4 : e>>4+e&15], true
}

// plainForms is made at the first value that is not ASCII.
var plainForms = sync.OnceValue(func() *plainTable {
	t := &plainTable{}
	seen := map[string]uint32{}
	var form, folded []byte
	for _, span := range plainSpans {
		for r := span[0]; r <= span[1]; r++ {
			if !utf8.ValidRune(r) {
				continue
			}
			self := string(r)
			folded = folded[:0]
			if !special(&folded, r) {
				form = norm.NFKD.AppendString(form[:0], self)
				for len(form) > 0 {
					q, n := utf8.DecodeRune(form)
					form = form[n:]
					if q < utf8.RuneSelf {
						folded = append(folded, byte(q))
					} else if !special(&folded, q) {
						folded = utf8.AppendRune(folded, unicode.ToLower(q))
					}
				}
			}
			// Bounded expansion: the longest ligatures are phrases, and no identifier.
			if most := min(3*len(self), 15); len(folded) > most {
				for most > 0 && !utf8.RuneStart(folded[most]) {
					most--
				}
				folded = folded[:most]
			}
			if string(folded) == self {
				continue
			}
			e, ok := seen[string(folded)]
			if !ok {
				e = 1 + uint32(len(t.forms)<<4|len(folded))
				t.forms = append(t.forms, folded...)
				seen[string(folded)] = e
			}
			if t.pages[r>>8] == nil {
				t.pages[r>>8] = new([256]uint32)
			}
			t.pages[r>>8][r&0xff] = e
		}
	}
	return t
})

// plainSpans are the blocks that hold runes with another plain form. Ideographs and Hangul have none.
var plainSpans = [][2]rune{
	{0x80, 0x33ff}, {0xa490, 0xabff}, {0xf900, 0xffff}, {0x10000, 0x12fff}, {0x16a00, 0x16fff}, {0x1bca0, 0x1bca3},
	{0x1ccf0, 0x1ccf9}, {0x1d100, 0x1d7ff}, {0x1e000, 0x1efff}, {0x1f100, 0x1f1ff}, {0x1fbf0, 0x1fbf9}, {0xe0000, 0xe01ff},
}

// special appends the form of a rune that Unicode's compatibility forms leave alone, and says whether r is one.
func special(dst *[]byte, r rune) bool {
	switch {
	case unicode.Is(unicode.Nd, r):
		*dst = append(*dst, '0'+decimal(r))
	case r == '\u00ba': // º, which people write for a degree
		*dst = append(*dst, "°"...)
	case 0xff < r && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)),
		r == '\u00ad':
	case 0x300 <= r && r <= 0x36f, 0x483 <= r && r <= 0x489, 0x1ab0 <= r && r <= 0x1aff, 0x1dc0 <= r && r <= 0x1dff,
		0x20d0 <= r && r <= 0x20ff, 0xfe20 <= r && r <= 0xfe2f: // accents, strokes and circles over what stands before
	case r == '\u2800' || r == utf8.RuneError || r > 0x7f && unicode.Is(unicode.White_Space, r):
		*dst = append(*dst, ' ')
	case r > 0x7f && unicode.Is(unicode.Pd, r):
		*dst = append(*dst, '-')
	default:
		i := bytes.IndexRune(lookalikes, r)
		if i < 0 || r < utf8.RuneSelf {
			return false
		}
		// The ASCII character that begins the line of r.
		line := bytes.LastIndexByte(lookalikes[:i], '\n')
		*dst = append(*dst, lookalikes[line+1])
	}
	return true
}

// decimal is the value of a decimal digit. Unicode keeps the ten digits of a script together, in order; the ranges of
// the table begin with a zero.
func decimal(r rune) byte {
	for _, s := range unicode.Nd.R16 {
		if rune(s.Lo) <= r && r <= rune(s.Hi) {
			return byte((r - rune(s.Lo)) / rune(s.Stride) % 10)
		}
	}
	for _, s := range unicode.Nd.R32 {
		if rune(s.Lo) <= r && r <= rune(s.Hi) {
			return byte((r - rune(s.Lo)) / rune(s.Stride) % 10)
		}
	}
	return 0
}

// lookalikes are runes that look like an ASCII character, one line for each; a line begins with the character. Made from
// the shapes in common fonts (Latin, Greek, Cyrillic, Armenian, Lisu, small capitals).
var lookalikes = []byte(`
aаαɑᴀ⍺
AАΑᎪꓮ
bЬьƄʙ
BВвΒᏴꓐ
cсϲᴄⲥ
CСϹᏟꓚⲤ
dԁɗᴅᏧ
DᎠꓓ
eеҽєᴇ
EЕΕᎬꓰ
fғꜰſ
FϜꓝ
gɡցԍɢ
GԌᏀꓖ
hһհʜ
HНнΗᎻꓧ
iіιıɪ
IІΙӀꓲ
jјϳȷᴊ
JЈᎫꓙ
kкκᴋ
KКΚᏦꓗ
lӏⅼʟǀ
LᏞꓡ
mмᴍ
MМΜᎷꓟ
nոпηɴ
NΝꓠ
oоοօᴏⲟ
OОΟՕꓳⲞ
pрρᴘⲣ
PРΡᏢꓑⲢ
qԛզ
QԚ
rгᴦʀ
RᎡꓣ
sѕꜱʂ
SЅՏᏚꓢ
tтτᴛ
TТΤᎢꓔ
uυսʋᴜ
UՍꓴ
vνѵᴠ
VѴᏙꓦ
wԝωɯᴡ
WԜᎳꓪ
xхχⅹ
XХΧꓫ
yуγүʏ
YУΥҮꓬ
zᴢʐ
ZΖᏃꓜ
3ЗзӠЭ
4Ч
6б
.·•‧∙⋅。。۔․
-−˗⁃─━➖
/∕⁄⧸╱
:꞉∶ːׅ։
@﹫
+➕
%٪
,،、٫٬
'’‘′ʼ＇
"”“″
`)
