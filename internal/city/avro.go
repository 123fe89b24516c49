package city

// Writing Avro by hand, straight into the buffer: location.avsc and app_usage.avsc of deploy/samples, framed as the
// Confluent wire format does (a zero, the schema id in four bytes).

import (
	"encoding/binary"
	"math"
)

func appendFrame(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), id)
}

func appendLong(dst []byte, n int64) []byte {
	return binary.AppendUvarint(dst, uint64(n)<<1^uint64(n>>63))
}

func appendString(dst []byte, s string) []byte {
	return append(appendLong(dst, int64(len(s))), s...)
}

// lengthen puts the length before what was appended since from; one byte was left for it.
func lengthen(dst []byte, from int) []byte {
	dst[from] = byte(len(dst)-from-1) << 1 // below 64
	return dst
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Union branches, as they are written.
const (
	branch0 = 0
	branch1 = 2
	branch2 = 4
)

// subscriber writes the record of that name; only location carries a name.
func (c *City) subscriber(b []byte, h *happening, f fault, named bool) []byte {
	u := h.who
	switch f {
	case noSubject:
		b = append(b, branch0)
	case badSubject:
		b = appendString(append(b, branch1), h.random.pick(badSubjects))
	default:
		b = append(b, branch1, 0)
		from := len(b) - 1
		b = lengthen(c.appendMSISDN(b, u), from)
	}
	b = append(b, 0)
	b = lengthen(c.appendIMSI(b, u), len(b)-1)
	b = append(b, 0)
	b = lengthen(c.appendAccount(b, u), len(b)-1)
	if named {
		if u%4 == 0 {
			b = append(b, branch0)
		} else {
			b = append(b, branch1, 0)
			b = lengthen(c.appendName(b, u), len(b)-1)
		}
	}
	if since := c.activatedMS(u); since == 0 {
		b = append(b, branch0)
	} else {
		b = appendLong(append(b, branch1), since)
	}
	minor, known := c.Minor(int(u))
	if !known {
		return append(b, branch0)
	}
	return appendBool(append(b, branch1), minor)
}

// signals writes the record of that name. Silence is the rule; a device that opted out says so every time.
func (c *City) signals(b []byte, h *happening) []byte {
	if c.OptedOut(int(h.who)) {
		return append(b, branch1, branch1, 1)
	}
	switch h.random.below(3) {
	case 0:
		return append(b, branch1, branch1, 0)
	case 1:
		return append(b, branch1, branch0)
	}
	return append(b, branch0)
}

func appendIPUnion(b []byte, r *rng) []byte {
	if r.percent(25) {
		return append(b, branch0)
	}
	b = append(b, branch1, 0)
	return lengthen(appendIP(b, r), len(b)-1)
}

func (c *City) location(b []byte, h *happening) []byte {
	at := c.position(h) // first, so that measuring needs no writing
	r := &h.random
	f := r.fault()
	b = appendFrame(b, c.opt.LocationSchema)
	b = c.subscriber(b, h, f, true)

	b = append(b, 0)
	b = lengthen(c.appendIMEI(b, h.who), len(b)-1)
	if r.percent(60) {
		b = append(b, branch0)
	} else {
		b = append(b, branch1, 0)
		b = lengthen(c.appendMAC(b, h.who), len(b)-1)
	}
	if r.percent(3) {
		b = append(b, branch1) // null is the second branch here
	} else {
		b = appendString(append(b, branch0), c.os(h.who))
	}
	b = appendString(append(b, branch1), models[c.model(h.who)])

	cell := at.y/cellM*side + at.x/cellM
	b = appendLong(b, 310014_0000000+cell*16+int64(r.below(3)))
	b = appendLong(b, 4100+cell/900)
	if n := r.below(4); n > 0 {
		b = appendLong(b, int64(n))
		for range n {
			b = appendLong(b, 310014_0000000+(cell+int64(r.below(side)))*16)
		}
	}
	b = append(b, 0)

	if f == noPosition {
		b = append(b, branch0)
	} else {
		lat, lon := at.latLon()
		if f == wildPosition {
			if r.percent(50) {
				lat = math.NaN()
			} else {
				lon += 360
			}
		}
		b = append(b, branch1)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(lat))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(lon))
		if r.percent(20) {
			b = append(b, branch0)
		} else {
			b = append(b, branch1)
			accuracy := 8 + r.below(120)
			if r.percent(2) {
				accuracy *= 8 // between tall houses, or indoors
			}
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(accuracy)))
		}
	}

	b = appendLong(b, int64(min(r.below(6), 3))) // kind
	switch q := r.below(100); {
	case q < 10:
		b = append(b, branch0)
	default:
		b = appendBool(append(b, branch1), q < 13)
	}
	bars := int64(r.below(6))
	if r.below(500) == 0 {
		bars = 99 // what modems say when they do not know
	}
	b = appendLong(b, bars)

	when := h.timeMS
	if f == badTime {
		when = r.wrongTime(when)
	}
	b = appendLong(b, when)
	b = appendIPUnion(b, r)
	if r.percent(30) {
		b = binary.LittleEndian.AppendUint64(append(b, branch1), r.next()) // probe
	} else {
		b = append(b, branch0)
	}
	switch r.below(10) { // payload: whatever the probe had at hand
	case 0:
		b = append(b, branch1, 0)
		b = lengthen(c.appendIMSI(b, h.who), len(b)-1)
	case 1:
		b = append(b, branch2, 0)
		b = lengthen(c.appendEmail(b, h.who), len(b)-1)
	default:
		b = append(b, branch0)
	}
	if r.percent(25) { // attributes
		b = appendLong(b, 2)
		b = appendString(b, "apn")
		b = appendString(b, "internet.carrier.example")
		b = appendString(b, "contact")
		b = append(b, 0)
		b = lengthen(c.appendEmail(b, h.who), len(b)-1)
	}
	b = append(b, 0)
	b = c.signals(b, h)
	if f == garbled {
		return garble(b, r, true)
	}
	return b
}

func (c *City) appUsage(b []byte, h *happening) []byte {
	r := &h.random
	f := r.fault()
	b = appendFrame(b, c.opt.AppUsageSchema)
	b = c.subscriber(b, h, f, false)

	b = append(b, 0)
	b = lengthen(c.appendIMEI(b, h.who), len(b)-1)
	if r.percent(20) {
		b = append(b, branch0)
	} else {
		b = append(b, branch1, 0)
		b = lengthen(c.appendAdID(b, h.who), len(b)-1)
	}
	switch c.os(h.who) { // the enum
	case "android":
		b = append(b, 0)
	case "ios":
		b = append(b, 2)
	default:
		b = append(b, 4)
	}

	b = append(b, 0)
	b = lengthen(c.appendApp(b, h.who, r), len(b)-1)
	if r.percent(30) {
		b = append(b, branch0)
	} else {
		v := append(b, branch1, 10)
		v = append(v, '0'+byte(r.below(10)), '.', '0'+byte(r.below(10)), '.', '0'+byte(r.below(10)))
		b = v
	}

	when := h.timeMS
	if f == badTime {
		when = r.wrongTime(when)
	}
	b = appendLong(b, when)
	b = appendLong(b, int64(r.below(1+r.below(1+r.below(20000))))) // seconds: mostly short
	b = appendLong(b, int64(r.next()>>(34+r.below(24))))           // bytes
	if n := r.below(4); n > 0 {
		b = appendLong(b, int64(n))
		for range n {
			b = append(b, 0)
			from := len(b) - 1
			b = append(b, r.pick(hostParts)...)
			b = lengthen(c.appendSite(b, h.who, r), from)
		}
	}
	b = append(b, 0)
	b = appendIPUnion(b, r)
	b = c.signals(b, h)
	if f == garbled {
		return garble(b, r, true)
	}
	return b
}

var hostParts = []string{"www.", "api.", "cdn.", "m.", ""}
