package schema

// This file checks what Avro paths can be located and what each type of value becomes.

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestAvroLookup(t *testing.T) {
	shape := mustAvro(t, string(sample(t, "location.avsc")))
	for path, want := range map[string]Type{
		"subscriber.msisdn":       {Kind: String, Nullable: true},
		"subscriber.imsi":         {Kind: String},
		"subscriber.activated_at": {Kind: Time, Nullable: true},
		"subscriber.minor":        {Kind: Bool, Nullable: true},
		"device.os":               {Kind: String, Nullable: true}, // null second
		"position.lat":            {Kind: Float, Nullable: true},  // through a nullable record
		"cell.id":                 {Kind: Int},
		"network.kind":            {Kind: String, Symbols: []string{"G3", "G4", "G5", "WIFI"}},
		"probe":                   {Kind: Bytes, Nullable: true},
		"signals.gpc":             {Kind: Bool, Nullable: true},
	} {
		got, err := shape.Lookup(path)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"subscriber.msidn":   "did you mean subscriber.msisdn?",
		"msisdn":             "did you mean subscriber.msisdn?",
		"nothing.like.it":    "there is no such path",
		"":                   "a record",
		"subscriber":         "a record",
		"cell.neighbours":    "cell.neighbours is an array",
		"cell.neighbours.x":  "cell.neighbours is an array",
		"attributes.age":     "attributes is a map",
		"payload":            "payload is a union of several types",
		"subscriber.imsi.id": "there is no such path",
	} {
		if _, err := shape.Lookup(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if p := shape.Paths(); p[0] != "subscriber.msisdn" || p[len(p)-1] != "signals.gpc" {
		t.Errorf("paths are not in schema order: %v", p)
	}
}

func TestAvroTimes(t *testing.T) {
	for _, c := range []struct {
		logical string
		in, out int64
		kind    Kind
	}{
		{"timestamp-millis", -1, -1, Time}, {"timestamp-micros", 1999, 1, Time}, {"timestamp-micros", -1, -1, Time},
		{"timestamp-micros", -1000, -1, Time}, {"timestamp-micros", -1001, -2, Time}, {"timestamp-nanos", -1, -1, Time},
		{"timestamp-nanos", 1999999, 1, Time}, {"timestamp-nanos", math.MinInt64, math.MinInt64/1000000 - 1, Time},
		{"local-timestamp-millis", 5, 0, Other}, {"local-timestamp-nanos", 5, 0, Other}, {"time-micros", 5, 5, Int}, {"", 7, 7, Int},
	} {
		text := fmt.Sprintf(`{"type":"record","name":"R","fields":[{"name":"t","type":["null",{"type":"long","logicalType":"%s"}]}]}`, c.logical)
		shape := mustAvro(t, text)
		typ, err := shape.Lookup("t")
		if err != nil || typ.Zoneless != (c.kind == Other) {
			t.Errorf("%s: %+v %v", c.logical, typ, err)
		}
		var rec Record
		err = mustCompile(t, shape, layoutOf("t")).Read(append([]byte{2}, zigzag(c.in)...), &rec)
		if v := rec.Slots[0]; err != nil || v.Kind != c.kind || v.Num != c.out {
			t.Errorf("%s of %d: %+v, %v", c.logical, c.in, v, err)
		}
	}
}

func TestAvroNames(t *testing.T) {
	// The specification's rule, which differs from goavro's: a bare name belongs to the namespace around it.
	text := `{"type":"record","name":"a.R","fields":[
	 {"name":"one","type":{"type":"fixed","name":"F","size":1}},
	 {"name":"other","type":{"type":"record","name":"O","namespace":"b","fields":[
	   {"name":"two","type":{"type":"fixed","name":"F","size":2}},
	   {"name":"bare","type":"F"},{"name":"full","type":"a.F"}]}},
	 {"name":"back","type":"F"},{"name":"late","type":"b.F"}]}`
	shape := mustAvro(t, text)
	r := mustCompile(t, shape, layoutOf("one", "other.two", "other.bare", "other.full", "back", "late"))
	var rec Record
	if err := r.Read([]byte("1223344556677")[:11], &rec); err == nil {
		t.Error("11 bytes cannot be right")
	}
	if err := r.Read([]byte("122334566"), &rec); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1", "22", "33", "4", "5", "66"} {
		if string(rec.Slots[i].Raw) != want {
			t.Errorf("slot %d: %q", i, rec.Slots[i].Raw)
		}
	}
}

func TestAvroLayouts(t *testing.T) {
	shape := mustAvro(t, string(sample(t, "location.avsc")))
	_, err := shape.Compile(Layout{Paths: []string{"ip", "signals.dnt"}, Required: []bool{true, true}})
	var lacks *LacksPath
	if !errors.As(err, &lacks) || lacks.Path != "signals.dnt" {
		t.Errorf("a required path that is not there: %v", err)
	}
	_, err = shape.Compile(Layout{Paths: []string{"payload"}, Required: []bool{true}})
	if !errors.As(err, &lacks) {
		t.Errorf("a required path in a wide union: %v", err)
	}
	text := `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"m","type":{"type":"map","values":"int"}},
	 {"name":"p","type":["null",{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}]}]}`
	// Not there: Absent. There, in a form that is not located: Other. Named twice: twice.
	r := mustCompile(t, mustAvro(t, text), layoutOf("gone", "m.x", "a", "p.x", "a", "a.b", "p"))
	var rec Record
	if err := r.Read([]byte{2, 'z', 0, 2, 10}, &rec); err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, v := range rec.Slots {
		kinds = append(kinds, v.Kind)
	}
	if want := []Kind{Absent, Other, String, Int, String, Other, Other}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("kinds are %v, want %v", kinds, want)
	}
	if string(rec.Slots[4].Raw) != "z" || rec.Slots[3].Num != 5 {
		t.Errorf("%+v", rec.Slots)
	}
	// The next record of the same Record remembers nothing of it.
	if err := r.Read([]byte{0, 0, 0}, &rec); err != nil || rec.Slots[3].Kind != Absent || len(rec.Slots[4].Raw) != 0 {
		t.Errorf("%+v %v", rec.Slots, err)
	}
}

// TestStepsAfterANull: what follows a nullable record is read whether or not the record is there, also where fields of
// fixed size stand on both sides of its end.
func TestStepsAfterANull(t *testing.T) {
	shape := mustAvro(t, `{"type":"record","name":"R","fields":[
	 {"name":"p","type":["null",{"type":"record","name":"P","fields":[{"name":"x","type":"string"},{"name":"y","type":"double"}]}]},
	 {"name":"z","type":"double"},{"name":"zz","type":"float"},{"name":"s","type":"string"}]}`)
	r := mustCompile(t, shape, layoutOf("p.x", "s"))
	const fixed = "\x00\x00\x00\x00\x00\x00\x00\x00"
	var rec Record
	if err := r.Read([]byte("\x00"+fixed+"\x00\x00\x00\x00\x02s"), &rec); err != nil || rec.Slots[0].Kind != Absent || string(rec.Slots[1].Raw) != "s" {
		t.Errorf("without the record: %+v %v", rec.Slots, err)
	}
	if err := r.Read([]byte("\x02\x02x"+fixed+fixed+"\x00\x00\x00\x00\x02s"), &rec); err != nil || string(rec.Slots[0].Raw) != "x" || string(rec.Slots[1].Raw) != "s" {
		t.Errorf("with the record: %+v %v", rec.Slots, err)
	}
}

func TestFrame(t *testing.T) {
	framed := AppendFrame(nil, 0x01020304)
	id, body, ok := SplitFrame(append(framed, "body"...))
	if !ok || id != 0x01020304 || string(body) != "body" {
		t.Errorf("%d %q %v", id, body, ok)
	}
	for _, b := range []string{"", "\x00", "\x00\x00\x00\x00", "\x01\x00\x00\x00\x01x", "\x00\x80\x00\x00\x01x", "{\"a\": 1}"} {
		if _, _, ok := SplitFrame([]byte(b)); ok {
			t.Errorf("%q was taken for a frame", b)
		}
	}
}
