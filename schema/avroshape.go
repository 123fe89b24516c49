package schema

// This file finds paths in an Avro schema and lays out the walk that a reader takes.

import "strings"

type avroShape struct{ top *avroType }

// through takes a nullable union apart. ok is false for a union of several types.
func (t *avroType) through() (inner *avroType, nullable, ok bool) {
	if t.kind != avroUnion {
		return t, t.kind == avroNull, true
	}
	for _, p := range t.parts {
		switch {
		case p.kind == avroNull:
			nullable = true
		case inner != nil:
			return nil, false, false
		default:
			inner = p
		}
	}
	if inner == nil {
		inner = t.parts[0]
	}
	return inner, nullable, true
}

// scalar tells what the reader makes of a type; ok is false for what is no scalar.
func (t *avroType) scalar() (typ Type, ok bool) {
	switch t.kind {
	case avroBool:
		return Type{Kind: Bool}, true
	case avroInt:
		return Type{Kind: Int}, true
	case avroLong:
		if unit := timeUnit(t.logical); unit != 0 {
			return Type{Kind: Time}, true
		}
		if strings.HasPrefix(t.logical, "local-timestamp-") {
			return Type{Kind: Time, Zoneless: true}, true
		}
		return Type{Kind: Int}, true
	case avroFloat, avroDouble:
		return Type{Kind: Float}, true
	case avroString:
		return Type{Kind: String}, true
	case avroBytes, avroFixed:
		return Type{Kind: Bytes}, true
	case avroEnum:
		return Type{Kind: String, Symbols: append([]string(nil), t.symbols...)}, true
	}
	return Type{}, false
}

// timeUnit is how many units of a logical time make a millisecond; 0 for what is no instant.
func timeUnit(logical string) int64 {
	switch logical {
	case "timestamp-millis":
		return 1
	case "timestamp-micros":
		return 1e3
	case "timestamp-nanos":
		return 1e6
	}
	return 0
}

func (s *avroShape) lookup(path string) (Type, error) {
	at, nullable, walked := s.top, false, ""
	for rest := path; rest != ""; {
		name, more, _ := strings.Cut(rest, ".")
		rest = more
		field := at.field(name)
		if field == nil {
			return Type{}, notThere(path, s.paths())
		}
		walked = join(walked, name)
		inner, null, ok := field.through()
		switch {
		case !ok:
			return Type{}, &Invalid{path, walked + " is a union of several types, which cannot be located"}
		case inner.kind == avroArray:
			return Type{}, &Invalid{path, walked + " is an array, which cannot be located"}
		case inner.kind == avroMap:
			return Type{}, &Invalid{path, walked + " is a map, which cannot be located"}
		case inner.kind == avroNull:
			return Type{}, &Invalid{path, walked + " is always null"}
		}
		at, nullable = inner, nullable || null
	}
	typ, ok := at.scalar()
	if !ok {
		return Type{}, &Invalid{path, "it is a record; name one of its fields"}
	}
	typ.Nullable = nullable
	return typ, nil
}

func (t *avroType) field(name string) *avroType {
	for i := range t.fields {
		if t.fields[i].name == name {
			return t.fields[i].typ
		}
	}
	return nil
}

func (s *avroShape) paths() []string {
	var out []string
	onWay := map[*avroType]bool{}
	visited := 0 // fields looked at, since those that are listed may be few among very many
	var list func(t *avroType, path string, depth int)
	list = func(t *avroType, path string, depth int) {
		if onWay[t] || depth > maxDepth {
			return // a type inside itself: its paths have no end
		}
		onWay[t] = true
		defer delete(onWay, t)
		for _, f := range t.fields {
			if visited++; visited > maxPaths {
				return
			}
			inner, _, ok := f.typ.through()
			if !ok {
				continue
			}
			at := join(path, f.name)
			if inner.kind == avroRecord {
				list(inner, at, depth+1)
			} else if _, ok := inner.scalar(); ok {
				out = append(out, at)
			}
		}
	}
	list(s.top, "", 0)
	return out
}

// wish is a node of the tree that the wanted paths make.
type wish struct {
	name string
	slot int // -1 between
	sub  []*wish
}

func (w *wish) child(name string) *wish {
	for _, c := range w.sub {
		if c.name == name {
			return c
		}
	}
	return nil
}

// add plants a path and returns its slot, which is an earlier one when the layout names the path twice.
func (w *wish) add(path string, slot int) int {
	for rest := path; ; {
		name, more, deeper := strings.Cut(rest, ".")
		c := w.child(name)
		if c == nil {
			c = &wish{name: name, slot: -1}
			w.sub = append(w.sub, c)
		}
		if w, rest = c, more; !deeper {
			break
		}
	}
	if w.slot < 0 {
		w.slot = slot
	}
	return w.slot
}

// plan sorts a layout's paths into those that can be located, those that the schema does not have (Absent), and those
// that it has in another form (Other). It refuses when a required one is not to be located.
func plan(l Layout, lookup func(string) (Type, error), exists func(string) bool) (root *wish, fill slotFill, err error) {
	root = &wish{slot: -1}
	for i, path := range l.Paths {
		_, err := lookup(path)
		switch {
		case err == nil:
			if first := root.add(path, i); first != i {
				fill.copies = append(fill.copies, [2]int{i, first})
			}
		case i < len(l.Required) && l.Required[i]:
			return nil, slotFill{}, &LacksPath{path}
		case exists(path):
			fill.other = append(fill.other, i)
		}
	}
	fill.slots = len(l.Paths)
	return root, fill, nil
}

// slotFill is what a reader does to a record's slots beside locating.
type slotFill struct {
	slots  int
	other  []int    // slots that are always Other
	copies [][2]int // slots that repeat another: to, from
}

func (f *slotFill) begin(dst *Record) []Value {
	slots := dst.reset(f.slots)
	for _, i := range f.other {
		slots[i].Kind = Other
	}
	return slots
}

func (f *slotFill) end(slots []Value) {
	for _, c := range f.copies {
		slots[c[0]] = slots[c[1]]
	}
}

// exists tells whether the path, or a beginning of it, stands in the schema in a form that cannot be located.
func (s *avroShape) exists(path string) bool {
	at := s.top
	for rest := path; rest != ""; {
		name, more, _ := strings.Cut(rest, ".")
		rest = more
		f := at.field(name)
		if f == nil {
			return false
		}
		inner, _, ok := f.through()
		if !ok || inner.kind != avroRecord {
			return !ok || inner.kind != avroNull
		}
		at = inner
	}
	return true
}

func (s *avroShape) compile(l Layout) (*Reader, error) {
	root, fill, err := plan(l, s.lookup, s.exists)
	if err != nil {
		return nil, err
	}
	r := &avroReader{slotFill: fill}
	r.record(s.top, root, "", 1)
	return &Reader{impl: r}, nil
}

// record lays out the walk over one record that holds wanted fields.
func (r *avroReader) record(t *avroType, w *wish, path string, depth int) {
	for _, f := range t.fields {
		at := join(path, f.name)
		want := w.child(f.name)
		if want == nil {
			r.step(f.typ, at, depth)
			continue
		}
		inner, _, _ := f.typ.through()
		null := -1
		if f.typ.kind == avroUnion {
			op := avroOp{code: opNullable, n: int64(len(f.typ.parts)), null: -1, path: at}
			for i, p := range f.typ.parts {
				if p.kind == avroNull {
					op.null = int64(i)
				}
			}
			null = len(r.ops)
			r.ops = append(r.ops, op)
		}
		if inner.kind == avroRecord {
			r.record(inner, want, at, depth+1)
		} else {
			r.ops = append(r.ops, locate(inner, want.slot, at))
		}
		if null >= 0 {
			r.ops[null].jump = len(r.ops)
		}
	}
}

// step lays out the skipping of one field; runs of fixed size become one step where nothing jumps between them.
func (r *avroReader) step(t *avroType, path string, depth int) {
	if t.size == 0 {
		return
	}
	op := avroOp{code: opSkip, typ: t, depth: depth, path: path}
	if t.size > 0 {
		op.code, op.n = opFixed, t.size
		if last := len(r.ops) - 1; last >= 0 && r.ops[last].code == opFixed && !r.jumpsTo(len(r.ops)) {
			r.ops[last].n = min(r.ops[last].n+t.size, maxRun)
			return
		}
	}
	switch t.kind {
	case avroString, avroBytes:
		op.code = opSkipBytes
	case avroLong:
		op.code = opSkipLong
	}
	r.ops = append(r.ops, op)
}

const maxRun = 1 << 40 // longer than any record

func (r *avroReader) jumpsTo(pc int) bool {
	for i := range r.ops {
		if r.ops[i].code == opNullable && r.ops[i].jump == pc {
			return true
		}
	}
	return false
}

// locate is the step that fills a slot.
func locate(t *avroType, slot int, path string) avroOp {
	op := avroOp{slot: slot, path: path}
	switch t.kind {
	case avroBool:
		op.code = opBool
	case avroInt:
		op.code = opInt
	case avroLong:
		op.code = opLong
		if typ, _ := t.scalar(); typ.Zoneless {
			op.code = opZoneless
		} else if typ.Kind == Time {
			op.code, op.n = opTime, timeUnit(t.logical)
		}
	case avroFloat:
		op.code = opFloat
	case avroDouble:
		op.code = opDouble
	case avroBytes:
		op.code = opBytes
	case avroString:
		op.code = opString
	case avroFixed:
		op.code, op.n = opFixedBytes, t.size
	case avroEnum:
		op.code = opEnum
		for _, s := range t.symbols {
			op.symbols = append(op.symbols, []byte(s))
		}
	}
	return op
}
