package detect

// The inside of an area, as cells. Only what lies farther than 250 m from the outline needs them, and is found by them:
// cells of coverLevel whose middle is inside. All of such a cell is within 250 m of the area.

import (
	"errors"
	"math"

	"github.com/golang/geo/r3"
	"github.com/golang/geo/s2"
)

// maxReachM is how far an area may go from its middle. The largest military range is smaller.
const maxReachM = 500_000

// plane is the gnomonic projection around an area's middle, in which great circles are straight.
type plane struct{ middle, east, north r3.Vector }

// project is false for the far side of the globe.
func (pl *plane) project(v r3.Vector) (x, y float64, ok bool) {
	w := v.Dot(pl.middle)
	if w < 0.5 {
		return 0, 0, false
	}
	return v.Dot(pl.east) / w, v.Dot(pl.north) / w, true
}

// edge is an edge of the outline, on the globe and in the plane.
type edge struct {
	a, b           vec
	ax, ay, bx, by float64
}

// insideCells gives cells of coverLevel and larger that are inside the rings, by the even-odd rule, so that inner rings cut
// out; none for an area so small that 250 m around its outline hold it.
func insideCells(rings [][]geo) ([]uint64, error) {
	var pl plane
	for _, ring := range rings {
		for _, g := range ring {
			pl.middle = pl.middle.Add(g.place().point().Vector)
		}
	}
	pl.middle = pl.middle.Normalize()
	if pl.middle.Norm2() == 0 {
		return nil, errors.New("an area goes around the globe")
	}
	pl.east = pl.middle.Ortho()
	pl.north = pl.middle.Cross(pl.east)
	middle := place{pl.middle.X * fixed, pl.middle.Y * fixed, pl.middle.Z * fixed}
	reach := 0.0
	var edges []edge
	for _, ring := range rings {
		for i, g := range ring {
			v := g.place().vec()
			reach = max(reach, math.Sqrt(middle.square(v))*fixedM)
			if reach > maxReachM {
				return nil, errors.New("an area goes farther than 500 km from its middle: no place does")
			}
			x, y, _ := pl.project(g.place().point().Vector)
			if i > 0 {
				last := &edges[len(edges)-1]
				last.b, last.bx, last.by = v, x, y
			}
			if i+1 < len(ring) {
				edges = append(edges, edge{a: v, ax: x, ay: y})
			}
		}
	}
	if reach <= nearM {
		return nil, nil
	}
	var cells []uint64
	for face := range 6 {
		cells = pl.fill(cells, s2.CellIDFromFace(face), edges, edges)
	}
	return cells, nil
}

// fill looks at one cell. near are the edges that may cut it.
func (pl *plane) fill(cells []uint64, id s2.CellID, near, all []edge) []uint64 {
	cell := s2.CellFromCellID(id)
	center := cell.Center()
	middle := place{center.X * fixed, center.Y * fixed, center.Z * fixed}
	radius := 0.0
	for k := range 4 {
		v := cell.Vertex(k)
		radius = max(radius, center.Sub(v.Vector).Norm())
	}
	limit := (radius*1.001 + 1e-9) * fixed
	var cuts []edge
	for _, e := range near {
		if middle.squareTo(e.a, e.b) <= limit*limit {
			cuts = append(cuts, e)
		}
	}
	switch {
	case len(cuts) == 0 && !pl.inside(center.Vector, all):
		return cells
	case len(cuts) == 0 && id.Level() >= 5:
		return append(cells, uint64(id))
	case id.Level() == coverLevel:
		if pl.inside(center.Vector, all) {
			cells = append(cells, uint64(id))
		}
		return cells
	}
	for _, child := range id.Children() {
		cells = pl.fill(cells, child, cuts, all)
	}
	return cells
}

// inside is the even-odd rule.
func (pl *plane) inside(v r3.Vector, edges []edge) bool {
	x, y, ok := pl.project(v)
	if !ok {
		return false
	}
	in := false
	for i := range edges {
		e := &edges[i]
		if (e.ay > y) != (e.by > y) && x < e.ax+(y-e.ay)/(e.by-e.ay)*(e.bx-e.ax) {
			in = !in
		}
	}
	return in
}
