package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sampleSchema(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "deploy", "samples", "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sampleLocation is one event as a person writes it; the fields that have a default and do not matter are left out.
const sampleLocation = `{
  "subscriber": {"msisdn": "+12025550123", "imsi": "310150123456789", "account_id": "A-1", "name": null, "activated_at": 1735689600000, "minor": false},
  "device": {"imei": "356938035643809", "os": "android"},
  "cell": {"id": 4711, "lac": 12, "neighbours": [1, 2]},
  "position": {"lat": 38.9, "lon": -77.03, "accuracy": 12.5},
  "network": {"kind": "G5", "roaming": null, "bars": 3},
  "observed_at": 1795348800000,
  "attributes": {"a": "b"}
}`

func TestAvroFromJSON(t *testing.T) {
	text := sampleSchema(t, "location.avsc")
	body, err := AvroFromJSON(text, []byte(sampleLocation))
	if err != nil {
		t.Fatal(err)
	}
	shape, err := ParseAvro([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"subscriber.msisdn", "subscriber.minor", "device.os", "position.lat", "network.bars", "observed_at", "signals.gpc", "device.mac"}
	r, err := shape.Compile(Layout{Paths: paths, Required: make([]bool, len(paths))})
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	if err := r.Read(body, &rec); err != nil {
		t.Fatal(err)
	}
	s := rec.Slots
	if string(s[0].Raw) != "+12025550123" || s[1].Kind != Bool || s[1].Num != 0 || string(s[2].Raw) != "android" ||
		s[3].Float() != 38.9 || s[4].Num != 3 || s[5].Kind != Time || s[5].Num != 1795348800000 || s[6].Kind != Absent || s[7].Kind != Absent {
		t.Errorf("located %+v", s)
	}
}

func TestAvroFromJSONRefusesWithoutQuoting(t *testing.T) {
	text := sampleSchema(t, "location.avsc")
	for name, event := range map[string]string{
		"no JSON": `{"subscriber":`, "a list": `[]`, "wrong enum": strings.Replace(sampleLocation, `"G5"`, `"CANARY"`, 1),
		"missing field":        strings.Replace(sampleLocation, `"imsi": "310150123456789", `, "", 1),
		"wrong type":           strings.Replace(sampleLocation, `"bars": 3`, `"bars": "CANARY"`, 1),
		"two events":           sampleLocation + sampleLocation,
		"text instead of null": strings.Replace(sampleLocation, `"roaming": null`, `"roaming": "CANARY"`, 1),
	} {
		body, err := AvroFromJSON(text, []byte(event))
		if err == nil || body != nil {
			t.Errorf("%s was accepted", name)
		} else if strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), "3101") {
			t.Errorf("%s: the error quotes the event: %v", name, err)
		}
	}
	if _, err := AvroFromJSON(`{"type":"CANARY"}`, []byte(`{}`)); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a broken schema: %v", err)
	}
}
