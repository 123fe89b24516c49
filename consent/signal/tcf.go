// TCF strings (IAB Europe, Transparency and Consent Framework, consent string specification 2.x) and the Canadian
// section of GPP: whether a vendor has consent for all the purposes that it needs.

package signal

const (
	bitsOfTimes    = 36 + 36     // created, last updated
	bitsOfCMP      = 12 + 12 + 6 // CMP id, CMP version, screen
	bitsOfLanguage = 12
	bitsOfListing  = 12 // vendor list version
	bitsOfPolicy   = 6

	segmentDisclosed = 1
	maxVendor        = 1<<16 - 1
	maxPurpose       = 24
)

// TCF tells whether a TCF string says no to a vendor: it lacks consent for it or for one of its purposes, a publisher
// restricts it, or the person was never shown it. The segment of disclosed vendors is required, as by TCF 2.3.
func TCF(text []byte, v *Vendor) (no bool) {
	if v == nil || v.ID < 1 || v.ID > maxVendor || len(text) > maxLength {
		return true
	}
	head, rest, more := next(text, '.')
	b := newBits(head)
	if b.take(6) != 2 {
		return true
	}
	b.skip(bitsOfTimes + bitsOfCMP + bitsOfLanguage + bitsOfListing + bitsOfPolicy)
	b.skip(1 + 1) // is service specific, uses non-standard texts
	b.skip(12)    // special features: precise location is never released anyway
	purposes := b.take(maxPurpose)
	b.skip(maxPurpose) // legitimate interests are no consent
	b.skip(1 + 12)     // purpose one treatment, publisher's country
	if !b.vendor(v.ID) {
		return true
	}
	b.vendor(v.ID) // by legitimate interest: read over
	if b.restricted(v) || !allows(purposes, v.Purposes) || !b.over() {
		return true
	}
	disclosed := false
	for more {
		var body []byte
		body, rest, more = next(rest, '.')
		s := newBits(body)
		if s.take(3) == segmentDisclosed {
			if !s.vendor(v.ID) || !s.over() {
				return true
			}
			disclosed = true
		}
		if s.bad {
			return true
		}
	}
	return !disclosed
}

// tcfCanada reads section 5 of GPP, version 1: express consent counts, implied consent does not.
func tcfCanada(text []byte, v *Vendor) (no bool) {
	if v == nil || v.ID < 1 || v.ID > maxVendor {
		return true
	}
	head, rest, more := next(text, '.')
	b := newBits(head)
	if b.take(6) != 1 {
		return true
	}
	b.skip(bitsOfTimes + bitsOfCMP + bitsOfLanguage + bitsOfListing + bitsOfPolicy)
	b.skip(1)  // uses non-standard texts
	b.skip(12) // special features
	purposes := b.take(maxPurpose)
	b.skip(maxPurpose)
	if !b.vendor(v.ID) {
		return true
	}
	b.vendor(v.ID) // implied
	if b.bad || !allows(purposes, v.Purposes) {
		return true
	}
	for more {
		var body []byte
		body, rest, more = next(rest, '.')
		if s := newBits(body); s.bad || len(body) == 0 {
			return true
		}
	}
	return false
}

func (b *bits) skip(n int) {
	for n > 0 {
		step := min(n, 36)
		b.take(step)
		n -= step
	}
}

// allows tells whether every purpose is among the consented ones, of which purpose 1 is the first of 24 bits. A vendor
// that names no purpose is allowed none.
func allows(consented uint64, purposes []int) bool {
	for _, p := range purposes {
		if p < 1 || p > maxPurpose || consented>>(maxPurpose-p)&1 == 0 {
			return false
		}
	}
	return len(purposes) > 0
}

// vendor reads a list of vendors, as a bit field or as ranges, and tells whether id is in it.
func (b *bits) vendor(id int) (in bool) {
	last := int(b.take(16))
	if !b.flag() {
		if b.bad || b.at+last > 6*len(b.text) {
			b.bad = true
			return false
		}
		if id <= last {
			field := *b
			field.at += id - 1
			in = field.flag()
		}
		b.at += last
		return in
	}
	return b.ranges(id)
}

// ranges reads single vendors and ranges of them, and tells whether id is among them.
func (b *bits) ranges(id int) (in bool) {
	for range b.take(12) {
		ranged := b.flag()
		from := int(b.take(16))
		to := from
		if ranged {
			to = int(b.take(16))
		}
		if b.bad || from < 1 || to < from {
			b.bad = true
			return false
		}
		in = in || from <= id && id <= to
	}
	return in
}

// restricted reads the publisher's restrictions and tells whether one takes a purpose of the vendor from it: 0 forbids
// it, 2 asks for a legitimate interest, 1 asks for the consent that is looked for anyway.
func (b *bits) restricted(v *Vendor) (no bool) {
	const requireConsent = 1
	for range b.take(12) {
		purpose, kind := int(b.take(6)), b.take(2)
		if b.ranges(v.ID) && kind != requireConsent {
			for _, p := range v.Purposes {
				no = no || p == purpose
			}
		}
		if b.bad {
			return true
		}
	}
	return no || b.bad
}
