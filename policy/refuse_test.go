package policy

// Everything that is refused, each with its exact words and place, in testdata/refused.txt: read that file to see how
// this package says no.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/schema"
)

// refusals change one thing in a configuration that compiles.
var refusals = []struct {
	name   string
	change func(*Inputs)
}{
	{"path that the schema lacks, in a field", one("keep", "device.oss", "oneof", list("android"))},
	{"path that the schema lacks, nothing near", one("keep", "weather", "oneof", list("rain"))},
	{"path that the schema lacks, in the source: subject", source0(func(s *SourceSpec) { s.SubjectField.Value = "subscriber.msisd" })},
	{"path that the schema lacks, in the source: flag", source0(func(s *SourceSpec) { s.OptOutIfSet[0].Path.Value = "signals.gcp" })},
	{"path that the schema lacks, in the source: identifier", source0(func(s *SourceSpec) { s.Identifiers[1].Value = "device.imie" })},
	{"path in an array", one("keep", "cell.neighbours", "oneof", list(1))},
	{"path that is a record", one("keep", "network", "oneof", list("a"))},
	{"kept float", one("keep", "position.accuracy")},
	{"kept float that is no position", source0(func(s *SourceSpec) { s.Position = nil }, field(20, "x", "keep", "position.accuracy"))},
	{"kept free string", one("keep", "device.model")},
	{"kept integer without bounds", one("keep", "network.bars")},
	{"kept time", one("keep", "observed_at")},
	{"kept time that is not the event's", one("keep", "subscriber.activated_at")},
	{"bucket over an integer time", func(in *Inputs) {
		in.Sources[0].Time.Field.Value, in.Sources[0].Time.Unit = "cell.lac", txt(locationFile, 10, "ms")
		one("bucket", "cell.lac", "edges", list(1))(in)
	}},
	{"kept bytes", one("keep", "probe")},
	{"look-up over the account", one("map", "subscriber.account_id", "with", "lists/app-categories.csv")},
	{"look-up over an identifier", one("keep", "device.imei", "oneof", list("a"))},
	{"look-up over a record that holds an identifier", one("keep", "device", "oneof", list("a"))},
	{"look-up beneath an identifier that is a record", source0(func(s *SourceSpec) { s.Identifiers[1].Value = "device" })},
	{"look-up over the subject", one("map", "subscriber.msisdn", "with", "lists/app-categories.csv")},
	{"other filter over a position", one("bucket", "position.lat", "edges", list(0))},
	{"other filter over a position as a whole", one("keep", "position", "oneof", list("a"))},
	{"other filter over the accuracy", one("bucket", "position.accuracy", "edges", list(100))},
	{"pseudonym of something else", one("pseudonym", "device.model")},
	{"s2 over something else", one("s2", "position.lat", "level", 12)},
	{"s2 without a position in the source", source0(func(s *SourceSpec) { s.Position = nil }, field(20, "x", "s2", "position", "level", 12))},
	{"missing contract", func(in *Inputs) { in.Partners[0].Contract = nil }},
	{"contract that allows re-identification", func(in *Inputs) { in.Partners[0].Contract.ForbidsReidentification = false }},
	{"contract without an id", func(in *Inputs) { in.Partners[0].Contract.ID = Text{} }},
	{"contract until no date", func(in *Inputs) { in.Partners[0].Contract.Until.Value = "2026-02-30" }},
	{"topic of another partner", stream0(func(s *StreamSpec) { s.Topic.Value = "partner.globex.location" })},
	{"topic without a name", stream0(func(s *StreamSpec) { s.Topic.Value = "partner.acme-ads." })},
	{"topic of a partner whose name begins the same", stream0(func(s *StreamSpec) { s.Topic.Value = "partner.acme-ads2.location" })},
	{"topic that is a source's", func(in *Inputs) { in.Sources[1].Topic.Value = in.Partners[0].Streams[0].Topic.Value }},
	{"topic that is another stream's", stream0(func(s *StreamSpec) { s.Topic.Value = "partner.acme-ads.apps" })},
	{"two sources on one topic", func(in *Inputs) { in.Sources[1].Topic.Value = "raw.location" }},
	{"s2 floor", one("s2", "position", "level", 13)},
	{"s2 without a level", one("s2", "position")},
	{"s2 level that is none", one("s2", "position", "level", 31)},
	{"round_down floor with location", one("round_down", "observed_at", "to", "30m")},
	{"round_down floor without location", app("round_down", "started_at", "to", "5m")},
	{"round_down that does not divide a day", one("round_down", "observed_at", "to", "5h")},
	{"round_down of days and hours", one("round_down", "observed_at", "to", "36h")},
	{"round_down without a length", one("round_down", "observed_at")},
	{"round_down over a string with symbols", one("round_down", "network.kind", "to", "1h")},
	{"round_down over an integer of no unit", one("round_down", "network.bars", "to", "1h")},
	{"oneof value that is no symbol", one("keep", "network.kind", "oneof", list("G4", "LTE"))},
	{"oneof number over a string", one("keep", "device.os", "oneof", list(1))},
	{"oneof text over an integer", one("keep", "network.bars", "oneof", list("many"))},
	{"oneof without values", one("keep", "device.os", "oneof", list())},
	{"oneof twice the same", one("keep", "device.os", "oneof", list("ios", "ios"))},
	{"oneof with a domain that is none", search("domain", "page.url", "oneof", list("localhost"))},
	{"oneof with a host below a domain", search("domain", "page.url", "oneof", list("www.shopmart.com"))},
	{"oneof with a person's host", search("domain", "page.url", "oneof", list("alice.github.io"))},
	{"oneof with 65 values", one("keep", "device.os", "oneof", many(65))},
	{"oneof with 64 values and an else", one("keep", "device.os", "oneof", many(64), "else", "other")},
	{"oneof and between", one("keep", "network.bars", "oneof", list(1), "between", list(0, 5))},
	{"between with 65 values", one("keep", "network.bars", "between", list(0, 64))},
	{"between upside down", one("keep", "network.bars", "between", list(5, 0))},
	{"between of everything", one("keep", "network.bars", "between", list(-9223372036854775808, 9223372036854775807))},
	{"between over a string", one("keep", "device.os", "between", list(0, 5))},
	{"else of another type", one("keep", "network.bars", "between", list(0, 5), "else", "many")},
	{"else null", one("keep", "device.os", "oneof", list("ios"), "else", nil)},
	{"else for a boolean", one("keep", "network.roaming", "else", true)},
	{"else for a bucket", one("bucket", "network.bars", "edges", list(1), "else", "x")},
	{"missing withhold", one("keep", "network.roaming", "missing", "withhold")},
	{"missing of another type", one("keep", "network.roaming", "missing", "unknown")},
	{"missing with a value for a filter without a list", one("s2", "position", "level", 12, "missing", "none")},
	{"missing for a pseudonym", one("pseudonym", "subscriber.msisdn", "missing", nil)},
	{"bucket without edges", one("bucket", "network.bars")},
	{"bucket with falling edges", one("bucket", "network.bars", "edges", list(5, 1))},
	{"bucket with a text as edge", one("bucket", "network.bars", "edges", list(1, "2"))},
	{"bucket with 65 values", one("bucket", "network.bars", "edges", numbers(64))},
	{"bucket over a string", one("bucket", "device.os", "edges", list(1))},
	{"map without a file", one("map", "device.os")},
	{"map with a file that is not there", one("map", "device.os", "with", "lists/none.csv")},
	{"map over an integer", one("map", "network.bars", "with", "lists/app-categories.csv")},
	{"map with another header", withFile("a,b\nx,y\n", "map")},
	{"map with a duplicate", withFile("from,to\nx,y\nz,y\nx,w\n", "map")},
	{"map with a third column", withFile("from,to\nx,y\nz,y,w\n", "map")},
	{"map with an empty value", withFile("from,to\nx,\n", "map")},
	{"map with nothing", withFile("from,to\n", "map")},
	{"map with 1,001 values", withFile("from,to\n"+rows(1001), "map")},
	{"domain without a list", search("domain", "page.url")},
	{"domain with two lists", search("domain", "page.url", "oneof", list("a.com"), "with", "lists/sites.txt")},
	{"domain list with an address", withFile("shopmart.com # shop\n\n# more\n10.0.0.1\n", "domain")},
	{"domain list with nothing", withFile("# later\n", "domain")},
	{"domain over an enum", source0(func(s *SourceSpec) { s.URL = txt(locationFile, 15, "network.kind") }, field(20, "x", "domain", "network.kind", "oneof", list("a.com")))},
	{"constant that is a float", one("constant", 1.5)},
	{"constant null", one("constant", nil)},
	{"constant with an option", one("constant", "x", "else", "y")},
	{"event_id of a field", one("event_id", "device.os")},
	{"unknown filter", one("keeep", "device.os")},
	{"filter of a later version", one("h3", "position", "resolution", 7)},
	{"no filter", one()},
	{"two filters", one("keep", "device.os", "map", "device.os")},
	{"unknown option", one("keep", "device.os", "onof", list("ios"))},
	{"filter without a field", one("keep", 5)},
	{"two fields of one name", stream0(func(s *StreamSpec) { s.Fields = append(s.Fields, field(29, "os", "constant", 1)) })},
	{"names that collide in Avro", stream0(func(s *StreamSpec) {
		s.Fields = append(s.Fields, field(28, "a-b", "constant", 1), field(29, "a_b", "constant", 2))
	})},
	{"name that Avro cannot hold", stream0(func(s *StreamSpec) { s.Fields = append(s.Fields, field(29, "4g", "constant", 1)) })},
	{"two pseudonyms", stream0(func(s *StreamSpec) {
		s.Fields = append(s.Fields, field(29, "again", "pseudonym", "subscriber.msisdn"))
	})},
	{"no fields", stream0(func(s *StreamSpec) { s.Fields = nil })},
	{"no streams", func(in *Inputs) { in.Partners[0].Streams = nil }},
	{"unknown source", stream0(func(s *StreamSpec) { s.Source.Value = "locations" })},
	{"profile by default", stream0(func(s *StreamSpec) { s.Profile, s.SamePersonFor = Text{}, Duration{} })},
	{"profile unlinked", stream0(func(s *StreamSpec) { s.Profile.Value, s.SamePersonFor = "unlinked", Duration{} })},
	{"profile bundle", stream0(func(s *StreamSpec) { s.Profile.Value, s.SamePersonFor = "bundle", Duration{} })},
	{"profile aggregate", stream0(func(s *StreamSpec) { s.Profile.Value, s.SamePersonFor = "aggregate", Duration{} })},
	{"unknown profile", stream0(func(s *StreamSpec) { s.Profile.Value = "pseudonymus" })},
	{"same_person_for in another profile", stream0(func(s *StreamSpec) { s.Profile.Value = "unlinked" })},
	{"same_person_for missing", stream0(func(s *StreamSpec) { s.SamePersonFor = Duration{} })},
	{"same_person_for shorter than half of future", func(in *Inputs) {
		in.Sources[0].Time.Future.Value = 24 * time.Hour
		in.Partners[0].Streams[0].SamePersonFor.Value = 11 * time.Hour
	}},
	{"same_person_for too long", stream0(func(s *StreamSpec) { s.SamePersonFor.Value = 31 * 24 * time.Hour })},
	{"same_person_for of half hours", stream0(func(s *StreamSpec) { s.SamePersonFor.Value = 90 * time.Minute })},
	{"crowd", stream0(func(s *StreamSpec) { s.NotYet = []Text{txt(acmeFile, 15, "crowd")} })},
	{"at_most", stream0(func(s *StreamSpec) { s.NotYet = []Text{txt(acmeFile, 15, "at_most")} })},
	{"format", stream0(func(s *StreamSpec) { s.Format.Value = "csv" })},
	{"mode", func(in *Inputs) { in.Partners[0].Mode.Value = "dry" }},
	{"no purpose", func(in *Inputs) { in.Partners[0].Purpose = Text{} }},
	{"two partners of one name", func(in *Inputs) {
		in.Partners = append(in.Partners, acme())
		in.Partners[1].Name.Pos.File = "partners/other.yaml"
		in.Partners[1].Streams = in.Partners[1].Streams[:1]
		in.Partners[1].Streams[0].Topic.Value = "partner.acme-ads.more"
	}},
	{"two sources of one name", func(in *Inputs) { in.Sources[1].Name.Value = "location" }},
	{"source on a partner topic", source0(func(s *SourceSpec) { s.Topic.Value = "partner.acme-ads.raw" })},
	{"subject that is no string", source0(func(s *SourceSpec) { s.SubjectField.Value = "cell.id" }, field(20, "x", "constant", 1))},
	{"form for another kind", func(in *Inputs) { in.SubjectKind = "opaque" }},
	{"national in a region nobody knows", func(in *Inputs) { in.Region, in.Sources[0].SubjectForm.Value = "AQ", "national" }},
	{"time without a zone", zoneless},
	{"time that is an integer without a unit", source0(func(s *SourceSpec) { s.Time.Field.Value = "cell.id" }, field(20, "x", "constant", 1))},
	{"time that is a float", source0(func(s *SourceSpec) { s.Time.Field.Value = "position.accuracy" }, field(20, "x", "constant", 1))},
	{"unit for a time that has one", source0(func(s *SourceSpec) { s.Time.Unit = txt(locationFile, 10, "ms") })},
	{"past missing", source0(func(s *SourceSpec) { s.Time.Past = Duration{} })},
	{"future too long", source0(func(s *SourceSpec) { s.Time.Future.Value = 48 * time.Hour })},
	{"line_since that is no time", source0(func(s *SourceSpec) { s.LineSince.Value = "subscriber.minor" })},
	{"position that is no number", source0(func(s *SourceSpec) { s.Position.Lat.Value = "device.model" }, field(20, "x", "constant", 1))},
	{"position of one field", source0(func(s *SourceSpec) { s.Position.Lon.Value = "position.lat" })},
	{"release_only_if_false by another name", source0(func(s *SourceSpec) { s.ReleaseOnlyIfFalse[0].Name.Value = "child" })},
	{"release_only_if_false that is no boolean", source0(func(s *SourceSpec) { s.ReleaseOnlyIfFalse[0].Path.Value = "device.model" })},
	{"position and no list of places", func(in *Inputs) {
		h := *in.House
		h.Places, in.House = nil, &h
	}},
	{"search without the query", func(in *Inputs) { in.Sources[2].Query = Text{} }},
	{"app usage without the app", func(in *Inputs) { in.Sources[1].App = Text{} }},
	{"browsing without the url", func(in *Inputs) { in.Sources[0].Category.Value = "browsing" }},
	{"domain of what is not the source's url", search("domain", "search.engine", "oneof", list("shopmart.com"))},
	{"domain without the source's url", func(in *Inputs) { in.Sources[2].URL = Text{} }},
	{"source that does not tell minors", source0(func(s *SourceSpec) { s.ReleaseOnlyIfFalse = nil })},
	{"also_near a category that is not in the list", stream0(func(s *StreamSpec) { s.AlsoNear = []Text{txt(acmeFile, 15, "stadion")} })},
	{"also_near without a position", func(in *Inputs) { in.Partners[0].Streams[1].AlsoNear = []Text{txt(acmeFile, 35, "stadium")} }},
	{"also_topics that is no node", func(in *Inputs) { in.Partners[0].Streams[1].AlsoTopics = []Text{txt(acmeFile, 35, "Cars")} }},
	{"also_topics without a topic", stream0(func(s *StreamSpec) { s.AlsoTopics = []Text{txt(acmeFile, 15, "Automotive")} })},
	{"jurisdiction that is no string", source0(func(s *SourceSpec) { s.Jurisdiction.Place = txt(locationFile, 15, "cell.lac") })},
	{"text without a crowd", search("text", "search.text")},
	{"text of what is no search", search("text", "page.url")},
	{"topic of what the source names as nothing", search("topic", "search.engine")},
	{"topic that is sensitive", search("topic", "search.text", "oneof", list("Soccer", "Judaism"))},
	{"topic that is none", search("topic", "search.text", "oneof", list("Football players"))},
	{"identifier among the values kept", one("keep", "device.model", "oneof", list("Nova-7", "bob@example.com"))},
	{"identifier as a number", one("keep", "network.bars", "oneof", list(3, 4111111111111111))},
	{"identifier as a constant", one("constant", "call +44 20 7946 0958")},
	{"identifier for what is missing", one("keep", "device.os", "oneof", list("ios"), "missing", "356938035643809")},
	{"identifier for the rest", one("keep", "device.os", "oneof", list("ios"), "else", "10.1.2.3")},
	{"identifier that a map gives", withFile("from,to\nx,shop\nz,AA:BB:CC:DD:EE:FF\n", "map")},
	{"identifier between two numbers", one("keep", "cell.lac", "between", list(4111111111111110, 4111111111111112))},
	{"identifier as an edge", one("bucket", "network.bars", "edges", list(10, 4155552671))},
	{"identifier that another message would repeat", one("keep", "device.model", "oneof", list("ann@example.com", "ann@example.com"))},
	{"identifier beside another mistake", one("keep", "device.model", "oneof", list("bob@example.com", 5))},
	{"url that is no string", source0(func(s *SourceSpec) { s.URL = txt(locationFile, 15, "cell.lac") })},
}

// one gives the location stream a single field.
func one(pairs ...any) func(*Inputs) {
	return func(in *Inputs) { in.Partners[0].Streams[0].Fields = []FieldSpec{field(20, "x", pairs...)} }
}

func app(pairs ...any) func(*Inputs) {
	return func(in *Inputs) { in.Partners[0].Streams[1].Fields = []FieldSpec{field(20, "x", pairs...)} }
}

func search(pairs ...any) func(*Inputs) {
	return func(in *Inputs) { in.Partners[0].Streams[2].Fields = []FieldSpec{field(20, "x", pairs...)} }
}

// source0 changes the location source and, where given, the fields of its stream.
func source0(change func(*SourceSpec), fields ...FieldSpec) func(*Inputs) {
	return func(in *Inputs) {
		change(&in.Sources[0])
		if fields != nil {
			in.Partners[0].Streams[0].Fields = fields
		}
	}
}

func stream0(change func(*StreamSpec)) func(*Inputs) {
	return func(in *Inputs) { change(&in.Partners[0].Streams[0]) }
}

// withFile lets a filter over a free string read this list.
func withFile(content, filter string) func(*Inputs) {
	return func(in *Inputs) {
		if filter == "domain" {
			search(filter, "page.url", "with", "lists/x")(in)
		} else {
			one(filter, "device.model", "with", "lists/x")(in)
		}
		read := in.ReadFile
		in.ReadFile = func(path string) ([]byte, error) {
			if path == "lists/x" {
				return []byte(content), nil
			}
			return read(path)
		}
	}
}

func zoneless(in *Inputs) {
	shape, err := schema.ParseAvro([]byte(`{"type":"record","name":"L","fields":[
		{"name":"msisdn","type":"string"},{"name":"at","type":{"type":"long","logicalType":"local-timestamp-millis"}}]}`))
	if err != nil {
		panic(err)
	}
	in.Sources = []SourceSpec{{
		Name: txt(locationFile, 2, "location"), Topic: txt(locationFile, 3, "raw.location"), Format: txt(locationFile, 4, "avro"),
		Category: txt(locationFile, 5, "location"), SubjectField: txt(locationFile, 6, "msisdn"), LineSince: txt(locationFile, 9, "at"),
		Time: TimeSpec{Field: txt(locationFile, 10, "at"), Past: dur(locationFile, 11, time.Hour), Future: dur(locationFile, 12, 0)},
	}}
	in.Shape = func(string) *schema.Shape { return shape }
	in.Partners[0].Streams = in.Partners[0].Streams[:1]
	in.Partners[0].Streams[0].Fields = []FieldSpec{field(20, "x", "round_down", "at", "to", "1h")}
}

func many(n int) []any {
	var out []any
	for i := range n {
		out = append(out, fmt.Sprintf("v%d", i))
	}
	return out
}

func numbers(n int) []any {
	var out []any
	for i := range n {
		out = append(out, i)
	}
	return out
}

func rows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d,t%d\n", i, i)
	}
	return b.String()
}

func TestRefused(t *testing.T) {
	var got strings.Builder
	var names []string
	for _, c := range refusals {
		if slices.Contains(names, c.name) {
			t.Errorf("two cases are named %q", c.name)
		}
		names = append(names, c.name)
		in := inputs(t)
		c.change(&in)
		set, problems := Compile(in)
		if set != nil || len(problems) == 0 {
			t.Errorf("%s: compiled", c.name)
		}
		fmt.Fprintf(&got, "# %s\n", c.name)
		for _, p := range problems {
			fmt.Fprintf(&got, "%s:%d:%d: %s\n", p.Pos.File, p.Pos.Line, p.Pos.Column, p.Message)
			if p.Pos.Line == 0 {
				t.Errorf("%s: %q has no place", c.name, p.Message)
			}
		}
		got.WriteByte('\n')
	}
	golden(t, "testdata/refused.txt", got.String())
}

// All problems of all files come out of one run, in the order of the files.
func TestAllProblemsInOneRun(t *testing.T) {
	in := inputs(t)
	in.Partners[0].Contract = nil
	in.Partners[0].Streams[0].Fields[1] = field(21, "area", "s2", "position", "level", 14)
	in.Partners[0].Streams[2].Fields[1] = field(61, "site", "keep", "page.title")
	in.Sources[1].LineSince.Value = "nowhere"
	_, problems := Compile(in)
	var places []string
	for _, p := range problems {
		places = append(places, fmt.Sprintf("%s:%d", p.Pos.File, p.Pos.Line))
	}
	want := []string{acmeFile + ":2", acmeFile + ":21", acmeFile + ":61", appFile + ":9"}
	if !slices.Equal(places, want) {
		t.Errorf("got %v, want %v", places, want)
	}
}

// A schema that could not be had was reported by the caller: the rest is still checked, and nothing compiles.
func TestWithoutSchema(t *testing.T) {
	in := inputs(t)
	in.Shape = func(string) *schema.Shape { return nil }
	in.ReadFile = func(string) ([]byte, error) { return nil, errors.New("no") }
	in.Partners[0].Contract = nil
	if set, problems := Compile(in); set != nil || len(problems) != 1 {
		t.Errorf("set %v, %v", set, problems)
	}
	in.Partners[0].Contract = acme().Contract
	if set, problems := Compile(in); set != nil || len(problems) != 0 {
		t.Errorf("without schemas a set came out: %v, %v", set, problems)
	}
}
