// forms.go checks what a scalar says: names, durations, addresses, URLs and the like.

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
			return l.bad(v, l.notOneHost())
		}
		return l.bad(v, "is not a URL: it begins with "+schemes[0]+":// or "+schemes[1]+"://")
	}
	if v.inlinePassword {
		return l.bad(v, "a password is never written in a URL: use the password key with ${env:NAME} or ${file:path}")
	}
	host, _, _ := strings.Cut(rest, "/")
	if schemes[0] == "redis" && strings.Contains(host, ",") {
		return l.bad(v, l.notOneHost())
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

// notOneHost says why a URL of several Redis is refused: without a changelog they are, with it they are written otherwise.
func (l *loader) notOneHost() string {
	if l.changelog {
		return severalHosts
	}
	return oneRedis
}

// beside resolves a path relative to the folder of the file that names it.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(file), path)
}
