package kafka

// The records that are not the partner's: tally and quarantine, to the letter; and where records go.

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
)

func testPartner(mode string) *policy.Partner {
	stream := &policy.Program{Topic: "partner.acme-ads.location"}
	return &policy.Partner{Name: "acme-ads", Mode: mode, Streams: []*policy.Program{stream},
		Sources: []*policy.Source{{Name: "location", Topic: "raw.location", Streams: []*policy.Program{stream}}}}
}

func TestTallyToTheLetter(t *testing.T) {
	p := testPartner("live")
	var counts [processor.NumReasons]int64
	counts[processor.Released], counts[processor.NoConsent], counts[processor.Minor] = 40, 100, 8
	got, err := tallyOf(p, &span{partition: 3, from: 100, to: 250, events: 148}, p.Streams[0], &counts, "ab", "0")
	want := `{"source":"location","topic":"raw.location","partition":3,"from":100,"to":250,"events":148,` +
		`"stream":"partner.acme-ads.location","released":40,"held":0,"withheld":{"minor":8,"no_consent":100},"policy":"ab","instance":"0"}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	got, _ = tallyOf(p, &span{from: 5, to: 5}, p.Streams[0], nil, "ab", "0")
	want = `{"source":"location","topic":"raw.location","partition":0,"from":5,"to":5,"events":0,` +
		`"stream":"partner.acme-ads.location","released":0,"held":0,"withheld":{},"policy":"ab","instance":"0"}`
	if string(got) != want {
		t.Errorf("empty:\n%s\n%s", got, want)
	}
}

func TestQuarantineToTheLetter(t *testing.T) {
	key, value, err := quarantineOf(testPartner("live"), &processor.Pointer{Partition: 3, Offset: 131, Stage: "decode",
		Reason: processor.BadEvent, SchemaID: 7, Size: 500}, "ab")
	want := `{"partner":"acme-ads","topic":"raw.location","partition":3,"offset":131,"leader_epoch":0,"stage":"decode",` +
		`"reason":"bad_event","field":"","schema_id":7,"policy":"ab","size_class":"<1KiB"}`
	if err != nil || string(key) != "acme-ads:raw.location:3:131" || string(value) != want {
		t.Errorf("%v %s\n%s\n%s", err, key, value, want)
	}
}

// TestBalanceRefuses: a batch whose counts do not add up is never committed.
func TestBalanceRefuses(t *testing.T) {
	counts := func(released, withheld, undecided int64) (c [processor.NumReasons]int64) {
		c[processor.Released], c[processor.NoConsent], c[processor.Undecided] = released, withheld, undecided
		return c
	}
	p := testPartner("live")
	spans := []span{{source: 0, partition: 1, events: 10}}
	tally := func(c [processor.NumReasons]int64) processor.Tally {
		return processor.Tally{Partition: 1, Program: p.Streams[0], Counts: c}
	}
	for name, c := range map[string]struct {
		batch processor.Batch
		fits  bool
	}{
		"fits":                  {processor.Batch{Tallies: []processor.Tally{tally(counts(0, 10, 0))}}, true},
		"one event short":       {processor.Batch{Tallies: []processor.Tally{tally(counts(0, 9, 0))}}, false},
		"one too many":          {processor.Batch{Tallies: []processor.Tally{tally(counts(0, 11, 0))}}, false},
		"undecided":             {processor.Batch{Tallies: []processor.Tally{tally(counts(0, 9, 1))}}, false},
		"no tally":              {processor.Batch{}, false},
		"tally twice":           {processor.Batch{Tallies: []processor.Tally{tally(counts(0, 10, 0)), tally(counts(0, 0, 0))}}, false},
		"released not there":    {processor.Batch{Tallies: []processor.Tally{tally(counts(1, 9, 0))}}, false},
		"a record of no stream": {processor.Batch{Out: make([]processor.Outbound, 1), Tallies: []processor.Tally{tally(counts(0, 10, 0))}}, false},
	} {
		if err := balance(p, spans, &c.batch); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := balance(testPartner("shadow"), nil, &processor.Batch{Out: make([]processor.Outbound, 1)}); err == nil {
		t.Error("shadow mode has a record")
	}
}

// TestSpread: vectors of Kafka's own Utils.murmur2 for keys, and unkeyed records stay where the transaction put them.
func TestSpread(t *testing.T) {
	s := spread{}.ForTopic("t")
	for key, want := range map[string]int{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536} {
		n := 1009
		if got := s.Partition(&kgo.Record{Key: []byte(key)}, n); got != (want&0x7fffffff)%n {
			t.Errorf("key %s goes to %d, not %d", key, got, (want&0x7fffffff)%n)
		}
	}
	for _, at := range []int32{0, 5, 1<<31 - 1} {
		if got := s.Partition(&kgo.Record{Partition: at}, 7); got != int(at)%7 {
			t.Errorf("choice %d goes to %d", at, got)
		}
	}
	a, b := [32]byte{1}, [32]byte{2}
	hit := map[int32]bool{}
	for off := range int64(200) {
		hit[pick(&a, "raw", 0, off)%8] = true
	}
	first, again := pick(&a, "raw", 1, 5), pick(&a, "raw", 1, 5)
	if len(hit) != 8 || first == pick(&b, "raw", 1, 5) || first != again {
		t.Error("the choice does not follow the key")
	}
}
