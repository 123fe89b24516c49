package detect

// The file of a list of places: a head, three sorted sections, a checksum. Written by `consentry places import`, read by
// every worker. Same content, same bytes. All numbers are little-endian.
//
//	"consentry places 1\n"
//	date of the data                                    int64, Unix seconds
//	sources: count u16, of each: name, notice (u16 length, bytes), date int64, places u32
//	categories, sorted: count u8, of each: name (u8 length, bytes), places u32
//	points: count u32, of each: category u8, latitude and longitude int32 in 1e-7 degrees
//	outlines: count u32, of each: category u8, vertices u32, of each: latitude and longitude
//	insides: count u32, of each: category u8, S2 cell id u64
//	SHA-256 of all before
//
// The checksum finds accidents; who may write the file may leave places out of it.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"time"
)

const (
	placesMagic = "consentry places 1\n"
	// maxPlacesFile bounds what a reader takes in, bytes.
	maxPlacesFile = 2 << 30
	// maxCategories is how many a mask has room for.
	maxCategories = 64
	// maxEdgeM is the longest edge of an outline, metres: longer ones are divided by the import.
	maxEdgeM = 1500
)

// ReadPlaces reads a list that `consentry places import` made. An error says what is wrong with the file.
func ReadPlaces(r io.Reader) (*Places, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxPlacesFile+1))
	switch {
	case err != nil:
		return nil, errors.New("the list of places cannot be read")
	case len(raw) > maxPlacesFile:
		return nil, errors.New("the list of places is larger than 2 GiB")
	case !bytes.HasPrefix(raw, []byte(placesMagic)):
		return nil, errors.New("this is no list of places of this version: make one with consentry places import")
	case len(raw) < len(placesMagic)+sha256.Size:
		return nil, errors.New("the list of places is cut short")
	}
	body := raw[:len(raw)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], raw[len(body):]) {
		return nil, errors.New("the list of places is damaged or cut short: its checksum is wrong")
	}
	d, err := parsePlaces(body[len(placesMagic):])
	if err != nil {
		return nil, err
	}
	return d.places()
}

// cursor takes bytes from the front. After the first lack it gives zeros, and short is true.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.short, c.rest = true, nil
		return make([]byte, min(n, 8))
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) u8() int     { return int(c.take(1)[0]) }
func (c *cursor) u16() int    { return int(binary.LittleEndian.Uint16(c.take(2))) }
func (c *cursor) u32() int    { return int(binary.LittleEndian.Uint32(c.take(4))) }
func (c *cursor) u64() uint64 { return binary.LittleEndian.Uint64(c.take(8)) }
func (c *cursor) geo() geo    { return geo{int32(c.u32()), int32(c.u32())} }

// text takes n bytes; none where there are fewer.
func (c *cursor) text(n int) string {
	if n > len(c.rest) {
		c.short, c.rest = true, nil
		return ""
	}
	return string(c.take(n))
}

// count takes a number of items of at least size bytes each: no more than there is room for.
func (c *cursor) count(n, size int) int {
	if n > len(c.rest)/size {
		c.short, c.rest = true, nil
		return 0
	}
	return n
}

// parsePlaces reads what stands between magic and checksum.
func parsePlaces(body []byte) (*placeData, error) {
	c := &cursor{rest: body}
	d := &placeData{made: time.Unix(int64(c.u64()), 0).UTC()}
	for range c.count(c.u16(), 16) {
		s := PlaceSource{Name: c.text(c.u16()), Notice: c.text(c.u16())}
		s.Made, s.Places = time.Unix(int64(c.u64()), 0).UTC(), c.u32()
		d.sources = append(d.sources, s)
	}
	for range c.count(c.u8(), 5) {
		d.categories = append(d.categories, placeCategory{c.text(c.u8()), c.u32()})
	}
	n := c.count(c.u32(), 9)
	d.points = make([]placePoint, n)
	for i := range d.points {
		d.points[i] = placePoint{uint8(c.u8()), c.geo()}
	}
	n = c.count(c.u32(), 5)
	d.chains = make([]placeChain, n)
	for i := range d.chains {
		ch := &d.chains[i]
		ch.bit = uint8(c.u8())
		ch.at = make([]geo, c.count(c.u32(), 8))
		for k := range ch.at {
			ch.at[k] = c.geo()
		}
	}
	n = c.count(c.u32(), 9)
	d.insides = make([]placeInside, n)
	for i := range d.insides {
		d.insides[i] = placeInside{uint8(c.u8()), c.u64()}
	}
	if c.short || len(c.rest) > 0 {
		return nil, errors.New("the list of places is not as its own counts say")
	}
	return d, d.check()
}

// check holds the content against what a writer guarantees.
func (d *placeData) check() error {
	if len(d.categories) > maxCategories {
		return errors.New("the list of places has more than 64 categories")
	}
	for i, c := range d.categories {
		if !validCategory(c.name) || i > 0 && d.categories[i-1].name >= c.name {
			return errors.New("the list of places has categories without a proper name, or not in order")
		}
	}
	if y := d.made.Year(); y < 1970 || y > 9999 {
		return errors.New("the list of places has no date")
	}
	known := func(bit uint8) bool { return int(bit) < len(d.categories) }
	for i, p := range d.points {
		if !known(p.bit) || !p.at.onGlobe() || i > 0 && comparePoints(d.points[i-1], p) >= 0 {
			return errors.New("the list of places has a point that is none, or is not in order")
		}
	}
	for i, c := range d.chains {
		if !known(c.bit) || len(c.at) < 2 || i > 0 && compareChains(d.chains[i-1], c) >= 0 {
			return errors.New("the list of places has an outline that is none, or is not in order")
		}
		for k, g := range c.at {
			if !g.onGlobe() || k > 0 && metres(c.at[k-1], g) > maxEdgeM {
				return errors.New("the list of places has an outline with an edge that is too long")
			}
		}
	}
	for i, in := range d.insides {
		if !known(in.bit) || i > 0 && compareInsides(d.insides[i-1], in) >= 0 {
			return errors.New("the list of places has an inside that is none, or is not in order")
		}
	}
	return nil
}

// metres is the straight line between two positions.
func metres(a, b geo) float64 {
	return math.Sqrt(a.place().square(b.place().vec())) * fixedM
}

// encode writes the file's bytes. It sorts, and drops what is there twice.
func (d *placeData) encode() []byte {
	slices.SortFunc(d.points, comparePoints)
	d.points = slices.CompactFunc(d.points, func(a, b placePoint) bool { return a == b })
	slices.SortFunc(d.chains, compareChains)
	d.chains = slices.CompactFunc(d.chains, func(a, b placeChain) bool { return compareChains(a, b) == 0 })
	slices.SortFunc(d.insides, compareInsides)
	d.insides = slices.Compact(d.insides)
	le := binary.LittleEndian
	b := []byte(placesMagic)
	text16 := func(s string) {
		b = le.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	at := func(g geo) {
		b = le.AppendUint32(b, uint32(g.lat))
		b = le.AppendUint32(b, uint32(g.lon))
	}
	b = le.AppendUint64(b, uint64(d.made.Unix()))
	b = le.AppendUint16(b, uint16(len(d.sources)))
	for _, s := range d.sources {
		text16(s.Name)
		text16(s.Notice)
		b = le.AppendUint64(b, uint64(s.Made.Unix()))
		b = le.AppendUint32(b, uint32(s.Places))
	}
	b = append(b, uint8(len(d.categories)))
	for _, c := range d.categories {
		b = append(b, uint8(len(c.name)))
		b = append(b, c.name...)
		b = le.AppendUint32(b, uint32(c.places))
	}
	b = le.AppendUint32(b, uint32(len(d.points)))
	for _, p := range d.points {
		b = append(b, p.bit)
		at(p.at)
	}
	b = le.AppendUint32(b, uint32(len(d.chains)))
	for _, c := range d.chains {
		b = append(b, c.bit)
		b = le.AppendUint32(b, uint32(len(c.at)))
		for _, g := range c.at {
			at(g)
		}
	}
	b = le.AppendUint32(b, uint32(len(d.insides)))
	for _, in := range d.insides {
		b = append(b, in.bit)
		b = le.AppendUint64(b, in.cell)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}
