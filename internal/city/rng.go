package city

// Randomness of the city: hashes of (seed, who, what, when), so that anything about anybody can be computed at any
// moment without being kept. The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

import "math/bits"

const (
	golden = 0x9e3779b97f4a7c15
	second = 0xd1b54a32d192ed03
)

func mix(x uint64) uint64 {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// rng is a stream of random numbers.
type rng uint64

func (r *rng) next() uint64 {
	*r += golden
	return mix(uint64(*r))
}

// below returns a number in [0, n).
func (r *rng) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), n)
	return hi
}

// percent is true in p of 100 cases.
func (r *rng) percent(p uint64) bool { return r.below(100) < p }

// pick returns one of the words.
func (r *rng) pick(words []string) string { return words[r.below(uint64(len(words)))] }

// scale maps a hash to [0, n).
func scale(h, n uint64) uint64 {
	hi, _ := bits.Mul64(h, n)
	return hi
}

// trait is a lasting property of somebody or something: the same for the whole life of the city.
func (c *City) trait(tag, who uint64) uint64 {
	return mix(mix(c.seed+tag*golden) ^ (who+1)*second)
}

// moment is a property that somebody has at a time (an hour, a day).
func (c *City) moment(tag, who uint64, at int64) uint64 {
	return mix(c.trait(tag, who) + uint64(at)*golden)
}

// Tags keep the properties apart.
const (
	tagLine = iota + 1
	tagHousehold
	tagHome
	tagWork
	tagPlace
	tagPlaces
	tagKind
	tagShift
	tagActivity
	tagAwake
	tagWhere
	tagWhich
	tagMinor
	tagDevice
	tagName
	tagSince
	tagSignal
	tagConsent
	tagPartner
	tagApps
	tagSites
	tagSlot
	tagEvent
	tagPrivate
)
