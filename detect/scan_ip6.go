package detect

// IPv6 addresses (RFC 4291) and numbers that stand as the host of a URL.

// findIPv6 finds words of hex digits and colons, with an IPv4 address at the end or not.
func findIPv6(s *Scanner, v *reading) Hits {
	b := v.num
	for i := 0; i < len(b); {
		if b[i] != ':' || i+1 >= len(b) {
			i++
			continue
		}
		// The group before the first colon, and the word's end.
		from := i
		for from > 0 && i-from < 5 && hexValue[b[from-1]] >= 0 {
			from--
		}
		end := i
		for end < len(b) && end-from < 46 && (hexValue[b[end]] >= 0 || b[end] == ':' || b[end] == '.') {
			end++
		}
		if !s.try(1) {
			return hit(IP)
		}
		if (from == 0 || !isAlnum(b[from-1]) && b[from-1] != ':') && isIPv6(b[from:end]) && !(end < len(b) && isLetter(b[end])) {
			return hit(IP)
		}
		i = max(i+1, end)
	}
	return 0
}

// isIPv6 says whether b, but for a full stop or colon behind it, is an address of somebody: neither unspecified nor
// loopback. A short one must hold a digit, or it may be two words.
func isIPv6(b []byte) bool {
	for len(b) > 0 && (b[len(b)-1] == '.' || b[len(b)-1] == ':' && (len(b) < 2 || b[len(b)-2] != ':')) {
		b = b[:len(b)-1]
	}
	var part [8]uint16
	n, gap, digits := 0, -1, 0
	i := 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, i = 0, 2
	}
	for i < len(b) {
		if n == 8 {
			return false
		}
		from, x := i, 0
		for i < len(b) && hexValue[b[i]] >= 0 && i-from < 5 {
			if isDigit(b[i]) {
				digits++
			}
			x = x<<4 | int(hexValue[b[i]])
			i++
		}
		if i < len(b) && b[i] == '.' {
			q, ok := quadAt(b, from)
			if !ok || n > 6 || countDots(b[from:]) != 3 {
				return false
			}
			part[n], part[n+1] = uint16(q[0])<<8|uint16(q[1]), uint16(q[2])<<8|uint16(q[3])
			n += 2
			digits += 4
			break
		}
		if i == from || i-from > 4 {
			return false
		}
		part[n] = uint16(x)
		n++
		if i == len(b) {
			break
		}
		i++ // the colon
		if i < len(b) && b[i] == ':' {
			if gap >= 0 {
				return false
			}
			gap = n
			i++
		} else if i == len(b) {
			return false
		}
	}
	if gap < 0 && n != 8 || gap >= 0 && (n > 7 || n < 1 || digits == 0) {
		return false
	}
	return !nobodyIPv6(part, n, gap)
}

func countDots(b []byte) (n int) {
	for _, c := range b {
		if c == '.' {
			n++
		}
	}
	return n
}

// nobodyIPv6 says that the address is unspecified or loopback, also as IPv4 in IPv6.
func nobodyIPv6(part [8]uint16, n, gap int) bool {
	var a [8]uint16
	if gap < 0 {
		a = part
	} else {
		copy(a[:gap], part[:gap])
		copy(a[8-(n-gap):], part[gap:n])
	}
	for _, x := range a[:5] {
		if x != 0 {
			return false
		}
	}
	if a[5] == 0xffff {
		return a[6]>>8 == 127 || a[6] == 0 && a[7] == 0
	}
	return a[5] == 0 && a[6] == 0 && a[7] <= 1
}

// findIPHost finds URLs whose host is an IPv4 address in another notation that browsers read: one to four parts in
// decimal, octal or hex (inet_aton).
func findIPHost(_ *Scanner, v *reading) Hits {
	b := v.num
	for i := 0; i+3 < len(b); i++ {
		if b[i] != '/' || b[i+1] != '/' {
			continue
		}
		from, end := i+2, i+2
		for ; end < len(b) && end-from < 256 && b[end] != '/' && b[end] != '?' && b[end] != '#' && b[end] != ' ' && b[end] != '"'; end++ {
			if b[end] == '@' {
				from = end + 1
			}
		}
		if q, ok := looseIPv4(b[from:end]); ok && !q.nobody() {
			return hit(IP)
		}
		i = max(i+1, end-2)
	}
	return 0
}

// looseIPv4 reads a host, up to its port.
func looseIPv4(b []byte) (q quad, ok bool) {
	var part [4]uint64
	n, i := 0, 0
	for {
		if n == 4 || i == len(b) || !isDigit(b[i]) {
			return q, false
		}
		base := uint64(10)
		if b[i] == '0' && i+1 < len(b) && b[i+1] == 'x' {
			base = 16
			i += 2
		} else if b[i] == '0' {
			base = 8
		}
		x := uint64(0)
		for ; i < len(b) && hexValue[b[i]] >= 0; i++ {
			d := uint64(hexValue[b[i]])
			if x = x*base + d; d >= base || x >= 1<<32 {
				return q, false
			}
		}
		part[n] = x
		n++
		if i < len(b) && b[i] == '.' && i+1 < len(b) && b[i+1] != ':' {
			i++
			continue
		}
		break
	}
	if i < len(b) && b[i] != ':' && b[i] != '.' {
		return q, false
	}
	addr := part[n-1]
	if addr >= 1<<(8*(5-n)) {
		return q, false
	}
	for k, x := range part[:n-1] {
		if x > 255 {
			return q, false
		}
		addr |= x << (24 - 8*k)
	}
	return quad{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}, true
}
