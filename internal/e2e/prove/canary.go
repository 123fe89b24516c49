package main

// Canary: marked identifiers in every field, key and header of the raw events, and in what people type; searched in
// many encodings in everything that consentry writes. Then leaky builds, each of which the search must catch.

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/e2e/house"
)

const (
	canaryGood     = 130 // events a source that must be released
	canaryReleased = 100 // a stream, at least
	leakyGood      = 6
)

func canary(ctx context.Context, r *report) error {
	h, err := house.New(ctx, r)
	if err != nil {
		return err
	}
	defer h.Close()
	schemas, err := canaryHouse(ctx, h)
	if err != nil {
		return err
	}
	built := buildLeaks(ctx, filepath.Join(h.Dir, "leaky"))
	if err := cleanRun(ctx, r, h, schemas); err != nil {
		return err
	}
	for i := range leaks {
		b := <-built
		if b.err != nil {
			return b.err
		}
		if err := leakyRun(ctx, r, h, schemas, &leaks[i], i, b.bin); err != nil {
			return err
		}
	}
	return nil
}

// canaryHouse makes a deployment whose broker stores what it is given as it is, so that its files can be searched.
func canaryHouse(ctx context.Context, h *house.House) (*rawSchemas, error) {
	secret := "marked/" + (&dice{name: "secret"}).of(mixed, 24) + "+="
	if err := os.Setenv(secretVariable, secret); err != nil {
		return nil, err
	}
	if err := h.Edit("consentry.yaml", `partner: {url: "${env:CONSENTRY_REGISTRY_PARTNER}"}`,
		`partner: {url: "${env:CONSENTRY_REGISTRY_PARTNER}", username: probe, password: "${env:`+secretVariable+`}"}`); err != nil {
		return nil, err
	}
	if err := h.Steps(ctx, "keys init", "consent accept-epoch --yes", "simulate --events 300 --subscribers 10", "topics create",
		"schema publish", "offsets init --at beginning"); err != nil {
		return nil, err
	}
	cl, err := h.Client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	plain := "uncompressed"
	altered, err := kadm.NewClient(cl).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "compression.type", Value: &plain}},
		append(partnerTopics(), "consentry.quarantine", "consentry.tally")...)
	if err != nil {
		return nil, err
	}
	for _, a := range altered {
		if a.Err != nil {
			return nil, a.Err
		}
	}
	s, err := readSchemas(h)
	if err != nil {
		return nil, err
	}
	for topic, id := range map[string]*uint32{"raw.location": &s.locationID, "raw.app_usage": &s.appsID} {
		if err := h.Read(ctx, false, func(r *house.Record) {
			// The city garbles some of its events: an id that stands before a telephone number is right.
			if *id == 0 && len(r.Value) > 8 && r.Value[0] == 0 && r.Value[5] == 2 && r.Value[7] == '+' {
				*id = binary.BigEndian.Uint32(r.Value[1:])
			}
		}, topic); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// cleanRun is the run in which nothing may be found.
func cleanRun(ctx context.Context, r *report, h *house.House, schemas *rawSchemas) error {
	b := newBatch("clean", false)
	b.note(marked{class: "secret", text: os.Getenv(secretVariable), where: "configuration"})
	p := write(b, schemas, cast{good: canaryGood, bad: true})
	t := &talk{h: h}
	if err := t.prepare(ctx, p); err != nil {
		return err
	}
	w, stop, err := oneWorker(ctx, h)
	if err != nil {
		return err
	}
	defer stop()
	r.say("%d marked events, %d subjects with consents", len(p.records), len(p.agreed))
	// The second half meets a store that is away: what is said about the system's own doubt is searched too.
	all := p.records
	p.records = all[:len(all)/2]
	if err := p.produce(ctx, h); err != nil {
		return err
	}
	if err := drained(ctx, h, time.Minute); err != nil {
		return err
	}
	if err := h.TB.Redis.Stop(); err != nil {
		return err
	}
	p.records = all[len(all)/2:]
	if err := p.produce(ctx, h); err != nil {
		return err
	}
	p.records = all
	if err := awaitPage(ctx, w, `"state":"parked"`); err != nil {
		return err
	}
	parked := map[string][]byte{}
	for _, page := range []string{"/statusz", "/metrics"} {
		if parked[page], err = get(ctx, "http://"+w.Admin()+page); err != nil {
			return err
		}
	}
	for _, v := range []string{"consent get --subject " + p.agreed[0], "status", "preflight"} {
		if err := t.run(ctx, -1, strings.Fields(v)[0]+" without a store", "", strings.Fields(v)...); err != nil {
			return err
		}
	}
	if err := h.TB.Redis.Start(ctx); err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return t.subjects(ctx, p) },
		func() error { return t.imports(ctx, p) },
		func() error { return t.explains(ctx, p, 60) },
		func() error { return t.secrets(ctx, os.Getenv(secretVariable)) },
		func() error { return t.rounds(ctx) },
		func() error { return drained(ctx, h, 2*time.Minute) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	s := newSearch(p)
	for page, b := range parked {
		s.look(map[string]string{"/statusz": sinkStatus, "/metrics": sinkMetrics}[page], "parked "+page, b)
	}
	for _, l := range t.lines {
		s.look(sinkVerb, l.command, l.said)
	}
	if err := s.collect(ctx, h, w); err != nil {
		return err
	}
	// What the worker says when it goes is in its log, which is read once more.
	if err := w.Stop(ctx); err != nil {
		r.fail("the worker did not end with exit 0 on SIGTERM: %v", err)
	}
	if err := s.file(sinkLog, w.Log()); err != nil {
		return err
	}
	totals, _, err := judgeLaw(ctx, r, h)
	if err != nil {
		return err
	}
	for _, st := range streams {
		sum := totals[st.topic]
		r.check(sum.Released >= canaryReleased, "%s: %d marked events released, withheld %v", st.topic, sum.Released, sum.Withheld)
	}
	judgeClean(r, p, s, len(t.lines))
	return nil
}

// judgeClean says what was searched and what was found.
func judgeClean(r *report, p *script, s *search, verbs int) {
	var bare []string
	for f, has := range p.fields {
		if !has {
			bare = append(bare, f)
		}
	}
	slices.Sort(bare)
	kinds := map[string]bool{}
	for i := range p.marks {
		kinds[p.marks[i].class] = true
	}
	r.check(len(kinds) >= 25, "%d classes in %d places (%d pairs of class and place); too small for a mark: %s",
		len(kinds), len(p.fields)-len(bare), len(p.pairs), strings.Join(bare, ", "))
	total := int64(0)
	for _, n := range s.bytes {
		total += n
	}
	r.check(len(encodings) >= 8, "%d marks, %d needles in %d encodings and binary, over %.1f MB; %d commands said something",
		len(p.marks), len(s.f.needles), len(encodings), float64(total)/1e6, verbs)
	for _, sink := range sinks {
		r.check(len(s.found[sink]) == 0 && s.bytes[sink] > 0 || sink == sinkHeader && len(s.found[sink]) == 0,
			"%-16s %10d bytes, %d marks found", sink, s.bytes[sink], len(s.found[sink]))
		show(r, s.found[sink])
	}
	r.check(s.odd == 0, "%d partner records with a timestamp that is not cut to 10 s", s.odd)
}

// show prints finds, one for each class and place: the marks are invented, so they may be.
func show(r *report, found []find) {
	said := map[string]bool{}
	for _, f := range found {
		if k := f.mark.class + f.where; !said[k] && len(said) < 40 {
			said[k] = true
			r.say("         %s of %s, %s, in %s: %q", f.mark.class, f.mark.where, f.how, f.where, f.text)
		}
	}
}

// leakyRun sends a few marked events through a leaky build: the search of its sink must see it.
func leakyRun(ctx context.Context, r *report, h *house.House, schemas *rawSchemas, l *leak, n int, bin string) error {
	tight := *h
	tight.Bin = bin
	t := &talk{h: &tight}
	w, stop, err := oneWorker(ctx, &tight)
	if err != nil {
		return err
	}
	defer stop()
	p := write(newBatch(fmt.Sprintf("leak %d", n), l.fresh), schemas, cast{good: leakyGood})
	p.malformed(schemas, "raw.search")
	if err := t.prepare(ctx, p); err != nil {
		return err
	}
	if err := t.run(ctx, 1, "consent get", p.put(classNamed("email"), "--subject"), "consent", "get", "--subject", "-"); err != nil {
		return err
	}
	if err := p.produce(ctx, h); err != nil {
		return err
	}
	if err := drained(ctx, h, time.Minute); err != nil {
		return err
	}
	s := newSearch(p)
	for _, line := range t.lines {
		s.look(sinkVerb, line.command, line.said)
	}
	if err := s.collect(ctx, &tight, w); err != nil {
		return err
	}
	how := map[string]bool{}
	for _, f := range s.found[l.sink] {
		how[f.how] = true
	}
	var others []string
	for _, sink := range sinks {
		if sink != l.sink && len(s.found[sink]) > 0 {
			others = append(others, fmt.Sprintf("%s %d", sink, len(s.found[sink])))
		}
	}
	r.check(len(s.found[l.sink]) > 0, "leaky build, %s: caught in %s, %d marks (%s); also in: %s", l.what, l.sink, len(s.found[l.sink]),
		strings.Join(keysOf(how), ", "), strings.Join(others, ", "))
	return w.Kill()
}

func keysOf(m map[string]bool) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// oneWorker starts a worker and waits until every partner runs.
func oneWorker(ctx context.Context, h *house.House) (*house.Worker, func(), error) {
	all, stop, err := startWorkers(ctx, h, 1)
	if err != nil {
		return nil, nil, err
	}
	if err := await(ctx, time.Minute, "every partner running", func() (bool, error) {
		b, err := get(ctx, "http://"+all[0].Admin()+"/statusz")
		return err == nil && strings.Count(string(b), `"state":"running"`) == len(groups), nil
	}); err != nil {
		stop()
		return nil, nil, err
	}
	return all[0], stop, nil
}

func awaitPage(ctx context.Context, w *house.Worker, text string) error {
	return await(ctx, time.Minute, "statusz with "+text, func() (bool, error) {
		b, err := get(ctx, "http://"+w.Admin()+"/statusz")
		return err == nil && strings.Contains(string(b), text), nil
	})
}

type leakyBuild struct {
	bin string
	err error
}

// buildLeaks builds every leaky command in the background, in their order.
func buildLeaks(ctx context.Context, dir string) <-chan leakyBuild {
	out := make(chan leakyBuild, len(leaks))
	go func() {
		for i := range leaks {
			bin, err := leaks[i].build(ctx, filepath.Join(dir, fmt.Sprint(i)))
			out <- leakyBuild{bin, err}
		}
	}()
	return out
}
