package city

// Searches, written as JSON by search.schema.json of deploy/samples. People type what must never leave: addresses,
// numbers, names of other people; and links carry who clicked them.

import (
	"strconv"
	"time"
)

func (c *City) search(b []byte, h *happening) []byte {
	r := &h.random
	f := r.fault()
	u := h.who
	b = append(b, `{"subscriber":{"msisdn":`...)
	switch f {
	case noSubject:
		b = append(b, "null"...)
	case badSubject:
		b = append(append(append(b, '"'), r.pick(badSubjects)...), '"')
	default:
		b = append(b, '"')
		at := len(b)
		b = c.appendMSISDN(b, u)
		b = append(b[:at], b[at+1:]...) // digits: without the plus
		b = append(b, '"')
	}
	b = append(b, `,"imsi":"`...)
	b = c.appendIMSI(b, u)
	b = append(b, `","account_id":"`...)
	b = c.appendAccount(b, u)
	b = append(b, `","email":`...)
	if u%3 == 0 {
		b = append(b, "null"...)
	} else {
		b = append(c.appendEmail(append(b, '"'), u), '"')
	}
	b = append(b, `,"activated_at":`...)
	if since := c.activatedMS(u); since == 0 {
		b = append(b, "null"...)
	} else {
		b = appendTime(b, since, 0)
	}
	b = append(b, `,"minor":`...)
	if minor, known := c.Minor(int(u)); known {
		b = strconv.AppendBool(b, minor)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `},"device":{"imei":"`...)
	b = c.appendIMEI(b, u)
	b = append(b, `","ad_id":"`...)
	b = c.appendAdID(b, u)
	b = append(b, `","user_agent":"Mozilla/5.0 (`...)
	b = append(append(append(b, models[c.model(u)]...), "; "...), c.os(u)...)
	b = append(b, `) Browser/1`...)
	b = strconv.AppendUint(b, r.below(40), 10)
	b = append(b, `.0"},"search":{"text":"`...)
	b = c.appendWish(b, h)
	b = append(b, `","engine":"`...)
	b = append(b, r.pick(engines)...)
	b = append(b, `","results":[`...)
	for i, n := 0, int(r.below(4)); i < n; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `"https://`...)
		b = append(c.appendSite(b, u, r), `/"`...)
	}
	b = append(b, `]},"page":`...)
	b = c.appendPage(b, h, f)
	b = append(b, `,"searched_at":`...)
	if f == badTime {
		b = append(b, r.pick(badTimes)...)
	} else {
		b = appendTime(b, h.timeMS, int(r.below(3)))
	}
	b = append(b, `,"ip":"`...)
	b = append(appendIP(b, r), '"')
	b = append(b, `,"signals":`...)
	switch {
	case c.OptedOut(int(u)):
		b = append(append(append(b, `{"gpc":`...), r.pick(optOuts)...), '}')
	case r.percent(50):
		b = append(append(append(b, `{"gpc":`...), r.pick(noOptOuts)...), '}')
	default:
		b = append(b, "null"...)
	}
	b = append(b, '}')
	if f == garbled {
		return garble(b, r, false)
	}
	return b
}

var (
	engines   = []string{"northfind", "northfind", "northfind", "lookaround", "lookaround", "askmill", "findery"}
	badTimes  = []string{`"yesterday"`, `""`, `"2026-13-45T10:00:00Z"`, `"2026-11-22"`, `null`, `"1970-01-01T00:00:00Z"`}
	optOuts   = []string{`true`, `1`, `"1"`, `true`}
	noOptOuts = []string{`false`, `0`, `null`, `false`}
	nowhere   = []string{"http://10.0.0.1/admin", "https://[2001:db8::7]/cam", "http://router/", "http://printer.local/q",
		"https://192.0.2.44:8443/me", "not a link"}
)

// appendTime writes a JSON string in RFC 3339; form 0 is UTC to the second, 1 UTC with milliseconds, 2 local time.
func appendTime(b []byte, ms int64, form int) []byte {
	b = append(b, '"')
	t := time.UnixMilli(ms).UTC()
	switch form {
	case 0:
		b = t.AppendFormat(b, "2006-01-02T15:04:05Z")
	case 1:
		b = t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	default:
		b = append(t.Add(zoneHours*time.Hour).AppendFormat(b, "2006-01-02T15:04:05.000"), "-06:00"...)
	}
	return append(b, '"')
}

// appendWish writes what was typed. In a third of the cases it tells who somebody is.
func (c *City) appendWish(b []byte, h *happening) []byte {
	r := &h.random
	if r.percent(privateWish) && c.private(h.who) {
		return append(b, r.pick(privateWishes)...)
	}
	other := h.who
	if r.percent(60) {
		other = r.below(uint64(c.opt.Subscribers))
	}
	switch r.below(24) {
	case 0:
		b = append(c.appendEmail(b, other), " password reset"...)
	case 1:
		b = c.appendMSISDN(append(b, "who is calling from "...), other)
	case 2:
		b = c.appendName(b, other)
		if c.private(h.who) {
			b = append(b, " obituary"...)
		}
	case 3:
		b = c.appendName(append(b, "is "...), other)
		if c.private(h.who) {
			b = append(b, " married"...)
		}
		b = append(append(b, " to "...), r.pick(familyNames)...)
	case 4, 5:
		b = append(b, "directions to "...)
		b = strconv.AppendUint(b, 1+r.below(1900), 10)
		b = append(append(b, ' '), r.pick(streetNames)...)
		b = append(append(b, ' '), r.pick(streetKinds)...)
	case 6:
		b = append(b, "is card "...)
		at := len(b)
		b = appendDigits(append(b, '4'), r.next()%1e14, 14)
		b = append(b, luhn(b[at:]))
		b = append(b, " stolen"...)
	case 7:
		b = append(c.appendIMEI(append(b, "unlock phone "...), other), " free"...)
	default:
		b = append(b, r.pick(wishes)...)
		if r.percent(10) {
			b = append(b, ` \u0026 \"near me\"`...) // escapes are part of JSON
		}
	}
	return b
}

// appendPage writes the page that was opened, with what links carry about a person.
func (c *City) appendPage(b []byte, h *happening, f fault) []byte {
	r := &h.random
	if f == noPosition || r.percent(8) {
		return append(b, "null"...)
	}
	b = append(b, `{"url":"`...)
	switch q := r.below(100); {
	case f == wildPosition || q < 1:
		b = append(b, r.pick(nowhere)...)
	case q < 3: // a private host: the person's name is the subdomain
		b = append(append(b, "https://"...), r.pick(givenNames)...)
		b = strconv.AppendUint(append(b, '-'), h.who, 10)
		b = append(append(append(b, '.'), r.pick(privateHosts)...), '/')
	case q < 5: // user and password
		b = append(c.appendEmail(append(b, "https://"...), h.who), ":hunter2@www."...)
		at := len("https://") // the address has an @ of its own: written as %40
		for i := len(b) - 1 - len(":hunter2@www."); i > at; i-- {
			if b[i] == '@' {
				b = append(b[:i], append([]byte("%40"), b[i+1:]...)...)
				break
			}
		}
		b = append(c.appendSite(b, h.who, r), "/account"...)
	default:
		b = append(append(b, "https://"...), r.pick(hostParts)...)
		b = append(c.appendSite(b, h.who, r), '/')
		if r.percent(35) {
			b = append(b, "u/"...)
			b = c.appendAccount(b, h.who)
		}
		if r.percent(40) {
			b = append(b, "?gclid=Cj0KCQ"...)
			b = appendHex(b, r.next(), 16)
		}
		if r.percent(12) {
			b = append(b, "#tel="...)
			b = c.appendMSISDN(b, h.who)
		}
	}
	b = append(b, `","title":"`...)
	return append(append(b, r.pick(titleWords)...), `"}`...)
}

// write puts a happening into e.
func (c *City) write(h *happening, e *Event) {
	b := c.buf[:0]
	b = c.appendMSISDN(b, h.who)
	key := len(b)
	b = c.appendIMSI(b, h.who)
	header := len(b)
	var value []byte
	switch h.source {
	case Location:
		value = c.location(b[header:], h)
	case AppUsage:
		value = c.appUsage(b[header:], h)
	default:
		value = c.search(b[header:], h)
	}
	*e = Event{Source: h.source, TimeMS: h.timeMS, Subscriber: int(h.who), Key: b[:key:key], Header: b[key:header:header], Value: value}
}
