package schema

// This file finds the shared schemas and vectors, and asks goavro, the oracle, what a body holds.

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
)

// shared returns a path in the shared data folder, which lies beside the repository.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	p := filepath.Join(append([]string{dir, "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("shared data is missing: %s", strings.Join(parts, "/"))
	}
	return p
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sample reads a sample schema of deploy/samples.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	return readFile(t, filepath.Join("..", "deploy", "samples", "schemas", name))
}

func layoutOf(paths ...string) Layout {
	return Layout{Paths: paths, Required: make([]bool, len(paths))}
}

func mustAvro(t testing.TB, text string) *Shape {
	t.Helper()
	s, err := ParseAvro([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustCompile(t testing.TB, s *Shape, l Layout) *Reader {
	t.Helper()
	r, err := s.Compile(l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atPath follows a dotted path through goavro's native form. Unions are maps of one entry there, named by type.
func atPath(top *avroType, native any, path string) any {
	typ := top
	for rest := path; rest != ""; {
		name, more, _ := strings.Cut(rest, ".")
		rest = more
		m, ok := native.(map[string]any)
		if !ok {
			return nil
		}
		native = m[name]
		f := typ.field(name)
		if f.kind == avroUnion {
			if m, ok := native.(map[string]any); ok && len(m) == 1 {
				for _, v := range m {
					native = v
				}
			}
		}
		typ, _, _ = f.through()
	}
	return native
}

// sameAsNative tells whether a located value is what goavro decoded.
func sameAsNative(v Value, native any) bool {
	switch n := native.(type) {
	case nil:
		return v.Kind == Absent
	case bool:
		return v.Kind == Bool && (v.Num == 1) == n
	case int32:
		return v.Kind == Int && v.Num == int64(n)
	case int64:
		return v.Kind == Int && v.Num == n || v.Kind == Time && v.Num == int64(math.Floor(float64(n)/1e6)) || v.Kind == Other
	case float32:
		return v.Kind == Float && math.Float64bits(v.Float()) == math.Float64bits(float64(n))
	case float64:
		return v.Kind == Float && math.Float64bits(v.Float()) == math.Float64bits(n)
	case string:
		return v.Kind == String && string(v.Raw) == n
	case []byte:
		return v.Kind == Bytes && string(v.Raw) == string(n)
	case time.Time: // goavro makes times of dates too, which we locate as integers
		return v.Kind == Time && v.Num == n.UnixMilli() || v.Kind == Int && v.Num == n.Unix()/86400
	case time.Duration:
		return v.Kind == Int && (v.Num == n.Milliseconds() || v.Num == n.Microseconds())
	case *big.Rat:
		return v.Kind == Bytes
	}
	return false
}

// compare reads a body with every path located and holds it against goavro. It returns how many values it compared.
func compare(t testing.TB, name string, shape *Shape, codec *goavro.Codec, body []byte) int {
	t.Helper()
	native, rest, err := codec.NativeFromBinary(body)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%s: goavro cannot read its own vector", name)
	}
	paths := shape.Paths()
	top := shape.impl.(*avroShape).top
	compared := 0
	// All paths at once, then each third alone: what is skipped for one layout is located for another.
	layouts := [][]string{paths}
	for i := 0; i < 3; i++ {
		var some []string
		for j := i; j < len(paths); j += 3 {
			some = append(some, paths[j])
		}
		layouts = append(layouts, some)
	}
	for _, l := range layouts {
		r := mustCompile(t, shape, layoutOf(l...))
		var rec Record
		if err := r.Read(body, &rec); err != nil {
			t.Fatalf("%s: %v at %+v", name, err, err)
		}
		for i, p := range l {
			want := atPath(top, native, p)
			if !sameAsNative(rec.Slots[i], want) {
				t.Errorf("%s: %s: got %+v, goavro has %T %v", name, p, rec.Slots[i], want, want)
			}
			compared++
		}
	}
	return compared
}

func newCodec(t testing.TB, text string) *goavro.Codec {
	t.Helper()
	c, err := goavro.NewCodec(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type vector struct {
	Schema string          `json:"schema"`
	Hex    string          `json:"hex"`
	Datum  json.RawMessage `json:"datum"`
}
