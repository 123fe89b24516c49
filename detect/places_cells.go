package detect

// The arithmetic of S2 cells and of distances that a look-up needs, without allocating. A position is a vector from the
// Earth's centre; near enough, a distance is the straight line between two of them.

import (
	"math"

	"github.com/golang/geo/s2"
)

const (
	// earthM is the sphere's mean radius, metres.
	earthM = 6_371_010
	// sphereError is how much longer a short distance can be on the sphere than on the ellipsoid WGS 84: 6,371.0 km over
	// the least radius of curvature, 6,335.4 km, north to south at the equator. What is within the distance by either
	// measure is near.
	sphereError = 1.006
	// fixed is the length of a position's vector in whole numbers: 3 mm each.
	fixed = math.MaxInt32
	// fixedM is one of them in metres.
	fixedM = earthM / float64(fixed)
	// indexLevel is of the cells that the index has lists for (about 560 m wide), coverLevel of the smallest parts of an
	// area's inside: a cell of it is at most 237 m across, so that all of it is within 250 m of what it touches.
	indexLevel = 14
	coverLevel = 16
	// subcells is how many cells of coverLevel a cell of indexLevel has along an edge.
	subcells = 1 << (coverLevel - indexLevel)
)

// vec is a position, as a vector of length `fixed`, in whole numbers.
type vec struct{ x, y, z int32 }

// place is a position, as a vector of length `fixed`.
type place struct{ x, y, z float64 }

func placeAt(lat, lon float64) place {
	sinLat, cosLat := math.Sincos(lat * (math.Pi / 180))
	sinLon, cosLon := math.Sincos(lon * (math.Pi / 180))
	return place{cosLat * cosLon * fixed, cosLat * sinLon * fixed, sinLat * fixed}
}

func (p place) vec() vec {
	return vec{int32(math.Round(p.x)), int32(math.Round(p.y)), int32(math.Round(p.z))}
}

func (v vec) place() place { return place{float64(v.x), float64(v.y), float64(v.z)} }

func (p place) point() s2.Point { return s2.PointFromCoords(p.x, p.y, p.z) }

// square is the squared distance, in units of `fixed`.
func (p place) square(v vec) float64 {
	dx, dy, dz := p.x-float64(v.x), p.y-float64(v.y), p.z-float64(v.z)
	return dx*dx + dy*dy + dz*dz
}

// squareTo is the squared distance to the straight line from a to b.
func (p place) squareTo(a, b vec) float64 {
	px, py, pz := p.x-float64(a.x), p.y-float64(a.y), p.z-float64(a.z)
	dx, dy, dz := float64(b.x)-float64(a.x), float64(b.y)-float64(a.y), float64(b.z)-float64(a.z)
	if length := dx*dx + dy*dy + dz*dz; length > 0 {
		t := min(1, max(0, (px*dx+py*dy+pz*dz)/length))
		px, py, pz = px-t*dx, py-t*dy, pz-t*dz
	}
	return px*px + py*py + pz*pz
}

// chordM is the straight line under an arc of so many metres.
func chordM(arcM float64) float64 {
	if arcM >= math.Pi*earthM {
		return 2 * earthM
	}
	return 2 * earthM * math.Sin(arcM/(2*earthM))
}

// faceUV is S2's projection: the face of the cube that the position lies on, and where on it, -1 to 1.
func (p place) faceUV() (face int, u, v float64) {
	ax, ay, az := math.Abs(p.x), math.Abs(p.y), math.Abs(p.z)
	switch {
	case ax >= ay && ax >= az:
		if p.x < 0 {
			face = 3
		}
	case ay >= az:
		face = 1
		if p.y < 0 {
			face = 4
		}
	default:
		face = 2
		if p.z < 0 {
			face = 5
		}
	}
	u, v = p.uv(face)
	return face, u, v
}

// uv projects to one face. Only for positions on its half of the sphere.
func (p place) uv(face int) (u, v float64) {
	switch face {
	case 0:
		return p.y / p.x, p.z / p.x
	case 1:
		return -p.x / p.y, p.z / p.y
	case 2:
		return -p.x / p.z, -p.y / p.z
	case 3:
		return p.z / p.x, p.y / p.x
	case 4:
		return p.z / p.y, -p.x / p.y
	}
	return -p.y / p.z, -p.x / p.z
}

// ij is S2's quadratic transform: how many cells of a level lie below u along the edge of a face.
func ij(u float64, level int) int {
	var s float64
	if u >= 0 {
		s = 0.5 * math.Sqrt(1+3*u)
	} else {
		s = 1 - 0.5*math.Sqrt(1-3*u)
	}
	n := 1 << level
	return min(n-1, max(0, int(s*float64(n))))
}

// uvAt is the other way round: the place of a cell's middle along an axis.
func uvAt(i, level int) float64 {
	s := (float64(i) + 0.5) / float64(int(1)<<level)
	if s >= 0.5 {
		return (4*s*s - 1) / 3
	}
	return (1 - 4*(1-s)*(1-s)) / 3
}

// indexKey names a cell of indexLevel by face and place on it; never 0.
func indexKey(face, i, j int) uint32 {
	return 1 + uint32(face<<(2*indexLevel)|i<<indexLevel|j)
}

// eachIndexKey gives all cells of indexLevel that lie within radiusM of a position, and perhaps a few more. For radii of
// a few kilometres.
func eachIndexKey(p place, radiusM float64, visit func(key uint32)) {
	axes := [3]float64{p.x, p.y, p.z}
	for face := range 6 {
		along := axes[face%3]
		if face >= 3 {
			along = -along
		}
		if along < fixed/4 {
			continue // no part of the face is nearer than 30 degrees
		}
		u, v := p.uv(face)
		// How fast u can change with the angle, and a bit more for the curve.
		slope := 1.01 * radiusM / earthM * math.Sqrt(1+u*u+v*v)
		du, dv := slope*math.Sqrt(1+u*u), slope*math.Sqrt(1+v*v)
		if u+du < -1 || u-du > 1 || v+dv < -1 || v-dv > 1 {
			continue
		}
		i0, i1 := ij(max(-1, u-du), indexLevel), ij(min(1, u+du), indexLevel)
		j0, j1 := ij(max(-1, v-dv), indexLevel), ij(min(1, v+dv), indexLevel)
		for i := i0; i <= i1; i++ {
			for j := j0; j <= j1; j++ {
				visit(indexKey(face, i, j))
			}
		}
	}
}
