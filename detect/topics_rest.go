package detect

// What a URL says behind its host: the page that somebody read, and what was typed into a search.

// rest reads path, query and fragment for what is denied. Digits are not read as letters, and single letters are not put
// together: a URL is full of numbers and codes that mean nothing, and nobody hides words in what a program writes.
func (t *Topics) rest(rest []byte) (Node, bool) {
	if len(rest) > maxTopicText {
		return classUnreadable, true
	}
	if len(rest) <= 1 {
		return 0, false
	}
	f := folder{b: rest, space: true}
	var buf [512]byte
	r := t.words.walk(false)
	for n := f.fill(buf[:]); n > 0; n = f.fill(buf[:]) {
		r.read(buf[:n], &asWritten)
	}
	r.byte(' ')
	if no := r.answer(); no != 0 {
		return no, true
	}
	if node, sensitive := t.named(rest); sensitive {
		return node, true
	}
	return 0, false
}
