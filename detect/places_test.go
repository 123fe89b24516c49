package detect

// Look-ups against brute force on the great circle, where cells meet, over the antimeridian and at the poles.

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"
)

var aDay = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// imported makes a list of files by name and text.
func imported(t testing.TB, files ...string) *Places {
	t.Helper()
	im, err := NewPlaceImport("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		rep, err := im.Add(files[i], strings.NewReader(files[i+1]), aDay)
		if err != nil || rep.Malformed > 0 {
			t.Fatalf("%s: %v, %+v", files[i], err, rep)
		}
	}
	return loaded(t, im)
}

func loaded(t testing.TB, im *PlaceImport) *Places {
	t.Helper()
	raw, err := im.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlaces(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func csvOf(category string, at ...s2.LatLng) string {
	b := []byte("category,lat,lon\n")
	for _, ll := range at {
		b = fmt.Appendf(b, "%s,%.7f,%.7f\n", category, ll.Lat.Degrees(), ll.Lng.Degrees())
	}
	return string(b)
}

// away is a point so many metres from another in a direction, on the sphere.
func away(from s2.LatLng, metres, bearing float64) s2.LatLng {
	p := s2.PointFromLatLng(from)
	axis := s2.PointFromCoords(0, 0, 1)
	if math.Abs(p.Z) > 0.999 {
		axis = s2.PointFromCoords(1, 0, 0)
	}
	side := p.Cross(axis.Vector).Normalize()
	up := side.Cross(p.Vector)
	dir := side.Mul(math.Sin(bearing)).Add(up.Mul(math.Cos(bearing)))
	a := metres / earthM
	return s2.LatLngFromPoint(s2.Point{Vector: p.Mul(math.Cos(a)).Add(dir.Mul(math.Sin(a)))})
}

func near(p *Places, at s2.LatLng, accuracyM float64) bool {
	_, is := p.Near(at.Lat.Degrees(), at.Lng.Degrees(), accuracyM)
	return is
}

func TestTheRimIsAt250Metres(t *testing.T) {
	var centres []s2.LatLng
	for lat := -90.0; lat <= 90; lat += 7.5 {
		for _, lon := range []float64{-180, -135, -122.5, -45, 0, 9.5, 44.9999, 90, 135.00001, 179.9999, 180} {
			centres = append(centres, s2.LatLngFromDegrees(lat, lon))
		}
	}
	for _, level := range []int{0, 1, 5, indexLevel, coverLevel} { // corners of cells, of faces too
		for i := range 40 {
			lat, lon := math.Asin(2*math.Mod(float64(i)*0.618, 1)-1)*180/math.Pi, math.Mod(float64(i)*137.5, 360)-180
			cell := s2.CellFromCellID(s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon)).Parent(level))
			centres = append(centres, s2.LatLngFromPoint(cell.Vertex(i%4)))
		}
	}
	for _, c := range centres {
		p := imported(t, "one.csv", csvOf("hospital", c))
		for _, accuracy := range []float64{0, 100, 250, 400, 1000, 5000, 40_000} {
			rim := max(250, accuracy)
			for k := range 12 {
				bearing := float64(k) * math.Pi / 6
				for _, in := range []float64{0, 100, 240, 249, 249.9, rim * 0.8, rim - 1} {
					if !near(p, away(c, in, bearing), accuracy) {
						t.Fatalf("%v: %.1f m away, accuracy %.0f: not near", c, in, accuracy)
					}
				}
				// Up to 0.6 % beyond, the sphere may be wrong.
				for _, out := range []float64{rim*sphereError + 1, rim + max(10, rim/50), rim + 1000} {
					if near(p, away(c, out, bearing), accuracy) {
						t.Fatalf("%v: %.1f m away, accuracy %.0f: near", c, out, accuracy)
					}
				}
			}
		}
	}
}

func TestNearAgreesWithBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() s2.LatLng {
		lat, lon := math.Asin(2*rng.Float64()-1)*180/math.Pi, rng.Float64()*360-180
		switch rng.IntN(6) {
		case 0:
			lon = 180 - rng.Float64()*0.02
		case 1:
			lat = 90 - rng.Float64()*0.02
		case 2, 3:
			lat, lon = 47+rng.Float64()*0.1, 9+rng.Float64()*0.1
		}
		return s2.LatLngFromDegrees(lat, lon)
	}
	var places []s2.LatLng
	for range 1500 {
		places = append(places, random())
	}
	p := imported(t, "many.csv", csvOf("clinic", places...))
	hits := 0
	for range 100_000 {
		at := random()
		if rng.IntN(2) == 0 {
			at = away(places[rng.IntN(len(places))], rng.Float64()*2000, rng.Float64()*7)
		}
		accuracy := 0.0
		if rng.IntN(2) == 0 {
			accuracy = math.Pow(10, rng.Float64()*7.2)
		}
		rim := s1.Angle(max(250, accuracy) / earthM)
		least := s1.InfAngle()
		for _, q := range places {
			if math.Abs(float64(q.Lat-at.Lat)) <= float64(rim)*1.1 {
				least = min(least, q.Distance(at))
			}
		}
		got := near(p, at, accuracy)
		switch {
		case least <= rim && !got:
			t.Fatalf("%v accuracy %.1f: a place is %.2f m away", at, accuracy, float64(least)*earthM)
		case least > rim*(sphereError+1e-6)+0.2/earthM && got:
			t.Fatalf("%v accuracy %.1f: the nearest is %.2f m away", at, accuracy, float64(least)*earthM)
		}
		if got {
			hits++
		}
	}
	if hits < 10_000 || hits > 90_000 {
		t.Errorf("only one side was tested: %d near", hits)
	}
}

func TestWhatCannotBeReadIsNear(t *testing.T) {
	p := imported(t, "one.csv", csvOf("hospital", s2.LatLngFromDegrees(0, 0)))
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range [][3]float64{{nan, 0, 0}, {50, nan, 0}, {50, 50, nan}, {50, 50, -1}, {50, 50, inf}, {91, 0, 0}, {0, 181, 0}, {0, -inf, 0}} {
		if category, is := p.Near(c[0], c[1], c[2]); !is || category != "unreadable" {
			t.Errorf("%v: %q, %v", c, category, is)
		}
	}
	if _, is := (&Places{}).Near(50, 50, 0); !is {
		t.Error("a list that was never read is near nothing")
	}
	if !near(p, s2.LatLngFromDegrees(50, 50), 1e300) || near(p, s2.LatLngFromDegrees(50, 50), 1000) {
		t.Error("an accuracy as wide as the globe reaches every place, and one of a kilometre does not")
	}
}

func TestOptionalCategoriesCountWhereAsked(t *testing.T) {
	stadium, church := s2.LatLngFromDegrees(40, -100), s2.LatLngFromDegrees(40.1, -100)
	p := imported(t, "a.csv", csvOf("stadium", stadium), "b.csv", csvOf("church", church))
	mask, known := p.Category("stadium")
	if !known || strings.Join(p.Categories(), " ") != "religious stadium" || p.Count("stadium") != 1 || p.Count("bar") != 0 {
		t.Fatalf("%v %v", p.Categories(), known)
	}
	if _, known := p.Category("casino"); known {
		t.Error("a category without places is known")
	}
	if near(p, stadium, 0) || !near(p, church, 0) {
		t.Error("a stadium is always withheld, or a church is not")
	}
	for _, accuracy := range []float64{0, 3000} {
		if c, is := p.NearAlso(40, -100, accuracy, mask); !is || c != "stadium" {
			t.Errorf("accuracy %.0f: %q %v", accuracy, c, is)
		}
		if _, is := p.NearAlso(40.1, -100, accuracy, mask); is {
			t.Error("a church is a stadium")
		}
	}
}

const ring = `[[%[1]f,%[2]f],[%[3]f,%[2]f],[%[3]f,%[4]f],[%[1]f,%[4]f],[%[1]f,%[2]f]]`

func box(w, s, e, n float64) string { return fmt.Sprintf(ring, w, s, e, n) }

func TestAreasCountByOutlineAndInside(t *testing.T) {
	// A base of about 22 by 19 km with a free town inside, a small church, and one area over the antimeridian.
	p := imported(t, "areas.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"landuse":"military"},"geometry":{"type":"Polygon","coordinates":[`+box(10, 50, 10.3, 50.2)+`,`+box(10.1, 50.08, 10.16, 50.12)+`]}},
		{"type":"Feature","properties":{"amenity":"place_of_worship","name":"x"},"geometry":{"type":"MultiPolygon","coordinates":[[`+box(11, 50, 11.0005, 50.0005)+`]]}},
		{"type":"Feature","properties":{"landuse":"military"},"geometry":{"type":"Polygon","coordinates":[[[179.9,-17],[-179.9,-17],[-179.9,-16.9],[179.9,-16.9],[179.9,-17]]]}}]}`)
	rng := rand.New(rand.NewPCG(3, 4))
	check := func(lat, lon, accuracy float64, want bool) {
		t.Helper()
		if got := near(p, s2.LatLngFromDegrees(lat, lon), accuracy); got != want {
			t.Fatalf("%.5f %.5f, accuracy %.0f: near is %v", lat, lon, accuracy, got)
		}
	}
	inside := func(lat, lon float64) bool {
		return lat >= 50 && lat <= 50.2 && lon >= 10 && lon <= 10.3 && !(lat > 50.08 && lat < 50.12 && lon > 10.1 && lon < 10.16)
	}
	// Metres a degree, at most and at least here.
	const latM, lonM, lonLeast = 111_320, 71_800, 71_100
	rim := func(lat, lon float64) float64 { // to the outer box from outside, from below
		dx, dy := max(0, 10-lon, lon-10.3)*lonLeast, max(0, 50-lat, lat-50.2)*111_000
		return math.Hypot(dx, dy)
	}
	for range 20_000 {
		lat, lon := 49.95+rng.Float64()*0.3, 9.95+rng.Float64()*0.4
		got := near(p, s2.LatLngFromDegrees(lat, lon), 0)
		switch d := rim(lat, lon); {
		case inside(lat, lon) && !got:
			t.Fatalf("%.5f %.5f is inside and not near", lat, lon)
		case d > 256 && got:
			t.Fatalf("%.5f %.5f is %.0f m outside and near", lat, lon, d)
		case d > 0 && math.Hypot(max(0, 10-lon, lon-10.3)*lonM, max(0, 50-lat, lat-50.2)*latM) < 249 && !got:
			t.Fatalf("%.5f %.5f is %.0f m outside and not near", lat, lon, d)
		}
	}
	check(50.1, 10.13, 0, false) // in the town
	check(50.0815, 10.13, 0, true)
	check(50.1, 10.13, 2500, true)
	check(50.1, 10.13, 1900, false)
	check(50.0002, 11.0002, 0, true)
	check(50.0027, 11.0002, 0, true) // 245 m north of the church's wall, 272 m from its middle
	check(50.0029, 11.0002, 0, false)
	for _, lon := range []float64{179.95, 180, -180, -179.95} {
		check(-16.95, lon, 0, true)
	}
	check(-16.95, 179.8, 0, false)
	check(-16.95, -179.8, 0, false)
	if c, _ := p.Near(50.1, 10.05, 0); c != "military" {
		t.Errorf("category %q", c)
	}
}

func TestNearAllocatesNothing(t *testing.T) {
	p := million(t, 10_000)
	if n := testing.AllocsPerRun(1000, func() {
		p.Near(47.05, 9.05, 0)
		p.Near(12, 9.05, 3000)
		p.Near(math.NaN(), 0, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// million is n places, four in five of them in a country of 600 by 800 km.
func million(t testing.TB, n int) *Places {
	rng := rand.New(rand.NewPCG(5, 6))
	im, err := NewPlaceImport("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		lat, lon := math.Asin(2*rng.Float64()-1)*180/math.Pi, rng.Float64()*360-180
		if i%5 > 0 {
			lat, lon = 44+rng.Float64()*6, rng.Float64()*10
		}
		g, _ := degrees(lat, lon)
		im.point(1<<(i%3), g)
	}
	im.data.made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return loaded(t, im)
}

func BenchmarkNearMillionPlaces(b *testing.B) {
	p := million(b, 1_000_000)
	rng := rand.New(rand.NewPCG(7, 8))
	var at [1 << 16][2]float64
	for i := range at {
		at[i] = [2]float64{44 + rng.Float64()*6, rng.Float64() * 10}
		if i%5 == 0 {
			at[i] = [2]float64{rng.Float64()*160 - 80, rng.Float64()*360 - 180}
		}
	}
	// A look-up far from the last one waits for memory once; this is how long that alone takes.
	b.Run("one_random_access_alone", func(b *testing.B) {
		far := make([]slot, len(p.index.cells.slots))
		for i := range far {
			far[i].key = rng.Uint32() // the next one is known only when this one has come
		}
		last := uint32(0)
		for i := uint32(0); b.Loop(); i++ {
			last = far[uint64((last^i)*0x9E3779B1)*uint64(len(far))>>32].key
		}
	})
	b.Run("one_city", func(b *testing.B) { // as the events of one town come: 40 by 55 km
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c := &at[i&(len(at)-1)]
			p.Near(47+c[0]-math.Floor(c[0]*2)/2, 5+c[1]-math.Floor(c[1]*2)/2, 0)
		}
	})
	for _, accuracy := range []float64{0, 400, 1000, 5000, 50_000} {
		b.Run(fmt.Sprintf("accuracy=%.0f", accuracy), func(b *testing.B) {
			b.ReportAllocs()
			near := 0
			for i := 0; b.Loop(); i++ {
				c := &at[i&(len(at)-1)]
				if _, is := p.Near(c[0], c[1], accuracy); is {
					near++
				}
			}
			b.ReportMetric(float64(near)/float64(b.N), "near/op")
		})
	}
}

// Outlines of long edges at a corner of the cube, where a cell's offsets are largest: along them, and 240 m beside.
func TestLongEdgesAtACornerOfTheCube(t *testing.T) {
	corner := s2.LatLngFromPoint(s2.PointFromCoords(1, 1, 1))
	rng := rand.New(rand.NewPCG(9, 10))
	for range 60 {
		a := away(corner, rng.Float64()*3000, rng.Float64()*7)
		b := away(a, 980, rng.Float64()*7) // one piece
		line := fmt.Sprintf(`{"type":"Feature","properties":{"landuse":"military"},"geometry":{"type":"LineString","coordinates":[[%.7f,%.7f],[%.7f,%.7f]]}}`,
			a.Lng.Degrees(), a.Lat.Degrees(), b.Lng.Degrees(), b.Lat.Degrees())
		p := imported(t, "line.json", line)
		for f := 0.0; f <= 1; f += 0.02 {
			on := s2.LatLngFromPoint(s2.Interpolate(f, s2.PointFromLatLng(a), s2.PointFromLatLng(b)))
			for k := range 8 {
				if at := away(on, 248, float64(k)); !near(p, at, 0) {
					t.Fatalf("%v is 248 m from the line from %v to %v", at, a, b)
				}
			}
		}
	}
}

func TestMiddleOfAMiddlingArea(t *testing.T) {
	p := imported(t, "park.json", `{"type":"Feature","properties":{"amenity":"university"},"geometry":{"type":"Polygon","coordinates":[`+box(10, 50, 10.01, 50.007)+`]}}`)
	for lat := 50.0; lat <= 50.007; lat += 0.0002 {
		for lon := 10.0; lon <= 10.01; lon += 0.0002 {
			if !near(p, s2.LatLngFromDegrees(lat, lon), 0) {
				t.Fatalf("%.4f %.4f is inside", lat, lon)
			}
		}
	}
}
