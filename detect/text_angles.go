package detect

// Angles: degrees, minutes and seconds with the letter of a hemisphere, before or behind; and the compact form of
// aviation and of ISO 6709, 404246N0740022W.

// angle is one angle as it stands in a text.
type angle struct {
	end   int
	parts int  // numbers: degrees, minutes, seconds
	signs int  // signs for degrees, minutes or seconds
	exact int  // decimals of the last number
	along byte // 'n' for north or south, 'e' for east or west, 0 for none
}

// angles looks for a latitude and a longitude beside each other; or for one with degrees, minutes and seconds, all said.
func angles(f []byte) bool {
	var last, a angle
	lastStart := -1
	for i := 0; i < len(f); i++ {
		if !isDigit(f[i]) || i > 0 && (isDigit(f[i-1]) || f[i-1] == '.' && i > 1 && isDigit(f[i-2])) {
			continue
		}
		readAngle(f, i, &a, last.end)
		if a.along == 0 || a.parts == 0 {
			continue
		}
		precise := a.parts > 1 || a.exact >= minDecimals
		// Three numbers with a sign each: one angle is half of a place, and nothing else is written so.
		if a.parts == 3 && a.signs >= 3 {
			return true
		}
		if precise && lastStart >= 0 && last.along != a.along && i-last.end <= maxGlue/2 {
			return true
		}
		if precise {
			last, lastStart = a, i
		}
		i = max(i, a.end-1)
	}
	return false
}

// readAngle reads an angle that begins with the digit at i; a.along stays 0 if it is none. A letter before it counts only
// behind floor: before that it belongs to the angle before.
func readAngle(f []byte, i int, a *angle, floor int) {
	*a = angle{}
	start := i
	limits := [...]int{180, 60, 60}
	for a.parts < len(limits) {
		var n decimalNumber
		if i >= len(f) || !isDigit(f[i]) || !nextDecimal(f, i, &n) || n.whole > limits[a.parts] {
			break
		}
		a.parts++
		a.exact, a.end = n.places, n.end
		i = n.end
		j, signed := angleSign(f, i)
		if signed {
			a.signs++
			a.end = j
		}
		i = j
		if n.places > 0 {
			break
		}
	}
	// The letter may stand before the number: "N 40° 42.767".
	k := start
	for n := 0; n < 2 && k > 0 && isBlank(f[k-1]); n++ {
		k--
	}
	if k > floor && (k == 1 || !isMailLetter(f[k-2])) {
		switch f[k-1] {
		case 'n', 's':
			a.along = 'n'
			return
		case 'e', 'w':
			a.along = 'e'
			return
		}
	}
	letter := skipBlanks(f, a.end)
	if a.along = hemisphere(f, letter); a.along != 0 {
		a.end = letter + 1
	}
}

// angleSign passes over a sign for degrees, minutes or seconds, or what people put in its place.
func angleSign(f []byte, i int) (next int, signed bool) {
	j := skipBlanks(f, i)
	if j >= len(f) {
		return i, false
	}
	switch c := f[j]; {
	case c == 0xc2 && j+1 < len(f) && f[j+1] == 0xb0:
		return skipBlanks(f, j+2), true
	case c == '\'' && j+1 < len(f) && f[j+1] == '\'':
		return skipBlanks(f, j+2), true
	case c == '\'' || c == '"' || c == '*' || c == '`':
		return skipBlanks(f, j+1), true
	case c == 'd' && j+2 < len(f) && f[j+1] == 'e' && f[j+2] == 'g':
		return skipBlanks(f, j+3), true
	case c == 'm' && j+2 < len(f) && f[j+1] == 'i' && f[j+2] == 'n', c == 's' && j+2 < len(f) && f[j+1] == 'e' && f[j+2] == 'c':
		return skipBlanks(f, j+3), true
	case (c == 'd' || c == 'm' || c == 's') && j+1 < len(f) && isDigit(f[j+1]), c == 's' && hemisphere(f, skipBlanks(f, j+1)) != 0:
		return skipBlanks(f, j+1), true
	case c == ':' || c == '-' || c == '/' || c == '.':
		return j + 1, false
	}
	return j, false
}

// hemisphere reads the letter of a hemisphere, or its word, at i: 'n' for north and south, 'e' for east and west, 0 for none.
func hemisphere(f []byte, i int) byte {
	if i >= len(f) {
		return 0
	}
	end := i
	for end < len(f) && f[end] >= 'a' && f[end] <= 'z' {
		end++
	}
	switch string(f[i:end]) {
	case "n", "s", "north", "south":
		return 'n'
	case "e", "w", "o", "east", "west":
		return 'e'
	}
	return 0
}

// compactAngles looks for 4 to 7 digits and N or S, then 5 to 8 digits and E or W.
func compactAngles(f []byte) bool {
	for i := 1; i < len(f); i++ {
		if f[i] != 'n' && f[i] != 's' || !isDigit(f[i-1]) {
			continue
		}
		lat, j := 0, i
		for j > 0 && (isDigit(f[j-1]) || f[j-1] == '.') && i-j < 12 {
			if f[j-1] == '.' {
				lat = 0
			} else {
				lat++
			}
			j--
		}
		k := i + 1
		for k < len(f) && (f[k] == ' ' || f[k] == ',' || f[k] == '/' || f[k] == '-' || f[k] == '.') && k-i < 3 {
			k++
		}
		lon, point := 0, false
		for m := k; m < len(f) && (isDigit(f[m]) || f[m] == '.') && m-k < 12; m++ {
			point = point || f[m] == '.'
			if !point {
				lon++
			}
			k = m + 1
		}
		if lat >= 4 && lat <= 7 && lon >= 5 && lon <= 8 && k < len(f) && (f[k] == 'e' || f[k] == 'w') {
			return true
		}
	}
	return false
}
