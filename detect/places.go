package detect

// Says whether a position is near a sensitive place: a hospital, a house of prayer, a school. The places come from a file
// that `consentry places import` makes; places_index.go finds those near a position.

import (
	"math"
	"time"
)

// nearM is the least distance within which a place counts, metres. A stated accuracy that is worse widens it.
const nearM = 250

// unreadablePlace is the category of a position that cannot be believed.
const unreadablePlace = "unreadable"

// Places is a list of sensitive places. It is immutable and safe for concurrent use. The zero value is near everything.
type Places struct {
	made       time.Time
	categories []string // by bit of a mask
	counts     []int
	sources    []PlaceSource
	always     uint64 // of the categories that are withheld whatever a policy says
	index      *placeIndex
}

// PlaceSource is one file that a list was made of.
type PlaceSource struct {
	Name   string    // base name of the file
	Notice string    // licence and attribution that go with the data
	Made   time.Time // date of the data
	Places int       // taken from it
}

// Made is the date of the data: the oldest of what the list was made of.
func (p *Places) Made() time.Time { return p.made }

// Sources lists what the list was made of, in the order of the import.
func (p *Places) Sources() []PlaceSource { return p.sources }

// Categories lists the categories that the list has places of, sorted.
func (p *Places) Categories() []string { return p.categories }

// Count is how many places of a category the list has.
func (p *Places) Count(category string) int {
	for i, c := range p.categories {
		if c == category {
			return p.counts[i]
		}
	}
	return 0
}

// Category gives the mask of a category for NearAlso. It is not known where the list has no place of it.
func (p *Places) Category(name string) (mask uint64, known bool) {
	for i, c := range p.categories {
		if c == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Near tells whether a position in degrees lies within 250 m of a place of a category that is always withheld, or within
// its stated accuracy (metres, 0 for none) where that is more; and of which category one such place is. What cannot be a
// position or an accuracy is near, as "unreadable".
func (p *Places) Near(lat, lon, accuracyM float64) (category string, near bool) {
	return p.near(lat, lon, accuracyM, p.always)
}

// NearAlso is Near, of the categories in the mask only.
func (p *Places) NearAlso(lat, lon, accuracyM float64, mask uint64) (category string, near bool) {
	return p.near(lat, lon, accuracyM, mask)
}

func (p *Places) near(lat, lon, accuracyM float64, mask uint64) (string, bool) {
	// The negations are true of NaN.
	if p.index == nil || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) || !(accuracyM >= 0) || math.IsInf(accuracyM, 1) {
		return unreadablePlace, true
	}
	if bit, near := p.index.near(lat, lon, max(nearM, accuracyM), mask); near {
		return p.categories[bit], true
	}
	return "", false
}
