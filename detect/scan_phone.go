package detect

// Telephone numbers: of every country with its code, of the home region as they are dialled there.

var phoneWords = []string{
	"tel", "phone", "telephone", "mobile", "mob", "cell", "msisdn", "whatsapp", "sms", "fax", "call", "telefon", "handy",
	"telefono", "movil", "celular", "portable", "telefone", "telemovel", "cellulare", "gsm", "contact",
}

// phoneAt says whether a telephone number begins with group g.
func (s *Scanner) phoneAt(v *reading, q *sequence, g int) bool {
	start := &q.group[g]
	from := int(start.first)
	d := q.digit[:int(q.group[q.n-1].first)+int(q.group[q.n-1].size)]
	rest := d[from:]
	if len(rest) < 5 {
		return false
	}
	if start.plus && s.abroad(q, g, d, from) {
		return true
	}
	if rest[0] == 0 && rest[1] == 0 && s.abroad(q, g, d, from+2) {
		return true
	}
	if exit := s.home.exit; exit != "" && startsWith(rest, exit) && s.abroad(q, g, d, from+len(exit)) {
		return true
	}
	if decimalFraction(q, g) || dateAt(q, g) {
		return false
	}
	if s.dialled(q, g, d, from, s.home.plan, minNational) {
		return true
	}
	// With a country code, but without a plus: of the home region, or beside a word for telephones.
	code, n := s.plans.country(rest)
	return code != nil && s.dialled(q, g, d, from+n, code, minNational) && (code == s.home.plan || labelled(v.fold, start.at, phoneWords))
}

// minNational is how many digits a number without a country code must have.
const minNational = 7

// abroad reads a country code at digit i and a number of its plan behind it.
func (s *Scanner) abroad(q *sequence, g int, d []byte, i int) bool {
	if i >= len(d) {
		return false
	}
	p, n := s.plans.country(d[i:])
	return p != nil && s.dialled(q, g, d, i+n, p, 0)
}

// dialled reads a national number at digit i, with or without the digits that are dialled before it inside the country.
// It must end with a group.
func (s *Scanner) dialled(q *sequence, g int, d []byte, i int, p *plan, shortest int) bool {
	if accepts(q, g, d, i, p, shortest) {
		return true
	}
	for _, trunk := range p.trunks {
		if i < len(d) && startsWith(d[i:], trunk) && accepts(q, g, d, i+len(trunk), p, shortest) {
			return true
		}
	}
	return false
}

// accepts runs the automaton of p from digit i and says whether it accepts where a group ends.
func accepts(q *sequence, g int, d []byte, i int, p *plan, shortest int) bool {
	states := p.automaton()
	state := uint16(1)
	ends := int(q.group[g].first) + int(q.group[g].size)
	for k := i; k < len(d); k++ {
		if state = states[state].next[d[k]]; state == 0 {
			return false
		}
		for g+1 < q.n && ends < k+1 {
			g++
			ends = int(q.group[g].first) + int(q.group[g].size)
		}
		if ends == k+1 && states[state].full && k+1-i >= shortest && (g < q.n-1 || q.right != glueHex) {
			return true
		}
	}
	return false
}

func startsWith(d []byte, prefix string) bool {
	if len(d) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if d[i] != prefix[i]-'0' {
			return false
		}
	}
	return true
}

// decimalFraction says that group g is a side of a decimal number: two groups, one dot, many digits behind it.
func decimalFraction(q *sequence, g int) bool {
	k := g
	if k > 0 && q.group[k-1].sep == '.' && q.group[k-1].end+1 == q.group[k].at {
		k--
	}
	return k+1 < q.n && q.group[k].sep == '.' && q.group[k].size <= 3 && q.group[k+1].size >= 5 &&
		(k+2 >= q.n || q.group[k+1].sep != '.') && (k == 0 || q.group[k-1].sep != '.')
}

// dateAt says that a date as 2026-11-22 begins with group g.
func dateAt(q *sequence, g int) bool {
	if g+2 >= q.n {
		return false
	}
	y, m, d := &q.group[g], &q.group[g+1], &q.group[g+2]
	if y.size != 4 || m.size != 2 || d.size != 2 || y.sep != m.sep {
		return false
	}
	year, month, day := number(q.digit[y.first:][:4]), number(q.digit[m.first:][:2]), number(q.digit[d.first:][:2])
	return 1800 <= year && year < 2200 && 1 <= month && month <= 12 && 1 <= day && day <= 31
}
