package main

// The demo is what a newcomer sees first, so it must tell the truth: the law from the committed tally, every stream
// alive, nothing raw in what left.

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/consentry/consentry/kafka"
)

func runDemo(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errw bytes.Buffer
	if code := run(append([]string{"demo"}, args...), strings.NewReader(""), &out, &errw); code != exitOK {
		t.Fatalf("demo: exit %d: %s", code, errw.String())
	}
	return out.String(), errw.String()
}

func TestDemoJSON(t *testing.T) {
	out, errText := runDemo(t, "--events", "20000", "--seed", "1", "--json")
	if errText != "" {
		t.Errorf("stderr: %s", errText)
	}
	var got demoReport
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil || dec.More() {
		t.Fatalf("not exactly one JSON object: %v", err)
	}
	if got.Events != 20000 || !got.Law || got.Seconds <= 0 {
		t.Errorf("events %d, law %v, seconds %v", got.Events, got.Law, got.Seconds)
	}
	seen := map[string]int64{}
	bySource := map[int64]bool{}
	for _, s := range got.Streams {
		sum := s.Released + s.Held
		for reason, n := range s.Withheld {
			sum += n
			seen[reason] += n
		}
		if sum != s.Events || s.Events == 0 {
			t.Errorf("%s: %d events, %d verdicts", s.Topic, s.Events, sum)
		}
		if s.Released*10 < s.Events {
			t.Errorf("%s released %d of %d, less than one in ten", s.Topic, s.Released, s.Events)
		}
		bySource[s.Events] = true
		for _, reason := range []string{"withdrawn", "no_consent", "before_consent", "consent_ended", "not_linked"} {
			if s.Withheld[reason]*200 < s.Events {
				t.Errorf("%s: %s only %d times of %d", s.Topic, reason, s.Withheld[reason], s.Events)
			}
		}
	}
	if len(got.Streams) != 4 || len(bySource) != 3 {
		t.Errorf("%d streams over %d sources", len(got.Streams), len(bySource))
	}
	for _, reason := range []string{"bad_event", "bad_subject", "bad_time", "signal_opt_out", "minor", "sensitive_place", "sensitive_topic", "missing_field", "filter_refused"} {
		if seen[reason] == 0 {
			t.Errorf("no event was withheld as %s", reason)
		}
	}
	checkSamples(t, got.Samples)
}

// identifiers are the raw fields that no partner may see, as they stand in a sample.
var identifiers = regexp.MustCompile(`"(?:msisdn|imsi|imei|mac|ad_id|account_id|name|email|ip|text|url)":"([^"]+)"`)

func checkSamples(t *testing.T, samples []demoSample) {
	released, withheld := 0, 0
	for _, s := range samples {
		raw := identifiers.FindAllStringSubmatch(string(s.Raw), -1)
		if len(raw) < 4 {
			t.Errorf("a raw %s event with only %d identifiers", s.Source, len(raw))
		}
		for _, o := range s.Outcomes {
			if o.Verdict != "released" {
				withheld++
				if o.Released != nil || o.Why == "" {
					t.Errorf("%s %s: released %s, why %q", o.Topic, o.Verdict, o.Released, o.Why)
				}
				continue
			}
			released++
			for _, id := range raw {
				for _, form := range []string{id[1], strings.TrimPrefix(id[1], "+"), strings.ToUpper(id[1])} {
					if strings.Contains(string(o.Released), form) {
						t.Errorf("%s carries the raw %s", o.Topic, id[0][:strings.IndexByte(id[0], ':')])
					}
				}
			}
		}
	}
	if released < 4 || withheld < 3 || len(samples) != len(wanted) {
		t.Errorf("%d samples, %d released, %d withheld", len(samples), released, withheld)
	}
}

func TestDemoForPeople(t *testing.T) {
	out, _ := runDemo(t, "--events", "3000", "--seed", "2")
	for i, line := range strings.Split(out, "\n") {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("line %d is %d wide", i+1, n)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("colours without a terminal")
	}
	for _, want := range []string{"Nobody in it exists", "partner.acme-ads.location", "partner.globex.interests", "no_consent", "The counts add up"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
}

// The law must be able to fail: each case breaks one part of it.
func TestLawIsChecked(t *testing.T) {
	extents := map[int32]kafka.Extent{0: {Start: 0, End: 10}, 1: {Start: 0, End: 5}, 2: {}}
	sound := func() *streamAccount {
		return &streamAccount{Events: 15, Released: 4, Withheld: map[string]int64{"minor": 11}, ranges: map[int32][]tallyLine{
			0: {{From: 6, To: 10, Events: 4, Released: 1, Withheld: map[string]int64{"minor": 3}},
				{From: 0, To: 6, Events: 6, Released: 2, Withheld: map[string]int64{"minor": 4}}},
			1: {{From: 0, To: 5, Events: 5, Released: 1, Withheld: map[string]int64{"minor": 4}}},
		}}
	}
	if !sound().lawful(15, extents, 4) {
		t.Fatal("a sound account is refused")
	}
	for name, broken := range map[string]func(*streamAccount) bool{
		"a gap":           func(s *streamAccount) bool { s.ranges[0][0].From = 7; return s.lawful(15, extents, 4) },
		"an overlap":      func(s *streamAccount) bool { s.ranges[0][0].From = 5; return s.lawful(15, extents, 4) },
		"a short end":     func(s *streamAccount) bool { s.ranges[1][0].To = 4; return s.lawful(15, extents, 4) },
		"a lost verdict":  func(s *streamAccount) bool { s.ranges[1][0].Withheld["minor"] = 3; return s.lawful(15, extents, 4) },
		"no partition":    func(s *streamAccount) bool { delete(s.ranges, 1); return s.lawful(15, extents, 4) },
		"a raw event":     func(s *streamAccount) bool { return s.lawful(16, extents, 4) },
		"a record more":   func(s *streamAccount) bool { return s.lawful(15, extents, 5) },
		"a record fewer":  func(s *streamAccount) bool { return s.lawful(15, extents, 3) },
		"another's range": func(s *streamAccount) bool { s.ranges[7] = s.ranges[1]; return s.lawful(15, extents, 4) },
	} {
		if broken(sound()) {
			t.Errorf("%s is not noticed", name)
		}
	}
}
