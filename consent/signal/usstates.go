// The US sections of GPP (ids 7 to 27): a core of two-bit fields after a six-bit version, and for most of them a segment
// with the Global Privacy Control. Field order and counts are those of IAB's section specifications.

package signal

// field is a run of two-bit fields that mean the same. Everywhere 0 is "does not apply", and 3 is not defined.
type field struct {
	kind  fieldKind
	count int
}

type fieldKind uint8

const (
	notice    fieldKind = iota // 1 given, 2 not given: what is not announced is not allowed
	optOut                     // 1 opted out, 2 did not
	sensitive                  // 1 no consent or opted out, 2 consent
	child                      // anything but 0 says that this is a known child
	consented                  // 1 no consent, 2 consent
	agreement                  // what the contracts between companies cover; no choice of the person's
)

// Segments beside the core.
type segment uint8

const (
	gpc        segment = iota // two bits of type, 1, and one bit: Global Privacy Control
	none                      // the core only
	sensitive8                // eight two-bit fields of kind sensitive, without a type
)

type usSection struct {
	core    []field
	segment segment
	// old, where it is set, is the core of version 1 of a section that has a version 2.
	old []field
}

var (
	// The states' laws are alike in their heads and tails.
	mspa      = field{agreement, 3}
	threeTwo  = []field{{notice, 3}, {optOut, 2}}
	fourTwo   = []field{{notice, 4}, {optOut, 2}}
	newHead   = []field{{agreement, 2}, {notice, 3}, {optOut, 2}}
	eightOne  = core(threeTwo, field{sensitive, 8}, field{child, 1}, field{consented, 1}, mspa)
	eightThre = core(threeTwo, field{sensitive, 8}, field{child, 3}, field{consented, 1}, mspa)
	fourEight = core(fourTwo, field{sensitive, 8}, field{child, 1}, mspa)
	newest    = core(newHead, field{child, 1}, field{consented, 1})
)

func core(head []field, tail ...field) []field { return append(head[:len(head):len(head)], tail...) }

// usSections are the sections by id, from 7 on.
var usSections = [...]usSection{
	{core: []field{{notice, 6}, {optOut, 3}, {sensitive, 16}, {child, 3}, {consented, 1}, mspa}, // 7, the national one
		old: []field{{notice, 6}, {optOut, 3}, {sensitive, 12}, {child, 2}, {consented, 1}, mspa}},
	{core: core(threeTwo, field{sensitive, 9}, field{child, 2}, field{consented, 1}, mspa)},  // 8 California
	{core: core(threeTwo, field{sensitive, 8}, field{child, 1}, mspa), segment: none},        // 9 Virginia
	{core: core(threeTwo, field{sensitive, 7}, field{child, 1}, mspa)},                       // 10 Colorado
	{core: fourEight, segment: none},                                                         // 11 Utah
	{core: core(threeTwo, field{sensitive, 8}, field{child, 3}, mspa)},                       // 12 Connecticut
	{core: eightThre, segment: none},                                                         // 13 Florida
	{core: eightThre},                                                                        // 14 Montana
	{core: core(threeTwo, field{sensitive, 11}, field{child, 3}, field{consented, 1}, mspa)}, // 15 Oregon
	{core: eightOne}, // 16 Texas
	{core: core(threeTwo, field{sensitive, 9}, field{child, 5}, field{consented, 1}, mspa)}, // 17 Delaware
	{core: fourEight}, // 18 Iowa
	{core: eightOne},  // 19 Nebraska
	{core: eightThre}, // 20 New Hampshire
	{core: core(threeTwo, field{sensitive, 10}, field{child, 5}, field{consented, 1}, mspa)}, // 21 New Jersey
	{core: eightOne}, // 22 Tennessee
	{core: eightOne}, // 23 Minnesota
	{core: core(newHead, field{consented, 1})}, // 24 Maryland
	{core: newest, segment: sensitive8},        // 25 Indiana
	{core: newest, segment: sensitive8},        // 26 Kentucky
	{core: newest, segment: sensitive8},        // 27 Rhode Island
}

// no tells whether a section says no.
func (s *usSection) no(text []byte) bool {
	head, rest, more := next(text, '.')
	b := newBits(head)
	fields := s.core
	switch version := b.take(6); {
	case s.old != nil && version == 1:
		fields = s.old
	case s.old != nil && version == 2, s.old == nil && version == 1:
	default:
		return true
	}
	if read(&b, fields) || !b.over() {
		return true
	}
	if !more {
		return false
	}
	b = newBits(rest)
	switch s.segment {
	case gpc:
		if b.take(2) != 1 || b.flag() {
			return true
		}
	case sensitive8:
		if read(&b, sensitiveSegment) {
			return true
		}
	default:
		return true
	}
	return !b.over()
}

var sensitiveSegment = []field{{sensitive, 8}}

// read goes through the fields and tells whether any says no, or is not defined.
func read(b *bits, fields []field) (no bool) {
	for _, f := range fields {
		for range f.count {
			v := b.take(2)
			no = no || v == 3 || f.kind.no(v)
		}
	}
	return no || b.bad
}

func (k fieldKind) no(v uint64) bool {
	switch k {
	case notice:
		return v == 2
	case child:
		return v != 0
	case agreement:
		return false
	}
	return v == 1
}
