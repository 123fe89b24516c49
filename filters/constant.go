package filters

// constant writes the same value into every record. It reads nothing of the event.

import (
	"github.com/consentry/consentry/schema"
)

func buildConstant(a *Args) (*Built, *Refusal) {
	for _, kind := range []schema.Kind{schema.String, schema.Int, schema.Bool} {
		if v, ok := valueOf(a.Value, kind); ok {
			b := &Built{Filter: constant{v}, Kind: kind, Doc: "always " + show(v), How: "constant " + show(v), Leaves: Closed, Distinct: 1}
			if kind == schema.String {
				b.Values = []string{show(v)}
			}
			return b, nil
		}
	}
	return nil, refuse("", "constant takes a text, an integer, true or false")
}

type constant struct{ value schema.Value }

func (c constant) Apply(dst *schema.Value, _ []schema.Value, _ *Event) Outcome {
	*dst = c.value
	return Filled
}
