package detect

// Values that their label gives away: click identifiers of advertising networks, session identifiers, keys.

import "bytes"

// label is a word and what must stand behind it.
type label struct {
	word  string
	class Class
	least int  // characters of the value
	loose bool // blanks alone may stand between, if the value holds a digit
}

// labels: the click identifiers of contract and their kin, each as its maker writes it into links; and the names under
// which servers keep sessions and keys. A label ends where a sign stands: "session" also finds "x_session=".
var labels = [...]label{
	{"clid", ClickID, 10, true}, // gclid, dclid, fbclid, msclkid's kin: whatever ends so
	{"clkid", ClickID, 10, true},
	{"braid", ClickID, 10, true},
	{"clickid", ClickID, 10, true},
	{"click_id", ClickID, 10, true},
	{"fat_id", ClickID, 10, true},
	{"rdt_cid", ClickID, 10, true},
	{"sccid", ClickID, 10, true},
	{"igshid", ClickID, 10, true},
	{"igsh", ClickID, 10, true},
	{"mc_eid", ClickID, 8, true},
	{"_hsenc", ClickID, 10, true},
	{"mkt_tok", ClickID, 10, true},
	{"fbp", ClickID, 10, false},
	{"fbc", ClickID, 10, false},
	{"_ga", ClickID, 10, false},
	{"epik", ClickID, 10, false},

	{"sessionid", Token, 8, true},
	{"session_id", Token, 8, true},
	{"sessid", Token, 8, true},
	{"session", Token, 8, false},
	{"sid", Token, 8, false},
	{"token", Token, 8, false},
	{"api_key", Token, 8, true},
	{"apikey", Token, 8, true},
	{"api-key", Token, 8, true},
	{"access_key", Token, 8, true},
	{"secret", Token, 8, false},
	{"secret_key", Token, 8, true},
	{"auth", Token, 10, false},
	{"authorization", Token, 10, false},
	{"bearer", Token, 16, true},
	{"basic", Token, 16, false},
	{"cookie", Token, 10, false},
	{"password", Token, 6, false},
	{"passwd", Token, 6, false},
	{"pwd", Token, 6, false},
	{"signature", Token, 16, false},
	{"sig", Token, 16, false},
}

// labelsBy are the places in labels of those that end in a byte.
var labelsBy = func() (t [256][]uint8) {
	for i, l := range labels {
		end := l.word[len(l.word)-1]
		t[end] = append(t[end], uint8(i))
	}
	return t
}()

// labelledValue is what stands behind a label.
type labelledValue struct {
	sign   bool // an equals sign or a colon stands before it
	digits int
	size   int // in bytes, as far as it is looked at
}

// findLabelled looks for a label, a sign, and a value that is long enough.
func findLabelled(_ *Scanner, v *reading) (h Hits) {
	f := v.fold
	for i := 1; i < len(f); i++ {
		// i is just behind a word. Most words have no label's end, or another word without digits behind them.
		list := labelsBy[f[i-1]]
		if len(list) == 0 || !beforeValue[f[i]] {
			continue
		}
		value := valueAfter(f, i)
		if value.digits == 0 && !value.sign {
			continue
		}
		for _, k := range list {
			l := &labels[k]
			if !h.Has(l.class) && value.fits(l) && bytes.HasSuffix(f[:i], []byte(l.word)) && startsLabel(f, i-len(l.word), l) {
				h |= hit(l.class)
			}
		}
	}
	return h
}

// beforeValue marks what may stand between a label and its value.
var beforeValue = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, '+': true, '=': true, ':': true, '"': true, '\'': true, '>': true, ']': true}

// labelledSpan is how much of a value is looked at, in bytes: twice what any label needs.
const labelledSpan = 32

// valueAfter reads signs and a value from i.
func valueAfter(f []byte, i int) (v labelledValue) {
	for n := 0; n < 5 && i < len(f) && beforeValue[f[i]]; n++ {
		v.sign = v.sign || f[i] == '=' || f[i] == ':'
		i++
	}
	if bytes.HasPrefix(f[i:], []byte("bearer ")) || bytes.HasPrefix(f[i:], []byte("basic ")) {
		i += bytes.IndexByte(f[i:], ' ') + 1
	}
	start := i
	for i < len(f) && i-start < labelledSpan && (isMailLetter(f[i]) || f[i] == '-' || f[i] == '_' || f[i] == '.' || f[i] == '+' || f[i] == '/' || f[i] == '~') {
		if isDigit(f[i]) {
			v.digits++
		}
		i++
	}
	v.size = i - start
	return v
}

// fits says whether v is long enough for l, and is a value: behind a sign a click identifier may be all letters.
func (v labelledValue) fits(l *label) bool {
	return v.size >= l.least && (v.sign && (v.digits > 0 || l.class == ClickID) || l.loose && v.digits > 0)
}

// startsLabel says whether a label begins at i: click identifiers have a maker's letters before them, the rest a sign.
func startsLabel(f []byte, i int, l *label) bool {
	if i == 0 || !isMailLetter(f[i-1]) {
		return true
	}
	switch l.word {
	case "clid", "clkid", "braid":
		j := i
		for j > 0 && f[j-1] >= 'a' && f[j-1] <= 'z' {
			j--
		}
		return i-j <= 4 && string(f[j:i]) != "up"
	case "sessid", "sessionid", "token", "key":
		return true // PHPSESSID, JSESSIONID, ASP.NET_SessionId, accessToken
	}
	return false
}

// findUserinfo looks for a URL with a user or a password: an at sign between the slashes and the end of the authority
// (RFC 3986, 3.2).
func findUserinfo(_ *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i+3 < len(f); i++ {
		n := bytes.IndexByte(f[i:], '/')
		if n < 0 {
			return 0
		}
		i += n
		if i+1 >= len(f) || f[i+1] != '/' {
			continue
		}
		start := i + 2
		at := -1
		for i = start; i < len(f) && !endsAuthority[f[i]]; i++ {
			if f[i] == '@' {
				at = i
			}
		}
		if at > start && at+1 < len(f) && (isMailLetter(f[at+1]) || f[at+1] == '[') {
			return hit(URLUserinfo)
		}
		i--
	}
	return 0
}

// endsAuthority marks what ends the authority of a URL, or the URL.
var endsAuthority = [256]bool{'/': true, '?': true, '#': true, ' ': true, '\t': true, '\n': true, '\r': true, '"': true, '<': true, '>': true, '\\': true}
