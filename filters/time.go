package filters

// How a located value is read as an instant: one way for a source's own time and for round_down.

import (
	"math"

	"github.com/consentry/consentry/schema"
)

// Unit says what an integer time counts: s, ms or us since 1970-01-01T00:00Z. The empty Unit reads no integer at all.
type Unit string

// Instant reads Avro's timestamp types, a string in RFC 3339 with any offset, or an integer where unit says what it
// counts. Not ok when the value is absent or is none of these.
func Instant(v schema.Value, unit Unit) (ms int64, ok bool) {
	switch v.Kind {
	case schema.Time:
		return v.Num, unit == ""
	case schema.String:
		if unit != "" {
			return 0, false
		}
		return schema.ParseTime(v.Raw)
	case schema.Int:
		switch unit {
		case "s":
			if v.Num > math.MaxInt64/1000 || v.Num < math.MinInt64/1000 {
				return 0, false
			}
			return v.Num * 1000, true
		case "ms":
			return v.Num, true
		case "us":
			return floorDiv(v.Num, 1000), true
		}
	}
	return 0, false
}

// floorDiv rounds towards minus infinity, so that times before 1970 are cut the same way as those after. d > 0.
func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
