package detect

// National numbers with letters in them.

// letteredID is one country's format. In form, A is a letter, 9 a digit, * either; other characters stand for
// themselves. Separators inside the number are skipped.
type letteredID struct {
	country string
	form    string
	labels  []string // if any, one of them must stand before it
	valid   func(b []byte) bool
}

var letteredIDs = [...]letteredID{
	{"GB NINO", "AA999999A", nil, nino},
	{"ES DNI", "99999999A", nil, dni},
	{"ES DNI", "9999999A", nil, shortDNI}, // without its leading zero
	{"ES NIE", "A9999999A", nil, nie},
	{"SG NRIC", "A9999999A", nil, nric},
	{"IE PPS", "9999999A", nil, pps},
	{"IE PPS", "9999999AA", nil, pps},
	{"TW ID", "A999999999", nil, taiwan},
	{"HK ID", "A9999999", []string{"hkid", "hong kong id"}, nil},
	{"IN PAN", "AAAAA9999A", nil, func(b []byte) bool { return b[3] == 'p' }},
	{"IN PAN", "AAAAA9999A", []string{"pan", "pan number"}, nil},
	{"FI henkilotunnus", "999999999A", nil, hetu},
	{"FI henkilotunnus", "999999A999*", nil, hetu},
	{"US MBI", "9A*9A*9AA99", nil, mbi},
	{"DE Rentenversicherung", "99999999A999", nil, rente},
	{"IT codice fiscale", "AAAAAA**A**A***A", nil, codiceFiscale},
	{"MX CURP", "AAAA999999AAAAAA*9", nil, curp},
	{"CN resident ID", "99999999999999999x", nil, chineseX},
	{"CL RUT", "99999999k", nil, rutK},
	{"CL RUT", "9999999k", nil, rutK},
}

// maxLettered is the longest number with letters, without separators.
const maxLettered = 18

// findLetteredIDs tries every format at the beginning of every word.
func findLetteredIDs(s *Scanner, v *reading) Hits {
	b, word := v.fold, &s.word
	for i := 0; i < len(b); i++ {
		if !isAlnum(b[i]) || i > 0 && isAlnum(b[i-1]) {
			continue
		}
		// The characters from here on, without separators, and which of them end a word.
		n, digits, ends := 0, 0, uint32(0)
		for k := i; k < len(b) && n < len(word); k++ {
			if isAlnum(b[k]) {
				word[n] = b[k]
				n++
				if isDigit(b[k]) {
					digits++
				}
				if k+1 == len(b) || !isAlnum(b[k+1]) {
					ends |= 1 << n
				}
			} else if c := b[k]; c != ' ' && c != '-' && c != '.' && c != '/' && c != '+' && c != '(' || k+1 < len(b) && !isAlnum(b[k+1]) {
				break
			}
		}
		if digits < 4 || n < 8 {
			continue
		}
		if !s.try(4) {
			return hit(NationalID)
		}
		if letteredAt(b, i, word[:n], ends) {
			return hit(NationalID)
		}
	}
	return 0
}

func letteredAt(fold []byte, at int, word []byte, ends uint32) bool {
	for i := range letteredIDs {
		id := &letteredIDs[i]
		n := len(id.form)
		if n > len(word) || ends&(1<<n) == 0 || !fits(id.form, word[:n]) {
			continue
		}
		if (id.valid == nil || id.valid(word[:n])) && (id.labels == nil || labelled(fold, at, id.labels)) {
			return true
		}
	}
	return false
}

func fits(form string, b []byte) bool {
	for i, c := range b {
		switch f := form[i]; f {
		case 'A':
			if !isLetter(c) {
				return false
			}
		case '9':
			if !isDigit(c) {
				return false
			}
		case '*':
		default:
			if c != f {
				return false
			}
		}
	}
	return true
}

// value is the number of the digits in b, of which there are at most 18.
func value(b []byte) (n int) {
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}
