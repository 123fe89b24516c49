package detect

// Makes a list of places of what others publish. Of each place it keeps the category and where it is, never a name.

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// PlaceImport collects the places of several files.
type PlaceImport struct {
	categories *categoryMap
	data       placeData
	areas      map[uint8]int     // distinct areas and lines by category
	seen       map[[32]byte]bool // shapes
}

// PlaceProblem is something in a file that could not be used: where (line, or offset in bytes) and why, never a value.
type PlaceProblem struct{ Where, Why string }

// PlaceReport says what was found in one file.
type PlaceReport struct {
	Taken      int // places of a category
	Skipped    int // places of no category
	Incomplete int // shapes of which the file, being an extract, lacks a part; the rest of them counts
	Malformed  int
	Problems   []PlaceProblem // the first of the malformed
	Made       time.Time
}

// maxProblems is how many are told; all are counted.
const maxProblems = 20

func (r *PlaceReport) malformed(where, why string) {
	r.Malformed++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, PlaceProblem{where, why})
	}
}

// NewPlaceImport takes an operator's map of categories, which adds to the shipped one, or nil. file is its name.
func NewPlaceImport(file string, categories io.Reader) (*PlaceImport, error) {
	m, err := newCategoryMap(file, categories)
	if err != nil {
		return nil, err
	}
	return &PlaceImport{categories: m, areas: map[uint8]int{}, seen: map[[32]byte]bool{}}, nil
}

// Add reads a file; its name tells the format: .osm.pbf or .pbf, .csv, otherwise GeoJSON. made is the date of the data
// where the file does not state one.
func (im *PlaceImport) Add(name string, r io.ReadSeeker, made time.Time) (*PlaceReport, error) {
	rep := &PlaceReport{Made: made}
	var notice string
	var err error
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, ".pbf"):
		notice, err = im.readOSM(r, rep)
	case strings.HasSuffix(lower, ".csv"):
		notice, err = im.readCSV(r, rep)
	case strings.HasSuffix(lower, "json"), strings.HasSuffix(lower, ".geojsonl"), strings.HasSuffix(lower, ".geojsonseq"):
		notice, err = im.readGeoJSON(r, rep)
	default:
		err = errors.New("its name ends in none of .pbf, .csv, .geojson, .json, .geojsonl, .geojsonseq")
	}
	if err != nil {
		return rep, err
	}
	rep.Made = rep.Made.UTC().Truncate(time.Second)
	if im.data.made.IsZero() || rep.Made.Before(im.data.made) {
		im.data.made = rep.Made
	}
	im.data.sources = append(im.data.sources, PlaceSource{Name: clip(name, 200), Notice: clip(notice, 1000), Made: rep.Made, Places: rep.Taken})
	return rep, nil
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

// Made is the oldest date of what was added.
func (im *PlaceImport) Made() time.Time { return im.data.made }

// Encode gives the file. The same inputs in the same order give the same bytes.
func (im *PlaceImport) Encode() ([]byte, error) {
	d := im.data
	if len(d.sources) > math.MaxUint16 {
		return nil, errors.New("too many files")
	}
	used := map[uint8]int{}
	for bit, n := range im.areas {
		used[bit] += n
	}
	d.points = slices.Clone(d.points)
	slices.SortFunc(d.points, comparePoints)
	d.points = slices.Compact(d.points)
	for _, p := range d.points {
		used[p.bit]++
	}
	if len(used) == 0 {
		return nil, errors.New("no place of any category was found: a list of nothing would withhold nothing")
	}
	d.categories = nil
	for bit, n := range used {
		d.categories = append(d.categories, placeCategory{im.categories.names[bit], n})
	}
	slices.SortFunc(d.categories, func(a, b placeCategory) int { return strings.Compare(a.name, b.name) })
	to := make([]uint8, maxCategories)
	for i, c := range d.categories {
		to[slices.Index(im.categories.names, c.name)] = uint8(i)
	}
	for i := range d.points {
		d.points[i].bit = to[d.points[i].bit]
	}
	d.chains = slices.Clone(d.chains)
	for i := range d.chains {
		d.chains[i].bit = to[d.chains[i].bit]
	}
	d.insides = slices.Clone(d.insides)
	for i := range d.insides {
		d.insides[i].bit = to[d.insides[i].bit]
	}
	raw := d.encode()
	if len(raw) > maxPlacesFile {
		return nil, errors.New("the list would be larger than 2 GiB")
	}
	return raw, nil
}

// degrees reads a position; false for what is none.
func degrees(lat, lon float64) (geo, bool) {
	// The negation is true of NaN.
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return geo{}, false
	}
	return geo{int32(math.Round(lat * 1e7)), int32(math.Round(lon * 1e7))}, true
}

func (im *PlaceImport) point(mask uint64, at geo) {
	for bit := range eachBit(mask) {
		im.data.points = append(im.data.points, placePoint{bit, at})
	}
}

// shape adds an area by its rings, outer and inner alike, each closed; or, if it is open, a line.
func (im *PlaceImport) shape(mask uint64, rings [][]geo, area bool) error {
	var chains [][]geo
	for _, ring := range rings {
		c, err := divide(ring)
		if err != nil {
			return err
		}
		chains = append(chains, c)
	}
	var cells []uint64
	if area {
		var err error
		if cells, err = insideCells(chains); err != nil {
			return err
		}
	}
	h := sha256.New()
	for _, c := range chains {
		_ = binary.Write(h, binary.LittleEndian, uint32(len(c)))
		for _, g := range c {
			_ = binary.Write(h, binary.LittleEndian, [2]int32{g.lat, g.lon})
		}
	}
	for bit := range eachBit(mask) {
		key := [32]byte(h.Sum([]byte{})[:])
		key[0] ^= bit // apart by category
		if im.seen[key] {
			continue
		}
		im.seen[key] = true
		im.areas[bit]++
		for _, c := range chains {
			im.data.chains = append(im.data.chains, placeChain{bit, c})
		}
		for _, cell := range cells {
			im.data.insides = append(im.data.insides, placeInside{bit, cell})
		}
	}
	return nil
}

func eachBit(mask uint64) func(func(uint8) bool) {
	return func(yield func(uint8) bool) {
		for bit := range uint8(64) {
			if mask>>bit&1 == 1 && !yield(bit) {
				return
			}
		}
	}
}

// maxVertices bounds one shape.
const maxVertices = 1 << 20

// divide puts vertices on long edges, straight in latitude and longitude as GeoJSON has it (RFC 7946, 3.1.1), so that the
// straight lines between them stay on them. An edge over the antimeridian takes the shorter way.
func divide(ring []geo) ([]geo, error) {
	out := make([]geo, 0, len(ring))
	for i, g := range ring {
		if i > 0 {
			a := ring[i-1]
			dlat, dlon := float64(g.lat)-float64(a.lat), float64(g.lon)-float64(a.lon)
			if dlon > 180e7 {
				dlon -= 360e7
			} else if dlon < -180e7 {
				dlon += 360e7
			}
			// 111.2 km a degree at most.
			steps := int(math.Hypot(dlat, dlon)*111_200/1e7/1000) + 1
			if len(out)+steps > maxVertices {
				return nil, errors.New("a shape has more than a million vertices, or is too large")
			}
			for k := 1; k < steps; k++ {
				f := float64(k) / float64(steps)
				lon := float64(a.lon) + dlon*f
				if lon > 180e7 {
					lon -= 360e7
				} else if lon < -180e7 {
					lon += 360e7
				}
				out = append(out, geo{int32(math.Round(float64(a.lat) + dlat*f)), int32(math.Round(lon))})
			}
		}
		out = append(out, g)
	}
	if len(out) == 1 { // a line of one point
		out = append(out, out[0])
	}
	if len(out) == 0 {
		return nil, errors.New("a shape has no vertices")
	}
	return out, nil
}

// lineOf names a line of a file.
func lineOf(n int) string { return fmt.Sprintf("line %d", n) }
