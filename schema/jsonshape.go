package schema

// This file reads the JSON Schema that a JSON source names and finds paths in it. It understands what event schemas
// use (type, properties, required, enum, format, local $ref, a choice between one type and null); whatever else a
// schema says about a path makes that path one that cannot be located, never one that is guessed at.

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

type jsonShape struct {
	root *tree
	top  jsonType
}

// jsonType is what a JSON schema says about one value.
type jsonType struct {
	typ      Type
	scalar   bool
	object   bool
	props    []member
	required *tree
	nullable bool
	why      string // why it is neither scalar nor object
}

// ParseJSONSchema reads a JSON Schema (draft 4 to 2020-12) whose top is an object with properties. References may only
// point into the text itself. The error is an *Invalid.
func ParseJSONSchema(text []byte) (*Shape, error) {
	t, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	if t.kind != '{' {
		return nil, &Invalid{"", "the schema is not an object"}
	}
	if !validJSONSchema(text) {
		return nil, &Invalid{"", "the text is not a valid JSON Schema, or refers outside itself"}
	}
	s := &jsonShape{root: t}
	s.top = s.describe(t, 0)
	if !s.top.object || s.top.nullable {
		return nil, &Invalid{"", "the top is not an object with properties"}
	}
	return &Shape{impl: s}, nil
}

// validJSONSchema holds the text against its meta-schema. Nothing is ever loaded from outside.
func validJSONSchema(text []byte) bool {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return false
	}
	if m, ok := doc.(map[string]any); ok {
		if dialect, ok := m["$schema"].(string); ok && !strings.Contains(dialect, "//json-schema.org/") {
			delete(m, "$schema") // somebody's own dialect: what we read of it means the same in all
		}
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	const here = "mem:schema"
	if c.AddResource(here, doc) != nil {
		return false
	}
	_, err = c.Compile(here)
	return err == nil
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errors.New("not loaded") }

func (s *jsonShape) describe(t *tree, hops int) jsonType {
	if hops > maxDepth {
		return jsonType{why: "refers to itself"}
	}
	if t == nil || t.kind != '{' {
		return jsonType{why: "has no type in the schema"}
	}
	if ref := t.get("$ref"); ref != nil {
		return s.describe(s.resolve(ref.str()), hops+1)
	}
	for _, word := range []string{"anyOf", "oneOf", "allOf"} {
		if list := t.get(word); list != nil {
			return s.choice(list, word == "allOf", hops)
		}
	}
	out := jsonType{}
	var kinds []string
	switch list := t.get("type"); {
	case list == nil && t.get("properties") != nil:
		kinds = []string{"object"}
	case list == nil && t.get("enum") != nil:
		kinds = enumKinds(t.get("enum"))
	case list == nil:
		return jsonType{why: "has no type in the schema"}
	case list.kind == 's':
		kinds = []string{list.text}
	default:
		for _, it := range list.items {
			kinds = append(kinds, it.str())
		}
	}
	for _, k := range kinds {
		switch k {
		case "null":
			out.nullable = true
		case "object", "array":
			if len(kinds) > 2 || len(kinds) == 2 && kinds[0] != "null" && kinds[1] != "null" {
				return jsonType{why: "is a union of several types, which cannot be located"}
			}
			if k == "array" {
				return jsonType{why: "is an array, which cannot be located"}
			}
			out.object = true
		default:
			out.addScalar(k)
		}
	}
	switch {
	case out.object:
		props := t.get("properties")
		if props == nil || len(props.members) == 0 {
			return jsonType{why: "is a map, which cannot be located"}
		}
		out.props, out.required = props.members, t.get("required")
	case out.scalar:
		out.typ.DateTime = out.typ.Kind == String && t.get("format").str() == "date-time"
		out.enum(t.get("enum"))
	default:
		out.why = "is always null"
	}
	return out
}

func (j *jsonType) addScalar(kind string) {
	k := Absent
	switch kind {
	case "boolean":
		k = Bool
	case "integer":
		k = Int
	case "number":
		k = Float
	case "string":
		k = String
	default:
		return
	}
	have := j.typ.Kind
	switch {
	case !j.scalar:
		j.typ.Kind, j.scalar = k, true
	case have == k || have == Float && k == Int:
	case have == Int && k == Float && !j.typ.Mixed:
		j.typ.Kind = Float // every integer is a number
	default:
		j.typ.Mixed = true
	}
}

// enum takes the closed list over when it is one of strings (and perhaps null).
func (j *jsonType) enum(list *tree) {
	if list == nil {
		return
	}
	var symbols []string
	null, open := false, false
	for _, it := range list.items {
		switch it.kind {
		case 's':
			symbols = append(symbols, it.text)
		case '0':
			null = true
		default:
			open = true
		}
	}
	j.nullable = j.nullable && null
	if !open && j.typ.Kind == String && !j.typ.Mixed {
		j.typ.Symbols = symbols
	}
}

func enumKinds(list *tree) (kinds []string) {
	for _, it := range list.items {
		switch it.kind {
		case 's':
			kinds = append(kinds, "string")
		case 'n':
			kinds = append(kinds, "number")
		case 'b':
			kinds = append(kinds, "boolean")
		case '0':
			kinds = append(kinds, "null")
		default:
			kinds = append(kinds, "object", "array")
		}
	}
	return kinds
}

// choice understands "this or null" and a list of one; nothing wider.
func (s *jsonShape) choice(list *tree, all bool, hops int) jsonType {
	var one *tree
	null := false
	for _, it := range list.items {
		switch {
		case !all && it.get("type").str() == "null":
			null = true
		case one != nil:
			return jsonType{why: "is a union of several types, which cannot be located"}
		default:
			one = it
		}
	}
	if one == nil {
		return jsonType{why: "is always null"}
	}
	out := s.describe(one, hops+1)
	out.nullable = out.nullable || null
	return out
}

// resolve follows a local reference, "#/$defs/subscriber". nil when it leads nowhere.
func (s *jsonShape) resolve(ref string) *tree {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	at := s.root
	for rest != "" {
		if rest, ok = strings.CutPrefix(rest, "/"); !ok {
			return nil
		}
		var name string
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, rest = rest[:i], rest[i:]
		} else {
			name, rest = rest, ""
		}
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		if at != nil && at.kind == '[' {
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at.items) {
				return nil
			}
			at = at.items[i]
			continue
		}
		at = at.get(name)
	}
	return at
}

func (j *jsonType) prop(name string) *tree {
	for i := range j.props {
		if j.props[i].key == name {
			return j.props[i].value
		}
	}
	return nil
}

func (j *jsonType) requires(name string) bool {
	if j.required != nil {
		for _, it := range j.required.items {
			if it.str() == name {
				return true
			}
		}
	}
	return false
}

func (s *jsonShape) lookup(path string) (Type, error) {
	at, nullable, walked := s.top, false, ""
	for rest := path; ; {
		name, more, deeper := strings.Cut(rest, ".")
		rest = more
		p := at.prop(name)
		if p == nil {
			return Type{}, notThere(path, s.paths())
		}
		walked = join(walked, name)
		next := s.describe(p, 0)
		if next.why != "" {
			return Type{}, &Invalid{path, walked + " " + next.why}
		}
		nullable = nullable || next.nullable || !at.requires(name)
		if at = next; !deeper {
			break
		}
	}
	if !at.scalar {
		return Type{}, &Invalid{path, "it is an object; name one of its fields"}
	}
	typ := at.typ
	typ.Nullable = nullable
	return typ, nil
}

// exists tells whether the path, or a beginning of it, stands in the schema in a form that cannot be located.
func (s *jsonShape) exists(path string) bool {
	at := s.top
	for rest := path; rest != ""; {
		name, more, _ := strings.Cut(rest, ".")
		rest = more
		p := at.prop(name)
		if p == nil {
			return false
		}
		if at = s.describe(p, 0); !at.object {
			return true
		}
	}
	return true
}

func (s *jsonShape) paths() []string {
	var out []string
	visited := 0
	var list func(j jsonType, path string, depth int)
	list = func(j jsonType, path string, depth int) {
		if depth > 8 {
			return // a schema that refers to itself has no end of paths; nobody names deeper ones
		}
		for _, m := range j.props {
			if visited++; visited > maxPaths {
				return
			}
			if m.key == "" || strings.Contains(m.key, ".") {
				continue // cannot be written as a path
			}
			switch p := s.describe(m.value, 0); {
			case p.object:
				list(p, join(path, m.key), depth+1)
			case p.scalar:
				out = append(out, join(path, m.key))
			}
		}
	}
	list(s.top, "", 0)
	return out
}

func (s *jsonShape) compile(l Layout) (*Reader, error) {
	root, fill, err := plan(l, s.lookup, s.exists)
	if err != nil {
		return nil, err
	}
	r := &jsonReader{slotFill: fill}
	r.root = r.node(root, "")
	return &Reader{impl: r}, nil
}

// node turns the wanted paths into the keys to look for, and numbers them.
func (r *jsonReader) node(w *wish, path string) *jsonNode {
	n := &jsonNode{}
	for _, c := range w.sub {
		k := jsonKey{name: []byte(c.name), path: join(path, c.name), slot: c.slot, bit: r.keys}
		r.keys++
		if len(c.sub) > 0 {
			k.sub = r.node(c, k.path)
		}
		n.keys = append(n.keys, k)
	}
	return n
}
