// run_assemble.go connects the rooms for `run`: what each partner's lanes decide with.

package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
	"github.com/consentry/consentry/schema"
	"github.com/consentry/consentry/schema/registry"
)

// fabric is what all lanes share.
type fabric struct {
	cfg     *config.Config
	store   *consent.Store
	ring    *keys.Ring
	partner *registry.Client // nil where no partner registry is named
	readers *readers
	checked fingerprints
}

// tryAssemble builds everything once. An error with a cause is doubt about what is outside: the caller tries again.
func (a *app) tryAssemble(ctx context.Context, log *zap.Logger) (_ *kafka.Worker, closeAll func(), err error) {
	d, err := a.loadPolicy(ctx)
	if err != nil {
		return nil, nil, err
	}
	if old := placesAge(d.set.House, time.Now()); old != "" {
		log.Warn("places", zap.String("age", old), zap.String("run", importPlaces(d.cfg)))
	}
	ring, err := keys.Open(d.cfg.Keys.Dir)
	if err != nil {
		return nil, nil, &exitError{code: exitFailed, err: err}
	}
	store, err := openStore(d.cfg)
	if err != nil {
		return nil, nil, err
	}
	w, closeWorker, err := newWorker(d, store, ring, log)
	if err != nil {
		_ = store.Close()
		return nil, nil, err
	}
	return w, func() { closeWorker(); _ = store.Close() }, nil
}

// newWorker connects the rooms on a store and a key folder that are open. It asks nobody yet.
func newWorker(d *deployment, store *consent.Store, ring *keys.Ring, log *zap.Logger) (_ *kafka.Worker, closeAll func(), err error) {
	f := &fabric{cfg: d.cfg, store: store, ring: ring}
	var closers []func()
	closeAll = func() {
		for _, c := range closers {
			c()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	conn, err := connectionOf(d.cfg)
	if err != nil {
		return nil, nil, err
	}
	if d.cfg.Registry.Raw.URL != "" {
		client, err := rawRegistry(d.cfg)
		if err != nil {
			return nil, nil, &exitError{code: exitConfig, err: err}
		}
		closers = append(closers, client.Close)
		f.readers = newReaders(client, d)
	}
	if d.cfg.Registry.Partner.URL != "" {
		if f.partner, err = partnerRegistry(d.cfg); err != nil {
			return nil, nil, &exitError{code: exitConfig, err: err}
		}
		closers = append(closers, f.partner.Close)
	}
	return kafka.New(kafka.Options{
		Connection: conn, Group: d.cfg.Kafka.Group, Instance: d.cfg.Kafka.Instance, Lanes: d.cfg.Kafka.Lanes,
		CommitEvery: d.cfg.Kafka.Commit.Every, CommitRecords: d.cfg.Kafka.Commit.Records,
		Quarantine: d.cfg.Quarantine, Tally: d.cfg.Tally, Policy: d.set, Store: f.store, Keyring: f.ring,
		CheckKeys: f.checkKeys, Prepare: f.prepare, DecideBy: f.decideBy, Version: thisBuild().Version, Log: log,
	}), closeAll, nil
}

// prepare looks up the schema ids of one partner's streams, and makes its lanes' processors.
func (f *fabric) prepare(ctx context.Context, p *policy.Partner, ask consent.Asker, maxBytes []int) (func() (kafka.Decider, error), error) {
	ids := make([]int, len(p.Streams))
	for i, s := range p.Streams {
		// JSON records carry no id, yet a partner that reads by a schema must find the one that is written.
		format, known := registry.ParseFormat(s.Format)
		if !known || f.partner == nil {
			return nil, &unpublished{s.Topic}
		}
		found, err := f.partner.Lookup(ctx, registry.Subject(s.Topic), s.Output.Text(), format)
		if errors.Is(err, registry.ErrNotFound) {
			return nil, &unpublished{s.Topic}
		}
		if err != nil {
			return nil, err
		}
		ids[i] = found.ID
	}
	return func() (kafka.Decider, error) {
		house := f.ring.HouseKey()
		o := processor.Options{Partner: p, Consent: comparedAsker{ask, f}, Keys: f.ring, Names: consent.NewNamer(house[:]),
			OutputIDs: ids, MaxBytes: maxBytes}
		if f.readers != nil {
			o.Readers = f.readers
		}
		return processor.New(o)
	}, nil
}

// unpublished parks: the partner registry is well and lacks the schema.
type unpublished struct{ topic string }

func (u *unpublished) Error() string { return "the partner registry lacks the schema of " + u.topic }
func (u *unpublished) Cause() string { return string(kafka.SchemaUnpublished) }

// fingerprints remembers which keys have been compared with Redis.
type fingerprints struct {
	mu    sync.Mutex
	seen  map[string]string
	at    time.Time
	epoch atomic.Uint64 // of the store that they were compared with
}

// compareAgain is how often all fingerprints are compared anew: Redis may have been replaced meanwhile.
const compareAgain = time.Minute

// checkKeys reads the key folder anew and compares the fingerprint of every key with the one first seen in Redis: two
// workers with different folders would give one person two pseudonyms.
func (f *fabric) checkKeys(ctx context.Context) error {
	if err := f.ring.Refresh(); err != nil {
		return err
	}
	c := &f.checked
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) > compareAgain {
		c.seen = nil
	}
	return f.compare(ctx)
}

// compareIn compares every key anew with a store whose epoch has changed. Whoever accepted it may have named its
// subjects under another house key, and then it has nothing on anybody that this worker asks about.
func (f *fabric) compareIn(ctx context.Context, epoch uint64) error {
	c := &f.checked
	if c.epoch.Load() == epoch {
		return nil
	}
	if err := f.ring.Refresh(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
	if err := f.compare(ctx); err != nil {
		return err
	}
	c.epoch.Store(epoch)
	return nil
}

// compare holds every fingerprint that was not seen yet against Redis; c.mu is held.
func (f *fabric) compare(ctx context.Context) error {
	c := &f.checked
	if c.seen == nil {
		c.seen, c.at = map[string]string{}, time.Now()
	}
	prints := f.ring.Fingerprints()
	// The house key first. The others stand under its name, so that a folder of another deployment that came first to an
	// emptied store has set none of theirs.
	names := append([]string{keys.House}, slices.DeleteFunc(slices.Sorted(maps.Keys(prints)), func(n string) bool { return n == keys.House })...)
	for _, name := range names {
		print, at := prints[name], name
		if c.seen[name] == print {
			continue
		}
		if name != keys.House {
			at = prints[keys.House] + ":" + name
		}
		same, err := f.store.Fingerprint(ctx, at, print)
		if err != nil {
			return err
		}
		if !same {
			return &mismatch{name}
		}
		c.seen[name] = print
	}
	return nil
}

// comparedAsker passes on no answer of a store that the keys have not been compared with.
type comparedAsker struct {
	consent.Asker
	f *fabric
}

func (a comparedAsker) Ask(ctx context.Context, partner string, ids []consent.ID, snap *consent.Snapshot) error {
	if err := a.Asker.Ask(ctx, partner, ids, snap); err != nil {
		return err
	}
	return a.f.compareIn(ctx, snap.Epoch)
}

type mismatch struct{ key string }

func (m *mismatch) Error() string { return "key " + m.key + " is not the one that was here first" }
func (m *mismatch) Cause() string { return string(kafka.KeyMismatch) }

// decideBy is when the first key that waiting events may need is erased at the latest.
func (f *fabric) decideBy(p *policy.Partner) time.Time {
	items, err := keys.List(f.cfg.Keys.Dir, f.cfg.Keys.Keep, time.Now())
	if err != nil {
		return time.Time{}
	}
	var first time.Time
	for _, it := range items {
		if it.State != keys.Current && it.State != keys.Past || !uses(p, it.Period) {
			continue
		}
		if first.IsZero() || it.EraseBy.Before(first) {
			first = it.EraseBy
		}
	}
	return first
}

func uses(p *policy.Partner, period time.Duration) bool {
	for _, s := range p.Streams {
		if s.PeriodMS == period.Milliseconds() {
			return true
		}
	}
	return false
}

// readers gives the processor the registry's readers.
type readers struct {
	resolver *registry.Resolver
	sources  map[*policy.Source]*registry.Source
}

// newReaders prepares every Avro source of every partner: each partner's layout of a source is its own.
func newReaders(client *registry.Client, d *deployment) *readers {
	r := &readers{resolver: registry.NewResolver(client), sources: map[*policy.Source]*registry.Source{}}
	for _, p := range d.set.Partners {
		for _, s := range p.Sources {
			found := d.schemas[s.Name]
			r.sources[s] = &registry.Source{Name: p.Name + "/" + s.Name, Subject: s.SchemaSubject, Text: found.text,
				ID: found.id, Layout: s.Layout}
		}
	}
	return r
}

// Reader finds the reader of a writer's schema.
func (r *readers) Reader(ctx context.Context, source *policy.Source, id int) (*schema.Reader, error) {
	src, ok := r.sources[source]
	if !ok {
		return nil, &registry.Unreachable{}
	}
	reader, err := r.resolver.Reader(ctx, src, id)
	if errors.Is(err, registry.ErrUnknown) {
		return nil, processor.ErrUnknownSchema{}
	}
	return reader, err
}
