package city

// The ground: a square of 60 km with one main centre and several smaller ones, on raw cells of half a kilometre. The
// square lies in open country, so that no cell is anybody's street. Lengths are whole metres: the same seed gives the
// same bytes on every machine.

import "math"

const (
	side    = 120 // raw cells along one side
	cellM   = 500 // metres
	originS = 38.25
	originW = -99.15
	// Degrees per metre at the middle of the square (38.52° N), on a sphere of 6,371 km.
	degLat = 1 / 111195.0
	degLon = 1 / 86995.0
)

// centre is a bump of density: place and spread in kilometres, and its share.
type centre struct{ x, y, spread, share float64 }

var (
	homeCentres = []centre{
		{30, 30, 3.5, 43}, {17, 38, 2.1, 13}, {43, 41, 2.1, 13}, {40, 17, 1.9, 10}, {14, 16, 1.9, 9},
		{28, 49, 1.5, 6}, {51, 29, 1.5, 5}, {8, 28, 1.3, 2}, {31, 8, 1.3, 1}, {52, 52, 1.3, 1},
	}
	workCentres = []centre{
		{30, 30, 1.5, 56}, {17, 38, 1.0, 10}, {43, 41, 1.0, 11}, {40, 17, 1.0, 8}, {36, 33, 1.2, 10}, {14, 16, 1.0, 5},
	}
	shopCentres = []centre{
		{30, 30, 1.5, 38}, {17, 38, 1.0, 13}, {43, 41, 1.0, 13}, {40, 17, 1.0, 11}, {14, 16, 1.0, 9}, {28, 49, 0.9, 6},
		{51, 29, 0.9, 5},
	}
)

// lottery draws cells in proportion to their weights (alias method, Walker 1977).
type lottery struct {
	keep  []uint32 // of 2^32
	alias []uint16
}

func (l *lottery) draw(h uint64) int {
	i := scale(h, uint64(len(l.keep)))
	if uint32(mix(h)) < l.keep[i] {
		return int(i)
	}
	return int(l.alias[i])
}

// newLottery spreads the centres over the cells; flat is the share (percent) that lives anywhere.
func newLottery(centres []centre, flat float64) *lottery {
	const n = side * side
	weight := make([]float64, n)
	sum := 0.0
	for _, c := range centres {
		for i := range weight {
			dx := (float64(i%side)+0.5)*cellM/1000 - c.x
			dy := (float64(i/side)+0.5)*cellM/1000 - c.y
			weight[i] += c.share / (c.spread * c.spread) * math.Exp(-(dx*dx+dy*dy)/(2*c.spread*c.spread))
		}
	}
	for _, w := range weight {
		sum += w
	}
	for i := range weight {
		weight[i] = math.Round((weight[i]/sum*(1-flat/100) + flat/100/n) * n * (1 << 20))
	}
	return aliasTable(weight)
}

func aliasTable(weight []float64) *lottery {
	n := len(weight)
	sum := 0.0
	for _, w := range weight {
		sum += w
	}
	l := &lottery{keep: make([]uint32, n), alias: make([]uint16, n)}
	rest := make([]float64, n)
	var small, large []int
	for i, w := range weight {
		rest[i] = w / sum * float64(n)
		if rest[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, g := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		l.keep[s] = uint32(rest[s] * math.MaxUint32)
		l.alias[s] = uint16(g)
		rest[g] -= 1 - rest[s]
		if rest[g] < 1 {
			large = large[:len(large)-1]
			small = append(small, g)
		}
	}
	for _, i := range append(small, large...) {
		l.keep[i], l.alias[i] = math.MaxUint32, uint16(i)
	}
	return l
}

// spot is a point in metres east and north of the square's corner.
type spot struct{ x, y int64 }

// inCell puts a spot somewhere inside a cell, far enough from its edge for the jitter of a fix.
func inCell(cell int, h uint64) spot {
	room := uint64(cellM - 2*jitterM)
	return spot{
		x: int64(cell%side)*cellM + jitterM + int64(scale(h, room)),
		y: int64(cell/side)*cellM + jitterM + int64(scale(mix(h), room)),
	}
}

// jitterM is how far a fix may lie from the place where the person is, per axis.
const jitterM = 70

func (s spot) jitter(r *rng) spot {
	return spot{s.x - jitterM + int64(r.below(2*jitterM)), s.y - jitterM + int64(r.below(2*jitterM))}
}

// LatLon turns metres into degrees. The conversions keep compilers from fusing the two steps, which would change bytes.
func (s spot) latLon() (lat, lon float64) {
	return originS + float64(float64(s.y)*degLat), originW + float64(float64(s.x)*degLon)
}
