package detect

// Email addresses, as they are written for machines and as people write them to hide them from machines: "ann (at)
// example dot org".

import "bytes"

// maxDomain is the longest domain name, in bytes (RFC 1035, 2.3.4).
const maxDomain = 255

// findEmail looks for an at sign with a mailbox before it and a domain after it.
func findEmail(s *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i < len(f); i++ {
		n := bytes.IndexByte(f[i:], '@')
		if n < 0 {
			return 0
		}
		i += n
		// "(@)" and "@@" are the sign too.
		left, right := i, i+1
		if i > 0 && right < len(f) && (opensAside(f[i-1]) && closesAside(f[right]) || f[right] == '@') {
			right++
			if f[i-1] != '@' && opensAside(f[i-1]) {
				left--
			}
		}
		if !mailboxBefore(f, left) {
			continue
		}
		if !s.try(1) || domainAfter(f, right) {
			return hit(Email)
		}
	}
	return 0
}

// findSpokenEmail looks for "at" in place of the sign: " at ", "(at)", "[at]", "{at}", "<at>", "-at-", "_at_".
func findSpokenEmail(s *Scanner, v *reading) Hits {
	f := v.fold
	for i := 1; i < len(f); i++ {
		n := bytes.Index(f[i:], []byte("at"))
		if n < 0 {
			return 0
		}
		i += n
		if i+2 >= len(f) || isMailLetter(f[i-1]) || isMailLetter(f[i+2]) {
			continue
		}
		left, right := i, i+2
		switch {
		case opensAside(f[i-1]) && closesAside(f[i+2]):
			left, right = i-1, i+3
		case f[i-1] == f[i+2] && (f[i-1] == '_' || f[i-1] == '-'):
			left, right = i-1, i+3
		case isBlank(f[i-1]) && isBlank(f[i+2]):
		default:
			continue
		}
		if !mailboxBefore(f, left) {
			continue
		}
		if !s.try(1) || spokenDomainAfter(f, right) {
			return hit(Email)
		}
	}
	return 0
}

func opensAside(c byte) bool  { return c == '(' || c == '[' || c == '{' || c == '<' }
func closesAside(c byte) bool { return c == ')' || c == ']' || c == '}' || c == '>' }

// isBlank counts the plus sign, which forms write for a blank.
func isBlank(c byte) bool { return c == ' ' || c == '+' || c == '\t' || c == '\n' || c == '\r' }

// isMailLetter says whether c is a letter or a digit of any script.
func isMailLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}

// maxBlanks is how many blanks may stand beside a sign.
const maxBlanks = 3

// mailboxBefore says whether something that may be a mailbox ends before i. All that RFC 5322 allows, quoted or with a
// remark in brackets, and what it does not: nobody gains by being told that an address is badly written.
func mailboxBefore(f []byte, i int) bool {
	for n := 0; n < maxBlanks && i > 0 && isBlank(f[i-1]); n++ {
		i--
	}
	if i == 0 {
		return false
	}
	switch c := f[i-1]; c {
	case ')', ']', '"', '.', '_', '-', '+', '~', '}', '\'', '!', '#', '$', '%', '*', '=', '?', '`', '|', '^', '{':
		return true
	default:
		return isMailLetter(c)
	}
}

// domainAfter says whether a domain under a known top-level domain, one such alone, or an address in brackets begins at i.
func domainAfter(f []byte, i int) bool {
	start := i
	i = skipAside(f, i)
	if i < len(f) && f[i] == '[' {
		return i == start || addressLiteral(f[i+1:])
	}
	labels, known, like := domain(f, i)
	return known && (labels > 1 || i == start) || like && labels > 1 && i == start
}

// spokenDomainAfter asks for a dot, since " at " is also a plain word.
func spokenDomainAfter(f []byte, i int) bool {
	labels, known, _ := domain(f, skipAside(f, i))
	return known && labels > 1
}

// skipAside passes over blanks and one remark in round brackets.
func skipAside(f []byte, i int) int {
	i = skipBlanks(f, i)
	if i < len(f) && f[i] == '(' {
		if n := bytes.IndexByte(f[i:min(len(f), i+maxDomain)], ')'); n > 0 {
			i = skipBlanks(f, i+n+1)
		}
	}
	return i
}

func skipBlanks(f []byte, i int) int {
	for n := 0; n < maxBlanks && i < len(f) && isBlank(f[i]); n++ {
		i++
	}
	return i
}

// addressLiteral says whether what follows a bracket begins as an address does (RFC 5321, 4.1.3).
func addressLiteral(f []byte) bool {
	if bytes.HasPrefix(f, []byte("ipv6:")) {
		return true
	}
	digits := 0
	for _, c := range f[:min(len(f), maxDomain)] {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
			digits++
		case c == '.' || c == ':':
		default:
			return digits > 0 && c == ']'
		}
	}
	return false
}

// domain reads labels from i and says how many it needed to reach a top-level domain, and whether it did; like says that
// it reached a last label that is no known one but looks so. A dot may be written out, or have blanks around it if it has
// one before it.
func domain(f []byte, i int) (labels int, known, like bool) {
	tlds, end := words().tlds, min(len(f), i+maxDomain+1)
	for i < end {
		from := i
		for i < end && (isMailLetter(f[i]) || f[i] == '-' || f[i] == '_') {
			i++
		}
		label := bytes.Trim(f[from:i], "-_")
		if len(label) == 0 {
			break
		}
		labels++
		dot := dotAfter(f, i, end)
		// One label alone is a domain only if nothing belongs to it any more.
		if (labels > 1 || dot == i) && tlds.has(label) {
			return labels, true, true
		}
		if under := bytes.IndexByte(label, '_'); under > 0 && labels > 1 && dot == i && tlds.has(label[:under]) {
			return labels, true, true // something else begins behind the domain
		}
		if dot == i && spokenLabels(label) {
			return labels + 1, true, true
		}
		if dot == i {
			return labels, false, onlyLetters(label) || bytes.HasPrefix(label, []byte("xn--"))
		}
		i = dot
	}
	return labels, false, false
}

// onlyLetters says whether b is two or more letters.
func onlyLetters(b []byte) bool {
	for _, c := range b {
		if c < 'a' || c > 'z' && c < 0x80 {
			return false
		}
	}
	return len(b) > 1
}

// dotAfter passes over a dot at i, in any of the ways in which people write one; i if there is none.
func dotAfter(f []byte, i, end int) int {
	j := skipBlanks(f[:end], i)
	blank := j > i
	switch {
	case j >= end:
		return i
	case f[j] == '.':
		j++
		if blank {
			j = skipBlanks(f[:end], j)
		}
		return j
	case opensAside(f[j]) && j+2 < end && f[j+1] == '.' && closesAside(f[j+2]):
		return skipBlanks(f[:end], j+3)
	case opensAside(f[j]) && j+4 < end && string(f[j+1:j+4]) == "dot" && closesAside(f[j+4]):
		return skipBlanks(f[:end], j+5)
	case blank && j+4 < end && string(f[j:j+3]) == "dot" && isBlank(f[j+3]):
		return skipBlanks(f[:end], j+3)
	}
	return i
}

// spokenLabels says whether a label is a whole domain with its dots written out: "example_dot_org", "example-dot-org".
func spokenLabels(label []byte) bool {
	for _, dot := range [...]string{"_dot_", "-dot-"} {
		if i := bytes.LastIndex(label, []byte(dot)); i > 0 && words().tlds.has(label[i+len(dot):]) {
			return true
		}
	}
	return false
}
