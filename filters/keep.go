package filters

// keep passes a value of a closed list on as it is: a boolean, an enum, a listed value, or an integer between two
// bounds. Never a float or a free string: those can hold anything, and so anybody.

import (
	"fmt"
	"strings"

	"github.com/consentry/consentry/schema"
)

// maxKept bounds the closed list of one kept field.
const maxKept = 64

func buildKeep(a *Args) (*Built, *Refusal) {
	in, path := a.Types[0], a.Paths[0]
	oneof, hasList := a.Option("oneof")
	between, hasBounds := a.Option("between")
	switch in.Kind {
	case schema.Float:
		return nil, refuse("", fmt.Sprintf("%s is a floating-point number, which is never kept: use bucket, or s2 for a position", path))
	case schema.Time:
		return nil, refuse("", fmt.Sprintf("%s is a time, which is never kept: use round_down", path))
	case schema.Bytes:
		return nil, refuse("", fmt.Sprintf("%s is bytes, which are never kept: nothing is known about what they hold", path))
	case schema.String:
		if !hasList && in.Symbols == nil {
			return nil, refuse("", fmt.Sprintf("%s is a free string, which is never kept: name the values that may leave with `oneof: [...]`, or use map or domain", path))
		}
	case schema.Int:
		if !hasList && !hasBounds {
			return nil, refuse("", fmt.Sprintf("%s is an integer without bounds, which is never kept: add `between: [lo, hi]` or `oneof: [...]` with at most %d values, or use bucket", path, maxKept))
		}
	case schema.Bool:
	default:
		return nil, refuse("", fmt.Sprintf("%s is %s, which cannot be kept", path, kindName(in.Kind)))
	}
	if hasBounds && in.Kind != schema.Int {
		return nil, refuse("between", fmt.Sprintf("between is for integers, and %s is %s", path, kindName(in.Kind)))
	}
	if hasList && hasBounds {
		return nil, refuse("between", "say either oneof or between, not both")
	}
	rest, no := withList(a, "keep", in.Kind)
	if no != nil {
		return nil, no
	}
	if in.Kind == schema.Bool && !hasList && rest.ifOutside {
		return nil, refuse("else", "a boolean is true or false: nothing is left for `else`")
	}
	if hasBounds {
		return buildBetween(between, rest)
	}
	list, no := keptList(in, path, oneof, hasList)
	if no != nil {
		return nil, no
	}
	values, n := rest.distinct(list)
	if len(values) > maxKept {
		return nil, refuse("oneof", fmt.Sprintf("%d values are too many: a kept field has at most %d, else and missing included; use map to name groups of them", len(values), maxKept))
	}
	how := "kept"
	if hasList {
		how += " if one of " + join(list)
	}
	return &Built{
		Filter: &keep{list, rest}, Kind: in.Kind, Values: texts(in.Kind, values),
		Doc: "one of " + join(values), How: how + rest.how(), Leaves: Closed, Distinct: n,
	}, nil
}

// keptList is the closed list of a keep without bounds.
func keptList(in schema.Type, path string, oneof Arg, given bool) ([]schema.Value, *Refusal) {
	if !given {
		if in.Kind == schema.Bool {
			return []schema.Value{schema.BoolValue(false), schema.BoolValue(true)}, nil
		}
		var list []schema.Value
		for _, s := range in.Symbols {
			list = append(list, schema.StringValue([]byte(s)))
		}
		if len(list) > maxKept {
			return nil, refuse("", fmt.Sprintf("%s has %d symbols, and a kept field has at most %d values: name those that may leave with `oneof: [...]`", path, len(list), maxKept))
		}
		return list, nil
	}
	if oneof.Kind != ArgList || len(oneof.List) == 0 {
		return nil, refuse("oneof", "oneof takes a list of the values that may leave, e.g. `oneof: [android, ios]`")
	}
	var list []schema.Value
	for i, arg := range oneof.List {
		v, ok := valueOf(arg, in.Kind)
		switch {
		case !ok && in.Kind == schema.String && arg.Kind != ArgString:
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%s can never match: %s is a string; write it in quotes", arg.Text, path)}
		case !ok:
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q can never match: %s is %s", arg.Text, path, kindName(in.Kind))}
		case in.Symbols != nil && in.Kind == schema.String && !contains(in.Symbols, arg.Text):
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q can never match: %s is one of %s", arg.Text, path, strings.Join(in.Symbols, ", "))}
		case holds(list, v):
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q is listed twice", arg.Text)}
		}
		list = append(list, v)
	}
	return list, nil
}

// Between lists the integers that the bounds of `between` let through; none where they are no bounds, or too far apart.
func Between(arg Arg) []int64 {
	if arg.Kind != ArgList || len(arg.List) != 2 || arg.List[0].Kind != ArgInt || arg.List[1].Kind != ArgInt {
		return nil
	}
	lo, hi := arg.List[0].Int, arg.List[1].Int
	// The difference as unsigned cannot overflow, whatever the bounds.
	if lo > hi || uint64(hi)-uint64(lo) >= maxKept {
		return nil
	}
	list := []int64{lo}
	for n := lo; n < hi; {
		n++
		list = append(list, n)
	}
	return list
}

func buildBetween(arg Arg, rest fallback) (*Built, *Refusal) {
	if arg.Kind != ArgList || len(arg.List) != 2 || arg.List[0].Kind != ArgInt || arg.List[1].Kind != ArgInt {
		return nil, refuse("between", "between takes two integers, both included, e.g. `between: [0, 5]`")
	}
	lo, hi := arg.List[0].Int, arg.List[1].Int
	if lo > hi {
		return nil, refuse("between", fmt.Sprintf("no integer lies between %d and %d: write the smaller first", lo, hi))
	}
	var list []schema.Value
	for _, n := range Between(arg) {
		list = append(list, schema.IntValue(n))
	}
	if list == nil {
		return nil, refuse("between", fmt.Sprintf("%d to %d are more than %d values: use bucket", lo, hi, maxKept))
	}
	values, n := rest.distinct(list)
	if len(values) > maxKept {
		return nil, refuse("between", fmt.Sprintf("%d values are too many: a kept field has at most %d, else and missing included", len(values), maxKept))
	}
	return &Built{
		Filter: &keepBetween{lo, hi, rest}, Kind: schema.Int, Doc: fmt.Sprintf("an integer from %d to %d", lo, hi) + rest.how(),
		How: fmt.Sprintf("kept if between %d and %d", lo, hi) + rest.how(), Leaves: Closed, Distinct: n,
	}, nil
}

// keep looks a value up among at most 64: a walk is as fast as anything.
type keep struct {
	list []schema.Value
	rest fallback
}

func (k *keep) Apply(dst *schema.Value, in []schema.Value, _ *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return k.rest.onMissing(dst)
	}
	if v.Kind != k.list[0].Kind {
		return Refused
	}
	for i := range k.list {
		w := &k.list[i]
		if v.Num == w.Num && string(v.Raw) == string(w.Raw) {
			*dst = *w
			return Filled
		}
	}
	return k.rest.onOutside(dst)
}

type keepBetween struct {
	lo, hi int64
	rest   fallback
}

func (k *keepBetween) Apply(dst *schema.Value, in []schema.Value, _ *Event) Outcome {
	v := &in[0]
	switch {
	case v.Kind == schema.Absent:
		return k.rest.onMissing(dst)
	case v.Kind != schema.Int:
		return Refused
	case v.Num < k.lo || v.Num > k.hi:
		return k.rest.onOutside(dst)
	}
	*dst = schema.IntValue(v.Num)
	return Filled
}

func join(values []schema.Value) string {
	var s []string
	for _, v := range values {
		s = append(s, show(v))
	}
	return strings.Join(s, ", ")
}

func contains(list []string, s string) bool {
	for _, t := range list {
		if s == t {
			return true
		}
	}
	return false
}
