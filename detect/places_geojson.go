package detect

// Places from GeoJSON (RFC 7946): a FeatureCollection, one feature, or features line after line, as OpenStreetMap tools
// and Overture Maps export them. Features are read one at a time.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// feature is what counts of a GeoJSON feature.
type feature struct {
	Type       string          `json:"type"`
	Geometry   json.RawMessage `json:"geometry"`
	Properties json.RawMessage `json:"properties"`
}

type geometry struct {
	Type        string            `json:"type"`
	Coordinates json.RawMessage   `json:"coordinates"`
	Geometries  []json.RawMessage `json:"geometries"`
}

func (im *PlaceImport) readGeoJSON(r io.Reader, rep *PlaceReport) (notice string, err error) {
	dec := json.NewDecoder(skipSeparators{r})
	features := 0
	for {
		at := dec.InputOffset()
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if features == 0 {
				return "", errors.New("there are no GeoJSON features in it")
			}
			return notice, nil
		}
		if err != nil || tok != json.Delim('{') {
			return "", notJSON(dec)
		}
		var single feature
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return "", notJSON(dec)
			}
			var into any
			switch key {
			case "features":
				n, err := im.features(dec, rep)
				features += n
				if err != nil {
					return "", err
				}
				continue
			case "type":
				into = &single.Type
			case "geometry":
				into = &single.Geometry
			case "properties":
				into = &single.Properties
			case "attribution", "licence", "license", "copyright":
				var text any
				if dec.Decode(&text) != nil {
					return "", notJSON(dec)
				}
				if s, is := text.(string); is && notice == "" {
					notice = s
				}
				continue
			default:
				into = new(json.RawMessage)
			}
			if dec.Decode(into) != nil {
				return "", notJSON(dec)
			}
		}
		if _, err := dec.Token(); err != nil {
			return "", notJSON(dec)
		}
		if single.Type == "Feature" {
			features++
			im.feature(&single, fmt.Sprintf("offset %d", at), rep)
		}
	}
}

func notJSON(dec *json.Decoder) error {
	return fmt.Errorf("offset %d: not GeoJSON", dec.InputOffset())
}

// features reads the array of a collection.
func (im *PlaceImport) features(dec *json.Decoder, rep *PlaceReport) (n int, err error) {
	if tok, err := dec.Token(); err != nil || tok != json.Delim('[') {
		return 0, notJSON(dec)
	}
	for dec.More() {
		var f feature
		at := dec.InputOffset()
		if dec.Decode(&f) != nil {
			return n, notJSON(dec)
		}
		n++
		im.feature(&f, fmt.Sprintf("offset %d", at), rep)
	}
	if _, err := dec.Token(); err != nil {
		return n, notJSON(dec)
	}
	return n, nil
}

func (im *PlaceImport) feature(f *feature, where string, rep *PlaceReport) {
	var props map[string]any
	if len(f.Properties) > 0 && json.Unmarshal(f.Properties, &props) != nil {
		rep.malformed(where, "its properties are no object")
		return
	}
	mask := im.categories.properties(props)
	if mask == 0 {
		rep.Skipped++
		return
	}
	if why := im.geometry(mask, f.Geometry, 0); why != "" {
		rep.malformed(where, why)
		return
	}
	rep.Taken++
}

// nameKeys hold a name of a category, alone or in a list, in what tools export; in Overture's places under these too.
var nameKeys = map[string]bool{
	"category": true, "kind": true, "categories": true, "primary": true, "alternate": true, "alternates": true, "main": true,
	"basic_category": true, "taxonomy": true, "hierarchy": true, "class": true, "subtype": true, "categories_primary": true,
	"primary_category": true, "fsq_category_labels": true, "categories.primary": true, "categories.alternate": true,
	"tags": true, "other_tags": true,
}

// properties gives the categories of OpenStreetMap tags and of category names.
func (m *categoryMap) properties(props map[string]any) (mask uint64) {
	for key, v := range props {
		if s, is := v.(string); is {
			mask |= m.tag(key, s)
		}
		if nameKeys[key] {
			mask |= m.value(v)
		}
	}
	return mask
}

func (m *categoryMap) value(v any) (mask uint64) {
	switch v := v.(type) {
	case string:
		mask = m.any(v)
		var inner any
		// Tools that know only flat properties write objects as text.
		if v != "" && (v[0] == '{' || v[0] == '[') && json.Unmarshal([]byte(v), &inner) == nil {
			mask |= m.value(inner)
		}
	case []any:
		for _, item := range v {
			mask |= m.value(item)
		}
	case map[string]any:
		mask = m.properties(v)
	}
	return mask
}

// geometry adds what a geometry covers; why is empty if it could.
func (im *PlaceImport) geometry(mask uint64, raw json.RawMessage, depth int) (why string) {
	const bad = "its geometry is not one of RFC 7946"
	var g geometry
	if len(raw) == 0 || json.Unmarshal(raw, &g) != nil || depth > 3 {
		return bad
	}
	var polygons [][][][]float64
	var lines [][][]float64
	var points [][]float64
	var err error
	switch g.Type {
	case "Point":
		points = make([][]float64, 1)
		err = json.Unmarshal(g.Coordinates, &points[0])
	case "MultiPoint":
		err = json.Unmarshal(g.Coordinates, &points)
	case "LineString":
		lines = make([][][]float64, 1)
		err = json.Unmarshal(g.Coordinates, &lines[0])
	case "MultiLineString":
		err = json.Unmarshal(g.Coordinates, &lines)
	case "Polygon":
		polygons = make([][][][]float64, 1)
		err = json.Unmarshal(g.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(g.Coordinates, &polygons)
	case "GeometryCollection":
		if len(g.Geometries) == 0 {
			return bad
		}
		for _, inner := range g.Geometries {
			if why := im.geometry(mask, inner, depth+1); why != "" {
				return why
			}
		}
		return ""
	default:
		return bad
	}
	if err != nil || len(points)+len(lines)+len(polygons) == 0 {
		return bad
	}
	at, ok := positions(points)
	if !ok {
		return bad
	}
	for _, l := range lines {
		line, ok := positions(l)
		if !ok || len(line) < 2 {
			return bad
		}
		if err := im.shape(mask, [][]geo{line}, false); err != nil {
			return err.Error()
		}
	}
	for _, p := range polygons {
		var rings [][]geo
		for _, r := range p {
			ring, ok := positions(r)
			if !ok || len(ring) < 4 || ring[0] != ring[len(ring)-1] {
				return bad
			}
			rings = append(rings, ring)
		}
		if len(rings) == 0 {
			return bad
		}
		if err := im.shape(mask, rings, true); err != nil {
			return err.Error()
		}
	}
	for _, g := range at {
		im.point(mask, g)
	}
	return ""
}

// positions reads longitude, latitude and whatever follows.
func positions(list [][]float64) ([]geo, bool) {
	out := make([]geo, 0, len(list))
	for _, p := range list {
		if len(p) < 2 {
			return nil, false
		}
		g, ok := degrees(p[1], p[0])
		if !ok {
			return nil, false
		}
		out = append(out, g)
	}
	return out, true
}

// skipSeparators makes spaces of the record separators of RFC 8142.
type skipSeparators struct{ r io.Reader }

func (s skipSeparators) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	for i, c := range b[:n] {
		if c == 0x1e {
			b[i] = ' '
		}
	}
	return n, err
}
