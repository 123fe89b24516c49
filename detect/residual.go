// Package detect is what only says no: identifiers hidden inside values, sensitive topics and places, jurisdictions.
//
// It knows no events, no policies and no consents, and it cannot log. Whatever it cannot exclude within its bounds of
// work it reports as found.
package detect

// The residual-identifier scan: the last look at every open string that would leave.

import (
	"math/bits"
	"strings"
)

// Class is a kind of residual identifier. The order is that of the published list.
type Class uint8

// The classes of residual identifiers.
const (
	Email Class = iota
	Phone
	NationalID
	Card
	IBAN
	IMEI
	IMSI
	ICCID
	MAC
	IP
	Coordinates
	Geocode
	UUID
	Digest
	Token
	ClickID
	URLUserinfo
	NameLine
	StreetAddress
	NumClasses
)

var classNames = [NumClasses]string{
	"email", "phone", "national_id", "card", "iban", "imei", "imsi", "iccid", "mac", "ip", "coordinates", "geocode",
	"uuid", "digest", "token", "click_id", "url_userinfo", "name_line", "street_address",
}

// String is the word for c in explain, in metrics and in the corpus of `detect`.
func (c Class) String() string {
	if c >= NumClasses {
		return "unknown"
	}
	return classNames[c]
}

// ParseClass finds a class by its word.
func ParseClass(name string) (Class, bool) {
	for c, n := range classNames {
		if n == name {
			return Class(c), true
		}
	}
	return NumClasses, false
}

// Hits is a set of classes. The empty set means clean.
type Hits uint32

// allHits is the answer for what was not looked at: no class is excluded.
const allHits = Hits(1)<<NumClasses - 1

// hit is the set of the classes given.
func hit(classes ...Class) (h Hits) {
	for _, c := range classes {
		h |= 1 << c
	}
	return h
}

// Has says whether c is in h.
func (h Hits) Has(c Class) bool { return c < NumClasses && h&(1<<c) != 0 }

// First is the class of h that the published list names first; NumClasses if h is empty.
func (h Hits) First() Class {
	if h == 0 {
		return NumClasses
	}
	return Class(bits.TrailingZeros32(uint32(h)))
}

// String lists the words of the classes in h.
func (h Hits) String() string {
	var words []string
	for c := range NumClasses {
		if h.Has(c) {
			words = append(words, c.String())
		}
	}
	return strings.Join(words, ",")
}

// maxValue is the longest value that is looked at, in bytes. A longer one hits every class: nothing was excluded. It
// keeps the worst text below 10 ms, also on a machine with other work.
const maxValue = 64 << 10

// longValue is the length from which a value that has hit is not searched for further classes, in bytes.
const longValue = 16 << 10

// Scanner looks for residual identifiers. It reuses its buffers: one goroutine at a time, Clone for another.
type Scanner struct {
	plans *numberingPlans // shared, read only
	home  *homePlan       // shared, read only

	hits Hits
	free bool // ScanText: the value may be any text
	work int  // candidates that may still be tried; none left means that nothing is excluded

	now reading // the one that is searched
	// Buffers of the readings and of single searches, reused.
	plain, folded, digits []byte
	unescaped             [2][]byte
	spelt, decoded, inner []byte
	seq                   sequence
	word                  [maxLettered + 1]byte
}

// NewScanner makes a scanner for the home region (ISO 3166-1 alpha-2, in capitals), whose national phone numbers are
// recognised without a country code. It fails on a region without a numbering plan.
func NewScanner(region string) (*Scanner, error) {
	plans, err := loadPlans()
	if err != nil {
		return nil, err
	}
	home, err := plans.home(region)
	if err != nil {
		return nil, err
	}
	return &Scanner{plans: plans, home: home}, nil
}

// Clone gives another goroutine a scanner of its own. What is shared is read only.
func (s *Scanner) Clone() *Scanner { return &Scanner{plans: s.plans, home: s.home} }

// Scan looks at a string, or the digits of a number, that would leave. It answers which classes it may identify
// somebody by; the empty set is clean. The work is linear in the length; clean text allocates nothing. What is longer
// than 64 KiB, or holds more candidates than may be tried, counts as hit.
func (s *Scanner) Scan(value []byte) Hits { return s.scan(value, false) }

// ScanText looks at a text that would leave as a whole, in which also any pair of names counts.
func (s *Scanner) ScanText(value []byte) Hits { return s.scan(value, true) }
