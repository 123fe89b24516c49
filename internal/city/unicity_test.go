package city

// The city must be as re-identifiable as people are, or what is proven on it is worth nothing. Unicity as de Montjoye
// et al. measured it (2013): the share of people whose p random points of their own trace, under a lasting pseudonym,
// match nobody else's trace. A point is one hour in one cell, as the events of the source location tell it.

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// point is one hour in one cell.
type point struct{ hour, cell int64 }

func pointOf(h *happening, at spot, metres int64) point {
	return point{h.timeMS / hourMS, at.y/metres<<32 | at.x/metres}
}

const knownPoints = 4

// eachLocation reads a new city's location events.
func eachLocation(t testing.TB, o Options, visit func(c *City, h *happening)) {
	t.Helper()
	c := newCity(t, o)
	var h happening
	for c.next(&h) {
		if h.source == Location {
			visit(c, &h)
		}
	}
}

// unicity tells for each grid the share of targets that 1 to knownPoints of their points single out.
func unicity(t testing.TB, o Options, targets int, grids []int64) [][knownPoints + 1]float64 {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	chosen := map[uint64]bool{}
	for len(chosen) < targets {
		chosen[r.Uint64N(uint64(o.Subscribers))] = true
	}
	// First reading: the traces of the targets.
	traces := make([]map[uint64]map[point]bool, len(grids))
	for g := range grids {
		traces[g] = map[uint64]map[point]bool{}
		for who := range chosen {
			traces[g][who] = map[point]bool{}
		}
	}
	eachLocation(t, o, func(c *City, h *happening) {
		if chosen[h.who] {
			at := c.position(h)
			for g, metres := range grids {
				traces[g][h.who][pointOf(h, at, metres)] = true
			}
		}
	})
	// Some random points of each target; who else has been there is looked up in the second reading.
	known := make([]map[uint64][]point, len(grids))
	seen := make([]map[point]map[uint64]bool, len(grids))
	for g := range grids {
		known[g], seen[g] = map[uint64][]point{}, map[point]map[uint64]bool{}
		for who := range uint64(o.Subscribers) {
			var all []point
			for p := range traces[g][who] {
				all = append(all, p)
			}
			if len(all) < knownPoints {
				continue
			}
			slices.SortFunc(all, func(a, b point) int { return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.cell, b.cell)) })
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			known[g][who] = all[:knownPoints]
			for _, p := range known[g][who] {
				seen[g][p] = map[uint64]bool{}
			}
		}
		if len(known[g]) < targets*9/10 {
			t.Fatalf("only %d of %d targets have %d points", len(known[g]), targets, knownPoints)
		}
	}
	eachLocation(t, o, func(c *City, h *happening) {
		at := c.position(h)
		for g, metres := range grids {
			if s := seen[g][pointOf(h, at, metres)]; s != nil {
				s[h.who] = true
			}
		}
	})
	shares := make([][knownPoints + 1]float64, len(grids))
	for g := range grids {
		for _, points := range known[g] {
			for n := 1; n <= knownPoints; n++ {
				if matches(seen[g], points[:n]) == 1 {
					shares[g][n] += 1 / float64(len(known[g]))
				}
			}
		}
	}
	return shares
}

// matches counts the people who were at all of the points.
func matches(seen map[point]map[uint64]bool, points []point) int {
	n := 0
	for who := range seen[points[0]] {
		if !slices.ContainsFunc(points[1:], func(p point) bool { return !seen[p][who] }) {
			n++
		}
	}
	return n
}

// Measured over seeds 1 to 3 with 3,000 targets each: .980 to .984 at 0.5 km, .807 to .825 at 2 km; with 14.3 location
// events per subscriber-day in place of 14.3 events of all kinds: .964 to .970 and .762 to .771.
func TestAsReidentifiableAsPeople(t *testing.T) {
	o := Options{Seed: 1, Subscribers: 60_000, Days: 14}
	bands := []struct{ low, top float64 }{{.97, 1}, {.76, .84}}
	grids := []int64{500, 2000}
	for g, got := range unicity(t, o, 1500, grids) {
		t.Logf("%d m and 1 h: 2, 3 and 4 points single out %.3f, %.3f and %.3f", grids[g], got[2], got[3], got[4])
		if got[4] < bands[g].low || got[4] > bands[g].top {
			t.Errorf("at %d m four points single out %.3f, want %.2f to %.2f", grids[g], got[4], bands[g].low, bands[g].top)
		}
	}
}
