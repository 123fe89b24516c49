// check.go holds a tree against the table and reports every way in which it differs. What passes can be read without
// further questions; what does not is left out.
package config

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	topicForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
	spanForm   = regexp.MustCompile(`^([0-9]{1,12})(ms|s|m|h|d)$`)
	regionForm = regexp.MustCompile(`^[A-Z]{2}$`)
	fieldForm  = regexp.MustCompile(`^[^.\s\x00-\x1f]+(\.[^.\s\x00-\x1f]+)*$`)
)

// check returns v, or nil after reporting why it is not what s asks for. Missing and unknown keys of a mapping do not
// take the rest of it away.
func (l *loader) check(v *value, s *spec) *value {
	if v == nil || v.bad {
		return nil
	}
	switch s.form {
	case refused:
		return l.bad(v, s.doc)
	case notYet:
		return v
	case object:
		return l.checkObject(v, s)
	case paths:
		return l.checkPaths(v)
	case fields:
		return l.checkFields(v)
	case list:
		return l.checkList(v, s)
	case integer:
		if v.kind == isString && v.refs && v.asInt() {
			v.kind = isInt
		}
		if v.kind != isInt {
			return l.wrongType(v, "a whole number")
		}
		if v.num < s.min || v.num > s.max {
			return l.bad(v, "must be "+strconv.FormatInt(s.min, 10)+" to "+strconv.FormatInt(s.max, 10))
		}
		return v
	case boolean:
		if v.kind == isString && v.refs {
			v.retype()
		}
		if v.kind != isBool {
			return l.wrongType(v, "true or false")
		}
		return v
	case secret:
		if v.kind == isNull {
			return l.wrongType(v, "a reference")
		}
		if !v.onlyRef {
			return l.bad(v, "a password is never written here: give it as ${env:NAME} or ${file:path}")
		}
		if v.text == "" {
			return l.bad(v, "the reference gives an empty password")
		}
		return v
	}
	if v.refs && (v.kind == isInt || v.kind == isBool) {
		v.kind = isString
	}
	if v.kind != isString {
		if s.form == span {
			return l.wrongType(v, "a duration such as 250ms or 7d")
		}
		if v.kind == isInt || v.kind == isFloat || v.kind == isBool {
			return l.wrongType(v, "text in quotes")
		}
		return l.wrongType(v, "text")
	}
	if v.text == "" {
		return l.bad(v, "must not be empty")
	}
	return l.checkText(v, s)
}

func (l *loader) checkText(v *value, s *spec) *value {
	switch s.form {
	case name:
		if !nameForm.MatchString(v.text) {
			return l.bad(v, quoted(v)+"is not a name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit")
		}
	case topic:
		if !topicForm.MatchString(v.text) || v.text == "." || v.text == ".." {
			return l.bad(v, quoted(v)+"is not a Kafka name: 1 to 249 of A-Z, a-z, 0-9, dot, _ and -")
		}
	case field:
		if !fieldForm.MatchString(v.text) {
			return l.bad(v, quoted(v)+"is not a path: names joined by dots, such as subscriber.msisdn")
		}
	case region:
		if !regionForm.MatchString(v.text) {
			return l.bad(v, quoted(v)+"is not a region: two capital letters, such as US")
		}
	case enum:
		if !slices.Contains(s.enum, v.text) {
			return l.bad(v, quoted(v)+"is not "+oneOf(s.enum)+meant(v, s.enum))
		}
	case span:
		return l.checkSpan(v, s)
	case date:
		if _, err := time.Parse("2006-01-02", v.text); err != nil {
			return l.bad(v, quoted(v)+"is not a date: YYYY-MM-DD")
		}
	case filePath, glob:
		v.text = beside(v.pos.File, v.text)
	case address, broker:
		all := []string{v.text}
		if s.form == broker && v.onlyRef {
			all = strings.Split(v.text, ",")
		}
		if slices.ContainsFunc(all, func(a string) bool { return !isAddress(a) }) {
			return l.bad(v, quoted(v)+"is not host:port")
		}
	case httpURL:
		return l.checkURL(v, "http", "https")
	case redisURL:
		return l.checkURL(v, "redis", "rediss")
	}
	return v
}

func (l *loader) checkSpan(v *value, s *spec) *value {
	ms, ok := milliseconds(v.text)
	if !ok {
		return l.bad(v, quoted(v)+"is not a duration: a number and ms, s, m, h or d, such as 250ms or 7d")
	}
	if ms > s.max && s.over != "" {
		return l.bad(v, s.over)
	}
	if ms < s.min || ms > s.max {
		return l.bad(v, "must be "+showSpan(s.min)+" to "+showSpan(s.max))
	}
	v.num = ms
	return v
}

var spanUnits = map[string]int64{"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": day}

func milliseconds(s string) (int64, bool) {
	m := spanForm.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := spanUnits[m[2]]
	if err != nil || n > 36_600*day/unit {
		return 0, false
	}
	return n * unit, true
}

func showSpan(ms int64) string {
	for _, u := range []string{"d", "h", "m", "s"} {
		if n := spanUnits[u]; ms >= n && ms%n == 0 {
			return strconv.FormatInt(ms/n, 10) + u
		}
	}
	return strconv.FormatInt(ms, 10) + "ms"
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(s, "/@ \t\r\n") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

// checkURL accepts one host, and a password in it only if that came by reference.
func (l *loader) checkURL(v *value, schemes ...string) *value {
	scheme, rest, ok := strings.Cut(v.text, "://")
	if !ok || !slices.Contains(schemes, scheme) {
		if schemes[0] == "redis" && ok && (strings.Contains(scheme, "sentinel") || strings.Contains(scheme, "cluster")) {
			return l.bad(v, oneRedis)
		}
		return l.bad(v, "is not a URL: it begins with "+schemes[0]+":// or "+schemes[1]+"://")
	}
	if v.inlinePassword {
		return l.bad(v, "a password is never written in a URL: use the password key with ${env:NAME} or ${file:path}")
	}
	host, _, _ := strings.Cut(rest, "/")
	if schemes[0] == "redis" && strings.Contains(host, ",") {
		return l.bad(v, oneRedis)
	}
	// The parser's own error quotes the URL, which may hold a password: it is not passed on.
	u, err := url.Parse(v.text)
	if err != nil || u.Hostname() == "" || u.Fragment != "" || u.Opaque != "" {
		return l.bad(v, "is not a URL with a host (a password with signs in it belongs into the password key)")
	}
	if schemes[0] == "redis" {
		if u.RawQuery != "" {
			return l.bad(v, "has options after ?: only host, port and the number of the database belong here")
		}
		if _, err := strconv.ParseUint(strings.TrimPrefix(u.Path, "/"), 10, 8); err != nil && strings.Trim(u.Path, "/") != "" {
			return l.bad(v, "ends in something that is not the number of a database")
		}
	}
	v.url = u
	return v
}

func (l *loader) checkObject(v *value, s *spec) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping")
	}
	kept, mistyped := v.entries[:0:0], map[string]bool{}
	for _, e := range v.entries {
		i := slices.IndexFunc(s.keys, func(k spec) bool { return k.key == e.key })
		if i < 0 {
			names := make([]string, 0, len(s.keys))
			for _, k := range s.keys {
				if k.form != refused {
					names = append(names, k.key)
				}
			}
			probably := nearest(e.key, names)
			mistyped[probably] = true
			l.problem(e.pos, "unknown key "+strconv.Quote(e.key)+didYouMean(probably))
			continue
		}
		if s.keys[i].form == notYet || s.keys[i].form == refused {
			e.val.pos = e.pos
		}
		if val := l.check(e.val, &s.keys[i]); val != nil {
			kept = append(kept, entry{e.key, e.pos, val})
		}
	}
	for _, k := range s.keys {
		if k.need && v.get(k.key) == nil && !mistyped[k.key] {
			l.problem(v.pos, "missing key "+strconv.Quote(k.key))
		}
	}
	v.entries, v.given = kept, v.entries
	return v
}

// has tells that a mapping was given the key, with whatever value.
func (v *value) has(key string) bool {
	return v != nil && slices.ContainsFunc(v.given, func(e entry) bool { return e.key == key })
}

func (l *loader) checkList(v *value, s *spec) *value {
	if v.kind != isList {
		return l.wrongType(v, "a list")
	}
	if len(v.items) == 0 && s.need {
		return l.bad(v, "must not be empty")
	}
	kept := v.items[:0:0]
	for _, item := range v.items {
		if item = l.check(item, s.item); item != nil {
			kept = append(kept, item)
		}
	}
	v.items = kept
	return v
}

func (l *loader) checkPaths(v *value) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping of names to fields")
	}
	kept := v.entries[:0:0]
	for _, e := range v.entries {
		if !l.checkName(e) {
			continue
		}
		if e.val = l.check(e.val, &spec{form: field}); e.val != nil {
			kept = append(kept, e)
		}
	}
	v.entries = kept
	return v
}

// checkFields checks names and shapes; which keys a filter takes is package policy's business.
func (l *loader) checkFields(v *value) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping of names to filters")
	}
	kept := v.entries[:0:0]
	for _, e := range v.entries {
		if !l.checkName(e) || e.val.bad {
			continue
		}
		if e.val.kind != isMap {
			l.wrongType(e.val, "a filter, such as {keep: device.os, oneof: [android, ios]}")
			continue
		}
		good := true
		for _, param := range e.val.entries {
			if !l.flat(param.val, true) {
				good = false
			}
		}
		if good {
			kept = append(kept, e)
		}
	}
	if len(v.entries) == 0 {
		return l.bad(v, "must not be empty")
	}
	v.entries = kept
	return v
}

func (l *loader) flat(v *value, listOK bool) bool {
	switch {
	case v.bad:
		return false
	case v.kind == isMap, v.kind == isList && !listOK:
		l.wrongType(v, "a plain value")
		return false
	}
	for _, item := range v.items {
		if !l.flat(item, false) {
			return false
		}
	}
	return true
}

func (l *loader) checkName(e entry) bool {
	if nameForm.MatchString(e.key) {
		return true
	}
	l.problem(e.pos, strconv.Quote(e.key)+" is not a name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit")
	return false
}

func (l *loader) bad(v *value, msg string) *value {
	l.problem(v.pos, msg)
	v.bad = true
	return nil
}

func (l *loader) wrongType(v *value, want string) *value {
	if v.refs {
		return l.bad(v, "must be "+want+"; the reference gives something else")
	}
	return l.bad(v, "must be "+want+", not "+kindNames[v.kind])
}

// quoted names a value in a message, unless it came by reference.
func quoted(v *value) string {
	if v.refs {
		return "what the reference gives "
	}
	if holdsSecret(v.text) {
		return "the value "
	}
	return strconv.Quote(v.text) + " "
}

func meant(v *value, words []string) string {
	if v.refs || len(words) == 1 {
		return ""
	}
	return didYouMean(nearest(v.text, words))
}

// beside resolves a path relative to the folder of the file that names it.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(file), path)
}
