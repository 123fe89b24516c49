package schema

// This file holds the time reader and writer against package time.

import (
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lenient lists what package time takes beyond RFC 3339: a comma, an hour of one digit, an offset that no clock has.
var lenient = regexp.MustCompile(`,|T[0-9]:|[+-](2[4-9]|[3-9][0-9]):..$|[+-]..:[6-9][0-9]$`)

// checkTime: our reader and package time agree on every text that follows RFC 3339.
func checkTime(t *testing.T, text string) {
	want, err := time.Parse(time.RFC3339, text)
	ms, ok := ParseTime([]byte(text))
	switch {
	case ok && (err != nil || ms != want.UnixMilli()):
		t.Errorf("%q: %d, package time says %d, %v", text, ms, want.UnixMilli(), err)
	case !ok && err == nil && !lenient.MatchString(text):
		t.Errorf("%q: refused, package time reads it", text)
	}
}

var timeSeeds = []string{
	"2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123456789+05:30", "1969-12-31T23:59:59.9999Z", "2000-02-29T00:00:00Z",
	"1900-02-29T00:00:00Z", "2024-02-29T24:00:00Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
	"2026-11-22t10:00:00z", "2026-11-22T10:00:00", "2026-11-22 10:00:00Z", "2026-11-22T10:00:00,5Z", "2026-11-22T10:00:00.Z",
	"2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-11-22T10:00:00+24:00",
	"2026-11-22T10:00:00+05:60", "2026-11-22T10:00:00+0530", "2026-11-22T1:00:00Z", "", "Z", "2026-11-22T10:00:00ZZ", "2026-11-22T10:60:00Z",
}

func TestParseTime(t *testing.T) {
	for _, s := range timeSeeds {
		checkTime(t, s)
	}
	for day := time.Date(0, 1, 1, 12, 0, 0, 0, time.UTC); day.Year() < 2500; day = day.AddDate(0, 0, 1) {
		text := day.Format(time.RFC3339)
		ms, ok := ParseTime([]byte(text))
		back, okBack := AppendTime(nil, ms)
		if !ok || ms != day.UnixMilli() || !okBack || string(back) != text {
			t.Fatalf("%s: %d, back %s", text, ms, back)
		}
	}
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()
	rapid.Check(t, func(rt *rapid.T) {
		ms := rapid.Int64Range(first, last).Draw(rt, "ms")
		got, ok := AppendTime(nil, ms)
		if want := time.UnixMilli(ms).UTC().Format(time.RFC3339); !ok || string(got) != want {
			rt.Fatalf("%d: %s, want %s", ms, got, want)
		}
	})
	for _, ms := range []int64{first - 1, last + 1000, -1 << 63, 1<<63 - 1} {
		if got, ok := AppendTime(nil, ms); ok {
			t.Errorf("%d: %s", ms, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { ParseTime([]byte(timeSeeds[1])) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range timeSeeds {
		f.Add(s)
	}
	f.Fuzz(checkTime)
}
