package filters

import (
	"strings"
	"sync"
	"testing"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/schema"
)

var houseTopics = sync.OnceValues(func() (*detect.Topics, error) { return detect.NewTopics(detect.TopicLists{}) })

// lookArgs are what topic and text are built from.
func lookArgs(t testing.TB, reads Reads, options ...NamedArg) *Args {
	t.Helper()
	topics, err := houseTopics()
	if err != nil {
		t.Fatal(err)
	}
	scanner, err := detect.NewScanner("US")
	if err != nil {
		t.Fatal(err)
	}
	return &Args{
		Value: textArg("a.b"), Options: options, Paths: []string{"a.b"}, Types: textType, Reads: reads, Topics: topics, Scanner: scanner,
	}
}

func list(names ...string) Arg {
	a := Arg{Kind: ArgList}
	for _, n := range names {
		a.List = append(a.List, textArg(n))
	}
	return a
}

func TestTopicGivesOnlyOpenNodes(t *testing.T) {
	for _, c := range []struct {
		reads Reads
		in    string
		want  Outcome
		out   string
	}{
		{URLField, "https://www.weather.com/today?x=1", Filled, "Weather"},
		{URLField, "https://sub.kicker.de/", Filled, "Soccer"},
		{URLField, "https://www.pregnancy-tracker.example.com/", Refused, ""},
		{URLField, "https://unknown.example.com/", Refused, ""},
		{URLField, "https://10.0.0.1/", Refused, ""},
		{AppField, "com.king.candycrushsaga", Filled, "Mobile Games"},
		{AppField, "com.littlestork.pregnancytracker", Refused, ""},
		{AppField, "com.unknown.app", Refused, ""},
		{QueryField, "train times", Filled, "Travel Preparation and Advice"},
		{QueryField, "hiv test anonymous", Refused, ""},
		{QueryField, "zzzzzz", Refused, ""},
		{QueryField, "sports", Refused, ""}, // something below it is sensitive
	} {
		b, no := buildTopic(lookArgs(t, c.reads))
		if no != nil {
			t.Fatal(no.Message)
		}
		ev := &Event{}
		var dst schema.Value
		if got := b.Filter.Apply(&dst, []schema.Value{schema.StringValue([]byte(c.in))}, ev); got != c.want || string(dst.Raw) != c.out {
			t.Errorf("%q: %d %q, want %d %q", c.in, got, dst.Raw, c.want, c.out)
		}
		if len(b.Values) > maxTopics || b.Leaves != Closed || b.Distinct != float64(len(b.Values)) {
			t.Errorf("%d values, %v, %v", len(b.Values), b.Leaves, b.Distinct)
		}
		for _, v := range b.Values {
			if n, known := detect.ParseNode(v); !known || !n.Open() {
				t.Errorf("%q is among the values", v)
			}
		}
	}
}

func TestTopicElseStandsForTheUnknownNeverForTheSensitive(t *testing.T) {
	b, no := buildTopic(lookArgs(t, QueryField, opt("oneof", list("Weather")), opt("else", textArg("other")), opt("missing", null)))
	if no != nil {
		t.Fatal(no.Message)
	}
	for _, c := range []struct {
		in   schema.Value
		want Outcome
		out  string
	}{
		{schema.StringValue([]byte("weather this weekend")), Filled, "Weather"},
		{schema.StringValue([]byte("used bikes")), Filled, "other"},
		{schema.StringValue([]byte("zzzz")), Filled, "other"},
		{schema.StringValue([]byte("abortion weather")), Refused, ""},
		{absent, Filled, ""},
		{other, Refused, ""},
	} {
		var dst schema.Value
		if got := b.Filter.Apply(&dst, []schema.Value{c.in}, &Event{}); got != c.want || string(dst.Raw) != c.out {
			t.Errorf("%q: %d %q, want %d %q", c.in.Raw, got, dst.Raw, c.want, c.out)
		}
	}
	if strings.Join(b.Values, "|") != "Weather|other" || b.Distinct != 3 {
		t.Errorf("%v, %v", b.Values, b.Distinct)
	}
}

func TestTopicAndTextAreRefused(t *testing.T) {
	for _, c := range []struct {
		build func(*Args) (*Built, *Refusal)
		reads Reads
		opt   []NamedArg
		want  string
	}{
		{buildTopic, NoneOfThem, nil, "neither the source's `url:`"},
		{buildTopic, URLField, []NamedArg{opt("oneof", list("Judaism"))}, `"Judaism" never leaves: it is a sensitive topic`},
		{buildTopic, URLField, []NamedArg{opt("oneof", list("Sports"))}, `"Sports" never leaves: it is of tier 3 or 4, or some of what lies below it is sensitive`},
		{buildTopic, URLField, []NamedArg{opt("oneof", list("Weather", "Wether"))}, `"Wether" is no name of the IAB Content Taxonomy`},
		{buildTopic, URLField, []NamedArg{opt("oneof", list("Weather", "Weather"))}, "listed twice"},
		{buildTopic, URLField, []NamedArg{opt("oneof", list())}, "oneof takes a list"},
		{buildTopic, URLField, []NamedArg{opt("else", textArg("Islam"))}, `"Islam" never leaves`},
		{buildTopic, URLField, []NamedArg{opt("else", intArg(1))}, "`else` takes `withhold` or a value"},
		{buildText, URLField, nil, "not the source's `query:`"},
		{buildText, QueryField, []NamedArg{opt("missing", textArg("x"))}, "write `missing: null`"},
	} {
		if _, no := c.build(lookArgs(t, c.reads, c.opt...)); no == nil || !strings.Contains(no.Message, c.want) {
			t.Errorf("want %q, got %v", c.want, no)
		}
	}
	a := lookArgs(t, QueryField)
	a.Topics = nil
	if _, no := buildTopic(a); no == nil {
		t.Error("built without lists")
	}
	if _, no := buildText(a); no == nil {
		t.Error("built without lists")
	}
}

func TestTextPassesCommonWordsOnly(t *testing.T) {
	b, no := buildText(lookArgs(t, QueryField))
	if no != nil {
		t.Fatal(no.Message)
	}
	var dst schema.Value
	in := []schema.Value{schema.StringValue([]byte("cheap flights"))}
	if got := b.Filter.Apply(&dst, in, &Event{}); got != Refused {
		t.Fatalf("before Clone: %d %q", got, dst.Raw)
	}
	f := b.Filter.(Cloner).Clone(nil)
	for _, c := range []struct{ in, out string }{
		{"Cheap   FLIGHTS in March!", "cheap flights in march"},
		{"ｂｒｅａｄ rec\u200bipe", "bread recipe"},
		{"flights to Zanzibar", ""},
		{"john smith", ""},
		{"abortion clinic", ""},
		{"pr3gnancy test", ""},
		{"call 212 555 0123", ""},
		{"bread 4", ""},
		{"хлеб", ""},
		{"", ""},
		{strings.Repeat("bread ", 17), ""},
		{strings.Repeat("bread ", 400), ""},
	} {
		ev := &Event{}
		dst = schema.Value{}
		got := f.Apply(&dst, []schema.Value{schema.StringValue([]byte(c.in))}, ev)
		if string(dst.Raw) != c.out || (got == Filled) != (c.out != "") {
			t.Errorf("%q: %d %q, want %q", c.in, got, dst.Raw, c.out)
		}
		if c.out == "" && len(ev.Scratch) != 0 {
			t.Errorf("%q: a refused search stays in the scratch space", c.in)
		}
	}
	if got := f.Apply(&dst, []schema.Value{absent}, &Event{}); got != Missing {
		t.Errorf("absent: %d", got)
	}
}

// The search looks words up by halves: unsorted, it would refuse some.
func TestCommonWordsAreSortedAndNotFew(t *testing.T) {
	words := commonWords()
	if len(words) < 30_000 {
		t.Errorf("%d words", len(words))
	}
	for i, w := range words {
		if i > 0 && words[i-1] >= w {
			t.Fatalf("%q stands after %q", w, words[i-1])
		}
		for _, c := range []byte(w) {
			if c < 'a' || c > 'z' {
				t.Fatalf("%q is no word", w)
			}
		}
	}
}

func TestTopicAndTextAllocateNothing(t *testing.T) {
	topic, _ := buildTopic(lookArgs(t, QueryField))
	text, _ := buildText(lookArgs(t, QueryField))
	lane := text.Filter.(Cloner).Clone(nil)
	in := []schema.Value{schema.StringValue([]byte("weather and bread this weekend in march"))}
	ev := &Event{Scratch: make([]byte, 0, 256)}
	var dst schema.Value
	if n := testing.AllocsPerRun(100, func() {
		ev.Scratch = ev.Scratch[:0]
		topic.Filter.Apply(&dst, in, ev)
		lane.Apply(&dst, in, ev)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if dst.Kind != schema.String {
		t.Error("nothing came out")
	}
}
