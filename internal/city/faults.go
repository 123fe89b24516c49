package city

// What goes wrong in the probes of a carrier, now and then: fields that are missing or unreadable, clocks that are off,
// bytes that nobody can decode.

type fault uint8

const (
	sound        fault = iota
	noSubject          // null msisdn
	badSubject         // not a number
	badTime            // unreadable, or far from now
	noPosition         // null where the policy wants a value
	wildPosition       // a value that is none: NaN, off the earth; a URL without a domain
	garbled            // not decodable
)

// faultRates are in 100,000 events.
var faultRates = [...]uint64{noSubject: 300, badSubject: 120, badTime: 260, noPosition: 900, wildPosition: 220, garbled: 80}

func (r *rng) fault() fault {
	q := r.below(100_000)
	for f, rate := range faultRates {
		if q < rate {
			return fault(f)
		}
		q -= rate
	}
	return sound
}

var badSubjects = []string{"", "unknown", "+", "0000", "+1316555", "+131655501234567890", "316-555-0134", "+1316555O123"}

// garble damages a record so that no decoder may accept it; one in four becomes a tombstone.
func garble(value []byte, r *rng, framed bool) []byte {
	switch r.below(4) {
	case 0:
		return value[:len(value)/2]
	case 1:
		if framed {
			return append(value, 0xff)
		}
		return append(value, '}')
	case 2:
		value[0] = 0x7f
		return value
	}
	return nil
}

// wrongTime is a time that a source's window refuses.
func (r *rng) wrongTime(ms int64) int64 {
	switch r.below(3) {
	case 0:
		return 0
	case 1:
		return ms + 2*hourMS
	}
	return ms - 30*24*hourMS
}
