package detect

import (
	"bytes"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

func TestClassWords(t *testing.T) {
	seen := map[string]bool{}
	for c := range NumClasses {
		name := c.String()
		back, ok := ParseClass(name)
		if name == "" || seen[name] || !ok || back != c {
			t.Errorf("class %d: %q", c, name)
		}
		seen[name] = true
	}
	if _, ok := ParseClass("Email"); ok {
		t.Error("the words of classes are in lower case")
	}
	if h := hit(Card, IMEI); h.First() != Card || h.String() != "card,imei" || !h.Has(IMEI) || h.Has(Phone) {
		t.Errorf("%v", h)
	}
	if Hits(0).First() != NumClasses || NumClasses.String() != "unknown" || allHits.Has(NumClasses) {
		t.Error("the empty set has no first class")
	}
}

// TestSearchesNameEveryClass: a class without a search would be looked for in vain.
func TestSearchesNameEveryClass(t *testing.T) {
	var all Hits
	for _, s := range searches {
		all |= s.classes
		if s.needs == 0 || s.find == nil {
			t.Errorf("%v: no prefilter or no search", s.classes)
		}
	}
	if all != allHits {
		t.Errorf("nobody looks for %v", allHits&^all)
	}
}

func TestUnknownRegion(t *testing.T) {
	for _, region := range []string{"", "us", "XX", "001", "USA"} {
		if s, err := NewScanner(region); err == nil || s != nil {
			t.Errorf("%q: %v", region, err)
		}
	}
}

// TestNothingExcluded: what is too long, or holds more candidates than may be tried, is not clean.
func TestNothingExcluded(t *testing.T) {
	s := newScanner(t)
	long := bytes.Repeat([]byte("word "), maxValue/5+1)
	if got := s.Scan(long[:maxValue]); got != 0 {
		t.Errorf("a long clean text: %v", got)
	}
	if got := s.Scan(long[:maxValue+1]); got != allHits {
		t.Errorf("a text that is not looked at: %v", got)
	}
	if got := s.Scan(bytes.Repeat([]byte("3 "), maxValue/2)); got == 0 {
		t.Error("a text of nothing but candidates is clean")
	}
	if got := s.Scan([]byte("best hiking trails")); got != 0 {
		t.Errorf("the scanner remembers: %v", got)
	}
}

// TestFoundAnywhere: what is longer than a sequence, and what stands at its cuts, is found nevertheless.
func TestFoundAnywhere(t *testing.T) {
	s := newScanner(t)
	for n := range 400 {
		text := strings.Repeat("1 ", n) + "4111 1111 1111 1111" + strings.Repeat(" 1", 400-n)
		if !s.Scan([]byte(text)).Has(Card) {
			t.Errorf("behind %d numbers", n)
		}
		text = strings.Repeat("lorem ipsum ", 10*n) + "+41227305989"
		if !s.Scan([]byte(text)).Has(Phone) {
			t.Errorf("behind %d words", 20*n)
		}
	}
}

// TestClones: clones share what is read only; they may be used at once.
func TestClones(t *testing.T) {
	s := newScanner(t)
	var group sync.WaitGroup
	for i := range 8 {
		lane := s.Clone()
		group.Go(func() {
			for k := range 200 {
				text := fmt.Sprintf("+4%d 22 730 59%02d ４１１１ 1111 1111 1111", i%2+1, k%100)
				if !lane.Scan([]byte(text)).Has(Card) {
					t.Error("a clone does not see what its original does")
					return
				}
			}
		})
	}
	group.Wait()
}

// TestNormalized pins the plain forms.
func TestNormalized(t *testing.T) {
	for in, want := range map[string]string{
		"Plain ASCII-text": "plain ascii-text", "ＦＵＬＬ１２": "full12", "٠١٢٣٤٥٦٧٨٩": "0123456789", "०१२३४५६७८९": "0123456789", "𝟎𝟏𝟐 𝟗": "012 9", "²₃①⑳": "23120",
		"Ａ\u200bＢ\u00ad\ufeffC\u2060": "abc", "сосо": "coco", "РАУ": "pay", "Ｐａｙ": "pay", "é\u0301e\u0301": "ee", "Größe": "große", "a\u0336b\u0336": "ab",
		"1\u00a02\u20093\u3000": "1 2 3 ", "1–2—3−4‐5": "1-2-3-4-5", "a。b．c": "a.b.c", "1⁄2∕3": "1/2/3", "＠﹫": "@@", "ﬁ": "fi", "日本語": "日本語", "한국": "한국",
		"\xff\xfe": "  ", "a\xc3": "a ", "\xed\xa0\x80": "   ", "a\ufffd": "a ", "㎏": "kg", "½": "1/2", "🄰": "a", "ℙ": "p", "º": "°",
	} {
		if got := string(normalized(nil, []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestUnescaped(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "%41%6a": "Aj", "%": "%", "%4": "%4", "%zz": "%zz", "100%25": "100%", `\u0041\u00e9`: "Aé", `\u{1F600}`: "😀", `\ud83d\ude00`: "😀",
		`\ud83d`: "\ufffd", `\x41\U00000042`: "AB", `\u004`: `\u004`, `\U7fffffff`: `\U7fffffff`, "%u0041": "A", "&#65;&#x42;": "AB", "&#;": "&#;", "&#65": "&#65", "&amp;": "&", "&commat;": "@", "&eacute;": "&eacute;", "&amp": "&amp", "AT&T": "AT&T",
		"%2541": "%41", "%41%": "A%",
	} {
		if got := string(appendUnescaped(nil, []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if escaped([]byte(in)) != (in != want) {
			t.Errorf("%q: escaped %v", in, in == want)
		}
	}
}

func TestBase64Found(t *testing.T) {
	for in, want := range map[string]string{
		"aGVsbG8gd29ybGQ=": "hello world\n", "aGVsbG8gd29ybGQ": "hello world\n", "d=aGVsbG8gd29ybGQ&e": "hello world\n", "/a/aGVsbG8gd29ybGQ/b": "hello world\n",
		"aGVsbG8": "", "international": "", "AAAAAAAAAAAA": "", "": "", "4pyTIMOgIGxhIG1vZGU": "✓ à la mode\n", "4pyT4pyT4pw": "",
	} {
		if got := string(appendBase64(nil, []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestPlansAgreeWithTheLibrary holds the automata against libphonenumber's own verdict, over numbers near its examples.
func TestPlansAgreeWithTheLibrary(t *testing.T) {
	plans, err := loadPlans()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(1))
	valids := 0
	for code, p := range plans.byCode {
		if p == nil {
			continue
		}
		for range 60 {
			national := exampleNear(r, code)
			n, err := phonenumbers.Parse(fmt.Sprintf("+%d%s", code, national), "ZZ")
			want := err == nil && phonenumbers.IsValidNumber(n) && phonenumbers.GetNationalSignificantNumber(n) == national
			if want {
				valids++
			}
			if got := fullNumber(p, national); got != want && !(err == nil && phonenumbers.IsValidNumber(n)) {
				t.Errorf("+%d %s: %v, the library says %v", code, national, got, want)
			}
		}
	}
	if valids < 3000 {
		t.Errorf("only %d valid numbers were tried", valids)
	}
}

// exampleNear changes the last digits of an example number of the country, or makes any number.
func exampleNear(r *rand.Rand, code int) string {
	n := phonenumbers.GetExampleNumberForNonGeoEntity(code)
	if regions := phonenumbers.GetRegionCodesForCountryCode(code); len(regions) > 0 && regions[0] != "001" {
		kind := phonenumbers.PhoneNumberType(r.Intn(2))
		n = phonenumbers.GetExampleNumberForType(regions[r.Intn(len(regions))], kind)
	}
	if n == nil || r.Intn(6) == 0 {
		return fmt.Sprint(1+r.Intn(9)) + randomDigits(r, 3+r.Intn(10))
	}
	s := phonenumbers.GetNationalSignificantNumber(n)
	k := 1 + r.Intn(4)
	return s[:len(s)-min(k, len(s)-1)] + randomDigits(r, min(k, len(s)-1))
}

func fullNumber(p *plan, national string) bool {
	states := p.automaton()
	state := uint16(1)
	for _, c := range []byte(national) {
		state = states[state].next[c-'0']
	}
	return state != 0 && states[state].full
}

// FuzzScan: no text makes the scanner panic, remember, or work more than it may; and what is found in a text is found in
// it percent-encoded.
func FuzzScan(f *testing.F) {
	for _, text := range slowTexts(300) {
		f.Add([]byte(text))
	}
	for _, text := range []string{"+41 22 730 5989", "4111-1111-1111-1111", "aGVsbG8gOC44LjguOA==", "%2541", `\ud83d\u`, "DE89 3704 0044 0532 0130 00", "[::ffff:1.2.3.4]", "０x７f", "d0:50:99:84:a2:a0"} {
		f.Add([]byte(text))
	}
	s, err := NewScanner("US")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		hits := s.Scan(value)
		if !bytes.Equal(value, before) {
			t.Fatal("the value was changed")
		}
		if hits&^allHits != 0 || s.Clone().Scan(value) != hits {
			t.Fatal("a second look sees something else")
		}
		if len(s.now.text) > 3*len(value) || len(s.now.num) != len(s.now.text) {
			t.Fatal("a reading is longer than three times the value")
		}
		if utf8.Valid(value) && !bytes.ContainsAny(value, `%\&`) && len(value) < 4096 && hits != 0 && s.Scan([]byte(percentAll(string(value)))) == 0 {
			t.Fatalf("%v is not seen through percent signs", hits)
		}
	})
}
