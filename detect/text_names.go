package detect

// Names of people: a given name beside a family name. A list knows the frequent names of one country and cannot tell a
// name from a word; so a value that is nothing but a name does not leave, and of the names in a text it finds the frequent.

import "bytes"

// How many of the most frequent names still count as names beside each other when both are also ordinary words ("Grace
// Young"). Less frequent ones are taken for what they say ("May Day").
const (
	frequentGiven  = 500
	frequentFamily = 500
)

// maxNameWords is the most words that a value may have to be nothing but a name.
const maxNameWords = 7

// findNames looks at a value that is nothing but a name; in a free text, for any pair of names.
func findNames(_ *Scanner, v *reading) Hits {
	if v.free && pairInside(v.fold) || wholeName(v.fold) {
		return hit(NameLine)
	}
	return 0
}

// name is one word of a name without its apostrophes.
type name struct {
	b [24]byte
	n int
}

// set takes a word; one that is too long for a name becomes empty.
func (n *name) set(word []byte) {
	n.n = 0
	for _, c := range word {
		if c == '\'' {
			continue
		}
		if n.n == len(n.b) {
			n.n = 0
			return
		}
		n.b[n.n] = c
		n.n++
	}
}

func (n *name) word() []byte { return n.b[:n.n] }

// namePair says whether a given name and a family name are a name together.
func namePair(given, family []byte) bool {
	w := words()
	g := w.given.rank(given)
	if g < 0 {
		return false
	}
	f := w.family.rank(family)
	if f < 0 || string(given) == "santa" || string(given) == "san" || w.functionWords.has(given) || w.functionWords.has(family) || w.states.has(family) {
		return false
	}
	return g < frequentGiven && f < frequentFamily || !w.ordinary.has(given) || !w.ordinary.has(family)
}

// wholeName reads a value of few words: titles, a given name, further names or initials, a family name.
func wholeName(f []byte) bool {
	var names [maxNameWords]name
	n, comma, commas := 0, 0, 0
	for at := 0; ; {
		start, end := nextWord(f, at)
		for _, c := range f[at:start] {
			switch c {
			case ',', ';':
				comma, commas = n, commas+1
			case ' ', '\t', '\r', '\n', '.', '-', '_', '/', '+', '|', '"', '(', ')', '[', ']', '&', ':', '=':
			default:
				return false
			}
		}
		if start == len(f) {
			break
		}
		word := bytes.Trim(f[start:end], "'")
		at = end
		if isTitle(word) {
			continue
		}
		if n == maxNameWords {
			return false
		}
		names[n].set(word)
		if names[n].n == 0 {
			return false
		}
		n++
	}
	switch {
	case n < 2:
		return false
	case comma > 0 && comma < n && commas == 1:
		// "Smith, John A": the family name stands first.
		if middle(names[comma+1:n]) && middle(names[:comma-1]) && namePair(names[comma].word(), names[comma-1].word()) {
			return true
		}
		return namePair(names[0].word(), names[n-1].word()) && middle(names[1:n-1])
	case namePair(names[0].word(), names[n-1].word()) && middle(names[1:n-1]):
		return true
	case n > 2 && joined(names[0].word(), names[n-2].word(), names[n-1].word()) && middle(names[1:n-2]):
		return true
	}
	return n == 2 && reversed(names[0].word(), names[1].word())
}

// reversed says whether a family name stands before a given name ("Smith John"): one that is no given name itself, and at
// most one of the two is a word of the language, in a frequent name.
func reversed(family, given []byte) bool {
	w := words()
	g, f := w.given.rank(given), w.family.rank(family)
	if g < 0 || f < 0 || w.given.has(family) {
		return false
	}
	words := 0
	for _, b := range [...][]byte{family, given} {
		if w.ordinary.has(b) {
			words++
		}
	}
	return words == 0 || words == 1 && g < frequentGiven && f < frequentFamily
}

// joined says whether a family name of two words, which the list has as one, stands beside given ("de la Cruz", "Mc Donald").
func joined(given, first, second []byte) bool {
	var both name
	if len(first)+len(second) > len(both.b) {
		return false
	}
	both.n = copy(both.b[:], first)
	both.n += copy(both.b[both.n:], second)
	return namePair(given, both.word())
}

// middle says whether each of the words may stand inside a name: an initial, a particle, one more name that is no word.
func middle(names []name) bool {
	w := words()
	more := 0
	for i := range names {
		b := names[i].word()
		if len(b) < 2 || isParticle(b) {
			continue
		}
		if w.ordinary.has(b) || !w.given.has(b) && !w.family.has(b) {
			return false
		}
		more++
	}
	return more <= 1
}

// pairInside looks for a pair anywhere: beside each other, with an initial between them, or "family, given".
func pairInside(f []byte) bool {
	var last, before name
	var lastIsInitial, comma bool
	for at := 0; ; {
		start, end := nextWord(f, at)
		if start == len(f) {
			return false
		}
		near := start-at <= 3
		comma = false
		for _, c := range f[at:min(start, at+3)] {
			comma = comma || c == ','
			near = near && c != '\n' && c != ':' && c != '?' && c != '!'
		}
		at = end
		var word name
		word.set(bytes.Trim(f[start:end], "'"))
		if !near {
			last, before = name{}, name{}
		}
		if word.n > 1 && last.n > 0 {
			given := &last
			if lastIsInitial {
				given = &before
			}
			if given.n > 1 && namePair(given.word(), word.word()) {
				return true
			}
			if comma && namePair(word.word(), last.word()) {
				return true
			}
		}
		before, last = last, word
		lastIsInitial = word.n == 1
	}
}

func isTitle(b []byte) bool {
	switch string(b) {
	case "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "jr", "sr", "ii", "iii", "phd", "md", "esq",
		"herr", "frau", "señor", "senor", "sra", "monsieur", "mme", "name":
		return true
	}
	return false
}

func isParticle(b []byte) bool {
	switch string(b) {
	case "de", "la", "del", "della", "di", "da", "dos", "das", "do", "du", "des", "le", "van", "von", "der", "den", "ter",
		"ten", "el", "al", "bin", "ibn", "ben", "st", "san", "santa", "mc", "mac", "y", "e", "und", "zu":
		return true
	}
	return false
}
