package policy

// Compile: files in, programs or refusals out. The order is sources, partners, streams, fields; nothing stops at the
// first problem, so one run reports all.

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// Compile checks everything that the files say. It returns a Set, or every problem in the order of the files, never
// both; and neither when a schema could not be had and nothing else is wrong.
func Compile(in Inputs) (*Set, []Problem) {
	c := &compiler{in: in, lists: sha256.New(), sources: map[string]*source{}, rawTopics: map[string]string{}, topics: map[string]Pos{}}
	if in.House == nil {
		c.blind = true
	}
	if in.House != nil {
		c.lists.Write(in.House.Digest)
	}
	set := &Set{House: in.House}
	for i := range in.Sources {
		c.source(&in.Sources[i])
		set.Sources = append(set.Sources, &in.Sources[i])
	}
	seen := map[string]Pos{}
	for i := range in.Partners {
		spec := &in.Partners[i]
		if before, twice := seen[spec.Name.Value]; twice {
			c.refuse(spec.Name.Pos, "partner %s is also in %s: give each partner one file", spec.Name.Value, before.File)
		} else {
			seen[spec.Name.Value] = spec.Name.Pos
		}
		set.Partners = append(set.Partners, c.partner(spec))
	}
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
		})
		return nil, c.problems
	}
	if c.blind {
		return nil, nil
	}
	set.Revision = revision(set, c.lists.Sum(nil))
	for _, p := range set.Partners {
		for _, s := range p.Streams {
			s.listing = ended(s, in.NowMS) + s.listing
		}
	}
	return set, nil
}

type compiler struct {
	in        Inputs
	problems  []Problem
	sources   map[string]*source
	rawTopics map[string]string // topic to source
	topics    map[string]Pos    // partner topics and who took them first
	blind     bool              // a schema could not be had: whatever comes out is unchecked
	lists     hash.Hash         // over the content of every look-up file, in the order read
}

func (c *compiler) refuse(pos Pos, format string, args ...any) {
	c.problems = append(c.problems, Problem{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// read gives a look-up file and lets its content count in the revision.
func (c *compiler) read(path string) ([]byte, error) {
	raw, err := c.in.ReadFile(path)
	if err == nil {
		sum := sha256.Sum256(raw)
		c.lists.Write(sum[:])
	}
	return raw, err
}

// partner checks one file and compiles its streams. What is returned may be used only if there is no problem at all.
func (c *compiler) partner(spec *PartnerSpec) *Partner {
	p := &Partner{Name: spec.Name.Value, Purpose: spec.Purpose.Value, Mode: cmp.Or(spec.Mode.Value, "live"), Vendor: spec.TCF, House: c.in.House}
	if p.Purpose == "" {
		c.refuse(spec.Pos, "partner %s names no purpose: consent is asked for a partner and a purpose; add `purpose:`", p.Name)
	}
	if p.Mode != "live" && p.Mode != "shadow" {
		c.refuse(spec.Mode.Pos, "mode %q: say live, or shadow to decide and count and release nothing", p.Mode)
	}
	c.contract(spec, p)
	if len(spec.Streams) == 0 {
		c.refuse(spec.Pos, "partner %s has no streams: name at least one, or remove the file", p.Name)
	}
	for i := range spec.Streams {
		c.stream(&spec.Streams[i], p)
	}
	for _, s := range p.Sources {
		for _, prog := range s.Streams {
			prog.listing = listing(p, s, c.sources[s.Name].spec, prog)
		}
	}
	return p
}

func (c *compiler) contract(spec *PartnerSpec, p *Partner) {
	if spec.Contract == nil {
		pos := spec.Name.Pos
		if pos == (Pos{}) {
			pos = spec.Pos
		}
		c.refuse(pos, "partner %s has no contract: nothing is released without one; add `contract: {id: ..., until: YYYY-MM-DD, forbids_reidentification: true}`", p.Name)
		return
	}
	p.ContractID = spec.Contract.ID.Value
	if p.ContractID == "" {
		c.refuse(spec.Contract.Pos, "the contract has no id: name the document that was signed")
	}
	end, ok := endOf(spec.Contract.Until.Value)
	if !ok {
		c.refuse(spec.Contract.Until.Pos, "%q is no date: write the last day of the contract as YYYY-MM-DD", spec.Contract.Until.Value)
	}
	p.ContractEndMS = end
	if !spec.Contract.ForbidsReidentification {
		c.refuse(spec.Contract.Pos, "the contract must forbid re-identification: add `forbids_reidentification: true` once it does; without that nothing is released")
	}
}

// sourceOf finds the partner's part of a source, or begins it: every path that the source's file names is located and
// must be there, whether a field uses it or not.
func (p *Partner) sourceOf(s *source, in *Inputs) *Source {
	for _, have := range p.Sources {
		if have.Name == s.spec.Name.Value {
			return have
		}
	}
	spec := s.spec
	out := &Source{
		Name: spec.Name.Value, Topic: spec.Topic.Value, Format: spec.Format.Value,
		SchemaSubject: cmp.Or(spec.SchemaSubject.Value, spec.Topic.Value+"-value"), Shape: s.shape,
		SubjectKind: in.SubjectKind, Region: in.Region,
		PastMS: spec.Time.Past.Value.Milliseconds(), FutureMS: spec.Time.Future.Value.Milliseconds(),
		TimeUnit: spec.Time.Unit.Value,
	}
	if in.SubjectKind == "msisdn" {
		out.SubjectForm = cmp.Or(spec.SubjectForm.Value, "e164")
	}
	for _, n := range s.named {
		out.slot(n.Value, true)
	}
	out.SubjectSlot = out.slot(spec.SubjectField.Value, true)
	out.TimeSlot = out.slot(spec.Time.Field.Value, true)
	if pos := spec.Position; pos != nil {
		out.LatSlot, out.LonSlot, out.AccuracySlot = out.optional(pos.Lat), out.optional(pos.Lon), out.optional(pos.Accuracy)
	} else {
		out.LatSlot, out.LonSlot, out.AccuracySlot = -1, -1, -1
	}
	out.LineSinceSlot = out.optional(spec.LineSince)
	out.PlaceSlot, out.ResidenceSlot = out.optional(spec.Jurisdiction.Place), out.optional(spec.Jurisdiction.Residence)
	out.URLSlot, out.AppSlot, out.QuerySlot = out.optional(spec.URL), out.optional(spec.App), out.optional(spec.Query)
	// Minor before protected, whatever the file's order: that is the order of verdicts.
	for _, name := range heldBackBy {
		for _, f := range spec.ReleaseOnlyIfFalse {
			if f.Name.Value == name {
				out.ReleaseOnlyIfFalse = append(out.ReleaseOnlyIfFalse, FlagSlot{name, out.slot(f.Path.Value, true)})
			}
		}
	}
	for _, f := range spec.OptOutIfSet {
		out.OptOutIfSet = append(out.OptOutIfSet, FlagSlot{f.Name.Value, out.slot(f.Path.Value, true)})
	}
	for _, f := range spec.Signals.named() {
		out.Signals = append(out.Signals, FlagSlot{f.Name.Value, out.slot(f.Path.Value, true)})
	}
	p.Sources = append(p.Sources, out)
	return out
}

// optional gives the slot of a path that the source's file may name, -1 where it does not.
func (s *Source) optional(path Text) int {
	if path.Value == "" {
		return -1
	}
	return s.slot(path.Value, true)
}

// slot gives the slot of a path, adding it where it is new.
func (s *Source) slot(path string, required bool) int {
	if i := slices.Index(s.Layout.Paths, path); i >= 0 {
		return i
	}
	s.Layout.Paths = append(s.Layout.Paths, path)
	s.Layout.Required = append(s.Layout.Required, required)
	return len(s.Layout.Paths) - 1
}

func (p *Program) room() {
	n := 0
	for i := range p.Fields {
		n = max(n, len(p.Fields[i].Slots))
	}
	p.in = make([]schema.Value, n)
}

// arg hands a scalar to a filter's builder, without its place.
func arg(s Scalar) filters.Arg {
	a := filters.Arg{Text: s.Str, Int: s.Int, Float: s.Float, Bool: s.Bool}
	switch s.Kind {
	case ScalarString:
		a.Kind = filters.ArgString
	case ScalarInt:
		a.Kind = filters.ArgInt
	case ScalarFloat:
		a.Kind = filters.ArgFloat
	case ScalarBool:
		a.Kind = filters.ArgBool
	case ScalarList:
		a.Kind = filters.ArgList
		for _, e := range s.List {
			a.List = append(a.List, arg(e))
		}
	}
	return a
}
