package detect

// Makes Topics of the embedded lists and of what an operator adds.

import (
	"embed"
	"fmt"
	"iter"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

//go:embed data/topics_*.tsv data/ut1_special.tsv data/ldnoobw_en.tsv
var topicFiles embed.FS

// Classes that code names. They stand first in houseClasses.
const (
	classWithheld   = houseNodes
	classUnreadable = houseNodes + 1
)

// rows are the lines of an embedded list that are neither empty nor a comment.
func rows(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}

// items gives key and item of each line `key<TAB>item, item, ...` of an embedded list.
func items(file string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		raw, err := topicFiles.ReadFile("data/" + file)
		if err != nil {
			panic("detect: embedded list: " + err.Error())
		}
		for line := range rows(string(raw)) {
			key, list, _ := strings.Cut(line, "\t")
			for item := range strings.SplitSeq(list, ",") {
				if item = strings.TrimSpace(item); item != "" && !yield(key, item) {
					return
				}
			}
		}
	}
}

type topicLoader struct {
	t        *Topics
	patterns []pattern
}

func loadTopics(extra TopicLists) (*Topics, error) {
	l := &topicLoader{t: &Topics{domains: map[string]entry{}, apps: map[string]entry{}}}
	if err := l.house(); err != nil {
		return nil, err
	}
	if err := l.extra(extra); err != nil {
		return nil, err
	}
	l.t.words = newAutomaton(l.patterns)
	return l.t, nil
}

func (l *topicLoader) house() error {
	for _, file := range []struct {
		name string
		add  func(n Node, item string) string
	}{
		{"topics_terms_denied.tsv", func(n Node, s string) string { return l.term(n, denies, s) }},
		{"ldnoobw_en.tsv", func(n Node, s string) string { return l.term(n, denies, s) }},
		{"topics_terms_inside.tsv", func(n Node, s string) string { return l.term(n, inside, s) }},
		{"topics_terms.tsv", func(n Node, s string) string { return l.term(n, means, s) }},
		{"topics_domains_denied.tsv", l.domain},
		{"ut1_special.tsv", l.domain},
		{"topics_domains.tsv", l.domain},
		{"topics_apps_denied.tsv", l.app},
		{"topics_apps.tsv", l.app},
	} {
		for key, item := range items(file.name) {
			n, known := target(key)
			if !known {
				return fmt.Errorf("%s: no node or class %q", file.name, key)
			}
			if msg := file.add(n, item); msg != "" {
				return fmt.Errorf("%s: %q %s", file.name, item, msg)
			}
		}
	}
	for _, n := range OpenNodes() {
		if msg := l.term(n, means, n.String()); msg != "" {
			return fmt.Errorf("%q %s", n, msg)
		}
	}
	for _, item := range items("topics_terms_harmless.tsv") {
		if msg := l.term(0, excuses, item); msg != "" {
			return fmt.Errorf("topics_terms_harmless.tsv: %q %s", item, msg)
		}
	}
	return nil
}

// target finds what a list's line names: a node of the taxonomy or a class of the house list.
func target(name string) (Node, bool) {
	if name == "withhold" {
		return classWithheld, true
	}
	if n, known := ParseNode(name); known {
		return n, true
	}
	return iab().class(name)
}

func (l *topicLoader) extra(x TopicLists) error {
	for i, name := range x.AlsoWithhold {
		n, known := ParseNode(name)
		if !known {
			return &TopicError{"also_withhold", i, fmt.Sprintf("%q is no node of the IAB Content Taxonomy 3.1", name)}
		}
		l.t.also = append(l.t.also, n)
	}
	for _, list := range []struct {
		name    string
		entries []TopicEntry
		add     func(n Node, item string) string
	}{{"domains", x.Domains, l.domain}, {"apps", x.Apps, l.app}, {"terms", x.Terms, func(n Node, s string) string {
		if n.Sensitive() {
			return l.term(n, denies, s)
		}
		return l.term(n, adds, s)
	}}} {
		for i, e := range list.entries {
			n, known := target(e.To)
			if !known {
				return &TopicError{list.name, i, fmt.Sprintf("%q is neither a node of the IAB Content Taxonomy 3.1, nor a class of the house list, nor `withhold`", e.To)}
			}
			if msg := list.add(n, e.From); msg != "" {
				return &TopicError{list.name, i, fmt.Sprintf("%q %s", e.From, msg)}
			}
		}
	}
	return nil
}

// put adds an entry to a list of names. A denial stays, whatever else the lists say; else the later entry counts.
func put(list map[string]entry, name string, e entry) {
	if before, there := list[name]; there && before.node.Sensitive() {
		return
	}
	list[name] = e
}

// domain adds a host name. With = before it, and where it is a public suffix, it says nothing of what is below it; a
// denial always does.
func (l *topicLoader) domain(n Node, name string) string {
	name, exact := strings.CutPrefix(strings.ToLower(name), "=")
	name = strings.TrimSuffix(name, ".")
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "is no host name"
		}
		for _, c := range []byte(label) {
			if plain[c] <= 1 && c != '-' && c != '_' {
				return "is no host name in ASCII (an internationalised name is written as xn--...)"
			}
		}
	}
	if len(name) > maxHostName {
		return "is too long for a host name"
	}
	suffix, _ := publicsuffix.PublicSuffix(name)
	put(l.t.domains, name, entry{n, (exact || suffix == name) && !n.Sensitive()})
	return ""
}

func (l *topicLoader) app(n Node, id string) string {
	id = strings.ToLower(id)
	prefix, all := strings.CutSuffix(id, ".*")
	if prefix == "" || len(prefix) > maxHostName || strings.ContainsAny(prefix, "* ,\t") {
		return "is no app id: write it as com.vendor.app, or com.vendor.* for all of a vendor"
	}
	put(l.t.apps, prefix, entry{n, !all})
	return ""
}

// term adds a term, spelled as it is folded, with its plural. A * at an end stands for the rest of the word.
func (l *topicLoader) term(n Node, what meaning, text string) string {
	body, before := strings.CutPrefix(text, "*")
	body, after := strings.CutSuffix(body, "*")
	folded := fold(body)
	words := strings.Count(folded, " ") + 1
	switch {
	case len(folded) < 2:
		return "has fewer than two letters or digits"
	case len(folded) > 120 || words > 8:
		return "is too long: at most 8 words and 120 bytes"
	case (before || after) && len(folded) < 3:
		return "is too short for a *: at least 3 letters"
	}
	// Scripts that are written without spaces have no ends of words.
	if unspaced(folded) {
		before, after = true, true
	}
	add := func(s string) {
		if !before {
			s = " " + s
		}
		if !after {
			s += " "
		}
		l.patterns = append(l.patterns, pattern{s, term{node: n, what: what}})
	}
	add(folded)
	// Of some letters of other alphabets only the capital, or only the small one, is read as a Latin letter.
	if folded != body {
		for _, other := range capitals(body) {
			if other = fold(other); other != folded && len(other) > 1 {
				add(other)
			}
		}
	}
	if !after && what != inside {
		for _, p := range plurals(folded) {
			add(p)
		}
	}
	return ""
}

// capitals are the ways to write a phrase in capitals: the first letter, that of every word, all.
func capitals(s string) []string {
	one, each, first := []rune(s), []rune(s), true
	for i, r := range each {
		if i == 0 {
			one[i] = unicode.ToUpper(r)
		}
		if first {
			each[i] = unicode.ToUpper(r)
		}
		first = !unicode.IsLetter(r) && !unicode.IsMark(r)
	}
	return []string{string(one), string(each), strings.ToUpper(s)}
}

func fold(s string) string {
	f := folder{b: []byte(s), space: true}
	out := make([]byte, 0, len(s))
	buf := make([]byte, 512)
	for n := f.fill(buf); n > 0; n = f.fill(buf) {
		for _, c := range buf[:n] {
			if c < ' ' {
				c = ' '
			}
			if c != ' ' || len(out) > 0 && out[len(out)-1] != ' ' {
				out = append(out, c)
			}
		}
	}
	return strings.TrimSuffix(string(out), " ")
}

// plurals of the last word, as English, French, Portuguese and Spanish make most of theirs.
func plurals(s string) []string {
	if len(s) < 3 || s[len(s)-1] >= 0x80 || s[len(s)-1] < 'a' {
		return nil
	}
	switch last := s[len(s)-1]; {
	case strings.HasSuffix(s, "ch"), strings.HasSuffix(s, "sh"), last == 's', last == 'x', last == 'z':
		return []string{s + "es"}
	case last == 'y' && !strings.ContainsRune("aeiou", rune(s[len(s)-2])):
		return []string{s[:len(s)-1] + "ies"}
	}
	return []string{s + "s"}
}

func unspaced(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
			return true
		}
	}
	return false
}
