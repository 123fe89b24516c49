package schema

// This file reads what the writers wrote with goavro and encoding/json.

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testFields = []OutField{
	{Name: "visitor", Kind: String, Doc: `an id with "quotes"`}, {Name: "how-many", Kind: Int},
	{Name: "ok", Kind: Bool}, {Name: "period", Kind: Time, Doc: "the hour"}, {Name: "os", Kind: String, Doc: "system", Values: []string{"android", "ios"}},
}

func TestOutputText(t *testing.T) {
	o := &Output{Format: "avro", Name: "partner.acme-ads.apps", Fields: testFields}
	want := `{"type":"record","name":"partner_acme_ads_apps","fields":[
  {"name":"visitor","type":["null","string"],"default":null,"doc":"an id with \"quotes\""},
  {"name":"how_many","type":["null","long"],"default":null},
  {"name":"ok","type":["null","boolean"],"default":null},
  {"name":"period","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"the hour"},
  {"name":"os","type":["null","string"],"default":null,"doc":"system. One of: android, ios"}
]}`
	if o.AvroSchema() != want || o.Text() != want {
		t.Errorf("got %s", o.AvroSchema())
	}
	mustAvro(t, want)
	o.Format = "json"
	if text := o.Text(); strings.Contains(text, "required") || !strings.Contains(text, `{"type":["null","string"],"format":"date-time","default":null`) {
		t.Errorf("got %s", text)
	}
	shape, err := ParseJSONSchema([]byte(o.Text()))
	if err != nil {
		t.Fatalf("%v: %s", err, o.Text())
	}
	if typ, err := shape.Lookup("period"); err != nil || !typ.DateTime || !typ.Nullable {
		t.Errorf("%+v %v", typ, err)
	}
	if got := AvroName("9-a.b"); got != "_9_a_b" {
		t.Error(got)
	}
}

func randomValue(rt *rapid.T, k Kind) Value {
	if rapid.IntRange(0, 4).Draw(rt, "null") == 0 {
		return Value{}
	}
	switch k {
	case String:
		return StringValue([]byte(rapid.String().Draw(rt, "s")))
	case Int:
		return IntValue(rapid.Int64().Draw(rt, "i"))
	case Bool:
		return BoolValue(rapid.Bool().Draw(rt, "b"))
	}
	return TimeValue(rapid.Int64Range(0, 4e9).Draw(rt, "t") * 1000)
}

func TestWritersReadBack(t *testing.T) {
	avro := &Output{Format: "avro", Name: "t", Fields: testFields}
	text := &Output{Format: "json", Name: "t", Fields: testFields}
	codec := newCodec(t, avro.AvroSchema())
	wa, wj := NewWriter(avro), NewWriter(text)
	rapid.Check(t, func(rt *rapid.T) {
		var vals []Value
		for _, f := range testFields {
			vals = append(vals, randomValue(rt, f.Kind))
		}
		body, err := wa.Append([]byte("x"), vals)
		if err != nil {
			rt.Fatal(err)
		}
		native, rest, err := codec.NativeFromBinary(body[1:])
		if err != nil || len(rest) > 0 {
			rt.Fatalf("goavro cannot read %x: %v", body, err)
		}
		out, err := wj.Append(nil, vals)
		if err != nil {
			rt.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(out, &m); err != nil || len(m) != len(vals) {
			rt.Fatalf("%s: %v", out, err)
		}
		for i, f := range testFields {
			got := native.(map[string]any)[AvroName(f.Name)]
			if u, ok := got.(map[string]any); ok {
				for _, v := range u {
					got = v
				}
			}
			if !sameAsNative(vals[i], got) {
				rt.Errorf("avro %s: %v from %+v", f.Name, got, vals[i])
			}
			j, v, same := m[f.Name], vals[i], false
			switch v.Kind {
			case Absent:
				same = j == nil
			case String:
				same = j == string(v.Raw)
			case Bool:
				same = j == (v.Num == 1)
			case Int:
				same = j == float64(v.Num)
			case Time:
				same = j == time.UnixMilli(v.Num).UTC().Format(time.RFC3339)
			}
			if !same {
				rt.Errorf("json %s: %v from %+v", f.Name, j, v)
			}
		}
	})
}

func TestJSONIsExact(t *testing.T) {
	w := NewWriter(&Output{Format: "json", Fields: testFields})
	got, err := w.Append(nil, []Value{StringValue([]byte("a\"\\\n\x01é")), {}, BoolValue(false), TimeValue(1795341600999), IntValue(0)})
	if err == nil {
		t.Errorf("an integer in a string field was written: %s", got)
	}
	got, err = w.Append(nil, []Value{StringValue([]byte("a\"\\\n\x01é")), {}, BoolValue(false), TimeValue(1795341600999), {}})
	if want := `{"visitor":"a\"\\\n\u0001é","how-many":null,"ok":false,"period":"2026-11-22T10:00:00Z","os":null}`; err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
}

func TestUnwritable(t *testing.T) {
	for _, format := range []string{"avro", "json"} {
		w := NewWriter(&Output{Format: format, Fields: testFields[:1]})
		for _, vals := range [][]Value{nil, {IntValue(1)}, {{Kind: Other}}, {{Kind: Bytes}}, {StringValue([]byte{0xff})}, {{}, {}}} {
			if out, err := w.Append([]byte("keep"), vals); err == nil || string(out) != "keep" {
				t.Errorf("%s: %+v gave %q, %v", format, vals, out, err)
			}
		}
	}
	for _, o := range []Output{{Format: "avro", Fields: []OutField{{Name: "f", Kind: Float}}}, {Format: "", Fields: testFields[:1]}} {
		if _, err := NewWriter(&o).Append(nil, []Value{{}}); err == nil {
			t.Errorf("%+v was written", o)
		}
	}
	w := NewWriter(&Output{Format: "json", Fields: testFields[3:4]})
	if _, err := w.Append(nil, []Value{TimeValue(math.MaxInt64)}); err == nil {
		t.Error("a time beyond the year 9999 was written")
	}
}
