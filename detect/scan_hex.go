package detect

// Hex numbers, in one piece or in groups: hardware addresses, equipment identifiers, UUIDs, digests.

import "bytes"

// hexClasses are what findHex finds.
const hexClasses = Hits(1<<MAC | 1<<IMEI | 1<<UUID | 1<<Digest)

// hexGroup is a word of nothing but hex digits.
type hexGroup struct {
	at      int
	size    int
	letters int
	sep     byte // the one separator behind it, if another group follows; else 0
}

// maxHexGroups bounds the groups of one window: a digest of 64 digits in pairs.
const maxHexGroups = 32

// hexRun is the last groups that were read, with one separator between neighbours.
type hexRun struct {
	group [maxHexGroups]hexGroup
	n     int
}

// findHex reads word after word and looks at the groups that begin with each.
func findHex(s *Scanner, v *reading) (found Hits) {
	b := v.num
	for i := 0; i < len(b); {
		if !isAlnum(b[i]) {
			i++
			continue
		}
		if b[i] == '0' && i+2 < len(b) && b[i+1] == 'x' && hexValue[b[i+2]] >= 0 {
			i += 2
		}
		g, ok := hexAt(b, i)
		if ok {
			if !s.try(1) {
				return hexClasses
			}
			if g.size <= 12 {
				found |= hexGroups(s, v, g)
			}
			found |= hexWord(v.fold, g)
		}
		i = wordEnd(b, i, g.size)
	}
	return found
}

// wordEnd is the offset behind the word in which b[i+skip] stands.
func wordEnd(b []byte, i, skip int) int {
	for i += skip; i < len(b) && isAlnum(b[i]); {
		i++
	}
	return i
}

// hexAt reads the word that begins at b[i]. It is ok if it consists of at most 64 hex digits; else size says how many
// bytes of it were read.
func hexAt(b []byte, i int) (g hexGroup, ok bool) {
	g.at = i
	for ; i < len(b) && isAlnum(b[i]); i++ {
		if hexValue[b[i]] < 0 || g.size == 64 {
			return g, false
		}
		if b[i] >= 'a' {
			g.letters++
		}
		g.size++
	}
	if i+1 < len(b) && isAlnum(b[i+1]) {
		switch b[i] {
		case ':', '-', '.', ' ', '/', '_', '+':
			g.sep = b[i]
		}
	}
	return g, g.size > 0
}

var macWords = []string{"mac", "bssid", "hwaddr", "hwaddress", "ether", "wlan", "macaddress", "macaddr", "mac_address", "bluetooth"}

// hexWord judges a hex number in one piece.
func hexWord(fold []byte, g hexGroup) (found Hits) {
	switch g.size {
	case 32, 40, 64:
		if !sameBytes(fold[g.at : g.at+g.size]) {
			found = hit(Digest)
		}
	case 12, 16:
		if labelled(fold, g.at, macWords) {
			found = hit(MAC)
		}
	case 14:
		if g.letters > 0 && g.letters < g.size {
			found = hit(IMEI)
		}
	case 15: // with its check digit; cells of H3 have as many digits and begin with 8
		if g.letters > 0 && fold[g.at] >= 'a' && meidCheck(fold[g.at:g.at+g.size]) {
			found = hit(IMEI)
		}
	}
	return found
}

// hexGroups judges the groups that begin with first.
func hexGroups(s *Scanner, v *reading, first hexGroup) (found Hits) {
	var r hexRun
	r.group[0], r.n = first, 1
	total, letters, even := first.size, first.letters, true
	for g := first; g.sep != 0 && g.sep == first.sep && r.n < maxHexGroups && total < 64; {
		next, ok := hexAt(v.num, g.at+g.size+1)
		if !ok || !s.try(1) {
			break
		}
		r.group[r.n] = next
		r.n++
		g = next
		total += g.size
		letters += g.letters
		last := g.sep != first.sep
		switch {
		case r.n == 5 && uuidShape(&r):
			if !uuidOfNobody(v.num, &r) {
				found |= hit(UUID)
			}
		case even && g.size == first.size && (total == 12 || total == 16) && (first.size >= 2 && first.size <= 4 || first.size == 6):
			if last && s.hardware(v, &r, letters) {
				found |= hit(MAC)
			}
		case (total == 14 || total == 15 && g.size == 1) && first.sep != ':' && letters > 0 && (total-letters >= 4 || total-letters >= 2 && evenBut(&r)):
			found |= hit(IMEI)
		}
		even = even && g.size == first.size
		if (total == 32 || total == 40 || total == 64) && g.size <= first.size && first.size >= 2 && letters > 0 && total-letters >= total/4 && evenBut(&r) {
			found |= hit(Digest)
		}
	}
	if s.work < 0 {
		return hexClasses
	}
	return found
}

// evenBut says that all groups have one size; the last may be shorter.
func evenBut(r *hexRun) bool {
	for _, g := range r.group[:r.n-1] {
		if g.size != r.group[0].size {
			return false
		}
	}
	return true
}

// hardware says whether even groups of together 12 or 16 digits are a hardware address: pairs with colons or dashes, and
// with another separator, or in groups of three or four, where letters show that it is no list of numbers.
func (s *Scanner) hardware(v *reading, r *hexRun, letters int) bool {
	first := r.group[0]
	if first.at >= 2 && v.num[first.at-1] == first.sep && isAlnum(v.num[first.at-2]) {
		return false // a longer row, of which this is a part
	}
	nobody := true
	c := v.num[first.at]
	for _, g := range r.group[:r.n] {
		for _, x := range v.num[g.at : g.at+g.size] {
			nobody = nobody && x == c
		}
	}
	if nobody && (c == '0' || c == 'f') {
		return false
	}
	if first.size == 2 && (first.sep == ':' || first.sep == '-') || first.size == 4 && first.sep == '.' && letters > 0 {
		return true
	}
	total := first.size * r.n
	return letters > 0 && letters < total || labelled(v.fold, first.at, macWords)
}

// findUUID finds the shape of a UUID wherever it stands, also where letters or digits touch it.
func findUUID(_ *Scanner, v *reading) Hits {
	const before, behind = 8, 27 // bytes on either side of the first dash, itself with those behind
	b := v.fold
	for i := before; i+behind < len(b); i++ {
		n := bytes.IndexByte(b[i:len(b)-behind], '-')
		if n < 0 {
			return 0
		}
		i += n
		if u := b[i-before : i+behind+1]; uuidText(u) {
			return hit(UUID)
		}
	}
	return 0
}

// uuidText says whether 36 bytes are a UUID of somebody.
func uuidText(u []byte) bool {
	same := true
	for k, c := range u {
		switch k {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if hexValue[c] < 0 {
				return false
			}
			same = same && c == u[0]
		}
	}
	return !(same && (u[0] == '0' || u[0] == 'f'))
}

func uuidShape(r *hexRun) bool {
	for i, n := range [...]int{8, 4, 4, 4, 12} {
		if r.group[i].size != n {
			return false
		}
	}
	return true
}

// uuidOfNobody knows the nil and the max UUID (RFC 9562, 5.9 and 5.10).
func uuidOfNobody(b []byte, r *hexRun) bool {
	c := b[r.group[0].at]
	for _, g := range r.group[:r.n] {
		for _, x := range b[g.at : g.at+g.size] {
			if x != c {
				return false
			}
		}
	}
	return c == '0' || c == 'f'
}

// meidCheck is Luhn's check in base 16 (3GPP2 X.S0008) over 14 digits and the one that checks them.
func meidCheck(b []byte) bool {
	sum := 0
	for i, c := range b {
		x := int(hexValue[c])
		if i&1 == 1 && i < 14 {
			x *= 2
			x = x/16 + x%16
		}
		sum += x
	}
	return sum%16 == 0
}
