package detect

// Codes for places: Open Location Codes ("plus codes"), what3words, geohashes beside a word that says so. Tokens of S2 and
// indexes of H3 are what a policy lets out on purpose and are none of these.

import "bytes"

// plusDigit says whether c, in lower case, is a digit of an Open Location Code.
func plusDigit(c byte) bool {
	switch c {
	case '2', '3', '4', '5', '6', '7', '8', '9', 'c', 'f', 'g', 'h', 'j', 'm', 'p', 'q', 'r', 'v', 'w', 'x':
		return true
	}
	return false
}

// findPlusCode looks for a full code, eight digits before the plus sign and at least two behind (or padded with zeros and
// none), and for a short one that holds letters and digits.
func findPlusCode(_ *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i < len(f); i++ {
		n := bytes.IndexByte(f[i:], '+')
		if n < 0 {
			return 0
		}
		i += n
		start := i
		for start > 0 && (plusDigit(f[start-1]) || f[start-1] == '0') && i-start < 9 {
			start--
		}
		end := i + 1
		for end < len(f) && plusDigit(f[end]) && end-i < 9 {
			end++
		}
		before, behind := i-start, end-i-1
		if start > 0 && isMailLetter(f[start-1]) || end < len(f) && isMailLetter(f[end]) {
			continue
		}
		zeros := bytes.Count(f[start:i], []byte("0"))
		switch {
		case before == 8 && behind >= 2 && zeros == 0 && fullPlusCode(f[start]):
			return hit(Geocode)
		case before == 8 && behind == 0 && zeros > 0 && zeros <= 6 && zeros%2 == 0 && fullPlusCode(f[start]) &&
			bytes.HasSuffix(f[start:i], []byte("000000")[:zeros]):
			return hit(Geocode)
		case (before == 4 || before == 6) && (behind == 2 || behind == 3) && zeros == 0 && lettersAndDigits(f[start:end]):
			return hit(Geocode)
		}
	}
	return 0
}

// fullPlusCode says whether c may begin a full code: the first digit counts 20 degrees of latitude, of which there are nine.
func fullPlusCode(c byte) bool { return c >= '2' && c <= '9' || c == 'c' }

// lettersAndDigits says whether b holds both letters and digits.
func lettersAndDigits(b []byte) bool {
	letter, digit := false, false
	for _, c := range b {
		letter = letter || c >= 'a' && c <= 'z'
		digit = digit || isDigit(c)
	}
	return letter && digit
}

// findThreeWords looks for ///word.word.word, and for such words behind the name of who made them up.
func findThreeWords(_ *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i+5 < len(f); i++ {
		n := bytes.IndexByte(f[i:], '/')
		if n < 0 {
			return 0
		}
		i += n
		k := i
		for k < len(f) && f[k] == '/' {
			k++
		}
		slashes := k - i
		named := bytes.HasSuffix(f[:i], []byte("w3w.co")) || bytes.HasSuffix(f[:i], []byte("what3words.com"))
		if (slashes == 3 && (i == 0 || f[i-1] != ':') || named) && threeWords(f[k:]) {
			return hit(Geocode)
		}
		i = k - 1
	}
	return 0
}

// threeWords says whether b begins with three words that dots join, and no fourth.
func threeWords(b []byte) bool {
	i, n := 0, 0
	for n < 3 {
		start := i
		for i < len(b) && (b[i] >= 'a' && b[i] <= 'z' || b[i] >= 0x80 || b[i] == '\'' || b[i] == '-') {
			i++
		}
		if i == start {
			return false
		}
		if n++; n < 3 {
			if i >= len(b) || b[i] != '.' {
				return false
			}
			i++
		}
	}
	return i == len(b) || !isDigit(b[i]) && b[i] != '/' && (b[i] != '.' || i+1 == len(b) || !isMailLetter(b[i+1]))
}

// Lengths of a geohash: six characters are 1.2 by 0.6 km; twelve are what databases keep.
const (
	minGeohash = 6
	maxGeohash = 12
)

// geohashLabels are what stands beside a geohash. What a word alone does not prove needs a sign or a digit beside it.
var geohashLabels = [...]struct {
	word string
	sure bool
}{{"geohash", true}, {"gh", false}, {"geo", false}, {"loc", false}, {"location", false}}

// findGeohash looks for a geohash beside its label.
func findGeohash(_ *Scanner, v *reading) Hits {
	f := v.fold
	for k := range geohashLabels {
		l := &geohashLabels[k]
		for i := 0; i < len(f); i++ {
			n := bytes.Index(f[i:], []byte(l.word))
			if n < 0 {
				break
			}
			i += n
			end := i + len(l.word)
			if i > 0 && f[i-1] >= 'a' && f[i-1] <= 'z' {
				continue
			}
			if geohashAfter(f, end, l.sure) || l.sure && geohashBefore(f, i) {
				return hit(Geocode)
			}
			i = end - 1
		}
	}
	return 0
}

// geohashAfter reads from just behind the label: an optional number, signs, the geohash.
func geohashAfter(f []byte, i int, sure bool) bool {
	sign := false
	if rest := f[i:]; sure && bytes.HasPrefix(rest, []byte(".org/")) {
		i, sign = i+4, true
	} else if sure && bytes.HasPrefix(rest, []byte(" is ")) {
		i, sign = i+3, true
	}
	for ; i < len(f) && isDigit(f[i]) && sure; i++ {
	}
	start := i
	for n := 0; n < 6 && i < len(f) && isLabelGap(f[i]); n++ {
		sign = sign || f[i] == ':' || f[i] == '='
		i++
	}
	if i == start && !sign {
		return false
	}
	end := geohashEnd(f, i)
	return end-i >= minGeohash && end-i <= maxGeohash && (sure || sign || lettersAndDigits(f[i:end]))
}

// geohashBefore reads what ends just before the label: "9q8yyk8y (geohash)".
func geohashBefore(f []byte, i int) bool {
	end := i
	for n := 0; n < 3 && end > 0 && isLabelGap(f[end-1]); n++ {
		end--
	}
	start := end
	for start > 0 && isMailLetter(f[start-1]) && end-start <= maxGeohash {
		start--
	}
	return end < i && end-start >= minGeohash && geohashEnd(f, start) == end && lettersAndDigits(f[start:end])
}

// geohashEnd is the end of the geohash that begins at i, which nothing may follow that belongs to a word; i for none.
func geohashEnd(f []byte, i int) int {
	end := i
	for end < len(f) && end-i <= maxGeohash && isGeohash(f[end]) {
		end++
	}
	if end < len(f) && isMailLetter(f[end]) {
		return i
	}
	return end
}

// isGeohash says whether c is of the alphabet of geohashes: digits and letters without a, i, l and o.
func isGeohash(c byte) bool {
	return isDigit(c) || c >= 'b' && c <= 'z' && c != 'i' && c != 'l' && c != 'o'
}
