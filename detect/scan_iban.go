package detect

// International bank account numbers (ISO 13616).

import "strings"

// ibanLengths is every country's length, from the registry of SWIFT.
var ibanLengths = func() (t [26 * 26]uint8) {
	for entry := range strings.FieldsSeq(`AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22
		DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27
		JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28
		PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`) {
		t[int(entry[0]-'A')*26+int(entry[1]-'A')] = (entry[2]-'0')*10 + entry[3] - '0'
	}
	return t
}()

const longestIBAN = 34

func findIBAN(s *Scanner, v *reading) Hits {
	b := v.fold
	word := false // the byte before belongs to a word
	for i := 0; i+15 <= len(b); i++ {
		before := word
		if word = isAlnum(b[i]); !word || before && (b[i-1] != 'n' || !endsIn(b[:i], "iban")) || !isLetter(b[i]) || !isLetter(b[i+1]) {
			continue
		}
		size := int(ibanLengths[int(b[i]-'a')*26+int(b[i+1]-'a')])
		if size == 0 {
			continue
		}
		if !s.try(4) {
			return hit(IBAN)
		}
		if ibanAt(b[i:], size) {
			return hit(IBAN)
		}
	}
	return 0
}

// ibanAt says whether an account number of this length begins b, with at most one separator between characters.
func ibanAt(b []byte, size int) bool {
	var id [longestIBAN]byte
	n, k, digits := 0, 0, 0
	for ; k < len(b) && n < size; k++ {
		c := b[k]
		if !isAlnum(c) {
			if c != ' ' && c != '-' && c != '.' && c != '/' && c != '_' && c != '+' || k > 0 && !isAlnum(b[k-1]) {
				return false
			}
			continue
		}
		if n == 2 || n == 3 {
			c = hardDigit(c)
			if !isDigit(c) {
				return false
			}
		}
		if isDigit(hardDigit(c)) {
			digits++
		}
		id[n] = c
		n++
	}
	if n < size || digits < 8 || k < len(b) && isAlnum(b[k]) {
		return false
	}
	if mod97(id[:n]) == 1 {
		return true
	}
	return softIBAN(id[:n])
}

// softIBAN tries the letters that look like digits as such, in every combination. With more than six of them nothing is
// excluded.
func softIBAN(id []byte) bool {
	var at [6]int
	soft := 0
	for i := 4; i < len(id); i++ {
		if isSoft(id[i]) {
			if soft == len(at) {
				return true
			}
			at[soft] = i
			soft++
		}
	}
	for mask := 1; mask < 1<<soft; mask++ {
		var try [longestIBAN]byte
		copy(try[:], id)
		for k := range soft {
			if mask&(1<<k) != 0 {
				try[at[k]] = hardDigit(id[at[k]])
			}
		}
		if mod97(try[:len(id)]) == 1 {
			return true
		}
	}
	return false
}

// hardDigit is the digit that c looks like, or c.
func hardDigit(c byte) byte {
	switch c {
	case 'o':
		return '0'
	case 'l', 'i':
		return '1'
	}
	return c
}

// mod97 is the remainder of ISO 7064: the first four characters go last, letters count from 10.
func mod97(id []byte) int {
	r := 0
	for i := range id {
		c := id[(i+4)%len(id)]
		if isDigit(c) {
			r = (r*10 + int(c-'0')) % 97
		} else {
			r = (r*100 + int(c-'a') + 10) % 97
		}
	}
	return r
}

func endsIn(b []byte, word string) bool {
	return len(b) >= len(word) && string(b[len(b)-len(word):]) == word
}
