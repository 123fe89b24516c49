package main

// Where the bench runs: two raw topics that hold the same number of events, consents of nine subscribers in ten, one
// partner with one stream for each format.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/internal/e2e/house"
)

const (
	benchSubscribers = 100_000
	benchSeed        = 5
	benchPartitions  = 8
	benchDays        = 3
	benchOptedIn     = 90 // percent
)

// benchFormat is one of the two formats: its raw topic, and the stream that is made of it.
type benchFormat struct {
	name, raw, topic, conf string
	source                 city.Source
	events, bytes          int64 // in the raw topic
	told                   bool
}

const benchPartner = `apiVersion: consentry/v1
partner: bench
contract: {id: BENCH-1, until: 2099-12-31, forbids_reidentification: true}
purpose: advertising
mode: live
streams:
`

// The streams are those of deploy/samples.
var benchStreams = map[string]string{
	"avro": `  - topic: partner.bench.location
    source: location
    profile: pseudonymous
    same_person_for: 7d
    format: avro
    fields:
      visitor: {pseudonym: subscriber.msisdn}
      area:    {s2: position, level: 12}
      period:  {round_down: observed_at, to: 1h}
      os:      {keep: device.os, oneof: [android, ios], else: other, missing: other}
      event:   {event_id: true}
`,
	"json": `  - topic: partner.bench.interests
    source: search
    profile: pseudonymous
    same_person_for: 7d
    format: json
    fields:
      visitor: {pseudonym: subscriber.msisdn}
      site:    {domain: page.url, with: ../lists/sites.txt, else: other, missing: none}
      engine:  {keep: search.engine, oneof: [northfind, lookaround], else: other}
      period:  {round_down: searched_at, to: 1h}
      event:   {event_id: true}
`,
}

type benchStage struct {
	h            *house.House
	r            *report
	formats      []*benchFormat
	bare         string // the loop's binary
	uncompressed string // the worker's, of the build that does not compress
	cl           *kgo.Client
	adm          *kadm.Client
	plain        string // consentry.yaml with GROUP in place of the group
}

func newBenchStage(ctx context.Context, r *report, events int64) (_ *benchStage, err error) {
	s := &benchStage{r: r}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.h, err = house.New(ctx, r); err != nil {
		return nil, err
	}
	if s.bare, err = house.BuildTool(ctx, "./internal/e2e/bareloop", filepath.Join(s.h.Dir, "bareloop")); err != nil {
		return nil, err
	}
	if s.uncompressed, err = house.Build(ctx, s.h.Dir, "uncompressed"); err != nil {
		return nil, err
	}
	if s.cl, err = s.h.Client(kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchMaxBytes(1000012)); err != nil {
		return nil, err
	}
	s.adm = kadm.NewClient(s.cl)
	if err := s.h.Edit("consentry.yaml", "group: consentry ", "group: GROUP "); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(s.h.Config)
	if err != nil {
		return nil, err
	}
	s.plain = string(text)
	s.formats = []*benchFormat{
		{name: "avro", raw: "raw.location", topic: "partner.bench.location", source: city.Location},
		{name: "json", raw: "raw.search", topic: "partner.bench.interests", source: city.Search},
	}
	if err := s.h.MakeRaw(ctx, benchPartitions, rawTopics...); err != nil {
		return nil, err
	}
	for _, f := range s.formats {
		if err := s.prepare(ctx, f); err != nil {
			return nil, err
		}
	}
	if err := s.consents(ctx); err != nil {
		return nil, err
	}
	return s, s.fill(ctx, events)
}

func (s *benchStage) close() error {
	if s.cl != nil {
		s.cl.Close()
	}
	if s.h == nil {
		return nil
	}
	return s.h.Close()
}

// prepare lays out a format's configuration and makes what it needs.
func (s *benchStage) prepare(ctx context.Context, f *benchFormat) error {
	dir := filepath.Dir(s.h.Config)
	f.conf = filepath.Join(dir, f.name+".yaml")
	if err := os.MkdirAll(filepath.Join(dir, f.name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, f.name, "bench.yaml"), []byte(benchPartner+benchStreams[f.name]), 0o644); err != nil {
		return err
	}
	if err := s.configure(f, "consentry"); err != nil {
		return err
	}
	if f == s.formats[0] {
		// A few events bring the schemas to the raw registry.
		if err := s.h.Steps(ctx, "keys init", "consent accept-epoch --yes", "simulate --events 300"); err != nil {
			return err
		}
	}
	return s.h.Steps(ctx, "topics create", "schema publish")
}

// configure makes a format's configuration, with a consumer group, the one that verbs and workers take.
func (s *benchStage) configure(f *benchFormat, group string) error {
	text := s.plain
	for _, edit := range [][2]string{{"group: GROUP ", "group: " + group + " "}, {"partners/*.yaml", f.name + "/*.yaml"},
		{"partitions: 4", fmt.Sprintf("partitions: %d", benchPartitions)}} {
		if !strings.Contains(text, edit[0]) {
			return fmt.Errorf("consentry.yaml does not hold %q", edit[0])
		}
		text = strings.ReplaceAll(text, edit[0], edit[1])
	}
	s.h.Config = f.conf
	return os.WriteFile(f.conf, []byte(text), 0o644)
}

func (s *benchStage) town(location, apps uint32, events int64) (*city.City, error) {
	return city.New(city.Options{Seed: benchSeed, Subscribers: benchSubscribers, Days: benchDays, Events: events,
		StartMS: time.Now().Add(-benchDays * 24 * time.Hour).UnixMilli(), LocationSchema: location, AppUsageSchema: apps})
}

// consents writes a grant of everything for nine subscribers in ten, older than every event and every line.
func (s *benchStage) consents(ctx context.Context) error {
	town, err := s.town(1, 1, 0)
	if err != nil {
		return err
	}
	var file strings.Builder
	fmt.Fprintln(&file, consent.Header)
	since := time.UnixMilli(town.StartMS()).Add(-time.Hour).UTC().Format(time.RFC3339)
	rows := 0
	for who := range benchSubscribers {
		// A multiplier that is prime to 100 spreads those who said no.
		if who*37%100 < benchOptedIn {
			fmt.Fprintf(&file, "grant,%s,bench,advertising,location search browsing,true,%s,,bench\n", town.MSISDN(who), since)
			rows++
		}
	}
	if _, err := s.h.VerbIn(ctx, file.String(), "consent", "import", "-"); err != nil {
		return err
	}
	s.r.say("%d of %d subscribers agreed", rows, benchSubscribers)
	return nil
}

// released tells that nothing but consent holds somebody's events back: what is withheld early costs less, and would
// flatter the worker.
func released(town *city.City, who int) bool {
	minor, known := town.Minor(who)
	return known && !minor && !town.OptedOut(who)
}

// fill writes the raw events, uncompressed. The city searches less than it moves: its searches are written several
// times over.
func (s *benchStage) fill(ctx context.Context, events int64) error {
	ids := map[string]uint32{}
	if err := s.h.Read(ctx, false, func(r *house.Record) {
		if len(r.Value) > 5 && r.Value[0] == 0 {
			ids[r.Topic] = binary.BigEndian.Uint32(r.Value[1:])
		}
	}, "raw.location", "raw.app_usage"); err != nil {
		return err
	}
	if len(ids) != 2 {
		return errors.New("simulate wrote no framed events")
	}
	town, err := s.town(ids["raw.location"], ids["raw.app_usage"], events*9/5)
	if err != nil {
		return err
	}
	left := map[city.Source]int64{city.Location: events, city.Search: events}
	promise := kgo.AbortingFirstErrPromise(s.cl)
	var searches []*kgo.Record
	send := func(f *benchFormat, key, value []byte) {
		left[f.source]--
		s.cl.Produce(ctx, &kgo.Record{Topic: f.raw, Key: key, Value: value}, promise.Promise())
	}
	var e city.Event
	for town.Next(&e) {
		for _, f := range s.formats {
			if e.Source != f.source || left[f.source] == 0 || !released(town, e.Subscriber) {
				continue
			}
			key, value := append([]byte(nil), e.Key...), append([]byte(nil), e.Value...)
			if e.Value == nil {
				value = nil
			}
			if send(f, key, value); f.source == city.Search {
				searches = append(searches, &kgo.Record{Key: key, Value: value})
			}
		}
	}
	for i := 0; left[city.Search] > 0; i++ {
		r := searches[i%len(searches)]
		send(s.formats[1], r.Key, r.Value)
	}
	if err := errors.Join(s.cl.Flush(ctx), promise.Err()); err != nil {
		return err
	}
	for _, f := range s.formats {
		if err := s.h.Read(ctx, false, func(r *house.Record) { f.events++; f.bytes += int64(len(r.Value)) }, f.raw); err != nil {
			return err
		}
		s.r.say("%s holds %d events of %.0f bytes on average, in %d partitions, uncompressed", f.raw, f.events, float64(f.bytes)/float64(f.events), benchPartitions)
	}
	return nil
}
