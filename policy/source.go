package policy

// What a source's file says, checked against its schema.

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/consentry/consentry/schema"
)

// heldBackBy lists the names of release_only_if_false, in the order of verdicts.
var heldBackBy = []string{"minor", "protected"}

// source is a source's file and the schema it was compiled against.
type source struct {
	spec  *SourceSpec
	shape *schema.Shape // nil when it could not be had, which the caller has reported
	named []Text        // every path that the file names, identifiers aside
}

// source checks one file. A source with a problem still serves its streams' checks.
func (c *compiler) source(spec *SourceSpec) {
	name := spec.Name.Value
	s := &source{spec: spec}
	if c.in.Shape != nil {
		s.shape = c.in.Shape(name)
	}
	if s.shape == nil {
		c.blind = true
	}
	if before, twice := c.sources[name]; twice {
		c.refuse(spec.Name.Pos, "source %s is also in %s: give each source one file", name, before.spec.Name.Pos.File)
		return
	}
	c.sources[name] = s
	if other, twice := c.rawTopics[spec.Topic.Value]; twice {
		c.refuse(spec.Topic.Pos, "topic %s is also source %s's: a raw topic has one meaning", spec.Topic.Value, other)
	} else {
		c.rawTopics[spec.Topic.Value] = name
	}
	if strings.HasPrefix(spec.Topic.Value, "partner.") {
		c.refuse(spec.Topic.Pos, "topic %s cannot be a source: topics that begin with partner. are what partners read", spec.Topic.Value)
	}
	c.subject(s)
	c.account(s)
	c.times(s)
	c.places(s)
	for _, p := range []Text{spec.Jurisdiction.Place, spec.Jurisdiction.Residence} {
		if t, ok := c.path(s, p); ok && (t.Kind != schema.String || t.Mixed) {
			c.refuse(p.Pos, "%s is %s: a jurisdiction is a string, ISO 3166-1 alpha-2 (US) or ISO 3166-2 (US-VA)", p.Value, kind(t))
		}
	}
	for _, p := range []Text{spec.URL, spec.App, spec.Query} {
		if t, ok := c.path(s, p); ok && (t.Kind != schema.String || t.Mixed) {
			c.refuse(p.Pos, "%s is %s: url, app and query name strings", p.Value, kind(t))
		}
	}
	c.flags(s)
	for _, id := range spec.Identifiers {
		// An identifier may be a record, an array or whatever else cannot be located: it is only there to be kept out.
		if s.shape != nil && !s.has(id.Value) {
			if _, err := s.shape.Lookup(id.Value); err != nil && missing(err) {
				c.refuse(id.Pos, "source %s, identifiers: %s: %s", name, id.Value, reason(err))
			}
		}
	}
}

func (c *compiler) subject(s *source) {
	spec := s.spec
	if spec.SubjectForm.Value != "" && c.in.SubjectKind != "msisdn" {
		c.refuse(spec.SubjectForm.Pos, "form is for telephone numbers, and consent.subject is %s: remove it", c.in.SubjectKind)
	}
	if spec.SubjectForm.Value == "national" && (c.in.NationalKnown == nil || !c.in.NationalKnown(c.in.Region)) {
		c.refuse(spec.SubjectForm.Pos, "form national needs the trunk rules of consent.region, and this version does not know those of %q: have the raw topic carry e164 or digits", c.in.Region)
	}
	t, ok := c.need(s, spec.SubjectField, "subject")
	if !ok {
		return
	}
	if !text(t) {
		c.refuse(spec.SubjectField.Pos, "%s is %s: a subject of kind %s is a string", spec.SubjectField.Value, kind(t), c.in.SubjectKind)
	}
}

func (c *compiler) account(s *source) {
	if a := s.spec.Account; a.Value != "same_as_subject" {
		c.path(s, a)
	}
}

func (c *compiler) times(s *source) {
	spec, at := s.spec, s.spec.Time.Field
	if t, ok := c.need(s, at, "time"); ok {
		unit := spec.Time.Unit
		switch {
		case t.Zoneless:
			c.refuse(at.Pos, "%s is a time without a zone (local-timestamp), which says no instant: have the raw topic carry a timestamp", at.Value)
		case t.Kind == schema.Int && unit.Value == "":
			c.refuse(at.Pos, "%s is an integer: say what it counts with `unit: s`, `ms` or `us`", at.Value)
		case (t.Kind == schema.Time || t.Kind == schema.String) && unit.Value != "":
			c.refuse(unit.Pos, "%s is %s, which carries its own unit: remove `unit`", at.Value, kind(t))
		case t.Kind != schema.Time && t.Kind != schema.Int && !text(t), t.Mixed:
			c.refuse(at.Pos, "%s is %s: the time of an event is an Avro timestamp, an RFC 3339 string, or an integer with a unit", at.Value, kind(t))
		}
	}
	pos := spec.Time.Pos
	if pos == (Pos{}) {
		pos = spec.Pos
	}
	if past := spec.Time.Past; !past.Set || past.Value <= 0 || past.Value > 366*24*time.Hour {
		c.refuse(pos, "source %s needs `past:`, how much older than its Kafka timestamp an event may be, up to 366d, e.g. `past: 7d`", spec.Name.Value)
	}
	if future := spec.Time.Future; !future.Set || future.Value < 0 || future.Value > 24*time.Hour {
		c.refuse(pos, "source %s needs `future:`, how much younger than its Kafka timestamp an event may be, up to 1d, e.g. `future: 5m`", spec.Name.Value)
	}
	if t, ok := c.path(s, spec.LineSince); ok {
		switch {
		case t.Zoneless:
			c.refuse(spec.LineSince.Pos, "%s is a time without a zone (local-timestamp), which says no instant: have the raw topic carry a timestamp", spec.LineSince.Value)
		case t.Kind != schema.Time && !text(t):
			c.refuse(spec.LineSince.Pos, "%s is %s: line_since is an Avro timestamp or an RFC 3339 string", spec.LineSince.Value, kind(t))
		}
	}
}

func (c *compiler) places(s *source) {
	if s.spec.Position == nil {
		return
	}
	p := s.spec.Position
	for _, at := range []Text{p.Lat, p.Lon, p.Accuracy} {
		if t, ok := c.path(s, at); ok && (t.Kind != schema.Float && t.Kind != schema.Int || t.Mixed) {
			c.refuse(at.Pos, "%s is %s: a position is numbers", at.Value, kind(t))
		}
	}
	if p.Lat.Value == p.Lon.Value {
		c.refuse(p.Lon.Pos, "latitude and longitude are both %s", p.Lat.Value)
	}
}

func (c *compiler) flags(s *source) {
	seen := map[string]bool{}
	for _, f := range s.spec.ReleaseOnlyIfFalse {
		if !slices.Contains(heldBackBy, f.Name.Value) {
			c.refuse(f.Name.Pos, "release_only_if_false knows minor and protected, not %q: a signal of the subscriber goes under opt_out_if_set", f.Name.Value)
		}
		if seen[f.Name.Value] {
			c.refuse(f.Name.Pos, "release_only_if_false names %s twice", f.Name.Value)
		}
		seen[f.Name.Value] = true
		if t, ok := c.need(s, f.Path, f.Name.Value); ok && t.Kind != schema.Bool && !t.Mixed {
			c.refuse(f.Path.Pos, "%s is %s: only the boolean false releases, so nothing ever would be", f.Path.Value, kind(t))
		}
	}
	for _, f := range s.spec.OptOutIfSet {
		c.need(s, f.Path, f.Name.Value)
	}
	for _, f := range s.spec.Signals.named() {
		if t, ok := c.path(s, f.Path); ok && t.Kind != schema.String && !t.Mixed {
			c.refuse(f.Path.Pos, "%s is %s: a signal of `signals:` is a text; a flag goes under opt_out_if_set", f.Path.Value, kind(t))
		}
	}
}

// need looks up a path that must be named.
func (c *compiler) need(s *source, at Text, what string) (schema.Type, bool) {
	if at.Value == "" {
		c.refuse(s.spec.Pos, "source %s names no field for %s", s.spec.Name.Value, what)
		return schema.Type{}, false
	}
	return c.path(s, at)
}

// path looks up a path of the source's file, if it was given; not ok when nothing is known of it.
func (c *compiler) path(s *source, at Text) (schema.Type, bool) {
	if at.Value == "" {
		return schema.Type{}, false
	}
	s.named = append(s.named, at)
	if s.shape == nil {
		return schema.Type{}, false
	}
	t, err := s.shape.Lookup(at.Value)
	if err != nil {
		c.refuse(at.Pos, "source %s: %s: %s", s.spec.Name.Value, at.Value, reason(err))
		return schema.Type{}, false
	}
	return t, true
}

// has tells whether a path is there, or is a record above one that is.
func (s *source) has(path string) bool {
	return slices.ContainsFunc(s.shape.Paths(), func(p string) bool { return p == path || strings.HasPrefix(p, path+".") })
}

// reason is what schema says of a path: its own words about the schema, nothing of any event.
func reason(err error) string {
	if e, ok := errors.AsType[*schema.Invalid](err); ok {
		return e.Reason
	}
	return "it cannot be located"
}

func missing(err error) bool { return strings.HasPrefix(reason(err), "there is no such path") }

// text tells a free string.
func text(t schema.Type) bool { return t.Kind == schema.String && t.Symbols == nil && !t.Mixed }

func kind(t schema.Type) string {
	switch {
	case t.Mixed:
		return "of more than one type"
	case t.Symbols != nil:
		return "an enum"
	case t.Zoneless:
		return "a time without a zone"
	}
	switch t.Kind {
	case schema.Bool:
		return "a boolean"
	case schema.Int:
		return "an integer"
	case schema.Float:
		return "a floating-point number"
	case schema.String:
		return "a string"
	case schema.Bytes:
		return "bytes"
	case schema.Time:
		return "a time"
	}
	return "of no single type"
}
