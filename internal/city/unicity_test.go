package city

// The city must be as re-identifiable as people are, or what is proven on it is worth nothing. Unicity as de Montjoye
// et al. measured it (2013): the share of people whose p random points of their own trace, under a lasting pseudonym,
// match nobody else's trace.

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// point is one hour in one cell.
type point struct {
	hour int64
	cell int64
}

func pointOf(c *City, h *happening, metres int64) point {
	h2 := *h
	at := c.position(&h2)
	return point{h.timeMS / hourMS, at.y/metres<<32 | at.x/metres}
}

// unicity tells the share of targets that their points single out, for 2, 3 and 4 of them.
func unicity(t testing.TB, o Options, targets int, metres int64) (shares [5]float64, released int) {
	city := func() *City {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	// First reading: the traces of the targets.
	c := city()
	r := rand.New(rand.NewPCG(7, 7))
	traces := map[uint64]map[point]bool{}
	for len(traces) < targets {
		traces[r.Uint64N(uint64(o.Subscribers))] = map[point]bool{}
	}
	var h happening
	for c.next(&h) {
		if h.source != Location {
			continue
		}
		released++
		if tr := traces[h.who]; tr != nil {
			tr[pointOf(c, &h, metres)] = true
		}
	}
	// Four random points of each; who else has been there is looked up in the second reading.
	known := map[uint64][]point{}
	seen := map[point]map[uint64]bool{}
	for who := range uint64(o.Subscribers) {
		tr := traces[who]
		if len(tr) < 4 {
			continue
		}
		all := make([]point, 0, len(tr))
		for p := range tr {
			all = append(all, p)
		}
		sortPoints(all)
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		known[who] = all[:4]
		for _, p := range all[:4] {
			seen[p] = map[uint64]bool{}
		}
	}
	if len(known) < targets*9/10 {
		t.Fatalf("only %d of %d targets have four points", len(known), targets)
	}
	c = city()
	for c.next(&h) {
		if h.source != Location {
			continue
		}
		if s := seen[pointOf(c, &h, metres)]; s != nil {
			s[h.who] = true
		}
	}
	for _, points := range known {
		for n := 1; n <= 4; n++ {
			match := 0
			for who := range seen[points[0]] {
				in := true
				for _, p := range points[1:n] {
					in = in && seen[p][who]
				}
				if in {
					match++
				}
			}
			if match == 1 {
				shares[n] += 1 / float64(len(known))
			}
		}
	}
	return shares, released
}

func sortPoints(p []point) {
	slices.SortFunc(p, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.cell, b.cell))
	})
}

func TestAsReidentifiableAsPeople(t *testing.T) {
	o := Options{Seed: 1, Subscribers: 60_000, Days: 14, StartMS: 1_790_000_000_000}
	for _, want := range []struct {
		metres   int64
		low, top float64
	}{{500, .97, 1}, {2000, .76, .84}} {
		got, events := unicity(t, o, 800, want.metres)
		t.Logf("%d m, 1 h, %d location events: unicity at 2, 3, 4 points %.3f %.3f %.3f", want.metres, events, got[2], got[3], got[4])
		if got[4] < want.low || got[4] > want.top {
			t.Errorf("at %d m four points single out %.3f, want %.2f to %.2f", want.metres, got[4], want.low, want.top)
		}
	}
}
