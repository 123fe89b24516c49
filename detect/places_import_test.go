package detect

// What is read of each format, and what is told about what cannot be.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/geo/s2"
)

func TestLiechtenstein(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "ref_sensitive_pois", "liechtenstein_sensitive_pois.csv"))
	if err != nil {
		t.Fatal(err)
	}
	p := imported(t, "liechtenstein.csv", string(raw))
	for category, want := range map[string]int{"education": 33, "religious": 20, "funeral": 11, "medical": 5, "justice": 1} {
		if got := p.Count(category); got != want {
			t.Errorf("%s: %d, want %d", category, got, want)
		}
	}
	if c, is := p.Near(47.134377+0.0015, 9.522478, 0); !is {
		t.Errorf("167 m from the hospital: %q, %v", c, is)
	}
}

// The map knows all that a word of Overture or Foursquare says plainly.
func TestCategoryNames(t *testing.T) {
	m, err := newCategoryMap("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{
		{"abortion_clinic", "medical"}, {"fertility", "medical"}, {"addiction_rehabilitation_center", "addiction"}, {"homeless_shelter", "shelter"},
		{"labor_union", "union"}, {"gay_bar", "sexuality"}, {"mosque", "religious"}, {"sikh_temple", "religious"}, {"day_care_preschool", "education"},
		{"Doctor's Office", "medical"}, {"Embassy / Consulate", "diplomatic"}, {"Nightlife Spot > Bar > Gay Bar", "sexuality"},
		{"amenity=prison", "correctional"}, {"landuse=military", "military"}, {"amenity=clinic;pharmacy", "medical"}, {"healthcare=midwife", "medical"},
		{"lgbtq=primary", "sexuality"}, {"office=diplomatic", "diplomatic"}, {"social_facility=shelter", "shelter"}, {"amenity=refugee_site", "refugee"},
		{"amenity=courthouse", "justice"}, {"office=political_party", "political"}, {"stadium", "stadium"},
		{"lgbtq=no", ""}, {"amenity=shelter", ""}, {"amenity=bench", ""}, {"pizza_restaurant", ""}, {"", ""},
	} {
		mask := m.any(c.name)
		var got []string
		for bit := range eachBit(mask) {
			got = append(got, m.names[bit])
		}
		if c.want == "" && mask != 0 || c.want != "" && !strings.Contains(" "+strings.Join(got, " ")+" ", " "+c.want+" ") {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
	for _, name := range houseCategories {
		if !AlwaysWithheld(name) || m.any(name) == 0 {
			t.Errorf("%s is not always withheld, or nothing means it", name)
		}
	}
	for _, name := range m.names {
		if !AlwaysWithheld(name) != strings.Contains(" "+strings.Join(optionalCategories, " ")+" ", " "+name+" ") {
			t.Errorf("%s", name)
		}
	}
}

func TestOperatorsCategoriesOnlyAdd(t *testing.T) {
	im, err := NewPlaceImport("mine.csv", strings.NewReader("from,to\n# more\nhospital,also_big\nskate_park,skating\nleisure=dance,also_dance\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = im.Add("a.csv", strings.NewReader("name,LAT,Longitude,Kind\nx,1,1,hospital\ny,2,2,Skate Park\nz,3,3,leisure=dance\n"), aDay)
	if err != nil {
		t.Fatal(err)
	}
	p := loaded(t, im)
	if got := strings.Join(p.Categories(), " "); got != "also_big also_dance medical skating" {
		t.Errorf("%s", got)
	}
	if !near(p, s2.LatLngFromDegrees(1, 1), 0) || !near(p, s2.LatLngFromDegrees(2, 2), 0) || near(p, s2.LatLngFromDegrees(3, 3), 0) {
		t.Error("a hospital or an unknown category is not always withheld, or one of also_ is")
	}
	for text, want := range map[string]string{
		"": "c.csv:1:", "a,b\n": "c.csv:1:", "from,to\n\nx": "c.csv:3:", "from,to\nx,A b\n": "c.csv:2:", "from,to\n=x,medical\n": "c.csv:2:", "from,to\nx,\n": "c.csv:2:",
	} {
		if _, err := NewPlaceImport("c.csv", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCSVProblemsNameTheLine(t *testing.T) {
	im, _ := NewPlaceImport("", nil)
	rep, err := im.Add("a.csv", strings.NewReader("\ufeff# ODbL 1.0, somebody\r\ncategory,lat,lon\r\nhospital,1,2\r\nhospital,91,2\r\n\"hosp\nhospital,x,2\nhospital,1\nbench,1,2\nhospital,NaN,2\n"), aDay)
	if err != nil || rep.Taken != 1 || rep.Skipped != 1 || rep.Malformed != 5 {
		t.Fatalf("%v %+v", err, rep)
	}
	var lines []string
	for _, p := range rep.Problems {
		lines = append(lines, p.Where)
	}
	if got := strings.Join(lines, ", "); got != "line 4, line 5, line 6, line 7, line 9" {
		t.Error(got)
	}
	if src := loaded(t, im).Sources(); len(src) != 1 || src[0].Notice != "ODbL 1.0, somebody" || src[0].Name != "a.csv" || src[0].Places != 1 {
		t.Errorf("%+v", src)
	}
	for _, text := range []string{"", "a,b,c\n", "category,lat\n", strings.Repeat("x", 2<<20)} {
		if _, err := im.Add("b.csv", strings.NewReader(text), aDay); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
	if _, err := im.Add("b.txt", strings.NewReader(""), aDay); err == nil {
		t.Error("a text file is taken")
	}
}

func TestGeoJSONForms(t *testing.T) {
	point := `"geometry":{"type":"Point","coordinates":[9.5,47.1,440]}`
	for name, c := range map[string]struct {
		text string
		want string // categories
	}{
		"overture":       {`{"type":"FeatureCollection","features":[{"type":"Feature",` + point + `,"properties":{"names":{"primary":"A B"},"categories":{"primary":"gay_bar","alternate":["bar"]}}}]}`, "bar sexuality"},
		"overture, flat": {`{"type":"Feature",` + point + `,"properties":{"categories":"{\"primary\": \"hospital\"}"}}`, "medical"},
		"overture, new":  {`{"type":"Feature",` + point + `,"properties":{"basic_category":"place_of_worship","taxonomy":{"primary":"mosque","hierarchy":["cultural","mosque"]}}}`, "religious"},
		"tags":           {`{"properties":{"amenity":"school"},` + point + `,"type":"Feature"}`, "education"},
		"lines":          {"\x1e{\"type\":\"Feature\"," + point + ",\"properties\":{\"category\":\"hospital\"}}\n\x1e{\"type\":\"Feature\"," + point + ",\"properties\":{\"kind\":\"jail\"}}\n", "correctional medical"},
		"late type":      {`{"features":[{"properties":{"office":"union"},"geometry":{"type":"MultiPoint","coordinates":[[1,1],[2,2]]},"type":"Feature"}],"type":"FeatureCollection"}`, "union"},
		"line":           {`{"type":"Feature","properties":{"military":"range"},"geometry":{"type":"LineString","coordinates":[[1,1],[2,2]]}}`, "military"},
		"collection":     {`{"type":"Feature","properties":{"military":"range"},"geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,1]},{"type":"MultiLineString","coordinates":[[[1,1],[1.1,1]]]}]}}`, "military"},
	} {
		if got := strings.Join(imported(t, name+".geojson", c.text).Categories(), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	bad := []string{`{"type":"Polygon","coordinates":[[[1,1],[2,2],[1,1]]]}`, `{"type":"Polygon","coordinates":[[[1,1],[2,2],[3,1],[2,0]]]}`, `null`, `{"type":"Point","coordinates":[200,1]}`,
		`{"type":"Point","coordinates":["1",1]}`, `{"type":"Circle","coordinates":[1,1]}`, `{"type":"Polygon","coordinates":[]}`, `{"type":"Polygon","coordinates":[[[1,1],[21,1],[21,21],[1,21],[1,1]]]}`}
	for _, g := range bad {
		im, _ := NewPlaceImport("", nil)
		rep, err := im.Add("a.geojson", strings.NewReader(`{"type":"Feature","properties":{"amenity":"school"},"geometry":`+g+`}`), aDay)
		if err != nil || rep.Malformed != 1 || rep.Problems[0].Where != "offset 0" {
			t.Errorf("%s: %v %+v", g, err, rep)
		}
		if _, err := im.Encode(); err == nil {
			t.Errorf("%s: something is left of it, or an empty list is written", g)
		}
	}
	for _, text := range []string{``, `[]`, `{"type":"FeatureCollection"}`, `{"features":[{]}`, `{"features":{}}`, `{"type":"Feature"`, `{"type":"Feature",` + point + `,"properties":{"a":"b"}}x`} {
		im, _ := NewPlaceImport("", nil)
		if _, err := im.Add("a.json", strings.NewReader(text), aDay); err == nil {
			t.Errorf("%s is taken", text)
		} else if strings.Contains(err.Error(), "47.1") {
			t.Error("an error quotes the file")
		}
	}
}

func TestSameInputsSameBytesOldestDate(t *testing.T) {
	make1 := func() []byte {
		im, _ := NewPlaceImport("", nil)
		for i, text := range []string{csvOf("school", s2.LatLngFromDegrees(1, 2), s2.LatLngFromDegrees(-1, 2), s2.LatLngFromDegrees(1, 2)), csvOf("gay_bar", s2.LatLngFromDegrees(1, 2))} {
			if _, err := im.Add(fmt.Sprint(i, ".csv"), strings.NewReader(text), aDay.Add(time.Duration(-i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := im.Add("x.json", strings.NewReader(`{"type":"Feature","properties":{"landuse":"military","amenity":"school"},"geometry":{"type":"Polygon","coordinates":[`+box(1, 1, 1.1, 1.1)+`]}}`), aDay); err != nil {
			t.Fatal(err)
		}
		raw, err := im.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	a := make1()
	for range 5 {
		if !bytes.Equal(a, make1()) {
			t.Fatal("two imports differ")
		}
	}
	p, err := ReadPlaces(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Made().Equal(aDay.Add(-time.Hour)) || p.Count("education") != 3 || p.Count("military") != 1 {
		t.Errorf("%v %d %d", p.Made(), p.Count("education"), p.Count("military"))
	}
}

// Whatever byte is damaged, wherever the file ends: there is no list.
func TestDamagedLists(t *testing.T) {
	im, _ := NewPlaceImport("", nil)
	if _, err := im.Add("a.csv", strings.NewReader(csvOf("school", s2.LatLngFromDegrees(1, 2))), aDay); err != nil {
		t.Fatal(err)
	}
	raw, _ := im.Encode()
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		for _, b := range [][]byte{bad, raw[:i], append(bytes.Clone(raw), raw[i])} {
			if p, err := ReadPlaces(bytes.NewReader(b)); err == nil || p != nil {
				t.Fatalf("byte %d", i)
			}
		}
	}
}

func FuzzPlacesFile(f *testing.F) {
	im, _ := NewPlaceImport("", nil)
	_, err := im.Add("x.json", strings.NewReader(`{"type":"Feature","properties":{"landuse":"military"},"geometry":{"type":"GeometryCollection","geometries":[{"type":"Polygon","coordinates":[`+
		box(1, 1, 1.02, 1.02)+`]},{"type":"Point","coordinates":[179.99,89.99]}]}}`), aDay)
	if err != nil {
		f.Fatal(err)
	}
	raw, _ := im.Encode()
	f.Add(raw[len(placesMagic) : len(raw)-32])
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := parsePlaces(body)
		if err != nil {
			return
		}
		p, err := d.places()
		if err != nil {
			return
		}
		for _, accuracy := range []float64{0, 3000, 1e7} {
			p.Near(1, 1, accuracy)
			p.Near(90, 180, accuracy)
			p.NearAlso(-40, -180, accuracy, ^uint64(0)>>max(0, 64-len(d.categories)))
		}
	})
}

func FuzzPlacesText(f *testing.F) {
	f.Add([]byte(csvOf("school", s2.LatLngFromDegrees(1, 2))))
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"amenity":"school"},"geometry":{"type":"Polygon","coordinates":[` + box(1, 1, 1.02, 1.02) + `]}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"a.csv", "a.json"} {
			im, _ := NewPlaceImport("", nil)
			if _, err := im.Add(name, bytes.NewReader(text), aDay); err != nil {
				continue
			}
			if raw, err := im.Encode(); err == nil {
				if _, err := ReadPlaces(bytes.NewReader(raw)); err != nil {
					t.Fatalf("what is written is not read: %v", err)
				}
			}
		}
	})
}
