package main

// Detectors: more than a million events of people who agreed to everything, of which many happened near sensitive places,
// are about sensitive topics, or are a minor's. Each kind of event has a partition of its own, so that the tally tells
// what became of every one of them. Then builds from which one check is missing, each of which the same counts must
// tell.

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	detectorPartitions = 8
	detectorSubjects   = 1000
	detectorEvents     = 1_020_000
	blindEvents        = 12_000 // of each build without a check
	freed              = 0.99   // of the controls, at least, are released
)

func detectors(ctx context.Context, r *report) error {
	h, err := house.New(ctx, r)
	if err != nil {
		return err
	}
	defer h.Close()
	built := make(chan leakyBuild, len(blind))
	go func() {
		for i := range blind {
			bin, err := blind[i].build(ctx, filepath.Join(h.Dir, "blind", fmt.Sprint(i)))
			built <- leakyBuild{bin, err}
		}
	}()
	p, err := newPlanter(ctx, h)
	if err != nil {
		return err
	}
	w, stop, err := oneWorker(ctx, h)
	if err != nil {
		return err
	}
	defer stop()
	if err := drained(ctx, h, time.Minute); err != nil {
		return err
	}
	n := detectorEvents
	if quick {
		n /= 20
	}
	seen, err := p.plantAndCount(ctx, h, n)
	if err != nil {
		return err
	}
	p.judge(r, seen)
	if err := p.judgeReleased(ctx, r, h, seen); err != nil {
		return err
	}
	if _, _, err := judgeLaw(ctx, r, h); err != nil {
		return err
	}
	if err := w.Stop(ctx); err != nil {
		r.fail("the worker did not end with exit 0 on SIGTERM: %v", err)
	}
	for i := range blind {
		b := <-built
		if b.err != nil {
			return b.err
		}
		if err := p.blindRun(ctx, r, h, &blind[i], b.bin); err != nil {
			return err
		}
	}
	return nil
}

// blindRun sends events through a build without one check: the counts that hold for the whole one must not hold.
func (p *planter) blindRun(ctx context.Context, r *report, h *house.House, l *leak, bin string) error {
	tight := *h
	tight.Bin = bin
	w, stop, err := oneWorker(ctx, &tight)
	if err != nil {
		return err
	}
	defer stop()
	seen, err := p.plantAndCount(ctx, h, blindEvents)
	if err != nil {
		return err
	}
	quiet := &report{out: new(strings.Builder), began: r.began}
	p.judge(quiet, seen)
	r.check(quiet.failures > 0, "a build without %s: %d of the counts do not hold", l.what, quiet.failures)
	return w.Kill()
}

// planter knows what there is to be planted.
type planter struct {
	places    *placeList
	domains   []string // special-category ones
	codecs    codecs
	ids       map[string]uint32 // schema ids by raw topic
	subjects  []string
	dice      *dice
	turn      int // of the domains
	nowMS     int64
	misplaced int // points that the slow look at all places finds elsewhere than they were meant to be
}

// newPlanter makes a deployment with the planted places, and consents to everything.
func newPlanter(ctx context.Context, h *house.House) (*planter, error) {
	p := &planter{dice: &dice{name: "detectors"}, ids: map[string]uint32{}, nowMS: time.Now().UnixMilli()}
	p.places = newPlaceList(p.dice)
	var err error
	if p.domains, err = specialDomains(); err != nil {
		return nil, err
	}
	conf := filepath.Dir(h.Config)
	inputs := map[string]string{"planted.csv": p.places.csv(), "planted.geojson": p.places.geoJSON()}
	for name, text := range inputs {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := h.Edit("consentry.yaml", "partitions: 4", fmt.Sprintf("partitions: %d", detectorPartitions),
		"lists/places.consentry", "lists/planted.consentry"); err != nil {
		return nil, err
	}
	if _, err := h.Verb(ctx, "places", "import", "--out", filepath.Join(conf, "lists", "planted.consentry"),
		filepath.Join(conf, "planted.csv"), filepath.Join(conf, "planted.geojson")); err != nil {
		return nil, err
	}
	if err := h.MakeRaw(ctx, detectorPartitions, rawTopics...); err != nil {
		return nil, err
	}
	if err := h.Steps(ctx, "keys init", "consent accept-epoch --yes", "simulate --events 300 --subscribers 10", "topics create",
		"schema publish", "offsets init --at beginning"); err != nil {
		return nil, err
	}
	if p.codecs, err = newCodecs(h); err != nil {
		return nil, err
	}
	if err := h.Read(ctx, false, func(rec *house.Record) {
		if p.ids[rec.Topic] == 0 && len(rec.Value) > 8 && rec.Value[0] == 0 && rec.Value[5] == 2 && rec.Value[7] == '+' {
			p.ids[rec.Topic] = binary.BigEndian.Uint32(rec.Value[1:])
		}
	}, rawTopics...); err != nil {
		return nil, err
	}
	return p, p.agree(ctx, h)
}

// agree loads consents of every subject to everything.
func (p *planter) agree(ctx context.Context, h *house.House) error {
	var b strings.Builder
	b.WriteString("action,subject,partner,purpose,categories,linked,since,until,evidence\n")
	since := time.UnixMilli(p.nowMS).Add(-30 * 24 * time.Hour).UTC().Format(time.RFC3339)
	for i := range detectorSubjects {
		who := fmt.Sprintf("+1316555%04d", i)
		p.subjects = append(p.subjects, who)
		for _, pair := range []string{"acme-ads,advertising,location app_usage", "globex,measurement,browsing search", "initech,research,location"} {
			fmt.Fprintf(&b, "grant,%s,%s,true,%s,,\n", who, pair, since)
		}
	}
	file := filepath.Join(h.Dir, "everybody.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	_, err := h.Verb(ctx, "consent", "import", file)
	return err
}

// counted is what became of the events of one partition in one stream.
type counted struct {
	events, released int64
	withheld         map[string]int64
}

type seenEvents struct {
	planted map[part]int64    // events written
	counts  map[place]counted // by the tally, of these alone
	from    map[part]int64    // offsets at which these begin and end
	to      map[part]int64
}

// part is one partition of a raw topic: one kind of event.
type part struct {
	topic     string
	partition int32
}

// plantAndCount writes n events, waits for their verdicts, and counts these.
func (p *planter) plantAndCount(ctx context.Context, h *house.House, n int) (*seenEvents, error) {
	before, err := tallied(ctx, h)
	if err != nil {
		return nil, err
	}
	s := &seenEvents{}
	if s.from, err = ends(ctx, h); err != nil {
		return nil, err
	}
	if s.planted, err = p.produce(ctx, h, n); err != nil {
		return nil, err
	}
	if s.to, err = ends(ctx, h); err != nil {
		return nil, err
	}
	if err := drained(ctx, h, 5*time.Minute); err != nil {
		return nil, err
	}
	if s.counts, err = tallied(ctx, h); err != nil {
		return nil, err
	}
	for at, was := range before {
		now := s.counts[at]
		now.events -= was.events
		now.released -= was.released
		for why, n := range was.withheld {
			now.withheld[why] -= n
		}
		s.counts[at] = now
	}
	return s, nil
}

func tallied(ctx context.Context, h *house.House) (map[place]counted, error) {
	out := map[place]counted{}
	err := h.Read(ctx, true, func(rec *house.Record) {
		var t tallyRecord
		if json.Unmarshal(rec.Value, &t) != nil || t.Stage != "" {
			return
		}
		at := place{t.Stream, t.Topic, t.Partition}
		c := out[at]
		if c.withheld == nil {
			c.withheld = map[string]int64{}
		}
		c.events += t.Events
		c.released += t.Released
		for why, n := range t.Withheld {
			c.withheld[why] += n
		}
		out[at] = c
	}, "consentry.tally")
	return out, err
}

func ends(ctx context.Context, h *house.House) (map[part]int64, error) {
	cl, err := h.Client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	listed, err := kadm.NewClient(cl).ListEndOffsets(ctx, rawTopics...)
	if err != nil {
		return nil, errors.Join(err, listed.Error())
	}
	out := map[part]int64{}
	listed.Each(func(o kadm.ListedOffset) { out[part{o.Topic, o.Partition}] = o.Offset })
	return out, nil
}

// judge holds the counts of each kind of event against what it was planted for.
func (p *planter) judge(r *report, s *seenEvents) {
	var total int64
	for _, n := range s.planted {
		total += n
	}
	r.say("%d events, %d places and %d areas, %d domains of special categories", total, len(p.places.points), len(p.places.areas), len(p.domains))
	r.check(p.misplaced == 0, "%d points lie elsewhere than meant, by a look at every place", p.misplaced)
	for i := range kinds {
		k := &kinds[i]
		at := part{k.topic, k.partition}
		for _, st := range streams {
			if st.raw != k.topic {
				continue
			}
			c := s.counts[place{st.topic, k.topic, k.partition}]
			want := k.want(st.topic)
			got := c.withheld[want]
			if want == "released" {
				r.check(c.events == s.planted[at] && float64(c.released) >= freed*float64(c.events) && c.events > 0,
					"%-26s %-46s %7d events, %7d released %v", st.topic, k.what, c.events, c.released, short(c.withheld))
				continue
			}
			r.check(c.events == s.planted[at] && got == c.events && c.released == 0 && c.events > 0,
				"%-26s %-46s %7d events, %7d %s, %d released %v", st.topic, k.what, c.events, got, want, c.released, short(c.withheld))
		}
	}
}

// short leaves out what did not occur.
func short(m map[string]int64) map[string]int64 {
	out := map[string]int64{}
	for k, n := range m {
		if n != 0 {
			out[k] = n
		}
	}
	return out
}

// judgeReleased looks into the partners' topics: no record there may be of an event that was planted to stay. Records
// are told by their event ids.
func (p *planter) judgeReleased(ctx context.Context, r *report, h *house.House, s *seenEvents) error {
	ring, err := keys.Open(h.Setting("CONSENTRY_KEYS"))
	if err != nil {
		return err
	}
	for i := range streams {
		st := &streams[i]
		var planted []rawEvent
		for _, k := range kinds {
			if k.topic != st.raw || k.want(st.topic) == "released" {
				continue
			}
			at := part{k.topic, k.partition}
			for o := s.from[at]; o < s.to[at]; o++ {
				planted = append(planted, rawEvent{topic: k.topic, partition: k.partition, offset: o})
			}
		}
		ids, err := eventIDs(ring, st, planted)
		if err != nil {
			return err
		}
		records, escaped := 0, 0
		if err := h.Read(ctx, false, func(rec *house.Record) {
			records++
			if _, is := ids[eventID(rec.Value)]; is {
				escaped++
			}
		}, st.topic); err != nil {
			return err
		}
		r.check(escaped == 0 && records > 0, "%s: %d records, %d of them of the %d events that had to stay", st.topic, records, escaped, len(planted))
	}
	return nil
}
