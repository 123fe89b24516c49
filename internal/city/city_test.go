package city

// What the city promises to those who build on it: the same bytes again, as many events as asked in the order of time,
// readable by foreign decoders, with every trouble in it, and quickly.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/nyaruka/phonenumbers"

	"github.com/consentry/consentry/deploy/samples"
)

const startMS = 1_790_000_123_456

func newCity(t testing.TB, o Options) *City {
	t.Helper()
	if o.StartMS == 0 {
		o.StartMS = startMS
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func digest(c *City) string {
	h := sha256.New()
	var e Event
	for c.Next(&e) {
		fmt.Fprintf(h, "%d %d %d %s %s %d\n", e.Source, e.TimeMS, e.Subscriber, e.Key, e.Header, len(e.Value))
		h.Write(e.Value)
	}
	var ch Change
	for s := c.Consents(); s.Next(&ch); {
		fmt.Fprintf(h, "%+v\n", ch)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	o := Options{Seed: 5, Subscribers: 700, Days: 2, LocationSchema: 3, AppUsageSchema: 4}
	first := digest(newCity(t, o))
	if again := digest(newCity(t, o)); again != first {
		t.Error("the same options gave other bytes")
	}
	o.Seed = 6
	if other := digest(newCity(t, o)); other == first {
		t.Error("another seed gave the same bytes")
	}
	// Pinned, so that a change of the city is a decision: what was measured on it must be measured again.
	o.Seed, o.StartMS = 5, startMS
	if want := "d092767fc94daa2b791ab16a13c3b034b8ab264802cb84e0929e122321232c39"; first != want {
		t.Errorf("digest %s, want %s", first, want)
	}
}

func TestAsManyEventsAsAskedInTheOrderOfTime(t *testing.T) {
	for _, o := range []Options{
		{Seed: 1, Subscribers: 1000, Days: 3, Events: 20_000},
		{Seed: 2, Subscribers: 1, Days: 1, Events: 100},
		{Seed: 3, Subscribers: 50_000, Days: 1, Events: 7},
		{Seed: 4, Subscribers: 100, Days: 2},
	} {
		c := newCity(t, o)
		var e Event
		var n, last int64
		for c.Next(&e) {
			n++
			if e.TimeMS < last || e.TimeMS < c.StartMS() || e.TimeMS >= c.EndMS() {
				t.Fatalf("event %d at %d, after %d, of %d to %d", n, e.TimeMS, last, c.StartMS(), c.EndMS())
			}
			last = e.TimeMS
		}
		if n != c.Events() || o.Events != 0 && n != o.Events {
			t.Errorf("%d events of %d", n, c.Events())
		}
	}
	for _, o := range []Options{{Subscribers: -1}, {Subscribers: MaxSubscribers + 1}, {Days: -1}, {StartMS: -1}, {Events: -1}} {
		if c, err := New(o); err == nil || c != nil {
			t.Errorf("%+v gave a city", o)
		}
	}
}

func sampleCodec(t *testing.T, file string) *goavro.Codec {
	t.Helper()
	text, err := samples.Files.ReadFile("schemas/" + file)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := goavro.NewCodec(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// branch opens a union value as goavro gives it.
func branch(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return v
	}
	for _, inner := range m {
		return inner
	}
	return nil
}

func TestForeignDecodersAgree(t *testing.T) {
	codecs := [NumSources]*goavro.Codec{Location: sampleCodec(t, "location.avsc"), AppUsage: sampleCodec(t, "app_usage.avsc")}
	ids := [NumSources]uint32{Location: 71, AppUsage: 72}
	c := newCity(t, Options{Seed: 9, Subscribers: 3000, Days: 2, LocationSchema: 71, AppUsageSchema: 72})
	var e Event
	var garbled, sound [NumSources]int
	badTimesSeen := 0
	for c.Next(&e) {
		if c.MSISDN(e.Subscriber) != string(e.Key) || c.IMSI(e.Subscriber) != string(e.Header) {
			t.Fatal("key or header is somebody else's")
		}
		var root map[string]any
		var at any
		if e.Source == Search {
			if json.Unmarshal(e.Value, &root) == nil {
				at = root["searched_at"]
			}
		} else if len(e.Value) > 5 && e.Value[0] == 0 && binary.BigEndian.Uint32(e.Value[1:]) == ids[e.Source] {
			v, rest, err := codecs[e.Source].NativeFromBinary(e.Value[5:])
			if err == nil && len(rest) == 0 {
				root = v.(map[string]any)
				at = root["observed_at"]
				if e.Source == AppUsage {
					at = root["started_at"]
				}
			}
		}
		if root == nil {
			garbled[e.Source]++
			continue
		}
		sound[e.Source]++
		who := root["subscriber"].(map[string]any)
		if who["imsi"] != c.IMSI(e.Subscriber) || who["account_id"] != c.Account(e.Subscriber) {
			t.Fatalf("%v: card or account is somebody else's", e.Source)
		}
		if text, ok := at.(string); ok {
			if tm, err := time.Parse(time.RFC3339, text); err == nil && text[0] == '2' && tm.Unix() != e.TimeMS/1000 {
				t.Fatalf("search: time is %s", text)
			} else if err != nil {
				badTimesSeen++
			}
		}
		if n := branch(who["msisdn"]); e.Source != Search && n == c.MSISDN(e.Subscriber) {
			minor, known := c.Minor(e.Subscriber)
			if m := branch(who["minor"]); known && m != minor || !known && m != nil {
				t.Fatalf("%v: minor is %v", e.Source, m)
			}
			if tm, ok := at.(time.Time); !ok || tm.UnixMilli() != e.TimeMS && !farOff(tm.UnixMilli(), e.TimeMS) {
				t.Fatalf("%v: time is %v", e.Source, at)
			}
		}
		if device := root["device"].(map[string]any); device["imei"] != c.IMEI(e.Subscriber) {
			t.Fatalf("%v: phone is somebody else's", e.Source)
		}
	}
	for s := range sound {
		if garbled[s] == 0 || garbled[s]*300 > sound[s] {
			t.Errorf("%v: %d unreadable of %d", Source(s), garbled[s], sound[s])
		}
	}
	if badTimesSeen == 0 || badTimesSeen*200 > sound[Search] {
		t.Errorf("%d unreadable times of %d", badTimesSeen, sound[Search])
	}
}

func farOff(got, want int64) bool { return got == 0 || got-want == 2*hourMS || want-got == 30*dayMS }

func TestPeopleAreWhatTheySeem(t *testing.T) {
	c := newCity(t, Options{Seed: 3, Subscribers: MaxSubscribers})
	seen := make(map[string]bool)
	for who := 0; who < MaxSubscribers; who += 7 {
		n := c.MSISDN(who)
		if seen[n] || len(n) != 12 {
			t.Fatalf("the number of %d is taken or misshapen", who)
		}
		seen[n] = true
	}
	accounts := map[string]int{}
	minors, unknown := 0, 0
	const people = 12_000
	for who := range people {
		num, err := phonenumbers.Parse(c.MSISDN(who), "ZZ")
		if err != nil || !phonenumbers.IsValidNumber(num) {
			t.Fatalf("the number of %d is in no plan", who)
		}
		if imei := c.IMEI(who); len(imei) != 15 || luhn([]byte(imei[:14])) != imei[14] {
			t.Fatalf("IMEI of %d fails its check digit", who)
		}
		if imsi := c.IMSI(who); len(imsi) != 15 || strings.Trim(imsi, "0123456789") != "" {
			t.Fatalf("IMSI of %d", who)
		}
		accounts[c.Account(who)]++
		minor, known := c.Minor(who)
		if minor && known {
			minors++
		}
		if !known {
			unknown++
		}
		if c.Name(who) == "" || !strings.HasSuffix(c.Email(who), ".example.com") {
			t.Fatalf("name or address of %d", who)
		}
	}
	largest := 0
	for _, n := range accounts {
		largest = max(largest, n)
	}
	if len(accounts) < people/4 || len(accounts) > people*3/4 || largest < 3 || largest > 6 {
		t.Errorf("%d households of up to %d", len(accounts), largest)
	}
	if minors < people/20 || minors > people/6 || unknown == 0 {
		t.Errorf("%d minors and %d unknown of %d", minors, unknown, people)
	}
}

// What must stay must first be there.
func TestEventsCarryWhatMustNotLeave(t *testing.T) {
	c := newCity(t, Options{Seed: 4, Subscribers: 2000, Days: 2})
	var e Event
	found := map[string]int{}
	for c.Next(&e) {
		for what, mark := range map[string]string{
			"number": c.MSISDN(e.Subscriber)[1:], "card": c.IMSI(e.Subscriber), "phone": c.IMEI(e.Subscriber),
			"account": c.Account(e.Subscriber), "mail": "@mail.example.com", "street": " Street", "payment card": "is card 4",
			"private host": ".github.io", "click id": "gclid=", "password": ":hunter2@", "address": "100.", "ip literal": "192.0.2.44",
		} {
			if bytes.Contains(e.Value, []byte(mark)) {
				found[fmt.Sprint(e.Source, " ", what)]++
			}
		}
	}
	for _, want := range []string{"location number", "location card", "location phone", "location account", "location mail",
		"location address", "app_usage number", "app_usage card", "search number", "search mail", "search street",
		"search payment card", "search private host", "search click id", "search password", "search ip literal"} {
		if found[want] == 0 {
			t.Errorf("no %s", want)
		}
	}
}

func TestMindsChange(t *testing.T) {
	const people = 10_000
	c := newCity(t, Options{Seed: 8, Subscribers: people, Days: 5})
	agreed := map[int]bool{}
	actions := map[Action]int{}
	var last int64
	within, partial, unlinked, ending, n := 0, 0, 0, 0, 0
	s := c.Consents()
	var ch Change
	for s.Next(&ch) {
		n++
		if ch.AtMS < last || ch.AtMS >= c.EndMS() {
			t.Fatalf("change %d is out of time", n)
		}
		last = ch.AtMS
		actions[ch.Action]++
		agreed[ch.Subscriber] = true
		if ch.AtMS >= c.StartMS() {
			within++
		}
		if ch.Action == Withdraw && len(ch.Categories) > 0 {
			partial++
		}
		if ch.Action == Grant && !ch.Linked {
			unlinked++
		}
		if ch.UntilMS != 0 {
			ending++
		}
	}
	if n != s.Len() {
		t.Errorf("%d changes of %d", n, s.Len())
	}
	if share := float64(len(agreed)) / people; share < .58 || share > .62 {
		t.Errorf("%.3f have some consent, want .60", share)
	}
	for what, count := range map[string]int{"grants": actions[Grant], "withdrawals": actions[Withdraw],
		"withdrawals of all": actions[WithdrawAll], "changes within the days": within, "partial withdrawals": partial,
		"grants not linked": unlinked, "grants that end": ending} {
		if count < people/100 {
			t.Errorf("only %d %s", count, what)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	c := newCity(b, Options{Seed: 1, Subscribers: 100_000, Days: 14, Events: 50_000_000})
	var e Event
	b.ReportAllocs()
	bytes := 0
	for b.Loop() {
		if !c.Next(&e) {
			b.Fatal("the days are over")
		}
		bytes += len(e.Value)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(bytes)/float64(b.N), "B/event")
}
