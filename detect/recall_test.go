package detect_test

// How much the residual scan finds, and how often it is wrong: every class in every obfuscation, and clean texts. The
// figures of docs/detectors.md are these; `go test ./detect -run Recall -update` writes them anew.

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/internal/corpus"
)

var update = flag.Bool("update", false, "write the figures of docs/detectors.md anew")

const (
	docFile  = "../docs/detectors.md"
	docBegin = "<!-- figures: go test ./detect -run Recall -update -->\n"
	docEnd   = "<!-- end of figures -->\n"
)

// minRecall is what every class must reach over all obfuscations, and every obfuscation over all classes.
const minRecall = 0.995

// checked are the classes whose numbers check themselves, or have a form of their own: none may be missed.
var checked = []detect.Class{
	detect.NationalID, detect.Card, detect.IBAN, detect.IMEI, detect.IMSI, detect.ICCID, detect.MAC, detect.IP, detect.UUID, detect.Digest,
}

// maxFalseAlarms is the share of clean texts of a set that may hit.
const maxFalseAlarms = 0.01

// score counts cases.
type score struct{ cases, found, withheld int }

func (s *score) add(found, withheld bool) {
	s.cases++
	if found {
		s.found++
	}
	if withheld {
		s.withheld++
	}
}

func (s score) recall() float64 { return float64(s.withheld) / float64(max(s.cases, 1)) }

func (s score) cell() string {
	if s.cases == 0 {
		return ""
	}
	return percent(s.withheld, s.cases)
}

// percent has one decimal, and 100 only for all of them.
func percent(n, total int) string {
	if n == total {
		return "100"
	}
	tenths := n * 1000 / total
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

func TestRecallAndFalseAlarms(t *testing.T) {
	data, err := corpus.DataFolder(".")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := corpus.Plain(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := detect.NewScanner("US")
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]*score{}
	by := map[[2]string]*score{} // class and group of obfuscations
	ways := map[string]*score{}
	group := map[string]string{}
	var groups []string
	for _, o := range corpus.Obfuscations {
		group[o.Name] = o.Group
		if !slices.Contains(groups, o.Group) {
			groups = append(groups, o.Group)
		}
	}
	var wrong []corpus.Case
	for _, c := range plain {
		class, known := detect.ParseClass(c.Class)
		if !known {
			t.Fatalf("the corpus has a class %q that the scan has not", c.Class)
		}
		for _, h := range corpus.Obfuscate(c) {
			hits := s.Scan([]byte(h.Text))
			for _, sc := range []*score{at(total, c.Class), at(by, [2]string{c.Class, group[h.Obfuscation]}), at(ways, h.Obfuscation)} {
				sc.add(hits.Has(class), hits != 0)
			}
			if hits == 0 {
				wrong = append(wrong, h)
			}
		}
	}
	for _, class := range corpus.Classes {
		if r := total[class].recall(); r < minRecall {
			t.Errorf("%s: %.4f of %d cases are withheld, %.3f are the least", class, r, total[class].cases, minRecall)
		}
	}
	for _, c := range checked {
		if sc := total[c.String()]; sc.withheld != sc.cases {
			t.Errorf("%s: %d of %d cases are not withheld; a number with a check must be", c, sc.cases-sc.withheld, sc.cases)
		}
	}
	for name, sc := range ways {
		if sc.recall() < minRecall {
			t.Errorf("%s: %.4f of %d cases are withheld", name, sc.recall(), sc.cases)
		}
	}
	for i, c := range wrong {
		if i < 40 {
			t.Logf("missed: %s, %s, %s: %q", c.Class, c.Obfuscation, c.Source, c.Text)
		}
	}

	var doc strings.Builder
	fmt.Fprintf(&doc, "\n| class | cases | found | withheld | %s |\n|---|---|---|---|%s\n", strings.Join(groups, " | "), strings.Repeat("---|", len(groups)))
	all := score{}
	for _, class := range corpus.Classes {
		sc := total[class]
		all.cases, all.found, all.withheld = all.cases+sc.cases, all.found+sc.found, all.withheld+sc.withheld
		fmt.Fprintf(&doc, "| `%s` | %d | %s | %s |", class, sc.cases, percent(sc.found, sc.cases), sc.cell())
		for _, g := range groups {
			fmt.Fprintf(&doc, " %s |", at(by, [2]string{class, g}).cell())
		}
		doc.WriteByte('\n')
	}
	fmt.Fprintf(&doc, "| all | %d | %s | %s |\n", all.cases, percent(all.found, all.cases), all.cell())
	fmt.Fprintf(&doc, "\nCases that are still wrong: %d.\n", len(wrong))
	for _, c := range wrong {
		fmt.Fprintf(&doc, "- `%s`, %s: `%s`\n", c.Class, c.Obfuscation, c.Text)
	}
	falseAlarms(t, s, data, &doc)
	prose(t, s, data, &doc)
	t.Log(doc.String())
	compare(t, doc.String())
}

// falseAlarms scans the clean sets.
func falseAlarms(t *testing.T, s *detect.Scanner, data string, doc *strings.Builder) {
	sets, err := corpus.Clean(data)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(doc, "\n| clean texts | texts | hits | of 100 | what they hit |\n|---|---|---|---|---|\n")
	for _, set := range sets {
		n, by := 0, [detect.NumClasses]int{}
		for _, text := range set.Texts {
			if hits := s.Scan([]byte(text)); hits != 0 {
				n++
				by[hits.First()]++
				if c := hits.First(); c != detect.NameLine && c != detect.StreetAddress {
					t.Logf("%s: %s: %q", set.Name, c, text)
				}
			}
		}
		var what []string
		for c, k := range by {
			if k > 0 {
				what = append(what, fmt.Sprintf("%s %d", detect.Class(c), k))
			}
		}
		if len(set.Texts) < 1000 {
			t.Errorf("%s has %d texts", set.Name, len(set.Texts))
		}
		if share := float64(n) / float64(len(set.Texts)); share > maxFalseAlarms {
			t.Errorf("%s: %d of %d clean texts hit", set.Name, n, len(set.Texts))
		}
		fmt.Fprintf(doc, "| %s | %d | %d | %.2f | %s |\n", set.Name, len(set.Texts), n, 100*float64(n)/float64(len(set.Texts)), strings.Join(what, ", "))
	}
}

// prose measures what is not promised.
func prose(t *testing.T, s *detect.Scanner, data string, doc *strings.Builder) {
	names, addresses, err := corpus.Prose(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 20 || len(addresses) < 20 {
		t.Fatalf("%d sentences with names and %d with addresses", len(names), len(addresses))
	}
	count := func(texts []string, scan func([]byte) detect.Hits) (n int) {
		for _, text := range texts {
			if scan([]byte(text)) != 0 {
				n++
			}
		}
		return n
	}
	fmt.Fprintf(doc, "\n| sentences of many countries, with | sentences | hit by the scan | hit by the scan of free text |\n|---|---|---|---|\n")
	fmt.Fprintf(doc, "| a full name | %d | %d | %d |\n", len(names), count(names, s.Scan), count(names, s.ScanText))
	fmt.Fprintf(doc, "| an address | %d | %d | %d |\n\n", len(addresses), count(addresses, s.Scan), count(addresses, s.ScanText))
}

// compare holds the page against the figures, or writes them into it.
func compare(t *testing.T, figures string) {
	page, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), docBegin)
	old, after, end := strings.Cut(rest, docEnd)
	if !ok || !end {
		t.Fatalf("%s has no place for the figures", docFile)
	}
	if *update {
		if err := os.WriteFile(docFile, []byte(before+docBegin+figures+docEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != figures {
		t.Errorf("%s has other figures than these; if they are as they should be: go test ./detect -run Recall -update", docFile)
	}
}

func at[K comparable](m map[K]*score, k K) *score {
	if m[k] == nil {
		m[k] = &score{}
	}
	return m[k]
}

// TestKnownMisses keeps the page honest: what it says passes does. Whoever finds a way to hit one takes it off the page.
func TestKnownMisses(t *testing.T) {
	page, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := detect.NewScanner("US")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"J. Smith", "JenniferLopez", "Priya Sharma", "One Microsoft Way", "2000 Avenue of the Stars", "1 World Trade Center", "9q8yyk8", "john@example,com",
		"john.doe (a) example.com", "five five five 0123",
	} {
		if hits := s.Scan([]byte(text)); hits != 0 {
			t.Errorf("%q hits %s, and the page says that it passes", text, hits)
		}
		if !strings.Contains(string(page), "`"+text+"`") {
			t.Errorf("%q is not on the page", text)
		}
	}
}
