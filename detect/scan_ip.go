package detect

// Internet addresses: dotted quads, IPv6 in every form, and the number that a URL has as its host.

// findIPv4 finds four numbers up to 255 with dots between. Another separator counts where it is the same between all of
// them and the numbers are long enough to be no list of small ones.
func findIPv4(_ *Scanner, v *reading) Hits {
	b := v.num
	for i := 0; i < len(b); {
		if b[i] < '0' || b[i] > '9' {
			i++
			continue
		}
		if quad, ok := quadAt(b, i); ok && !quad.nobody() {
			return hit(IP)
		}
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
	}
	return 0
}

type quad [4]byte

// nobody says that q is unspecified or loopback.
func (q quad) nobody() bool { return q == quad{} || q[0] == 127 }

// quadAt reads an IPv4 address that begins at b[i].
func quadAt(b []byte, i int) (q quad, ok bool) {
	from, sep := i, byte(0)
	if i >= 2 && b[i-1] == '.' && isDigit(b[i-2]) {
		return q, false // a number stands before: five of them are no address
	}
	digits := 0
	for k := range q {
		n, value := 0, 0
		for i < len(b) && isDigit(b[i]) && n < 4 {
			value = value*10 + int(b[i]-'0')
			i++
			n++
		}
		if n == 0 || n > 3 || value > 255 {
			return q, false
		}
		q[k] = byte(value)
		digits += n
		if k == 3 {
			break
		}
		if i >= len(b) || k > 0 && b[i] != sep {
			return q, false
		}
		sep = b[i]
		i++
	}
	if i+1 < len(b) && b[i] == sep && isDigit(b[i+1]) {
		return q, false
	}
	if sep == '.' {
		return q, true
	}
	if q[0] == 0 || i < len(b) && isLetter(b[i]) || from > 0 && isAlnum(b[from-1]) || from > 1 && b[from-1] == sep && numberEnds(b, from-1) {
		return q, false
	}
	switch sep {
	case '-', '/', '_':
		return q, digits >= 5
	case ' ':
		return q, digits >= 6
	}
	return q, false
}

// numberEnds says whether a word of nothing but digits ends before b[end].
func numberEnds(b []byte, end int) bool {
	i := end
	for i > 0 && end-i < 4 && isDigit(b[i-1]) {
		i--
	}
	return i < end && (i == 0 || !isAlnum(b[i-1]))
}
