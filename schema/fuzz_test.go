package schema

// This file fuzzes the Avro reader and the frame. goavro is asked only about bodies that ours accepts: on others it may
// take all memory.

import (
	"testing"
)

func FuzzAvro(f *testing.F) {
	text := string(sample(f, "location.avsc"))
	shape, codec := mustAvro(f, text), newCodec(f, text)
	paths := shape.Paths()
	all, none := mustCompile(f, shape, layoutOf(paths...)), mustCompile(f, shape, Layout{})
	top := shape.impl.(*avroShape).top
	f.Add(locationBody(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		var rec, empty Record
		err, skipped := all.Read(body, &rec), none.Read(body, &empty)
		if err != nil {
			// What is located is checked more strictly (UTF-8), never less.
			return
		}
		if skipped != nil {
			t.Fatalf("located, but not to be skipped: %v", skipped)
		}
		native, rest, err := codec.NativeFromBinary(body)
		if err != nil || len(rest) > 0 {
			t.Fatalf("accepted, but goavro refuses it: %v", err)
		}
		for i, p := range paths {
			if want := atPath(top, native, p); !sameAsNative(rec.Slots[i], want) {
				t.Errorf("%s: %+v, goavro has %v", p, rec.Slots[i], want)
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(AppendFrame(nil, 7))
	f.Fuzz(func(t *testing.T, value []byte) {
		id, body, ok := SplitFrame(value)
		if ok && string(append(AppendFrame(nil, id), body...)) != string(value) {
			t.Errorf("%x: id %d", value, id)
		}
	})
}
