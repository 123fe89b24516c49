package filters

// Cells against golang/geo's own slow way to a token, and the floor as geometry.

import (
	"math"
	"testing"

	"github.com/consentry/consentry/schema"
	"github.com/golang/geo/s2"
	"pgregory.net/rapid"
)

func TestCellTokensAgreeWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.IntRange(0, finestLevel).Draw(t, "level")
		lat, lon := rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")
		f := &cell{level: level}
		var dst schema.Value
		if o := f.Apply(&dst, []schema.Value{schema.FloatValue(lat), schema.FloatValue(lon)}, &Event{}); o != Filled {
			t.Fatalf("outcome %d", o)
		}
		if want := s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon)).Parent(level).ToToken(); string(dst.Raw) != want {
			t.Fatalf("got %s, want %s", dst.Raw, want)
		}
	})
}

// Promise P8: the enclosing circle of a cell at the floor has a radius of at least 1,270 m, at the middles of the cube's
// edges, where cells are smallest, at its corners, and over a spread of the globe.
func TestFloorOnTheGround(t *testing.T) {
	const earthM = 6_371_010
	smallest := math.Inf(1)
	look := func(id s2.CellID) {
		c := s2.CellFromCellID(id)
		// The smallest circle around a cell of this size is the one through its two farthest corners, or nearly.
		radius := 0.0
		for i := range 4 {
			for j := range i {
				radius = max(radius, float64(c.Vertex(i).Distance(c.Vertex(j)))/2)
			}
		}
		smallest = min(smallest, radius*earthM)
	}
	for face := range 6 {
		id := s2.CellIDFromFace(face)
		for _, corner := range []s2.CellID{id.ChildBeginAtLevel(finestLevel), id.ChildEndAtLevel(finestLevel).Prev()} {
			look(corner)
			for _, near := range corner.EdgeNeighbors() {
				look(near)
			}
		}
	}
	for _, middle := range [][2]float64{{0, 45}, {0, 135}, {0, -45}, {0, -135}, {45, 0}, {45, 90}, {45, 180}, {45, -90}, {-45, 0}, {-45, 90}, {-45, 180}, {-45, -90}} {
		id := s2.CellIDFromLatLng(s2.LatLngFromDegrees(middle[0], middle[1])).Parent(finestLevel)
		look(id)
		for _, near := range id.EdgeNeighbors() {
			look(near)
		}
	}
	for i := range 20000 {
		lat, lon := math.Asin(2*math.Mod(float64(i)*0.6180339887, 1)-1)*180/math.Pi, math.Mod(float64(i)*137.508, 360)-180
		look(s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon)).Parent(finestLevel))
	}
	if smallest < 1270 || smallest > 1271 {
		t.Errorf("a cell of level %d has an enclosing radius of %.1f m, and messages and docs say 1,270", finestLevel, smallest)
	}
	t.Logf("smallest enclosing radius seen: %.1f m", smallest)
}
