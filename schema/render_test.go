package schema

import (
	"encoding/json"
	"testing"
)

func TestRenderShowsWhatCanBeLocated(t *testing.T) {
	shape, err := ParseAvro([]byte(`{"type":"record","name":"R","fields":[
		{"name":"who","type":{"type":"record","name":"W","fields":[
			{"name":"name","type":["null","string"]},{"name":"in","type":{"type":"record","name":"I","fields":[{"name":"n","type":"long"}]}}]}},
		{"name":"list","type":{"type":"array","items":"string"}},
		{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"x","type":"double"},{"name":"ok","type":"boolean"},{"name":"raw","type":"bytes"},{"name":"none","type":["null","string"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	wire := []byte{2, 6, 'a', '"', 'b', 14, 2, 2, 'z', 0, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 1, 4, 9, 9, 0}
	got, err := shape.Render(wire)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"who":{"name":"a\"b","in":{"n":7}},"at":"1970-01-01T00:00:00Z","x":1.5,"ok":true,"raw":"2 bytes","none":null}`
	if string(got) != want || !json.Valid(got) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if out, err := shape.Render(wire[:len(wire)-1]); err == nil || out != nil {
		t.Errorf("a damaged record gave %s", out)
	}
}
