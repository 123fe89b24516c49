package policy

// A compiled source and program over real bytes: what a lane does per event.

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// ring is a Keyring with one key for everything.
type ring struct{ missing bool }

func (r ring) PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) filters.Outcome {
	if r.missing {
		return filters.KeyMissing
	}
	binary.BigEndian.PutUint64(dst[:], uint64(epoch))
	copy(dst[8:], topic)
	return filters.Filled
}
func (ring) EventKey(dst *[32]byte, partner, topic string) filters.Outcome { return filters.Filled }
func (ring) Generation() uint64                                            { return 1 }

const searchEvent = `{"subscriber":{"msisdn":"15550001111","imsi":"310150123456789","account_id":"A1","activated_at":"2020-01-01T00:00:00Z","minor":false},
	"search":{"text":"bread near me","engine":"northfind"},"page":{"url":"https://www.shopmart.com/x?q=bread","title":"t"},
	"searched_at":"2026-11-22T10:44:59.5+01:00","signals":{"gpc":0}}`

func searchProgram(t testing.TB) (*Source, *Program) {
	p := compile(t, inputs(t)).Partners[0]
	return p.Sources[2], p.Streams[2]
}

func read(t testing.TB, s *Source, event string) *schema.Record {
	t.Helper()
	r, err := s.Shape.Compile(s.Layout)
	if err != nil {
		t.Fatal(err)
	}
	rec := &schema.Record{}
	if err := r.Read([]byte(event), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestRun(t *testing.T) {
	src, prog := searchProgram(t)
	rec := read(t, src, searchEvent)
	ms, ok := src.Time(rec)
	if want := time.Date(2026, 11, 22, 9, 44, 59, 5e8, time.UTC).UnixMilli(); !ok || ms != want {
		t.Fatalf("time %d %v, want %d", ms, ok, want)
	}
	if since, known := src.LineSince(rec); !known || since != time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("line since %d %v", since, known)
	}
	if src.OptedOut(rec) || src.HeldBack(rec) != "" {
		t.Errorf("opted out %v, held back %q", src.OptedOut(rec), src.HeldBack(rec))
	}
	lane := prog.Clone(ring{})
	ev := &filters.Event{TimeMS: ms, Topic: src.Topic, Offset: 7, Kind: "msisdn", Subject: []byte("+15550001111")}
	out := make([]schema.Value, len(prog.Fields))
	if o, at := lane.Run(rec, ev, out); o != filters.Filled || at != len(out) {
		t.Fatalf("outcome %d at %d", o, at)
	}
	if len(out[0].Raw) != 22 || string(out[1].Raw) != "shopmart.com" || out[2].Num != time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("got %q %q %d", out[0].Raw, out[1].Raw, out[2].Num)
	}
	// P12: another clone, an Event that served another event before: the same values.
	first := string(out[0].Raw)
	other := *ev
	other.Subject, other.Offset = []byte("+15550002222"), 8
	lane.Run(rec, &other, out)
	if string(out[0].Raw) == first {
		t.Error("two people have one pseudonym")
	}
	if prog.Clone(ring{}).Run(rec, ev, out); string(out[0].Raw) != first {
		t.Error("a clone gives another pseudonym")
	}
	if n := testing.AllocsPerRun(100, func() { lane.Run(rec, ev, out) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
	if n := testing.AllocsPerRun(100, func() { src.Time(rec); src.LineSince(rec); src.OptedOut(rec); src.HeldBack(rec) }); n != 0 {
		t.Errorf("%v allocations for what every event is asked", n)
	}
}

// The first field that withholds says so with its index; a program without keys, or with lost ones, releases nothing.
func TestRunWithholds(t *testing.T) {
	src, prog := searchProgram(t)
	rec := read(t, src, searchEvent)
	ev := &filters.Event{Kind: "msisdn", Subject: []byte("+15550001111")}
	out := make([]schema.Value, len(prog.Fields))
	if o, at := prog.Run(rec, ev, out); o != filters.KeyMissing || at != 0 {
		t.Errorf("not cloned: outcome %d at %d", o, at)
	}
	if o, at := prog.Clone(ring{missing: true}).Run(rec, ev, out); o != filters.KeyMissing || at != 0 {
		t.Errorf("key missing: outcome %d at %d", o, at)
	}
	lane := prog.Clone(ring{})
	site, when := prog.Fields[1].Slots[0], prog.Fields[2].Slots[0]
	rec.Slots[site] = schema.StringValue([]byte("http://10.0.0.1/"))
	if o, at := lane.Run(rec, ev, out); o != filters.Refused || at != 1 {
		t.Errorf("address as host: outcome %d at %d", o, at)
	}
	rec.Slots[site] = schema.Value{}
	rec.Slots[when] = schema.Value{}
	if o, at := lane.Run(rec, ev, out); o != filters.Missing || at != 2 || string(out[1].Raw) != "none" {
		t.Errorf("no time: outcome %d at %d, site %q", o, at, out[1].Raw)
	}
}

func TestSourceTimeUnits(t *testing.T) {
	for _, c := range []struct {
		unit string
		in   schema.Value
		ms   int64
		ok   bool
	}{
		{"", schema.TimeValue(-5), -5, true},
		{"", schema.StringValue([]byte("2026-11-22T10:00:00+01:00")), 1795338000000, true},
		{"", schema.StringValue([]byte("2026-11-22T10:00:00")), 0, false},
		{"", schema.IntValue(5), 0, false},
		{"", schema.Value{}, 0, false},
		{"", schema.Value{Kind: schema.Other}, 0, false},
		{"s", schema.IntValue(1795338000), 1795338000000, true},
		{"s", schema.IntValue(math.MaxInt64), 0, false},
		{"s", schema.IntValue(math.MinInt64), 0, false},
		{"s", schema.StringValue([]byte("2026-11-22T10:00:00Z")), 0, false},
		{"s", schema.TimeValue(5), 0, false},
		{"ms", schema.IntValue(-7), -7, true},
		{"us", schema.IntValue(-1), -1, true},
		{"us", schema.IntValue(1999), 1, true},
		{"us", schema.FloatValue(1999), 0, false},
	} {
		s := &Source{TimeUnit: c.unit}
		ms, ok := s.Time(&schema.Record{Slots: []schema.Value{c.in}})
		if ok != c.ok || ok && ms != c.ms {
			t.Errorf("unit %q, %v: got %d %v, want %d %v", c.unit, c.in, ms, ok, c.ms, c.ok)
		}
	}
}

// Flags only withhold: the table is privacy.md's and contract.md's words, one row a value.
func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name      string
		v         schema.Value
		optOut    bool
		withholds bool // as release_only_if_false
	}{
		{"absent or null", schema.Value{}, false, true},
		{"false", schema.BoolValue(false), false, false},
		{"true", schema.BoolValue(true), true, true},
		{"0", schema.IntValue(0), false, true},
		{"1", schema.IntValue(1), true, true},
		{"-1", schema.IntValue(-1), true, true},
		{"0.0", schema.FloatValue(0), false, true},
		{"-0.0", schema.FloatValue(math.Copysign(0, -1)), false, true},
		{"0.5", schema.FloatValue(0.5), true, true},
		{"NaN", schema.FloatValue(math.NaN()), true, true},
		{"empty text", schema.StringValue(nil), true, true},
		{"the text 0", schema.StringValue([]byte("0")), true, true},
		{"the text false", schema.StringValue([]byte("false")), true, true},
		{"the text 1", schema.StringValue([]byte("1")), true, true},
		{"bytes", schema.Value{Kind: schema.Bytes}, true, true},
		{"the time 0", schema.TimeValue(0), true, true},
		{"no scalar", schema.Value{Kind: schema.Other}, true, true},
	} {
		s := &Source{OptOutIfSet: []FlagSlot{{"gpc", 1}}, ReleaseOnlyIfFalse: []FlagSlot{{"minor", 1}}}
		rec := &schema.Record{Slots: []schema.Value{{}, c.v}}
		if got := s.OptedOut(rec); got != c.optOut {
			t.Errorf("opt_out_if_set, %s: %v", c.name, got)
		}
		if got := s.HeldBack(rec) != ""; got != c.withholds {
			t.Errorf("release_only_if_false, %s: %v", c.name, got)
		}
	}
	// Minor comes before protected, whatever the file's order; any of several signals opts out.
	in := inputs(t)
	in.Sources[0].ReleaseOnlyIfFalse = []NamedPath{
		{txt(locationFile, 20, "protected"), txt(locationFile, 20, "network.roaming")}, {txt(locationFile, 21, "minor"), txt(locationFile, 21, "subscriber.minor")},
	}
	in.Sources[0].OptOutIfSet = append(in.Sources[0].OptOutIfSet, NamedPath{txt(locationFile, 22, "care"), txt(locationFile, 22, "device.model")})
	src := compile(t, in).Partners[0].Sources[0]
	rec := &schema.Record{Slots: make([]schema.Value, len(src.Layout.Paths))}
	if got := src.HeldBack(rec); got != "minor" {
		t.Errorf("both unknown: held back as %q", got)
	}
	rec.Slots[src.ReleaseOnlyIfFalse[0].Slot] = schema.BoolValue(false)
	if got := src.HeldBack(rec); got != "protected" {
		t.Errorf("not a minor: held back as %q", got)
	}
	rec.Slots[src.OptOutIfSet[1].Slot] = schema.StringValue([]byte("yes"))
	if !src.OptedOut(rec) {
		t.Error("the second signal does not count")
	}
}
