package main

// Which events there are: of people who agreed and whose events must be released, of people who did not, and of every
// kind that cannot be read, so that error paths have something to give away.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/e2e/house"
)

// cast is what a batch is made of: how many agreed people's events a source, and whether the rest comes too.
type cast struct {
	good int
	bad  bool
}

// script is a batch ready to be sent.
type script struct {
	*batch
	agreed    []string // subjects with every consent
	withdrawn []string // subjects who will withdraw everything again
	records   []*kgo.Record
	values    map[string][]byte // one good value of each topic
}

func write(b *batch, s *rawSchemas, c cast) *script {
	p := &script{batch: b, values: map[string][]byte{}}
	for _, topic := range rawTopics {
		for range c.good {
			who := b.person()
			p.agreed = append(p.agreed, who)
			v, ms := b.event(s, topic, who, nil)
			p.values[topic] = v
			p.send(topic, v, ms)
		}
		if c.bad {
			p.refused(s, topic)
			p.malformed(s, topic)
		}
	}
	return p
}

// send adds a record: its key, its headers' names and values and its time are marked too.
func (p *script) send(topic string, value []byte, ms int64) {
	r := &kgo.Record{Topic: topic, Value: value, Key: []byte(p.put(p.turn("record key"), "record key")),
		Timestamp: time.UnixMilli(ms + int64(p.dice.below(2)))}
	p.stamps[r.Timestamp.UnixMilli()] = true
	for _, where := range []string{"header value", "second header value"} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: p.put(p.turn("header name"), "header name"), Value: []byte(p.put(p.turn(where), where))})
	}
	trace := "00-" + p.dice.hex(32) + "-" + p.dice.hex(16) + "-01"
	p.note(marked{class: "trace", text: trace, where: "header value"})
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "traceparent", Value: []byte(trace)})
	p.records = append(p.records, r)
}

// refused are readable events that must stay: one for each reason, with marks in the fields that policies name.
func (p *script) refused(s *rawSchemas, topic string) {
	agreed := func() string {
		who := p.person()
		p.agreed = append(p.agreed, who)
		return who
	}
	one := func(who string, set map[string]any) {
		v, ms := p.event(s, topic, who, set)
		p.send(topic, v, ms)
	}
	for range 8 {
		one(p.person(), nil) // no consent
		who := p.person()
		p.withdrawn = append(p.withdrawn, who)
		one(who, nil)
	}
	for i := range classes { // a subject that is none, of every class
		one(agreed(), map[string]any{"subscriber.msisdn": p.put(i, "subscriber.msisdn")})
	}
	one(agreed(), map[string]any{"subscriber.msisdn": nil})
	one(agreed(), map[string]any{"subscriber.minor": true})
	one(agreed(), map[string]any{"signals.gpc": true})
	switch topic {
	case "raw.location":
		for range 4 {
			n := int64(1_100_000_000 + p.dice.below(1e9))
			p.note(numberMark("number", "network.bars", n))
			one(agreed(), map[string]any{"network.bars": n})
		}
		one(agreed(), map[string]any{"position": nil})
		one(agreed(), map[string]any{"position.lat": 444.97788123})
		one(agreed(), map[string]any{"observed_at": int64(310014_123456789)})
	case "raw.app_usage":
		for i := range classes {
			one(agreed(), map[string]any{"app.package": p.put(i, "app.package")})
		}
	default:
		for i := range classes {
			one(agreed(), map[string]any{"page.url": p.put(i, "page.url"), "search.engine": p.put(i, "search.engine")})
			one(agreed(), map[string]any{"searched_at": p.put(i, "searched_at")})
		}
		for _, field := range []string{"subscriber", "subscriber.minor", "subscriber.msisdn", "subscriber.activated_at", "search",
			"search.engine", "page", "page.url", "signals", "signals.gpc", "device", "searched_at"} {
			text := p.put(p.turn(field), field)
			for _, v := range []any{text, []any{text}, map[string]any{text: text}, json.Number("310014" + p.dice.digits(9)), true} {
				one(agreed(), map[string]any{field: v})
			}
		}
	}
}

// malformed are values that no reader can read to the end.
func (p *script) malformed(s *rawSchemas, topic string) {
	fresh := func() ([]byte, int64) {
		who := p.person()
		p.agreed = append(p.agreed, who)
		return p.event(s, topic, who, nil)
	}
	each := func(make ...func(v []byte) []byte) {
		for _, m := range make {
			v, ms := fresh()
			p.send(topic, m(v), ms)
		}
	}
	text := func() string { return p.put(p.turn("malformed"), "malformed value") }
	for n := 1; n < 12; n++ { // broken off at many places
		each(func(v []byte) []byte { return v[:len(v)*n/12] })
	}
	each(
		func(v []byte) []byte { return append(v, text()...) },
		func([]byte) []byte { return []byte(text()) },
		func([]byte) []byte { return []byte{} },
		func([]byte) []byte { return nil },
		func(v []byte) []byte { return append([]byte{1}, v...) },
		func(v []byte) []byte { return append([]byte(text()), v...) },
		func([]byte) []byte { return []byte(`"` + text() + `"`) },
		func([]byte) []byte { return []byte(`["` + text() + `"]`) },
		func([]byte) []byte { return []byte("\xff\xfe" + text()) },
	)
	if topic != "raw.search" {
		each(
			func(v []byte) []byte { return append([]byte{0, 0x7f, 0xff, 0xff, 0xf0}, v[5:]...) },        // no such schema
			func(v []byte) []byte { return append(append([]byte{}, v[:5]...), text()...) },              // a union branch out of nowhere
			func(v []byte) []byte { v[6], v[7] = 0xff, 0xff; return v },                                 // a length beyond the end
			func(v []byte) []byte { v[7] = 0xff; return v },                                             // the subject is no UTF-8
			func(v []byte) []byte { return append(v[:5], "\x02\xfe\xff\xff\xff\x0f"+text()+"tail"...) }, // a huge length
			func(v []byte) []byte { v[4] ^= 3; return v },                                               // perhaps another source's schema
		)
		huge := strings.Repeat(text()+" ", 20_000)[:200_000]
		who := p.person()
		p.agreed = append(p.agreed, who)
		v, ms := p.event(s, topic, who, map[string]any{"subscriber.imsi": huge})
		p.send(topic, v, ms)
		return
	}
	replace := func(old, new string) func(v []byte) []byte {
		return func(v []byte) []byte { return []byte(strings.Replace(string(v), old, new, 1)) }
	}
	each(
		replace(`{`, `{"subscriber":{"msisdn":"`+text()+`"},`), // a located key twice
		replace(`{`, `{"x":NaN,"y":"`+text()+`",`),
		replace(`{`, `{"x":"\x`+text()+`",`),
		replace(`{`, `{"x":"\ud800`+text()+`",`),
		replace(`{`, `{"x":'`+text()+`',`),
		replace(`{`, `{"`+text()+`"`),
		replace(`"subscriber"`, `"SUBSCRIBER"`),
		replace(`"msisdn"`, `"Msisdn"`),
		func(v []byte) []byte { return append(v, v...) },
		func(v []byte) []byte { return []byte(strings.Repeat(`{"`+text()+`":`, 3000)) },
		func(v []byte) []byte { return []byte("\xef\xbb\xbf" + string(v)) },
		replace(`{`, `{"x":"`+strings.Repeat(text()+" ", 20_000)[:200_000]+`",`),
	)
}

// produce writes the batch to the raw topics.
func (p *script) produce(ctx context.Context, h *house.House) error {
	cl, err := h.Client(kgo.RecordRetries(20))
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.ProduceSync(ctx, p.records...).FirstErr()
}

// consents writes an import file: every agreed subject, and those who will withdraw, agree to everything.
func (p *script) consents(path string) error {
	var b strings.Builder
	b.WriteString("action,subject,partner,purpose,categories,linked,since,until,evidence\n")
	since := time.Now().Add(-30 * 24 * time.Hour).UTC().Format(time.RFC3339)
	for _, who := range append(append([]string{}, p.agreed...), p.withdrawn...) {
		for _, pair := range []string{"acme-ads,advertising,location app_usage", "globex,measurement,browsing search", "initech,research,location"} {
			fmt.Fprintf(&b, "grant,%s,%s,true,%s,,%s\n", who, pair, since, p.put(p.turn("evidence"), "evidence"))
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// readSchemas parses the samples' schemas.
func readSchemas(h *house.House) (*rawSchemas, error) {
	s := &rawSchemas{}
	for file, to := range map[string]*map[string]any{"location.avsc": &s.location, "app_usage.avsc": &s.apps, "search.schema.json": &s.search} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(h.Config), "schemas", file))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, to); err != nil {
			return nil, err
		}
	}
	return s, nil
}
