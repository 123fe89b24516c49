// The grammar of the line that is kept for a subject. Everything here runs for each event and allocates nothing.
//
//	line  = all / [ all " " ] entry *( " " entry )
//	all   = "*" cut
//	entry = partner "/" purpose ( grant [ cut ] / cut )
//	grant = [ "!" ] ":" category *( "," category ) "@" since "-" [ until ]
//	cut   = "X" at

package consent

import "bytes"

const (
	// MaxEntries bounds the pairs of one line.
	MaxEntries = 64
	// maxCategories bounds the categories of one grant: more than there are, few enough to compare pairwise.
	maxCategories = 16
	maxName       = 32
	// maxTimeDigits holds every millisecond up to the year 30,000 and cannot overflow an int64.
	maxTimeDigits = 15
	maxTimeMS     = 999_999_999_999_999
)

// entry is one parsed pair of a line. Its slices point into the line.
type entry struct {
	pair       []byte // partner/purpose
	slash      int    // index of the / in pair
	granted    bool
	linked     bool
	categories []byte // comma separated
	since      int64
	until      int64 // valid if ends
	ends       bool
	marked     bool
	mark       int64
}

// scanner walks over a line. bad is set at the first byte that the grammar does not allow.
type scanner struct {
	rest    []byte
	prev    []byte
	entries int
	bad     bool
	begun   bool
	// The mark of all, if the line begins with one.
	marked bool
	mark   int64
}

// begin reads the mark of all, which stands first or not at all.
func (s *scanner) begin(line []byte) {
	*s = scanner{rest: line}
	if len(line) == 0 {
		s.bad = true
		return
	}
	if line[0] != '*' {
		return
	}
	s.rest = s.rest[1:]
	s.mark, s.marked = s.cut()
	if !s.marked {
		s.bad = true
		return
	}
	s.begun = true
}

// next reads one entry; false at the end of the line, or where it is bad.
func (s *scanner) next(e *entry) bool {
	if s.bad || len(s.rest) == 0 {
		return false
	}
	if s.begun {
		if s.rest[0] != ' ' {
			s.bad = true
			return false
		}
		s.rest = s.rest[1:]
	}
	s.begun = true
	if !s.entry(e) {
		s.bad = true
		return false
	}
	s.entries++
	if s.entries > MaxEntries || s.prev != nil && bytes.Compare(s.prev, e.pair) >= 0 {
		s.bad = true
		return false
	}
	s.prev = e.pair
	return true
}

func (s *scanner) entry(e *entry) bool {
	*e = entry{}
	n := nameLen(s.rest)
	if n == 0 || n >= len(s.rest) || s.rest[n] != '/' {
		return false
	}
	m := nameLen(s.rest[n+1:])
	if m == 0 {
		return false
	}
	e.slash = n
	e.pair = s.rest[:n+1+m]
	s.rest = s.rest[n+1+m:]
	if len(s.rest) == 0 {
		return false
	}
	if s.rest[0] == '!' || s.rest[0] == ':' {
		if !s.grant(e) {
			return false
		}
		e.granted = true
	}
	if len(s.rest) > 0 && s.rest[0] == 'X' {
		e.mark, e.marked = s.cut()
		if !e.marked {
			return false
		}
	}
	return e.granted || e.marked
}

func (s *scanner) grant(e *entry) bool {
	if s.rest[0] == '!' {
		e.linked = true
		s.rest = s.rest[1:]
	}
	if !s.skip(':') {
		return false
	}
	list := s.rest
	length := 0
	for n := 1; ; n++ {
		k := nameLen(list[length:])
		if k == 0 || n > maxCategories || listHas(list[:length], list[length:length+k]) {
			return false
		}
		length += k
		if length == len(list) || list[length] != ',' {
			break
		}
		length++
	}
	e.categories = list[:length]
	s.rest = list[length:]
	if !s.skip('@') {
		return false
	}
	var ok bool
	if e.since, ok = s.time(); !ok || !s.skip('-') {
		return false
	}
	if len(s.rest) > 0 && s.rest[0] >= '0' && s.rest[0] <= '9' {
		e.until, e.ends = s.time()
		return e.ends
	}
	return true
}

func (s *scanner) cut() (int64, bool) {
	if !s.skip('X') {
		return 0, false
	}
	return s.time()
}

func (s *scanner) skip(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// time reads Unix milliseconds: decimal, no sign, no leading zero, so that every time is written in one way.
func (s *scanner) time() (int64, bool) {
	var v int64
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		if n == maxTimeDigits {
			return 0, false
		}
		v = v*10 + int64(s.rest[n]-'0')
		n++
	}
	if n == 0 || n > 1 && s.rest[0] == '0' {
		return 0, false
	}
	s.rest = s.rest[n:]
	return v, true
}

// nameLen is the length of the name (as in the configuration) that b begins with; 0 if there is none or it is too
// long.
func nameLen(b []byte) int {
	n := 0
	for n < len(b) {
		c := b[n]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || n > 0 && (c == '_' || c == '-') {
			n++
			continue
		}
		break
	}
	if n > maxName {
		return 0
	}
	return n
}

// ValidName tells whether s is a name: [a-z0-9][a-z0-9_-]{0,31}.
func ValidName(s string) bool { return len(s) <= maxName && s != "" && nameLen([]byte(s)) == len(s) }

// listHas tells whether a comma separated list has the name. A trailing comma is allowed.
func listHas(list, name []byte) bool {
	for len(list) > 0 {
		i := bytes.IndexByte(list, ',')
		if i < 0 {
			return bytes.Equal(list, name)
		}
		if bytes.Equal(list[:i], name) {
			return true
		}
		list = list[i+1:]
	}
	return false
}

// Valid tells whether a line keeps to the grammar.
func Valid(line []byte) bool {
	var s scanner
	var e entry
	s.begin(line)
	for s.next(&e) {
	}
	return !s.bad
}
