package processor

// Every reason, reached by a concrete event; and the order, by an event with every fault at once.

import (
	"strings"
	"testing"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// reasonCase is one change to the good event under the good line. web is the verdict of the stream that also needs
// browsing; where empty it is that of plain.
type reasonCase struct {
	name       string
	plain, web Reason
	avro       bool
	line       string
	event      func(map[string]any)
	in         func(*Inbound)
	house      func(*bench)
}

func who(e map[string]any) map[string]any { return e["who"].(map[string]any) }

var reasonCases = []reasonCase{
	{name: "everything in order", plain: Released},
	{name: "everything in order, Avro", plain: Released, avro: true},
	{name: "tombstone", plain: BadEvent, in: func(in *Inbound) { in.Value = nil }},
	{name: "tombstone, Avro", plain: BadEvent, avro: true, in: func(in *Inbound) { in.Value = nil }},
	{name: "no object", plain: BadEvent, in: func(in *Inbound) { in.Value = []byte(`[]`) }},
	{name: "cut off", plain: BadEvent, in: func(in *Inbound) { in.Value = in.Value[:len(in.Value)-1] }},
	{name: "cut off, Avro", plain: BadEvent, avro: true, in: func(in *Inbound) { in.Value = in.Value[:len(in.Value)-1] }},
	{name: "trailing byte, Avro", plain: BadEvent, avro: true, in: func(in *Inbound) { in.Value = append(in.Value, 0) }},
	{name: "no prefix", plain: BadEvent, avro: true, in: func(in *Inbound) { in.Value[0] = 1 }},
	{name: "unknown schema", plain: UnknownSchema, avro: true, in: func(in *Inbound) { in.Value[4] = 8 }},
	{name: "null subject", plain: BadSubject, event: func(e map[string]any) { who(e)["id"] = nil }},
	{name: "missing subject", plain: BadSubject, event: func(e map[string]any) { delete(who(e), "id") }},
	{name: "subject in another form", plain: BadSubject, event: func(e map[string]any) { who(e)["id"] = "12025550123" }},
	{name: "null time", plain: BadTime, event: func(e map[string]any) { e["at"] = nil }},
	{name: "unreadable time", plain: BadTime, event: func(e map[string]any) { e["at"] = "yesterday" }},
	{name: "exactly past", plain: Released, event: func(e map[string]any) { e["at"] = "2026-11-15T12:00:00Z" }},
	{name: "older than past", plain: BadTime, event: func(e map[string]any) { e["at"] = "2026-11-15T11:59:59.999Z" }},
	{name: "old, and as old in Kafka", plain: Released, event: func(e map[string]any) { e["at"] = "2026-10-01T12:00:00Z" },
		in: func(in *Inbound) { in.TimestampMS = noonMS - 50*86400_000 }},
	{name: "exactly future", plain: Released, event: func(e map[string]any) { e["at"] = "2026-11-22T12:05:00Z" }},
	{name: "later than future", plain: BadTime, event: func(e map[string]any) { e["at"] = "2026-11-22T12:05:00.001Z" }},
	{name: "ahead of the worker's clock, not of Kafka's", plain: BadTime, event: func(e map[string]any) { e["at"] = "2026-11-22T13:00:00Z" },
		in: func(in *Inbound) { in.TimestampMS = noonMS + 3600_000 }},
	{name: "ahead of Kafka's clock, not of the worker's", plain: BadTime, in: func(in *Inbound) { in.TimestampMS = noonMS - 3600_000 }},
	{name: "Kafka's earliest time", plain: BadTime, in: func(in *Inbound) { in.TimestampMS = -1 << 63 }},
	{name: "Kafka's latest time", plain: BadTime, in: func(in *Inbound) { in.TimestampMS = 1<<63 - 1 }},
	{name: "contract over", plain: ContractEnded, house: func(b *bench) { b.partner.ContractEndMS = noonMS }},
	{name: "contract in its last millisecond", plain: Released, house: func(b *bench) { b.partner.ContractEndMS = noonMS + 1 }},
	{name: "nobody known", plain: NoConsent, line: "-"},
	{name: "another partner's", plain: NoConsent, line: "acme2/ads!:app_usage,browsing,location,search@1000-"},
	{name: "another purpose", plain: NoConsent, line: "acme/adsx!:app_usage,browsing,location,search@1000-"},
	{name: "one category only", plain: Released, web: NoConsent, line: "acme/ads!:app_usage@1000-"},
	{name: "malformed line", plain: NoConsent, line: goodLine + " "},
	{name: "withdrawn", plain: Withdrawn, line: "acme/adsX5000"},
	{name: "all withdrawn", plain: Withdrawn, line: "*X5000"},
	{name: "given later", plain: BeforeConsent, line: "acme/ads!:app_usage,browsing,location,search@1795347000001-"},
	{name: "given before the line came", plain: BeforeConsent, event: func(e map[string]any) { who(e)["born"] = "1970-01-01T00:00:01.001Z" }},
	{name: "line of unknown age", plain: BeforeConsent, event: func(e map[string]any) { who(e)["born"] = nil }},
	{name: "ended", plain: ConsentEnded, line: "acme/ads!:app_usage,browsing,location,search@1000-1795347000000"},
	{name: "ended since", plain: ConsentEnded, line: "acme/ads!:app_usage,browsing,location,search@1000-1795348800000"},
	{name: "not linked", plain: NotLinked, line: "acme/ads:app_usage,browsing,location,search@1000-"},
	{name: "opted out by signal", plain: SignalOptOut, event: func(e map[string]any) { e["gpc"] = true }},
	{name: "a signal that denies", plain: Released, event: func(e map[string]any) { e["gpc"] = false }},
	{name: "minor", plain: Minor, event: func(e map[string]any) { who(e)["minor"] = true }},
	{name: "perhaps minor", plain: Minor, event: func(e map[string]any) { who(e)["minor"] = nil }},
	{name: "protected", plain: Protected, event: func(e map[string]any) { who(e)["prot"] = true }},
	{name: "perhaps protected", plain: Protected, event: func(e map[string]any) { delete(who(e), "prot") }},
	{name: "protected in the store", plain: Protected, house: func(b *bench) { b.store.protect(subject) }},
	{name: "others are protected in the store", plain: Released, house: func(b *bench) { b.store.protect("+12025550124") }},
	{name: "missing field", plain: MissingField, web: Released, event: func(e map[string]any) { e["kind"] = nil }},
	{name: "outside the list", plain: FilterRefused, web: Released, event: func(e map[string]any) { e["kind"] = "z" }},
	{name: "unreadable address", plain: Released, web: FilterRefused, event: func(e map[string]any) { e["url"] = "http://10.0.0.1/" }},
	{name: "a residence where so small an area is not to be sold", plain: Released, web: Jurisdiction, event: func(e map[string]any) { who(e)["land"] = "KP" }},
	{name: "at a hospital", plain: SensitivePlace, event: at(38.523394, -98.797106, 10)},
	{name: "at a hospital, Avro", plain: SensitivePlace, avro: true, event: at(38.523394, -98.797106, 10)},
	{name: "240 m from a hospital", plain: SensitivePlace, event: at(38.523394+240/111195.0, -98.797106, 10)},
	{name: "260 m from a hospital", plain: Released, event: at(38.523394+260/111195.0, -98.797106, 10)},
	{name: "900 m from a hospital, give or take 950 m", plain: SensitivePlace, event: at(38.523394+900/111195.0, -98.797106, 950)},
	{name: "260 m from a hospital, of unknown accuracy", plain: Released, event: at(38.523394+260/111195.0, -98.797106, nil)},
	{name: "an accuracy that is none", plain: SensitivePlace, event: at(40, -100, -1.5)},
	{name: "at a stadium", plain: Released, web: SensitivePlace, event: at(38.573758, -98.741930, 10)},
	{name: "a position off the earth", plain: SensitivePlace, web: FilterRefused, event: at(91.5, 0, 10)},
	{name: "no position", plain: Released, event: func(e map[string]any) { e["pos"] = nil }},
	{name: "an app that says it in its name", plain: SensitiveTopic, event: func(e map[string]any) { e["app"] = "com.littlestork.pregnancytracker" }},
	{name: "an app of the operator's list", plain: SensitiveTopic, event: func(e map[string]any) { e["app"] = "com.example.secret" }},
	{name: "a search about health", plain: SensitiveTopic, event: func(e map[string]any) { e["text"] = "early pregnancy symptoms" }},
	{name: "a URL without a host", plain: SensitiveTopic, web: FilterRefused, event: func(e map[string]any) { e["url"] = "about:blank page" }},
	{name: "a topic that one stream withholds", plain: Released, web: SensitiveTopic, event: func(e map[string]any) { e["text"] = "used cars" }},
	{name: "an address in an open field", plain: ResidualIdentifier, web: Released, event: func(e map[string]any) { e["kind"] = "10.1.2.3" }, house: (*bench).open},
	{name: "clean text in an open field", plain: Released, event: func(e map[string]any) { e["kind"] = "weather" }, house: (*bench).open},
	{name: "key erased", plain: KeyErased, house: func(b *bench) { b.ring.outcome = filters.KeyErased }},
	{name: "too large", plain: TooLarge, web: Released, house: func(b *bench) { b.limit(0, 150) }},
}

// at puts an event somewhere; accuracy may be nil.
func at(lat, lon float64, accuracy any) func(map[string]any) {
	return func(e map[string]any) { e["pos"] = map[string]any{"lat": lat, "lon": lon, "acc": accuracy} }
}

// open lets a field through as it is, as a filter does whose values are the event's.
func (b *bench) open() {
	for _, s := range b.sources {
		for _, st := range s.streams {
			if st.spec.Fields[1].Name == "kind" {
				st.program.Fields[1].Filter, st.spec.Scanned = asItIs{}, []int{1}
			}
		}
	}
}

type asItIs struct{}

func (asItIs) Apply(dst *schema.Value, in []schema.Value, _ *filters.Event) filters.Outcome {
	*dst = in[0]
	return filters.Filled
}

func (b *bench) limit(stream, size int) {
	for _, s := range b.sources {
		for _, st := range s.streams {
			if st.spec == b.partner.Streams[stream] {
				st.maxBytes = size
			}
		}
	}
}

func TestEveryReason(t *testing.T) {
	seen := [NumReasons]bool{}
	for _, c := range reasonCases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			if c.house != nil {
				c.house(b)
			}
			switch c.line {
			case "":
				b.store.lines[idOf(subject)] = []byte(goodLine)
			case "-":
			default:
				b.store.lines[idOf(subject)] = []byte(c.line)
			}
			e := good()
			if c.event != nil {
				c.event(e)
			}
			in := b.json(t, e)
			if c.avro {
				in = b.avro(t, e)
			}
			if c.in != nil {
				c.in(&in)
			}
			web := c.web
			if web == Undecided {
				web = c.plain
			}
			gotPlain, gotWeb := b.verdicts(t, in)
			if gotPlain != c.plain || gotWeb != web {
				t.Fatalf("verdicts %v and %v, want %v and %v", gotPlain, gotWeb, c.plain, web)
			}
			seen[gotPlain], seen[gotWeb] = true, true
			checkBatch(t, b, in, gotPlain, gotWeb)
			checkExplained(t, b, in, gotPlain, gotWeb)
		})
	}
	for r := Released; int(r) < NumReasons; r++ {
		if !seen[r] {
			t.Errorf("no case reaches %v", r)
		}
	}
}

// checkBatch holds the rest of the batch against the verdicts: as many records as released, a pointer exactly for what
// could not be read, no question about who was out before it.
func checkBatch(t *testing.T, b *bench, in Inbound, plain, web Reason) {
	t.Helper()
	released := 0
	for _, r := range []Reason{plain, web} {
		if r == Released {
			released++
		}
	}
	if len(b.batch.Out) != released {
		t.Errorf("%d records, want %d", len(b.batch.Out), released)
	}
	unread := plain == BadEvent || plain == UnknownSchema
	if got := len(b.batch.Quarantine); (got == 1) != unread || got > 1 {
		t.Errorf("%d pointers for %v", got, plain)
	}
	if unread {
		q := b.batch.Quarantine[0]
		if q.Reason != plain || q.Offset != in.Offset || q.Partition != in.Partition || q.LeaderEpoch != in.LeaderEpoch || q.Size != len(in.Value) || q.Stage != "decode" {
			t.Errorf("pointer %+v", q)
		}
	}
	asked := 1 // about whom; the store itself is always asked how it stands
	if unread || plain == BadSubject || plain == BadTime || plain == ContractEnded {
		asked = 0
	}
	if b.store.asks != 1 || b.store.asked != asked {
		t.Errorf("asked %d times about %d, want %d", b.store.asks, b.store.asked, asked)
	}
}

// checkExplained: explain comes to the same verdicts, with a sentence that does not name the subject.
func checkExplained(t *testing.T, b *bench, in Inbound, plain, web Reason) {
	t.Helper()
	x, err := b.Explain(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Reason{plain, web} {
		s := x.Streams[i]
		if s.Verdict != want.String() {
			t.Errorf("explain says %s, Decide %v", s.Verdict, want)
		}
		if s.Why == "" || strings.Contains(s.Why, subject[1:]) || s.Why == "no stage decided" {
			t.Errorf("why: %q", s.Why)
		}
		if (string(s.Released) != "null") != (want == Released) {
			t.Errorf("%s with released %s", s.Verdict, s.Released)
		}
	}
}

// TestOrder gives one event every fault and takes them away in the order of the contract: each time the verdict must
// be that of the first fault left.
func TestOrder(t *testing.T) {
	type fault struct {
		want  Reason
		event func(map[string]any)
		in    func(*Inbound)
		house func(*bench)
	}
	line := func(text string) func(*bench) {
		return func(b *bench) { b.store.lines[idOf(subject)] = []byte(text) }
	}
	faults := []fault{
		{want: UnknownSchema, in: func(in *Inbound) { in.Value[4] = 9 }},
		{want: BadSubject, event: func(e map[string]any) { who(e)["id"] = "x" }},
		{want: BadTime, event: func(e map[string]any) { e["at"] = "2020-01-01T00:00:00Z" }},
		{want: ContractEnded, house: func(b *bench) { b.partner.ContractEndMS = 1 }},
		{want: NoConsent, house: func(b *bench) { delete(b.store.lines, idOf(subject)) }},
		{want: SignalOptOut, event: func(e map[string]any) { e["gpc"] = true }},
		{want: Minor, event: func(e map[string]any) { who(e)["minor"] = true }},
		{want: Protected, event: func(e map[string]any) { who(e)["prot"] = true }},
		{want: SensitivePlace, event: at(38.523394, -98.797106, 10)},
		{want: SensitiveTopic, event: func(e map[string]any) { e["text"] = "early pregnancy symptoms" }},
		{want: KeyErased, house: func(b *bench) { b.ring.outcome = filters.KeyErased }}, // visitor, the first field
		{want: FilterRefused, event: func(e map[string]any) { e["kind"] = "z" }},        // kind, the second
		{want: TooLarge, house: func(b *bench) { b.limit(2, 10) }},
		{want: Released},
	}
	for i := range faults {
		b := newBench(t, nil)
		line(goodLine)(b)
		if b.partner.Streams[2].Format != "avro" {
			t.Fatal("the third stream is not the Avro one")
		}
		e := good()
		for _, f := range faults[i:] {
			if f.event != nil {
				f.event(e)
			}
			if f.house != nil {
				f.house(b)
			}
		}
		in := b.avro(t, e)
		for _, f := range faults[i:] {
			if f.in != nil {
				f.in(&in)
			}
		}
		if got, _ := b.verdicts(t, in); got != faults[i].want {
			t.Errorf("with the faults from %v on: %v", faults[i].want, got)
		}
	}
}
