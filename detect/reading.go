package detect

// A value is read in several ways: as it stands, unescaped once and twice, and what its base64 holds. Every reading is
// normalised, so that the searches see ASCII where there is an ASCII form.

import "bytes"

// traits are what the prefilter sees in a reading at one pass.
type traits uint32

const (
	hasLetter    traits = 1 << iota // an ASCII letter
	hasDigit                        // an ASCII digit
	hasSpace                        // white space
	hasAt                           // @
	hasPercent                      // %
	hasBackslash                    // \
	hasAmpersand                    // &
	hasEquals                       // =
	hasColon                        // :
	hasSlash                        // /
	hasDot                          // .
	hasPlus                         // +
	hasDash                         // -
	hasBracket                      // (, [ or {
	hasHigh                         // a byte above ASCII
	digits4                         // at least four digits
	digits7                         // at least seven digits
	hex12                           // at least twelve hex digits, anywhere
	run8                            // a run of at least 8 characters of base64
	run20                           // a run of at least 20 characters of base64
	hasSoft                         // a letter that looks like a digit
)

// reading is one way to read a value. It lives until the scan is over.
type reading struct {
	text []byte // normalised: ASCII where there is an ASCII form, no zero-width characters; case kept for ASCII
	fold []byte // text in lower case; same length, same offsets
	num  []byte // fold, with o and l read as digits in words that are numbers otherwise; same length, same offsets
	has  traits
	// whole says that this is the value as such or unescaped, not what was found inside it.
	whole bool
	// free says that the value is a free text (ScanText).
	free bool
}

// maxWork is how many candidates may be tried in one value. More is no text that anybody would need to leave.
const maxWork = 1 << 14

// try counts n candidates and says whether they may still be tried. A search that is told no must report its classes.
func (s *Scanner) try(n int) bool {
	s.work -= n
	return s.work >= 0
}

func (s *Scanner) scan(value []byte, free bool) Hits {
	if len(value) > maxValue {
		return allHits
	}
	s.hits, s.free, s.work = 0, free, maxWork
	v := s.read(value, true)
	// Twice, for what was escaped twice.
	for i := 0; i < len(s.unescaped) && holdsEscape(v) && !s.enough(value); i++ {
		s.unescaped[i] = appendUnescaped(s.unescaped[i][:0], v.text)
		v = s.read(s.unescaped[i], true)
	}
	if (v.has&hasBracket != 0 || v.has&(digits4|hasSpace|hasLetter) == digits4|hasSpace|hasLetter) && !s.enough(value) {
		s.spelt = appendSpelt(s.spelt[:0], v.text)
		if len(s.spelt) < len(v.text) {
			v = s.read(s.spelt, true)
		}
	}
	if v.has&run8 == 0 || s.enough(value) {
		return s.hits
	}
	s.decoded = appendBase64(s.decoded[:0], v.text)
	if len(s.decoded) == 0 {
		return s.hits
	}
	v = s.read(s.decoded, false)
	if holdsEscape(v) && !s.enough(value) {
		s.inner = appendUnescaped(s.inner[:0], v.text)
		s.read(s.inner, false)
	}
	return s.hits
}

// holdsEscape says whether appendUnescaped would change v's text.
func holdsEscape(v *reading) bool {
	return v.has&(hasPercent|hasBackslash|hasAmpersand) != 0 && escaped(v.text)
}

// enough says that nothing can be learnt that changes the verdict, at a length where it would cost.
func (s *Scanner) enough(value []byte) bool {
	return s.hits != 0 && len(value) > longValue
}

// read normalises one text and searches it. What it gives is valid until the next call.
func (s *Scanner) read(text []byte, whole bool) *reading {
	v := &s.now
	*v = reading{text: text, whole: whole, free: s.free}
	if !isASCII(text) {
		s.plain = appendPlain(s.plain[:0], text)
		v.text = s.plain
	}
	s.folded, v.has = appendFold(s.folded[:0], v.text)
	v.fold, v.num = s.folded, s.folded
	s.search(v, searches[:])
	if v.has&(hasSoft|hasDigit) == hasSoft|hasDigit && !s.enough(text) {
		s.digits = appendHardDigits(s.digits[:0], v.fold)
		if !bytes.Equal(s.digits, v.fold) {
			v.num = s.digits
			v.has |= countsOf(v.num)
			s.search(v, searches[:numeric])
		}
	}
	return v
}

// search tries what v may hold.
func (s *Scanner) search(v *reading, list []search) {
	for i := range list {
		d := &list[i]
		if v.has&d.needs == d.needs && d.classes&^s.hits != 0 {
			s.hits |= d.find(s, v)
			if s.enough(v.text) {
				return
			}
		}
	}
}
