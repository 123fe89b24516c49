// Package signal reads the strings by which a person's choice travels with an event: IAB's Global Privacy Platform
// (GPP), its TCF sections and TCF strings by themselves, and US Privacy. They only ever say no. A string that cannot be
// read to its end says no; one that is read and objects to nothing says nothing, and the consent store decides.
//
// No function here allocates, and none keeps or quotes what it read.
package signal

// Vendor is a recipient as TCF knows it: its id on the Global Vendor List and the purposes that it needs consent for, 1
// to 24. The zero Vendor is on no list, so that every TCF string says no to it.
type Vendor struct {
	ID       int
	Purposes []int
}

// maxLength bounds what is read: real strings have some hundred bytes to a few thousand.
const maxLength = 64 << 10

// bits reads a string of base64url characters (RFC 4648, section 5, without padding) as a sequence of bits, six a
// character, most significant first. After the first failure every answer is 0 and bad stays set.
type bits struct {
	text []byte
	at   int
	bad  bool
}

func newBits(text []byte) bits {
	b := bits{text: text}
	for _, c := range text {
		if sextet[c] < 0 {
			b.bad = true
		}
	}
	return b
}

// take reads n bits, at most 36, as an unsigned number.
func (b *bits) take(n int) uint64 {
	if b.bad || n < 0 || b.at+n > 6*len(b.text) {
		b.bad = true
		return 0
	}
	var v uint64
	for range n {
		s := uint64(sextet[b.text[b.at/6]])
		v = v<<1 | s>>(5-b.at%6)&1
		b.at++
	}
	return v
}

func (b *bits) flag() bool { return b.take(1) == 1 }

// over tells whether nothing but padding is left. Encoders fill up to whole characters, bytes or groups of four characters,
// so that fewer than 24 zero bits follow.
func (b *bits) over() bool {
	if b.bad || 6*len(b.text)-b.at >= 24 {
		return false
	}
	for b.at < 6*len(b.text) {
		if b.flag() {
			return false
		}
	}
	return true
}

// sextet is the value of each character of base64url, -1 for all others.
var sextet = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(alphabet) {
		t[alphabet[i]] = int8(i)
	}
	return t
}()

// next splits text at the first sep. more tells whether there was one.
func next(text []byte, sep byte) (head, tail []byte, more bool) {
	for i, c := range text {
		if c == sep {
			return text[:i], text[i+1:], true
		}
	}
	return text, nil, false
}
