package detect

// Numbers with a check digit or a register behind them: payment cards, devices, SIM cards, subscribers, persons.

import (
	_ "embed"
	"strings"
	"sync"
)

// numberClasses are what findNumbers finds.
const numberClasses = Hits(1<<Phone | 1<<NationalID | 1<<Card | 1<<IMEI | 1<<IMSI | 1<<ICCID)

// findNumbers looks at every window of up to 20 digits that begins and ends with a group.
func findNumbers(s *Scanner, v *reading) (found Hits) {
	b, q := v.num, &s.seq
	q.wordEnd = 0
	for i := 0; i < len(b); {
		if !isDigit(b[i]) {
			i++
			continue
		}
		i = q.read(b, i)
		for g := range q.starts {
			glued := g == 0 && q.left == glueHex
			if glued && q.group[g].size < longGroup {
				continue
			}
			if !s.try(1) {
				return numberClasses
			}
			if !glued && !found.Has(Phone) && s.phoneAt(v, q, g) {
				found |= hit(Phone)
			}
			for h, shape := g, shape(0); h < q.n; h++ {
				shape = shape.and(q.group[h].size)
				w := window{v: v, q: q, g: g, h: h, shape: shape}
				if w.measure() > maxGroup || h == q.n-1 && q.right == glueHex && q.group[h].size < longGroup {
					break
				}
				if w.n < 7 {
					continue
				}
				if !s.try(1) {
					return numberClasses
				}
				found |= w.classes()
			}
		}
		if found == numberClasses {
			break
		}
	}
	return found
}

// shape is the sizes of the groups of a window, five bits each; the first thirteen count.
type shape uint64

func (s shape) and(size uint8) shape { return s<<5 | shape(size) }

// window is some neighbouring groups.
type window struct {
	v     *reading
	q     *sequence
	g, h  int // first and last group
	from  int // index of the first digit
	to    int // index behind the last
	n     int // digits
	shape shape
}

func (w *window) measure() int {
	first, last := &w.q.group[w.g], &w.q.group[w.h]
	w.from, w.to = int(first.first), int(last.first)+int(last.size)
	w.n = w.to - w.from
	return w.n
}

// glued says that hex digits touch the window: only what is sure by its check is looked for.
func (w *window) glued() bool {
	return w.g == 0 && w.q.left == glueHex || w.h == w.q.n-1 && w.q.right == glueHex
}

func (w *window) digits() []byte { return w.q.digit[w.from:w.to] }
func (w *window) alone() bool    { return w.g == w.h }
func (w *window) luhn() bool     { return w.q.luhn(w.from, w.to) }

func (w *window) labelled(words []string) bool {
	return labelled(w.v.fold, w.q.group[w.g].at, words)
}

var (
	cardWords = []string{"card", "cc", "pan", "visa", "mastercard", "amex", "credit", "debit", "karte", "tarjeta", "carte", "carta"}
	imeiWords = []string{"imei", "imeisv", "device"}
	meidWords = []string{"meid", "esn"}
)

// classes says what the window may be.
func (w *window) classes() (found Hits) {
	d := w.digits()
	if 13 <= w.n && w.n <= 19 && '2'-'0' <= d[0] && d[0] <= 6 && w.luhn() && !w.barcode(d) {
		found |= hit(Card)
	}
	switch w.n {
	case 14:
		// Without its check digit, as it is printed in parts.
		if w.shape == shapeOf(2, 6, 6) || w.shape == shapeOf(6, 2, 6) || w.labelled(imeiWords) {
			found |= hit(IMEI)
		}
	case 15:
		if w.luhn() {
			if !allSame(d, 0) {
				found |= hit(IMEI)
			}
		} else if mobileCountries()[int(d[0])*100+int(d[1])*10+int(d[2])] && !decimalFraction(w.q, w.g) {
			found |= hit(IMSI)
		}
	case 16:
		if imeisvPrefix(d) || w.labelled(imeiWords) {
			found |= hit(IMEI)
		}
	case 18:
		if meidDecimal(d) && (w.shape == shapeOf(5, 5, 4, 4) || w.labelled(meidWords)) {
			found |= hit(IMEI)
		}
	}
	if 18 <= w.n && w.n <= 20 && d[0] == 8 && d[1] == 9 && w.luhn() {
		found |= hit(ICCID)
	}
	if !w.glued() && w.nationalID(d) {
		found |= hit(NationalID)
	}
	return found
}

// barcode says that a number of 13 digits is an article's (EAN-13, GS1) rather than a card's: the only cards of that
// length begin with 4, and those are kept.
func (w *window) barcode(d []byte) bool {
	return w.n == 13 && d[0] != 4 && w.alone() && eanCheck(d) && !w.labelled(cardWords)
}

// eanCheck is the check of GS1's article numbers: weights 1 and 3 in turn.
func eanCheck(d []byte) bool {
	sum := 0
	for i, x := range d {
		if i&1 == 1 {
			x *= 3
		}
		sum += int(x)
	}
	return sum%10 == 0
}

// imeisvPrefix knows the reporting bodies of nearly all devices in use (GSMA TS.06).
func imeisvPrefix(d []byte) bool {
	switch d[0]*10 + d[1] {
	case 1, 35, 86, 99:
		return true
	}
	return false
}

// meidDecimal says whether 18 digits are a MEID in decimal (3GPP2 X.S0008): two numbers of 32 and 24 bits.
func meidDecimal(d []byte) bool {
	return number(d[:10]) <= 1<<32-1 && number(d[10:]) <= 1<<24-1
}

// number is the value of at most 18 digits.
func number(d []byte) (n uint64) {
	for _, x := range d {
		n = n*10 + uint64(x)
	}
	return n
}

func allSame(d []byte, x byte) bool {
	for _, y := range d {
		if y != x {
			return false
		}
	}
	return true
}

// shapeOf is the shape of groups of these sizes.
func shapeOf(sizes ...uint8) (s shape) {
	for _, n := range sizes {
		s = s.and(n)
	}
	return s
}

//go:embed data/mcc.txt
var mccText string

// mobileCountries says which mobile country codes are assigned.
var mobileCountries = sync.OnceValue(func() *[1000]bool {
	t := new([1000]bool)
	for line := range strings.Lines(mccText) {
		for _, code := range strings.Fields(line) {
			if code[0] == '#' {
				break
			}
			t[int(code[0]-'0')*100+int(code[1]-'0')*10+int(code[2]-'0')] = true
		}
	}
	return t
})
