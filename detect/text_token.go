package detect

// Tokens: what lets its holder in, or names one session. JWTs by their beginning, keys by the prefix that their makers
// gave them, values beside a word for a secret, and whatever is as irregular as base64 of random bytes.

import (
	"bytes"
	"math"
)

// Bounds of what counts as random base64.
const (
	minToken    = 20  // characters
	minEntropy  = 3.8 // bits a character
	entropySpan = 128 // characters that are looked at
)

// isTokenByte says whether c is of either alphabet of base64.
func isTokenByte(c byte) bool { return base64Value[c] >= 0 }

// findRandom looks for long runs of base64 that no language makes.
func findRandom(_ *Scanner, v *reading) Hits {
	t := v.text
	for i := 0; i < len(t); {
		if !isTokenByte(t[i]) {
			i++
			continue
		}
		from := i
		for i < len(t) && isTokenByte(t[i]) {
			i++
		}
		run := t[from:i]
		// What fills the last group belongs to it.
		for n := 0; n < 2 && i < len(t) && t[i] == '='; n++ {
			i++
			run = t[from:i]
		}
		if len(run) >= minToken && (isRandom(run) || partIsRandom(run)) {
			return hit(Token)
		}
	}
	return 0
}

// partIsRandom looks at the parts of a run between slashes, so that a path does not hide the token in it.
func partIsRandom(run []byte) bool {
	for {
		n := bytes.IndexByte(run, '/')
		if n < 0 {
			return false
		}
		if isRandom(run[:n]) {
			return true
		}
		if run = run[n+1:]; bytes.IndexByte(run, '/') < 0 {
			return isRandom(run)
		}
	}
}

// isRandom says whether a run looks like base64 of random bytes: entropy, and letters and digits that change as those of
// words, names in camel case and numbers do not. Spans of a long run are looked at one after the other.
func isRandom(run []byte) bool {
	for {
		span := run[:min(len(run), entropySpan)]
		if len(span) < minToken {
			return false
		}
		if irregular(span) && entropy(span) > minEntropy {
			return true
		}
		run = run[len(span):]
	}
}

// entropy of the bytes of b, at most entropySpan of them, in bits a byte.
func entropy(b []byte) float64 {
	var counts [256]uint8
	sum := 0.0
	for _, c := range b {
		sum += nLogN[counts[c]+1] - nLogN[counts[c]]
		counts[c]++
	}
	return nLogN[len(b)]/float64(len(b)) - sum/float64(len(b))
}

// nLogN is n times the binary logarithm of n.
var nLogN = func() (t [entropySpan + 1]float64) {
	for n := 2; n < len(t); n++ {
		t[n] = float64(n) * math.Log2(float64(n))
	}
	return t
}()

// irregular says whether the kind of character changes too often for words. Random base64 changes at 64 of 100 steps, its
// lower case at 26 and base36 at 40, with a wide spread at twenty characters; words that are joined at fewer than 20.
func irregular(b []byte) bool {
	var digits, upper, lower, changes, steps, words, capitals, lowers int
	last := byte(0)
	for i, c := range b {
		kind := kindOf(c)
		switch kind {
		case '0':
			digits++
		case 'A':
			upper++
		case 'a':
			lower++
		}
		if i > 0 && kind != '-' && last != '-' {
			steps++
			if kind == 'A' && last == 'A' {
				capitals++ // beside another
			}
			// A capital at the beginning of a word is no change.
			if kind != last && !(last == 'A' && kind == 'a' && (i < 2 || kindOf(b[i-2]) == '-')) {
				changes++
			}
		}
		if kind == '-' {
			words++
		}
		if kind == 'a' && last != 'a' {
			lowers++ // runs of small letters
		}
		last = kind
	}
	letters := upper + lower
	switch {
	case steps == 0 || letters == 0 || words*4 > len(b):
		return false
	case upper > 0 && lower > 0 && digits > 0:
		return changes*100 >= 20*steps
	case digits > 0:
		return digits >= 2 && changes >= 3 && changes*100 >= 16*steps
	}
	// Names in camel case have capitals beside each other in abbreviations only, and longer runs of small letters.
	return capitals > 0 && lower <= 4*lowers && upper*100 >= 15*letters && lower*100 >= 15*letters && changes*100 >= 25*steps
}

// kindOf is 'a' for a small letter, 'A' for a capital, '0' for a digit and '-' for a sign.
func kindOf(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	case isDigit(c):
		return '0'
	}
	return '-'
}

// findJWT looks for a JSON Web Token (RFC 7519): the base64 of `{"` twice, with a dot between; case aside.
func findJWT(_ *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i < len(f); i++ {
		n := bytes.Index(f[i:], []byte("eyj"))
		if n < 0 {
			return 0
		}
		i += n
		if i > 0 && isMailLetter(f[i-1]) {
			continue
		}
		j := i
		for j < len(f) && isTokenByte(f[j]) {
			j++
		}
		k := min(j+1, len(f))
		for k < len(f) && isTokenByte(f[k]) {
			k++
		}
		if j-i >= 10 && j < len(f) && f[j] == '.' && k-j > 4 {
			return hit(Token)
		}
		i = max(i, j-1)
	}
	return 0
}

// keyPrefixes are what makers of keys put before them, in lower case, and the least length of the rest. Facts, from the
// makers' own pages.
var keyPrefixes = [...]struct {
	prefix string
	rest   int
}{
	{"akia", 16}, {"asia", 16}, {"aroa", 16}, {"aiza", 30}, {"ya29.", 20}, {"1//0", 20}, {"gocspx-", 20},
	{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, {"github_pat_", 20}, {"glpat-", 16}, {"glptt-", 16},
	{"sk_live_", 10}, {"sk_test_", 10}, {"pk_live_", 10}, {"pk_test_", 10}, {"rk_live_", 10}, {"rk_test_", 10}, {"whsec_", 16}, {"sk-", 20},
	{"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xapp-", 10},
	{"npm_", 20}, {"pypi-", 20}, {"dop_v1_", 20}, {"shpat_", 20}, {"shpss_", 20}, {"hf_", 20}, {"sg.", 20}, {"sq0atp-", 16}, {"sq0csp-", 16},
	{"eaac", 20}, {"ac_", 20}, {"key-", 24}, {"hvs.", 20}, {"dapi", 30}, {"nrak-", 20}, {"atatt", 20}, {"pat_", 20}, {"pmak-", 20},
}

// keysBy are the places in keyPrefixes of those that begin with a byte.
var keysBy = func() (t [256][]uint8) {
	for i, k := range keyPrefixes {
		t[k.prefix[0]] = append(t[k.prefix[0]], uint8(i))
	}
	return t
}()

// findKey looks for a key by its prefix, at the beginning of a word.
func findKey(s *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i < len(f); i++ {
		if i > 0 && isMailLetter(f[i-1]) {
			continue
		}
		for _, k := range keysBy[f[i]] {
			p := &keyPrefixes[k]
			if !bytes.HasPrefix(f[i:], []byte(p.prefix)) {
				continue
			}
			if !s.try(1) {
				return hit(Token)
			}
			j, digits := i+len(p.prefix), 0
			from := j
			for j < len(f) && (isTokenByte(f[j]) || f[j] == '.') && j-from < entropySpan {
				if isDigit(f[j]) {
					digits++
				}
				j++
			}
			if j-from >= p.rest && digits > 0 {
				return hit(Token)
			}
		}
	}
	return 0
}
