package detect

// Answers for 250 m, the rim of most questions, with one look into memory as a rule: a hash of S2 cells of indexLevel, each
// with all that could be within 250 m of it. What is in a cell is written relative to the cell's middle, as places on the
// face of the cube, so that it is small.

import (
	"errors"
	"math"
	"math/bits"
	"slices"
)

const (
	// offsetUnit is of offsets from a cell's middle, on a face that is 2 wide: 4.7 cm on the ground at most. A place within
	// 250 m of a cell is at most 0.9 * 2^15 of them from its middle: half the widest cell is 0.81e-4, 250 m at most 0.96e-4.
	offsetUnit = 1.0 / (1 << 27)
	// roundingM is how far rounding to units, and a measure that is taken at one end of a distance, can be wrong, metres.
	roundingM = 0.1
	limit250M = nearM*sphereError + roundingM
)

// near1 is something near a cell.
type near1 struct {
	u, v int16  // from the cell's middle; for insides, u has a bit for each cell of coverLevel
	what uint32 // two bits of kind; for a piece, four of reach and its number; otherwise the category's bit
}

// Kinds. A zero what is nothing.
const (
	kindPoint  = 1 << 30
	kindPiece  = 2 << 30
	kindInside = 3 << 30
	maxPieces  = 1 << 26
)

const inSlot = 3

// slot is half a line of a processor's cache.
type slot struct {
	key  uint32 // 0 is free
	more uint32 // where the rest of its list begins; 0 where there is none
	list [inSlot]near1
}

// cells is immutable.
type cells struct {
	slots []slot
	more  []near1 // each list ends with nothing
}

// hash spreads keys over the slots: Fibonacci hashing, then a product in place of a remainder.
func (c *cells) hash(key uint32) uint32 {
	return uint32(uint64(key*0x9E3779B1) * uint64(len(c.slots)) >> 32)
}

func (x *placeIndex) within250(p place, wanted uint64) (bit int, near bool) {
	face, u, v := p.faceUV()
	i, j := ij(u, coverLevel), ij(v, coverLevel)
	key := indexKey(face, i/subcells, j/subcells)
	at := x.cells.hash(key)
	for x.cells.slots[at].key != key {
		if x.cells.slots[at].key == 0 {
			return 0, false
		}
		if at++; int(at) == len(x.cells.slots) {
			at = 0
		}
	}
	s := &x.cells.slots[at]
	// The question, with the cell's middle as origin. Squares of distances on the sphere from those on the face: the metric
	// of the gnomonic projection, times r to the fourth.
	q := question{
		p: p, wanted: wanted,
		u: (u - uvAt(i/subcells, indexLevel)) / offsetUnit, v: (v - uvAt(j/subcells, indexLevel)) / offsetUnit,
		uu: 1 + v*v, uv: -2 * u * v, vv: 1 + u*u, sub: i%subcells*subcells + j%subcells,
	}
	r2 := 1 + u*u + v*v
	q.unitM = earthM * offsetUnit / r2
	for k := range s.list {
		if s.list[k].what == 0 {
			return 0, false
		}
		if bit, near := x.ask(&s.list[k], &q); near {
			return bit, true
		}
	}
	if s.more == 0 {
		return 0, false
	}
	for k := s.more; x.cells.more[k].what != 0; k++ {
		if bit, near := x.ask(&x.cells.more[k], &q); near {
			return bit, true
		}
	}
	return 0, false
}

// question is a position as the list of its cell sees it.
type question struct {
	p          place
	wanted     uint64
	u, v       float64 // from the cell's middle, in units
	uu, uv, vv float64 // the metric
	unitM      float64 // metres of a unit, before the metric
	sub        int     // the cell of coverLevel
}

// within compares the distance to what stands in a list.
func (q *question) within(n *near1, limitM float64) bool {
	du, dv := float64(n.u)-q.u, float64(n.v)-q.v
	limit := limitM / q.unitM
	return q.uu*du*du+q.uv*du*dv+q.vv*dv*dv <= limit*limit
}

func (x *placeIndex) ask(n *near1, q *question) (bit int, near bool) {
	switch b := n.what & 63; n.what & kindInside {
	case kindPoint:
		return int(b), q.wanted>>b&1 == 1 && q.within(n, limit250M)
	case kindInside:
		return int(b), q.wanted>>b&1 == 1 && uint16(n.u)>>q.sub&1 == 1
	}
	if !q.within(n, limit250M+reachOf(n.what)) {
		return 0, false
	}
	return x.pieceWithin(q.p, &x.pieces[n.what&(maxPieces-1)], limit250M, q.wanted)
}

// reachOf is the reach of a piece, rounded up to a power of two of metres.
func reachOf(what uint32) float64 { return float64(uint32(1) << (what >> 26 & 15)) }

func reachClass(reachM float32) uint32 {
	return min(15, uint32(bits.Len32(uint32(math.Ceil(float64(reachM)))-1)))
}

// maxCells bounds the cells that areas may fill: 2.5 million square kilometres.
const maxCells = 8 << 20

// fillCells makes the hash and the lists of the cells: insides first, since they are answered at once.
func (x *placeIndex) fillCells(insides []placeInside) error {
	if len(x.pieces) > maxPieces {
		return errors.New("its areas have more outlines than there is room for")
	}
	filled := map[insideKey]uint32{}
	for _, in := range insides {
		if !in.fill(filled) || len(filled) > maxCells {
			return errors.New("its areas fill more than can be places")
		}
	}
	keys := sortedInsides(filled)
	// A member of a list is its cell's key and its number: insides first, then parts.
	var members []uint64
	for n, k := range keys {
		members = append(members, uint64(k.key)<<32|uint64(n))
	}
	for n, e := range x.parts {
		eachIndexKey(e.at.place(), limit250M+float64(e.reachM), func(key uint32) {
			members = append(members, uint64(key)<<32|uint64(len(keys)+n))
		})
	}
	slices.Sort(members)
	count := 0
	for i, m := range members {
		if i == 0 || m>>32 != members[i-1]>>32 {
			count++
		}
	}
	x.cells.slots = make([]slot, count+count/3+2) // three quarters full
	x.cells.more = make([]near1, 1)
	for len(members) > 0 {
		key, n := uint32(members[0]>>32), 1
		for n < len(members) && uint32(members[n]>>32) == key {
			n++
		}
		at := x.cells.hash(key)
		for x.cells.slots[at].key != 0 {
			if at++; int(at) == len(x.cells.slots) {
				at = 0
			}
		}
		s := &x.cells.slots[at]
		s.key = key
		for k, m := range members[:n] {
			var e near1
			if number := int(uint32(m)); number < len(keys) {
				e = near1{u: int16(filled[keys[number]]), what: kindInside | uint32(keys[number].bit)}
			} else {
				e = x.relative(key, &x.parts[number-len(keys)])
			}
			if k < inSlot {
				s.list[k] = e
				continue
			}
			if k == inSlot {
				s.more = uint32(len(x.cells.more))
			}
			x.cells.more = append(x.cells.more, e)
		}
		if n > inSlot {
			x.cells.more = append(x.cells.more, near1{})
		}
		members = members[n:]
	}
	return nil
}

// relative writes a part from the middle of a cell. The middle of a long piece may be farther away than there are units
// for: then it stands at the end of them, and its reach at more than that leaves room for.
func (x *placeIndex) relative(key uint32, e *part) near1 {
	key--
	face, i, j := int(key>>(2*indexLevel)), int(key>>indexLevel&(1<<indexLevel-1)), int(key&(1<<indexLevel-1))
	u, v := e.at.place().uv(face)
	du := math.Round((u - uvAt(i, indexLevel)) / offsetUnit)
	dv := math.Round((v - uvAt(j, indexLevel)) / offsetUnit)
	n := near1{u: clamp16(du), v: clamp16(dv), what: kindPoint | e.ref}
	if e.reachM > 0 {
		n.what = kindPiece | reachClass(e.reachM)<<26 | e.ref
		if float64(n.u) != du || float64(n.v) != dv {
			n.what |= 15 << 26
		}
	}
	return n
}

func clamp16(f float64) int16 { return int16(max(math.MinInt16, min(math.MaxInt16, f))) }
