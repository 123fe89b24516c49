package filters

// Cuts a host to its registrable domain by the ICANN rules of the Public Suffix List. The list's private rules
// (github.io, blogspot.com, synology.me ...) are left out on purpose: under them alice.github.io would count as a
// domain of its own, and it names a person.
//
// The rules are the project's own copy and not those of golang.org/x/net/publicsuffix, which allocates with every look-up
// and mixes private rules in; that package is the oracle in tests.

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// The ICANN section of the Public Suffix List (MPL-2.0, see the head of the file), names as they travel in DNS.
//
//go:embed icann_suffixes.txt
var icannText string

var icann = sync.OnceValue(func() *suffixes { return parseSuffixes(icannText) })

// suffixes holds the rules, sorted, by kind: "co.uk", "*.ck" without its star, "!www.ck" without its mark.
type suffixes struct {
	exact, wild, except []string
	above               []string // what a longer rule ends in: "uk" of "co.uk", "ck" of "*.ck"
	labels              int      // of the longest rule
}

func parseSuffixes(text string) *suffixes {
	s := &suffixes{}
	for line := range strings.Lines(text) {
		rule := strings.TrimSpace(line)
		if rule == "" || strings.HasPrefix(rule, "//") {
			continue
		}
		s.labels = max(s.labels, strings.Count(rule, ".")+1)
		for rest := rule; ; {
			_, parent, more := strings.Cut(rest, ".")
			if !more {
				break
			}
			s.above = append(s.above, parent)
			rest = parent
		}
		if base, ok := strings.CutPrefix(rule, "*."); ok {
			s.wild = append(s.wild, base)
		} else if name, ok := strings.CutPrefix(rule, "!"); ok {
			s.except = append(s.except, name)
		} else {
			s.exact = append(s.exact, rule)
		}
	}
	slices.Sort(s.exact)
	slices.Sort(s.wild)
	slices.Sort(s.except)
	slices.Sort(s.above)
	s.above = slices.Compact(s.above)
	return s
}

// registrable is the public suffix of a host and one label more. Not ok: a single label, a host that is itself a
// public suffix, a top-level domain that is not listed (.local, an IPv4 address), and .arpa, whose names hold addresses
// and telephone numbers. host is as appendHost leaves it.
func (s *suffixes) registrable(host []byte) (domain []byte, ok bool) {
	// Where the labels begin that a rule can speak of, the last label first.
	var starts [8]int
	n := 0
	for i := len(host) - 1; i >= 0 && n <= s.labels; i-- {
		if i == 0 || host[i-1] == '.' {
			starts[n] = i
			n++
		}
	}
	if n == 0 || string(host[starts[0]:]) == "arpa" {
		return nil, false
	}
	// Most hosts lie under a top-level domain without longer rules: what no rule ends in need not be looked up.
	top := 0
	for top < n-1 {
		if _, longer := find(s.above, host[starts[top]:]); !longer {
			break
		}
		top++
	}
	for k := top; k >= 0; k-- {
		suffix := host[starts[k]:]
		if _, yes := find(s.except, suffix); yes {
			// The suffix is one label shorter than the exception, so the exception is the registrable domain.
			return suffix, true
		}
		_, yes := find(s.exact, suffix)
		if !yes && k > 0 {
			_, yes = find(s.wild, host[starts[k-1]:])
		}
		if yes {
			if k+1 >= n {
				return nil, false
			}
			return host[starts[k+1]:], true
		}
	}
	return nil, false
}
