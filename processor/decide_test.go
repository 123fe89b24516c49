package processor

// Batches: the account, one question for all, what an error leaves behind, nothing for the garbage collector.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// sickness is an error as the rooms below give it.
type sickness string

func (s sickness) Error() string { return string(s) }
func (s sickness) Cause() string { return string(s) }

// crowd is a batch over both sources, several partitions and people, of whom every other has consented.
func (b *bench) crowd(t testing.TB, n int) []Inbound {
	t.Helper()
	var in []Inbound
	for i := range n {
		phone := fmt.Sprintf("+1202555%04d", i%97)
		if i%2 == 0 {
			b.store.lines[idOf(phone)] = []byte(goodLine)
		}
		e := good()
		who(e)["id"] = phone
		one := b.json(t, e)
		if i%3 == 0 {
			one = b.avro(t, e)
		}
		one.Partition, one.Offset = int32(i%5), int64(i)
		if i%11 == 0 {
			one.Value = one.Value[:7]
		}
		in = append(in, one)
	}
	return in
}

func TestAccount(t *testing.T) {
	b := newBench(t, nil)
	in := b.crowd(t, 500)
	batch, err := b.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if b.store.asks != 1 || b.store.asked > 97 {
		t.Errorf("asked %d times about %d people, want once about at most 97", b.store.asks, b.store.asked)
	}
	// The law, counted again from the batch that went in.
	type row struct {
		source    int
		partition int32
	}
	want := map[row]int64{}
	for _, e := range in {
		want[row{e.Source, e.Partition}]++
	}
	var released int64
	seen := map[string]bool{}
	for _, tally := range batch.Tallies {
		var sum int64
		for _, n := range tally.Counts {
			sum += n
		}
		name := fmt.Sprint(tally.Source, tally.Partition, tally.Program.Topic)
		if seen[name] || sum != tally.Events || tally.Events != want[row{tally.Source, tally.Partition}] || tally.Counts[Undecided] != 0 {
			t.Errorf("tally %s: %d events, %v", name, tally.Events, tally.Counts)
		}
		seen[name] = true
		released += tally.Counts[Released]
	}
	if len(seen) != 2*len(want) {
		t.Errorf("%d tallies for %d source partitions with 2 streams each", len(seen), len(want))
	}
	if released == 0 || released != int64(len(batch.Out)) {
		t.Errorf("%d released, %d records", released, len(batch.Out))
	}
	unread := 0
	for i := range in {
		if i%11 == 0 {
			unread++
		}
	}
	if len(batch.Quarantine) != unread {
		t.Errorf("%d pointers for %d unreadable events", len(batch.Quarantine), unread)
	}
	for i := range batch.Out {
		if o := &batch.Out[i]; o.Topic() == "" || len(o.Key()) != 22 || !bytes.Contains(o.Value(), o.Key()) {
			t.Fatalf("record %d: topic %q, key of %d bytes", i, o.Topic(), len(o.Key()))
		} else if o.program.Output.Format == "json" && !json.Valid(o.Value()) {
			t.Fatalf("record %d is no JSON object", i)
		}
	}
}

// TestSameBytesHoweverCut: one batch, batches of one and of seven give the same records in the same order.
func TestSameBytesHoweverCut(t *testing.T) {
	released := func(size int) (out []string) {
		b := newBench(t, nil)
		in := b.crowd(t, 200)
		for len(in) > 0 {
			n := min(size, len(in))
			batch, err := b.Decide(t.Context(), in[:n])
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch.Out {
				o := &batch.Out[i]
				out = append(out, o.Topic()+" "+string(o.Key())+" "+string(o.Value()))
			}
			in = in[n:]
		}
		return out
	}
	whole := released(200)
	for _, size := range []int{1, 7} {
		cut := released(size)
		if fmt.Sprint(cut) != fmt.Sprint(whole) {
			t.Errorf("batches of %d release something else", size)
		}
	}
}

// TestErrorsLeaveNothing: each way to be sick gives no batch and the right cause.
func TestErrorsLeaveNothing(t *testing.T) {
	for _, c := range []struct {
		name, cause string
		make        func(*bench)
	}{
		{"store unreachable", "redis_unreachable", func(b *bench) { b.store.err = sickness("redis_unreachable") }},
		{"store wiped", "redis_wiped", func(b *bench) { b.store.err = sickness("redis_wiped") }},
		{"store error without a cause", "redis_unreachable", func(b *bench) { b.store.err = errors.New("dial " + subject) }},
		{"store answers for too few", "redis_unreachable", func(b *bench) { b.store.short = true }},
		{"registry unreachable", "registry_unreachable", func(b *bench) { b.readers.err = sickness("registry_unreachable") }},
		{"registry error without a cause", "registry_unreachable", func(b *bench) { b.readers.err = errors.New(subject) }},
		{"no reader and no error", "registry_unreachable", func(b *bench) { b.readers.reader = nil }},
		{"key missing", "key_missing", func(b *bench) { b.ring.outcome = filters.KeyMissing }},
		{"unknown outcome of a keyring is no key", "", func(b *bench) { b.ring.outcome = filters.Refused }},
		{"stopped", "stopped", func(b *bench) { b.store.stopped = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			in := b.crowd(t, 60)
			if batch, err := b.Decide(t.Context(), in); err != nil || len(batch.Out) == 0 {
				t.Fatal("the healthy house releases nothing", err)
			}
			c.make(b)
			batch, err := b.Decide(t.Context(), in)
			if c.cause == "" {
				if err == nil && len(batch.Out) != 0 {
					t.Error("records without a key")
				}
				return
			}
			if batch != nil || err == nil || len(b.batch.Out) != 0 {
				t.Fatalf("a batch (%v), or no error (%v)", batch != nil, err)
			}
			if bytes.Contains([]byte(err.Error()), []byte(subject[1:])) {
				t.Errorf("the error quotes what it was given: %v", err)
			}
			if stopped := (Stopped{}); c.cause == "stopped" && errors.As(err, &stopped) {
				return
			}
			var caused interface{ Cause() string }
			if !errors.As(err, &caused) || caused.Cause() != c.cause {
				t.Errorf("error %v, want the cause %s", err, c.cause)
			}
		})
	}
}

func TestForeignRecordsAreRefused(t *testing.T) {
	b := newBench(t, nil)
	for _, change := range []func(*Inbound){
		func(in *Inbound) { in.Source = 2 }, func(in *Inbound) { in.Source = -1 }, func(in *Inbound) { in.Partition = -1 },
	} {
		in := b.json(t, good())
		change(&in)
		if batch, err := b.Decide(t.Context(), []Inbound{in}); batch != nil || err == nil {
			t.Errorf("%+v was decided", in)
		}
	}
}

// TestNobodyToAsk: a batch without anybody to ask about asks all the same, about nobody: whether the store is well, its
// clock the worker's, and the partner stopped.
func TestNobodyToAsk(t *testing.T) {
	b := newBench(t, nil)
	bad := b.json(t, good())
	bad.Value = nil
	batch, err := b.Decide(t.Context(), []Inbound{bad})
	if err != nil || b.store.asks != 1 || b.store.asked != 0 || batch.Snapshot.Epoch != 7 || !batch.VerdictAt.Equal(noon) {
		t.Errorf("asks %d, epoch %d, verdict at %v, %v", b.store.asks, batch.Snapshot.Epoch, batch.VerdictAt, err)
	}
	b.store.stopped = true
	if batch, err := b.Decide(t.Context(), []Inbound{bad}); batch != nil || !errors.As(err, &Stopped{}) {
		t.Errorf("a stopped partner's unreadable event is decided: %v", err)
	}
	if batch, err = b.Decide(t.Context(), nil); err != nil || len(batch.Tallies) != 0 || len(batch.Out) != 0 || len(batch.Quarantine) != 0 {
		t.Errorf("an empty batch: %+v, %v", batch, err)
	}
}

// TestWrongClockEndsNothing: a worker whose clock is behind sees every event in the future, one whose clock is ahead sees
// contracts over. That is its own fault and no verdict: the store's clock tells, so the store is asked.
func TestWrongClockEndsNothing(t *testing.T) {
	for name, off := range map[string]time.Duration{"behind": -time.Hour, "ahead": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.Now = func() time.Time { return noon.Add(off) } })
			b.partner.ContractEndMS = noonMS + 24*3600_000
			b.store.lines[idOf(subject)] = []byte(goodLine)
			b.store.err = sickness("clock_skew")
			batch, err := b.Decide(t.Context(), []Inbound{b.json(t, good()), b.json(t, good())})
			var caused interface{ Cause() string }
			if batch != nil || !errors.As(err, &caused) || caused.Cause() != "clock_skew" {
				t.Errorf("decided by a clock that is wrong: %v", err)
			}
		})
	}
}

// TestShadow counts as live does and releases nothing.
func TestShadow(t *testing.T) {
	live, shadow := newBench(t, nil), newBench(t, func(o *Options) { o.Partner.Mode = "shadow" })
	a, err := live.Decide(t.Context(), live.crowd(t, 100))
	if err != nil {
		t.Fatal(err)
	}
	b, err := shadow.Decide(t.Context(), shadow.crowd(t, 100))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Out) == 0 || len(b.Out) != 0 {
		t.Errorf("live %d records, shadow %d", len(a.Out), len(b.Out))
	}
	for i := range a.Tallies {
		if a.Tallies[i].Counts != b.Tallies[i].Counts {
			t.Errorf("tally %d: live %v, shadow %v", i, a.Tallies[i].Counts, b.Tallies[i].Counts)
		}
	}
}

// TestAnythingButLiveReleasesNothing: a mode that nobody knows is no live.
func TestAnythingButLiveReleasesNothing(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Partner.Mode = "" })
	if batch, err := b.Decide(t.Context(), b.crowd(t, 20)); err != nil || len(batch.Out) != 0 {
		t.Errorf("%d records, %v", len(batch.Out), err)
	}
}

// TestNothingForTheGarbageCollector: in steady state a batch costs a few allocations however many events it has.
func TestNothingForTheGarbageCollector(t *testing.T) {
	b := newBench(t, nil)
	in := b.crowd(t, 1000)
	for i := range in { // an unreadable event makes a *schema.Bad; they are few, and not the steady state
		if i%11 == 0 {
			in[i] = in[1]
			in[i].Offset = int64(i)
		}
	}
	ctx := context.Background()
	got := testing.AllocsPerRun(20, func() {
		if _, err := b.Decide(ctx, in); err != nil {
			t.Fatal(err)
		}
	})
	if got > 2 {
		t.Errorf("%.0f allocations for %d events", got, len(in))
	}
}

// TestReadersAreAskedOncePerBatch: and again in the next one, because the resolver may learn better.
func TestReadersAreAskedOncePerBatch(t *testing.T) {
	b := newBench(t, nil)
	known, unknown := b.avro(t, good()), b.avro(t, good())
	unknown.Value[4] = 9
	for batch := 1; batch <= 2; batch++ {
		if _, err := b.Decide(t.Context(), []Inbound{known, known, unknown, unknown}); err != nil {
			t.Fatal(err)
		}
		if b.readers.asked != 2*batch {
			t.Errorf("after batch %d: asked %d times", batch, b.readers.asked)
		}
	}
}

// TestUnwritableIsWithheld: values that their own output schema does not have never leave.
func TestUnwritableIsWithheld(t *testing.T) {
	b := newBench(t, nil)
	b.store.lines[idOf(subject)] = []byte(goodLine)
	b.sources[b.sourceIndex("json")].streams[0].writer = schema.NewWriter(&schema.Output{Format: "json"})
	if plain, web := b.verdicts(t, b.json(t, good())); plain != FilterRefused || web != Released || len(b.batch.Out) != 1 {
		t.Errorf("verdicts %v and %v, %d records", plain, web, len(b.batch.Out))
	}
}

// TestOutboundsShareNothing: who appends to one record's bytes changes no other.
func TestOutboundsShareNothing(t *testing.T) {
	b := newBench(t, nil)
	in := b.crowd(t, 10)
	if _, err := b.Decide(t.Context(), in); err != nil { // the arena has its size now
		t.Fatal(err)
	}
	batch, err := b.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	before := string(batch.Out[0].Key()) + string(batch.Out[1].Value())
	_ = append(batch.Out[0].Value(), bytes.Repeat([]byte("#"), 50)...)
	_ = append(batch.Out[0].Key(), bytes.Repeat([]byte("#"), 50)...)
	if string(batch.Out[0].Key())+string(batch.Out[1].Value()) != before {
		t.Error("an append ran into the next bytes")
	}
}

// TestPointersNameKnownPathsOnly: a path may be made of the event's own keys.
func TestPointersNameKnownPathsOnly(t *testing.T) {
	s := newBench(t, nil).sources[0]
	for path, want := range map[string]string{"who.id": "who.id", "note": "note", "": "", "canary": "", "who.id.+12025550123": ""} {
		if got := s.knownPath(path); got != want {
			t.Errorf("%q passes as %q", path, got)
		}
	}
}

// TestQuestionsTable holds the table against a map.
func TestQuestionsTable(t *testing.T) {
	var q questions
	for _, n := range []int{1, 8, 1000, 3} {
		q.reset(n)
		want := map[consent.ID]int{}
		for i := range n {
			var id consent.ID
			id[0], id[1], id[8] = byte(i%7), byte(i%5), byte(i%300) // crowded on purpose
			got := q.add(id)
			if known, ok := want[id]; ok && known != got || !ok && got != len(want) {
				t.Fatalf("id %d of %d: index %d", i, n, got)
			}
			want[id] = got
		}
		if len(q.ids) != len(want) {
			t.Fatalf("%d ids, want %d", len(q.ids), len(want))
		}
	}
}
