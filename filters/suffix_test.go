package filters

// The registrable domain against the Public Suffix List's own tests, its private rules, and x/net's reading of it.

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

var update = flag.Bool("update", false, "write icann_suffixes.txt anew from the shared copy of the Public Suffix List")

// shared reads a file of the shared test data, which lies beside the checkout.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above this test")
		}
		dir = up
	}
	raw, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", name))
	if err != nil {
		t.Fatalf("the shared test data must lie beside the checkout: %v", err)
	}
	return raw
}

const suffixHead = `// This Source Code Form is subject to the terms of the Mozilla Public
// License, v. 2.0. If a copy of the MPL was not distributed with this
// file, You can obtain one at https://mozilla.org/MPL/2.0/.
//
// The ICANN section of the Public Suffix List (https://publicsuffix.org/list/), without its comments and with
// internationalised names as they travel in DNS. Made by: go test ./filters -run Current -update
`

// section gives the rules between two marks of the list, as ASCII.
func section(t testing.TB, name string) []string {
	t.Helper()
	text := string(shared(t, "ref_publicsuffix/public_suffix_list.dat"))
	_, text, ok1 := strings.Cut(text, "===BEGIN "+name+" DOMAINS===")
	text, _, ok2 := strings.Cut(text, "===END "+name+" DOMAINS===")
	if !ok1 || !ok2 {
		t.Fatalf("the list has no section %s", name)
	}
	var rules []string
	for line := range strings.Lines(text) {
		rule, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if rule == "" || strings.HasPrefix(rule, "//") {
			continue
		}
		mark := ""
		if strings.HasPrefix(rule, "!") || strings.HasPrefix(rule, "*") {
			mark, rule = rule[:1], rule[1:]
		}
		dot := ""
		if strings.HasPrefix(rule, ".") {
			dot, rule = ".", rule[1:]
		}
		ascii, err := idna.ToASCII(rule)
		if err != nil {
			t.Fatalf("rule %q: %v", rule, err)
		}
		rules = append(rules, mark+dot+strings.ToLower(ascii))
	}
	return rules
}

// The embedded rules are the shared list's, so a refreshed list shows as a failure here and not as a silent gap.
func TestSuffixesAreCurrent(t *testing.T) {
	want := suffixHead + strings.Join(section(t, "ICANN"), "\n") + "\n"
	if *update {
		if err := os.WriteFile("icann_suffixes.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("icann_suffixes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatal("icann_suffixes.txt differs from the list: run go test ./filters -run Current -update, and look at the difference")
	}
	if s := icann(); len(s.exact) < 6000 || len(s.wild) < 5 || len(s.except) < 5 || s.labels > 5 {
		t.Fatalf("%d exact, %d wildcard, %d exceptions, longest %d labels", len(s.exact), len(s.wild), len(s.except), s.labels)
	}
}

func registrableOf(name string) string {
	_, host, ok := appendHost(nil, []byte(name))
	if !ok {
		return ""
	}
	reg, ok := icann().registrable(host)
	if !ok {
		return ""
	}
	return string(reg)
}

// The list's official cases. Ours differs in two ways, both stricter: a top-level domain that is not listed has no
// registrable domain, and a name beyond ASCII is refused (it is converted here, as a browser does before it asks DNS).
func TestPublicSuffixCases(t *testing.T) {
	line := regexp.MustCompile(`^checkPublicSuffix\((null|'[^']*'), (null|'[^']*')\);`)
	cases, unlisted := 0, 0
	sc := bufio.NewScanner(bytes.NewReader(shared(t, "ref_publicsuffix/test_psl.txt")))
	for sc.Scan() {
		m := line.FindStringSubmatch(sc.Text())
		if m == nil {
			if strings.HasPrefix(sc.Text(), "checkPublicSuffix") {
				t.Fatalf("not read: %s", sc.Text())
			}
			continue
		}
		cases++
		name, want := unquote(m[1]), unquote(m[2])
		if strings.HasSuffix(want, "example.example") {
			want = ""
			unlisted++
		}
		in, err1 := idna.ToASCII(name)
		out, err2 := idna.ToASCII(want)
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %v %v", sc.Text(), err1, err2)
		}
		// uk.com is a private rule, so by ICANN's alone uk.com itself is the registrable domain.
		if strings.HasSuffix(in, "uk.com") {
			out = "uk.com"
		}
		if got := registrableOf(in); got != out {
			t.Errorf("%q: got %q, want %q", name, got, out)
		}
		if name != in && registrableOf(name) != "" {
			t.Errorf("%q: a name beyond ASCII was read", name)
		}
	}
	if cases < 75 || unlisted != 3 {
		t.Fatalf("read %d cases, %d of unlisted domains", cases, unlisted)
	}
}

func unquote(s string) string {
	if s == "null" {
		return ""
	}
	return strings.Trim(s, "'")
}

// The trap: x/net's EffectiveTLDPlusOne gives a person's own host under every private suffix. Ours must not, for any.
func TestPrivateSuffixesCollapse(t *testing.T) {
	for host, want := range map[string]string{
		"alice.github.io":            "github.io",
		"alice-smith.blogspot.com":   "blogspot.com",
		"myhome.duckdns.org":         "duckdns.org",
		"john.synology.me":           "synology.me",
		"d1111abcdef.cloudfront.net": "cloudfront.net",
		"alice.blogspot.co.uk":       "blogspot.co.uk",
	} {
		if got := registrableOf(host); got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	rules := section(t, "PRIVATE")
	for _, rule := range rules {
		base := strings.TrimPrefix(strings.TrimPrefix(rule, "!"), "*.")
		for _, host := range []string{"alice." + base, "x.alice." + base} {
			got := registrableOf(host)
			if strings.Contains(got, "alice") {
				// Only where the private rule is itself a public suffix or one beyond: then alice is an ordinary registrant.
				if s := registrableOf(base); s != "" {
					t.Errorf("%s: got %q, which names alice, though %s is registrable", host, got, s)
				}
			}
		}
	}
	if len(rules) < 3000 {
		t.Fatalf("only %d private rules", len(rules))
	}
}

// collapsed is x/net's answer with private rules stripped until an ICANN one is left: the slow oracle.
func collapsed(host string) string {
	suffix, isICANN := publicsuffix.PublicSuffix(host)
	for !isICANN {
		_, rest, ok := strings.Cut(suffix, ".")
		if !ok {
			return ""
		}
		suffix, isICANN = publicsuffix.PublicSuffix(rest)
	}
	if host == suffix || strings.HasSuffix(suffix, "arpa") {
		return ""
	}
	before := strings.TrimSuffix(host, "."+suffix)
	return before[strings.LastIndexByte(before, '.')+1:] + "." + suffix
}

// Both lists are of 2026, ours half a year younger: where they differ the rule must be one that x/net's table lacks or
// still has. The figure is bounded, so that a wrong reading of the rules cannot hide behind age.
func TestSuffixesAgainstXNet(t *testing.T) {
	s := icann()
	differ, all := 0, 0
	for _, rules := range [][]string{s.exact, s.wild, s.except, section(t, "PRIVATE")} {
		for _, rule := range rules {
			base := strings.TrimPrefix(strings.TrimPrefix(rule, "!"), "*.")
			for _, host := range []string{base, "a." + base, "b.a." + base, "c.b.a." + base} {
				all++
				if got, want := registrableOf(host), collapsed(host); got != want {
					differ++
					if differ <= 40 {
						t.Logf("%s: list %q, x/net %q", host, got, want)
					}
				}
			}
		}
	}
	t.Logf("%d of %d hosts differ between the list and x/net's older table", differ, all)
	if all < 40000 || differ > all/100 {
		t.Fatalf("%d of %d hosts differ", differ, all)
	}
}
