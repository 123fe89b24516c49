package detect

// Finds all terms of the lists in a text at once: an Aho-Corasick automaton in a double array, so that a text is read
// once whatever it holds (Aho and Corasick, Efficient string matching, 1975).

import (
	"cmp"
	"slices"
)

// meaning of a term that was found.
type meaning uint8

const (
	denies  meaning = iota // withhold
	inside                 // withhold, if it was found in a host name or an app id
	means                  // it is about a node that may leave, and excuses
	excuses                // what is found within it denies nothing: "great depression"
	adds                   // as means, but of an operator, whose lists excuse nothing
)

type term struct {
	node Node
	what meaning
	size uint16 // bytes of the folded text, with the spaces at its ends
	lead uint8  // 1 if it begins with a space
	tail uint8  // 1 if it ends with one
}

// state is one row of the double array: the child of s by c is base+c, if that one's check is s.
type state struct {
	base, check, fail int32
	term, next        int32 // the longest term that ends here, 0 for none; the next state back with a term
}

type automaton struct {
	states []state
	terms  []term // terms[0] is none
}

const root = 1

func (a *automaton) step(s int32, c byte) int32 {
	for {
		t := a.states[s].base + int32(c)
		if a.states[t].check == s {
			return t
		}
		if s == root {
			return root
		}
		s = a.states[s].fail
	}
}

// pattern is a term in its folded form.
type pattern struct {
	text string
	term
}

// newAutomaton compiles patterns. Of two with the same text the first meaning in the order of the constants wins: a
// denial.
func newAutomaton(patterns []pattern) *automaton {
	slices.SortStableFunc(patterns, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.what, b.what))
	})
	patterns = slices.CompactFunc(patterns, func(a, b pattern) bool { return a.text == b.text })
	a := &automaton{states: make([]state, 4096), terms: []term{{}}}
	for i := range patterns {
		p := &patterns[i]
		p.size = uint16(len(p.text))
		if p.text[0] == ' ' {
			p.lead = 1
		}
		if p.text[len(p.text)-1] == ' ' {
			p.tail = 1
		}
		a.terms = append(a.terms, patterns[i].term)
	}
	// Level by level, so that the state a failure leads to, which is nearer to the root, is there before it is needed.
	type span struct {
		lo, hi int // patterns that begin as the state does
		state  int32
	}
	level, room := []span{{0, len(patterns), root}}, gaps{free: 258}
	a.states[root].check = -1
	for depth := 0; len(level) > 0; depth++ {
		var below []span
		for _, sp := range level {
			lo := sp.lo
			if lo < sp.hi && len(patterns[lo].text) == depth {
				a.states[sp.state].term = int32(lo + 1)
				lo++
			}
			var codes []byte
			var children []span
			for lo < sp.hi {
				c, from := patterns[lo].text[depth], lo
				for lo < sp.hi && patterns[lo].text[depth] == c {
					lo++
				}
				codes, children = append(codes, c), append(children, span{from, lo, 0})
			}
			base := a.place(codes, &room)
			a.states[sp.state].base = base
			for i, c := range codes {
				children[i].state = base + int32(c)
				a.states[base+int32(c)].check = sp.state
			}
			below = append(below, children...)
		}
		for _, sp := range below {
			a.link(sp.state)
		}
		level = below
	}
	last := len(a.states)
	for a.states[last-1].check == 0 {
		last--
	}
	a.states = slices.Clone(a.states[:last+256]) // a state's base is never more than the last, and a step adds a byte
	return a
}

// gaps says where to look for room in the double array: before free all is taken; before wide there is little room for
// more than one child. free begins where every byte reaches it from a base of 2 or more.
type gaps struct{ free, wide int32 }

// place finds where a state's children fit.
func (a *automaton) place(codes []byte, g *gaps) int32 {
	for int(g.free) < len(a.states) && a.states[g.free].check != 0 {
		g.free++
	}
	at := g.free
	if len(codes) > 1 {
		at = max(g.free, g.wide)
	}
	base := at
	if len(codes) > 0 {
		base = max(2, at-int32(codes[0]))
	}
	for tries := 0; ; base++ {
		for int(base)+512 > len(a.states) {
			a.states = append(a.states, make([]state, len(a.states))...)
		}
		fits := true
		for _, c := range codes {
			if a.states[base+int32(c)].check != 0 {
				fits = false
				break
			}
		}
		if fits {
			return base
		}
		if tries++; tries == 64 && len(codes) > 1 {
			g.wide = base + int32(codes[0])
			tries = 0
		}
	}
}

// link finds where to go on when nothing follows: the longest proper suffix that is the beginning of a pattern.
func (a *automaton) link(s int32) {
	parent := a.states[s].check
	c := byte(s - a.states[parent].base)
	fail := int32(root)
	if parent != root {
		fail = a.step(a.states[parent].fail, c)
	}
	a.states[s].fail = fail
	if a.states[fail].term != 0 {
		a.states[s].next = fail
	} else {
		a.states[s].next = a.states[fail].next
	}
}
