package schema

// This file holds the Avro reader against goavro: on every shared vector, and on random schemas with random values.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"
)

func TestEncodedVectors(t *testing.T) {
	root := shared(t, "schemas_avro")
	lines := bytes.Split(bytes.TrimSpace(readFile(t, filepath.Join(root, "encoded_vectors.jsonl"))), []byte("\n"))
	read, compared, refused := 0, 0, map[string]bool{}
	for i, line := range lines {
		var v vector
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		text := readFile(t, filepath.Join(root, filepath.FromSlash(v.Schema)))
		shape, err := ParseAvro(text)
		if err != nil {
			refused[v.Schema+": "+err.Error()] = true
			continue
		}
		body, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		compared += compare(t, fmt.Sprintf("%s line %d", v.Schema, i+1), shape, newCodec(t, string(text)), body)
		read++
	}
	for r := range refused {
		t.Log("not read: ", r)
	}
	t.Logf("%d of %d vectors read, %d values compared", read, len(lines), compared)
	if read < len(lines)*9/10 {
		t.Errorf("only %d of %d vectors were read", read, len(lines))
	}
}

// TestContainerFiles reads the records of Avro container files.
func TestContainerFiles(t *testing.T) {
	root := shared(t, "avro_ocf")
	records := 0
	for _, name := range []string{"apache_share/weather.avro", "apache_share/weather-deflate.avro", "apache_share/syncInMeta.avro",
		"goavro_fixtures/quickstop-null.avro"} {
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		ocf, err := goavro.NewOCFReader(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		shape, err := ParseAvro([]byte(ocf.Codec().Schema()))
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		for ocf.Scan() && records < 5000 {
			native, err := ocf.Read()
			if err != nil {
				t.Fatal(err)
			}
			body, err := ocf.Codec().BinaryFromNative(nil, native)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, name, shape, ocf.Codec(), body)
			records++
		}
		f.Close()
	}
	if records < 50 {
		t.Errorf("only %d records read", records)
	}
}

// TestEverySchema parses every shared schema; ours may refuse only what goavro refuses, or what is no record.
func TestEverySchema(t *testing.T) {
	parsed := 0
	err := filepath.WalkDir(shared(t, "schemas_avro"), func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".avsc" {
			return err
		}
		text := readFile(t, path)
		_, theirs := goavro.NewCodec(string(text))
		shape, ours := ParseAvro(text)
		if ours == nil {
			parsed++
			for _, p := range shape.Paths() {
				if _, err := shape.Lookup(p); err != nil {
					t.Errorf("%s lists %s and does not find it: %v", d.Name(), p, err)
				}
			}
			mustCompile(t, shape, layoutOf(shape.Paths()...))
		} else if theirs == nil && !strings.Contains(ours.Error(), "not a record") && !strings.Contains(path, "invalid") {
			t.Errorf("%s: refused, goavro accepts it: %v", d.Name(), ours)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if parsed < 100 {
		t.Errorf("only %d schemas parsed", parsed)
	}
}

// gen makes random schemas, and values for them in goavro's native form.
type gen struct {
	t     *rapid.T
	names int
}

func (g *gen) pick(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "n") }

// schema returns the JSON text of a type and a maker of its values. Unions need the type's name.
func (g *gen) schema(depth int) (text, name string, value func() any) {
	kinds := 16
	if depth <= 0 {
		kinds = 11
	}
	switch g.pick(kinds) {
	case 0:
		return `"boolean"`, "boolean", func() any { return rapid.Bool().Draw(g.t, "b") }
	case 1:
		return `"int"`, "int", func() any { return rapid.Int32().Draw(g.t, "i") }
	case 2:
		return `"long"`, "long", func() any { return rapid.Int64().Draw(g.t, "l") }
	case 3:
		return `"float"`, "float", func() any { return rapid.Float32().Draw(g.t, "f") }
	case 4:
		return `"double"`, "double", func() any { return rapid.Float64().Draw(g.t, "d") }
	case 5, 6:
		return `"string"`, "string", func() any { return rapid.String().Draw(g.t, "s") }
	case 7:
		return `"bytes"`, "bytes", func() any { return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(g.t, "y") }
	case 8:
		g.names++
		n, size := fmt.Sprintf("F%d", g.names), g.pick(9)
		return fmt.Sprintf(`{"type":"fixed","name":"%s","size":%d}`, n, size+1), n, func() any {
			return rapid.SliceOfN(rapid.Byte(), size+1, size+1).Draw(g.t, "x")
		}
	case 9:
		g.names++
		n := fmt.Sprintf("E%d", g.names)
		return fmt.Sprintf(`{"type":"enum","name":"%s","symbols":["A","B","C"]}`, n), n, func() any { return string("ABC"[g.pick(3)]) }
	case 10:
		return `"null"`, "null", func() any { return nil }
	case 11, 12: // array
		item, _, v := g.schema(depth - 1)
		return `{"type":"array","items":` + item + `}`, "array", func() any {
			list := make([]any, g.pick(4))
			for i := range list {
				list[i] = v()
			}
			return list
		}
	case 13: // map
		item, _, v := g.schema(depth - 1)
		return `{"type":"map","values":` + item + `}`, "map", func() any {
			m := map[string]any{}
			for range g.pick(4) {
				m[rapid.String().Draw(g.t, "k")] = v()
			}
			return m
		}
	case 14: // union of null and others, in any order
		var parts []string
		var makers []func() any
		seen := map[string]bool{}
		for range 1 + g.pick(3) {
			part, name, v := g.schema(depth - 1)
			if seen[name] || name == "union" || strings.Contains(name, ".") {
				continue
			}
			seen[name] = true
			parts = append(parts, part)
			makers = append(makers, func() any {
				if x := v(); x != nil {
					return map[string]any{name: x}
				}
				return nil
			})
		}
		if !seen["null"] {
			at := g.pick(len(parts) + 1)
			parts = append(parts[:at:at], append([]string{`"null"`}, parts[at:]...)...)
			makers = append(makers, func() any { return nil })
		}
		return "[" + strings.Join(parts, ",") + "]", "union", func() any { return makers[g.pick(len(makers))]() }
	}
	return g.record(depth - 1)
}

func (g *gen) record(depth int) (text, name string, value func() any) {
	g.names++
	name = fmt.Sprintf("R%d", g.names)
	var fields []string
	var makers []func() any
	for i := range g.pick(6) {
		f, _, v := g.schema(depth)
		fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":%s}`, i, f))
		makers = append(makers, v)
	}
	return fmt.Sprintf(`{"type":"record","name":"%s","fields":[%s]}`, name, strings.Join(fields, ",")), name, func() any {
		m := map[string]any{}
		for i, v := range makers {
			m[fmt.Sprintf("f%d", i)] = v()
		}
		return m
	}
}

func TestRandomSchemas(t *testing.T) {
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		g := &gen{t: rt}
		text, _, value := g.record(3)
		codec, err := goavro.NewCodec(text)
		if err != nil {
			rt.Fatalf("goavro refuses %s: %v", text, err)
		}
		shape, err := ParseAvro([]byte(text))
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		body, err := codec.BinaryFromNative(nil, value())
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		compared += compare(t, text, shape, codec, body)
		// Every shorter body is refused, and a longer one too.
		r := mustCompile(t, shape, layoutOf(shape.Paths()...))
		var rec Record
		for i := range body {
			if r.Read(body[:i], &rec) == nil {
				rt.Fatalf("%s: %d of %d bytes were enough", text, i, len(body))
			}
		}
		if r.Read(append(body, 0), &rec) == nil {
			rt.Fatalf("%s: a trailing byte was accepted", text)
		}
	})
	if compared < 100 {
		t.Errorf("only %d values compared", compared)
	}
}
