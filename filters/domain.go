package filters

// domain replaces a URL by the registrable domain of its host, if that is on a pinned list: a name that nobody listed
// could be one that somebody crafted to tag a person.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentry/consentry/schema"
)

func buildDomain(a *Args) (*Built, *Refusal) {
	if in := a.Types[0]; in.Kind != schema.String || in.Symbols != nil {
		return nil, refuse("", fmt.Sprintf("%s is no free string, and domain takes a URL", a.Paths[0]))
	}
	names, no := domainList(a)
	if no != nil {
		return nil, no
	}
	rest, no := withList(a, "domain", schema.String)
	if no != nil {
		return nil, no
	}
	slices.Sort(names)
	list := make([]schema.Value, len(names))
	for i, name := range names {
		list[i] = schema.StringValue([]byte(name))
	}
	values, n := rest.distinct(list)
	return &Built{
		Filter: &domain{icann(), names, list, rest}, Kind: schema.String, Values: texts(schema.String, values),
		Doc: "registrable domain of a host, one of a closed list", How: "registrable domain, if " + listed(list) + rest.how(), Leaves: Closed, Distinct: n,
	}, nil
}

func domainList(a *Args) ([]string, *Refusal) {
	oneof, inline := a.Option("oneof")
	_, with := a.Option("with")
	switch {
	case inline && with:
		return nil, refuse("oneof", "say either oneof or with, not both")
	case !inline && !with:
		return nil, refuse("", "domain needs a pinned list where a pseudonym ties records together, `oneof: [...]` or `with: FILE`: a host name that somebody crafted could tag a person")
	}
	var names []string
	if inline {
		if oneof.Kind != ArgList || len(oneof.List) == 0 {
			return nil, refuse("oneof", "oneof takes a list of registrable domains, e.g. `oneof: [example.com]`")
		}
		for i, e := range oneof.List {
			if msg := listable(e.Text, names); msg != "" {
				return nil, &Refusal{"oneof", i, fmt.Sprintf("%q %s", e.Text, msg)}
			}
			names = append(names, e.Text)
		}
		return names, nil
	}
	file, raw, no := readList(a, "domain", "one registrable domain a line")
	if no != nil {
		return nil, no
	}
	line := 0
	for text := range strings.Lines(string(raw)) {
		line++
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if msg := listable(text, names); msg != "" {
			return nil, refuse("with", fmt.Sprintf("%s line %d: %q %s", file, line, text, msg))
		}
		names = append(names, text)
	}
	if len(names) == 0 {
		return nil, refuse("with", file+" names no domain, so nothing could match")
	}
	return names, nil
}

// listable says why a name can never be what domain gives; "" if it can.
func listable(name string, before []string) string {
	_, host, ok := appendHost(nil, []byte(name))
	if !ok {
		return "can never match: it is no host name in ASCII (an internationalised name is written as xn--...)"
	}
	reg, ok := icann().registrable(host)
	switch {
	case !ok:
		return "can never match: it has no registrable domain"
	case string(reg) != name:
		return fmt.Sprintf("can never match: write its registrable domain, %s", reg)
	case contains(before, name):
		return "is listed twice"
	}
	return ""
}

type domain struct {
	rules  *suffixes
	names  []string // sorted
	values []schema.Value
	rest   fallback
}

func (d *domain) Apply(dst *schema.Value, in []schema.Value, ev *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return d.rest.onMissing(dst)
	}
	if v.Kind != schema.String {
		return Refused
	}
	// The host is work in progress, not a value: the scratch space is given back.
	from := len(ev.Scratch)
	buf, host, ok := appendHost(ev.Scratch, v.Raw)
	ev.Scratch = buf[:from]
	if !ok {
		return Refused
	}
	reg, ok := d.rules.registrable(host)
	if !ok {
		return Refused
	}
	if i, listed := find(d.names, reg); listed {
		*dst = d.values[i]
		return Filled
	}
	return d.rest.onOutside(dst)
}
