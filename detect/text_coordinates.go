package detect

// Coordinates: two decimal numbers that may be a latitude and a longitude; degrees, minutes and seconds with the letters
// of the hemispheres; and the notations that say themselves what they are (RFC 5870, ISO 6709, WKT, GeoJSON, map links).

import "bytes"

// minDecimals is how many decimals make two bare numbers a place: three are 110 m.
const minDecimals = 3

// maxGlue is how far the second number may stand from the end of the first, in bytes: `","longitude":"` and the like.
const maxGlue = 28

// decimal is a number with a decimal point as it stands in a text.
type decimalNumber struct {
	start, end int
	whole      int  // the part before the point; at most 1000
	places     int  // digits after the point
	comma      bool // the point is a comma
}

// findCoordinates looks for pairs of numbers.
func findCoordinates(_ *Scanner, v *reading) Hits {
	f := v.num
	var last, n decimalNumber
	haveLast, lat, lon := false, false, false
	for at := 0; nextDecimal(f, at, &n); at = n.end {
		if haveLast && isPair(f, &last, &n) || saysPlace(f, &n) {
			return hit(Coordinates)
		}
		last, haveLast = n, n.whole <= 180
		// Apart from each other, with their labels.
		if n.places >= minDecimals && n.whole <= 180 {
			lat = lat || n.whole < 90 && endsWithWord(f[:n.start], "lat", "latitude")
			lon = lon || endsWithWord(f[:n.start], "lon", "lng", "long", "longitude")
			if lat && lon {
				return hit(Coordinates)
			}
		}
	}
	if angles(f) || compactAngles(f) {
		return hit(Coordinates)
	}
	return 0
}

// nextDecimal reads the next number at or after from, with or without a decimal point.
func nextDecimal(f []byte, from int, n *decimalNumber) bool {
	i := from
	for i < len(f) && !isDigit(f[i]) {
		i++
	}
	if i == len(f) {
		return false
	}
	*n = decimalNumber{start: i}
	for i < len(f) && isDigit(f[i]) {
		if n.whole < 1000 {
			n.whole = n.whole*10 + int(f[i]-'0')
		}
		i++
	}
	n.end = i
	if i+1 < len(f) && (f[i] == '.' || f[i] == ',') && isDigit(f[i+1]) {
		j := i + 1
		for j < len(f) && isDigit(f[j]) {
			j++
		}
		// "40,713,-74,006" is no decimal comma, and "1.2.3" is a version.
		more := j+1 < len(f) && f[j] == f[i] && isDigit(f[j+1])
		if f[i] == '.' && !more || f[i] == ',' && !more && j-i-1 > minDecimals {
			n.comma, n.places, n.end = f[i] == ',', j-i-1, j
		} else if more && f[i] == '.' {
			for j < len(f) && (isDigit(f[j]) || f[j] == '.') {
				j++
			}
			n.end, n.whole = j, 1000
		}
	}
	return true
}

// inRange says whether a and b may be degrees of a point, in either order. A number of exactly 180 degrees may have no
// decimals but zeros; nobody is there.
func inRange(a, b int) bool { return a < 90 && b < 180 || a < 180 && b < 90 }

// isPair says whether two numbers beside each other are a point.
func isPair(f []byte, a, b *decimalNumber) bool {
	if b.start-a.end > maxGlue || b.start == a.end || !inRange(a.whole, b.whole) || a.comma != b.comma {
		return false
	}
	glue := f[a.end:b.start]
	labelled, ok := isGlue(glue)
	if !ok {
		return false
	}
	if a.places >= minDecimals && b.places >= minDecimals {
		return true
	}
	// With both labels, or behind a word for a place, fewer decimals are still a place.
	return a.places >= 1 && b.places >= 1 && (labelled && labelBefore(f, a.start) || placeBefore(f, a.start)) ||
		a.places+b.places > 0 && atBefore(f, a.start) && zoomAfter(f, b.end)
}

// isGlue says whether what stands between two numbers keeps them together: signs, brackets, the letters of hemispheres
// and the words for latitude and longitude.
func isGlue(glue []byte) (labelled, ok bool) {
	for i := 0; i < len(glue); {
		c := glue[i]
		if c >= 'a' && c <= 'z' {
			j := i
			for j < len(glue) && glue[j] >= 'a' && glue[j] <= 'z' {
				j++
			}
			switch string(glue[i:j]) {
			case "n", "s", "e", "w", "o", "d", "deg", "degrees", "degree", "and", "by", "x", "north", "south", "east", "west":
			case "lat", "lon", "lng", "long", "latitude", "longitude", "y", "lati", "longi", "ln", "lt":
				labelled = true
			default:
				return false, false
			}
			i = j
			continue
		}
		switch c {
		case ' ', '\t', '\n', '\r', ',', ';', ':', '=', '/', '|', '&', '"', '\'', '-', '+', '(', ')', '[', ']', '{', '}', '_', '.', '!',
			0xc2, 0xb0, '*', '~', '<', '>', '?', '#', 0xe2, 0x88, 0x92:
		default:
			return false, false
		}
		i++
	}
	return labelled, true
}

// labelBefore says whether a word for latitude or longitude stands just before i.
func labelBefore(f []byte, i int) bool {
	return endsWithWord(f[:i], "lat", "lon", "lng", "long", "latitude", "longitude", "x", "y")
}

// placeBefore says whether a word for a point stands just before i.
func placeBefore(f []byte, i int) bool {
	return endsWithWord(f[:i], "ll", "sll", "latlng", "latlon", "lnglat", "lonlat", "coordinates", "coords", "coord", "gps",
		"position", "geo", "point", "loc", "center", "centre", "cll", "daddr", "saddr", "location")
}

// endsWithWord says whether one of words, and then only signs, stand at the end of b.
func endsWithWord(b []byte, words ...string) bool {
	i := len(b)
	for n := 0; n < 6 && i > 0 && isLabelGap(b[i-1]); n++ {
		i--
	}
	for _, w := range words {
		if j := i - len(w); j >= 0 && string(b[j:i]) == w && (j == 0 || b[j-1] < 'a' || b[j-1] > 'z') {
			return true
		}
	}
	return false
}

// isLabelGap says whether c may stand between a label and its value.
func isLabelGap(c byte) bool {
	switch c {
	case ' ', '\t', ':', '=', '"', '\'', '(', '[', '{', '-', '+', '/', '#', '@', ',', '_':
		return true
	}
	return false
}

// atBefore says whether an at sign stands before the number at i, as in a link to a map.
func atBefore(f []byte, i int) bool {
	if i > 0 && (f[i-1] == '-' || f[i-1] == '+') {
		i--
	}
	return i > 0 && f[i-1] == '@'
}

// zoomAfter says whether a third number with a unit follows, as in "@48.2,16.4,15z".
func zoomAfter(f []byte, i int) bool {
	if i >= len(f) || f[i] != ',' {
		return false
	}
	for i++; i < len(f) && (isDigit(f[i]) || f[i] == '.'); i++ {
	}
	return i < len(f) && (f[i] == 'z' || f[i] == 'm' || f[i] == 'a')
}

// saysPlace says whether the number n is the first of a notation that names itself: a geo URI, an at sign with two
// decimal numbers, well-known text, GeoJSON.
func saysPlace(f []byte, n *decimalNumber) bool {
	var b decimalNumber
	if n.whole > 180 || !nextDecimal(f, n.end, &b) || !inRange(n.whole, b.whole) || b.start-n.end > 4 || b.start == n.end {
		return false
	}
	for _, c := range f[n.end:b.start] {
		if c != ',' && c != ' ' && c != '-' && c != '+' && c != ';' {
			return false
		}
	}
	before := f[:n.start]
	if k := len(before); k > 0 && (before[k-1] == '-' || before[k-1] == '+') {
		before = before[:k-1]
	}
	if atBefore(f, n.start) {
		return n.places > 0 && b.places > 0
	}
	if bytes.HasSuffix(before, []byte("geo:")) {
		return true
	}
	k := len(bytes.TrimRight(before, " ([z"))
	for _, shape := range wellKnownText {
		if bytes.HasSuffix(before[:k], []byte(shape)) && bytes.IndexByte(before[k:], '(') >= 0 {
			return true
		}
	}
	return bytes.HasSuffix(before, []byte(`"coordinates":[`)) || bytes.HasSuffix(before, []byte(`"coordinates": [`))
}

// wellKnownText are the shapes of OGC 06-103r4 that begin with a point.
var wellKnownText = [...]string{"point", "linestring", "polygon", "multilinestring", "multipolygon"}
