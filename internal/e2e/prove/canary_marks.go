package main

// Marked values of every class of identifier that a raw event may carry. All of them are invented, and each is so long
// and so random that it stands nowhere by chance.

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/golang/geo/s2"
)

// marked is one marked value. binary are forms of it that are no text, looked for as they are.
type marked struct {
	class, text string
	where       string // the field
	binary      [][]byte
}

// dice is a stream of numbers that a name decides.
type dice struct {
	name string
	n    uint64
}

func (d *dice) next() uint64 {
	d.n++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(d.name), d.n))
	return binary.BigEndian.Uint64(sum[:])
}

// below gives a number from 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) }

func (d *dice) of(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[d.below(len(alphabet))])
	}
	return b.String()
}

const (
	digitsOnly = "0123456789"
	hexOnly    = "0123456789abcdef"
	lower      = "abcdefghijklmnopqrstuvwxyz"
	mixed      = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
)

func (d *dice) digits(n int) string { return d.of(digitsOnly, n) }
func (d *dice) hex(n int) string    { return d.of(hexOnly, n) }

func (d *dice) word(n int) string {
	w := d.of(lower, n)
	return strings.ToUpper(w[:1]) + w[1:]
}

// luhn appends the check digit.
func luhn(s string) string {
	sum := 0
	for i := range len(s) {
		v := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// classes are the classes of contract.md section 4, and what else a carrier's events hold.
var classes = []struct {
	name string
	make func(d *dice) string
}{
	{"email", func(d *dice) string { return d.of(lower, 9) + "." + d.of(lower, 9) + "@" + d.of(lower, 8) + ".com" }},
	{"phone", func(d *dice) string { return "+44 20 7" + d.digits(3) + " " + d.digits(4) }},
	{"national_id", func(d *dice) string { return "2" + d.digits(2) + "-4" + d.digits(1) + "-5" + d.digits(3) }},
	{"card", func(d *dice) string { return luhn("4" + d.digits(14)) }},
	{"iban", func(d *dice) string { return "DE" + d.digits(20) }},
	{"imei", func(d *dice) string { return luhn("35" + d.digits(12)) }},
	{"meid", func(d *dice) string { return "A0" + strings.ToUpper(d.hex(12)) }},
	{"imsi", func(d *dice) string { return "310260" + d.digits(9) }},
	{"iccid", func(d *dice) string { return luhn("8901" + d.digits(14)) }},
	{"mac", func(d *dice) string {
		return "5c:" + d.hex(2) + ":" + d.hex(2) + ":" + d.hex(2) + ":" + d.hex(2) + ":" + d.hex(2)
	}},
	{"ip", func(d *dice) string {
		return fmt.Sprintf("%d.%d.%d.%d", 128+d.below(60), 100+d.below(150), 100+d.below(150), 100+d.below(150))
	}},
	{"ipv6", func(d *dice) string {
		return "2a0e:" + d.hex(4) + ":" + d.hex(4) + ":" + d.hex(4) + ":" + d.hex(4) + "::7"
	}},
	{"coordinates", func(d *dice) string { return "44." + d.digits(6) + ",-93." + d.digits(6) }},
	{"geocode", func(d *dice) string {
		return "86P8" + d.of("23456789CFGHJMPQRVWX", 4) + "+" + d.of("23456789CFGHJMPQRVWX", 3)
	}},
	{"uuid", func(d *dice) string {
		return d.hex(8) + "-" + d.hex(4) + "-4" + d.hex(3) + "-a" + d.hex(3) + "-" + d.hex(12)
	}},
	{"digest", func(d *dice) string { return d.hex([]int{32, 40, 64}[d.below(3)]) }},
	{"token", func(d *dice) string { return "eyJhbGciOi" + d.of(mixed, 30) }},
	{"click_id", func(d *dice) string { return "gclid=Cj0" + d.of(mixed, 20) }},
	{"url_userinfo", func(d *dice) string {
		return "https://" + d.of(lower, 9) + ":" + d.of(mixed, 12) + "@" + d.of(lower, 9) + ".com/"
	}},
	{"name_line", func(d *dice) string { return d.word(9) + " " + d.word(11) }},
	{"street_address", func(d *dice) string { return d.digits(4) + " " + d.word(10) + " Avenue, 55" + d.digits(3) }},
	{"account_id", func(d *dice) string { return "ACC-" + d.digits(12) }},
	{"search_text", func(d *dice) string { return "is " + d.word(8) + " " + d.word(9) + " still at home" }},
	{"private_url", func(d *dice) string {
		return "https://" + d.of(lower, 10) + ".com/u/" + d.of(mixed, 14) + "?q=" + d.of(lower, 9)
	}},
	{"private_host", func(d *dice) string { return d.of(lower, 11) + ".synology.me" }},
	{"ad_id", func(d *dice) string {
		return strings.ToUpper(d.hex(8) + "-" + d.hex(4) + "-" + d.hex(4) + "-" + d.hex(4) + "-" + d.hex(12))
	}},
	{"device_serial", func(d *dice) string { return "SN" + strings.ToUpper(d.of(mixed, 14)) }},
	{"user_agent", func(d *dice) string { return "Mozilla/5.0 (" + d.of(mixed, 12) + ") Browser/" + d.digits(6) }},
	{"cookie", func(d *dice) string { return "sid=" + d.of(mixed, 24) + "; Path=/" }},
	{"app_package", func(d *dice) string { return "com." + d.of(lower, 8) + "." + d.of(lower, 8) }},
	{"cell_id", func(d *dice) string { return "310014" + d.digits(9) }},
	{"vehicle", func(d *dice) string { return "1FT" + strings.ToUpper(d.of(mixed, 14)) }},
}

// classNamed finds a class; it panics on a name that is none.
func classNamed(name string) int {
	for i := range classes {
		if classes[i].name == name {
			return i
		}
	}
	panic("no class " + name)
}

// numberMark is a marked whole number: as text, and as the machine and Avro write it.
func numberMark(class, where string, n int64) marked {
	be := binary.BigEndian.AppendUint64(nil, uint64(n))
	le := binary.LittleEndian.AppendUint64(nil, uint64(n))
	return marked{class: class, text: strconv.FormatInt(n, 10), where: where, binary: [][]byte{be, le}}
}

// positionMarks are a position as numbers of several precisions, in bits, and as cells finer than the floor.
func positionMarks(lat, lon float64) []marked {
	var all []marked
	for _, v := range []struct {
		where string
		deg   float64
	}{{"position.lat", lat}, {"position.lon", lon}} {
		bits := math.Float64bits(v.deg)
		m := marked{class: "position", where: v.where, text: strconv.FormatFloat(v.deg, 'g', -1, 64),
			binary: [][]byte{binary.BigEndian.AppendUint64(nil, bits), binary.LittleEndian.AppendUint64(nil, bits)}}
		all = append(all, m)
		for _, decimals := range []int{5, 6, 7} {
			all = append(all, marked{class: "position", where: v.where, text: strconv.FormatFloat(v.deg, 'f', decimals, 64)})
		}
	}
	cell := s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon))
	for _, level := range []int{14, 16, 20, 24, 30} {
		all = append(all, marked{class: "fine_cell", where: "position", text: cell.Parent(level).ToToken()})
	}
	return all
}

// timeMarks are a moment as it is commonly written.
func timeMarks(class, where string, ms int64) []marked {
	t := time.UnixMilli(ms).UTC()
	all := []marked{numberMark(class, where, ms)}
	for _, form := range []string{"2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		all = append(all, marked{class: class, where: where, text: t.Format(form)})
	}
	return append(all, marked{class: class, where: where, text: strconv.FormatInt(ms/1000, 10)})
}
