package filters

// s2 replaces a position by the token of the S2 cell that it lies in. It never gives a coordinate or a centre.

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/consentry/consentry/schema"
	"github.com/golang/geo/s2"
)

// finestLevel keeps the enclosing radius of every cell at 1,270 m or more (the smallest have 1,270.4 m), above the 1,000 m,
// 564 m and 533 m of the laws that name a figure.
const finestLevel = 12

func buildS2(a *Args) (*Built, *Refusal) {
	for i, t := range a.Types {
		if t.Kind != schema.Float && t.Kind != schema.Int {
			return nil, refuse("", fmt.Sprintf("%s is %s, and a position is two numbers in degrees", a.Paths[i], kindName(t.Kind)))
		}
	}
	arg, given := a.Option("level")
	if !given || arg.Kind != ArgInt || arg.Int < 0 || arg.Int > s2.MaxLevel {
		return nil, refuse("level", fmt.Sprintf("s2 needs a level from 0 to %d, e.g. `level: %d`", finestLevel, finestLevel))
	}
	if arg.Int > finestLevel {
		return nil, refuse("level", fmt.Sprintf("s2 level %d is too fine: an emitted region is never smaller than level %d, whose cells have an enclosing radius of at least 1,270 m; use level %d or a lower one",
			arg.Int, finestLevel, finestLevel))
	}
	rest, no := onlyNull(a, "s2")
	if no != nil {
		return nil, no
	}
	level := int(arg.Int)
	n := 6 * math.Pow(4, float64(level))
	if rest.ifMissing {
		n++
	}
	return &Built{
		Filter: &cell{level, rest}, Kind: schema.String, Doc: fmt.Sprintf("token of the S2 cell of level %d", level),
		How: fmt.Sprintf("s2 level %d", level) + rest.how(), Leaves: Made, Distinct: n,
	}, nil
}

type cell struct {
	level int
	rest  fallback
}

func (c *cell) Apply(dst *schema.Value, in []schema.Value, ev *Event) Outcome {
	if in[0].Kind == schema.Absent || in[1].Kind == schema.Absent {
		return c.rest.onMissing(dst)
	}
	lat, ok1 := degrees(&in[0], 90)
	lon, ok2 := degrees(&in[1], 180)
	if !ok1 || !ok2 {
		return Refused
	}
	id := uint64(s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon)).Parent(c.level))
	// A token is the id in hexadecimal without the zeros at its end; an id is never 0.
	const digits = "0123456789abcdef"
	from := len(ev.Scratch)
	for last := bits.TrailingZeros64(id) / 4 * 4; last <= 60; last += 4 {
		ev.Scratch = append(ev.Scratch, digits[id>>60])
		id <<= 4
	}
	*dst = schema.StringValue(ev.Scratch[from:])
	return Filled
}

// degrees reads a coordinate. NaN, the infinities and what lies outside the globe are not understood.
func degrees(v *schema.Value, limit float64) (float64, bool) {
	if v.Kind != schema.Float && v.Kind != schema.Int {
		return 0, false
	}
	f := v.Float()
	return f, f >= -limit && f <= limit
}
