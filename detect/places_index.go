package detect

// Finds the places near a position. Two structures over the same parts: for 250 m a hash of S2 cells, each with all parts
// within 250 m of it, so that one look-up answers; for a worse accuracy a tree of balls, each around 16 smaller ones, of
// which only those that the radius' rim cuts are opened.

import (
	"math"
	"math/bits"
	"slices"
)

// part is a point, or a piece of an area's outline.
type part struct {
	at     vec     // the point, or the middle of the piece
	reachM float32 // 0 for a point; for a piece, how far it goes from its middle
	ref    uint32  // bit of the category; for a piece, its number
}

// piece is a part of an outline: vertices that follow each other.
type piece struct {
	from uint32
	n    uint16
	bit  uint8
}

// ball is around all of fanOut smaller ones, or parts.
type ball struct {
	at     vec
	reachM float32
	mask   uint64 // of the categories in it
}

const fanOut = 16

// placeIndex is immutable.
type placeIndex struct {
	cells    cells
	parts    []part // in the order of a curve that fills the globe
	pieces   []piece
	vertices []vec
	balls    [][]ball // from the parts upward; the last is one
}

// near tells whether a part of a wanted category lies within radiusM, at least nearM, of a position that is one.
func (x *placeIndex) near(lat, lon, radiusM float64, wanted uint64) (bit int, near bool) {
	p := placeAt(lat, lon)
	if bit, near = x.within250(p, wanted); near || radiusM <= nearM || len(x.balls) == 0 {
		return bit, near
	}
	// Whoever is inside an area, and farther than 250 m from its outline, has been found.
	return x.descend(p, chordM(radiusM*sphereError), wanted, len(x.balls)-1, 0)
}

func (x *placeIndex) nearPiece(p place, e *part, limitM float64, wanted uint64) (int, bool) {
	far := (limitM + float64(e.reachM)) / fixedM
	if p.square(e.at) > far*far {
		return 0, false
	}
	return x.pieceWithin(p, &x.pieces[e.ref], limitM, wanted)
}

func (x *placeIndex) pieceWithin(p place, c *piece, limitM float64, wanted uint64) (int, bool) {
	if wanted>>c.bit&1 == 0 {
		return 0, false
	}
	limit := (limitM / fixedM) * (limitM / fixedM)
	run := x.vertices[c.from : c.from+uint32(c.n)]
	for k := 1; k < len(run); k++ {
		if p.squareTo(run[k-1], run[k]) <= limit {
			return int(c.bit), true
		}
	}
	return 0, false
}

// descend looks into one ball.
func (x *placeIndex) descend(p place, limitM float64, wanted uint64, level, n int) (int, bool) {
	b := &x.balls[level][n]
	if b.mask&wanted == 0 {
		return 0, false
	}
	d := math.Sqrt(p.square(b.at)) * fixedM
	if d-float64(b.reachM) > limitM {
		return 0, false
	}
	if d+float64(b.reachM) <= limitM {
		return bits.TrailingZeros64(b.mask & wanted), true
	}
	from := n * fanOut
	if level > 0 {
		for k := from; k < min(from+fanOut, len(x.balls[level-1])); k++ {
			if bit, near := x.descend(p, limitM, wanted, level-1, k); near {
				return bit, true
			}
		}
		return 0, false
	}
	limit := (limitM / fixedM) * (limitM / fixedM)
	for k := from; k < min(from+fanOut, len(x.parts)); k++ {
		e := &x.parts[k]
		if e.reachM > 0 {
			if bit, near := x.nearPiece(p, e, limitM, wanted); near {
				return bit, true
			}
		} else if wanted>>e.ref&1 == 1 && p.square(e.at) <= limit {
			return int(e.ref), true
		}
	}
	return 0, false
}

// newPlaceIndex builds the index of what a file lists.
func newPlaceIndex(d *placeData) (*placeIndex, error) {
	x := &placeIndex{}
	for _, pt := range d.points {
		x.parts = append(x.parts, part{at: pt.at.place().vec(), ref: uint32(pt.bit)})
	}
	for _, c := range d.chains {
		x.cut(c)
	}
	// The order of leaf cells keeps neighbours together.
	order := make([]struct {
		cell uint64
		part part
	}, len(x.parts))
	for i, e := range x.parts {
		order[i].cell, order[i].part = leafCell(e.at.place()), e
	}
	slices.SortStableFunc(order, func(a, b struct {
		cell uint64
		part part
	}) int {
		switch {
		case a.cell < b.cell:
			return -1
		case a.cell > b.cell:
			return 1
		}
		return 0
	})
	for i := range order {
		x.parts[i] = order[i].part
	}
	if err := x.fillCells(d.insides); err != nil {
		return nil, err
	}
	x.growBalls()
	return x, nil
}

// cut makes pieces of an outline: at most 16 edges and about a kilometre each, so that few are looked at.
func (x *placeIndex) cut(c placeChain) {
	const edges, spanM = 16, 1000
	at := make([]vec, len(c.at))
	for i, g := range c.at {
		at[i] = g.place().vec()
	}
	for from := 0; from < len(at)-1; {
		to := from + 1
		for to < len(at)-1 && to-from < edges && at[from].place().square(at[to+1]) <= (spanM/fixedM)*(spanM/fixedM) {
			to++
		}
		run := at[from : to+1]
		var mid place
		for _, v := range run {
			mid.x, mid.y, mid.z = mid.x+float64(v.x), mid.y+float64(v.y), mid.z+float64(v.z)
		}
		n := float64(len(run))
		middle := place{mid.x / n, mid.y / n, mid.z / n}.vec()
		reach := 0.0
		for _, v := range run {
			reach = max(reach, math.Sqrt(middle.place().square(v))*fixedM)
		}
		x.parts = append(x.parts, part{at: middle, reachM: float32(reach + 0.05), ref: uint32(len(x.pieces))})
		x.pieces = append(x.pieces, piece{from: uint32(len(x.vertices)), n: uint16(len(run)), bit: c.bit})
		x.vertices = append(x.vertices, run...)
		from = to
	}
}

// growBalls makes the tree, from the parts upward.
func (x *placeIndex) growBalls() {
	if len(x.parts) == 0 {
		return
	}
	leaves := make([]ball, len(x.parts))
	for i, e := range x.parts {
		bit := e.ref
		if e.reachM > 0 {
			bit = uint32(x.pieces[e.ref].bit)
		}
		leaves[i] = ball{e.at, e.reachM, 1 << bit}
	}
	for below := leaves; ; {
		level := make([]ball, 0, len(below)/fanOut+1)
		for group := range slices.Chunk(below, fanOut) {
			var mid place
			var b ball
			for _, c := range group {
				mid.x, mid.y, mid.z = mid.x+float64(c.at.x), mid.y+float64(c.at.y), mid.z+float64(c.at.z)
				b.mask |= c.mask
			}
			n := float64(len(group))
			b.at = place{mid.x / n, mid.y / n, mid.z / n}.vec()
			for _, c := range group {
				// The product is more than what a float32 rounds away.
				b.reachM = max(b.reachM, float32((math.Sqrt(b.at.place().square(c.at))*fixedM+float64(c.reachM))*(1+1e-6)+0.01))
			}
			level = append(level, b)
		}
		x.balls = append(x.balls, level)
		if len(level) == 1 {
			return
		}
		below = level
	}
}
