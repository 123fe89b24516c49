package filters

// topic replaces a URL, an app id or a search by the node of a published taxonomy that it is about. What no list knows,
// and whatever is sensitive, is withheld.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/schema"
)

// maxTopics bounds the different values that one topic can emit, else and missing included.
const maxTopics = 1000

func buildTopic(a *Args) (*Built, *Refusal) {
	if in := a.Types[0]; in.Kind != schema.String || in.Symbols != nil {
		return nil, refuse("", fmt.Sprintf("%s is no free string, and topic takes a URL, an app id or a search", a.Paths[0]))
	}
	if a.Reads == NoneOfThem {
		return nil, refuse("", fmt.Sprintf("%s is neither the source's `url:`, nor its `app:`, nor its `query:`: name it so in the source's file, since each is looked up in its own way", a.Paths[0]))
	}
	if a.Topics == nil {
		return nil, refuse("", "topic needs the lists of topics")
	}
	nodes, no := topicList(a)
	if no != nil {
		return nil, no
	}
	rest, no := withList(a, "topic", schema.String)
	if no != nil {
		return nil, no
	}
	for _, option := range [...]struct {
		name  string
		value schema.Value
	}{{"else", rest.outside}, {"missing", rest.missing}} {
		if n, known := detect.ParseNode(string(option.value.Raw)); known && !n.Open() {
			return nil, refuse(option.name, fmt.Sprintf("%q %s", n, whyClosed(n)))
		}
	}
	f := &topic{topics: a.Topics, reads: a.Reads, rest: rest}
	list := make([]schema.Value, len(nodes))
	for i, n := range nodes {
		list[i] = schema.StringValue([]byte(n.String()))
		for int(n) >= len(f.values) {
			f.values = append(f.values, schema.Value{})
		}
		f.values[n] = list[i]
	}
	values, n := rest.distinct(list)
	if len(values) > maxTopics {
		return nil, refuse("oneof", fmt.Sprintf("topic has %d different values: at most %d, else and missing included", len(values), maxTopics))
	}
	return &Built{
		Filter: f, Kind: schema.String, Values: texts(schema.String, values),
		Doc:      "what it is about, a name of the IAB Content Taxonomy 3.1",
		How:      fmt.Sprintf("topic of %s by lists, giving %s", f.reads, listed(list)) + rest.how(),
		Leaves:   Closed,
		Distinct: n,
	}, nil
}

// topicList is what `oneof` names, or every node that may leave; sorted by name.
func topicList(a *Args) ([]detect.Node, *Refusal) {
	var nodes []detect.Node
	oneof, given := a.Option("oneof")
	switch {
	case !given:
		nodes = detect.OpenNodes()
	case oneof.Kind != ArgList || len(oneof.List) == 0:
		return nil, refuse("oneof", "oneof takes a list of names of the IAB Content Taxonomy 3.1, e.g. `oneof: [Soccer, Weather]`")
	}
	for i, e := range oneof.List {
		n, known := detect.ParseNode(e.Text)
		switch {
		case e.Kind != ArgString || !known:
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q is no name of the IAB Content Taxonomy 3.1", e.Text)}
		case !n.Open():
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q %s", e.Text, whyClosed(n))}
		case slices.Contains(nodes, n):
			return nil, &Refusal{"oneof", i, fmt.Sprintf("%q is listed twice", e.Text)}
		}
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b detect.Node) int { return strings.Compare(a.String(), b.String()) })
	return nodes, nil
}

func whyClosed(n detect.Node) string {
	if n.Sensitive() {
		return "never leaves: it is a sensitive topic of the house list"
	}
	return "never leaves: it is of tier 3 or 4, or some of what lies below it is sensitive; name what lies below it"
}

type topic struct {
	topics *detect.Topics
	reads  Reads
	values []schema.Value // by node; Absent is outside the list
	rest   fallback
}

func (t *topic) Apply(dst *schema.Value, in []schema.Value, ev *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return t.rest.onMissing(dst)
	}
	if v.Kind != schema.String {
		return Refused
	}
	node, sensitive := detect.Node(0), true
	switch t.reads {
	case URLField:
		from := len(ev.Scratch)
		buf, host, ok := appendHost(ev.Scratch, v.Raw)
		ev.Scratch = buf[:from]
		if !ok {
			return Refused
		}
		node, sensitive = t.topics.Domain(host)
	case AppField:
		node, sensitive = t.topics.App(v.Raw)
	case QueryField:
		node, sensitive = t.topics.Text(v.Raw)
	}
	switch {
	case sensitive:
		return Refused // whatever `else` says
	case int(node) < len(t.values) && t.values[node].Kind != schema.Absent:
		*dst = t.values[node]
		return Filled
	}
	return t.rest.onOutside(dst)
}
