package detect

// Reads a text for its topic: as it is written, with its single letters put together (p-r-e-g), and with digits read as
// letters (pr3g).

// maxTopicText is the longest text that is read. Nobody types more; what is longer is no query, and unreadable.
const maxTopicText = 16 << 10

// interval is where a term stands, without the spaces at its ends.
type interval struct {
	from, to int32
	node     Node
}

// walk is one way of reading a text: a walk through the automaton, and what it met.
type walk struct {
	a       *automaton
	state   int32
	at      int32 // bytes read
	inName  bool  // host name or app id: words inside words count, and nothing is said about what may leave
	last    byte
	held    [8]interval // denials that an excuse may still cover
	n       int
	excused [4]interval // the latest excuses
	denied  Node        // denied whatever follows
	best    Node        // the longest term that may leave
	bestLen uint16
}

func (r *walk) byte(c byte) { r.read([]byte{c}, &asWritten) }

// read goes on with b, each byte of which means what the table says.
func (r *walk) read(b []byte, table *[256]byte) {
	states, s, last := r.a.states, r.state, r.last
	for _, c := range b {
		c = table[c]
		if c == ' ' && last == ' ' {
			continue
		}
		last = c
		r.at++
		for {
			t := states[s].base + int32(c)
			if states[t].check == s {
				s = t
				break
			}
			if s == root {
				break
			}
			s = states[s].fail
		}
		if states[s].term|states[s].next != 0 {
			r.state = s
			r.met()
		}
	}
	r.state, r.last = s, last
}

// met looks at all terms that end here, the longest first.
func (r *walk) met() {
	s := r.state
	if r.a.states[s].term == 0 {
		s = r.a.states[s].next
	}
	for ; s != 0; s = r.a.states[s].next {
		t := &r.a.terms[r.a.states[s].term]
		span := interval{r.at - int32(t.size) + int32(t.lead), r.at - int32(t.tail), t.node}
		switch t.what {
		case adds, means, excuses:
			if t.node != 0 && t.size > r.bestLen {
				r.best, r.bestLen = t.node, t.size
			}
			if t.what == adds {
				break
			}
			copy(r.excused[1:], r.excused[:])
			r.excused[0] = span
			kept := 0
			for _, h := range r.held[:r.n] {
				if !covers(span, h) {
					r.held[kept] = h
					kept++
				}
			}
			r.n = kept
		case inside:
			if r.inName {
				r.hold(span)
			}
		default:
			r.hold(span)
		}
	}
}

func covers(a, b interval) bool { return a.from <= b.from && a.to >= b.to }

func (r *walk) hold(span interval) {
	for _, e := range r.excused {
		if covers(e, span) {
			return
		}
	}
	if r.n < len(r.held) {
		r.held[r.n] = span
		r.n++
		return
	}
	// So many denials that some hold whatever excuses the others.
	if r.denied == 0 {
		r.denied = r.held[0].node
	}
}

// answer is the class of a denial; 0 for none.
func (r *walk) answer() Node {
	if r.denied == 0 && r.n > 0 {
		return r.held[0].node
	}
	return r.denied
}

func (a *automaton) walk(inName bool) walk {
	r := walk{a: a, state: root, inName: inName}
	r.byte(' ')
	return r
}

// asWritten, asLetters and asName say what the bytes of a folded text stand for: themselves, letters where they are
// digits and signs that look like one, or what they are in a name.
var asWritten, asLetters, asName = func() (written, letters, name [256]byte) {
	for c := range 256 {
		written[c] = byte(max(c, ' '))
		letters[c] = written[c]
		if name[c] = plain[c]; plain[c] <= 1 {
			name[c] = ' '
		}
	}
	for c, l := range map[byte]byte{'0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', leetAt: 'a', leetDollar: 's', leetBang: 'i'} {
		letters[c] = l
	}
	return written, letters, name
}()

// leet tells whether a byte of a folded text may stand for a letter that it is not.
func leet(c byte) bool { return asLetters[c] != asWritten[c] }

// text reads a text that somebody typed.
func (t *Topics) text(text []byte) (Node, bool) {
	if len(text) > maxTopicText {
		return classUnreadable, true
	}
	f := folder{b: text, space: true}
	var buf [512]byte
	n := f.fill(buf[:])
	whole := f.i == len(text)
	plainly, joined, spelled := t.words.walk(false), t.words.walk(false), t.words.walk(false)
	mixed, single := true, true
	if whole {
		mixed, single = hides(buf[:n])
	}
	alone := byte(0) // a letter that may prove to be a word of its own
	words := 0       // letters of the word so far
	for ; n > 0; n = f.fill(buf[:]) {
		plainly.read(buf[:n], &asWritten)
		if mixed {
			spelled.read(buf[:n], &asLetters)
		}
		if !single {
			continue
		}
		for _, c := range buf[:n] {
			switch {
			case c <= ' ' && words == 1:
				joined.byte(alone)
				words = 0
			case c <= ' ':
				words = 0
			default:
				if words++; words == 1 {
					alone = c
				} else {
					joined.byte(' ')
				}
			}
		}
	}
	plainly.byte(' ')
	if mixed {
		spelled.byte(' ')
	}
	if single {
		if words == 1 {
			joined.byte(alone)
		}
		joined.byte(' ')
	}
	for _, r := range [...]*walk{&plainly, &joined, &spelled} {
		if no := r.answer(); no != 0 {
			return no, true
		}
	}
	node, sensitive := t.named(text)
	switch {
	case sensitive:
		return node, true
	case node == 0:
		node = plainly.best
	}
	return t.judge(node)
}

// hides tells whether a folded text has words of letters and digits, and three or more letters that stand alone.
func hides(b []byte) (mixed, single bool) {
	letters, signs, alone := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		switch {
		case i == len(b) || b[i] == ' ':
			mixed = mixed || letters > 0 && signs > 0
			if letters == 1 && signs == 0 {
				alone++
			}
			letters, signs = 0, 0
		case leet(b[i]):
			signs++
		default:
			letters++
		}
	}
	return mixed, alone >= 3
}
