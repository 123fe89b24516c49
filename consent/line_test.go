// The grammar and the answers of a line, by cases and against a second, slow reading of the contract.

package consent

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const sample = "acme-ads/advertising!:location,app_usage@1767225600000-1798761600000 globex/measurementX1769904000000"

func TestJudge(t *testing.T) {
	ask := func(needs string, linked bool) *Question {
		return &Question{Partner: "a", Purpose: "p", Needs: strings.Fields(needs), Linked: linked}
	}
	loc := ask("location", false)
	at := func(ms int64) LineSince { return LineSince{Named: true, Known: true, MS: ms} }
	cases := []struct {
		name   string
		line   string
		q      *Question
		event  int64
		since  LineSince
		store  int64
		answer Answer
		mark   int64
		bad    bool
	}{
		{"given", "a/p:location@100-", loc, 100, LineSince{}, 500, Given, 0, false},
		{"given until", "a/p:location@100-200", loc, 199, LineSince{}, 199, Given, 0, false},
		{"given with two", "a/p!:app_usage,location@100-", ask("app_usage location", true), 100, LineSince{}, 1, Given, 0, false},
		{"given after a mark", "a/p:location@100-X50", loc, 100, LineSince{}, 1, Given, 50, false},
		{"given though partly withdrawn", "a/p:location@100-X500", loc, 100, LineSince{}, 1, Given, 500, false},
		{"given after all", "*X99 a/p:location@100-", loc, 100, LineSince{}, 1, Given, 99, false},
		{"marks: the later counts", "*X99 a/p:location@300-X200", loc, 300, LineSince{}, 1, Given, 200, false},
		{"withdrawn by pair", "a/pX50", loc, 100, LineSince{}, 1, Withdrawn, 50, false},
		{"withdrawn by all", "*X50", loc, 100, LineSince{}, 1, Withdrawn, 50, false},
		{"withdrawn by all, others stand", "*X50 b/p:location@100-", loc, 100, LineSince{}, 1, Withdrawn, 50, false},
		{"a grant that the mark of all covers", "*X100 a/p:location@100-", loc, 100, LineSince{}, 1, Withdrawn, 100, false},
		{"none", "b/p:location@100- c/pX7", loc, 100, LineSince{}, 1, NoConsent, 0, false},
		{"other purpose", "a/pp:location@100-", loc, 100, LineSince{}, 1, NoConsent, 0, false},
		{"lacks the category", "a/p:app_usage@100-", loc, 100, LineSince{}, 1, NoConsent, 0, false},
		{"lacks one of two", "a/p:app_usage@100-X9", ask("app_usage location", false), 100, LineSince{}, 1, NoConsent, 9, false},
		{"part of a name", "a/p:locations@100-", loc, 100, LineSince{}, 1, NoConsent, 0, false},
		{"before", "a/p:location@100-", loc, 99, LineSince{}, 500, BeforeConsent, 0, false},
		{"before line_since", "a/p:location@100-", loc, 200, at(101), 500, BeforeConsent, 0, false},
		{"at line_since", "a/p:location@100-", loc, 200, at(100), 500, Given, 0, false},
		{"null line_since", "a/p:location@100-", loc, 200, LineSince{Named: true}, 500, BeforeConsent, 0, false},
		{"ended by the event", "a/p:location@100-200", loc, 200, LineSince{}, 1, Ended, 0, false},
		{"ended by the clock", "a/p:location@100-200", loc, 150, LineSince{}, 200, Ended, 0, false},
		{"not linked", "a/p:location@100-", ask("location", true), 150, LineSince{}, 200, NotLinked, 0, false},
		{"order: category before time", "a/p:app_usage@100-", loc, 1, LineSince{}, 1, NoConsent, 0, false},
		{"order: before before ended", "a/p:location@100-200", loc, 1, LineSince{}, 900, BeforeConsent, 0, false},
		{"order: ended before not linked", "a/p:location@100-200", ask("location", true), 200, LineSince{}, 1, Ended, 0, false},
		{"malformed behind the answer", "a/p:location@100- b/p", loc, 100, LineSince{}, 1, NoConsent, 0, true},
	}
	for _, c := range cases {
		a, mark, bad := Judge([]byte(c.line), c.q, c.event, c.since, c.store)
		if a != c.answer || mark != c.mark || bad != c.bad {
			t.Errorf("%s: %d mark %d malformed %v, want %d %d %v", c.name, a, mark, bad, c.answer, c.mark, c.bad)
		}
	}
	if a, _, bad := Judge(nil, loc, 1, LineSince{}, 1); a != NoConsent || bad {
		t.Errorf("no line: %d malformed %v", a, bad)
	}
	if a, _, bad := Judge([]byte{}, loc, 1, LineSince{}, 1); a != NoConsent || !bad {
		t.Errorf("empty line: %d malformed %v", a, bad)
	}
}

func TestJudgeAllocatesNothing(t *testing.T) {
	line := []byte("*X5 " + sample)
	q := &Question{Partner: "acme-ads", Purpose: "advertising", Needs: []string{"app_usage", "location"}, Linked: true}
	n := testing.AllocsPerRun(100, func() {
		if a, _, _ := Judge(line, q, 1767225600000, LineSince{}, 1767225600000); a != Given {
			t.Fatal("not given")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMalformed(t *testing.T) {
	many := make([]string, 65)
	for i := range many {
		many[i] = "p" + strconv.Itoa(100+i) + "/aX1"
	}
	for _, line := range []string{
		"", " ", "*", "*X", "* X1", "*X1 ", " *X1", "*X1 *X2", "a", "a/", "/p", "a/p", "a/p ", "a/pX", "a/pX1 ", "a/pX1  b/pX1",
		"a/p:@1-", "a/p:x", "a/p:x@", "a/p:x@1", "a/p:x@-1", "a/p:x@1-X", "a/p:x,@1-", "a/p:,x@1-", "a/p:x,x@1-", "a/p!x@1-", "a/p!:x@1-2X",
		"a/p:x@01-", "a/p:x@1-02", "a/pX01", "a/p:x@1- -", "A/pX1", "a/pX1\n", "a/pX1 a/pX2", "b/pX1 a/pX1", "-a/pX1", "_a/pX1",
		"a/p:x@1234567890123456-", "a/pX1b/pX1", "a/p:x@1-2-3", "a/pX1X2", "a/p!X1", "*X1a/pX2", "a/p:" + strings.Repeat("x", 33) + "@1-",
		strings.Repeat("a", 33) + "/pX1", "a/p:a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q@1-", strings.Join(many, " "),
	} {
		if Valid([]byte(line)) {
			t.Errorf("%q is taken for a line", line)
		}
	}
	for _, line := range []string{
		sample, "*X0", "*X1 a/pX1", "a-b/pX1 a/pX1", "a/p:x@1-2X3", "0/0!:0@0-0X0", strings.Join(many[:64], " "),
		"*X1 " + strings.Join(many[:64], " "), strings.Repeat("a", 32) + "/pX1", "a/p:a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p@1-",
	} {
		if !Valid([]byte(line)) {
			t.Errorf("%q is no line", line)
		}
	}
}

// The grammar of the contract, as a regular expression for one entry: a second reading of it.
var entryOracle = func() *regexp.Regexp {
	const name, ms = `[a-z0-9][a-z0-9_-]{0,31}`, `(?:0|[1-9][0-9]{0,14})`
	return regexp.MustCompile(`^(` + name + `/` + name + `)(?:!?:(` + name + `(?:,` + name + `)*)@` + ms + `-(?:` + ms + `)?(?:X` + ms + `)?|X` + ms + `)$`)
}()

func validOracle(line string) bool {
	if all, rest, _ := strings.Cut(line, " "); strings.HasPrefix(all, "*") {
		if !entryOracle.MatchString("a/p"+all[1:]) || !strings.HasPrefix(all, "*X") {
			return false
		}
		if len(all) == len(line) {
			return true
		}
		line = rest
	}
	entries := strings.Split(line, " ")
	last := ""
	for _, e := range entries {
		m := entryOracle.FindStringSubmatch(e)
		if m == nil || m[1] <= last {
			return false
		}
		last = m[1]
		categories := map[string]bool{}
		if m[2] != "" {
			for _, c := range strings.Split(m[2], ",") {
				if categories[c] {
					return false
				}
				categories[c] = true
			}
		}
		if len(categories) > 16 {
			return false
		}
	}
	return len(entries) <= 64
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{sample, "*X1 " + sample, "a/p:x@1-2X3", "*X", "a/pX01", "a/pX1 a/pX2", "a/p:x,x@1-", "a/p!:x,y@5-"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want := validOracle(string(line))
		if got := Valid(line); got != want {
			t.Fatalf("valid %v, oracle %v", got, want)
		}
		l, ok := Parse(line)
		if ok != want {
			t.Fatalf("parse %v, oracle %v", ok, want)
		}
		if ok && string(l.Append(nil)) != string(line) {
			t.Fatalf("printed as %q", l.Append(nil))
		}
		q := &Question{Partner: "a", Purpose: "p", Needs: []string{"x"}}
		if a, _, bad := Judge(line, q, 5, LineSince{}, 5); bad == want && line != nil || a == Given && !ok {
			t.Fatalf("judged %d, malformed %v", a, bad)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	line := []byte(sample)
	q := &Question{Partner: "acme-ads", Purpose: "advertising", Needs: []string{"app_usage", "location"}, Linked: true}
	for b.Loop() {
		Judge(line, q, 1767225600000, LineSince{}, 1767225600000)
	}
}

func TestPlaces(t *testing.T) {
	var shards [Shards]uint64
	for i := range shards {
		shards[i] = 1<<53 - uint64(i)
	}
	text := AppendPlaces(nil, 1<<60, &shards)
	if len(text) > 1500 {
		t.Errorf("%d bytes", len(text))
	}
	epoch, back, ok := ParsePlaces(string(text))
	if !ok || epoch != 1<<60 || back != shards {
		t.Error("not read back")
	}
	for _, bad := range []string{"", "c1:", "c1:0:" + strings.Repeat("0.", 63) + "0", "c1:1:1.2", string(text) + ".1", "x" + string(text)} {
		if _, _, ok := ParsePlaces(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzPlaces(f *testing.F) {
	f.Add(string(AppendPlaces(nil, 7, &[Shards]uint64{1, 2, 3})))
	f.Add("c1:zz:1.2.3")
	f.Fuzz(func(t *testing.T, text string) {
		epoch, shards, ok := ParsePlaces(text)
		if !ok {
			return
		}
		e, s, ok := ParsePlaces(string(AppendPlaces(nil, epoch, &shards)))
		if !ok || e != epoch || s != shards {
			t.Fatal("not read back")
		}
	})
}
