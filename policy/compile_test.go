package policy

// The sample policies, written by hand, compiled against the sample schemas: what comes out, and the listing to the
// letter. Spec builders for the other tests stand here too.

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/consentry/consentry/schema"
)

var update = flag.Bool("update", false, "write the listings under testdata anew")

// txt is a value with a place that tells tests apart: each distinct line is one key of the file.
func txt(file string, line int, value string) Text {
	return Text{Value: value, Pos: Pos{File: file, Line: line, Column: 5}}
}

func dur(file string, line int, d time.Duration) Duration {
	return Duration{Value: d, Set: true, Pos: Pos{File: file, Line: line, Column: 5}}
}

const (
	locationFile = "sources/location.yaml"
	appFile      = "sources/app_usage.yaml"
	searchFile   = "sources/search.yaml"
	acmeFile     = "partners/acme-ads.yaml"
)

func locationSource() SourceSpec {
	const f = locationFile
	return SourceSpec{
		Pos: Pos{f, 1, 1}, Name: txt(f, 2, "location"), Topic: txt(f, 3, "raw.location"), Format: txt(f, 4, "avro"),
		Category: txt(f, 5, "location"), SubjectField: txt(f, 6, "subscriber.msisdn"), SubjectForm: txt(f, 7, "e164"),
		Account: txt(f, 8, "subscriber.account_id"), LineSince: txt(f, 9, "subscriber.activated_at"),
		Time: TimeSpec{Pos: Pos{f, 10, 1}, Field: txt(f, 10, "observed_at"), Past: dur(f, 11, 7*24*time.Hour), Future: dur(f, 12, 5*time.Minute)},
		Position: &PositionSpec{
			Pos: Pos{f, 13, 1}, Lat: txt(f, 13, "position.lat"), Lon: txt(f, 14, "position.lon"), Accuracy: txt(f, 15, "position.accuracy"),
		},
		Identifiers:        []Text{txt(f, 16, "subscriber.imsi"), txt(f, 17, "device.imei"), txt(f, 18, "cell.id"), txt(f, 19, "ip")},
		ReleaseOnlyIfFalse: []NamedPath{{txt(f, 20, "minor"), txt(f, 20, "subscriber.minor")}},
		OptOutIfSet:        []NamedPath{{txt(f, 21, "gpc"), txt(f, 21, "signals.gpc")}},
	}
}

func appSource() SourceSpec {
	const f = appFile
	return SourceSpec{
		Pos: Pos{f, 1, 1}, Name: txt(f, 2, "app_usage"), Topic: txt(f, 3, "raw.app_usage"), Format: txt(f, 4, "avro"),
		Category: txt(f, 5, "app_usage"), SubjectField: txt(f, 6, "subscriber.msisdn"),
		Account: txt(f, 8, "subscriber.account_id"), LineSince: txt(f, 9, "subscriber.activated_at"),
		Time: TimeSpec{Pos: Pos{f, 10, 1}, Field: txt(f, 10, "started_at"), Past: dur(f, 11, 7*24*time.Hour), Future: dur(f, 12, 5*time.Minute)},
		App:  txt(f, 13, "app.package"), Identifiers: []Text{txt(f, 16, "subscriber.imsi"), txt(f, 17, "device.ad_id")},
		ReleaseOnlyIfFalse: []NamedPath{{txt(f, 20, "minor"), txt(f, 20, "subscriber.minor")}},
		OptOutIfSet:        []NamedPath{{txt(f, 21, "gpc"), txt(f, 21, "signals.gpc")}},
	}
}

func searchSource() SourceSpec {
	const f = searchFile
	return SourceSpec{
		Pos: Pos{f, 1, 1}, Name: txt(f, 2, "search"), Topic: txt(f, 3, "raw.search"), Format: txt(f, 4, "json"),
		SchemaFile: txt(f, 4, "../schemas/search.schema.json"),
		Category:   txt(f, 5, "search"), SubjectField: txt(f, 6, "subscriber.msisdn"), SubjectForm: txt(f, 7, "digits"),
		Account: txt(f, 8, "subscriber.account_id"), LineSince: txt(f, 9, "subscriber.activated_at"),
		Time: TimeSpec{Pos: Pos{f, 10, 1}, Field: txt(f, 10, "searched_at"), Past: dur(f, 11, 7*24*time.Hour), Future: dur(f, 12, 5*time.Minute)},
		URL:  txt(f, 13, "page.url"), Query: txt(f, 14, "search.text"),
		Identifiers:        []Text{txt(f, 16, "subscriber.imsi"), txt(f, 17, "device.imei"), txt(f, 18, "ip")},
		ReleaseOnlyIfFalse: []NamedPath{{txt(f, 20, "minor"), txt(f, 20, "subscriber.minor")}},
		OptOutIfSet:        []NamedPath{{txt(f, 21, "gpc"), txt(f, 21, "signals.gpc")}},
	}
}

// field writes one mapping: pairs of key and value, in file order. The n-th pair stands in column 10n.
func field(line int, name string, pairs ...any) FieldSpec {
	f := FieldSpec{Name: Text{name, Pos{acmeFile, line, 1}}, Pos: Pos{acmeFile, line, 8}}
	for i := 0; i < len(pairs); i += 2 {
		at := Pos{acmeFile, line, 10 * (i/2 + 1)}
		value := at
		value.Column += 5
		f.Entries = append(f.Entries, Entry{Key: Text{pairs[i].(string), at}, Value: scalar(value, pairs[i+1])})
	}
	return f
}

func scalar(at Pos, v any) Scalar {
	s := Scalar{Pos: at, Str: fmt.Sprint(v)}
	switch v := v.(type) {
	case nil:
		s.Kind, s.Str = ScalarNull, "null"
	case string:
		s.Kind = ScalarString
	case int:
		s.Kind, s.Int = ScalarInt, int64(v)
	case float64:
		s.Kind, s.Float = ScalarFloat, v
	case bool:
		s.Kind, s.Bool = ScalarBool, v
	case []any:
		s.Kind, s.Str = ScalarList, ""
		for i, e := range v {
			at.Column = 100 + i
			s.List = append(s.List, scalar(at, e))
		}
	default:
		panic("a test wrote a value that no YAML has")
	}
	return s
}

func list(v ...any) []any { return v }

func stream(line int, topic, source, format string, same time.Duration, fields ...FieldSpec) StreamSpec {
	const f = acmeFile
	return StreamSpec{
		Pos: Pos{f, line, 3}, Topic: txt(f, line, topic), Source: txt(f, line+1, source), Profile: txt(f, line+2, "pseudonymous"),
		SamePersonFor: dur(f, line+3, same), Format: txt(f, line+4, format), Fields: fields,
	}
}

func acme() PartnerSpec {
	const f = acmeFile
	return PartnerSpec{
		Pos: Pos{f, 1, 1}, Name: txt(f, 2, "acme-ads"), Purpose: txt(f, 3, "advertising"), Mode: txt(f, 4, "live"),
		Contract: &ContractSpec{Pos: Pos{f, 5, 11}, ID: txt(f, 5, "MSA-2026-014"), Until: txt(f, 6, "2099-06-30"), ForbidsReidentification: true},
		Streams: []StreamSpec{
			stream(10, "partner.acme-ads.location", "location", "avro", 7*24*time.Hour,
				field(20, "visitor", "pseudonym", "subscriber.msisdn"),
				field(21, "area", "s2", "position", "level", 12),
				field(22, "period", "round_down", "observed_at", "to", "1h"),
				field(23, "os", "keep", "device.os", "oneof", list("android", "ios"), "else", "other", "missing", "other"),
				field(24, "event", "event_id", true)),
			stream(30, "partner.acme-ads.apps", "app_usage", "json", 7*24*time.Hour,
				field(40, "visitor", "pseudonym", "subscriber.msisdn"),
				field(41, "category", "map", "app.package", "with", "lists/app-categories.csv", "else", "withhold"),
				field(42, "period", "round_down", "started_at", "to", "15m"),
				field(43, "seconds", "bucket", "duration_s", "edges", list(60, 600, 3600))),
			stream(50, "partner.acme-ads.interests", "search", "json", 24*time.Hour,
				field(60, "visitor", "pseudonym", "subscriber.msisdn"),
				field(61, "site", "domain", "page.url", "with", "lists/sites.txt", "else", "other", "missing", "none"),
				field(62, "period", "round_down", "searched_at", "to", "15m")),
		},
	}
}

func sampleShape(t testing.TB, file string) *schema.Shape {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "samples", "schemas", file))
	if err != nil {
		t.Fatal(err)
	}
	parse := schema.ParseAvro
	if strings.HasSuffix(file, ".json") {
		parse = schema.ParseJSONSchema
	}
	shape, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return shape
}

// inputs is the sample configuration.
func inputs(t testing.TB) Inputs {
	shapes := map[string]*schema.Shape{
		"location":  sampleShape(t, "location.avsc"),
		"app_usage": sampleShape(t, "app_usage.avsc"),
		"search":    sampleShape(t, "search.schema.json"),
	}
	return Inputs{
		House:   testHouse(t, nil),
		Sources: []SourceSpec{locationSource(), appSource(), searchSource()}, Partners: []PartnerSpec{acme()},
		Shape: func(s string) *schema.Shape { return shapes[s] },
		ReadFile: func(path string) ([]byte, error) {
			if !filepath.IsLocal(path) {
				return nil, errors.New("not local")
			}
			return fs.ReadFile(os.DirFS("../deploy/samples"), path)
		},
		SubjectKind: "msisdn", Region: "US", NationalKnown: func(r string) bool { return r == "US" },
		NowMS: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixMilli(),
	}
}

// testHouse is the samples' lists, where change has not said otherwise. What does not change is made once: its lists are
// large.
func testHouse(t testing.TB, change func(*HouseFiles)) *House {
	t.Helper()
	if change == nil {
		return sampleHouse()
	}
	f := sampleLists
	change(&f)
	h, problems := NewHouse(f)
	for _, p := range problems {
		t.Fatalf("%v: %s", p.Pos, p.Message)
	}
	return h
}

const mainFile = "consentry.yaml"

var sampleLists = HouseFiles{
	At: Pos{File: mainFile}, Region: "US", ReadFile: func(path string) ([]byte, error) { return fs.ReadFile(os.DirFS("../deploy/samples"), path) },
	Places: txt(mainFile, 3, "lists/places.consentry"), PlacesWarn: 35 * 24 * time.Hour, PlacesPark: 90 * 24 * time.Hour,
	Domains: txt(mainFile, 4, "lists/topic-domains.csv"),
}

var sampleHouse = sync.OnceValue(func() *House {
	h, problems := NewHouse(sampleLists)
	if h == nil {
		panic(problems[0].Message)
	}
	return h
})

func compile(t testing.TB, in Inputs) *Set {
	t.Helper()
	set, problems := Compile(in)
	for _, p := range problems {
		t.Errorf("%s:%d:%d: %s", p.Pos.File, p.Pos.Line, p.Pos.Column, p.Message)
	}
	if set == nil {
		t.FailNow()
	}
	return set
}

func TestSamplesCompile(t *testing.T) {
	set := compile(t, inputs(t))
	p := set.Partners[0]
	if len(p.Streams) != 3 || len(p.Sources) != 3 || p.ContractEndMS != time.Date(2099, 7, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		t.Fatalf("%d streams over %d sources, contract ends %d", len(p.Streams), len(p.Sources), p.ContractEndMS)
	}
	wantNeeds := [][]string{{"location"}, {"app_usage"}, {"browsing", "search"}}
	for i, s := range p.Streams {
		if !slices.Equal(s.Needs, wantNeeds[i]) || !s.Linked || s.KeyField != 0 {
			t.Errorf("%s: needs %v, linked %v, key field %d", s.Topic, s.Needs, s.Linked, s.KeyField)
		}
	}
	src := p.Sources[0]
	want := []string{
		"subscriber.msisdn", "subscriber.account_id", "observed_at", "subscriber.activated_at", "position.lat", "position.lon",
		"position.accuracy", "subscriber.minor", "signals.gpc", "device.os",
	}
	if !slices.Equal(src.Layout.Paths, want) {
		t.Errorf("layout %v", src.Layout.Paths)
	}
	for i, path := range src.Layout.Paths {
		if src.Layout.Required[i] != (path != "device.os") {
			t.Errorf("%s: required %v: every path that the source's file names must be there, and no other", path, src.Layout.Required[i])
		}
	}
	if src.Layout.Paths[src.SubjectSlot] != "subscriber.msisdn" || src.Layout.Paths[src.TimeSlot] != "observed_at" ||
		src.Layout.Paths[src.LineSinceSlot] != "subscriber.activated_at" || src.SchemaSubject != "raw.location-value" {
		t.Errorf("slots %d %d %d, subject %q", src.SubjectSlot, src.TimeSlot, src.LineSinceSlot, src.SchemaSubject)
	}
	out := p.Streams[0].Output
	if out.Name != "partner_acme_ads_location" || out.Fields[2].Kind != schema.Time || !slices.Equal(out.Fields[3].Values, []string{"android", "ios", "other"}) {
		t.Errorf("output %+v", out)
	}
	for _, f := range p.Streams[0].Output.Fields {
		for _, path := range src.Layout.Paths {
			if strings.Contains(f.Doc, path) {
				t.Errorf("the doc of %s names the raw path %s", f.Name, path)
			}
		}
	}
	if bits := p.Streams[0].Fields[1].Bits; math.Abs(bits-math.Log2(6*math.Pow(4, 12))) > 1e-9 {
		t.Errorf("an s2 cell of level 12 has %v bits", bits)
	}
}

func TestListings(t *testing.T) {
	for _, s := range compile(t, inputs(t)).Partners[0].Streams {
		golden(t, filepath.Join("testdata", s.Topic+".txt"), s.Listing())
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// A contract that is over compiles, leads the listing, and changes neither revision nor claim.
func TestEndedContractLeads(t *testing.T) {
	in := inputs(t)
	before := compile(t, in)
	in.NowMS = before.Partners[0].ContractEndMS
	after := compile(t, in)
	s := after.Partners[0].Streams[0]
	const lead = "CONTRACT ENDED on 2099-06-30, 24:00 UTC: every event is withheld as contract_ended\nSAME PERSON FOR 7d: "
	if !strings.HasPrefix(s.Listing(), lead) || !strings.HasSuffix(s.Listing(), "\npseudonymous: personal data\n") {
		t.Errorf("listing:\n%s", s.Listing())
	}
	if before.Revision != after.Revision {
		t.Error("the revision depends on the day")
	}
	in.NowMS--
	if s := compile(t, in).Partners[0].Streams[0]; !strings.HasPrefix(s.Listing(), "SAME PERSON FOR 7d: ") {
		t.Errorf("a millisecond before the end the listing begins with %q", s.Listing()[:40])
	}
}

// Whatever decides changes the revision; the order of reading and a second run do not.
func TestRevision(t *testing.T) {
	base := compile(t, inputs(t)).Revision
	if again := compile(t, inputs(t)).Revision; again != base || len(base) != 64 {
		t.Fatalf("%q and %q", base, again)
	}
	for name, change := range map[string]func(*Inputs){
		"mode": func(in *Inputs) { in.Partners[0].Mode.Value = "shadow" },
		"level": func(in *Inputs) {
			in.Partners[0].Streams[0].Fields[1] = field(21, "area", "s2", "position", "level", 11)
		},
		"past":            func(in *Inputs) { in.Sources[0].Time.Past.Value = time.Hour },
		"identifiers":     func(in *Inputs) { in.Sources[0].Identifiers = in.Sources[0].Identifiers[1:] },
		"signal":          func(in *Inputs) { in.Sources[0].OptOutIfSet = nil },
		"same_person_for": func(in *Inputs) { in.Partners[0].Streams[0].SamePersonFor.Value = 24 * time.Hour },
		"closed list":     func(in *Inputs) { in.Partners[0].Streams[0].Fields[3].Entries[1].Value.List[0].Str = "tizen" },
		"purpose":         func(in *Inputs) { in.Partners[0].Purpose.Value = "measurement" },
		"also_near":       func(in *Inputs) { in.Partners[0].Streams[0].AlsoNear = []Text{txt(acmeFile, 25, "stadium")} },
		"also_topics":     func(in *Inputs) { in.Partners[0].Streams[1].AlsoTopics = []Text{txt(acmeFile, 45, "Automotive")} },
		"jurisdiction":    func(in *Inputs) { in.Sources[0].Jurisdiction.Residence = txt(locationFile, 22, "network.kind") },
		"content of the house's lists": func(in *Inputs) {
			in.House = testHouse(t, func(f *HouseFiles) {
				f.ReadFile = func(path string) ([]byte, error) {
					raw, err := sampleLists.ReadFile(path)
					return []byte(strings.Replace(string(raw), "bloomhavenclinic", "bloomheavenclinic", 1)), err
				}
			})
		},
		"list content": func(in *Inputs) {
			read := in.ReadFile
			in.ReadFile = func(path string) ([]byte, error) {
				raw, err := read(path)
				if strings.HasSuffix(path, ".csv") {
					raw = []byte(strings.Replace(string(raw), "com.northmaps.app,maps", "com.northmaps.beta,maps", 1))
				}
				return raw, err
			}
		},
	} {
		in := inputs(t)
		change(&in)
		if compile(t, in).Revision == base {
			t.Errorf("%s: the revision stays", name)
		}
	}
}

// TestBitsOfAnotherTime: `past` and `future` bound the event's own time and no other. When a line was activated tells
// far more, and the officer who signs must see it.
func TestBitsOfAnotherTime(t *testing.T) {
	in := inputs(t)
	in.Partners[0].Streams = []StreamSpec{stream(12, "partner.acme-ads.location", "location", "json", 7*24*time.Hour,
		field(20, "period", "round_down", "observed_at", "to", "1h"), field(21, "active", "round_down", "subscriber.activated_at", "to", "1h"))}
	fields := compile(t, in).Partners[0].Streams[0].Fields
	if own := fields[0].Bits; own < 7 || own > 8 {
		t.Errorf("an hour of 7 days and 5 minutes has %v bits", own)
	}
	if other := fields[1].Bits; other < 26 {
		t.Errorf("an hour of any year has %v bits", other)
	}
}
