package detect

// What a file of places holds, before there is an index of it.

import (
	"cmp"
	"slices"
	"time"

	"github.com/golang/geo/s2"
)

// geo is a position in units of 1e-7 degrees (1.1 cm), as OpenStreetMap keeps it.
type geo struct{ lat, lon int32 }

func (g geo) place() place { return placeAt(float64(g.lat)/1e7, float64(g.lon)/1e7) }

func (g geo) onGlobe() bool {
	return g.lat >= -90e7 && g.lat <= 90e7 && g.lon >= -180e7 && g.lon <= 180e7
}

// placePoint is a place without extent.
type placePoint struct {
	bit uint8
	at  geo
}

// placeChain is an outline: two or more vertices, at most maxEdgeM apart.
type placeChain struct {
	bit uint8
	at  []geo
}

// placeInside is a cell, of coverLevel or larger, inside an area.
type placeInside struct {
	bit  uint8
	cell uint64
}

type placeCategory struct {
	name   string
	places int
}

type placeData struct {
	made       time.Time
	sources    []PlaceSource
	categories []placeCategory
	points     []placePoint
	chains     []placeChain
	insides    []placeInside
}

func comparePoints(a, b placePoint) int {
	return cmp.Or(cmp.Compare(a.bit, b.bit), compareGeo(a.at, b.at))
}

func compareGeo(a, b geo) int {
	return cmp.Or(cmp.Compare(a.lat, b.lat), cmp.Compare(a.lon, b.lon))
}

func compareChains(a, b placeChain) int {
	return cmp.Or(cmp.Compare(a.bit, b.bit), slices.CompareFunc(a.at, b.at, compareGeo))
}

func compareInsides(a, b placeInside) int {
	return cmp.Or(cmp.Compare(a.bit, b.bit), cmp.Compare(a.cell, b.cell))
}

// places makes the list that look-ups use.
func (d *placeData) places() (*Places, error) {
	x, err := newPlaceIndex(d)
	if err != nil {
		return nil, err
	}
	p := &Places{made: d.made, sources: d.sources, index: x}
	for i, c := range d.categories {
		p.categories = append(p.categories, c.name)
		p.counts = append(p.counts, c.places)
		if AlwaysWithheld(c.name) {
			p.always |= 1 << i
		}
	}
	return p, nil
}

// leafCell is the position's S2 cell of level 30.
func leafCell(p place) uint64 { return uint64(s2.CellFromPoint(p.point()).ID()) }

// insideKey is a cell of indexLevel and a category.
type insideKey struct {
	key uint32
	bit uint8
}

// fill notes the cells of coverLevel of an inside, by their cell of indexLevel. It is false for what is no such cell.
func (in placeInside) fill(filled map[insideKey]uint32) bool {
	id := s2.CellID(in.cell)
	if !id.IsValid() || id.Level() > coverLevel || id.Level() < 5 {
		return false
	}
	add := func(c s2.CellID) (face, i, j int) {
		p := c.Point()
		face, u, v := place{p.X, p.Y, p.Z}.faceUV()
		return face, ij(u, coverLevel), ij(v, coverLevel)
	}
	if id.Level() >= indexLevel {
		for c := id.ChildBeginAtLevel(coverLevel); c != id.ChildEndAtLevel(coverLevel); c = c.Next() {
			face, i, j := add(c)
			filled[insideKey{indexKey(face, i/subcells, j/subcells), in.bit}] |= 1 << (i%subcells*subcells + j%subcells)
		}
		return true
	}
	for c := id.ChildBeginAtLevel(indexLevel); c != id.ChildEndAtLevel(indexLevel); c = c.Next() {
		face, i, j := add(c)
		filled[insideKey{indexKey(face, i/subcells, j/subcells), in.bit}] = 1<<(subcells*subcells) - 1
		if len(filled) > maxCells {
			return false
		}
	}
	return true
}

func sortedInsides(filled map[insideKey]uint32) []insideKey {
	keys := make([]insideKey, 0, len(filled))
	for k := range filled {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b insideKey) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.bit, b.bit)) })
	return keys
}
