package detect

// The classes that are made of text, example by example: what must hit, and what looks alike and must not.

import (
	"os"
	"strings"
	"testing"
)

func TestTextHits(t *testing.T) {
	s := newScanner(t)
	for class, texts := range map[Class][]string{
		Email: {
			"ann@example.org", "Ann Lee <ann.lee@example.org>", "ann.lee@sub.example.co.uk.", "ann at example.org",
			"ann at example dot org", "ann (at) example (dot) org", "ann[at]example[dot]org", "ann {at} example.org", "ann_at_example_dot_org",
			"ann%40example.org", "ann&#64;example.org", "ann＠example．org", "аnn@ехаmрlе.оrg", "a\u200bnn@exam\u00adple.org", "почта@пример.рф",
			"mailto:ann@example.org?subject=x", `"ann lee"@example.org`, "ann(home)@example.org", "ann@[192.0.2.1]", "ann @ example . org",
			"YW5uQGV4YW1wbGUub3Jn", `ann\u0040example.org`, "ann%2540example.org", "write to ann@example.museum today", "ann+shop@example.online",
			"@ann@social.example.org", "ann(@)example.org", "ann@@example.org", "ann@localhost.lan",
		},
		Coordinates: {
			"40.7128,-74.0060", "40.7128 -74.0060", "-74.006/40.713", "lat=40.71&lon=-74.00", `{"lat":40.7128,"lng":-74.006}`, "40,7128; -74,0060",
			"40°42'46\"N 74°00'22\"W", "40° 42′ 46″ N, 74° 0′ 22″ W", "N 40° 42.767 W 074° 00.367", "40 42 46 N 74 00 22 W", "404246N0740022W", "40.7128° N, 74.0060° W",
			"POINT(-74.006 40.7128)", "POINT (-74 40)", "SRID=4326;POINT Z(-74.0 40.7 3)", "geo:40.7,-74.0;u=35", "geo:40,-74", "@40.7128,-74.0060,15z", "@40.71,-74.01", "+40.7128-074.0060/",
			`"coordinates":[-74.0,40.7]`, "ll=40.71,-74.00", "latitude: 40.7128, longitude: -74.0060", "４０.７１２８，-７４.００６０", "q=40.7128%2C-74.0060", "4O.7128, -74.OO6O",
		},
		Geocode: {
			"87G8P27Q+2C", "87g8p27q+2c", "87G8P27Q%2B2C", "87G8P200+", "P27Q+2C new york", "///filled.count.soap", "meet at ///über.größe.straße", "https://w3w.co/filled.count.soap",
			"geohash dr5reg", "geohash:dr5regw3p", "gh=u4pruydqqvj", "geo: dr5regw", "loc=u4pruyd", `{"geohash":"dr5regw"}`, "https://geohash.org/u4pruydqqvj", "u4pruydqqvj (geohash)", "my geohash is 9q8yyk",
		},
		Token: {
			"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "Bearer abcdef0123456789abcdef", "AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
			"JSESSIONID=0a1b2c3d4e5f", "PHPSESSID: el4ukv0kqbvoirg7nkp4dncpk3", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "dGhpcyBpcyBub3Q5K8/hw2Pz0fXq", "api_key=9f8e7d6c5b4a", "https://example.com/?access_token=ya29.a0AfH6SMBx1234567890",
			"password: hunter22", "kX9bQ2vT7mZ4pL8sW1cR6nY3",
		},
		ClickID: {
			"gclid=Cj0KCQjwabcdef", "https://example.com/?a=1&fbclid=IwAR0123456789", "msclkid: 0123456789abcdef", "ttclid=E.C.P.abcdefghij", `{"yclid":"1234567890123"}`,
			"GBRAID=0AAAAADrDXxEabc", "wbraid%3DCjkKCQjwabcdef", "twclid=2-abcdefghijkl", "dclid CJKu8cHs1234", "gclid abc123def456",
		},
		URLUserinfo: {
			"https://ann@example.org/", "ftp://ann:secret@192.0.2.1/x", "http://:secret@host", "postgres://u:p%40ss@db.internal:5432/x", "//ann@host/path", "redis://default:a@b@localhost", "see https://ann:pw@[2001:db8::1]:80/ now",
			"hxxps://ann:pw@host",
		},
		NameLine: {
			"John Smith", "john smith", "SMITH, JOHN", "Dr. Mary A. Johnson", "Maria Garcia-Lopez", "Patrick O'Brien", "Patrick O’Brien", "Grace Young", "José García", "john.smith", "john_smith", "John+Smith",
			"Jon Ｓｍｉｔｈ", "Juan de la Cruz", "Sm9obiBTbWl0aA==", "smith john", "Mrs Linda Martinez Jr.",
		},
		StreetAddress: {
			"101 Main St", "101 main street", "1600 Pennsylvania Ave NW", "350 Fifth Avenue, New York", "123 N 5th St Apt 4", "221B Baker Street", "45 Broadway", "12-14 Oak Road", "504 parkwood drive", "3 elm boulevard",
			"1987 Spruce Dr, Apt 17", "checkout the new place at 101 main st.", "101+main+st", "PO Box 123456", "hey p.o. box 234234 hey", "7 Whitechapel, London E1 6AN", "12 Yonge, Toronto M5B 1M4", "12 rue de Rivoli",
			"Hauptstraße 5, 10115 Berlin", "Musterstr. 12", "Calle Mayor 5", "10 Kings Cross, Austin TX 78701", "1234 Highway 66", "100 County Road 12", "123 Dr Martin Luther King Jr Blvd", "500 S Buena Vista St",
		},
	} {
		for _, text := range texts {
			if hits := s.Scan([]byte(text)); !hits.Has(class) {
				t.Errorf("%s: %q hits %q", class, text, hits)
			}
		}
	}
}

func TestTextMisses(t *testing.T) {
	s := newScanner(t)
	for _, text := range []string{
		"", " ", "@", "@ann", "@iana.org", "a @ b", "look at the sun", "meet me at noon", "5 @ 3", "ann@", "arrive at 5. In the morning", "(at)",
		"3.141 versus 2.718281", "version 1.234.567", "12.5, 7.5", "40.7128", "1.5 to 2.5 km", "95.123 200.456", "20 N 30 people", "10 s 20 w",
		"loc: london", "geo targeting", "location services", "2356+78", "c++ and c#", "file:///home.dir.x/y", "https://example.com/a.b.c", "gh pages", "89c25", "8a2a1072b59ffff",
		"internationalization and localization", "com.example.android.application.MainActivity", "https://www.example.com/products/category/running-shoes-for-men", "thequickbrownfoxjumpsoverthelazydog",
		"TheQuickBrownFoxJumpsOverTheLazyDog", "iphone14promax256gbunlocked", "this-is-a-long-slug-with-many-words-2024", "eyjafjallajokull", "token economy", "password manager", "session times 2026", "the secret garden",
		"what is a gclid parameter", "gclid", "fbclid=1", "gclid=", "https://medium.com/@writer/story", "https://example.com/?q=a@b", "http://example.com", "s://", "//",
		"new york", "summer camp", "may day", "virginia beach", "paris hotel", "rose garden", "hong kong", "santa cruz", "west virginia", "king kong", "will power", "long island", "free love", "art gallery", "john", "smith", "jordan river", "golden gate",
		"main street", "10 ways to drive", "50 first dates", "24 hour fitness", "best 5 star hotels", "2026 world cup", "90 day plan", "top 10 movies", "7 days in court", "1 2 3", "3 way switch wiring", "110 main",
	} {
		if hits := s.Scan([]byte(text)); hits != 0 {
			t.Errorf("%q hits %s", text, hits)
		}
	}
}

func TestNamesInFreeText(t *testing.T) {
	s := newScanner(t)
	for text, want := range map[string]bool{
		"where does mary johnson live": true, "flowers for Maria Garcia, please": true, "call james t. wilson": true, "Smith, John and others": true,
		"weather in virginia beach": false, "used ford focus for sale": false, "best pizza near central park": false, "how to draw a rose": false,
	} {
		if got := s.ScanText([]byte(text)).Has(NameLine); got != want {
			t.Errorf("%q: %v", text, got)
		}
		if s.Scan([]byte(text)).Has(NameLine) {
			t.Errorf("%q is no name as a whole", text)
		}
	}
}

// TestTopLevelDomains holds the list against the other list of the house, which is made from the public one.
func TestTopLevelDomains(t *testing.T) {
	b, err := os.ReadFile("../filters/icann_suffixes.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		tld := strings.TrimLeft(line[strings.LastIndexByte(line, '.')+1:], "!*")
		if n++; tld != "" && !words().tlds.has([]byte(tld)) {
			t.Errorf("the top-level domain %s is not in data/tlds.txt", tld)
		}
	}
	if n < 5000 || words().tlds.has([]byte("notatld")) {
		t.Errorf("%d suffixes were compared", n)
	}
}

func TestWordSet(t *testing.T) {
	w := newWordSet("# remark\nbeta\n\nalpha\nbeta\n")
	for word, want := range map[string]int{"beta": 0, "alpha": 1, "bet": -1, "betaa": -1, "": -1, "remark": -1, "a\nb": -1} {
		if got := w.rank([]byte(word)); got != want {
			t.Errorf("%q has rank %d, not %d", word, got, want)
		}
	}
	if newWordSet("").has([]byte("x")) {
		t.Error("an empty list has a word")
	}
	if g, f := words().given, words().family; g.rank([]byte("james")) != 0 || f.rank([]byte("smith")) != 0 {
		t.Error("the lists of names do not begin with the most frequent")
	}
}

// FuzzTextSearches runs every search on any reading: none fails, what a value hits does not hang on what was scanned
// before it, and a free text hits at least what a value does.
func FuzzTextSearches(f *testing.F) {
	for _, seed := range []string{
		"ann at example dot org", "40°42'46\"N 74°00'22\"W", "404246N0740022W", "///a.b.c", "geohash: dr5reg", "87G8P27Q+2C", "eyJhbGciOi.eyJzdWIi", "//a:b@c", "gclid=Cj0KCQjwabcdef",
		"Smith, John Q.", "12 rue de Rivoli 75001", "p.o. box 12", "sw1a 1aa", "@[", "xn--", "'", "a@b.\u00e9", "\xff@\xfe.org", "7 \xc2", "\\u0040\\", "%", "ab\u200bc@d.org",
	} {
		f.Add([]byte(seed))
	}
	s, fresh := newScanner(f), newScanner(f)
	f.Fuzz(func(t *testing.T, value []byte) {
		text := s.ScanText(value)
		if got := s.Scan(value); got&^text != 0 {
			t.Errorf("a value hits %s and as a free text %s", got, text)
		} else if again := fresh.Scan(value); again != got {
			t.Errorf("%s after another value, %s before", got, again)
		}
		v := *s.read(value, true)
		v.fold = append([]byte(nil), v.fold...)
		v.num = v.fold
		for i := range searches {
			s.work = maxWork
			searches[i].find(s, &v)
		}
	})
}
