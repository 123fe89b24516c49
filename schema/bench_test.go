package schema

// This file measures the readers and writers beside goavro and encoding/json, and proves that they do not allocate.

import (
	"encoding/json"
	"testing"
)

var locationLayout = layoutOf("subscriber.msisdn", "subscriber.account_id", "subscriber.activated_at", "subscriber.minor",
	"device.os", "position.lat", "position.lon", "position.accuracy", "observed_at", "signals.gpc")

func some(kind string, v any) map[string]any { return map[string]any{kind: v} }

// locationBody is one event of the sample source.
func locationBody(t testing.TB) []byte {
	t.Helper()
	body, err := newCodec(t, string(sample(t, "location.avsc"))).BinaryFromNative(nil, map[string]any{
		"subscriber": map[string]any{"msisdn": some("string", "+12025550123"), "imsi": "310150123456789", "account_id": "a-1029",
			"name": some("string", "Zoë Example"), "activated_at": some("long.timestamp-millis", int64(1700000000000)), "minor": some("boolean", false)},
		"device":   map[string]any{"imei": "490154203237518", "mac": nil, "os": some("string", "android"), "model": some("string", "Pixel 9")},
		"cell":     map[string]any{"id": int64(123456), "lac": 77, "neighbours": []any{int64(1), int64(2), int64(3)}},
		"position": some("carrier.raw.Position", map[string]any{"lat": 40.7128, "lon": -74.006, "accuracy": some("float", float32(12.5))}),
		"network":  map[string]any{"kind": "G5", "roaming": nil, "bars": 4}, "observed_at": int64(1795341600123), "ip": some("string", "192.0.2.7"),
		"probe": some("carrier.raw.Probe", []byte("12345678")), "payload": some("bytes", []byte("opaque")),
		"attributes": map[string]any{"a": "b", "c": "d"}, "signals": some("carrier.raw.Signals", map[string]any{"gpc": nil}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

const jsonEvent = `{"s":"+12025550123","n":5,"f":40.7128,"t":"2026-11-22T10:00:00Z","os":"android","sub":{"x":"caf\u00e9","deep":{"y":7},"z":[1,2,{"a":"b"}]},` +
	`"list":["one","two",3.25,null,true],"map":{"k":"v","l":"w"},"open":"some longer text that nobody asked for, as events have it"}`

var jsonPaths = []string{"s", "n", "f", "t", "os", "sub.x", "sub.deep.y", "gpc"}

func TestNoAllocations(t *testing.T) {
	avro := mustCompile(t, mustAvro(t, string(sample(t, "location.avsc"))), locationLayout)
	body, text, js := locationBody(t), []byte(jsonEvent), jsonReaderOf(t, jsonPaths...)
	vals := []Value{StringValue([]byte("abc")), IntValue(5), {}, TimeValue(1795341600000), StringValue([]byte("ios"))}
	wa, wj := NewWriter(&Output{Format: "avro", Fields: testFields}), NewWriter(&Output{Format: "json", Fields: testFields})
	var rec Record
	buf := make([]byte, 0, 1024)
	for name, do := range map[string]func() error{
		"avro read":  func() error { return avro.Read(body, &rec) },
		"json read":  func() error { return js.Read(text, &rec) },
		"avro write": func() error { _, err := wa.Append(buf, vals); return err },
		"json write": func() error { _, err := wj.Append(buf, vals); return err },
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := do(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAvroRead(b *testing.B) {
	text := string(sample(b, "location.avsc"))
	r, codec, body := mustCompile(b, mustAvro(b, text), locationLayout), newCodec(b, text), locationBody(b)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		var rec Record
		for b.Loop() {
			if err := r.Read(body, &rec); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("goavro", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := codec.NativeFromBinary(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkJSONRead(b *testing.B) {
	r, text := jsonReaderOf(b, jsonPaths...), []byte(jsonEvent)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		var rec Record
		for b.Loop() {
			if err := r.Read(text, &rec); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
