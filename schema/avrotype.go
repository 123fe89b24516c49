package schema

// This file turns the text of an Avro schema into a graph of types. Names resolve as the Avro 1.11 specification says:
// a name without a dot belongs to the namespace around it. goavro checks the text as a whole beside us.

import (
	"math"
	"strconv"
	"strings"

	"github.com/linkedin/goavro/v2"
)

type avroKind uint8

const (
	avroNull avroKind = iota
	avroBool
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroFixed
	avroEnum
	avroArray
	avroMap
	avroUnion
	avroRecord
)

var avroPrimitives = map[string]avroKind{
	"null": avroNull, "boolean": avroBool, "int": avroInt, "long": avroLong, "float": avroFloat, "double": avroDouble,
	"bytes": avroBytes, "string": avroString,
}

// avroType is one type. Named types are shared, and may hold themselves.
type avroType struct {
	kind    avroKind
	name    string // full name of a record, enum or fixed
	logical string
	symbols []string
	fields  []avroField
	parts   []*avroType // of a union
	item    *avroType   // of an array or map
	// size is the number of bytes every value has, for any contents, or -1 when it varies. A boolean varies: its byte
	// has to be looked at.
	size  int64
	sized bool // size is known, or being worked out
	// skip is the walk over one record without decoding: runs of fixed-size fields are one step. Records only.
	skip []*avroType
}

type avroField struct {
	name string
	typ  *avroType
}

// ErrNoRecord is ParseAvro's refusal of a valid schema of something else than a record: it has no paths at all.
var ErrNoRecord error = &Invalid{"", "the top is not a record"}

// ParseAvro reads an Avro schema whose top is a record. The error is an *Invalid.
func ParseAvro(text []byte) (*Shape, error) {
	t, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	p := avroParser{names: map[string]*avroType{}}
	top, err := p.parse(t, "", "", 0)
	if err != nil {
		return nil, err
	}
	if top.kind != avroRecord {
		return nil, ErrNoRecord
	}
	if !goavroAccepts(string(text)) {
		return nil, &Invalid{"", "the text is not a valid Avro schema (a default of the wrong type, a bad name or a key missing)"}
	}
	top.measure()
	for _, n := range p.names {
		n.measure()
		n.planSkip()
	}
	return &Shape{impl: &avroShape{top: top}}, nil
}

// goavroAccepts asks goavro whether the text is a valid schema. goavro panics on some invalid ones, and its errors quote.
func goavroAccepts(text string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := goavro.NewCodec(text)
	return err == nil
}

type avroParser struct {
	names map[string]*avroType
}

func (p *avroParser) parse(t *tree, space, path string, depth int) (*avroType, error) {
	if depth > maxSchemaDepth {
		return nil, &Invalid{path, "the types are nested too deeply"}
	}
	if t == nil {
		return nil, &Invalid{path, "the type is missing"}
	}
	switch t.kind {
	case 's':
		return p.named(t.text, space, path)
	case '[':
		return p.union(t, space, path, depth)
	case '{':
	default:
		return nil, &Invalid{path, "a type is a name, a list or an object"}
	}
	inner := t.get("type")
	if inner == nil || inner.kind != 's' {
		return p.parse(inner, space, path, depth+1)
	}
	switch inner.text {
	case "record", "error":
		return p.record(t, space, path, depth)
	case "enum":
		return p.enum(t, space, path)
	case "fixed":
		return p.fixed(t, space, path)
	case "array", "map":
		key, kind := "items", avroArray
		if inner.text == "map" {
			key, kind = "values", avroMap
		}
		item, err := p.parse(t.get(key), space, path, depth+1)
		if err != nil {
			return nil, err
		}
		return &avroType{kind: kind, item: item}, nil
	}
	base, err := p.named(inner.text, space, path)
	if err != nil {
		return nil, err
	}
	if l := t.get("logicalType").str(); l != "" && base.name == "" {
		return &avroType{kind: base.kind, logical: l}, nil
	}
	return base, nil
}

func (p *avroParser) named(name, space, path string) (*avroType, error) {
	if k, ok := avroPrimitives[name]; ok {
		return &avroType{kind: k}, nil
	}
	if !strings.Contains(name, ".") && space != "" {
		if t := p.names[space+"."+name]; t != nil {
			return t, nil
		}
	}
	if t := p.names[name]; t != nil {
		return t, nil
	}
	return nil, &Invalid{path, "the type " + strconv.Quote(name) + " is not defined before it is used"}
}

func (p *avroParser) union(t *tree, space, path string, depth int) (*avroType, error) {
	u := &avroType{kind: avroUnion}
	if len(t.items) == 0 {
		return nil, &Invalid{path, "a union needs at least one type"}
	}
	for _, it := range t.items {
		part, err := p.parse(it, space, path, depth+1)
		if err != nil {
			return nil, err
		}
		if part.kind == avroUnion {
			return nil, &Invalid{path, "a union may not hold a union"}
		}
		u.parts = append(u.parts, part)
	}
	return u, nil
}

// define makes a named type known before its contents are read, so that it can hold itself.
func (p *avroParser) define(t *tree, kind avroKind, space, path string) (*avroType, string, error) {
	name := t.get("name").str()
	if name == "" {
		return nil, "", &Invalid{path, "a record, enum or fixed needs a name"}
	}
	if !strings.Contains(name, ".") {
		if own := t.get("namespace"); own != nil {
			space = own.str()
		}
		if space != "" {
			name = space + "." + name
		}
	}
	space = ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space = name[:i]
	}
	if p.names[name] != nil {
		return nil, "", &Invalid{path, "the name " + name + " is defined twice"}
	}
	typ := &avroType{kind: kind, name: name, logical: t.get("logicalType").str()}
	p.names[name] = typ
	return typ, space, nil
}

func (p *avroParser) record(t *tree, space, path string, depth int) (*avroType, error) {
	r, space, err := p.define(t, avroRecord, space, path)
	if err != nil {
		return nil, err
	}
	list := t.get("fields")
	if list == nil || list.kind != '[' {
		return nil, &Invalid{path, "a record needs a list of fields"}
	}
	seen := map[string]bool{}
	for _, f := range list.items {
		name := f.get("name").str()
		if name == "" || strings.Contains(name, ".") {
			return nil, &Invalid{path, "a field needs a name without a dot"}
		}
		at := join(path, name)
		if seen[name] {
			return nil, &Invalid{at, "the field stands twice in its record"}
		}
		seen[name] = true
		// The field's own object is not a type: a logicalType beside its name, not inside its type, says nothing.
		typ, err := p.parse(f.get("type"), space, at, depth+1)
		if err != nil {
			return nil, err
		}
		r.fields = append(r.fields, avroField{name, typ})
	}
	return r, nil
}

func (p *avroParser) enum(t *tree, space, path string) (*avroType, error) {
	e, _, err := p.define(t, avroEnum, space, path)
	if err != nil {
		return nil, err
	}
	list := t.get("symbols")
	if list == nil || len(list.items) == 0 {
		return nil, &Invalid{path, "an enum needs a list of symbols"}
	}
	for _, s := range list.items {
		if s.str() == "" {
			return nil, &Invalid{path, "a symbol of an enum is a string"}
		}
		e.symbols = append(e.symbols, s.text)
	}
	return e, nil
}

func (p *avroParser) fixed(t *tree, space, path string) (*avroType, error) {
	f, _, err := p.define(t, avroFixed, space, path)
	if err != nil {
		return nil, err
	}
	size := t.get("size")
	if size == nil || size.kind != 'n' {
		return nil, &Invalid{path, "a fixed needs a size"}
	}
	n, err := strconv.ParseInt(size.text, 10, 32)
	if err != nil || n < 0 {
		return nil, &Invalid{path, "the size of a fixed is a whole number below 2^31"}
	}
	f.size = n
	return f, nil
}

// measure works out the size of every value of t. A record that holds itself varies.
func (t *avroType) measure() int64 {
	if t.sized {
		return t.size
	}
	t.sized = true
	switch t.kind {
	case avroNull:
		t.size = 0
	case avroFloat:
		t.size = 4
	case avroDouble:
		t.size = 8
	case avroFixed:
	case avroRecord:
		t.size = -1 // what a record that holds itself finds here
		sum := int64(0)
		for _, f := range t.fields {
			n := f.typ.measure()
			switch {
			case n < 0:
				sum = -1
			case sum >= 0 && n > math.MaxInt64/4-sum:
				sum = math.MaxInt64 / 4 // more than any record has: reading it is "truncated"
			case sum >= 0:
				sum += n
			}
		}
		t.size = sum
	default:
		t.size = -1
		for _, part := range t.parts {
			part.measure()
		}
		if t.item != nil {
			t.item.measure()
		}
	}
	return t.size
}

// planSkip lists what to step over for one record, with runs of fixed-size fields joined.
func (t *avroType) planSkip() {
	var run *avroType
	for _, f := range t.fields {
		switch n := f.typ.size; {
		case n < 0:
			t.skip, run = append(t.skip, f.typ), nil
		case n == 0:
		case run == nil:
			run = &avroType{kind: avroFixed, size: n, sized: true}
			t.skip = append(t.skip, run)
		default:
			run.size = min(run.size+n, math.MaxInt64/4)
		}
	}
}
