package registry

// This file plays the registry's illnesses against the Resolver with a clock of its own: nothing sleeps.

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/consentry/consentry/schema"
)

const (
	compiled = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"gpc","type":"boolean"}]}`
	wider    = `{"type":"record","name":"R","fields":[{"name":"new","type":"long"},{"name":"a","type":"string"},{"name":"gpc","type":"boolean"}]}`
	renamed  = `{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"do_not_sell","type":"boolean"}]}`
)

// fake is a registry in memory. sick makes every answer an error.
type fake struct {
	mu       sync.Mutex
	byID     map[int]Schema
	subjects map[string][]int // ids in order of version
	sick     error
	asked    int // ByID calls
}

func newFake() *fake {
	f := &fake{byID: map[int]Schema{}, subjects: map[string][]int{}}
	f.put("raw-value", 1, compiled)
	return f
}

func (f *fake) put(subject string, id int, text string) {
	f.byID[id] = Schema{ID: id, Text: text, Avro: true}
	f.subjects[subject] = append(f.subjects[subject], id)
}

func (f *fake) ByID(_ context.Context, id int) (Schema, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.sick != nil {
		return Schema{}, f.sick
	}
	if s, ok := f.byID[id]; ok {
		return s, nil
	}
	return Schema{}, ErrNotFound
}

func (f *fake) Lookup(_ context.Context, subject, text string, _ Format) (Schema, error) {
	for _, id := range f.subjects[subject] {
		if f.byID[id].Text == text {
			return f.byID[id], f.sick
		}
	}
	return Schema{}, errors.Join(f.sick, ErrNotFound)
}

func (f *fake) Versions(_ context.Context, subject string) ([]int, error) {
	var v []int
	for i := range f.subjects[subject] {
		v = append(v, i+1)
	}
	if v == nil {
		return nil, ErrNotFound
	}
	return v, f.sick
}

func (f *fake) Version(_ context.Context, subject string, v int) (Schema, error) {
	return f.byID[f.subjects[subject][v-1]], f.sick
}

// world is a Resolver over a fake and a clock that only sleeping moves.
type world struct {
	*fake
	*Resolver
	mu      sync.Mutex
	time    time.Time
	onSleep func()
}

func newWorld() *world {
	w := &world{fake: newFake(), time: time.Unix(1e9, 0)}
	w.Resolver = newResolver(w.fake, func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.time
	}, func(ctx context.Context, d time.Duration) error {
		w.advance(d)
		if w.onSleep != nil {
			w.onSleep()
		}
		return ctx.Err()
	})
	return w
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) since(t time.Time) time.Duration { return w.time.Sub(t) }

func source() *Source {
	return &Source{Name: "location", Subject: "raw-value", Text: compiled, ID: 1,
		Layout: schema.Layout{Paths: []string{"a", "gpc"}, Required: []bool{true, true}}}
}

func isSick(err error) bool {
	c, ok := err.(interface{ Cause() string })
	return ok && c.Cause() == "registry_unreachable"
}

func TestReaderFindsAndKeeps(t *testing.T) {
	w := newWorld()
	w.put("raw-value", 2, wider)
	for range 2 {
		r, err := w.Reader(t.Context(), source(), 2)
		if err != nil {
			t.Fatal(err)
		}
		var rec schema.Record
		if err := r.Read([]byte{8, 2, 'x', 1}, &rec); err != nil || string(rec.Slots[0].Raw) != "x" {
			t.Errorf("%+v %v", rec.Slots, err)
		}
		w.sick = &Unreachable{"test", 500, "down"} // a known id needs no registry
	}
	asked := w.asked
	if n := testing.AllocsPerRun(50, func() { _, _ = w.Reader(context.Background(), source(), 2) }); n > 3 { // source() makes its own
		t.Errorf("%v allocations", n)
	}
	if w.asked != asked {
		t.Error("a known id was asked again")
	}
}

func TestUnknownTakesFiveSecondsOnceAMinute(t *testing.T) {
	w := newWorld()
	start := w.time
	if _, err := w.Reader(t.Context(), source(), 9); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	if d := w.since(start); d != 5*time.Second {
		t.Errorf("asked again for %v", d)
	}
	asked := w.asked
	if _, err := w.Reader(t.Context(), source(), 9); !errors.Is(err, ErrUnknown) || w.asked != asked {
		t.Errorf("the same id: %v, asked %d times more", err, w.asked-asked)
	}
	was := w.time
	if _, err := w.Reader(t.Context(), source(), 10); !errors.Is(err, ErrUnknown) || w.time != was {
		t.Errorf("another id within the minute waited: %v", err)
	}
	other := source()
	other.Name = "other"
	if _, err := w.Reader(t.Context(), other, 9); !errors.Is(err, ErrUnknown) || w.since(was) != 5*time.Second {
		t.Errorf("another source has a wait of its own: %v", err)
	}
	// Negative answers do not last: the id appears, and is found a minute later.
	w.put("raw-value", 9, wider)
	w.advance(time.Minute)
	if _, err := w.Reader(t.Context(), source(), 9); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

func TestIDAppearsWhileWaiting(t *testing.T) {
	w := newWorld()
	w.onSleep = func() {
		if w.since(time.Unix(1e9, 0)) >= 2*time.Second && len(w.byID) == 1 {
			w.put("raw-value", 2, wider)
		}
	}
	if _, err := w.Reader(t.Context(), source(), 2); err != nil {
		t.Error(err)
	}
}

func TestSchemaWithoutARequiredPathIsUnknown(t *testing.T) {
	w := newWorld()
	w.put("raw-value", 2, renamed)
	w.byID[4] = Schema{ID: 4, Text: `"string"`, Avro: true}
	for _, id := range []int{2, 4} {
		if _, err := w.Reader(t.Context(), source(), id); !errors.Is(err, ErrUnknown) {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

// TestSchemaThatSaysNothingParks: only a missing id and a missing path are final.
func TestSchemaThatSaysNothingParks(t *testing.T) {
	w := newWorld()
	w.byID[3] = Schema{ID: 3, Text: `{"type":"object"}`}
	w.byID[5] = Schema{ID: 5, Text: `{"type":"record","name":"R","fields":[{"name":"a","type":"elsewhere.Type"}]}`, Avro: true}
	w.byID[6] = Schema{ID: 6, Text: `{`, Avro: true}
	for id := range w.byID {
		_, err := w.Reader(t.Context(), source(), id)
		if known := id == 1; known && err != nil || !known && !isSick(err) {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

// TestIllnessIsNeverUnknown: whatever is wrong with the registry, no id becomes unknown and none is taken on trust.
func TestIllnessIsNeverUnknown(t *testing.T) {
	file := func(s *Source) { s.ID, s.Text = 0, " "+compiled+"\n" }
	for name, c := range map[string]struct {
		harm func(*fake)
		src  func(*Source)
	}{
		"down":                      {func(f *fake) { f.sick = &Unreachable{"test", 0, "no connection"} }, nil},
		"emptied":                   {func(f *fake) { clear(f.byID); clear(f.subjects) }, nil},
		"emptied, file":             {func(f *fake) { clear(f.byID); clear(f.subjects) }, file},
		"subject gone":              {func(f *fake) { clear(f.subjects) }, nil},
		"own id is another schema":  {func(f *fake) { f.byID[1] = Schema{ID: 1, Text: renamed, Avro: true} }, nil},
		"own schema has another id": {func(f *fake) { clear(f.subjects); f.put("raw-value", 7, compiled) }, nil},
		"file's text is nowhere":    {func(f *fake) { f.byID[1] = Schema{ID: 1, Text: renamed, Avro: true} }, file},
	} {
		for _, exists := range []bool{false, true} {
			w := newWorld()
			src := source()
			if c.src != nil {
				c.src(src)
			}
			c.harm(w.fake)
			if exists {
				w.byID[5] = Schema{ID: 5, Text: wider, Avro: true}
			}
			if r, err := w.Reader(t.Context(), src, 5); r != nil || !isSick(err) {
				t.Errorf("%s, id there %v: %v", name, exists, err)
			}
			if len(w.unknown)+len(w.readers)+len(w.texts) != 0 {
				t.Errorf("%s: something was kept", name)
			}
		}
	}
}

func TestFileSchemaIsCompared(t *testing.T) {
	w := newWorld()
	w.put("raw-value", 2, wider) // the file is an earlier version
	src := source()
	src.ID, src.Text = 0, "{\n \"name\":\"R\", \"type\":\"record\","+compiled[len(`{"type":"record","name":"R",`):]
	if _, err := w.Reader(t.Context(), src, 2); err != nil {
		t.Error(err)
	}
	if _, err := w.Reader(t.Context(), src, 3); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestOneQuestionForAll(t *testing.T) {
	w := newWorld()
	w.put("raw-value", 2, wider)
	release := make(chan struct{})
	w.Resolver.client = gated{w.fake, release}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := w.Reader(t.Context(), source(), 2); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	wg.Wait()
	if w.asked > 2 { // the id and the proof
		t.Errorf("asked %d times", w.asked)
	}
}

type gated struct {
	*fake
	release chan struct{}
}

func (g gated) ByID(ctx context.Context, id int) (Schema, error) {
	<-g.release
	return g.fake.ByID(ctx, id)
}

func TestCancelledIsNotUnknown(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	w.onSleep = cancel
	if _, err := w.Reader(ctx, source(), 9); !isSick(err) {
		t.Error(err)
	}
}
