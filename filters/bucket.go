package filters

// bucket says between which two edges a number lies, and nothing else of it.

import (
	"fmt"
	"math"
	"strconv"

	"github.com/consentry/consentry/schema"
)

// maxEdge is 2^53: up to here every integer is exact as a float64, so an integer is never put on the wrong side.
const maxEdge = 1 << 53

func buildBucket(a *Args) (*Built, *Refusal) {
	if k := a.Types[0].Kind; k != schema.Int && k != schema.Float {
		return nil, refuse("", fmt.Sprintf("%s is %s, and bucket takes a number", a.Paths[0], kindName(k)))
	}
	arg, given := a.Option("edges")
	if !given || arg.Kind != ArgList || len(arg.List) == 0 {
		return nil, refuse("edges", "bucket needs a list of numbers in rising order, e.g. `edges: [60, 600, 3600]`")
	}
	b := &bucket{}
	var names []string
	for i, e := range arg.List {
		var edge float64
		switch e.Kind {
		case ArgInt:
			edge = float64(e.Int)
		case ArgFloat:
			edge = e.Float
		default:
			return nil, &Refusal{"edges", i, fmt.Sprintf("%q is not a number", e.Text)}
		}
		if !(math.Abs(edge) <= maxEdge) {
			return nil, &Refusal{"edges", i, "an edge lies between -2^53 and 2^53"}
		}
		if i > 0 && edge <= b.edges[i-1] {
			return nil, &Refusal{"edges", i, fmt.Sprintf("%s does not lie above the edge before it: write the edges in rising order", number(edge))}
		}
		b.edges = append(b.edges, edge)
		names = append(names, number(edge))
	}
	labels := []string{"<" + names[0]}
	for i := 1; i < len(names); i++ {
		labels = append(labels, names[i-1]+".."+names[i])
	}
	labels = append(labels, ">="+names[len(names)-1])
	for _, l := range labels {
		b.labels = append(b.labels, schema.StringValue([]byte(l)))
	}
	rest, no := withList(a, "bucket", schema.String)
	if no != nil {
		return nil, no
	}
	b.rest = rest
	values, n := rest.distinct(b.labels)
	if len(values) > maxKept {
		return nil, refuse("edges", fmt.Sprintf("%d buckets are too many: at most %d, missing included", len(values), maxKept))
	}
	return &Built{
		Filter: b, Kind: schema.String, Values: texts(schema.String, values),
		Doc: "the range that a number lies in, lower edge included: " + join(values), How: "bucket " + join(b.labels) + rest.how(), Leaves: Made, Distinct: n,
	}, nil
}

func number(f float64) string { return strconv.FormatFloat(f+0, 'f', -1, 64) }

type bucket struct {
	edges  []float64
	labels []schema.Value // one more than edges
	rest   fallback
}

func (b *bucket) Apply(dst *schema.Value, in []schema.Value, _ *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return b.rest.onMissing(dst)
	}
	if v.Kind != schema.Int && v.Kind != schema.Float {
		return Refused
	}
	// NaN and the infinities are no measurement: they fall into no bucket.
	n := v.Float()
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return Refused
	}
	i := 0
	for i < len(b.edges) && n >= b.edges[i] {
		i++
	}
	*dst = b.labels[i]
	return Filled
}
