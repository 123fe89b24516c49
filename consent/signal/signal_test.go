package signal

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines reads a JSON lines file into T.
func lines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatalf("the vectors must stand beside the checkout: %v", err)
	}
	defer f.Close()
	var out []T
	for s := bufio.NewScanner(f); s.Scan(); {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return out
}

// TestTCFAgainstReference holds the reader against strings of IAB's own encoder.
func TestTCFAgainstReference(t *testing.T) {
	said := map[bool]int{}
	for i, c := range lines[struct {
		Text     string
		Vendor   int
		Purposes []int
		No       bool
	}](t, "testdata/tcf.jsonl") {
		v := &Vendor{ID: c.Vendor, Purposes: c.Purposes}
		if got := TCF([]byte(c.Text), v); got != c.No {
			t.Errorf("line %d: no is %v, want %v", i+1, got, c.No)
		}
		if !TCF([]byte(c.Text), &Vendor{}) || !TCF([]byte(c.Text), nil) || !TCF([]byte(c.Text), &Vendor{ID: c.Vendor}) {
			t.Errorf("line %d: allowed for nobody, or for no purpose", i+1)
		}
		said[c.No]++
	}
	if said[true] < 30 || said[false] < 30 {
		t.Fatalf("the vectors say %v", said)
	}
}

func TestGPPAgainstReference(t *testing.T) {
	said := map[bool]int{}
	for i, c := range lines[struct {
		Text string
		No   bool
	}](t, "testdata/gpp.jsonl") {
		if got := GPP([]byte(c.Text), nil); got != c.No {
			t.Errorf("line %d: no is %v, want %v", i+1, got, c.No)
		}
		said[c.No]++
	}
	if said[true] < 100 || said[false] < 100 {
		t.Fatalf("the vectors say %v", said)
	}
}

// TestPublishedSections decodes each published vector of a section: what it holds is worked out from the names of its
// fields, in the test's own words.
func TestPublishedSections(t *testing.T) {
	ids := map[string]int{"UsNat": 7, "UsCa": 8, "UsVa": 9, "UsCo": 10, "UsUt": 11, "UsCt": 12, "UsFl": 13, "UsMt": 14, "UsOr": 15,
		"UsTx": 16, "UsDe": 17, "UsIa": 18, "UsNe": 19, "UsNh": 20, "UsNj": 21, "UsTn": 22, "UsMn": 23, "UsMd": 24, "UsIn": 25,
		"UsKy": 26, "UsRi": 27}
	n := 0
	for _, c := range lines[struct {
		Section, Encoded string
		Set              map[string]any `json:"set_fields"`
	}](t, filepath.Join("..", "..", "..", "shared", "data", "ref_consent_strings", "iabgpp_es_vectors.jsonl")) {
		id, known := ids[c.Section]
		if !known {
			continue
		}
		n++
		want := false
		for name, value := range c.Set {
			values, list := value.([]any)
			if !list {
				values = []any{value}
			}
			for _, v := range values {
				number, _ := v.(float64)
				yes, _ := v.(bool)
				switch {
				case name == "GPC":
					want = want || yes
				case strings.HasPrefix(name, "MSPA"), strings.HasSuffix(name, "INCLUDED"), name == "VERSION":
				case strings.Contains(name, "NOTICE"):
					want = want || number == 2
				case strings.Contains(name, "CHILD"):
					want = want || number != 0
				default:
					want = want || number == 1
				}
			}
		}
		if got := usSections[id-sectionFirstUS].no([]byte(c.Encoded)); got != want {
			t.Errorf("%s %s: no is %v, want %v", c.Section, c.Encoded, got, want)
		}
	}
	if n < 50 {
		t.Fatalf("%d vectors of US sections", n)
	}
}

// TestHeaders holds both prints of the header of the specification, which pads it in two ways.
func TestHeaders(t *testing.T) {
	for _, head := range []string{"DBACNY", "DBACNYA"} {
		var ids [maxSections]int
		if n, ok := sections([]byte(head), &ids); !ok || n != 2 || ids[0] != 2 || ids[1] != 6 {
			t.Errorf("%s: %v %v", head, ids[:n], ok)
		}
	}
}

func TestUnreadableSaysNo(t *testing.T) {
	usp := map[string]bool{"1---": false, "1YNN": false, "1YNY": false, "1YN-": false, "1YYN": true, "1NNN": true, "2NYY": true, "": true,
		"1YN": true, "1YNNN": true, "1ynn": true, "1Y N": true}
	for text, want := range usp {
		if USPrivacy([]byte(text)) != want {
			t.Errorf("US Privacy %q: want no %v", text, want)
		}
	}
	gpp := map[string]bool{"DBAA": false, "DBABTA~1YNN": false, "DBABTA~1YYN": true, "DBABTA": true, "DBABTA~1YNN~1YNN": true, "": true,
		"~": true, "DBABTA~1YNN~": true, "DBAA~": true, "DBBA": true, "CBAA": true, "DBABMA~": true, "DBAB=A~1YNN": true,
		"DBABTAAAAAA~1YNN": true}
	for text, want := range gpp {
		if GPP([]byte(text), nil) != want {
			t.Errorf("GPP %q: want no %v", text, want)
		}
	}
	if !GPP(make([]byte, maxLength+1), nil) || !TCF(make([]byte, maxLength+1), &Vendor{ID: 1, Purposes: []int{1}}) {
		t.Error("an endless string is read")
	}
}

// TestEveryCut says no to whatever is left of a string that said nothing.
func TestEveryCut(t *testing.T) {
	const whole = "DBABzw~1YNN~CQVKIoioqgBk.QA"
	if GPP([]byte(whole), nil) {
		t.Fatal("the whole string says no")
	}
	for i := range len(whole) - len(".QA") {
		if !GPP([]byte(whole[:i]), nil) {
			t.Errorf("the first %d characters say nothing", i)
		}
	}
}

func FuzzSignals(f *testing.F) {
	for _, s := range []string{"DBABzw~1YNN~CQVKIoioqgBk.QA", "1YNN", "DBAA",
		"COsbk4AOSbk4AnWAAAENAwCgAAAAAAAAAAYgACPAAAAA.TDKO4AAqAKAGQAyqAAA.YAAAAAAAAAA",
		"DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN"} {
		f.Add([]byte(s), 7)
	}
	f.Fuzz(func(t *testing.T, text []byte, vendor int) {
		v := &Vendor{ID: vendor, Purposes: []int{1, 2}}
		before := string(text)
		if n := testing.AllocsPerRun(1, func() { GPP(text, v); TCF(text, v); USPrivacy(text) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
		if string(text) != before {
			t.Error("the string was written to")
		}
		if !TCF(text, &Vendor{}) {
			t.Error("a vendor on no list is allowed")
		}
	})
}
