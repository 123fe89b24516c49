package processor

// What stays private even with consent: the words of explain, the count by class, and a list that is too old.

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/consentry/consentry/detect"
)

// TestExplainNamesClassAndRule, and never the value.
func TestExplainNamesClassAndRule(t *testing.T) {
	for _, c := range []struct {
		event  func(map[string]any)
		house  func(*bench)
		stream int
		why    string
	}{
		{event: at(38.523394, -98.797106, 10), why: "medical, within 250 m"},
		{event: at(38.523394, -98.797106, 700), why: "medical, within the accuracy that pos.acc states"},
		{event: at(38.523394, -98.797106, -3), why: "pos.acc cannot be read, so the position may be near anything"},
		{event: at(38.573758, -98.741930, 10), stream: 1, why: "stadium, within 250 m, which this stream withholds too"},
		{event: at(95, 0, 10), why: "the position cannot be read, so it may be near anything"},
		{event: func(e map[string]any) { e["text"] = "early pregnancy symptoms" }, why: "pregnancy, in text"},
		{event: func(e map[string]any) { e["app"] = "com.example.secret" }, why: "health, in app"},
		{event: func(e map[string]any) { e["url"] = "about:blank page" }, why: "url holds a URL without a host that can be read, so it may be about anything"},
		{event: func(e map[string]any) { e["url"] = "https://user@shop.example.com:443/wiki/Abortion_law" }, why: "pregnancy, in url"},
		{event: func(e map[string]any) { e["url"] = "https://search.example.com?q=%61bortion" }, why: "pregnancy, in url"},
		{event: func(e map[string]any) { e["text"] = "used cars" }, stream: 1, why: "Automotive, which this stream withholds too"},
		{event: func(e map[string]any) { who(e)["land"] = "KP" }, stream: 1,
			why: "the law of the event's place or of the account's residence, or the strictest that it could be, forbids areas of 1270 m in radius"},
		{event: func(e map[string]any) { e["kind"] = "ann@example.com" }, house: (*bench).open, why: "email in field kind"},
		{event: func(map[string]any) {}, house: func(b *bench) { b.store.protect(subject) }, why: "the subject's line is protected in the consent store"},
	} {
		b := newBench(t, nil)
		b.store.lines[idOf(subject)] = []byte(goodLine)
		if c.house != nil {
			c.house(b)
		}
		e := good()
		c.event(e)
		x, err := b.Explain(t.Context(), b.json(t, e))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Streams[c.stream].Why; got != c.why {
			t.Errorf("got  %s\nwant %s", got, c.why)
		}
		for _, value := range []string{"38.5", "98.7", "symptoms", "secret", "used cars", "ann@", "KP"} {
			if strings.Contains(x.Streams[c.stream].Why, value) {
				t.Errorf("the sentence repeats %q", value)
			}
		}
	}
}

// TestHitsAreCountedByClass, in the batch that they were found in.
func TestHitsAreCountedByClass(t *testing.T) {
	b := newBench(t, nil)
	b.store.lines[idOf(subject)] = []byte(goodLine)
	b.open()
	hit, clean := good(), good()
	hit["kind"], clean["kind"] = "ann@example.com", "weather"
	for _, c := range []struct {
		events []Inbound
		want   int64
	}{{[]Inbound{b.json(t, hit), b.json(t, clean), b.json(t, hit)}, 2}, {[]Inbound{b.json(t, clean)}, 0}} {
		batch, err := b.Decide(context.Background(), c.events)
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Residual[detect.Email]; got != c.want {
			t.Errorf("%d hits, want %d", got, c.want)
		}
	}
}

// TestNothingIsLookedUpWithoutConsent: who has not agreed is not looked into.
func TestNothingIsLookedUpWithoutConsent(t *testing.T) {
	b := newBench(t, nil)
	if plain, web := b.verdicts(t, b.json(t, good())); plain != NoConsent || web != NoConsent {
		t.Fatalf("%v, %v", plain, web)
	}
	if b.found != (found{}) {
		t.Errorf("looked up: %+v", b.found)
	}
}

// TestAListThatIsTooOldParks whoever reads positions, by the worker's own clock.
func TestAListThatIsTooOldParks(t *testing.T) {
	for ms, parks := range map[int64]bool{noonMS: true, noonMS + 1: false} {
		b := newBench(t, nil)
		b.store.lines[idOf(subject)] = []byte(goodLine)
		b.partner.House.PlacesParkMS = ms
		batch, err := b.Decide(context.Background(), []Inbound{b.json(t, good())})
		var sick *Sick
		if parks != (errors.As(err, &sick) && sick.Cause() == "list_stale" && batch == nil) || !parks && err != nil {
			t.Errorf("parks at %d: %v, %v", ms-noonMS, batch, err)
		}
	}
}

// TestAListOfAnotherDayParks: one that is dated in the future would never age, also where the clock was set back.
func TestAListOfAnotherDayParks(t *testing.T) {
	const day = 24 * 3600 * 1000
	for ms, parks := range map[int64]bool{noonMS + day: false, noonMS + day + 1: true} {
		b := newBench(t, nil)
		b.store.lines[idOf(subject)] = []byte(goodLine)
		b.partner.House.PlacesMadeMS, b.partner.House.PlacesParkMS = ms, ms+90*day
		_, err := b.Decide(context.Background(), []Inbound{b.json(t, good())})
		var sick *Sick
		if parks != (errors.As(err, &sick) && sick.Cause() == "list_stale") || !parks && err != nil {
			t.Errorf("made at %d: %v", ms-noonMS, err)
		}
	}
}

// TestNoProcessorWithoutLists: what cannot be looked up must not be decided.
func TestNoProcessorWithoutLists(t *testing.T) {
	b := newBench(t, nil)
	whole := *b.partner.House
	for name, take := range map[string]func(){
		"no house":         func() { b.partner.House = nil },
		"no places":        func() { b.partner.House.Places = nil },
		"no topics":        func() { b.partner.House.Topics = nil },
		"no scanner":       func() { b.partner.House.Scanner = nil },
		"no jurisdictions": func() { b.partner.House.Jurisdictions = nil },
	} {
		h := whole
		b.partner.House = &h
		if _, err := New(b.opt); err != nil {
			t.Fatal(err)
		}
		take()
		if p, err := New(b.opt); err == nil || p != nil {
			t.Errorf("%s: a processor", name)
		}
	}
}
