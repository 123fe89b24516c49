package filters

// What `missing:` and `else:` say: what an absent value, and one outside the closed list, become.

import (
	"fmt"
	"strconv"

	"github.com/consentry/consentry/schema"
)

// fallback holds both answers. The zero fallback withholds in both cases.
type fallback struct {
	ifMissing, ifOutside bool
	missing, outside     schema.Value // an Absent missing is a released null
}

func (f *fallback) onMissing(dst *schema.Value) Outcome {
	if !f.ifMissing {
		return Missing
	}
	*dst = f.missing
	return Filled
}

func (f *fallback) onOutside(dst *schema.Value) Outcome {
	if !f.ifOutside {
		return Refused
	}
	*dst = f.outside
	return Filled
}

// extras are the values beside the closed list, in the order else, missing; null says whether null is one.
func (f *fallback) extras() (values []schema.Value, null bool) {
	if f.ifOutside {
		values = append(values, f.outside)
	}
	if f.ifMissing && f.missing.Kind != schema.Absent {
		values = append(values, f.missing)
	}
	return values, f.ifMissing && f.missing.Kind == schema.Absent
}

// how is what a listing adds about both.
func (f *fallback) how() string {
	s := ""
	if f.ifOutside {
		s += ", else " + show(f.outside)
	}
	if f.ifMissing {
		s += ", missing becomes " + show(f.missing)
	}
	return s
}

// onlyNull reads `missing:` of a filter without a closed list.
func onlyNull(a *Args, name string) (fallback, *Refusal) {
	arg, given := a.Option("missing")
	if !given {
		return fallback{}, nil
	}
	if arg.Kind != ArgNull {
		return fallback{}, refuse("missing", name+" has no closed list that a value could extend: write `missing: null`, or leave it out to withhold")
	}
	return fallback{ifMissing: true}, nil
}

// withList reads `missing:` and `else:` of a filter whose closed list has values of this kind.
func withList(a *Args, name string, kind schema.Kind) (fallback, *Refusal) {
	var f fallback
	if arg, given := a.Option("missing"); given {
		if arg.Kind == ArgString && arg.Text == "withhold" {
			return f, refuse("missing", "an absent value is withheld anyway: leave `missing` out, or say null or a value")
		}
		f.ifMissing = true
		if arg.Kind != ArgNull {
			v, ok := valueOf(arg, kind)
			if !ok {
				return f, refuse("missing", fmt.Sprintf("%s gives %s: `missing` takes null or a value of that type", name, kindName(kind)))
			}
			f.missing = v
		}
	}
	if arg, given := a.Option("else"); given && !withholds(arg) {
		v, ok := valueOf(arg, kind)
		if !ok {
			return f, refuse("else", fmt.Sprintf("%s gives %s: `else` takes `withhold` or a value of that type", name, kindName(kind)))
		}
		f.ifOutside, f.outside = true, v
	}
	return f, nil
}

// withholds tells whether an `else` only says aloud what happens anyway.
func withholds(a Arg) bool { return a.Kind == ArgString && a.Text == "withhold" }

// valueOf reads a scalar as a value of kind. Texts must not be empty: an empty text and null look alike to a reader.
func valueOf(a Arg, kind schema.Kind) (schema.Value, bool) {
	switch {
	case kind == schema.String && a.Kind == ArgString && a.Text != "":
		return schema.StringValue([]byte(a.Text)), true
	case kind == schema.Int && a.Kind == ArgInt:
		return schema.IntValue(a.Int), true
	case kind == schema.Bool && a.Kind == ArgBool:
		return schema.BoolValue(a.Bool), true
	}
	return schema.Value{}, false
}

// show writes a value of a policy for a listing.
func show(v schema.Value) string {
	switch v.Kind {
	case schema.String:
		return string(v.Raw)
	case schema.Int:
		return strconv.FormatInt(v.Num, 10)
	case schema.Bool:
		return strconv.FormatBool(v.Num != 0)
	}
	return "null"
}

func kindName(k schema.Kind) string {
	switch k {
	case schema.String:
		return "a string"
	case schema.Int:
		return "an integer"
	case schema.Bool:
		return "a boolean"
	case schema.Float:
		return "a floating-point number"
	case schema.Time:
		return "a time"
	case schema.Bytes:
		return "bytes"
	}
	return "nothing that can be released"
}

// distinct counts the different values of list, else and missing, null included.
func (f *fallback) distinct(list []schema.Value) (values []schema.Value, n float64) {
	extra, null := f.extras()
	for _, v := range append(append([]schema.Value(nil), list...), extra...) {
		if !holds(values, v) {
			values = append(values, v)
		}
	}
	n = float64(len(values))
	if null {
		n++
	}
	return values, n
}

func holds(list []schema.Value, v schema.Value) bool {
	for _, w := range list {
		if w.Kind == v.Kind && w.Num == v.Num && string(w.Raw) == string(v.Raw) {
			return true
		}
	}
	return false
}

// texts are the values of a String list, nil for other kinds: the output schema names only those.
func texts(kind schema.Kind, values []schema.Value) []string {
	if kind != schema.String {
		return nil
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v.Raw)
	}
	return out
}
