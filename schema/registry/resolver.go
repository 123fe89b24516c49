package registry

// This file finds the compiled reader for the schema id in front of an Avro event. What it must never do: call an id
// unknown, and so an event finally unreadable, while it is the registry that is ill, emptied or a different one.

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/consentry/consentry/schema"
)

// ErrUnknown is the final answer that an id's schema is not to be had, or cannot serve the source: the registry is well
// and has no such id, or its schema lacks a required path.
var ErrUnknown = errors.New("unknown schema")

// Source is what a source's readers are compiled for.
type Source struct {
	Name    string // unique among the sources of one Resolver and one Layout
	Subject string // the subject that proves that the registry is still the same one
	// Text is the schema that policies were compiled against. ID is its id in the registry, 0 when the text is from a
	// file: then some version of the subject must hold the same JSON.
	Text   string
	ID     int
	Layout schema.Layout
}

// Limits of what is kept. Writer schemas are immutable and so kept for ever, up to a number no real topic reaches.
const (
	maxKept     = 4096
	askAgainFor = 5 * time.Second // an id may be younger than this registry node knows
	askEvery    = 500 * time.Millisecond
	waitPause   = time.Minute // between two such waits of a source
	unknownFor  = time.Minute // how long an unknown id is remembered
	maxVersions = 200
)

// Resolver finds readers. Safe for concurrent use.
type Resolver struct {
	client registry
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	aside  func(func()) // runs beside the caller

	mu      sync.RWMutex
	readers map[key]*schema.Reader
	texts   map[int]Schema    // writer schemas by id
	unknown map[key]time.Time // until when
	flights map[key]*flight
	waited  map[string]time.Time // by source: when its last wait began
	looks   map[int]look         // by id: how its text was last seen
}

// registry is the part of Client that a Resolver needs.
type registry interface {
	ByID(ctx context.Context, id int) (Schema, error)
	Lookup(ctx context.Context, subject, text string, f Format) (Schema, error)
	Versions(ctx context.Context, subject string) ([]int, error)
	Version(ctx context.Context, subject string, version int) (Schema, error)
}

type key struct {
	source string
	id     int
}

// flight is one question on its way, for all who ask the same.
type flight struct {
	done   chan struct{}
	reader *schema.Reader
	err    error
}

// NewResolver makes a Resolver on a raw registry.
func NewResolver(c *Client) *Resolver { return newResolver(c, time.Now, sleep) }

func newResolver(c registry, now func() time.Time, sleep func(context.Context, time.Duration) error) *Resolver {
	return &Resolver{
		client: c, now: now, sleep: sleep, aside: func(f func()) { go f() },
		readers: map[key]*schema.Reader{}, texts: map[int]Schema{}, unknown: map[key]time.Time{},
		flights: map[key]*flight{}, waited: map[string]time.Time{}, looks: map[int]look{},
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reader returns the reader of a source for events written with schema id. The error is ErrUnknown (final) or
// implements Cause. It may take up to 5 s and a few requests for an id it meets for the first time; for a known one it
// is a look-up without allocation.
func (r *Resolver) Reader(ctx context.Context, src *Source, id int) (*schema.Reader, error) {
	k := key{src.Name, id}
	r.mu.RLock()
	reader, until := r.readers[k], r.unknown[k]
	r.mu.RUnlock()
	if reader != nil {
		if r.changed(id) {
			return nil, &Unreachable{"schema by id", 0, "the id's schema has changed"}
		}
		return reader, nil
	}
	if !until.IsZero() && r.now().Before(until) {
		return nil, ErrUnknown
	}
	r.mu.Lock()
	f := r.flights[k]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		r.flights[k] = f
		r.mu.Unlock()
		f.reader, f.err = r.resolve(ctx, src, k)
		r.mu.Lock()
		delete(r.flights, k)
		r.mu.Unlock()
		close(f.done)
		return f.reader, f.err
	}
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.reader, f.err
	case <-ctx.Done():
		return nil, &Unreachable{"schema by id", 0, "cancelled"}
	}
}

func (r *Resolver) resolve(ctx context.Context, src *Source, k key) (*schema.Reader, error) {
	writer, err := r.writer(ctx, src, k)
	if errors.Is(err, ErrUnknown) {
		r.noteUnknown(k)
	}
	if err != nil {
		return nil, err
	}
	reader, err := compile(writer, src.Layout)
	r.mu.Lock()
	defer r.mu.Unlock()
	if lacks := (*schema.LacksPath)(nil); errors.As(err, &lacks) {
		// A schema never changes, so this is as final as a compiled reader. It is asked again in a minute all the
		// same, which costs nothing and keeps one list.
		r.remember(k)
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	if len(r.readers) < maxKept {
		r.readers[k] = reader
	}
	return reader, nil
}

// compile makes a reader of a writer's schema. A *schema.LacksPath is final. A schema that is not Avro or cannot be
// parsed says nothing about its events: that is doubt about the registry, which parks.
func compile(s Schema, l schema.Layout) (*schema.Reader, error) {
	const op = "schema by id"
	if !s.Avro {
		return nil, &Unreachable{op, 0, "the id's schema is not Avro"}
	}
	shape, err := schema.ParseAvro([]byte(s.Text))
	if errors.Is(err, schema.ErrNoRecord) {
		return nil, &schema.LacksPath{}
	}
	if err != nil {
		return nil, &Unreachable{op, 0, "the id's schema cannot be parsed"}
	}
	return shape.Compile(l)
}

// writer finds the schema of an id: from the cache, or from a registry that is proven to be the one it was.
func (r *Resolver) writer(ctx context.Context, src *Source, k key) (Schema, error) {
	r.mu.RLock()
	s, ok := r.texts[k.id]
	r.mu.RUnlock()
	if ok {
		return s, nil
	}
	s, err := r.client.ByID(ctx, k.id)
	if errors.Is(err, ErrNotFound) && r.mayWait(src.Name) {
		for until := r.now().Add(askAgainFor); errors.Is(err, ErrNotFound) && r.now().Before(until); {
			if r.sleep(ctx, askEvery) != nil {
				return Schema{}, &Unreachable{"schema by id", 0, "cancelled"}
			}
			s, err = r.client.ByID(ctx, k.id)
		}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Schema{}, err
	}
	// After the answer, not before: a registry that was emptied and is being filled again may say 404 for an id that is
	// on its way, or serve another schema under it.
	if proof := r.prove(ctx, src); proof != nil {
		return Schema{}, proof
	}
	if err != nil {
		return Schema{}, ErrUnknown
	}
	return r.keep(s)
}

// keep caches a writer's schema. Two answers for one id that differ mean another registry.
func (r *Resolver) keep(s Schema) (Schema, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.texts[s.ID]; ok && old.Text != s.Text {
		return Schema{}, &Unreachable{"schema by id", 0, "the id's schema has changed"}
	}
	if len(r.texts) < maxKept {
		r.texts[s.ID] = s
	}
	return s, nil
}

// prove checks that the registry still serves the source's own subject with what was compiled.
func (r *Resolver) prove(ctx context.Context, src *Source) error {
	const op = "the source's own subject"
	if src.ID > 0 {
		s, err := r.client.Lookup(ctx, src.Subject, src.Text, Avro)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && s.ID != src.ID:
			return &Unreachable{op, 0, "no longer has the schema that was compiled"}
		case err != nil:
			return err
		}
		s, err = r.client.ByID(ctx, src.ID)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && !schema.SameText(s.Text, src.Text):
			return &Unreachable{op, 0, "the id's schema has changed"}
		}
		return err
	}
	versions, err := r.client.Versions(ctx, src.Subject)
	if errors.Is(err, ErrNotFound) {
		return &Unreachable{op, 0, "is not there"}
	}
	if err != nil {
		return err
	}
	for i := len(versions) - 1; i >= 0 && i >= len(versions)-maxVersions; i-- { // the newest first
		s, err := r.client.Version(ctx, src.Subject, versions[i])
		if err != nil && !errors.Is(err, ErrNotFound) { // one may be deleted between the two questions
			return err
		}
		if err == nil && schema.SameText(s.Text, src.Text) {
			return nil
		}
	}
	return &Unreachable{op, 0, "has no version with the schema file's text"}
}

// mayWait grants one wait per source and minute.
func (r *Resolver) mayWait(source string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if last, ok := r.waited[source]; ok && now.Sub(last) < waitPause {
		return false
	}
	r.waited[source] = now
	return true
}

func (r *Resolver) noteUnknown(k key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember(k)
}

// remember notes an unknown id; r.mu is held.
func (r *Resolver) remember(k key) {
	now := r.now()
	if len(r.unknown) >= maxKept {
		for old, until := range r.unknown {
			if !now.Before(until) {
				delete(r.unknown, old)
			}
		}
	}
	if len(r.unknown) < maxKept {
		r.unknown[k] = now.Add(unknownFor)
	}
}
