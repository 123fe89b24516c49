package schema

// This file throws hostile bytes at the readers: each must be refused for its own reason, for next to no memory.

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func zigzag(ns ...int64) []byte {
	var b []byte
	for _, n := range ns {
		b = binary.AppendUvarint(b, uint64(n)<<1^uint64(n>>63))
	}
	return b
}

const hostileSchema = `{"type":"record","name":"R","fields":[
 {"name":"nulls","type":{"type":"array","items":"null"}},
 {"name":"map","type":{"type":"map","values":"long"}},
 {"name":"fixeds","type":{"type":"array","items":{"type":"fixed","name":"F","size":2147483647}}},
 {"name":"skipped","type":"string"},
 {"name":"s","type":"string"},
 {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
 {"name":"skipenum","type":"E"},
 {"name":"b","type":"boolean"},
 {"name":"skipbool","type":"boolean"},
 {"name":"u","type":["null","string"]},
 {"name":"wide","type":["null","string","long"]},
 {"name":"i","type":"int"},
 {"name":"list","type":["null",{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}]},
 {"name":"self","type":{"type":"array","items":{"type":"record","name":"Self","fields":[{"name":"self","type":"Self"}]}}}
]}`

// good holds one valid encoding of each field, in order.
func hostileParts() map[string][]byte {
	return map[string][]byte{
		"nulls": zigzag(3, 0), "map": append(append(zigzag(1, 1), 'k'), zigzag(5, 0)...), "fixeds": zigzag(0),
		"skipped": {2, 'x'}, "s": {2, 'x'}, "e": zigzag(1), "skipenum": zigzag(0), "b": {1}, "skipbool": {0},
		"u": {2, 2, 'y'}, "wide": {4, 8}, "i": zigzag(7), "list": {2, 2, 0}, "self": {0},
	}
}

func assemble(s *Shape, parts map[string][]byte) []byte {
	var b []byte
	for _, f := range s.impl.(*avroShape).top.fields {
		b = append(b, parts[f.name]...)
	}
	return b
}

func TestHostileAvro(t *testing.T) {
	shape := mustAvro(t, hostileSchema)
	r := mustCompile(t, shape, layoutOf("s", "e", "b", "u", "i"))
	var rec Record
	if err := r.Read(assemble(shape, hostileParts()), &rec); err != nil {
		t.Fatalf("the good body is refused: %v", err)
	}
	const huge = int64(1) << 62
	for _, c := range []struct {
		name, field string
		bytes       []byte
		reason      string
	}{
		{"array of null, 2^62 items", "nulls", zigzag(huge), badCount},
		{"array of null, block after block", "nulls", bytes.Repeat(zigzag(1000), 40), badCount},
		{"negative count without bounds", "nulls", zigzag(-1 << 63), badCount},
		{"block size larger than the record", "nulls", zigzag(-1, huge), badBlock},
		{"block size below zero", "nulls", zigzag(-1, -1), badBlock},
		{"block size that is not what the items take", "nulls", zigzag(-1, 1, 0), badBlock},
		{"map, 2^62 entries", "map", zigzag(huge), badCount},
		{"map block size lies", "map", append(append(zigzag(-1, 2, 1), 'k'), zigzag(5, 0)...), badBlock},
		{"map key longer than the record", "map", zigzag(1, huge), badTruncated},
		{"map key of negative length", "map", zigzag(1, -5), badLength},
		{"array of 2 GiB fixed", "fixeds", zigzag(2, 0), badCount},
		{"skipped string, 2^62 long", "skipped", zigzag(huge), badTruncated},
		{"skipped string, negative", "skipped", zigzag(-1), badLength},
		{"located string, 2^62 long", "s", zigzag(huge), badTruncated},
		{"located string, negative", "s", zigzag(-2), badLength},
		{"located string, not UTF-8", "s", []byte{2, 0xff}, badUTF8},
		{"located string, surrogate", "s", []byte{6, 0xed, 0xa0, 0x80}, badUTF8},
		{"enum above", "e", zigzag(2), badEnum},
		{"enum below", "e", zigzag(-1), badEnum},
		{"skipped enum", "skipenum", zigzag(2), badEnum},
		{"boolean", "b", []byte{2}, badBool},
		{"skipped boolean", "skipbool", []byte{2}, badBool},
		{"union above", "u", zigzag(2), badUnion},
		{"union below", "u", zigzag(-1), badUnion},
		{"wide union", "wide", zigzag(3), badUnion},
		{"int of 33 bits", "i", zigzag(1 << 31), badInt},
		{"varint of 11 bytes", "i", bytes.Repeat([]byte{0x80}, 11), badVarint},
		{"varint over 64 bits", "i", append(bytes.Repeat([]byte{0xff}, 9), 2), badVarint},
		{"list of 4 million", "list", bytes.Repeat([]byte{2}, 4<<20), badDepth},
		{"record that holds itself", "self", zigzag(1, 0), badDepth},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts := hostileParts()
			parts[c.field] = c.bytes
			body := assemble(shape, parts)
			err := r.Read(body, &rec)
			bad, ok := err.(*Bad)
			if !ok || bad.Reason != c.reason {
				t.Fatalf("got %+v, want %q", err, c.reason)
			}
			if bad.Path != c.field {
				t.Errorf("the error names %q, want %q", bad.Path, c.field)
			}
			for i, v := range rec.Slots {
				if v.Kind != Absent {
					t.Errorf("slot %d is left filled after an error", i)
				}
			}
			// One small allocation, the error itself.
			if n := testing.AllocsPerRun(5, func() { _ = r.Read(body, &rec) }); n > 1 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	for _, whole := range [][]byte{nil, {0x80}} {
		if err := r.Read(whole, &rec); err == nil || err.(*Bad).Reason != badTruncated {
			t.Errorf("%x: %v", whole, err)
		}
	}
	if err := r.Read(append(assemble(shape, hostileParts()), 0), &rec); err == nil || err.(*Bad).Reason != badTrailing {
		t.Errorf("trailing byte: %v", err)
	}
}

// TestHostileSchemas: a schema comes from a registry, which is trusted less than a file.
func TestHostileSchemas(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 5000) + `"int"` + strings.Repeat("}", 5000)
	var doubling strings.Builder
	doubling.WriteString(`{"type":"record","name":"T","fields":[{"name":"z","type":{"type":"record","name":"L0","fields":[{"name":"n","type":"null"}]}}`)
	for i := 1; i < 40; i++ {
		doubling.WriteString(`,{"name":"x` + itoa(i) + `","type":{"type":"record","name":"L` + itoa(i) + `","fields":[{"name":"a","type":"L` + itoa(i-1) + `"},{"name":"b","type":"L` + itoa(i-1) + `"}]}}`)
	}
	doubling.WriteString(`,{"name":"s","type":"string"}]}`)
	for name, text := range map[string]string{
		"deep":  `{"type":"record","name":"R","fields":[{"name":"a","type":` + deep + `}]}`,
		"long":  `{"type":"record","name":"R","fields":[],"doc":"` + strings.Repeat("x", maxSchemaText) + `"}`,
		"empty": "", "null": "null", "not closed": `{"type":"record"`, "two": `{} {}`, "not a record": `"string"`,
		"twice": `{"type":"record","name":"R","type":"record","fields":[]}`, "no fields": `{"type":"record","name":"R"}`,
		"unknown type":  `{"type":"record","name":"R","fields":[{"name":"a","type":"Nope"}]}`,
		"defined twice": `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}`,
		"bad default":   `{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}`,
		"same field":    `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`,
		"decimal":       `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":"x"}}]}`,
	} {
		if _, err := ParseAvro([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if _, ok := err.(*Invalid); !ok {
			t.Errorf("%s: the error is a %T", name, err)
		}
	}
	// 2^40 fields of no bytes: a walk over each would not end.
	shape := mustAvro(t, doubling.String())
	var rec Record
	r := mustCompile(t, shape, layoutOf("s"))
	if err := r.Read([]byte{2, 'x'}, &rec); err != nil || string(rec.Slots[0].Raw) != "x" {
		t.Errorf("doubling: %v", err)
	}
	if n := len(shape.Paths()); n > maxPaths {
		t.Errorf("%d paths", n)
	}
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return string(rune('0'+i/10)) + string(rune('0'+i%10))
}
