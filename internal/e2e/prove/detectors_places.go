package main

// Planted places: points and areas far enough apart that each event is near one of them at most, and the slow look at
// all of them that says where an event really was.

import (
	"fmt"
	"math"
	"strings"
)

// earthM is the mean radius of the earth, metres (IUGG).
const earthM = 6_371_008.8

type point struct{ lat, lon float64 }

// area is a square by its middle and half its side, metres.
type area struct {
	mid  point
	half float64
}

// placeList is what is planted. Points stand on a grid of a twentieth of a degree, areas on one of their own.
type placeList struct {
	points  []point // always withheld
	stadium []point // withheld by one stream
	areas   []area
}

// kindsOfPlace are the words of the CSV file in turn.
var kindsOfPlace = []string{"hospital", "clinic", "church", "mosque", "synagogue", "school", "kindergarten", "prison", "courthouse"}

func newPlaceList(d *dice) *placeList {
	l := &placeList{}
	for i := range 2500 {
		at := point{30 + float64(i/100)*0.15, -110 + float64(i%100)*0.15}
		at.lat += float64(d.below(1000)) * 1e-5
		at.lon += float64(d.below(1000)) * 1e-5
		switch i % 25 {
		case 7:
			l.areas = append(l.areas, area{at, 150 + float64(d.below(300))})
		case 13:
			l.stadium = append(l.stadium, at)
		default:
			l.points = append(l.points, at)
		}
	}
	return l
}

func (l *placeList) csv() string {
	var b strings.Builder
	b.WriteString("category,lat,lon\n")
	for i, p := range l.points {
		fmt.Fprintf(&b, "%s,%.7f,%.7f\n", kindsOfPlace[i%len(kindsOfPlace)], p.lat, p.lon)
	}
	for _, p := range l.stadium {
		fmt.Fprintf(&b, "stadium,%.7f,%.7f\n", p.lat, p.lon)
	}
	return b.String()
}

func (l *placeList) geoJSON() string {
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for i, a := range l.areas {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"Feature","properties":{"category":"school"},"geometry":{"type":"Polygon","coordinates":[[`)
		for j, c := range [5][2]float64{{-1, -1}, {-1, 1}, {1, 1}, {1, -1}, {-1, -1}} {
			p := a.mid.plus(c[0]*a.half, c[1]*a.half)
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "[%.7f,%.7f]", p.lon, p.lat)
		}
		b.WriteString(`]]}}`)
	}
	b.WriteString(`]}`)
	return b.String()
}

// plus moves a point by metres north and east, which is exact enough for a few kilometres.
func (p point) plus(north, east float64) point {
	return point{p.lat + north/earthM*180/math.Pi, p.lon + east/(earthM*math.Cos(p.lat*math.Pi/180))*180/math.Pi}
}

// apart is the distance of two points by the chord between them.
func (p point) apart(q point) float64 {
	x1, y1, z1 := p.vector()
	x2, y2, z2 := q.vector()
	chord := math.Sqrt((x1-x2)*(x1-x2) + (y1-y2)*(y1-y2) + (z1-z2)*(z1-z2))
	return 2 * earthM * math.Asin(chord/2)
}

func (p point) vector() (x, y, z float64) {
	lat, lon := p.lat*math.Pi/180, p.lon*math.Pi/180
	return math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)
}

// apart is the distance from an area, 0 inside, on the plane around its middle.
func (a *area) apart(p point) float64 {
	north := (p.lat - a.mid.lat) * math.Pi / 180 * earthM
	east := (p.lon - a.mid.lon) * math.Pi / 180 * earthM * math.Cos(a.mid.lat*math.Pi/180)
	return math.Hypot(max(0, math.Abs(north)-a.half), max(0, math.Abs(east)-a.half))
}

// nearest looks at every place there is, with no index: the distance from what is always withheld, and from a stadium.
func (l *placeList) nearest(p point) (always, stadium float64) {
	always, stadium = math.Inf(1), math.Inf(1)
	const close = 0.05 // degrees: whatever is farther than 5 km does not matter
	for _, q := range l.points {
		if math.Abs(q.lat-p.lat) < close {
			always = min(always, p.apart(q))
		}
	}
	for _, q := range l.stadium {
		if math.Abs(q.lat-p.lat) < close {
			stadium = min(stadium, p.apart(q))
		}
	}
	for i := range l.areas {
		if math.Abs(l.areas[i].mid.lat-p.lat) < close {
			always = min(always, l.areas[i].apart(p))
		}
	}
	return always, stadium
}
