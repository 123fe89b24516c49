package policy

// What the house withholds whoever has agreed, and what of it stands before one stream: sensitive places and topics,
// jurisdictions, identifiers hidden inside values. A partner's file can only add to it, and a stream whose check lacks
// its input does not compile.

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// House holds the lists of consentry.yaml beside those that are shipped. It is immutable, but for the Scanner, which is
// one goroutine's: a lane takes a Clone.
type House struct {
	Scanner       *detect.Scanner
	Topics        *detect.Topics
	Jurisdictions *detect.Jurisdictions
	Places        *detect.Places // nil where no list is named
	PlacesMadeMS  int64          // date of its data, Unix milliseconds; nobody knows the places of a day to come
	PlacesWarnMS  int64          // from then on it is old, Unix milliseconds
	PlacesParkMS  int64          // from then on the list of places is too old to be believed, Unix milliseconds
	Versions      []ListVersion  // of every list that a file names
	Digest        []byte         // over the content of every list
}

// ListVersion says what one list is, and of when, for the listings.
type ListVersion struct {
	Detector string // sensitive_place, sensitive_topic or jurisdiction
	Text     string
}

func (h *House) versionsOf(detector string) []string {
	var out []string
	for _, v := range h.Versions {
		if v.Detector == detector {
			out = append(out, v.Text)
		}
	}
	return out
}

// PlacesStale tells whether the list of places is too old for what is decided now, or dated in the future, so that it would
// never age.
func (h *House) PlacesStale(nowMS int64) bool {
	return h.Places != nil && (nowMS >= h.PlacesParkMS || h.PlacesAhead(nowMS))
}

// PlacesAhead tells whether the list is dated in the future: more than a day, since dates have no zones.
func (h *House) PlacesAhead(nowMS int64) bool {
	return h.Places != nil && h.PlacesMadeMS-24*time.Hour.Milliseconds() > nowMS
}

// house checks that every detector that a stream needs has its input, and notes what stands before the stream.
func (f *fields) house(spec *StreamSpec) {
	h, src := f.in.House, f.source.spec
	at := cmp.Or(spec.Source.Pos, spec.Pos)
	if src.Position != nil && h.Places == nil {
		f.refuse(at, "source %s has a position, and no list of sensitive places is named: make one with `consentry places import --out FILE IN...` and name it in consentry.yaml, `detect: {places: {file: FILE}}`", src.Name.Value)
	}
	if src.Position == nil && slices.Contains(f.prog.Needs, "location") {
		f.refuse(at, "the stream needs location, and source %s names no `position:`, which sensitive places are looked for around: add it to the source's file", src.Name.Value)
	}
	for _, need := range f.prog.Needs {
		for _, k := range []struct {
			category, key string
			path          Text
		}{{"browsing", "url", src.URL}, {"app_usage", "app", src.App}, {"search", "query", src.Query}} {
			if need == k.category && k.path.Value == "" {
				f.refuse(at, "the stream needs %s, and source %s names no `%s:`, which the sensitive topics are looked for in: add it to the source's file", k.category, src.Name.Value, k.key)
			}
		}
	}
	if !slices.ContainsFunc(src.ReleaseOnlyIfFalse, func(n NamedPath) bool { return n.Name.Value == "minor" }) {
		f.refuse(at, "source %s does not say whose line a minor uses, and events of minors are withheld: add `release_only_if_false: {minor: FIELD}` to the source's file", src.Name.Value)
	}
	f.alsoNear(spec)
	f.alsoTopics(spec)
	f.jurisdiction(spec)
}

func (f *fields) alsoNear(spec *StreamSpec) {
	h, src := f.in.House, f.source.spec
	for _, c := range spec.AlsoNear {
		switch {
		case src.Position == nil:
			f.refuse(c.Pos, "also_near: source %s has no position that could be near anything", src.Name.Value)
		case h.Places == nil: // refused above
		default:
			mask, known := h.Places.Category(c.Value)
			if !known {
				f.refuse(c.Pos, "also_near: the list of places has no category %q%s", c.Value, DidYouMean(Nearest(c.Value, h.Places.Categories())))
				continue
			}
			f.prog.AlsoNear |= mask
		}
	}
}

func (f *fields) alsoTopics(spec *StreamSpec) {
	src := f.source.spec
	for _, c := range spec.AlsoTopics {
		node, known := detect.ParseNode(c.Value)
		switch {
		case !known:
			f.refuse(c.Pos, "also_topics: the taxonomy has no node %q: write its name as in the IAB Content Taxonomy 3.1, e.g. `Automotive`", c.Value)
		case src.URL.Value == "" && src.App.Value == "" && src.Query.Value == "":
			f.refuse(c.Pos, "also_topics: source %s names no url, app or query that a topic could be looked for in", src.Name.Value)
		default:
			f.prog.AlsoTopics = append(f.prog.AlsoTopics, node)
		}
	}
}

// jurisdiction refuses a stream that could never release: no event says whose law counts, and the strictest forbids
// areas as small as its own.
func (f *fields) jurisdiction(spec *StreamSpec) {
	src := f.source.spec
	if math.IsInf(f.prog.RadiusM, 1) || src.Jurisdiction.Place.Value != "" || src.Jurisdiction.Residence.Value != "" {
		return
	}
	if !f.in.House.Jurisdictions.Allows(nil, nil, f.prog.RadiusM) {
		f.refuse(cmp.Or(spec.Topic.Pos, spec.Pos), "areas of %.0f m in radius are smaller than the strictest jurisdiction allows, and source %s does not say whose law counts: add `jurisdiction: {place: FIELD, residence: FIELD}` to its file, or take a lower s2 level",
			f.prog.RadiusM, src.Name.Value)
	}
}

// ownInput keeps filters that imply browsing to the URL that the topics are looked for in. A source without one is
// refused for the whole stream.
func (f *fields) ownInput(own *Entry, def *filters.Definition) bool {
	url := f.source.spec.URL.Value
	if def.Category != "browsing" || own.Value.Str == url {
		return true
	}
	if url != "" {
		f.refuse(own.Value.Pos, "%s reads the source's url, which the sensitive topics are looked for in, and nothing else: write `%s: %s`", def.Name, def.Name, url)
	}
	return false
}

// readsOf tells which of the source's own fields a path is.
func (f *fields) readsOf(own *Entry, def *filters.Definition) filters.Reads {
	src := f.source.spec
	if def.Input != filters.Path || own.Value.Str == "" {
		return filters.NoneOfThem
	}
	switch own.Value.Str {
	case src.URL.Value:
		return filters.URLField
	case src.App.Value:
		return filters.AppField
	case src.Query.Value:
		return filters.QueryField
	}
	return filters.NoneOfThem
}

// reads notes which inputs of the house's checks the field reads itself, and how exact its place is.
func (f *fields) reads(spec *FieldSpec, own *Entry, def *filters.Definition) {
	src := f.source.spec
	switch {
	case def.Input == filters.Position:
		f.prog.ReadsPosition = true
		for _, e := range spec.Entries {
			if e.Key.Value == "level" && e.Value.Kind == ScalarInt {
				f.prog.RadiusM = min(f.prog.RadiusM, detect.LevelRadiusM(int(e.Value.Int)))
			}
		}
	case own.Value.Str == src.URL.Value && def.Input == filters.Path:
		f.prog.ReadsURL = true
	}
}

// scanLists looks for identifiers in what the stream's own words let out, once. The value is not repeated, and neither
// is the line that it stands on.
func (f *fields) scanLists(spec *FieldSpec) (clean bool) {
	clean = true
	if f.in.House == nil {
		return false
	}
	hit := func(at Pos, where, text string) {
		if hits := f.in.House.Scanner.Scan([]byte(text)); hits != 0 {
			f.identifier(at, spec, where, hits)
			clean = false
		}
	}
	for _, e := range spec.Entries {
		switch key := e.Key.Value; {
		case e.Value.Kind == ScalarList && key == "between":
			// Whoever is between the bounds comes out too.
			for _, n := range filters.Between(arg(e.Value)) {
				if hits := f.in.House.Scanner.Scan(strconv.AppendInt(nil, n, 10)); hits != 0 {
					f.identifier(e.Value.Pos, spec, "one of the numbers of between", hits)
					clean = false
					break
				}
			}
		case e.Value.Kind == ScalarList && (key == "oneof" || key == "edges"):
			for i, item := range e.Value.List {
				hit(item.Pos, fmt.Sprintf("entry %d of %s", i+1, key), written(item))
			}
		case e.Value.Kind == ScalarList, e.Value.Kind == ScalarString && e.Value.Str == "withhold":
		case key == "constant", key == "else", key == "missing":
			hit(e.Value.Pos, "its "+key, written(e.Value))
		case key == "with":
			f.scanFile(e.Value, hit)
		}
	}
	return clean
}

// written is a scalar as a record would hold it.
func written(s Scalar) string {
	switch s.Kind {
	case ScalarInt:
		return strconv.FormatInt(s.Int, 10)
	case ScalarFloat:
		return strconv.FormatFloat(s.Float, 'f', -1, 64)
	}
	return s.Str
}

// scanValues looks at whatever else the filter may give: symbols of an enum, say.
func (f *fields) scanValues(spec *FieldSpec, own *Entry, built *filters.Built) {
	if built.Leaves != filters.Closed {
		return
	}
	for i, v := range built.Values {
		if hits := f.in.House.Scanner.Scan([]byte(v)); hits != 0 {
			f.identifier(own.Key.Pos, spec, fmt.Sprintf("value %d of the %d that it can give", i+1, len(built.Values)), hits)
		}
	}
}

func (f *fields) identifier(at Pos, spec *FieldSpec, where string, hits detect.Hits) {
	f.problems = append(f.problems, Problem{Pos: at, Hidden: true, Message: fmt.Sprintf(
		"field %s: %s looks like an identifier (%s), and what a policy lists is released again and again: remove it", spec.Name.Value, where, hits)})
}

// scanFile scans what a look-up file can give: the second column of a map, the lines of a list of domains.
func (f *fields) scanFile(name Scalar, hit func(Pos, string, string)) {
	raw, err := f.in.ReadFile(name.Str)
	if err != nil {
		return // refused where the filter was built
	}
	r := csv.NewReader(strings.NewReader(string(raw)))
	r.FieldsPerRecord = -1
	r.Comment = '#'
	for first := true; ; first = false {
		rec, err := r.Read()
		if err != nil {
			return
		}
		if last := rec[len(rec)-1]; !first || last != "to" {
			line, _ := r.FieldPos(len(rec) - 1)
			hit(name.Pos, fmt.Sprintf("what %s gives in line %d", name.Str, line), last)
		}
	}
}

// PlaceState tells what is known of an event's position.
type PlaceState uint8

const (
	PlaceUnreadable PlaceState = iota // it cannot be told where the event was
	PlaceAbsent                       // it says nothing of a place
	PlaceKnown
)

// Place reads the event's position, in degrees, and its stated accuracy in metres, 0 where it states none and NaN where
// that cannot be read. Only to be asked where the source has a position.
func (s *Source) Place(rec *schema.Record) (lat, lon, accuracyM float64, state PlaceState) {
	a, o := &rec.Slots[s.LatSlot], &rec.Slots[s.LonSlot]
	if a.Kind == schema.Absent || o.Kind == schema.Absent {
		return 0, 0, 0, PlaceAbsent
	}
	if !isNumber(a) || !isNumber(o) {
		return 0, 0, 0, PlaceUnreadable
	}
	lat, lon = a.Float(), o.Float()
	// The negation is true of NaN.
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return 0, 0, 0, PlaceUnreadable
	}
	if s.AccuracySlot >= 0 {
		switch c := &rec.Slots[s.AccuracySlot]; {
		case c.Kind == schema.Absent:
		case isNumber(c):
			accuracyM = c.Float()
		default:
			accuracyM = math.NaN()
		}
	}
	return lat, lon, accuracyM, PlaceKnown
}

func isNumber(v *schema.Value) bool { return v.Kind == schema.Float || v.Kind == schema.Int }

// Topics is what the event's url, app and query are about.
type Topics struct {
	Sensitive bool
	Path      string         // which of them it was found in first
	Node      detect.Node    // and what it was
	Others    [3]detect.Node // what each of them is about, sensitive or not; 0 is unknown
	NoHost    bool           // there is a URL, and no host can be read in it
}

// Topics looks the source's url, app and query up. scratch is overwritten and may grow.
func (s *Source) Topics(house *House, rec *schema.Record, scratch *[]byte) (t Topics) {
	for i, slot := range [...]int{s.URLSlot, s.AppSlot, s.QuerySlot} {
		if slot < 0 {
			continue
		}
		v := &rec.Slots[slot]
		if v.Kind == schema.Absent {
			continue
		}
		if v.Kind != schema.String {
			// Compile lets only strings be named; what is none all the same may be about anything.
			if !t.Sensitive {
				t.Sensitive, t.Path = true, s.Layout.Paths[slot]
			}
			continue
		}
		var node detect.Node
		var sensitive bool
		switch i {
		case 0:
			var host []byte
			var ok bool
			if *scratch, host, ok = filters.Host((*scratch)[:0], v.Raw); !ok {
				t.NoHost = true
				continue
			}
			if node, sensitive = house.Topics.Domain(host); !sensitive {
				if class, no := house.Topics.Rest(filters.Rest(v.Raw)); no {
					node, sensitive = class, true
				}
			}
		case 1:
			node, sensitive = house.Topics.App(v.Raw)
		default:
			node, sensitive = house.Topics.Text(v.Raw)
		}
		t.Others[i] = node
		if sensitive && !t.Sensitive {
			t.Sensitive, t.Path, t.Node = true, s.Layout.Paths[slot], node
		}
	}
	return t
}

// AlsoWithheld gives the node of also_topics that one of the topics is, or lies below; 0 for none.
func (p *Program) AlsoWithheld(t *Topics) detect.Node {
	for _, also := range p.AlsoTopics {
		for _, n := range t.Others {
			if n != 0 && n.Within(also) {
				return also
			}
		}
	}
	return 0
}
