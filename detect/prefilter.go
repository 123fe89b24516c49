package detect

// The prefilter: one pass over a reading that lowers case and notes what occurs, so that most texts are clean at once.

// charTraits is what one byte adds to the traits.
var charTraits = func() (t [256]traits) {
	for i := range t {
		switch c := byte(i); {
		case '0' <= c && c <= '9':
			t[i] = hasDigit
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			t[i] = hasLetter
		case c >= 0x80:
			t[i] = hasHigh
		}
	}
	for c, b := range map[byte]traits{
		' ': hasSpace, '\t': hasSpace, '\n': hasSpace, '\r': hasSpace, '@': hasAt, '%': hasPercent, '\\': hasBackslash,
		'&': hasAmpersand, '=': hasEquals, ':': hasColon, '/': hasSlash, '.': hasDot, '+': hasPlus, '-': hasDash,
		'(': hasBracket, '[': hasBracket,
	} {
		t[c] |= b
	}
	return t
}()

// charCounts holds, in one number, what is counted of a byte: bit 0 a digit, bit 32 a hex digit.
var charCounts = func() (t [256]uint64) {
	for i := range t {
		if '0' <= i && i <= '9' {
			t[i] = 1
		}
		if hexValue[i] >= 0 {
			t[i] |= 1 << 32
		}
	}
	return t
}()

// softKind marks digits (1) and letters that look like one (2): o for 0, l and i for 1.
var softKind = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = 1
	}
	t['o'], t['l'], t['i'] = 2, 2, 2
	return t
}()

// appendFold appends text in lower case and says what occurs in it.
func appendFold(dst, text []byte) ([]byte, traits) {
	var has traits
	var counts uint64
	var kinds, before uint8
	run, longest := 0, 0
	for _, c := range text {
		has |= charTraits[c]
		counts += charCounts[c]
		if base64Value[c] >= 0 {
			run++
		} else {
			longest = max(longest, run)
			run = 0
		}
		c = lowerASCII[c]
		k := softKind[c]
		kinds |= k &^ 1 & (before << 1) // a letter after a digit
		kinds |= k << 1 & before &^ 1   // a digit after a letter
		before = k
		dst = append(dst, c)
	}
	longest = max(longest, run)
	has |= counted(counts)
	if kinds != 0 {
		has |= softDigit
	}
	if longest >= minBase64 {
		has |= run8
	}
	if longest >= 20 {
		has |= run20
	}
	return dst, has
}

func counted(counts uint64) (has traits) {
	if digits := uint32(counts); digits >= 7 {
		has = digits4 | digits7
	} else if digits >= 4 {
		has = digits4
	}
	if counts>>32 >= 12 {
		has |= hex12
	}
	return has
}

// countsOf counts digits and hex digits again, in a text whose letters were read as digits.
func countsOf(text []byte) traits {
	var counts uint64
	for _, c := range text {
		counts += charCounts[c]
	}
	return counted(counts)
}

// isWord says which bytes make words.
var isWord = func() (t [256]bool) {
	for c := range t {
		t[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
	}
	return t
}()

// appendHardDigits appends fold with o read as 0, and l and i as 1, in words that are numbers (or hex numbers)
// otherwise, and in words of nothing else beside such a number: 4l5-555-Ol32, 4OOO OOOO OOOO OOO2.
func appendHardDigits(dst, fold []byte) []byte {
	start := len(dst)
	dst = append(dst, fold...)
	out := dst[start:]
	number := false // the word before is a number, and nothing but one separator stands between
	for i := 0; i < len(out); {
		if !isWord[out[i]] {
			number = number && i > 0 && isWord[out[i-1]] && isJoint[out[i]]
			i++
			continue
		}
		from := i
		digits, soft, other := 0, 0, 0
		for ; i < len(out) && isWord[out[i]]; i++ {
			switch {
			case softKind[out[i]] == 2:
				soft++
			case '0' <= out[i] && out[i] <= '9':
				digits++
			case hexValue[out[i]] < 0:
				other++
			}
		}
		word := out[from:i]
		hard := other == 0 && (digits > 0 || soft == len(word) && number && sameBytes(word) && (len(word) > 1 || out[from-1] != ' '))
		if hard && soft > 0 {
			for k, c := range word {
				switch c {
				case 'o':
					word[k] = '0'
				case 'l', 'i':
					word[k] = '1'
				}
			}
		}
		number = hard
	}
	return dst
}

func sameBytes(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// isJoint says which bytes may stand between the groups of one number.
var isJoint = [256]bool{' ': true, '-': true, '.': true, '/': true, '_': true, '+': true, '\t': true, ':': true}
