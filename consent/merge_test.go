// The merge rule: by cases, and over a million random histories against the slow model.

package consent

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

const minute = 60_000

func grant(pair string, at int64, categories ...string) Change {
	return Change{Action: ActGrant, Partner: pair, Purpose: "p", Categories: categories, AtMS: at, Stated: true}
}

func linked(c Change) Change { c.Linked = true; return c }

func until(c Change, ms int64) Change { c.UntilMS, c.Ends = ms, true; return c }

func withdraw(pair string, categories ...string) Change {
	return Change{Action: ActWithdraw, Partner: pair, Purpose: "p", Categories: categories}
}

func all() Change { return Change{Action: ActWithdrawAll} }

func history(c Change, at int64) Change { c.AtMS, c.Stated, c.History = at, true, true; return c }

func stated(c Change, at int64) Change { c.AtMS, c.Stated = at, true; return c }

func TestMerge(t *testing.T) {
	const now = 1_000_000
	cases := []struct {
		name   string
		line   string // "" for none
		c      Change
		want   string
		effect Effect
		in     bool
	}{
		{"first grant", "", grant("a", 5, "x", "y"), "a/p:x,y@5-", Granted, true},
		{"first grant, linked, with an end", "", until(linked(grant("a", 5, "x")), now+1), "a/p!:x@5-1000001", Granted, true},
		{"a grant that is over", "", until(grant("a", 5, "x"), now), "a/p:x@5-1000000", Granted, false},
		{"sorted before", "b/p:x@5-", grant("a", 5, "x"), "a/p:x@5- b/p:x@5-", Granted, true},
		{"sorted behind", "b/p:x@5-", grant("b-c", 5, "x"), "b-c/p:x@5- b/p:x@5-", Granted, true},
		{"later grant replaces", "a/p!:x,y@5-", grant("a", 6, "z"), "a/p:z@6-", Granted, true},
		{"older grant is void", "a/p:x@5-", grant("a", 4, "x"), "a/p:x@5-", VoidOlder, false},
		{"the same again", "a/p!:x@5-9", until(linked(grant("a", 5, "x")), 9), "a/p!:x@5-9", Repeated, false},
		{"the same again, still in force", "a/p:x@5-", grant("a", 5, "x"), "a/p:x@5-", Repeated, true},
		{"same since: fewer categories", "a/p:x,y@5-", grant("a", 5, "y", "z"), "a/p:y@5-", Narrowed, false},
		{"same since: not linked", "a/p!:x@5-", grant("a", 5, "x"), "a/p:x@5-", Repeated, true},
		{"same since: not linked before", "a/p:x@5-", linked(grant("a", 5, "x")), "a/p:x@5-", Narrowed, false},
		{"same since: the earlier end", "a/p:x@5-9", until(grant("a", 5, "x"), 8), "a/p:x@5-8", Repeated, false},
		{"same since: keeps the end", "a/p:x@5-9", grant("a", 5, "x"), "a/p:x@5-9", Narrowed, false},
		{"same since: a time without an end is none", "a/p:x@5-", Change{Action: ActGrant, Partner: "a", Purpose: "p", Categories: []string{"x"}, AtMS: 5, Stated: true, UntilMS: 9}, "a/p:x@5-", Repeated, true},
		{"same since: nothing in common", "a/p:x@5-", grant("a", 5, "y"), "a/pX5", Emptied, false},
		{"after a mark", "a/pX5", grant("a", 6, "x"), "a/p:x@6-X5", Granted, true},
		{"at a mark", "a/pX5", grant("a", 5, "x"), "a/pX5", VoidWithdrawn, false},
		{"at the mark of all", "*X5", grant("a", 5, "x"), "*X5", VoidWithdrawn, false},
		{"after the mark of all", "*X5", grant("a", 6, "x"), "*X5 a/p:x@6-", Granted, true},
		{"after all but not its own mark", "*X5 a/pX7", grant("a", 6, "x"), "*X5 a/pX7", VoidWithdrawn, false},
		{"five minutes ahead", "", grant("a", now+5*minute, "x"), "a/p:x@1300000-", Granted, true},
		{"more than five minutes ahead", "", grant("a", now+5*minute+1, "x"), "", RefusedAhead, false},
		{"no since", "", Change{Action: ActGrant, Partner: "a", Purpose: "p", Categories: []string{"x"}}, "", RefusedUnstated, false},
		{"ends before it begins", "", until(grant("a", 5, "x"), 5), "", RefusedUntil, false},
		{"upon a damaged line", "a/p", grant("a", 5, "x"), "a/p", RefusedDamaged, false},
		{"no action", "a/pX5", Change{}, "a/pX5", RefusedForm, false},
		{"no category", "", grant("a", 5), "", RefusedForm, false},
		{"category twice", "", grant("a", 5, "x", "x"), "", RefusedForm, false},
		{"bad category", "", grant("a", 5, "X"), "", RefusedForm, false},
		{"bad partner", "", grant("A", 5, "x"), "", RefusedForm, false},
		{"withdrawn from a bad partner", "", withdraw("A"), "", RefusedForm, false},
		{"withdrawn for a bad purpose", "", Change{Action: ActWithdraw, Partner: "a", Purpose: "P"}, "", RefusedForm, false},
		{"time zero is a time", "a/p:x@0- c/pX0", withdraw("b"), "a/p:x@0- b/pX1000000 c/pX0", Marked, true},
		{"a line that was not merged, at the mark", "*X5 a/p:x@5-", grant("b", 6, "x"), "*X5 b/p:x@6-", Granted, true},
		{"all with a partner", "", Change{Action: ActWithdrawAll, Partner: "a"}, "", RefusedForm, false},

		{"withdrawn with nothing there", "", withdraw("a"), "a/pX1000000", Marked, true},
		{"withdrawn again", "a/pX5", withdraw("a"), "a/pX1000000", Marked, true},
		{"withdrawn", "a/p!:x@5-", withdraw("a"), "a/pX1000000", EndedGrant, true},
		{"a stated time does not count", "a/p:x@5-", stated(withdraw("a"), 3), "a/pX1000000", EndedGrant, true},
		{"withdrawn before it began", "a/p:x@1200000-", withdraw("a"), "a/pX1200000", EndedGrant, true},
		{"an older acceptance keeps the mark", "a/pX2000000", withdraw("a"), "a/pX2000000", Marked, true},
		{"one category", "a/p!:x,y@5-9", withdraw("a", "x"), "a/p!:y@5-9X1000000", TookPart, true},
		{"one category before it began", "a/p:x,y@1200000-", withdraw("a", "x"), "a/p:y@1200000-X1200000", TookPart, true},
		{"a category that it lacks", "a/p:x@5-", withdraw("a", "y"), "a/p:x@5-X1000000", Marked, true},
		{"a category that it lacks, before it began", "a/p:x@1200000-", withdraw("a", "y"), "a/p:x@1200000-X1000000", Marked, true},
		{"the last category", "a/p:x@5-", withdraw("a", "x", "y"), "a/pX1000000", EndedGrant, true},
		{"the linking", "a/p!:x@5-", linked(withdraw("a")), "a/p:x@5-X1000000", TookPart, true},
		{"the linking that is not there", "a/p:x@5-", linked(withdraw("a")), "a/p:x@5-X1000000", Marked, true},
		{"linking and a category", "a/p!:x,y@5-", linked(withdraw("a", "y")), "a/p:x@5-X1000000", TookPart, true},
		{"older grant after a part was taken", "a/p:y@5-X100", grant("a", 50, "x", "y"), "a/p:y@5-X100", VoidWithdrawn, false},
		{"covered by all already", "*X2000000", withdraw("a"), "*X2000000", Marked, true},
		{"upon a damaged line", "zzz", withdraw("a"), "*X1000000", AllBecause, true},
		{"history upon a damaged line", "zzz", history(withdraw("a"), 5), "*X1000000", AllBecause, true},

		{"all with nothing there", "", all(), "*X1000000", Marked, true},
		{"all", "a/p:x@5- b/pX7 c/p:x@1200000-", all(), "*X1200000", EndedGrant, true},
		{"all keeps a later mark", "a/pX2000000", all(), "*X1000000 a/pX2000000", Marked, true},
		{"all again", "*X5 a/p:x@6-", all(), "*X1000000", EndedGrant, true},
		{"all keeps its own later mark", "*X2000000", all(), "*X2000000", Marked, true},

		{"history ends what was before", "a/p:x@5-", history(withdraw("a"), 6), "a/pX6", EndedGrant, true},
		{"history at the same time", "a/p:x@5-", history(withdraw("a"), 5), "a/pX5", EndedGrant, true},
		{"history: a later grant stands", "a/p:x@5-", history(withdraw("a"), 4), "a/p:x@5-X4", LaterStands, true},
		{"history from the future counts now", "a/p:x@5-", history(withdraw("a"), now+9), "a/pX1000000", EndedGrant, true},
		{"history without a time counts now", "a/p:x@5-", Change{Action: ActWithdraw, Partner: "a", Purpose: "p", History: true}, "a/pX1000000", EndedGrant, true},
		{"history takes a part", "a/p:x,y@5-", history(withdraw("a", "x"), 6), "a/p:y@5-X6", TookPart, true},
		{"history takes no part of a later grant", "a/p:x,y@5-", history(withdraw("a", "x"), 4), "a/p:x,y@5-X4", LaterStands, true},
		{"history of all", "a/p:x@5- b/p:x@7- c/pX6", history(all(), 6), "*X6 b/p:x@7-", EndedGrant, true},
		{"history of all: only later ones stand", "b/p:x@7-X5", history(all(), 6), "*X6 b/p:x@7-", LaterStands, true},
		{"history under the mark of all", "*X6 b/p:x@7-", history(withdraw("b"), 4), "*X6 b/p:x@7-", LaterStands, true},
		{"a line that was not merged is put right", "*X6 a/p:x@5-X3 b/p:x@7-X6", grant("b", 8, "x"), "*X6 b/p:x@8-", Granted, true},
	}
	for _, c := range cases {
		var line []byte
		if c.line != "" {
			line = []byte(c.line)
		}
		got, out := Merge(line, c.c, now)
		if string(got) != c.want || out.Effect != c.effect || out.InForce != c.in {
			t.Errorf("%s: %q effect %d in force %v, want %q %d %v", c.name, got, out.Effect, out.InForce, c.want, c.effect, c.in)
		}
		if string(line) != c.line {
			t.Errorf("%s: wrote to the line", c.name)
		}
	}
}

func filled(n int) []byte { return filledFrom(n, 1) }

func filledFrom(n int, since int64) []byte {
	var l Line
	for i := range n {
		l.Entries = append(l.Entries, Entry{Partner: fmt.Sprintf("f%02d", i), Purpose: "p", Grant: &Grant{Categories: []string{"x"}, SinceMS: since}})
	}
	return l.Append(nil)
}

func TestMergeWhenFull(t *testing.T) {
	line := filled(64)
	if !Valid(line) {
		t.Fatal("the filled line is none")
	}
	if got, out := Merge(line, grant("z", 5, "x"), 10); out.Effect != RefusedFull || string(got) != string(line) {
		t.Errorf("65th grant: %d", out.Effect)
	}
	if got, out := Merge(line, grant("f07", 5, "x"), 10); out.Effect != Granted || !Valid(got) {
		t.Errorf("grant of a pair that is there: %d", out.Effect)
	}
	if got, out := Merge(line, withdraw("z", "x"), 10); out.Effect != AllBecause || !out.InForce || string(got) != "*X10" {
		t.Errorf("withdrawal without room: %q %d", got, out.Effect)
	}
	covered := append([]byte("*X100 "), filledFrom(64, 101)...)
	for _, at := range []int64{99, 100} {
		if got, out := Merge(covered, history(withdraw("z"), at), 200); out.Effect != Marked || string(got) != string(covered) {
			t.Errorf("a withdrawal at %d that the mark of all covers: %d", at, out.Effect)
		}
	}
	got, out := Merge(filled(63), withdraw("z"), 10)
	if l, ok := Parse(got); !ok || len(l.Entries) != 64 || out.Effect != Marked {
		t.Errorf("the 64th entry: %d", out.Effect)
	}
	if got, out := Merge(filled(63), grant("z", 5, "x"), 10); out.Effect != Granted || !Valid(got) {
		t.Errorf("64th grant: %d", out.Effect)
	}
	many := grant("a", 5)
	for i := range 17 {
		many.Categories = append(many.Categories, "c"+strconv.Itoa(i))
	}
	if _, out := Merge(nil, many, 10); out.Effect != RefusedForm {
		t.Errorf("17 categories: %d", out.Effect)
	}
	many.Categories = many.Categories[:16]
	if got, out := Merge(nil, many, 10); out.Effect != Granted || !Valid(got) {
		t.Errorf("16 categories: %d", out.Effect)
	}
}

func TestMergeRefusesTimesThatNoLineCanHold(t *testing.T) {
	for _, c := range []Change{
		grant("a", -1, "x"), until(grant("a", 1, "x"), -1), until(grant("a", 1, "x"), maxTimeMS+1), history(withdraw("a"), -1),
	} {
		if got, out := Merge(nil, c, 10); out.Effect != RefusedForm || got != nil {
			t.Errorf("%d to %d: %q %d", c.AtMS, c.UntilMS, got, out.Effect)
		}
	}
	if got, out := Merge(nil, until(grant("a", 0, "x"), maxTimeMS), 10); out.Effect != Granted || !Valid(got) {
		t.Errorf("the first and last time: %d", out.Effect)
	}
	if got, out := Merge(nil, grant("a", maxTimeMS, "x"), maxTimeMS); out.Effect != Granted || !Valid(got) {
		t.Errorf("the last time: %d", out.Effect)
	}
}

const modelPairCount = 4

var modelPairs = [modelPairCount][2]string{{"acme", "ads"}, {"acme", "research"}, {"globex", "ads"}, {"globex", "research"}}

// modelTime is one of 8 times, 2 minutes apart, so that a grant can be ahead of its acceptance by less and by more than
// allowed.
func modelTime(i int) int64 { return 100*minute + int64(i)*2*minute }

func randomChange(r *rand.Rand) (Change, int) {
	pair := r.IntN(modelPairCount)
	c := Change{Partner: modelPairs[pair][0], Purpose: modelPairs[pair][1], AtMS: modelTime(r.IntN(8)), Stated: true}
	b := r.Uint32()
	categories := func(mask uint32) (names []string) {
		for i, n := range modelCategories {
			if mask>>i&1 == 1 {
				names = append(names, n)
			}
		}
		return names
	}
	c.Linked = b>>3&1 == 1
	switch k := b >> 4 & 15; {
	case k < 9:
		c.Action = ActGrant
		c.Categories = categories(1 + b>>8&7%7)
		c.Stated = b>>12&63 != 0
		if b>>18&3 == 0 {
			c.Ends, c.UntilMS = true, modelTime(r.IntN(8))+minute
		}
		if !c.Stated {
			c.AtMS = 0
		}
	case k < 14:
		c.Action = ActWithdraw
		c.History = b>>12&1 == 1
		if b>>13&1 == 1 {
			c.Linked = false
		} else {
			c.Categories = categories(b >> 8 & 7)
		}
	default:
		c = Change{Action: ActWithdrawAll, AtMS: c.AtMS, Stated: true, History: b>>12&1 == 1}
		pair = -1
	}
	return c, pair
}

// Rules beyond the effects that the histories must have met often.
const (
	ruleMarkOfSince = iota // a mark is the since of what was ended, beyond its acceptance
	ruleHistory            // a stated time counted
	ruleHistoryFuture
	ruleAllCovers
	ruleVoidByAll
	ruleVoidByPair
	rulePartThenOlder
	numRules
)

func TestHistories(t *testing.T) {
	histories := 1_000_000
	if testing.Short() {
		histories = 100_000
	}
	if n, err := strconv.Atoi(os.Getenv("CONSENTRY_HISTORIES")); err == nil {
		histories = n
	}
	r := rand.New(rand.NewPCG(3, 5))
	var effects [numEffects]int
	var rules [numRules]int
	var m model
	fill := [3][]byte{filled(64), filled(63), filled(62)}
	for range histories {
		m.kept = m.kept[:0]
		m.room = modelPairCount
		var line []byte
		if r.IntN(8) == 0 {
			m.room = r.IntN(3)
			line = fill[m.room]
		}
		clock := 0
		var ended [modelPairCount]int64 // nothing given until then may be in force
		for range 1 + r.IntN(8) {
			clock = min(7, clock+r.IntN(3))
			at := modelTime(clock)
			c, pair := randomChange(r)
			next, out := Merge(line, c, at)
			want := m.accept(c, pair, at)
			if out.Effect != want {
				t.Fatalf("%q and %+v at %d: effect %d, the model says %d", line, c, at, out.Effect, want)
			}
			effects[out.Effect]++
			countRules(&rules, &m, line, next, out)
			line = next
			k := &m.kept[len(m.kept)-1]
			for p := range ended {
				if k.count && k.withdraws(p) && !k.partial() {
					ended[p] = max(ended[p], k.from())
				}
			}
		}
		m.compare(t, line, ended)
	}
	if histories < 1_000_000 {
		return
	}
	for e := Granted; e < numEffects; e++ {
		if e != RefusedForm && e != RefusedDamaged && effects[e] < 1000 {
			t.Errorf("effect %d came %d times", e, effects[e])
		}
	}
	for i, n := range rules {
		if n < 1000 {
			t.Errorf("rule %d came %d times", i, n)
		}
	}
}

func countRules(rules *[numRules]int, m *model, before, after []byte, out Outcome) {
	n := len(m.kept) - 1
	k := &m.kept[n]
	if k.c.Action != ActGrant {
		if k.mark > k.at {
			rules[ruleMarkOfSince]++
		}
		if k.history() {
			rules[ruleHistory]++
		} else if k.c.History && k.c.AtMS > k.at {
			rules[ruleHistoryFuture]++
		}
		if k.c.Action == ActWithdrawAll && len(after) < len(before) {
			rules[ruleAllCovers]++
		}
		return
	}
	if out.Effect != VoidWithdrawn {
		return
	}
	if k.c.AtMS <= m.pairMark(-1, n) {
		rules[ruleVoidByAll]++
	} else {
		rules[ruleVoidByPair]++
	}
	if f := m.inForce(k.pair, n); f.holds() && f.since < k.c.AtMS {
		rules[rulePartThenOlder]++
	}
}

// compare holds the line against what the model finds in force.
func (m *model) compare(t *testing.T, line []byte, ended [modelPairCount]int64) {
	t.Helper()
	if line == nil {
		for p := range modelPairs {
			if m.listed(p, len(m.kept)) {
				t.Fatalf("no line, but something in force: %+v", m.kept)
			}
		}
		return
	}
	l, ok := Parse(line)
	if !ok {
		t.Fatalf("%q is no line", line)
	}
	n := len(m.kept)
	mark := m.pairMark(-1, n)
	if l.AllMarkMS != mark {
		t.Fatalf("%q: mark of all, the model says %d", line, mark)
	}
	for p, names := range modelPairs {
		want := m.inForce(p, n)
		i, there := l.find(names[0], names[1])
		if there != m.listed(p, n) {
			t.Fatalf("%q: entry %v of %v, the model says %v; %+v", line, there, names, !there, m.kept)
		}
		if !there {
			continue
		}
		e := &l.Entries[i]
		if pairMark := m.pairMark(p, n); max(e.MarkMS, mark) != max(pairMark, mark) || e.Marked && e.MarkMS <= mark {
			t.Fatalf("%q: mark %d of %v, the model says %d; %+v", line, e.MarkMS, names, pairMark, m.kept)
		}
		g := e.Grant
		if (g != nil) != want.holds() {
			t.Fatalf("%q: %v in force %v, the model says %v; %+v", line, names, g != nil, want.holds(), m.kept)
		}
		if g == nil {
			continue
		}
		got := force{since: g.SinceMS, until: g.UntilMS, categories: bits(g.Categories), linked: g.Linked, ends: g.Ends, standing: true}
		if got != want {
			t.Fatalf("%q: %v is %+v, the model says %+v; %+v", line, names, got, want, m.kept)
		}
		if g.SinceMS <= ended[p] {
			t.Fatalf("%q: %v was given before the last withdrawal at %d", line, names, ended[p])
		}
	}
}

func TestDamagedLines(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	for range 5000 {
		c, _ := randomChange(r)
		c.Stated = true
		line := []byte("acme/ads:location@1- ?")
		got, out := Merge(line, c, 500*minute)
		if c.Action == ActGrant {
			if out.Effect != RefusedDamaged || out.InForce || string(got) != string(line) {
				t.Fatalf("grant: %q %d", got, out.Effect)
			}
		} else if out.Effect != AllBecause || !out.InForce || string(got) != "*X30000000" {
			t.Fatalf("withdrawal: %q %d", got, out.Effect)
		}
	}
}

func TestEffects(t *testing.T) {
	for e := Effect(0); e < numEffects; e++ {
		refused := e == 0 || e == RefusedForm || e == RefusedUnstated || e == RefusedAhead || e == RefusedUntil ||
			e == RefusedFull || e == RefusedDamaged
		void := e == Narrowed || e == Emptied || e == VoidWithdrawn || e == VoidOlder
		if e.Refused() != refused || e.Void() != void {
			t.Errorf("effect %d: refused %v, void %v", e, e.Refused(), e.Void())
		}
		if whole := e.Reason() == ""; whole != (!refused && !void && e != LaterStands && e != AllBecause || e == 0) {
			t.Errorf("effect %d gives the reason %q", e, e.Reason())
		}
	}
}
