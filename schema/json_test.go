package schema

// This file checks the JSON reader by itself and against encoding/json.

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const jsonTestSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["s","sub"],
"$defs":{"os":{"type":["string","null"],"enum":["android","ios",null]}},
"properties":{
 "s":{"type":"string"},"n":{"type":["integer","null"]},"f":{"type":"number"},"t":{"type":"string","format":"date-time"},
 "os":{"$ref":"#/$defs/os"},"either":{"anyOf":[{"type":"null"},{"type":"boolean"}]},
 "gpc":{"type":["boolean","integer","string","null"]},"list":{"type":"array"},"map":{"type":"object"},
 "wide":{"oneOf":[{"type":"string"},{"type":"object"}]},"open":{},
 "sub":{"type":"object","required":["x"],"properties":{"x":{"type":"string"},"deep":{"type":["object","null"],"properties":{"y":{"type":"integer"}}}}}
}}`

func jsonReaderOf(t testing.TB, paths ...string) *Reader {
	t.Helper()
	s, err := ParseJSONSchema([]byte(jsonTestSchema))
	if err != nil {
		t.Fatal(err)
	}
	return mustCompile(t, s, layoutOf(paths...))
}

func TestJSONLookup(t *testing.T) {
	s, err := ParseJSONSchema([]byte(jsonTestSchema))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Type{
		"s": {Kind: String}, "n": {Kind: Int, Nullable: true}, "f": {Kind: Float, Nullable: true},
		"t":      {Kind: String, Nullable: true, DateTime: true},
		"os":     {Kind: String, Nullable: true, Symbols: []string{"android", "ios"}},
		"either": {Kind: Bool, Nullable: true}, "gpc": {Kind: Bool, Nullable: true, Mixed: true},
		"sub.x": {Kind: String}, "sub.deep.y": {Kind: Int, Nullable: true},
	} {
		got, err := s.Lookup(path)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"list": "is an array", "map.x": "is a map", "wide": "several types", "open": "no type", "sub": "an object",
		"sub.deep.z": "did you mean sub.deep.y?", "S": "no such path", "s.x": "no such path",
	} {
		if _, err := s.Lookup(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for name, text := range map[string]string{
		"not JSON": "{", "not an object": `{"type":"string"}`, "no properties": `{"type":"object"}`, "true": "true",
		"bad type": `{"type":"object","properties":{"a":{"type":"strin"}}}`,
		"outside":  `{"type":"object","properties":{"a":{"$ref":"http://example.com/a.json"}}}`,
		"nowhere":  `{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}`,
		"twice":    `{"type":"object","type":"object","properties":{"a":{"type":"string"}}}`,
	} {
		if _, err := ParseJSONSchema([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestJSONRead(t *testing.T) {
	paths := []string{"s", "n", "f", "sub.x", "sub.deep.y", "gpc"}
	r := jsonReaderOf(t, paths...)
	o := Value{Kind: Other}
	a := Value{}
	str := func(s string) Value { return StringValue([]byte(s)) }
	for _, c := range []struct {
		text string
		want []Value // nil: refused for reason
		bad  string
	}{
		{text: `{}`, want: []Value{a, a, a, a, a, a}},
		{text: " {\"s\" : \"a\" ,\"zz\":[1,{\"s\":\"b\",\"s\":1}],\t\"n\":12}\n", want: []Value{str("a"), IntValue(12), a, a, a, a}},
		{text: `{"S":"a","N":1}`, want: []Value{a, a, a, a, a, a}},
		{text: `{"\u0073":"\ud83d\ude00\u00e9\"\\\/\n"}`, want: []Value{str("😀é\"\\/\n"), a, a, a, a, a}},
		{text: `{"s":null,"n":-0,"f":1.0}`, want: []Value{a, IntValue(0), FloatValue(1), a, a, a}},
		{text: `{"n":9223372036854775807,"f":-9223372036854775808}`, want: []Value{a, IntValue(1<<63 - 1), IntValue(-1 << 63), a, a, a}},
		{text: `{"n":9223372036854775808,"f":1e3}`, want: []Value{a, FloatValue(9223372036854775808), FloatValue(1000), a, a, a}},
		{text: `{"n":0e5,"f":-1e-400}`, want: []Value{a, FloatValue(0), {Kind: Other}, a, a, a}},
		{text: `{"n":99999999999999999999}`, want: []Value{a, FloatValue(99999999999999999999), a, a, a, a}},
		{text: `{"gpc":{"a":1},"s":[]}`, want: []Value{o, a, a, a, a, o}},
		{text: `{"gpc":true}`, want: []Value{a, a, a, a, a, BoolValue(true)}},
		{text: `{"sub":5}`, want: []Value{a, a, a, o, o, a}},
		{text: `{"sub":[{"x":"no"}]}`, want: []Value{a, a, a, o, o, a}},
		{text: `{"sub":null}`, want: []Value{a, a, a, a, a, a}},
		{text: `{"sub":{"deep":"text","x":"y"}}`, want: []Value{a, a, a, str("y"), o, a}},
		{text: `{"sub":{"deep":{"y":3}}}`, want: []Value{a, a, a, a, IntValue(3), a}},
		{text: `{"s":"a","s":"a"}`, bad: badDuplicate},
		{text: `{"s":"a","\u0073":null}`, bad: badDuplicate},
		{text: `{"sub":{},"sub":{}}`, bad: badDuplicate},
		{text: `{"sub":{"deep":{}},"x":{"sub":{},"sub":1},"sub":null}`, bad: badDuplicate},
		{text: `{"zz":1,"zz":2}`, want: []Value{a, a, a, a, a, a}},
		{text: `{"s":"\ud83d"}`, bad: badSurrogate}, {text: `{"s":"\ude00\ud83d"}`, bad: badSurrogate},
		{text: `{"zz":"\ud83d","\ud83d":1}`, want: []Value{a, a, a, a, a, a}},
		{text: `[]`, bad: badObject}, {text: ``, bad: badObject}, {text: `"a"`, bad: badObject}, {text: "\ufeff{}", bad: badObject},
		{text: `{}{}`, bad: badTrailing}, {text: `{} x`, bad: badTrailing}, {text: "{}\x00", bad: badTrailing},
		{text: `{"zz":NaN}`, bad: badSyntax}, {text: `{"zz":01}`, bad: badTrailing + badSyntax}, {text: `{"zz":1.}`, bad: badSyntax},
		{text: `{"n":-}`, bad: badSyntax}, {text: `{"n":+1}`, bad: badSyntax}, {text: `{"n":.5}`, bad: badSyntax},
		{text: `{"f":1e}`, bad: badSyntax}, {text: `{"a":1,}`, bad: badSyntax}, {text: `{"a":[1,]}`, bad: badSyntax},
		{text: `{"s":"a`, bad: badSyntax}, {text: `{"s":"\`, bad: badSyntax}, {text: `{"s":"\u12`, bad: badSyntax},
		{text: "{\"s\":\"a\nb\"}", bad: badSyntax}, {text: `{"s":"\x"}`, bad: badSyntax}, {text: `{s:1}`, bad: badSyntax},
		{text: `{"s":tru}`, bad: badSyntax}, {text: `{"s" "a"}`, bad: badSyntax}, {text: "{\"zz\":\"\xff\"}", bad: badUTF8},
		{text: `{"zz":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, bad: badDepth},
		{text: strings.Repeat(`{"sub":`, 1<<20), bad: badDepth},
	} {
		var rec Record
		name := c.text[:min(len(c.text), 40)]
		err := r.Read([]byte(c.text), &rec)
		if c.want == nil {
			bad, ok := err.(*Bad)
			if !ok || !strings.Contains(c.bad, bad.Reason) {
				t.Errorf("%s: %+v, want %s", name, err, c.bad)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(rec.Slots, c.want) {
			t.Errorf("%s: %+v %v", name, rec.Slots, err)
		}
	}
}

// checkJSON holds one text against encoding/json: whatever we accept it accepts, and finds the same.
func checkJSON(t *testing.T, r *Reader, paths []string, text []byte) {
	var rec Record
	err := r.Read(text, &rec)
	if err != nil {
		if bad := err.(*Bad); bad.Reason == badSyntax && json.Valid(text) {
			t.Errorf("%q: refused (%s at %d), but it is JSON", text, bad.Reason, bad.Offset)
		}
		return
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if !json.Valid(text) || dec.Decode(&m) != nil {
		t.Fatalf("%q: accepted, but it is not a JSON object", text)
	}
	for i, p := range paths {
		var at any = m
		through := true
		for _, name := range strings.Split(p, ".") {
			o, ok := at.(map[string]any)
			if !ok {
				through = at == nil
				at = nil
				break
			}
			at = o[name]
		}
		v := rec.Slots[i]
		same := false
		switch w := at.(type) {
		case nil:
			same = v.Kind == Absent && through || v.Kind == Other && !through
		case bool:
			same = v.Kind == Bool && (v.Num == 1) == w
		case string:
			same = v.Kind == String && string(v.Raw) == w
		case json.Number:
			if n, err := w.Int64(); err == nil {
				same = v.Kind == Int && v.Num == n
			} else {
				f, _ := w.Float64()
				same = v.Kind == Float && v.Float() == f
			}
		default:
			same = v.Kind == Other
		}
		if !same {
			t.Errorf("%q: %s: %+v, encoding/json has %v", text, p, v, at)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"s":"a","n":1,"sub":{"x":"y","deep":{"y":2}}}`, `{"s":"\u0061\ud83d\ude00"}`, `{"n":1e400}`, `{"sub":[]}`, `{"f":-0.5e-3,"a":[true,false,null,{}]}`} {
		f.Add([]byte(s))
	}
	paths := []string{"s", "n", "f", "sub.x", "sub.deep.y", "gpc"}
	r := jsonReaderOf(f, paths...)
	f.Fuzz(func(t *testing.T, text []byte) { checkJSON(t, r, paths, text) })
}

func TestSegmentEvents(t *testing.T) {
	s, err := ParseJSONSchema([]byte(`{"type":"object","properties":{"type":{"type":"string"},"userId":{"type":"string"},"timestamp":{"type":"string"},
	 "messageId":{"type":"string"},"context":{"type":"object","properties":{"ip":{"type":"string"},"locale":{"type":"string"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	paths := s.Paths()
	r := mustCompile(t, s, layoutOf(paths...))
	n := 0
	for _, line := range bytes.Split(readFile(t, shared(t, "events_segment", "spec_examples.jsonl")), []byte("\n")) {
		if len(line) > 0 {
			checkJSON(t, r, paths, line)
			n++
		}
	}
	if n < 10 {
		t.Errorf("only %d events", n)
	}
}

// Eight at a time steps over the same bytes as one at a time would, wherever a special byte and its neighbours stand.
func TestPlainStopsAtTheFirstSpecialByte(t *testing.T) {
	for _, around := range []byte{'a', ' ', '!', '#', '[', ']', 0x7f, 0x80, 0xff} {
		for special := range 256 {
			for at := range 24 {
				b := bytes.Repeat([]byte{around}, 24)
				b[at] = byte(special)
				for length := range len(b) + 1 {
					want := 0
					for want < length && b[want] != '"' && b[want] != '\\' && b[want] >= ' ' {
						want++
					}
					// Where fewer than eight are left it may stop before.
					if got := plain(b[:length]); got != want && (got > want || length-got >= 8) {
						t.Fatalf("%d bytes of %#x with %#x at %d: %d, want %d", length, around, special, at, got, want)
					}
				}
			}
		}
	}
}
