package detect

// Street addresses: a number, the name of a street and its kind; a number and street with a postcode; post office boxes.
// American forms first, and the frequent ones of some other countries. Without a map nobody can do it well.

// streetKinds are the kinds that stand behind a name: the common ones of USPS Publication 28, Appendix C1, and British ones.
const streetKinds = `
street st str avenue ave av avn road rd boulevard blvd boul lane ln drive dr drv court ct circle cir terrace ter terr
parkway pkwy pky highway hwy freeway fwy expressway expy turnpike tpke place pl plaza plz square sq trail trl way alley
aly crescent cres close gardens gdns mews row walk loop path pike run crossing xing point pt ridge rdg hollow holw grove
grv heights hts landing lndg commons cove cv creek crk crest garden gate glen manor meadow meadows mill mountain oaks
orchard park pass pines rapids springs station summit trace valley view village vista vly esplanade broadway route rte
strasse straße gasse weg platz allee straat laan plein gracht vej gade gatan vagen tie katu utca`

// streetKindsBefore are the kinds that stand before a name, with the number before or behind.
const streetKindsBefore = `
rue avenue ave boulevard bd impasse allee chemin quai calle c carrer avenida avda av plaza paseo camino rua travessa praca
viale corso piazza vicolo via ulica ul aleja calea strada`

// stateCodes are the codes of USPS Publication 28, Appendix B.
const stateCodes = `
al ak az ar ca co ct de dc fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc
sd tn tx ut vt va wa wv wi wy as gu mp pr vi aa ae ap`

// strongKind says whether a kind is hardly anything else beside a number and a name. Of the others ("50 first drive") the
// name must have one or two words that are no plain words of a sentence.
func strongKind(b []byte) bool {
	switch string(b) {
	case "street", "str", "avenue", "ave", "road", "rd", "boulevard", "blvd", "lane", "ln", "parkway", "pkwy", "hwy",
		"terrace", "crescent", "mews", "strasse", "straße", "straat", "turnpike", "tpke", "gdns", "cres", "blvd.", "utca", "gatan":
		return true
	}
	return false
}

// maxStreetWords is the most words that the name of a street may have: "Dr Martin Luther King Jr Boulevard".
const maxStreetWords = 5

// street is what has been read of an address so far.
type street struct {
	since int  // words since the number; -1 before one
	year  bool // the number may be a year
	from  int  // where the number ends
	first byte // the kind of the first word behind the number: 'k' stands before a name
}

// findAddress looks for a street address.
func findAddress(_ *Scanner, v *reading) Hits {
	f := v.fold
	w := words()
	st := street{since: -1}
	for at := 0; ; {
		start, end := nextWord(f, at)
		if start == len(f) {
			return 0
		}
		word := f[start:end]
		broken := gapEnds(f[at:start])
		at = end
		if isBox(f, start, end) || kindThenNumber(f, word, end, w) {
			return hit(StreetAddress)
		}
		if number, year := houseNumber(word); number {
			if st.since > 0 && postcodeAt(f, start, st.from, w) {
				return hit(StreetAddress)
			}
			st = street{since: 0, year: year, from: end}
			continue
		}
		if st.since < 0 {
			continue
		}
		if st.since > 0 && postcodeAt(f, start, st.from, w) {
			return hit(StreetAddress)
		}
		if broken && st.since == 0 || w.functionWords.has(word) && !isOrdinal(word) {
			st.since = -1
			continue
		}
		if numberedRoad(f, word, end, st.since) || st.since > 0 && st.since <= maxStreetWords && !broken && isStreet(f, &st, start, end, w) {
			return hit(StreetAddress)
		}
		if st.since == 0 {
			st.first = 0
			if string(word) == "broadway" {
				return hit(StreetAddress)
			}
			if w.prefixKinds.has(word) && len(word) > 2 && string(word) != "via" {
				st.first = 'k'
			}
		} else if st.since == 1 && st.first == 'k' && !broken {
			return hit(StreetAddress)
		}
		if st.since++; st.since > maxStreetWords+6 {
			st.since = -1
		}
	}
}

// numberedRoad reads the road that a house number stands before: "1234 Highway 66", "100 County Road 12".
func numberedRoad(f, word []byte, end, since int) bool {
	switch string(word) {
	case "highway", "hwy", "route", "rte", "road", "rd":
	default:
		return false
	}
	s, e := nextWord(f, end)
	number, _ := houseNumber(f[s:e])
	return number && since <= 2 && s-end <= 2
}

// isStreet says whether the word at start is the kind of a street whose name stands between it and the number.
func isStreet(f []byte, st *street, start, end int, w *wordLists) bool {
	word := f[start:end]
	if strongKind(word) {
		return true
	}
	if n := len(word); n > 6 && (string(word[n-3:]) == "str" || n > 8 && (string(word[n-7:]) == "strasse" || string(word[n-6:]) == "straat")) {
		return true
	}
	return w.kinds.has(word) && st.since <= 3 && addressEnds(f, end, w)
}

// addressEnds says whether an address may end at i: nothing more, a sign, a direction, a flat, a number, or a town
// behind a comma.
func addressEnds(f []byte, i int, w *wordLists) bool {
	for i < len(f) && f[i] == '.' {
		i++
	}
	start, end := nextWord(f, i)
	if start == len(f) {
		return true
	}
	for _, c := range f[i:start] {
		switch c {
		case ' ', '\t', '+', '-', '.', '_', '/':
		default:
			return true
		}
	}
	switch string(f[start:end]) {
	case "n", "s", "e", "w", "nw", "ne", "sw", "se", "north", "south", "east", "west", "apt", "apartment", "suite", "ste",
		"unit", "floor", "fl", "room", "rm", "bldg", "building", "in", "at", "and", "near":
		return true
	}
	return isDigit(f[start]) || w.states.has(f[start:end])
}

// gapEnds says whether what stands between two words ends a sentence or a part of one.
func gapEnds(gap []byte) bool {
	for _, c := range gap {
		switch c {
		case ':', '?', '!', '=', '&', '$', '%', '@':
			return true
		}
	}
	return false
}

// houseNumber reads a number of one to six digits, with a letter or without, and says whether it may be a year.
func houseNumber(b []byte) (number, year bool) {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	if n == 0 || n > 6 || len(b) > n+1 || len(b) == n+1 && (b[n] < 'a' || b[n] > 'z') {
		return false, false
	}
	return true, len(b) == 4 && (b[0] == '1' && b[1] >= '8' || b[0] == '2' && b[1] == '0')
}

// isOrdinal reads "5th", "42nd" and the words for the first ten.
func isOrdinal(b []byte) bool {
	switch string(b) {
	case "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth":
		return true
	}
	return len(b) > 2 && isDigit(b[0])
}

// isBox reads a post office box: "po box 12", "p.o. box 12", "rr 2 box 5".
func isBox(f []byte, start, end int) bool {
	if string(f[start:end]) != "box" {
		return false
	}
	s, e := nextWord(f, end)
	if s == len(f) || s-end > 4 {
		return false
	}
	if number, _ := houseNumber(f[s:e]); !number {
		return false
	}
	i := start
	for i > 0 && !isWordByte(f[i-1]) && start-i < 4 {
		i--
	}
	return endsWithWord(f[:i], "po", "p.o", "p o", "p. o", "office", "psc", "unit", "pob") || i > 1 && isDigit(f[i-1])
}

// kindThenNumber reads "calle mayor 5", "hauptstr. 12", "highway 66" behind a number: a kind of street, its name, a number.
func kindThenNumber(f, word []byte, end int, w *wordLists) bool {
	n := len(word)
	joinedKind := n > 6 && string(word[n-3:]) == "str" || n > 8 && (string(word[n-7:]) == "strasse" || string(word[n-7:]) == "straße") ||
		n > 7 && string(word[n-6:]) == "straat"
	before := !joinedKind && n > 3 && w.prefixKinds.has(word) && string(word) != "avenue" && string(word) != "boulevard" &&
		string(word) != "plaza" && string(word) != "strada"
	if !joinedKind && !before {
		return false
	}
	at, names := end, 0
	for names <= 3 {
		s, e := nextWord(f, at)
		if s == len(f) || gapEnds(f[at:s]) {
			return false
		}
		if number, _ := houseNumber(f[s:e]); number && e-s <= 4 {
			return joinedKind && names == 0 || before && names > 0
		}
		if joinedKind {
			return false
		}
		at = e
		names++
	}
	return false
}

// postcodeAt says whether a postcode stands at start, behind a number that ended at from: a state and a ZIP code, a
// British or a Canadian one.
func postcodeAt(f []byte, start, from int, w *wordLists) bool {
	if start-from > 80 {
		return false
	}
	_, end := nextWord(f, start)
	word := f[start:end]
	s, e := nextWord(f, end)
	second := f[s:e]
	if s-end > 2 {
		second = nil
	}
	if w.states.has(word) && len(second) == 5 && allDigits(second) {
		return true
	}
	switch n := len(word); {
	case n >= 5 && n <= 7: // without its blank
		return britishPostcode(word[:n-3], word[n-3:]) || n == 6 && canadianPostcode(word[:3], word[3:])
	case n >= 2 && n <= 4 && len(second) == 3:
		return britishPostcode(word, second) || canadianPostcode(word, second)
	}
	return false
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' }

// britishPostcode reads an outward and an inward code: "sw1a" "1aa".
func britishPostcode(out, in []byte) bool {
	if len(in) != 3 || !isDigit(in[0]) || !isSmall(in[1]) || !isSmall(in[2]) || len(out) < 2 || len(out) > 4 || !isSmall(out[0]) {
		return false
	}
	i := 1
	if isSmall(out[i]) {
		i++
	}
	if i >= len(out) || !isDigit(out[i]) {
		return false
	}
	rest := out[i+1:]
	return len(rest) == 0 || len(rest) == 1 && (isDigit(rest[0]) || isSmall(rest[0]))
}

// canadianPostcode reads "k1a" "0b1".
func canadianPostcode(a, b []byte) bool {
	return len(a) == 3 && len(b) == 3 && isSmall(a[0]) && isDigit(a[1]) && isSmall(a[2]) && isDigit(b[0]) && isSmall(b[1]) && isDigit(b[2])
}
