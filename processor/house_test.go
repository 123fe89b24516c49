package processor

// The small house that these tests decide in: one JSON and one Avro source, two streams with different needs, consents
// in a map, keys that do what a test wants.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
)

const subject = "+12025550123"

var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	noonMS = noon.UnixMilli()
)

const house = `apiVersion: consentry/v1
environment: test
kafka: {brokers: [127.0.0.1:9092], group: consentry, instance: 0}
registry: {raw: {url: "http://127.0.0.1:1"}, partner: {url: "http://127.0.0.1:2"}}
redis: {url: "redis://127.0.0.1:6379/0"}
consent: {subject: msisdn, region: US, park_when_stale: 2s}
keys: {dir: keys}
detect: {places: {file: places.consentry, park_after: 90d}, topics: {apps: apps.csv}, jurisdictions: jurisdictions.csv}
quarantine: consentry.quarantine
tally: consentry.tally
admin: 127.0.0.1:9464
sources: sources/*.yaml
partners: partners/*.yaml
`

const source1 = `apiVersion: consentry/v1
source: %s
topic: raw.%s
format: %s
schema: {file: ../%s}
category: app_usage
subject: {field: who.id, form: e164}
account: who.account
line_since: who.born
time: {field: at, past: 7d, future: 5m}
url: url
app: app
query: text
position: {lat: pos.lat, lon: pos.lon, accuracy_m: pos.acc}
jurisdiction: {residence: who.land}
release_only_if_false: {minor: who.minor, protected: who.prot}
opt_out_if_set: {gpc: gpc}
`

const partner1 = `apiVersion: consentry/v1
partner: acme
contract: {id: C-1, until: 2099-12-31, forbids_reidentification: true}
purpose: ads
mode: live
streams:
  - topic: partner.acme.%[1]s-plain
    source: %[1]s
    profile: pseudonymous
    same_person_for: 1d
    format: %[1]s
    fields:
      visitor: {pseudonym: who.id}
      kind:    {keep: kind, oneof: [x, y]}
      size:    {bucket: n, edges: [10, 100], missing: null}
      event:   {event_id: true}
  - topic: partner.acme.%[1]s-web
    source: %[1]s
    profile: pseudonymous
    same_person_for: 1d
    format: json
    fields:
      visitor: {pseudonym: who.id}
      site:    {domain: url, with: ../sites.txt, else: other, missing: none}
      area:    {s2: position, level: 12, missing: null}
      period:  {round_down: at, to: 1h}
    withhold: {also_near: [stadium], also_topics: [Automotive]}
`

const jsonSchema = `{"type":"object","properties":{
 "who":{"type":"object","properties":{"id":{"type":["string","null"]},"account":{"type":"string"},
  "born":{"type":["string","null"],"format":"date-time"},"minor":{"type":["boolean","null"]},"prot":{"type":["boolean","null"]},"land":{"type":["string","null"]}}},
 "app":{"type":["string","null"]},"text":{"type":["string","null"]},
 "pos":{"type":["object","null"],"properties":{"lat":{"type":["number","null"]},"lon":{"type":["number","null"]},"acc":{"type":["number","null"]}}},
 "at":{"type":["string","null"],"format":"date-time"},"gpc":{"type":["boolean","null"]},"kind":{"type":["string","null"]},
 "n":{"type":["integer","null"]},"url":{"type":["string","null"]},"note":{"type":"string"}}}`

const avroSchema = `{"type":"record","name":"E","fields":[
 {"name":"who","type":{"type":"record","name":"W","fields":[
  {"name":"id","type":["null","string"]},{"name":"account","type":"string"},
  {"name":"born","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
  {"name":"minor","type":["null","boolean"]},{"name":"prot","type":["null","boolean"]},{"name":"land","type":["null","string"]}]}},
 {"name":"app","type":["null","string"]},{"name":"text","type":["null","string"]},
 {"name":"pos","type":["null",{"type":"record","name":"P","fields":[{"name":"lat","type":"double"},{"name":"lon","type":"double"},{"name":"acc","type":["null","double"]}]}]},
 {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},{"name":"gpc","type":["null","boolean"]},
 {"name":"kind","type":["null","string"]},{"name":"n","type":["null","long"]},{"name":"url","type":["null","string"]},{"name":"note","type":"string"}]}`

// compiled compiles the house; each test gets its own, which it may change.
func compiled(t testing.TB) *policy.Partner {
	t.Helper()
	fs := fstest.MapFS{
		"consentry.yaml": {Data: []byte(house)}, "sites.txt": {Data: []byte("example.com\nexample.org\n")},
		"apps.csv":      {Data: []byte("from,to\ncom.example.secret,health\n")},
		"j.schema.json": {Data: []byte(jsonSchema)}, "a.avsc": {Data: []byte(avroSchema)},
		"sources/j.yaml": {Data: fmt.Appendf(nil, source1, "json", "json", "json", "j.schema.json")},
		"sources/a.yaml": {Data: fmt.Appendf(nil, source1, "avro", "avro", "avro", "a.avsc")},
	}
	both := fmt.Sprintf(partner1, "json")
	second := fmt.Sprintf(partner1, "avro")
	fs["partners/acme.yaml"] = &fstest.MapFile{Data: []byte(both + second[strings.Index(second, "  - topic"):])}
	fs["jurisdictions.csv"] = &fstest.MapFile{Data: []byte("code,of,min_radius_m,since,source,note\nKP,residence,5000,2026-01-01,a test,none\n")}
	places, err := os.ReadFile("../deploy/samples/lists/places.consentry")
	if err != nil {
		t.Fatal(err)
	}
	fs["places.consentry"] = &fstest.MapFile{Data: places}
	world := config.FromFS(fs, nil)
	l := config.Load("consentry.yaml", world)
	if len(l.Problems) > 0 {
		t.Fatalf("configuration: %v", l.Problems)
	}
	lists := houseLists(t, l.Config, world)
	set, problems := policy.Compile(policy.Inputs{
		House:   lists,
		Sources: l.Config.Sources, Partners: l.Config.Partners, ReadFile: world.ReadFile, SubjectKind: "msisdn", Region: "US", NowMS: noonMS,
		Shape: func(name string) *schema.Shape {
			parse, text := schema.ParseAvro, avroSchema
			if name == "json" {
				parse, text = schema.ParseJSONSchema, jsonSchema
			}
			shape, err := parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return shape
		},
	})
	if len(problems) > 0 {
		t.Fatalf("policies: %v", problems)
	}
	return set.Partners[0]
}

// The lists are large, and the same for every test: they are read once.
var (
	readLists sync.Once
	listsRead *policy.House
)

func houseLists(t testing.TB, cfg *config.Config, world config.World) *policy.House {
	readLists.Do(func() {
		d := cfg.Detect
		h, problems := policy.NewHouse(policy.HouseFiles{Region: "US", ReadFile: world.ReadFile, Places: d.Places.File,
			PlacesWarn: d.Places.WarnAfter, PlacesPark: d.Places.ParkAfter, Apps: d.Apps, Jurisdictions: d.Jurisdictions})
		if len(problems) > 0 {
			t.Fatalf("lists: %v", problems)
		}
		listsRead = h
	})
	if listsRead == nil {
		t.Fatal("the lists could not be read")
	}
	h := *listsRead // a test may change it
	return &h
}

// store is a consent.Asker over a map.
type store struct {
	lines     map[consent.ID][]byte
	protected map[consent.ID]bool
	asks      int
	asked     int
	stopped   bool
	short     bool
	err       error
	now       time.Time
}

func (s *store) protect(who string) { s.protected = map[consent.ID]bool{idOf(who): true} }

func (s *store) Ask(_ context.Context, _ string, ids []consent.ID, snap *consent.Snapshot) error {
	s.asks++
	s.asked += len(ids)
	if s.err != nil {
		return s.err
	}
	snap.AskedAt, snap.StoreMS, snap.Epoch, snap.Stopped = s.now, noonMS, 7, s.stopped
	snap.Lines, snap.Protected = snap.Lines[:0], nil
	for _, id := range ids {
		if s.protected != nil {
			snap.Protected = append(snap.Protected, s.protected[id])
		}
	}
	for _, id := range ids {
		snap.Lines = append(snap.Lines, s.lines[id])
	}
	if s.short {
		snap.Lines = snap.Lines[:len(ids)-1]
	}
	return nil
}

// ring is a Keyring whose pseudonym keys have the outcome that a test wants.
type ring struct{ outcome filters.Outcome }

func (r *ring) PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) filters.Outcome {
	*dst = sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", partner, topic, periodMS, epoch))
	return r.outcome
}
func (r *ring) EventKey(dst *[32]byte, partner, topic string) filters.Outcome {
	*dst = sha256.Sum256([]byte(partner + topic))
	return filters.Filled
}
func (r *ring) Generation() uint64 { return uint64(r.outcome) }

// readers knows schema 7 and calls every other id unknown, unless it is sick.
type readers struct {
	reader *schema.Reader
	err    error
	asked  int
}

func (r *readers) Reader(_ context.Context, _ *policy.Source, id int) (*schema.Reader, error) {
	r.asked++
	if r.err != nil {
		return nil, r.err
	}
	if id != 7 {
		return nil, ErrUnknownSchema{}
	}
	return r.reader, nil
}

// bench is one processor with all that surrounds it.
type bench struct {
	partner *policy.Partner
	store   *store
	ring    *ring
	readers *readers
	opt     Options
	*Processor
}

func newBench(t testing.TB, change func(*Options)) *bench {
	t.Helper()
	p := compiled(t)
	b := &bench{partner: p, store: &store{lines: map[consent.ID][]byte{}, now: noon}, ring: &ring{outcome: filters.Filled}, readers: &readers{}}
	for _, s := range p.Sources {
		if s.Format == "avro" {
			r, err := s.Shape.Compile(s.Layout)
			if err != nil {
				t.Fatal(err)
			}
			b.readers.reader = r
		}
	}
	b.opt = Options{
		Partner: p, Readers: b.readers, Consent: b.store, Keys: b.ring, Names: consent.NewNamer([]byte("house")),
		OutputIDs: []int{1, 2, 3, 4}, Now: func() time.Time { return noon },
	}
	if change != nil {
		change(&b.opt)
	}
	var err error
	if b.Processor, err = New(b.opt); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) sourceIndex(name string) int {
	for i, s := range b.partner.Sources {
		if s.Name == name {
			return i
		}
	}
	return -1
}

func idOf(who string) consent.ID { return consent.NewID([]byte("house"), "msisdn", []byte(who)) }

const goodLine = "acme/ads!:app_usage,browsing,location,search@1000-"

// good is an event that both streams release under goodLine. A test changes what it wants.
func good() map[string]any {
	return map[string]any{
		"who": map[string]any{"id": subject, "account": "A1", "born": "1970-01-01T00:00:00Z", "minor": false, "prot": false, "land": "US-TX"},
		"app": "com.northmaps.app", "text": "weather this weekend", "pos": map[string]any{"lat": 40.5, "lon": -100.25, "acc": 30.5},
		"at": "2026-11-22T11:30:00Z", "gpc": nil, "kind": "x", "n": 42, "url": "https://www.example.com/path?q=1", "note": "free text",
	}
}

func (b *bench) json(t testing.TB, event map[string]any) Inbound {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return Inbound{Source: b.sourceIndex("json"), Partition: 3, LeaderEpoch: 1, Offset: 100, TimestampMS: noonMS, Value: text}
}

func (b *bench) avro(t testing.TB, event map[string]any) Inbound {
	t.Helper()
	in := b.json(t, event)
	in.Source = b.sourceIndex("avro")
	in.Value = append(schema.AppendFrame(nil, 7), avroBody(t, event)...)
	return in
}

// avroBody writes times as the numbers that Avro has.
func avroBody(t testing.TB, event map[string]any) []byte {
	t.Helper()
	copyOf := map[string]any{}
	for k, v := range event {
		copyOf[k] = v
	}
	who := map[string]any{}
	for k, v := range event["who"].(map[string]any) {
		who[k] = v
	}
	copyOf["who"] = who
	for _, at := range []struct {
		in  map[string]any
		key string
	}{{copyOf, "at"}, {who, "born"}} {
		if s, ok := at.in[at.key].(string); ok {
			when, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			at.in[at.key] = when.UnixMilli()
		}
	}
	text, err := json.Marshal(copyOf)
	if err != nil {
		t.Fatal(err)
	}
	body, err := schema.AvroFromJSON(avroSchema, text)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// verdicts decides one event and gives the verdict of each stream, from the account.
func (b *bench) verdicts(t testing.TB, in Inbound) (plain, web Reason) {
	t.Helper()
	batch, err := b.Decide(context.Background(), []Inbound{in})
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Tallies) != 2 {
		t.Fatalf("%d tallies, want one for each of the source's 2 streams", len(batch.Tallies))
	}
	return only(t, &batch.Tallies[0]), only(t, &batch.Tallies[1])
}

func only(t testing.TB, tally *Tally) Reason {
	t.Helper()
	found := Undecided
	for r, n := range tally.Counts {
		if n != 0 {
			if found != Undecided || n != 1 {
				t.Fatalf("more than one verdict: %v", tally.Counts)
			}
			found = Reason(r)
		}
	}
	return found
}
