// jsonschema_test.go writes the JSON Schemas that editors use (go test ./config -run TestPublishedSchemas -update) from
// the reader's own table, and holds the published ones against it, against the samples and against the bad cases.

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	samples "github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/filters"
)

var published = map[string]*spec{
	"consentry.schema.json": &mainTable,
	"source.schema.json":    &sourceTable,
	"partner.schema.json":   &partnerTable,
}

type node = map[string]any

const reference = `\$\{(env|file):[^{}]+\}`

// byReference allows a value that is not text to come by reference.
func byReference(n node) node {
	return node{"anyOf": []any{n, node{"type": "string", "pattern": reference}}}
}

// pattern is a pattern for text that holds no reference.
func pattern(p string) node {
	return byReference(node{"type": "string", "pattern": p})
}

func schemaOf(s *spec) node {
	var n node
	switch s.form {
	case object:
		n = node{"type": "object", "additionalProperties": false}
		props, need := node{}, []any{}
		for i := range s.keys {
			props[s.keys[i].key] = schemaOf(&s.keys[i])
			if s.keys[i].need {
				need = append(need, s.keys[i].key)
			}
		}
		n["properties"] = props
		if len(need) > 0 {
			n["required"] = need
		}
		for _, key := range s.one {
			one, _ := n["oneOf"].([]any)
			n["oneOf"] = append(one, node{"required": []any{key}})
		}
	case list:
		n = node{"type": "array", "items": schemaOf(s.item)}
		if s.need {
			n["minItems"] = 1
		}
	case paths:
		n = node{"type": "object", "propertyNames": node{"pattern": nameForm.String()}, "additionalProperties": schemaOf(&spec{form: field})}
	case fields:
		n = node{"type": "object", "minProperties": 1, "propertyNames": node{"pattern": nameForm.String()}, "additionalProperties": filterSchema()}
	case name:
		n = pattern(nameForm.String())
	case topic:
		n = pattern(topicForm.String())
	case field:
		n = pattern(`^[^.\s]+(\.[^.\s]+)*$`)
	case region:
		n = pattern(regionForm.String())
	case date:
		n = pattern(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	case span:
		n = pattern(spanForm.String())
	case address, broker:
		n = pattern(`^[^\s/@]*:[0-9]{1,5}$`)
	case httpURL:
		n = pattern(`^https?://`)
	case redisURL:
		n = pattern(`^rediss?://`)
	case enum:
		n = byReference(node{"enum": s.enum})
	case integer:
		n = byReference(node{"type": "integer", "minimum": s.min, "maximum": s.max})
	case boolean:
		n = byReference(node{"type": "boolean"})
	case secret:
		n = node{"type": "string", "pattern": onlyRefs.String()}
	case text, filePath, glob:
		n = node{"type": "string", "minLength": 1}
	case refused, notYet:
		n = node{"not": node{}}
	default:
		panic(fmt.Sprintf("form %d has no schema", s.form))
	}
	if s.doc != "" {
		n["description"] = s.doc
	}
	return n
}

// optionSchemas are the values of a filter's further keys.
var optionSchemas = map[string]node{
	"oneof":   {"type": "array", "minItems": 1, "description": "The closed list of values."},
	"between": {"type": "array", "minItems": 2, "maxItems": 2, "items": node{"type": "integer"}, "description": "Lowest and highest value, both included; at most 64 values."},
	"else":    {"type": []any{"string", "integer", "boolean"}, "description": "What a readable value outside the list becomes; the word withhold withholds the record."},
	"missing": {"type": []any{"string", "integer", "boolean", "null"}, "description": "What an absent value becomes; without it the record is withheld."},
	"level":   {"type": []any{"integer", "string"}, "description": "S2 level: at most 12."},
	"to":      {"type": "string", "pattern": spanForm.String(), "description": "Period that divides a day or is whole days, UTC."},
	"edges":   {"type": "array", "minItems": 1, "items": node{"type": "number"}, "description": "Edges in rising order; the lower edge is included."},
	"with":    {"type": "string", "minLength": 1, "description": "A list file, relative to this file."},
}

func filterSchema() node {
	props, one := node{}, []any{}
	for name, n := range optionSchemas {
		props[name] = n
	}
	for _, f := range filters.Table {
		n := node{"type": "string", "minLength": 1}
		switch {
		case f.Name == "event_id":
			n = node{"const": true}
		case f.Name == "constant":
			n = node{"type": []any{"string", "integer", "boolean"}}
		case f.Input == filters.Position:
			n = node{"const": "position"}
		}
		n["description"] = "The filter " + f.Name + "; takes " + strings.Join(append([]string{}, f.Options...), ", ") + "."
		if len(f.Options) == 0 {
			n["description"] = "The filter " + f.Name + "."
		}
		props[f.Name] = n
		one = append(one, node{"required": []any{f.Name}})
	}
	return node{"type": "object", "description": "One released field: a filter and its options.", "additionalProperties": false, "properties": props, "oneOf": one}
}

func render(t *testing.T, file string, s *spec) []byte {
	n := schemaOf(s)
	n["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	n["title"] = strings.TrimSuffix(file, ".schema.json")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(n); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPublishedSchemas(t *testing.T) {
	for file, s := range published {
		path := filepath.Join("jsonschema", file)
		want := render(t, file, s)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the reader's table says: run go test ./config -run TestPublishedSchemas -update", path)
		}
	}
}

// TestSchemaKeys compares, as text, the keys of the published files with those that the decoder was seen to know: it
// feeds every key to the reader and looks for "unknown key".
func TestSchemaKeys(t *testing.T) {
	for file, s := range published {
		raw, err := os.ReadFile(filepath.Join("jsonschema", file))
		if err != nil {
			t.Fatal(err)
		}
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		inSchema := map[string]bool{}
		schemaKeys(n, "", inSchema)
		known := map[string]bool{}
		tableKeys(s, "", known)
		for _, key := range slices.Sorted(maps.Keys(inSchema)) {
			if !known[key] {
				t.Errorf("%s: key %s is in the schema, and the reader does not know it", file, key)
			}
			if !readerKnows(s, key) {
				t.Errorf("%s: the reader says that %s is unknown", file, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(known)) {
			if !inSchema[key] {
				t.Errorf("%s: the reader knows key %s, which is not in the schema", file, key)
			}
		}
		if readerKnows(s, "/nonsense") {
			t.Errorf("%s: the reader knows a key that nobody named", file)
		}
	}
}

func schemaKeys(n node, at string, out map[string]bool) {
	if items, ok := n["items"].(node); ok {
		schemaKeys(items, at, out)
	}
	props, _ := n["properties"].(node)
	for key, sub := range props {
		out[at+"/"+key] = true
		schemaKeys(sub.(node), at+"/"+key, out)
	}
}

func tableKeys(s *spec, at string, out map[string]bool) {
	if s.item != nil {
		tableKeys(s.item, at, out)
	}
	for i := range s.keys {
		out[at+"/"+s.keys[i].key] = true
		tableKeys(&s.keys[i], at+"/"+s.keys[i].key, out)
	}
}

// readerKnows writes a file with nothing but the key in it and asks the reader.
func readerKnows(s *spec, path string) bool {
	text, closing := "", ""
	steps := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, step := range steps {
		text += "{" + step + ": "
		closing = "}" + closing
		if i < len(steps)-1 && step == "streams" {
			text, closing = text+"[", "]"+closing
		}
	}
	l := &loader{files: newFiles()}
	l.check(l.parse("f.yaml", []byte(text+"x"+closing)), s)
	for _, p := range l.problems {
		if strings.HasPrefix(p.Message, "unknown key") {
			return false
		}
	}
	return true
}

// TestFilterKeys: a filter's options in the schema are those that package filters takes.
func TestFilterKeys(t *testing.T) {
	taken := map[string]bool{}
	for _, f := range filters.Table {
		for _, o := range f.Options {
			taken[o] = true
			if _, ok := optionSchemas[o]; !ok {
				t.Errorf("option %s of %s is not in the schema", o, f.Name)
			}
		}
	}
	for o := range optionSchemas {
		if !taken[o] {
			t.Errorf("option %s is in the schema, and no filter takes it", o)
		}
	}
}

func compiled(t *testing.T) map[string]*jsonschema.Schema {
	c := jsonschema.NewCompiler()
	out := map[string]*jsonschema.Schema{}
	for file := range published {
		s, err := c.Compile(filepath.Join("jsonschema", file))
		if err != nil {
			t.Fatal(err)
		}
		out[file] = s
	}
	return out
}

func schemaFor(path string) string {
	switch {
	case strings.HasPrefix(path, "sources/"):
		return "source.schema.json"
	case strings.HasPrefix(path, "partners/"):
		return "partner.schema.json"
	}
	return "consentry.schema.json"
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSamplesFollowTheSchemas(t *testing.T) {
	schemas, seen := compiled(t), 0
	err := fs.WalkDir(samples.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := fs.ReadFile(samples.Files, path)
		if err != nil {
			return err
		}
		seen++
		if err := schemas[schemaFor(path)].Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || seen < 7 {
		t.Fatalf("%d files seen, %v", seen, err)
	}
}

// TestSchemasRefuse: what the reader refuses for its form the schema refuses too.
func TestSchemasRefuse(t *testing.T) {
	schemas := compiled(t)
	for _, c := range []struct{ name, file string }{
		{"unknown_key", "consentry.yaml"}, {"wrong_type", "consentry.yaml"}, {"bounds", "consentry.yaml"}, {"password_half", "consentry.yaml"},
		{"enums", "sources/apps.yaml"}, {"names", "sources/apps.yaml"}, {"paths", "sources/apps.yaml"}, {"missing_everywhere", "sources/apps.yaml"},
		{"enums", "partners/acme.yaml"}, {"duration", "partners/acme.yaml"}, {"fields", "partners/acme.yaml"}, {"number_text", "partners/acme.yaml"},
	} {
		ar, err := txtar.ParseFile("testdata/refused/" + c.name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name == c.file && schemas[schemaFor(c.file)].Validate(decode(t, f.Data)) == nil {
				t.Errorf("%s of %s passes the schema", c.file, c.name)
			}
		}
	}
	for name, text := range base(t) {
		if err := schemas[schemaFor(name)].Validate(decode(t, text)); err != nil {
			t.Errorf("%s of the good folder: %v", name, err)
		}
	}
}
