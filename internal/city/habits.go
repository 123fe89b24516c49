package city

// Where people are and when they are awake. A person has a home shared with the household, most have a work place, and
// everybody has 3 to 12 places more, some near home and some in the centres. One hour is spent in one place.

const hourMS = 3_600_000

// zoneHours is the city's offset from UTC.
const zoneHours = -6

// rhythm is the share of a day's events by local hour.
var rhythm = [24]int64{10, 5, 3, 2, 3, 8, 26, 52, 62, 54, 50, 56, 76, 66, 54, 52, 60, 80, 92, 98, 100, 84, 54, 24}

// routine tells in percent who is at home and who at work by local hour, the rest being in one of their places.
type routine struct{ home, work [24]uint8 }

var routines = [...]routine{
	{ // goes to work by day
		home: [24]uint8{97, 98, 98, 98, 97, 93, 81, 44, 17, 10, 8, 9, 12, 10, 9, 10, 16, 35, 54, 65, 72, 79, 87, 94},
		work: [24]uint8{0, 0, 0, 0, 0, 2, 8, 41, 72, 82, 84, 80, 68, 76, 82, 80, 69, 42, 14, 6, 3, 2, 0, 0},
	},
	{ // stays around
		home: [24]uint8{97, 98, 98, 98, 98, 97, 94, 87, 78, 68, 62, 58, 62, 63, 62, 62, 63, 66, 70, 74, 79, 86, 92, 95},
	},
	{ // works by night
		home: [24]uint8{16, 12, 11, 11, 14, 25, 50, 79, 90, 92, 92, 90, 89, 86, 79, 73, 68, 66, 63, 54, 40, 24, 18, 16},
		work: [24]uint8{77, 83, 85, 85, 81, 66, 38, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 8, 24, 46, 68, 75, 77},
	},
	{ // a day off
		home: [24]uint8{90, 94, 96, 97, 97, 97, 95, 92, 86, 76, 66, 60, 58, 57, 55, 55, 57, 60, 63, 66, 71, 76, 82, 87},
	},
}

const (
	dayWorker = iota
	around
	nightWorker
	dayOff
)

// routineOf tells which routine somebody follows on a local day.
func (c *City) routineOf(u uint64, day int64) int {
	weekday := (day%7 + 11) % 7 // 0 is Sunday: 1970-01-01 was a Thursday
	k := scale(c.trait(tagKind, u), 100)
	switch {
	case k >= 68:
		return around
	case weekday == 0 || weekday == 6:
		return dayOff
	case k >= 62:
		return nightWorker
	}
	return dayWorker
}

// where is the place in which somebody spends an hour (counted from 1970 UTC).
func (c *City) where(u uint64, hour int64) spot {
	local := hour + zoneHours
	day := local / 24
	r := &routines[c.routineOf(u, day)]
	h := (local%24 + 24 + 1 - int64(scale(c.trait(tagShift, u), 3))) % 24 // early and late risers
	draw := c.moment(tagWhere, u, hour)
	q := uint8(scale(draw, 100))
	switch {
	case q < r.home[h]:
		return c.home(u)
	case q < r.home[h]+r.work[h]:
		return c.work(u)
	}
	// Two hours in the same place are common; the first places are the favourites.
	n := 3 + scale(c.trait(tagPlaces, u), 10)
	w := c.moment(tagWhich, u, hour/2)
	a, b, d := scale(w, n), scale(mix(w), n), scale(mix(w+1), n)
	return c.place(u, min(a, b, d))
}

func (c *City) home(u uint64) spot {
	_, home := c.household(u)
	h := c.trait(tagHome, home)
	return inCell(c.homes.draw(h), mix(h+1))
}

func (c *City) work(u uint64) spot {
	h := c.trait(tagWork, u)
	return inCell(c.offices.draw(h), mix(h+1))
}

// place is the k-th of somebody's further places.
func (c *City) place(u, k uint64) spot {
	h := c.trait(tagPlace+k<<8, u)
	if h%100 < 50 {
		return inCell(c.shops.draw(mix(h)), mix(h+1))
	}
	if h%100 < 50+privatePlace {
		return privateSpot(mix(h))
	}
	home := c.home(u)
	r := rng(h)
	near := func(at int64) int64 { // a triangle of 1.8 km around home
		at += int64(r.below(1800)+r.below(1800)) - 1800
		return min(max(at, 0), side*cellM-1)
	}
	return inCell(int(near(home.y)/cellM)*side+int(near(home.x)/cellM), mix(h+1))
}

// activity is how much somebody uses the network, of 256: few use it a lot.
var activity = [16]uint64{28, 40, 48, 56, 64, 72, 80, 88, 96, 104, 116, 128, 144, 168, 204, 256}

// busy tells whether somebody may have events in an hour: use comes in sessions, so a person is silent in many hours.
func (c *City) busy(u uint64, hour int64) bool {
	if c.moment(tagAwake, u, hour)%100 >= 100 {
		return false
	}
	t := c.trait(tagActivity, u)
	return mix(t+uint64(hour))%256 < activity[t>>60]
}
