package detect

// Host names beyond ASCII travel as Punycode (RFC 3492). Decoded here without memory of its own; the library's decoder
// makes strings.

import (
	"bytes"
	"unicode/utf8"
)

var acePrefix = []byte("xn--")

// Parameters of Punycode (RFC 3492, section 5).
const (
	punyBase, punyMin, punyMax = 36, 1, 26
	punySkew, punyDamp         = 38, 700
	punyFirst, punyInitialN    = 72, 128
	maxLabel                   = 63
	maxDecodedHost             = utf8.UTFMax * maxHostName
)

// international tells whether a label of a host name in small letters is in Punycode.
func international(host []byte) bool {
	return bytes.HasPrefix(host, acePrefix) || bytes.Contains(host, []byte(".xn--"))
}

// decodedHost appends a host name with every label decoded. Not ok: a label is no Punycode, so that nobody can say what it
// means.
func decodedHost(dst, host []byte) ([]byte, bool) {
	for {
		label, more := host, false
		if dot := bytes.IndexByte(host, '.'); dot >= 0 {
			label, host, more = host[:dot], host[dot+1:], true
		}
		if bytes.HasPrefix(label, acePrefix) {
			var ok bool
			if dst, ok = appendPunycode(dst, label[len(acePrefix):]); !ok {
				return dst, false
			}
		} else {
			dst = append(dst, label...)
		}
		if !more {
			return dst, true
		}
		dst = append(dst, '.')
	}
}

func appendPunycode(dst, text []byte) ([]byte, bool) {
	if len(text) > maxLabel {
		return dst, false
	}
	var runes [maxLabel]rune
	n := 0
	if plain := bytes.LastIndexByte(text, '-'); plain > 0 {
		for _, c := range text[:plain] {
			runes[n] = rune(c)
			n++
		}
		text = text[plain+1:]
	}
	code, at, bias := rune(punyInitialN), 0, punyFirst
	for i := 0; i < len(text); {
		before, weight := at, 1
		for k := punyBase; ; k += punyBase {
			if i == len(text) {
				return dst, false
			}
			digit := punyDigit(text[i])
			i++
			if digit < 0 || at > (1<<31-1-digit)/weight {
				return dst, false
			}
			at += digit * weight
			least := min(max(k-bias, punyMin), punyMax)
			if digit < least {
				break
			}
			if weight *= punyBase - least; weight > 1<<24 {
				return dst, false // no code point is so large
			}
		}
		n++
		bias = punyBias(at-before, n, before == 0)
		if code += rune(at / n); !utf8.ValidRune(code) {
			return dst, false
		}
		at %= n
		copy(runes[at+1:n], runes[at:n-1])
		runes[at] = code
		at++
	}
	for _, r := range runes[:n] {
		dst = utf8.AppendRune(dst, r)
	}
	return dst, n > 0
}

// punyBias adapts the thresholds (RFC 3492, section 6.1).
func punyBias(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (punyBase-punyMin)*punyMax/2 {
		delta /= punyBase - punyMin
		k += punyBase
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

func punyDigit(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case isDigit(c):
		return int(c-'0') + 26
	}
	return -1
}
