package detect

// Topics of host names and app ids: looked up whole, then by every parent or beginning, then by the words inside.

import "bytes"

// maxHostName is the longest that DNS knows; app ids are no longer either.
const maxHostName = 253

// judge says whether a node that a list gave may be spoken of.
func (t *Topics) judge(n Node) (Node, bool) {
	if n.Sensitive() {
		return n, true
	}
	for _, also := range t.also {
		if n.Within(also) {
			return n, true
		}
	}
	return n.value(), false
}

func (t *Topics) domain(host []byte) (Node, bool) {
	if len(host) > maxHostName {
		return classUnreadable, true
	}
	var found Node
	end := len(host) // of what no list vouches for
	for at := 0; at < len(host); {
		if e, listed := t.domains[string(host[at:])]; listed {
			n, sensitive := t.judge(e.node)
			if sensitive {
				return n, true
			}
			own := at == 0 || at == 4 && string(host[:4]) == "www."
			if found == 0 && (!e.exact || own) {
				found, end = n, at
			}
		}
		dot := bytes.IndexByte(host[at:], '.')
		if dot < 0 {
			break
		}
		at += dot + 1
	}
	if no := t.inside(host[:end]); no != 0 {
		return no, true
	}
	if international(host) {
		var buf [maxDecodedHost]byte
		decoded, ok := decodedHost(buf[:0], host)
		if !ok {
			return classUnreadable, true
		}
		if no := t.inside(decoded); no != 0 {
			return no, true
		}
	}
	return found, false
}

func (t *Topics) app(pkg []byte) (Node, bool) {
	if len(pkg) > maxHostName {
		return classUnreadable, true
	}
	var buf [3*maxHostName + 16]byte
	id := normalized(buf[:0], pkg)
	var found Node
	known := 0 // where what no list vouches for begins
	for from := 0; from < len(id); {
		if !inAppID(id[from]) {
			from++
			continue
		}
		end := from
		for end < len(id) && inAppID(id[end]) {
			end++
		}
		n, at, sensitive := t.appID(id[from:end])
		if sensitive {
			return n, true
		}
		if found == 0 && n != 0 {
			found, known = n, from+at
		}
		from = end
	}
	if no := t.inside(id[known:]); no != 0 {
		return no, true
	}
	return found, false
}

// inAppID tells whether c may stand in a package id. What may not, ends it: processes, components, schemes.
func inAppID(c byte) bool { return isAlnum(c) || c == '.' || c == '_' || c == '-' }

// appID looks one id up, whole and by its beginnings; end is where the entry that was found ends.
func (t *Topics) appID(id []byte) (found Node, end int, sensitive bool) {
	for at := len(id); at > 0; at = bytes.LastIndexByte(id[:at], '.') {
		e, listed := t.apps[string(id[:at])]
		if !listed {
			continue
		}
		n, sensitive := t.judge(e.node)
		if sensitive {
			return n, at, true // a denial holds for what is below it
		}
		if found == 0 && (!e.exact || at == len(id)) {
			found, end = n, at
		}
	}
	return found, end, false
}

// inside looks for words of the house list within a name; 0 for none.
func (t *Topics) inside(name []byte) Node {
	if len(name) == 0 {
		return 0
	}
	r := t.words.walk(true)
	if isASCII(name) {
		r.read(name, &asName)
		r.byte(' ')
		return r.answer()
	}
	f := folder{b: name, space: true}
	var buf [512]byte
	for n := f.fill(buf[:]); n > 0; n = f.fill(buf[:]) {
		r.read(buf[:n], &asWritten)
	}
	r.byte(' ')
	return r.answer()
}

// named looks for host names in a text: people type them into a search, and URLs carry others in their query.
func (t *Topics) named(text []byte) (found Node, sensitive bool) {
	if bytes.IndexByte(text, '.') < 0 && bytes.IndexByte(text, '%') < 0 {
		return 0, false
	}
	var low [maxHostName]byte
	f := folder{b: text}
	n, dots := 0, 0
	for i := 0; i <= len(text); {
		c, size := byte(' '), 1
		if i < len(text) {
			c, size = f.byteAt(i)
		}
		i += size
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && n > 0 && low[min(n, len(low))-1] != '.':
			dots++
		default:
			if dots > 0 && n <= len(low) {
				name := bytes.TrimSuffix(low[:n], []byte{'.'})
				node, no := t.domain(name)
				if no {
					return node, true
				}
				if found == 0 {
					found = node
				}
			}
			n, dots = 0, 0
			continue
		}
		if n < len(low) {
			low[n] = c
		}
		n++
	}
	return found, false
}
