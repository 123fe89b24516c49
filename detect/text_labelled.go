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

// labelEnd marks the bytes that end a label: a look at one byte spares most of the work.
var labelEnd = func() (t [256]bool) {
	for _, l := range labels {
		t[l.word[len(l.word)-1]] = true
	}
	return t
}()

// findLabelled looks for a label, a sign, and a value that is long enough.
func findLabelled(_ *Scanner, v *reading) (h Hits) {
	f := v.fold
	for i := 1; i < len(f); i++ {
		// i is just behind a word.
		if !labelEnd[f[i-1]] || isMailLetter(f[i]) || f[i] == '_' {
			continue
		}
		for k := range labels {
			l := &labels[k]
			if !h.Has(l.class) && bytes.HasSuffix(f[:i], []byte(l.word)) && startsLabel(f, i-len(l.word), l) && labelledValue(f, i, l) {
				h |= hit(l.class)
			}
		}
	}
	return h
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

// labelledValue reads signs and a value from i.
func labelledValue(f []byte, i int, l *label) bool {
	sign := false
	for n := 0; n < 5 && i < len(f) && (isBlank(f[i]) || f[i] == '=' || f[i] == ':' || f[i] == '"' || f[i] == '\'' || f[i] == '>' || f[i] == ']'); n++ {
		sign = sign || f[i] == '=' || f[i] == ':'
		i++
	}
	if bytes.HasPrefix(f[i:], []byte("bearer ")) || bytes.HasPrefix(f[i:], []byte("basic ")) {
		i += bytes.IndexByte(f[i:], ' ') + 1
	}
	start, digits := i, 0
	for i < len(f) && i-start < entropySpan && (isMailLetter(f[i]) || f[i] == '-' || f[i] == '_' || f[i] == '.' || f[i] == '+' || f[i] == '/' || f[i] == '~') {
		if isDigit(f[i]) {
			digits++
		}
		i++
	}
	return i-start >= l.least && (sign && (digits > 0 || l.class == ClickID) || l.loose && digits > 0)
}

// findUserinfo looks for a URL with a user or a password: an at sign between the slashes and the next end of an authority
// (RFC 3986, 3.2).
func findUserinfo(_ *Scanner, v *reading) Hits {
	f := v.fold
	for i := 0; i < len(f); i++ {
		n := bytes.IndexByte(f[i:], '@')
		if n < 0 {
			return 0
		}
		i += n
		j := i
		for j > 0 && f[j-1] != '/' && f[j-1] != '?' && f[j-1] != '#' && !isBlank(f[j-1]) && f[j-1] != '@' {
			j--
		}
		// An at sign inside a password is written as it is by many: go on to the left over it.
		for j > 0 && f[j-1] == '@' && i-j < maxDomain {
			for j--; j > 0 && f[j-1] != '/' && f[j-1] != '?' && f[j-1] != '#' && !isBlank(f[j-1]) && f[j-1] != '@'; j-- {
			}
		}
		if i > j && i+1 < len(f) && (isMailLetter(f[i+1]) || f[i+1] == '[') && j >= 2 && f[j-1] == '/' && f[j-2] == '/' && (j == 2 || f[j-3] != '/') {
			return hit(URLUserinfo)
		}
	}
	return 0
}
