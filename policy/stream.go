package policy

// One stream: where it goes, what it may be called, and its fields in file order.

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// notYet says what the other profiles are for.
var notYet = map[string]string{
	"unlinked":  "profile unlinked (the default) releases events that nothing ties together, each shared by a crowd of accounts; this version cannot hold a crowd back yet and has only pseudonymous: say `profile: pseudonymous` with `same_person_for`, under consents to being linked",
	"bundle":    "profile bundle gives a person a key for one day over at most three items that a crowd of accounts shares as a set; this version does not have it yet, only pseudonymous",
	"aggregate": "profile aggregate gives counts with differential privacy and no single events; this version does not have it yet, only pseudonymous",
}

var notYetKeys = map[string]string{
	"crowd":   "crowd releases only what enough accounts share; this version does not hold a crowd back yet, and a rule that is not kept must not be written: remove it",
	"at_most": "at_most caps the records of an account; this version does not count them yet, and a rule that is not kept must not be written: remove it",
}

// keysAhead is how many epochs beyond the current one the key folder keeps ready (keys.Ahead).
const keysAhead = 2

// stream checks one entry of `streams:` and appends its program.
func (c *compiler) stream(spec *StreamSpec, p *Partner) {
	topic := spec.Topic.Value
	c.topic(spec.Topic, p.Name)
	linked := c.profile(spec)
	for _, k := range spec.NotYet {
		msg, known := notYetKeys[k.Value]
		if !known {
			msg = "this version does not have it yet: remove it"
		}
		c.refuse(k.Pos, "%s", msg)
	}
	if f := spec.Format.Value; f != "avro" && f != "json" {
		c.refuse(cmp.Or(spec.Format.Pos, spec.Pos), "stream %s needs `format: avro` or `format: json`", topic)
	}
	s, known := c.sources[spec.Source.Value]
	if !known {
		var names []string
		for n := range c.sources {
			names = append(names, n)
		}
		c.refuse(cmp.Or(spec.Source.Pos, spec.Pos), "there is no source %q%s", spec.Source.Value, DidYouMean(Nearest(spec.Source.Value, names)))
		return
	}
	if same, future := spec.SamePersonFor, s.spec.Time.Future; linked && same.Set && future.Value > keysAhead*same.Value {
		c.refuse(same.Pos, "source %s takes events up to %s ahead, and keys are made %d times same_person_for ahead: one event beyond them would park the partner; take a longer same_person_for, or a shorter `future`",
			s.spec.Name.Value, span(future.Value.Milliseconds()), keysAhead)
	}
	src := p.sourceOf(s, &c.in)
	prog := &Program{
		Partner: p.Name, Purpose: p.Purpose, Topic: topic, Source: s.spec.Name.Value, Profile: spec.Profile.Value, Format: spec.Format.Value,
		PeriodMS: spec.SamePersonFor.Value.Milliseconds(), Linked: true, ContractEndMS: p.ContractEndMS, KeyField: -1, RadiusM: math.Inf(1),
		Output: schema.Output{Format: spec.Format.Value, Name: avroName(topic)},
	}
	src.Streams = append(src.Streams, prog)
	p.Streams = append(p.Streams, prog)
	if len(spec.Fields) == 0 {
		c.refuse(spec.Pos, "stream %s releases no field: name at least one", topic)
	}
	f := &fields{compiler: c, stream: spec, source: s, into: src, prog: prog, linked: linked}
	prog.Needs = f.needs()
	for i := range spec.Fields {
		f.add(&spec.Fields[i])
	}
	if c.in.House != nil {
		f.house(spec)
		prog.Detectors = detectors(s.spec, spec, prog)
	}
	prog.room()
}

// topic checks that a partner's topic is the partner's own and nobody else's.
func (c *compiler) topic(t Text, partner string) {
	prefix := "partner." + partner + "."
	if !strings.HasPrefix(t.Value, prefix) || len(t.Value) == len(prefix) {
		c.refuse(t.Pos, "topic %q is not this partner's: a stream of %s is named %s<name>", t.Value, partner, prefix)
	}
	if source, is := c.rawTopics[t.Value]; is {
		c.refuse(t.Pos, "topic %s is source %s's: a stream cannot be written into a raw topic", t.Value, source)
	}
	if before, twice := c.topics[t.Value]; twice {
		c.refuse(t.Pos, "topic %s is already another stream's (%s:%d): each stream has a topic of its own", t.Value, before.File, before.Line)
		return
	}
	c.topics[t.Value] = t.Pos
}

// profile checks the profile and its same_person_for; true for pseudonymous.
func (c *compiler) profile(spec *StreamSpec) bool {
	name, for_ := cmp.Or(spec.Profile.Value, "unlinked"), spec.SamePersonFor
	pos := cmp.Or(spec.Profile.Pos, spec.Topic.Pos)
	if name != "pseudonymous" {
		msg, known := notYet[name]
		if !known {
			c.refuse(pos, "there is no profile %q%s", name, DidYouMean(Nearest(name, []string{"unlinked", "bundle", "aggregate", "pseudonymous"})))
			return false
		}
		c.refuse(pos, "%s", msg)
		if for_.Set {
			c.refuse(for_.Pos, "same_person_for belongs to profile pseudonymous: profile %s knows no lasting person; remove it", name)
		}
		return false
	}
	switch v := for_.Value; {
	case !for_.Set:
		c.refuse(pos, "profile pseudonymous needs `same_person_for:`, how long a pseudonym stays the same: whole hours or days, at most 30d")
	case v <= 0 || v%time.Hour != 0:
		c.refuse(for_.Pos, "same_person_for is whole hours or days, e.g. 24h or 7d")
	case v > 30*24*time.Hour:
		c.refuse(for_.Pos, "same_person_for is at most 30d: the longer a person stays the same, the surer the person is found")
	}
	return true
}

// needs is what a consent must cover: the source's category, and whatever the fields imply beside it; sorted.
func (f *fields) needs() []string {
	need := []string{f.source.spec.Category.Value}
	add := func(category string) {
		if category != "" && !slices.Contains(need, category) {
			need = append(need, category)
		}
	}
	for i := range f.stream.Fields {
		for _, e := range f.stream.Fields[i].Entries {
			def, is := filters.Lookup(e.Key.Value)
			if !is {
				continue
			}
			add(def.Category)
			if def.Input == filters.Path && e.Value.Str != "" {
				switch e.Value.Str {
				case f.source.spec.URL.Value:
					add("browsing")
				case f.source.spec.App.Value:
					add("app_usage")
				case f.source.spec.Query.Value:
					add("search")
				}
			}
		}
	}
	slices.Sort(need)
	return need
}

var avroNames = strings.NewReplacer("-", "_", ".", "_")

// avroName makes a name that Avro can hold.
func avroName(name string) string { return avroNames.Replace(name) }
