package detect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var house = sync.OnceValues(func() (*Topics, error) { return NewTopics(TopicLists{}) })

func topics(t testing.TB) *Topics {
	t.Helper()
	h, err := house()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sharedFile finds a file of the test data that lies beside the repository.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", name))
	if err != nil {
		t.Fatalf("the test data is missing: %s beside the repository", filepath.Join("shared", "data", name))
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := out.ReadFrom(z); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	return raw
}

func TestTextTopics(t *testing.T) {
	for _, c := range []struct{ text, topic string }{
		{"Weather in PARIS", "Weather"}, {"used cars for sale", "Auto Buying and Selling"}, {"wetter", "Weather"}, {"receta de pasta", "Cooking"},
		{"nba scores", "Basketball"}, {"great depression", "History"}, {"pet hospital near me", "Veterinary Medicine"},
		{"health club", "Fitness and Exercise"}, {"kicker.de", "Soccer"}, {"go to www.weather.com please", "Weather"}, {"women's fashion", "Women's Fashion"},
		{"天气", "Weather"}, {"погода", "Weather"},
		{"asdfgh", ""}, {"", ""}, {"...", ""}, {"sports", ""}, {"what kind of glue", ""}, {"else", ""}, {"hydrogen bonds", ""}, {"jessica rabbit", ""},
	} {
		if n, no := topics(t).Text([]byte(c.text)); no || n.String() != c.topic {
			t.Errorf("%q: %s, sensitive %v; want %q", c.text, n, no, c.topic)
		}
	}
}

func TestSensitiveTexts(t *testing.T) {
	for _, c := range []struct{ text, class string }{
		{"am i pregnant", "pregnancy"}, {"hiv test anonymous", "health"}, {"gay bars near me", "sexuality"}, {"mosque prayer times", "religion"},
		{"which party should i vote for", "politics"}, {"how to join a trade union", "union"}, {"debt consolidation loan", "debt"},
		{"online casino bonus", "gambling"}, {"dating site", "dating"}, {"kindergarten near me", "children"}, {"native american tribe", "ethnicity"},
		{"alcoholics anonymous", "addiction"}, {"where to buy a gun", "weapons"}, {"asylum application", "immigration"},
		{"domestic violence shelter", "crime"}, {"free porn", "adult"}, {"divorce papers", "family"}, {"spy on my wife phone", "surveillance"},
		{"terrorism", "violence"},
		// other languages
		{"schwangerschaftstest", "pregnancy"}, {"prueba de embarazo", "pregnancy"}, {"avortement", "pregnancy"}, {"aborto", "pregnancy"},
		{"zwanger", "pregnancy"}, {"w ciąży", "pregnancy"}, {"hamilelik testi", "pregnancy"}, {"беременность", "pregnancy"}, {"怀孕", "pregnancy"},
		{"妊娠検査", "pregnancy"}, {"임신", "pregnancy"}, {"हनुमान मंदिर", "religion"}, {"مسجد", "religion"}, {"gewerkschaft", "union"},
		{"surendettement", "debt"}, {"kościół", "religion"}, {"Ärztin", "health"},
		// beside a harmless phrase
		{"great depression and my depression", "health"}, {"star wars porn", "adult"}, {"abortion weather", "pregnancy"},
		// hidden
		{"p r e g n a n t", "pregnancy"}, {"p.r.e.g.n.a.n.t", "pregnancy"}, {"test p-r-e-g-n-a-n-c-y now", "pregnancy"}, {"pr3gnant", "pregnancy"},
		{"p0rn", "adult"}, {"@bortion", "pregnancy"}, {"ca$ino", "gambling"}, {"preg\u200bnant", "pregnancy"}, {"pre\u00adgnant", "pregnancy"},
		{"рrеgnаnt", "pregnancy"}, {"ｐｒｅｇｎａｎｔ", "pregnancy"}, {"𝓹𝓻𝓮𝓰𝓷𝓪𝓷𝓽", "pregnancy"}, {"ⓟⓡⓔⓖⓝⓐⓝⓣ", "pregnancy"}, {"p̷r̷e̷g̷n̷a̷n̷t̷", "pregnancy"},
		{"%70%72%65gnant", "pregnancy"}, {"%2570regnant", "pregnancy"}, {`\u0070regnant`, "pregnancy"}, {"PREGNANT", "pregnancy"},
		{"https://example.com/a/pregnancy-test?x=1", "pregnancy"}, {"www.pornhub.com", "adult"},
		{strings.Repeat("weather ", 100) + "abortion", "pregnancy"},
	} {
		if n, no := topics(t).Text([]byte(c.text)); !no || n.String() != c.class {
			t.Errorf("%q: %s, sensitive %v; want %s", c.text, n, no, c.class)
		}
	}
	if n, no := topics(t).Text(bytes.Repeat([]byte("a "), maxTopicText)); !no || n != classUnreadable {
		t.Errorf("a text that is too long: %s, %v", n, no)
	}
}

func TestDomains(t *testing.T) {
	for _, c := range []struct {
		host, topic string
		sensitive   bool
	}{
		{"weather.com", "Weather", false}, {"a.b.weather.com", "Weather", false}, {"mail.google.com", "Communication", false},
		{"notweather.com", "", false}, {"localhost", "", false}, {"", "", false}, {".", "", false},
		{"tumblr.com", "Communication", false}, {"www.tumblr.com", "Communication", false},
		{"somebody.fandom.com", "", false}, {"fandom.com", "Video Game Genres", false}, {"somebody.blogspot.com", "", false}, {"blogspot.com", "Content Production", false}, // strangers have names below these
		{"plannedparenthood.org", "health", true}, {"m.pornhub.com", "adult", true}, {"pornhub.com.", "adult", true}, {"anything.casino", "gambling", true},
		{"sexshop.example.com", "adult", true}, {"my-pregnancy-tracker.com", "pregnancy", true}, {"adultdating.com", "dating", true},
		{"dating.example.de", "dating", true}, {"essex.example.com", "", false}, {"updating.example.com", "", false}, {"dating.weather.com", "dating", true},
		{strings.Repeat("a.", 127) + "aa", "unreadable", true},
	} {
		if n, no := topics(t).Domain([]byte(c.host)); no != c.sensitive || n.String() != c.topic {
			t.Errorf("%s: %s, sensitive %v; want %s, %v", c.host, n, no, c.topic, c.sensitive)
		}
	}
}

func TestApps(t *testing.T) {
	for _, c := range []struct {
		id, topic string
		sensitive bool
	}{
		{"com.whatsapp", "Communication", false}, {"com.king.anything", "Mobile Games", false}, {"COM.Spotify.Music", "Music", false},
		{"com.whatsapp.other", "", false}, {"com.unknown.thing", "", false}, {"", "", false},
		{"com.littlestork.pregnancytracker", "pregnancy", true}, {"com.dailyverse.bible", "religion", true}, {"com.luckyspin.casino", "gambling", true},
		{"org.prayertimes.muslim", "religion", true}, {"com.heartlane.dating", "dating", true}, {"com.soberdays.addiction", "addiction", true},
		{"com.grindrapp.android", "sexuality", true}, {"com.tinder", "dating", true}, {"com.king.casino", "gambling", true},
		{strings.Repeat("a", 254), "unreadable", true},
	} {
		if n, no := topics(t).App([]byte(c.id)); no != c.sensitive || n.String() != c.topic && c.topic != "" {
			t.Errorf("%s: %s, sensitive %v; want %s, %v", c.id, n, no, c.topic, c.sensitive)
		}
	}
}

// specialCategories are those of the UT1 lists that are nobody's business, see docs/topics.md.
var specialCategories = []string{"astrology", "child", "dating", "drogue", "gambling", "hacking", "lingerie", "mixed_adult", "sect", "sexual_education", "stalkerware"}

func TestEverySpecialDomainIsSensitive(t *testing.T) {
	recs, err := csv.NewReader(bytes.NewReader(sharedFile(t, "ref_domain_categories/ut1_domains_a.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range recs[1:] {
		if !slices.Contains(specialCategories, r[1]) {
			continue
		}
		n++
		for _, host := range []string{r[0], "www." + r[0]} {
			if _, no := topics(t).Domain([]byte(host)); !no {
				t.Errorf("%s (%s) is not sensitive", host, r[1])
			}
		}
	}
	if n < 4000 {
		t.Errorf("%d special domains", n)
	}
}

func TestAdultTermsAreSensitive(t *testing.T) {
	for line := range strings.Lines(string(sharedFile(t, "ref_sensitive_terms/ldnoobw_en.txt"))) {
		line = strings.TrimSpace(line)
		if fold(line) == "" {
			continue // an emoji
		}
		if _, no := topics(t).Text([]byte(line)); !no {
			t.Errorf("%q is not sensitive", line)
		}
	}
}

// An independent list of topics that its makers chose because they are harmless. Those denied are denied on purpose:
// health, politics and children are on the house list.
func TestHarmlessTopicsAreSeldomDenied(t *testing.T) {
	r := csv.NewReader(bytes.NewReader(sharedFile(t, "ref_google_topics/topics_taxonomy_v2.csv")))
	r.FieldsPerRecord = -1
	recs, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	denied, known := 0, 0
	for _, rec := range recs[1:] {
		leaf := rec[1][strings.LastIndexByte(rec[1], '/')+1:]
		n, no := topics(t).Text([]byte(leaf))
		switch {
		case no:
			denied++
			t.Logf("denied: %s (%s)", leaf, n)
		case n.Open():
			known++
		}
	}
	if total := len(recs) - 1; denied*100 > total*4 || known*100 < total*75 {
		t.Errorf("of %d topics %d are denied and %d have an open node", total, denied, known)
	}
}

// Real searches: most of what has an open node must not shrink unnoticed.
func TestSharesOfRealSearches(t *testing.T) {
	denied, known, n := 0, 0, 0
	sc := bufio.NewScanner(bytes.NewReader(sharedFile(t, "queries_trec_million/queries_1_20000.jsonl.gz")))
	for sc.Scan() {
		var q struct{ Query string }
		if err := json.Unmarshal(sc.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		n++
		switch node, no := topics(t).Text([]byte(q.Query)); {
		case no:
			denied++
		case node.Open():
			known++
		}
	}
	t.Logf("%d searches: %.1f %% denied, %.1f %% with an open node", n, 100*float64(denied)/float64(n), 100*float64(known)/float64(n))
	if n != 20_000 || denied < n*28/100 || denied > n*40/100 || known < n*18/100 {
		t.Errorf("%d searches: %d denied, %d with an open node", n, denied, known)
	}
}

func TestOperatorsOnlyAdd(t *testing.T) {
	h, err := NewTopics(TopicLists{
		Domains:      []TopicEntry{{"example.com", "Weather"}, {"pornhub.com", "Weather"}, {"weather.com", "withhold"}, {"github.io", "Computing"}},
		Apps:         []TopicEntry{{"com.example.*", "Soccer"}, {"com.tinder", "Soccer"}, {"com.whatsapp", "health"}},
		Terms:        []TopicEntry{{"frobnicate*", "Soccer"}, {"abortion", "Soccer"}, {"abortion clinic", "Soccer"}, {"paris", "Judaism"}},
		AlsoWithhold: []string{"Automotive"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		look      func([]byte) (Node, bool)
		in, topic string
		sensitive bool
	}{
		{h.Domain, "a.example.com", "Weather", false}, {h.Domain, "pornhub.com", "adult", true}, {h.Domain, "weather.com", "withheld", true},
		{h.Domain, "github.io", "Computing", false}, {h.Domain, "alice.github.io", "", false},
		{h.App, "com.example.x", "Soccer", false}, {h.App, "com.tinder", "dating", true}, {h.App, "com.whatsapp", "health", true},
		{h.Text, "frobnicated", "Soccer", false}, {h.Text, "abortion", "pregnancy", true}, {h.Text, "abortion clinic", "pregnancy", true},
		{h.Text, "weather in paris", "Judaism", true}, {h.Text, "used cars", "Auto Buying and Selling", true},
	} {
		if n, no := c.look([]byte(c.in)); no != c.sensitive || n.String() != c.topic {
			t.Errorf("%s: %s, %v; want %s, %v", c.in, n, no, c.topic, c.sensitive)
		}
	}
}

func TestWrongListsNameTheirEntry(t *testing.T) {
	ok := TopicEntry{"x.example", "Weather"}
	for _, c := range []struct {
		lists TopicLists
		list  string
		index int
		want  string
	}{
		{TopicLists{Domains: []TopicEntry{ok, {"x.com", "Wether"}}}, "domains", 1, "neither a node"},
		{TopicLists{Domains: []TopicEntry{{"https://x.com", "Weather"}}}, "domains", 0, "no host name"},
		{TopicLists{Domains: []TopicEntry{{"bücher.de", "Weather"}}}, "domains", 0, "xn--"},
		{TopicLists{Apps: []TopicEntry{{"com.*.x", "Weather"}}}, "apps", 0, "no app id"},
		{TopicLists{Terms: []TopicEntry{{"!", "Weather"}}}, "terms", 0, "fewer than two"},
		{TopicLists{Terms: []TopicEntry{{"ab*", "Weather"}}}, "terms", 0, "too short"},
		{TopicLists{Terms: []TopicEntry{{"a b c d e f g h i", "Weather"}}}, "terms", 0, "too long"},
		{TopicLists{AlsoWithhold: []string{"health"}}, "also_withhold", 0, "no node"},
	} {
		_, err := NewTopics(c.lists)
		bad := (*TopicError)(nil)
		if !errors.As(err, &bad) || bad.List != c.list || bad.Index != c.index || !strings.Contains(bad.Error(), c.want) {
			t.Errorf("%+v: %v", c.lists, err)
		}
	}
}

// Every line of the house's own lists is worth something: what it lists is found, as what it says.
func TestListsAreFoundAsTheySay(t *testing.T) {
	h := topics(t)
	for _, c := range []struct {
		file string
		look func([]byte) (Node, bool)
	}{{"topics_domains.tsv", h.Domain}, {"topics_apps.tsv", h.App}, {"topics_terms.tsv", h.Text}} {
		for node, item := range items(c.file) {
			if n, no := c.look([]byte(strings.TrimPrefix(strings.TrimSuffix(item, ".*"), "="))); no || n.String() != node && !strings.HasSuffix(item, "*") {
				t.Errorf("%s: %s is %s, sensitive %v; the list says %s", c.file, item, n, no, node)
			}
			if n, known := ParseNode(node); !known || !n.Open() && n.Sensitive() {
				t.Errorf("%s: %s never leaves", c.file, node)
			}
		}
	}
	for _, c := range []struct {
		file string
		look func([]byte) (Node, bool)
	}{{"topics_domains_denied.tsv", h.Domain}, {"ut1_special.tsv", h.Domain}, {"topics_apps_denied.tsv", h.App}} {
		for class, item := range items(c.file) {
			if _, no := c.look([]byte(strings.TrimSuffix(item, ".*"))); !no {
				t.Errorf("%s: %s (%s) is not sensitive", c.file, item, class)
			}
		}
	}
}

func TestTopicsAllocateNothing(t *testing.T) {
	h := topics(t)
	text, host, app, odd := []byte("how to descale a coffee machine at home"), []byte("www.some.shop.example.com"), []byte("com.example.shop"), []byte("pr3gn\u0430nt ｐ r e g")
	rest, ace := []byte("/maps/place/paris?q=a%20b&u=https%3A%2F%2Fexample.com"), []byte("xn--bcher-kva.example")
	if n := testing.AllocsPerRun(100, func() {
		h.Text(text)
		h.Domain(host)
		h.App(app)
		h.Text(odd)
		h.Rest(rest)
		h.Domain(ace)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTopics(f *testing.F) {
	for _, s := range []string{"", "weather", "pr3gnancy", "%25%", `\u00`, "a.b", ".", "\xff\xfe", "p r e g", "\u200b", "ﷺ", "..com", strings.Repeat("a.", 300), "great depression", "xn--", "a.xn--bcher-kva.de", "xn--99zzz9"} {
		f.Add([]byte(s))
	}
	h := topics(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, look := range []func([]byte) (Node, bool){h.Text, h.Domain, h.App, h.Rest} {
			n, no := look(b)
			if no && (n == 0 || n.String() == "") || !no && n.Sensitive() || !no && n != 0 && iab().nodes[n].tier > 2 {
				t.Errorf("%d, sensitive %v", n, no)
			}
		}
		// What is sensitive stays so with words around it that no list knows.
		if n, no := h.Text(b); no && n != classUnreadable && len(b) < 1000 && len(b) > 0 {
			if _, still := h.Text([]byte("zqzqzq " + string(b) + " zqzqzq")); !still {
				t.Error("words around it hide a sensitive topic")
			}
		}
		if words, ok := AppendWords(nil, b); ok {
			for _, c := range words {
				if c != ' ' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
					t.Errorf("byte %x in the words", c)
				}
			}
		}
	})
}

func BenchmarkTopics(b *testing.B) {
	h := topics(b)
	for _, c := range []struct {
		name string
		look func([]byte) (Node, bool)
		in   string
	}{
		{"text40", h.Text, "how to descale a coffee machine at home!"},
		{"text40_hidden", h.Text, "how to d3scale a cоffee m a c h i n e at"},
		{"domain", h.Domain, "www.some.shop.example.com"}, {"domain_listed", h.Domain, "www.weather.com"},
		{"app", h.App, "com.example.shop"}, {"app_listed", h.App, "com.king.candycrushsaga"},
		{"hostile1MB", h.Text, strings.Repeat("pregnanc", 1<<17)}, {"hostile16k", h.Text, strings.Repeat("1 n t e r r a c i a", 1<<10)[:16<<10]},
	} {
		b.Run(c.name, func(b *testing.B) {
			in := []byte(c.in)
			b.ReportAllocs()
			for b.Loop() {
				c.look(in)
			}
		})
	}
}
