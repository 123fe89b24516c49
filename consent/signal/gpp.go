// GPP strings (IAB Tech Lab, Global Privacy Platform, consent string specification 1.1): a header that lists section ids,
// then one encoded section for each, joined by "~".

package signal

// maxSections bounds what one string may list; there are fewer than 30 ids.
const maxSections = 64

// Ids of the sections that are read. Any other one may object to something and cannot be understood, so it says no.
const (
	sectionTCFEU   = 2
	sectionTCFCA   = 5
	sectionUSP     = 6
	sectionFirstUS = 7
)

// GPP tells whether a GPP string says no to a vendor in any of its sections.
func GPP(text []byte, v *Vendor) (no bool) {
	if len(text) == 0 || len(text) > maxLength {
		return true
	}
	head, rest, more := next(text, '~')
	var ids [maxSections]int
	n, ok := sections(head, &ids)
	if !ok {
		return true
	}
	for _, id := range ids[:n] {
		if !more {
			return true
		}
		var body []byte
		body, rest, more = next(rest, '~')
		switch {
		case id == sectionTCFEU:
			no = TCF(body, v)
		case id == sectionTCFCA:
			no = tcfCanada(body, v)
		case id == sectionUSP:
			no = USPrivacy(body)
		case id >= sectionFirstUS && id-sectionFirstUS < len(usSections):
			no = usSections[id-sectionFirstUS].no(body)
		default:
			no = true
		}
		if no {
			return true
		}
	}
	return more
}

// sections reads the header: type 3, version 1, and the ids as single values and ranges whose distances are Fibonacci
// coded. Ids come in rising order.
func sections(head []byte, ids *[maxSections]int) (n int, ok bool) {
	b := newBits(head)
	if b.take(6) != 3 || b.take(6) != 1 {
		return 0, false
	}
	last := 0
	for range b.take(12) {
		ranged := b.flag()
		from := last + b.fibonacci()
		to := from
		if ranged {
			to += b.fibonacci()
		}
		if b.bad || n+to-from+1 > len(ids) {
			return 0, false
		}
		for id := from; id <= to; id++ {
			ids[n] = id
			n++
		}
		last = to
	}
	return n, b.over()
}

// fibonacci reads one Fibonacci coded number, at least 1: bit i adds the i-th of 1, 2, 3, 5, ..., and two ones in a row
// end it. Section ids are small, so that 20 bits are more than there can be.
func (b *bits) fibonacci() int {
	value, a, c, before := 0, 1, 2, false
	for range 20 {
		bit := b.flag()
		if b.bad {
			return 0
		}
		if bit && before {
			return value
		}
		if bit {
			value += a
		}
		a, c, before = c, a+c, bit
	}
	b.bad = true
	return 0
}
