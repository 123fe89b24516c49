// Package city is a synthetic carrier: a city of subscribers with homes, work, habits, devices and households, what
// they do for days, and what they allow whom. It feeds demo, simulate, tests and benchmarks.
//
// Nobody in it exists. It is deterministic: the same options give the same bytes. It is as re-identifiable as people
// are, which a test measures, and what it puts into its events must not leave: identifiers, names, addresses, card
// numbers, private links, and now and then bytes that nobody can read.
package city

import (
	"errors"
	"math/bits"
	"slices"
)

// Source is the kind of an event.
type Source uint8

const (
	Location Source = iota
	AppUsage
	Search
	NumSources = 3
)

// String is the source's name in deploy/samples.
func (s Source) String() string { return [NumSources]string{"location", "app_usage", "search"}[s] }

// mixture is the share of each source in percent.
var mixture = [NumSources]uint64{Location: 65, AppUsage: 20, Search: 15}

// PerDay is the default number of events per subscriber and day.
const PerDay = 14.3

// Options say which city. The zero value of a number takes the default.
type Options struct {
	Seed        uint64
	Subscribers int   // default 2,000; at most MaxSubscribers
	Days        int   // default 7
	StartMS     int64 // first moment, Unix milliseconds
	Events      int64 // how many events there are in all these days; default PerDay for each subscriber and day
	// Schema ids that Avro events are framed with.
	LocationSchema, AppUsageSchema uint32
}

// Event is one raw event. Key, Header and Value are valid until the next call of Next.
type Event struct {
	Source     Source
	TimeMS     int64 // when it happened; the value may say otherwise where the probe's clock was wrong
	Subscriber int
	Key        []byte // the msisdn: raw keys must never travel
	Header     []byte // the value of the header IMSIHeader: headers must never travel
	Value      []byte // nil is a tombstone
}

// IMSIHeader is the name of the header that carries Event.Header.
const IMSIHeader = "x-imsi"

// City is a city and a place in the stream of its events. Not safe for concurrent use.
type City struct {
	opt     Options
	seed    uint64
	homes   *lottery
	offices *lottery
	shops   *lottery
	step    uint64 // of the permutation from subscribers to numbers
	shift   uint64
	goods   goods

	endMS   int64
	weight  uint64 // of all days
	hour    int64  // the hour being told
	passed  uint64 // weight of all hours up to and including it
	queue   []uint64
	at      int
	emitted int64
	buf     []byte
}

// New lays out a city.
func New(o Options) (*City, error) {
	if o.Subscribers == 0 {
		o.Subscribers = 2000
	}
	if o.Days == 0 {
		o.Days = 7
	}
	if o.Subscribers < 1 || o.Subscribers > MaxSubscribers {
		return nil, errors.New("a city has between 1 and 2,000,000 subscribers")
	}
	if o.Days < 1 || o.Days > 3660 || o.StartMS < 0 || o.Events < 0 {
		return nil, errors.New("a city lives between 1 and 3,660 days, from a time after 1970, with no fewer than 0 events")
	}
	if o.Events == 0 {
		o.Events = int64(PerDay * float64(o.Subscribers) * float64(o.Days))
	}
	c := &City{
		opt:     o,
		seed:    mix(o.Seed + golden),
		homes:   newLottery(homeCentres, 1),
		offices: newLottery(workCentres, 3),
		shops:   newLottery(shopCentres, 3),
		endMS:   o.StartMS + int64(o.Days)*24*hourMS,
		buf:     make([]byte, 0, 4096), // no event is longer
	}
	var err error
	if c.goods, err = newGoods(); err != nil {
		return nil, err
	}
	// An odd step that shares no factor with the count of numbers visits each number once.
	c.step = c.trait(tagLine, 0)%MaxSubscribers | 1
	for c.step%5 == 0 {
		c.step += 2
	}
	c.shift = c.trait(tagLine, 1) % MaxSubscribers
	for h := o.StartMS / hourMS; h*hourMS < c.endMS; h++ {
		c.weight += c.hourWeight(h)
	}
	c.hour = o.StartMS/hourMS - 1
	return c, nil
}

// Subscribers, Events, StartMS and EndMS tell the city's size; EndMS is the first moment after it.
func (c *City) Subscribers() int { return c.opt.Subscribers }
func (c *City) Events() int64    { return c.opt.Events }
func (c *City) StartMS() int64   { return c.opt.StartMS }
func (c *City) EndMS() int64     { return c.endMS }

// hourWeight is the share of an hour's events; the first and the last hour may be cut.
func (c *City) hourWeight(hour int64) uint64 {
	from, to := max(hour*hourMS, c.opt.StartMS), min((hour+1)*hourMS, c.endMS)
	return uint64(rhythm[((hour+zoneHours)%24+24)%24] * (to - from))
}

// happening is one event before it is written down.
type happening struct {
	source Source
	who    uint64
	timeMS int64
	random rng
}

// A queued event is 22 bits of milliseconds into the hour, 2 of source, 40 of subscriber.
const (
	whoBits    = 40
	sourceBits = 2
)

// fill draws the events of the next hour that has any. It reports false when the days are over.
func (c *City) fill() bool {
	c.queue, c.at = c.queue[:0], 0
	for len(c.queue) == 0 {
		c.hour++
		from, to := max(c.hour*hourMS, c.opt.StartMS), min((c.hour+1)*hourMS, c.endMS)
		if from >= c.endMS {
			return false
		}
		before := portion(c.opt.Events, c.passed, c.weight)
		c.passed += c.hourWeight(c.hour)
		quota := portion(c.opt.Events, c.passed, c.weight) - before
		r := rng(c.moment(tagSlot, 0, c.hour))
		for ; quota > 0; quota-- {
			who := r.below(uint64(c.opt.Subscribers))
			for try := 0; try < 200 && !c.busy(who, c.hour); try++ {
				who = r.below(uint64(c.opt.Subscribers))
			}
			ms := from - c.hour*hourMS + int64(r.below(uint64(to-from)))
			kind, source := r.below(100), Location
			for kind >= mixture[source] {
				kind -= mixture[source]
				source++
			}
			c.queue = append(c.queue, uint64(ms)<<(whoBits+sourceBits)|uint64(source)<<whoBits|who)
		}
		slices.Sort(c.queue)
	}
	return true
}

// portion is n·part/whole.
func portion(n int64, part, whole uint64) int64 {
	hi, lo := bits.Mul64(uint64(n), part)
	q, _ := bits.Div64(hi, lo, whole)
	return int64(q)
}

// next draws what happens next, without writing it down.
func (c *City) next(h *happening) bool {
	if c.at == len(c.queue) && !c.fill() {
		return false
	}
	q := c.queue[c.at]
	c.at++
	h.who = q & (1<<whoBits - 1)
	h.source = Source(q >> whoBits & (1<<sourceBits - 1))
	h.timeMS = c.hour*hourMS + int64(q>>(whoBits+sourceBits))
	h.random = rng(c.moment(tagEvent, h.who, h.timeMS) + uint64(c.emitted))
	c.emitted++
	return true
}

// position is where the phone is during a happening: in the place of that hour, or on the way to the next one.
func (c *City) position(h *happening) spot {
	hour := h.timeMS / hourMS
	at := c.where(h.who, hour)
	if h.random.percent(wayPercent) {
		to := c.where(h.who, hour+1)
		t := int64(h.random.below(1000))
		at = spot{at.x + (to.x-at.x)*t/1000, at.y + (to.y-at.y)*t/1000}
	}
	return at.jitter(&h.random)
}

// wayPercent is how often somebody is under way.
const wayPercent = 5

// Next fills e with the next event in the order of time. It reports false when the days are over.
func (c *City) Next(e *Event) bool {
	var h happening
	if !c.next(&h) {
		return false
	}
	c.write(&h, e)
	return true
}
