package filters

// What each filter makes of values, understood or not, in one table; and what holds of all of them: no allocation, no
// memory of the event before, the same answer from a clone.

import (
	"math"
	"testing"

	"github.com/consentry/consentry/schema"
)

// keyring is a Keyring whose keys are told apart by what they are asked for.
type keyring struct {
	generation uint64
	asked      int
	outcome    Outcome // of the next PseudonymKey, Filled by default
	fill       byte
}

func (k *keyring) PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) Outcome {
	k.asked++
	if k.outcome != Refused {
		return k.outcome
	}
	copy(dst[:], newMAC([]byte{k.fill}).tag(appendLP(appendLP([]byte{byte(epoch), byte(epoch >> 8), byte(periodMS >> 20)}, partner), topic)))
	return Filled
}

func (k *keyring) EventKey(dst *[32]byte, partner, topic string) Outcome {
	if k.outcome != Refused {
		return k.outcome
	}
	copy(dst[:], newMAC([]byte("event")).tag(appendLP(appendLP(nil, partner), topic)))
	return Filled
}

func (k *keyring) Generation() uint64 { return k.generation }

func str(s string) schema.Value { return schema.StringValue([]byte(s)) }

func texts2arg(list ...string) Arg {
	a := Arg{Kind: ArgList}
	for _, s := range list {
		a.List = append(a.List, Arg{Kind: ArgString, Text: s})
	}
	return a
}

func ints(list ...int64) Arg {
	a := Arg{Kind: ArgList}
	for _, n := range list {
		a.List = append(a.List, Arg{Kind: ArgInt, Int: n})
	}
	return a
}

func textArg(s string) Arg { return Arg{Kind: ArgString, Text: s} }
func intArg(n int64) Arg   { return Arg{Kind: ArgInt, Int: n} }

// made builds a filter by the table, as policy does, over inputs of the given kind.
func made(t testing.TB, name string, types []schema.Type, options ...NamedArg) *Built {
	t.Helper()
	def, ok := Lookup(name)
	if !ok {
		t.Fatalf("no filter %s", name)
	}
	a := &Args{
		Value: Arg{Kind: ArgBool, Bool: true, Text: "x"}, Options: options, Types: types, Floor: Floor{900_000, "15m"}, SpanMS: 7 * dayMS,
		Partner: "acme-ads", Topic: "partner.acme-ads.t", Period: dayMS,
		Read: func(path string) ([]byte, error) { return []byte(path), nil },
	}
	for range types {
		a.Paths = append(a.Paths, "a.b")
	}
	b, no := def.Build(a)
	if no != nil {
		t.Fatalf("%s: %s: %s", name, no.Option, no.Message)
	}
	return b
}

func opt(name string, a Arg) NamedArg { return NamedArg{name, a} }

var (
	null     = Arg{}
	textType = []schema.Type{{Kind: schema.String}}
	intType  = []schema.Type{{Kind: schema.Int}}
	boolType = []schema.Type{{Kind: schema.Bool}}
	timeType = []schema.Type{{Kind: schema.Time}}
	enumType = []schema.Type{{Kind: schema.String, Symbols: []string{"G4", "G5"}}}
	placeT   = []schema.Type{{Kind: schema.Float}, {Kind: schema.Float}}
)

type given struct {
	in   []schema.Value
	want Outcome
	out  string // show of the value, times as milliseconds
}

func one(v schema.Value, want Outcome, out string) given {
	return given{[]schema.Value{v}, want, out}
}

var absent schema.Value

// other is what a JSON object reads as.
var other = schema.Value{Kind: schema.Other}

func cases(t testing.TB) []struct {
	name  string
	built *Built
	given []given
} {
	return []struct {
		name  string
		built *Built
		given []given
	}{
		{"keep oneof", made(t, "keep", textType, opt("oneof", texts2arg("ios", "android"))), []given{
			one(str("ios"), Filled, "ios"), one(str("iOS"), Refused, ""), one(str(""), Refused, ""), one(str("ios "), Refused, ""),
			one(absent, Missing, ""), one(schema.IntValue(0), Refused, ""), one(other, Refused, ""),
		}},
		{"keep oneof with else and missing", made(t, "keep", textType, opt("oneof", texts2arg("ios")), opt("else", textArg("other")), opt("missing", textArg("none"))), []given{
			one(str("ios"), Filled, "ios"), one(str("tizen"), Filled, "other"), one(absent, Filled, "none"),
			// What is not a text is not outside the list, it is not understood.
			one(schema.IntValue(3), Refused, ""), one(schema.BoolValue(true), Refused, ""), one(other, Refused, ""),
			one(schema.Value{Kind: schema.Bytes, Raw: []byte("ios")}, Refused, ""),
		}},
		{"keep enum, else withhold, missing null", made(t, "keep", enumType, opt("else", textArg("withhold")), opt("missing", null)), []given{
			one(str("G4"), Filled, "G4"), one(str("G6"), Refused, ""), one(absent, Filled, "null"), one(other, Refused, ""),
		}},
		{"keep boolean", made(t, "keep", boolType, opt("missing", Arg{Kind: ArgBool})), []given{
			one(schema.BoolValue(true), Filled, "true"), one(schema.BoolValue(false), Filled, "false"), one(absent, Filled, "false"),
			one(str("true"), Refused, ""), one(schema.IntValue(1), Refused, ""), one(other, Refused, ""),
		}},
		{"keep integer oneof", made(t, "keep", intType, opt("oneof", ints(1, 7)), opt("else", intArg(0))), []given{
			one(schema.IntValue(7), Filled, "7"), one(schema.IntValue(2), Filled, "0"), one(schema.FloatValue(7), Refused, ""), one(absent, Missing, ""),
		}},
		{"keep between", made(t, "keep", intType, opt("between", ints(-1, 5))), []given{
			one(schema.IntValue(-1), Filled, "-1"), one(schema.IntValue(5), Filled, "5"), one(schema.IntValue(6), Refused, ""), one(schema.IntValue(-2), Refused, ""),
			one(schema.FloatValue(3), Refused, ""), one(str("3"), Refused, ""), one(schema.TimeValue(3), Refused, ""), one(absent, Missing, ""),
		}},
		{"keep between at the end of the numbers", made(t, "keep", intType, opt("between", ints(math.MaxInt64-1, math.MaxInt64)), opt("else", intArg(9)), opt("missing", null)), []given{
			one(schema.IntValue(math.MaxInt64), Filled, "9223372036854775807"), one(schema.IntValue(math.MinInt64), Filled, "9"), one(absent, Filled, "null"),
		}},
		{"bucket", made(t, "bucket", intType, opt("edges", ints(60, 600)), opt("missing", textArg("unknown"))), []given{
			one(schema.IntValue(59), Filled, "<60"), one(schema.IntValue(60), Filled, "60..600"), one(schema.FloatValue(599.999), Filled, "60..600"),
			one(schema.IntValue(600), Filled, ">=600"), one(schema.IntValue(math.MaxInt64), Filled, ">=600"), one(schema.IntValue(math.MinInt64), Filled, "<60"),
			one(schema.FloatValue(math.NaN()), Refused, ""), one(schema.FloatValue(math.Inf(1)), Refused, ""), one(schema.FloatValue(math.Inf(-1)), Refused, ""),
			one(absent, Filled, "unknown"), one(str("5"), Refused, ""), one(other, Refused, ""), one(schema.BoolValue(true), Refused, ""),
		}},
		{"bucket of fractions", made(t, "bucket", []schema.Type{{Kind: schema.Float}}, opt("edges", Arg{Kind: ArgList, List: []Arg{{Kind: ArgFloat, Float: -0.5}, {Kind: ArgInt, Int: 0}}})), []given{
			one(schema.FloatValue(-0.5), Filled, "-0.5..0"), one(schema.FloatValue(math.Copysign(0, -1)), Filled, ">=0"), one(schema.FloatValue(-1), Filled, "<-0.5"), one(absent, Missing, ""),
		}},
		{"map", made(t, "map", textType, opt("with", textArg("from,to\ncom.b,chat\ncom.a,maps\n\"x,y\",maps\n"))), []given{
			one(str("com.a"), Filled, "maps"), one(str("com.b"), Filled, "chat"), one(str("x,y"), Filled, "maps"), one(str("com.A"), Refused, ""),
			one(str("com.a "), Refused, ""), one(str(""), Refused, ""), one(str("from"), Refused, ""), one(absent, Missing, ""), one(schema.IntValue(1), Refused, ""),
		}},
		{"map with else", made(t, "map", textType, opt("with", textArg("from,to\ncom.b,chat\n")), opt("else", textArg("other")), opt("missing", null)), []given{
			one(str("com.a"), Filled, "other"), one(absent, Filled, "null"), one(other, Refused, ""), one(schema.IntValue(1), Refused, ""),
		}},
		{"domain", made(t, "domain", textType, opt("with", textArg("# shops\nshop.co.uk # one\ngithub.io\n\n")), opt("else", textArg("other")), opt("missing", textArg("none"))), []given{
			one(str("https://www.shop.co.uk/basket?user=1"), Filled, "shop.co.uk"), one(str("HTTP://WWW.SHOP.CO.UK:8080"), Filled, "shop.co.uk"),
			one(str("https://alice.github.io/"), Filled, "github.io"), one(str("https://a:b@shop.co.uk./"), Filled, "shop.co.uk"), one(str("www.shop.co.uk"), Filled, "shop.co.uk"),
			one(str("https://notshop.co.uk/"), Filled, "other"), one(str("https://shop.co.uk.evil.com/"), Filled, "other"), one(absent, Filled, "none"),
			// Not understood: `else` does not speak for these.
			one(str("http://10.1.2.3/"), Refused, ""), one(str("http://2130706433/"), Refused, ""), one(str("http://0x7f000001/"), Refused, ""), one(str("http://0x7f.1/"), Refused, ""),
			one(str("http://017700000001/"), Refused, ""), one(str("http://127.1/"), Refused, ""), one(str("http://[::1]/"), Refused, ""), one(str("http://[::ffff:10.0.0.1]:80/"), Refused, ""),
			one(str("http://localhost/"), Refused, ""), one(str("http://printer.local/"), Refused, ""), one(str("http://co.uk/"), Refused, ""), one(str("http://a.b.example/"), Refused, ""),
			one(str("http://4.3.2.1.in-addr.arpa/"), Refused, ""), one(str("http://4.3.2.1.5.5.5.1.e164.arpa/"), Refused, ""),
			one(str("http://shop.co.uk\\@evil.com/"), Refused, ""), one(str("http://evil.com@x@shop.co.uk/"), Refused, ""), one(str("http:///shop.co.uk"), Refused, ""),
			one(str("http://bücher.de/"), Refused, ""), one(str("http://shop%2eco.uk/"), Refused, ""), one(str("http://shop..co.uk/"), Refused, ""), one(str("http://.shop.co.uk/"), Refused, ""),
			one(str("mailto:alice@shop.co.uk"), Refused, ""), one(str("shop.co.uk/path"), Refused, ""), one(str("shop.co.uk:80"), Refused, ""), one(str("javascript:alert(1)"), Refused, ""),
			one(str("http://shop.co.uk:8x/"), Refused, ""), one(str("http:// shop.co.uk/"), Refused, ""), one(str("http://shop.co.uk\n/"), Refused, ""), one(str(""), Refused, ""), one(str("."), Refused, ""),
			one(schema.IntValue(1), Refused, ""), one(other, Refused, ""),
		}},
		{"round_down", made(t, "round_down", timeType, opt("to", textArg("1h"))), []given{
			one(schema.TimeValue(3_600_000), Filled, "3600000"), one(schema.TimeValue(7_199_999), Filled, "3600000"), one(schema.TimeValue(-1), Filled, "-3600000"),
			one(str("2026-11-22T10:59:59.999+02:00"), Filled, "1795334400000"), one(str("yesterday"), Refused, ""), one(schema.IntValue(5), Refused, ""),
			one(schema.TimeValue(math.MaxInt64), Refused, ""), one(schema.TimeValue(math.MinInt64), Refused, ""), one(absent, Missing, ""), one(other, Refused, ""),
		}},
		{"round_down to days", made(t, "round_down", timeType, opt("to", textArg("7d")), opt("missing", null)), []given{
			one(schema.TimeValue(8*dayMS), Filled, "604800000"), one(schema.TimeValue(-1), Filled, "-604800000"), one(absent, Filled, "null"),
		}},
		{"s2", made(t, "s2", placeT, opt("level", intArg(12)), opt("missing", null)), []given{
			{[]schema.Value{schema.FloatValue(40.7128), schema.FloatValue(-74.006)}, Filled, "89c25a3"},
			{[]schema.Value{schema.FloatValue(0), schema.FloatValue(0)}, Filled, "1000001"},
			{[]schema.Value{schema.IntValue(90), schema.IntValue(180)}, Filled, "5000001"},
			{[]schema.Value{schema.FloatValue(90.0001), schema.FloatValue(0)}, Refused, ""},
			{[]schema.Value{schema.FloatValue(0), schema.FloatValue(-180.0001)}, Refused, ""},
			{[]schema.Value{schema.FloatValue(math.NaN()), schema.FloatValue(0)}, Refused, ""},
			{[]schema.Value{schema.FloatValue(0), schema.FloatValue(math.Inf(1))}, Refused, ""},
			{[]schema.Value{str("40.7"), schema.FloatValue(0)}, Refused, ""},
			{[]schema.Value{other, schema.FloatValue(0)}, Refused, ""},
			{[]schema.Value{absent, schema.FloatValue(0)}, Filled, "null"},
			{[]schema.Value{schema.FloatValue(0), absent}, Filled, "null"},
		}},
		{"constant", made(t, "constant", nil), []given{{nil, Filled, "true"}}},
	}
}

func shown(v schema.Value) string {
	if v.Kind == schema.Time {
		v.Kind = schema.Int
	}
	return show(v)
}

func TestApply(t *testing.T) {
	for _, c := range cases(t) {
		for _, g := range c.given {
			var dst schema.Value
			ev := &Event{}
			if o := c.built.Filter.Apply(&dst, g.in, ev); o != g.want {
				t.Errorf("%s: %v: outcome %d, want %d", c.name, g.in, o, g.want)
				continue
			}
			if g.want == Filled && shown(dst) != g.out {
				t.Errorf("%s: %v: got %s, want %s", c.name, g.in, shown(dst), g.out)
			}
			if g.want != Filled && dst.Kind != schema.Absent {
				t.Errorf("%s: %v: withheld, but left %s behind", c.name, g.in, shown(dst))
			}
			if dst.Kind != schema.Absent && dst.Kind != c.built.Kind {
				t.Errorf("%s: %v: kind %d, and the schema says %d", c.name, g.in, dst.Kind, c.built.Kind)
			}
			if dst.Kind == schema.String && c.built.Values != nil && !contains(c.built.Values, string(dst.Raw)) {
				t.Errorf("%s: %q is not among the values that the schema names", c.name, dst.Raw)
			}
		}
	}
}

// A closed list's value points into the policy, never into the event: changing the event's bytes later changes nothing.
func TestKeptValuesDoNotPointIntoTheEvent(t *testing.T) {
	raw := []byte("ios")
	var dst schema.Value
	made(t, "keep", textType, opt("oneof", texts2arg("ios"))).Filter.Apply(&dst, []schema.Value{schema.StringValue(raw)}, &Event{})
	raw[0] = 'X'
	if string(dst.Raw) != "ios" {
		t.Errorf("got %q", dst.Raw)
	}
}

// Every filter, on every case: no allocation, and twice the same, also from a clone and after other events.
func TestApplyIsPureAndFree(t *testing.T) {
	all := cases(t)
	keys := &keyring{}
	keyed := func(name string) Filter { return made(t, name, nil).Filter.(Cloner).Clone(keys) }
	type run struct {
		name string
		f, g Filter
		in   []schema.Value
	}
	var runs []run
	for _, c := range all {
		for _, g := range c.given {
			runs = append(runs, run{c.name, c.built.Filter, c.built.Filter, g.in})
		}
	}
	runs = append(runs, run{"pseudonym", keyed("pseudonym"), keyed("pseudonym"), nil}, run{"event_id", keyed("event_id"), keyed("event_id"), nil})
	ev := Event{TimeMS: 5 * dayMS, Topic: "raw.x", Partition: 3, Offset: 99, Kind: "msisdn", Subject: []byte("+15550001111"), Scratch: make([]byte, 0, 512)}
	first := make([]string, len(runs))
	for i, r := range runs {
		var dst schema.Value
		o := r.f.Apply(&dst, r.in, &ev)
		first[i] = shown(dst) + string(rune('0'+o))
	}
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		e := Event{TimeMS: ev.TimeMS, Topic: ev.Topic, Partition: ev.Partition, Offset: ev.Offset, Kind: ev.Kind, Subject: ev.Subject}
		var dst schema.Value
		o := r.g.Apply(&dst, r.in, &e)
		if got := shown(dst) + string(rune('0'+o)); got != first[i] {
			t.Errorf("%s %v: first %q, then %q", r.name, r.in, first[i], got)
		}
		if n := testing.AllocsPerRun(20, func() {
			ev.Scratch = ev.Scratch[:0]
			r.f.Apply(&dst, r.in, &ev)
		}); n != 0 {
			t.Errorf("%s %v: %v allocations an event", r.name, r.in, n)
		}
	}
}

func TestTableNamesEachFilterOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Table {
		if seen[d.Name] || d.Build == nil {
			t.Errorf("filter %q", d.Name)
		}
		seen[d.Name] = true
	}
	if len(Table) != 11 {
		t.Errorf("%d filters", len(Table))
	}
}

func BenchmarkApply(b *testing.B) {
	keys := &keyring{}
	ev := Event{TimeMS: 5 * dayMS, Topic: "raw.x", Kind: "msisdn", Subject: []byte("+15550001111"), Scratch: make([]byte, 0, 512)}
	run := func(name string, f Filter, in ...schema.Value) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst schema.Value
			for b.Loop() {
				ev.Scratch = ev.Scratch[:0]
				if f.Apply(&dst, in, &ev) != Filled {
					b.Fatal("withheld")
				}
			}
		})
	}
	run("pseudonym", made(b, "pseudonym", nil).Filter.(Cloner).Clone(keys))
	run("event_id", made(b, "event_id", nil).Filter.(Cloner).Clone(keys))
	run("s2", made(b, "s2", placeT, opt("level", intArg(12))).Filter, schema.FloatValue(40.7128), schema.FloatValue(-74.006))
	run("domain", made(b, "domain", textType, opt("oneof", texts2arg("shop.co.uk"))).Filter, str("https://www.shop.co.uk/basket?user=1"))
	run("round_down", made(b, "round_down", timeType, opt("to", textArg("1h"))).Filter, schema.TimeValue(7_199_999))
	run("keep", made(b, "keep", textType, opt("oneof", texts2arg("ios", "android"))).Filter, str("android"))
}
