package policy

// One output field: which filter, what it may read, and what schema and listing say of it. Nothing feeds a field that is
// not allowed here.

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// fields compiles the fields of one stream.
type fields struct {
	*compiler
	stream *StreamSpec
	source *source
	into   *Source
	prog   *Program
	linked bool // pseudonymous; else the profile was refused already
}

// later lists the filters that the configuration contract knows and this version does not have.
var later = []string{"h3", "geohash", "truncate_ip", "user_agent", "age_band", "zip3"}

func (f *fields) add(spec *FieldSpec) {
	name := spec.Name.Value
	out := name
	if f.stream.Format.Value == "avro" {
		out = avroName(name)
		if out != "" && out[0] >= '0' && out[0] <= '9' {
			f.refuse(spec.Name.Pos, "Avro has no field names that begin with a digit: rename %q", name)
		}
	}
	for i := range f.prog.Fields {
		if before := &f.prog.Fields[i]; before.Name == name {
			f.refuse(spec.Name.Pos, "field %q is there twice", name)
		} else if f.prog.Output.Fields[i].Name == out {
			f.refuse(spec.Name.Pos, "fields %q and %q are both %q in Avro: rename one", before.Name, name, out)
		}
	}
	field, built := f.build(spec)
	if built == nil {
		// Its name still counts against a second field of that name.
		built = &filters.Built{}
	}
	field.Name, field.How, field.Type, field.Bits = name, built.How, typeName(built.Kind), math.Log2(built.Distinct)
	field.Filter, field.Leaves = built.Filter, built.Leaves
	f.prog.Fields = append(f.prog.Fields, field)
	f.prog.Output.Fields = append(f.prog.Output.Fields, schema.OutField{Name: out, Kind: built.Kind, Doc: built.Doc, Values: built.Values})
}

// build finds the filter, checks what it reads and builds it; nil after a refusal.
func (f *fields) build(spec *FieldSpec) (Field, *filters.Built) {
	own, def := f.filterOf(spec)
	if def == nil {
		return Field{}, nil
	}
	a := &filters.Args{
		Value: arg(own.Value), Partner: f.prog.Partner, Topic: f.prog.Topic,
		Period: f.prog.PeriodMS, Floor: f.floor(), Reads: f.readsOf(own, def), Read: f.read,
	}
	if h := f.in.House; h != nil {
		a.Topics, a.Scanner = h.Topics, h.Scanner
	}
	clean := f.scanLists(spec)
	ok := f.options(spec, def, a) && (clean || f.in.House == nil) // no other message may repeat an identifier
	if paths, good := f.inputs(own, def); !good {
		ok = false
	} else if !f.ownInput(own, def) || !f.types(own, paths, a) {
		ok = false
	}
	if !ok || def.Input == filters.Subject && !f.subject(own) {
		return Field{}, nil
	}
	if f.in.House == nil && a.Reads != filters.NoneOfThem {
		return Field{}, nil // what it would be looked up in is not there, which was reported
	}
	built, no := def.Build(a)
	if no != nil {
		f.refuse(place(spec, own, no), "field %s: %s", spec.Name.Value, no.Message)
		return Field{}, nil
	}
	if def.Name == "text" {
		f.refuse(own.Key.Pos, "field %s: what people typed leaves only behind a crowd of those who typed the same, which this version does not hold back yet: use topic", spec.Name.Value)
	}
	f.reads(spec, own, def)
	if clean {
		f.scanValues(spec, own, built)
	}
	if built.Leaves == filters.Open {
		f.prog.Scanned = append(f.prog.Scanned, len(f.prog.Fields))
	}
	field := Field{From: a.Paths, Place: def.Input == filters.Position}
	for _, path := range a.Paths {
		field.Slots = append(field.Slots, f.into.slot(path, false))
	}
	return field, built
}

// filterOf finds the one key that names a filter.
func (f *fields) filterOf(spec *FieldSpec) (*Entry, *filters.Definition) {
	var own *Entry
	var def *filters.Definition
	for i := range spec.Entries {
		d, is := filters.Lookup(spec.Entries[i].Key.Value)
		switch {
		case !is:
		case def != nil:
			f.refuse(spec.Entries[i].Key.Pos, "field %s has two filters, %s and %s: a field has one", spec.Name.Value, def.Name, d.Name)
			return nil, nil
		default:
			own, def = &spec.Entries[i], d
		}
	}
	if def != nil {
		return own, def
	}
	pos, key := cmp.Or(spec.Pos, spec.Name.Pos), ""
	if len(spec.Entries) > 0 {
		pos, key = spec.Entries[0].Key.Pos, spec.Entries[0].Key.Value
	}
	var names []string
	for i := range filters.Table {
		names = append(names, filters.Table[i].Name)
	}
	list := strings.Join(names, ", ")
	switch {
	case key == "":
		f.refuse(pos, "field %s names no filter: say what leaves with one of %s", spec.Name.Value, list)
	case slices.Contains(later, key):
		f.refuse(pos, "field %s: this version does not have the filter %s yet: use one of %s", spec.Name.Value, key, list)
	default:
		f.refuse(pos, "field %s: there is no filter %q%s; the filters are %s", spec.Name.Value, key, DidYouMean(Nearest(key, names)), list)
	}
	return nil, nil
}

func (f *fields) options(spec *FieldSpec, def *filters.Definition, a *filters.Args) bool {
	ok := true
	seen := map[string]bool{}
	for _, e := range spec.Entries {
		key := e.Key.Value
		if key == def.Name {
			continue
		}
		switch {
		case seen[key]:
			f.refuse(e.Key.Pos, "field %s says %s twice", spec.Name.Value, key)
			ok = false
		case slices.Contains(def.Options, key):
			a.Options = append(a.Options, filters.NamedArg{Name: key, Arg: arg(e.Value)})
		case def.Name == "bucket" && key == "else":
			f.refuse(e.Key.Pos, "field %s: every number falls into a bucket, so `else` has nothing to match; what is no number withholds the event", spec.Name.Value)
			ok = false
		case len(def.Options) == 0:
			f.refuse(e.Key.Pos, "field %s: %s takes no options, and %q is one", spec.Name.Value, def.Name, key)
			ok = false
		default:
			f.refuse(e.Key.Pos, "field %s: %s knows no option %q%s; it takes %s", spec.Name.Value, def.Name, key, DidYouMean(Nearest(key, def.Options)), strings.Join(def.Options, ", "))
			ok = false
		}
		seen[key] = true
	}
	return ok
}

// inputs gives the paths that a filter reads, after checking that it may.
func (f *fields) inputs(own *Entry, def *filters.Definition) ([]string, bool) {
	src, v := f.source.spec, own.Value
	if def.Input == filters.Nothing {
		return nil, true
	}
	if v.Kind != ScalarString || v.Str == "" {
		f.refuse(cmp.Or(v.Pos, own.Key.Pos), "%s takes the name of a field, e.g. `%s`", def.Name, example(def))
		return nil, false
	}
	switch def.Input {
	case filters.Position:
		if v.Str != "position" {
			f.refuse(v.Pos, "%s reads the source's position and nothing else: write `%s: position`", def.Name, def.Name)
			return nil, false
		}
		if src.Position == nil {
			f.refuse(v.Pos, "source %s names no position: add `position: {lat: ..., lon: ...}` to its file", src.Name.Value)
			return nil, false
		}
		return []string{src.Position.Lat.Value, src.Position.Lon.Value}, true
	case filters.Subject:
		if v.Str != src.SubjectField.Value {
			f.refuse(v.Pos, "a pseudonym is made of the source's subject, %s, and of nothing else", src.SubjectField.Value)
			return nil, false
		}
		return []string{v.Str}, true
	}
	if v.Str == src.Time.Field.Value && def.Name != "round_down" {
		f.refuse(v.Pos, "%s may not feed %s: it is the time of the event, which feeds only round_down", v.Str, def.Name)
		return nil, false
	}
	if why := f.forbidden(v.Str); why != "" {
		f.refuse(v.Pos, "%s may not feed %s: %s", v.Str, def.Name, why)
		return nil, false
	}
	return []string{v.Str}, true
}

// forbidden says why no ordinary filter may read a path, "" if one may. A record above or a field below a forbidden
// path is as forbidden.
func (f *fields) forbidden(path string) string {
	src := f.source.spec
	touches := func(t Text) bool {
		return t.Value != "" && (t.Value == path || strings.HasPrefix(t.Value, path+".") || strings.HasPrefix(path, t.Value+"."))
	}
	if p := src.Position; p != nil {
		if path == "position" || touches(p.Lat) || touches(p.Lon) || touches(p.Accuracy) {
			return "it belongs to the source's position, which feeds only s2; write `s2: position`"
		}
	}
	switch {
	case touches(src.SubjectField):
		return fmt.Sprintf("it is the source's subject, which feeds only a pseudonym; write `pseudonym: %s`", src.SubjectField.Value)
	case src.Account.Value != "same_as_subject" && touches(src.Account):
		return "it is the source's account, which feeds no field: it names a household"
	}
	for _, id := range src.Identifiers {
		if touches(id) {
			return "it is among the source's identifiers, which feed no field"
		}
	}
	return ""
}

// types looks the inputs up in the schema.
func (f *fields) types(own *Entry, paths []string, a *filters.Args) bool {
	for _, path := range paths {
		if f.source.shape == nil {
			return false
		}
		t, err := f.source.shape.Lookup(path)
		if err != nil {
			// A path that the source's file names was reported there.
			if !slices.ContainsFunc(f.source.named, func(n Text) bool { return n.Value == path }) {
				f.refuse(own.Value.Pos, "source %s: %s: %s", f.source.spec.Name.Value, path, reason(err))
			}
			return false
		}
		if t.Mixed {
			f.refuse(own.Value.Pos, "%s is of more than one type, so no filter can know what it says", path)
			return false
		}
		if path == f.source.spec.Time.Field.Value {
			a.Unit = filters.Unit(f.source.spec.Time.Unit.Value)
			a.SpanMS = f.into.PastMS + f.into.FutureMS
		}
		a.Paths, a.Types = append(a.Paths, path), append(a.Types, t)
	}
	return true
}

// subject keeps one pseudonym a stream: it is the record's key.
func (f *fields) subject(own *Entry) bool {
	if !f.linked || f.prog.PeriodMS <= 0 {
		return false // the profile was refused
	}
	if f.prog.KeyField >= 0 {
		f.refuse(own.Key.Pos, "a stream has one pseudonym, which is the key of its records, and field %s is it: remove this one", f.prog.Fields[f.prog.KeyField].Name)
		return false
	}
	f.prog.KeyField = len(f.prog.Fields)
	return true
}

// floor is the shortest period that this stream may tell.
func (f *fields) floor() filters.Floor {
	if slices.Contains(f.prog.Needs, "location") {
		return filters.Floor{MS: 3_600_000, Why: "1h in a stream whose categories include location"}
	}
	return filters.Floor{MS: 900_000, Why: "15m"}
}

// place finds where the value stands that a refusal is about.
func place(spec *FieldSpec, own *Entry, no *filters.Refusal) Pos {
	for _, e := range spec.Entries {
		if e.Key.Value != no.Option || no.Option == "" {
			continue
		}
		if no.Index >= 0 && no.Index < len(e.Value.List) {
			return e.Value.List[no.Index].Pos
		}
		return cmp.Or(e.Value.Pos, e.Key.Pos)
	}
	return own.Key.Pos
}

func example(def *filters.Definition) string {
	switch def.Input {
	case filters.Position:
		return def.Name + ": position"
	case filters.Subject:
		return def.Name + ": subscriber.msisdn"
	}
	return def.Name + ": device.os"
}

func typeName(k schema.Kind) string {
	switch k {
	case schema.Bool:
		return "boolean"
	case schema.Int:
		return "integer"
	case schema.Time:
		return "time"
	}
	return "string"
}
