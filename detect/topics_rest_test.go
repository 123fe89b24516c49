package detect

// What a URL says behind its host, hosts in punycode, and app ids as systems write them.

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
)

func TestRestOfURLs(t *testing.T) {
	for _, c := range []struct{ rest, class string }{
		{"/wiki/Abortion", "pregnancy"}, {"/wiki/Abortion_in_the_United_States", "pregnancy"}, {"/search?q=am+i+pregnant", "pregnancy"},
		{"/search?q=%61bortion&hl=en", "pregnancy"}, {"/search?q=%2561bortion", "pregnancy"}, {"?q=hiv%20test", "health"}, {"#/gay-bars", "sexuality"},
		{"/r/depression/", "health"}, {"/topics/abortion.html", "pregnancy"}, {"/a;b=abortion", "pregnancy"},
		{"/wiki/%D0%91%D0%B5%D1%80%D0%B5%D0%BC%D0%B5%D0%BD%D0%BD%D0%BE%D1%81%D1%82%D1%8C", "pregnancy"},
		{"/url?q=https%3A%2F%2Fwww.pornhub.com%2F", "adult"}, {"/url?q=https%3A%2F%2Ftinder.com", "dating"}, {"/l.php?u=https://tinder.com/x", "dating"},
		{"/" + strings.Repeat("a/", maxTopicText), "unreadable"},
	} {
		if n, no := topics(t).Rest([]byte(c.rest)); !no || n.String() != c.class {
			t.Errorf("%.40q: %s, %v; want %s", c.rest, n, no, c.class)
		}
	}
	for _, clean := range []string{"", "/", "/weather/paris?unit=c", "/p/5ex-a55-b00b5", "/watch?v=dQw4w9WgXcQ", "/wiki/Great_Depression", "/index.html", "/%", "/%zz%4"} {
		if n, no := topics(t).Rest([]byte(clean)); no {
			t.Errorf("%q: denied as %s", clean, n)
		}
	}
}

// Real visits: what their paths and queries deny beyond their hosts. The publisher put random words for many paths.
func TestRestSeldomDenies(t *testing.T) {
	recs, err := csv.NewReader(bytes.NewReader(sharedFile(t, "web_visits_webtrackr/visits.csv.gz"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	hosts, more, n := 0, 0, 0
	by := map[string]int{}
	for _, r := range recs[1:] {
		url := r[3]
		_, after, ok := strings.Cut(url, "://")
		if !ok {
			continue
		}
		n++
		end := strings.IndexAny(after, "/?#")
		if end < 0 {
			end = len(after)
		}
		if _, no := topics(t).Domain([]byte(after[:end])); no {
			hosts++
		} else if c, no := topics(t).Rest([]byte(after[end:])); no {
			more++
			by[c.String()]++
		}
	}
	t.Logf("%d visits: %d denied by the host, %d more by the rest: %v", n, hosts, more, by)
	if n < 20_000 || more*100 > 3*n {
		t.Errorf("of %d visits %d are denied by what stands behind the host", n, more)
	}
}

func TestHostsInPunycode(t *testing.T) {
	for _, c := range []struct {
		host, class string
	}{
		{"xn--90aiaa8ahaimql4j.xn--p1ai", "pregnancy"}, // беременность.рф
		{"www.xn--schwangerschaft-bro-mbc.de", "pregnancy"},
		{"xn--pregnncy-dza.example", "pregnancy"}, // pregnáncy
		{"xn--99999999.example", "unreadable"},
	} {
		if n, no := topics(t).Domain([]byte(c.host)); !no || n.String() != c.class {
			t.Errorf("%s: %s, %v; want %s", c.host, n, no, c.class)
		}
	}
	for _, clean := range []string{"xn--bcher-kva.example", "xn--mnchen-3ya.de"} {
		if n, no := topics(t).Domain([]byte(clean)); no {
			t.Errorf("%s is denied: %s", clean, n)
		}
	}
}

func TestAppIdsAsSystemsWriteThem(t *testing.T) {
	for _, id := range []string{
		"com.tinder:push", "com.tinder/.MainActivity", "package:com.tinder", "android-app://com.tinder/https/x", " com.tinder ", "com.tinder.", "COM.TINDER",
		"com.tinder\x00", "com.dave.beta", "com.her:remote", "ｃｏｍ．ｈｅｒ", "com.her\u200b",
	} {
		if _, no := topics(t).App([]byte(id)); !no {
			t.Errorf("%q is not sensitive", id)
		}
	}
	if n, no := topics(t).App([]byte("com.whatsapp:remote")); no || n.String() != "Communication" {
		t.Errorf("a process of an app: %s, %v", n, no)
	}
}

// Of some letters of other alphabets only the capital, or only the small one, looks like a Latin letter: terms are found
// in every case.
func TestTermsInEveryCase(t *testing.T) {
	title := func(s string) string {
		r := []rune(s)
		return string(unicode.ToUpper(r[0])) + string(r[1:])
	}
	for class, term := range items("topics_terms_denied.tsv") {
		term = strings.Trim(term, "*")
		if _, no := topics(t).Text([]byte(term)); !no {
			continue // excused by a longer term
		}
		for _, text := range []string{title(term), strings.ToUpper(term)} {
			if _, no := topics(t).Text([]byte(text)); !no {
				t.Errorf("%q (%s) is not sensitive", text, class)
			}
		}
	}
}
