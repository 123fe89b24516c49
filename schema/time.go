package schema

// This file reads and writes RFC 3339 times without allocating.

const (
	msPerSecond = 1000
	secPerDay   = 86400
)

// ParseTime reads an RFC 3339 time: upper-case T and Z, any offset up to 23:59, any number of fraction digits, of which
// those beyond the millisecond are cut. It is strict: a day that the month lacks, 24:00 and a leap second are refused.
// ms counts from 1970-01-01T00:00Z.
func ParseTime(raw []byte) (ms int64, ok bool) {
	const form = "2006-01-02T15:04:05" // then a fraction and a zone
	if len(raw) <= len(form) || raw[4] != '-' || raw[7] != '-' || raw[10] != 'T' || raw[13] != ':' || raw[16] != ':' {
		return 0, false
	}
	y1, ok1 := two(raw[0:])
	y2, ok2 := two(raw[2:])
	month, ok3 := two(raw[5:])
	day, ok4 := two(raw[8:])
	hour, ok5 := two(raw[11:])
	minute, ok6 := two(raw[14:])
	second, ok7 := two(raw[17:])
	year := y1*100 + y2
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) || month < 1 || month > 12 || day < 1 ||
		day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest, frac := raw[len(form):], int64(0)
	if rest[0] == '.' {
		i, unit := 1, int64(100)
		for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
			frac += int64(rest[i]-'0') * unit
			unit /= 10
		}
		if i == 1 {
			return 0, false
		}
		rest = rest[i:]
	}
	offset := int64(0)
	switch {
	case len(rest) == 1 && rest[0] == 'Z':
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		h, ok1 := two(rest[1:])
		m, ok2 := two(rest[4:])
		if !ok1 || !ok2 || h > 23 || m > 59 {
			return 0, false
		}
		if offset = h*3600 + m*60; rest[0] == '-' {
			offset = -offset
		}
	default:
		return 0, false
	}
	seconds := daysBefore(year, month, day)*secPerDay + hour*3600 + minute*60 + second - offset
	return seconds*msPerSecond + frac, true
}

func two(b []byte) (int64, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int64(hi)*10 + int64(lo), hi <= 9 && lo <= 9
}

func leap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysBefore counts the days from 1970-01-01 to a day of the proleptic Gregorian calendar, year 0 to 9999. It counts
// in 400-year eras whose years begin in March, so that the leap day is the last of its year.
func daysBefore(year, month, day int64) int64 {
	year += 400 // keeps January of year 0 positive
	if month <= 2 {
		year, month = year-1, month+12
	}
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return year*365 + year/4 - year/100 + year/400 + dayOfYear - daysToEpoch
}

const daysToEpoch = 719468 + 146097 // from 0000-03-01 to 1970-01-01, and one era

// AppendTime appends a time as 2026-11-22T10:00:00Z, cut to the second. ok is false outside the years 0 to 9999.
func AppendTime(dst []byte, ms int64) (out []byte, ok bool) {
	seconds := floorDiv(ms, msPerSecond)
	days := floorDiv(seconds, secPerDay)
	inDay := seconds - days*secPerDay
	if days < -daysToEpoch+146097-60 || days > 2932896 { // 9999-12-31
		return dst, false
	}
	// The reverse of daysBefore: era of 400 years, year of the era, month from March.
	n := days + daysToEpoch
	era := n / 146097
	inEra := n - era*146097
	y := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	dayOfYear := inEra - (365*y + y/4 - y/100)
	m := (5*dayOfYear + 2) / 153
	day := dayOfYear - (153*m+2)/5 + 1
	year := y + era*400 - 400
	if m += 3; m > 12 {
		m, year = m-12, year+1
	}
	if year < 0 || year > 9999 {
		return dst, false
	}
	dst = append2(append2(dst, year/100), year%100)
	dst = append2(append(append2(append(dst, '-'), m), '-'), day)
	dst = append2(append(dst, 'T'), inDay/3600)
	dst = append2(append(dst, ':'), inDay/60%60)
	dst = append2(append(dst, ':'), inDay%60)
	return append(dst, 'Z'), true
}

func append2(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
