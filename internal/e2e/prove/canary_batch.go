package main

// Raw events whose every field is marked: written by walking the sources' own schemas, so that no field is forgotten.

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// batch is a set of marked events and of everything that is marked in them.
type batch struct {
	dice   *dice
	marks  []marked
	pairs  map[string]bool // class and field
	fields map[string]bool // every field that was written, and whether a mark stood in it
	stamps map[int64]bool  // times of events and raw records, in ms
	fresh  bool            // events of now, whose times are not looked for as text
	events int
}

func newBatch(name string, fresh bool) *batch {
	return &batch{dice: &dice{name: name}, pairs: map[string]bool{}, fields: map[string]bool{}, stamps: map[int64]bool{}, fresh: fresh}
}

// note remembers marks.
func (b *batch) note(marks ...marked) {
	for _, m := range marks {
		b.pairs[m.class+" in "+m.where] = true
		b.fields[m.where] = true
	}
	b.marks = append(b.marks, marks...)
}

// unmarked notes a field that is written and has no room for a mark.
func (b *batch) unmarked(path string) {
	if !b.fields[path] {
		b.fields[path] = false
	}
}

// put makes a marked value of a class for a field.
func (b *batch) put(class int, where string) string {
	v := classes[class].make(b.dice)
	b.note(marked{class: classes[class].name, text: v, where: where})
	return v
}

// turn is the class whose turn it is in this place: over many events every class stands in every field.
func (b *batch) turn(where string) int {
	n := b.events
	for _, c := range []byte(where) {
		n += int(c)
	}
	return n % len(classes)
}

// person is a marked subject, in E.164.
func (b *batch) person() string {
	area := []string{"612", "651", "952"}[b.dice.below(3)]
	v := "+1" + area + strconv.Itoa(2+b.dice.below(8)) + b.dice.digits(6)
	b.note(marked{class: "msisdn", text: v, where: "subscriber.msisdn"}, marked{class: "msisdn", text: v[2:], where: "subscriber.msisdn"})
	return v
}

// moment is a marked event time: hours ago, at no full minute, which to the second could be what a policy rounds another
// event's time to; or now.
func (b *batch) moment(where string) int64 {
	now := time.Now().UnixMilli()
	if b.fresh {
		ms := now - int64(b.dice.below(900))
		b.stamps[ms] = true
		return ms
	}
	hour := now/3_600_000 - 3 - int64(b.dice.below(36))
	ms := hour*3_600_000 + int64(60_000*(1+b.dice.below(57))+1_001+b.dice.below(58_000))
	b.note(timeMarks("event_time", where, ms)...)
	b.stamps[ms] = true
	return ms
}

// natural says which class stands in a field on every other event, by the field's last name.
var natural = map[string]string{
	"imsi": "imsi", "account_id": "account_id", "name": "name_line", "email": "email", "imei": "imei", "mac": "mac",
	"model": "device_serial", "os": "user_agent", "ip": "ip", "attributes": "email", "payload": "token", "ad_id": "ad_id",
	"version": "uuid", "hosts": "private_host", "user_agent": "user_agent", "text": "search_text", "engine": "cookie",
	"results": "private_url", "title": "street_address",
}

// event is one event being written. set says what stands in a field in place of a mark: nil is null.
type event struct {
	b   *batch
	set map[string]any
	out []byte
}

// text is what stands in a string field.
func (e *event) text(path string) string {
	if v, ok := e.set[path]; ok {
		return v.(string)
	}
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	if class, ok := natural[leaf]; ok && e.b.events%2 == 0 {
		return e.b.put(classNamed(class), path)
	}
	return e.b.put(e.b.turn(path), path)
}

// page is a URL that is marked all over.
func (e *event) page(path string) string {
	if v, ok := e.set[path]; ok {
		return v.(string)
	}
	host := e.b.dice.of(lower, 12) + ".com"
	e.b.note(marked{class: "private_host", text: host, where: path})
	v := "https://" + host + "/u/" + url.PathEscape(e.b.put(e.b.turn(path), path)) + "?" + e.b.put(classNamed("click_id"), path)
	e.b.note(marked{class: "private_url", text: v, where: path})
	return v
}

func (e *event) long(n int64) { e.out = binary.AppendUvarint(e.out, uint64(n)<<1^uint64(n>>63)) }

func (e *event) bytes(s string) {
	e.long(int64(len(s)))
	e.out = append(e.out, s...)
}

// avro writes a value of the schema t.
func (e *event) avro(path string, t any) {
	switch t := t.(type) {
	case []any:
		e.union(path, t)
	case map[string]any:
		e.complex(path, t)
	case string:
		e.primitive(path, t)
	}
}

func (e *event) union(path string, branches []any) {
	var some []int
	null := -1
	for i, b := range branches {
		if b == "null" {
			null = i
		} else {
			some = append(some, i)
		}
	}
	if v, ok := e.set[path]; ok && v == nil {
		e.long(int64(null))
		return
	}
	at := some[e.b.events%len(some)]
	e.long(int64(at))
	e.avro(path, branches[at])
}

func (e *event) complex(path string, t map[string]any) {
	switch t["type"] {
	case "record":
		for _, f := range t["fields"].([]any) {
			f := f.(map[string]any)
			e.avro(strings.TrimPrefix(path+"."+f["name"].(string), "."), f["type"])
		}
	case "array":
		e.long(2)
		e.avro(path, t["items"])
		e.avro(path, t["items"])
		e.long(0)
	case "map":
		e.long(1)
		e.bytes(e.b.put(e.b.turn(path+" key"), path+" key"))
		e.avro(path, t["values"])
		e.long(0)
	case "fixed":
		raw := binary.BigEndian.AppendUint64(nil, e.b.dice.next())
		e.b.note(marked{class: "device_serial", text: fmt.Sprintf("%x", raw), where: path, binary: [][]byte{raw}})
		e.out = append(e.out, raw...)
	case "enum":
		e.b.unmarked(path)
		e.long(int64(e.b.events % len(t["symbols"].([]any))))
	default:
		if t["logicalType"] != nil {
			e.moment(path)
			return
		}
		e.avro(path, t["type"])
	}
}

func (e *event) moment(path string) {
	if v, ok := e.set[path]; ok {
		e.long(v.(int64))
		return
	}
	ms := e.past()
	e.b.note(timeMarks("activation", path, ms)...)
	e.long(ms)
}

// past is a moment of years ago.
func (e *event) past() int64 {
	return time.Now().UnixMilli() - 40_000_000_000 - int64(e.b.dice.below(1e11))
}

func (e *event) primitive(path, kind string) {
	switch kind {
	case "string":
		e.bytes(e.text(path))
	case "bytes":
		e.bytes(e.text(path))
	case "boolean":
		e.b.unmarked(path)
		v, _ := e.set[path].(bool)
		e.out = append(e.out, map[bool]byte{true: 1}[v])
	case "int", "long":
		n, ok := e.set[path].(int64)
		if !ok {
			n = 310014_000000000 + int64(e.b.dice.below(1e9))
			if kind == "int" {
				n = 1_100_000_000 + int64(e.b.dice.below(1e9))
			}
			e.b.note(numberMark("number", path, n))
		}
		e.long(n)
	case "double":
		v, ok := e.set[path].(float64)
		if !ok {
			panic("an unexpected double: " + path)
		}
		e.out = binary.LittleEndian.AppendUint64(e.out, math.Float64bits(v))
	case "float":
		v := float32(8 + float64(e.b.dice.below(1e8))/1e6)
		e.b.note(marked{class: "position", text: strconv.FormatFloat(float64(v), 'g', -1, 32), where: path})
		e.out = binary.LittleEndian.AppendUint32(e.out, math.Float32bits(v))
	default:
		panic("an unexpected type: " + kind)
	}
}

// json makes a value of the JSON Schema s, with unknown fields and unknown names in every object.
func (e *event) json(path string, s map[string]any) any {
	if v, ok := e.set[path]; ok {
		return v
	}
	kind, _ := s["type"].(string)
	if list, ok := s["type"].([]any); ok {
		kind = list[0].(string)
	}
	switch kind {
	case "object":
		o := map[string]any{}
		for name, sub := range s["properties"].(map[string]any) {
			o[name] = e.json(strings.TrimPrefix(path+"."+name, "."), sub.(map[string]any))
		}
		o[e.b.put(e.b.turn(path+" name"), path+" unknown name")] = e.b.put(e.b.turn(path), path+" unknown field")
		return o
	case "array":
		return []any{e.text(path), e.text(path)}
	case "boolean":
		e.b.unmarked(path)
		return false
	}
	if s["format"] == "date-time" {
		ms := e.past()
		e.b.note(timeMarks("activation", path, ms)...)
		return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if path == "page.url" {
		return e.page(path)
	}
	return e.text(path)
}

// rawSchemas are the sources' schemas, parsed, and the ids of the Avro ones.
type rawSchemas struct {
	location, apps, search map[string]any
	locationID, appsID     uint32
}

// event writes one event of a subject; set overrides fields. It returns the record's value and the event's time.
func (b *batch) event(s *rawSchemas, topic, subject string, set map[string]any) ([]byte, int64) {
	b.events++
	timeField := map[string]string{"raw.location": "observed_at", "raw.app_usage": "started_at", "raw.search": "searched_at"}[topic]
	ms := b.moment(timeField)
	e := &event{b: b, set: map[string]any{"subscriber.msisdn": subject, timeField: ms}}
	var schema map[string]any
	switch topic {
	case "raw.location":
		schema = s.location
		e.out = binary.BigEndian.AppendUint32([]byte{0}, s.locationID)
		lat, lon := 44+float64(b.dice.below(1e9))/1e9, -93-float64(b.dice.below(1e9))/1e9
		b.note(positionMarks(lat, lon)...)
		e.set["position.lat"], e.set["position.lon"] = lat, lon
		e.set["network.bars"] = int64(b.dice.below(6))
	case "raw.app_usage":
		schema = s.apps
		e.out = binary.BigEndian.AppendUint32([]byte{0}, s.appsID)
		e.set["app.package"] = []string{"com.northmaps.app", "com.chirper.social", "com.weatherly.now"}[b.dice.below(3)]
	default:
		schema = s.search
		e.set["subscriber.msisdn"] = strings.TrimPrefix(subject, "+")
		e.set["searched_at"] = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		e.set["signals.gpc"] = false
	}
	for k, v := range set {
		e.set[k] = v
	}
	if topic == "raw.search" {
		e.out, _ = json.Marshal(e.json("", schema)) // maps of strings always marshal
	} else {
		e.avro("", schema)
	}
	return e.out, ms
}
