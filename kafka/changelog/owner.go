// Package changelog keeps the truth about consents in Kafka. Whoever changes a consent appends a request; the owner of
// the subject's shard merges it into the subject's line, writes the line to the state topic in the transaction that
// commits the request's offset, and projects it into Redis, where the workers ask. One group's assignment decides who
// owns a shard; what is written twice by two owners is written once, because a request is merged upon a line only where
// Redis stands at the very place that this owner wrote last, and scripts do nothing at any other place than theirs.
//
// It knows no events and no policies, and sees no subject but by its keyed name (the intake names them first).
package changelog

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

const (
	pulse        = 500 * time.Millisecond // between heartbeats
	idlePoll     = 500 * time.Millisecond
	firstBackoff = 250 * time.Millisecond
	lastBackoff  = 5 * time.Second
	lifeSign     = time.Minute
	// mostRequests is how many requests one transaction merges: what is read, written and projected between two
	// heartbeats.
	mostRequests = 10_000
	// staleMargin is added to park_when_stale where an old heartbeat must surely have ended.
	staleMargin = 100 * time.Millisecond
)

// Store is the half of consent.Store that an owner works with. *consent.Store is one.
type Store interface {
	Metas(ctx context.Context, shards []int) ([]consent.Meta, error)
	ReadForMerge(ctx context.Context, shard int, epoch, place uint64, keys []string) ([][]byte, bool, error)
	Project(ctx context.Context, batches []consent.ShardBatch) ([]consent.Projected, error)
	Beat(ctx context.Context, beats []consent.ShardBeat) ([]bool, error)
	BeginFill(ctx context.Context, shard int, epoch uint64) (place uint64, live bool, err error)
	Flip(ctx context.Context, shard int, epoch, place uint64) (bool, error)
	Imprint(ctx context.Context, name, hash string) error
	NoteDropped(ctx context.Context, shard int) error
}

// Options is everything that an Owner works with. Intake and Name are for the intake; all others are required.
type Options struct {
	Connection      kafka.Connection
	Group           string // requests are read as <group>.consent, the intake as <group>.consent-intake
	Instance        int
	Lanes           int
	Requests, State string // topics
	Quarantine      string // topic
	Intake          string // the carrier's topic; empty for none
	// Name makes what names a subject as it stands in an intake record; asked for each session of the intake and before each
	// transaction, so it keeps its answer where that is sure. Its error parks the intake.
	Name func(ctx context.Context) (func(subject string) (consent.ID, bool), error)
	// Check refuses a change of the intake for what the configuration says; empty is no objection.
	Check         func(consent.Change) string
	Store         Store
	HouseKey      string // the house key's name among the fingerprints in the store
	ParkWhenStale time.Duration
	Log           *zap.Logger

	pulse, lookEvery time.Duration
	// written is called in tests between the commit of a transaction and its projection.
	written func()
}

// Owner merges and projects the shards that the group gives it.
type Owner struct {
	opt      Options
	group    string
	instance string
	log      *statelog
	requests *statelog
	lanes    []*lane
	intake   *intake // nil without one
	metrics  *metrics
	standing standing
	adm      *kadm.Client
	lag      atomic.Int64
	looked   atomic.Bool                   // every lane has met the broker, or has failed to
	wrong    atomic.Pointer[kafka.Trouble] // what the settings of the topics are not, since they were looked at last
}

// New builds an Owner. It connects to nothing.
func New(o Options) *Owner {
	if o.pulse == 0 {
		o.pulse = pulse
	}
	if o.lookEvery == 0 {
		o.lookEvery = settingsEvery
	}
	if o.Check == nil {
		o.Check = func(consent.Change) string { return "" }
	}
	if o.written == nil {
		o.written = func() {}
	}
	out := &Owner{opt: o, group: o.Group + ".consent", instance: strconv.Itoa(o.Instance)}
	out.standing.begin(time.Now())
	out.metrics = newMetrics(out)
	for n := range o.Lanes {
		out.lanes = append(out.lanes, newLane(out, n))
	}
	if o.Intake != "" {
		out.intake = newIntake(out)
	}
	return out
}

// Run works until ctx ends, then finishes the transactions in hand and returns nil; or returns kafka.ErrFenced.
func (o *Owner) Run(ctx context.Context) error {
	cl, adm, err := kafka.AdminClient(o.opt.Connection)
	if err != nil {
		return err
	}
	defer cl.Close()
	o.adm = adm
	o.log = &statelog{conn: o.opt.Connection, topic: o.opt.State, adm: adm}
	o.requests = &statelog{conn: o.opt.Connection, topic: o.opt.Requests, adm: adm}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	work := func(part string, again func(ctx context.Context) (worked bool, err error)) {
		wg.Go(func() {
			if err := o.repeat(ctx, part, again); err != nil {
				cancel(err)
			}
		})
	}
	for _, l := range o.lanes {
		work(l.part, l.session)
	}
	if o.intake != nil {
		work(o.intake.part, o.intake.session)
	}
	wg.Go(func() { kafka.Every(ctx, 4*o.opt.pulse, func() { o.measure(ctx) }) })
	wg.Go(func() { kafka.Every(ctx, o.opt.lookEvery, func() { o.watchSettings(ctx) }) })
	wg.Wait()
	if errors.Is(context.Cause(ctx), kafka.ErrFenced) {
		return kafka.ErrFenced
	}
	return nil
}

// repeat runs one session after the other until ctx ends; it returns only kafka.ErrFenced.
func (o *Owner) repeat(ctx context.Context, part string, session func(ctx context.Context) (bool, error)) error {
	backoff := firstBackoff
	failed := 0
	for ctx.Err() == nil {
		worked, err := o.prepared(ctx, part, session)
		if errors.Is(err, kafka.ErrFenced) {
			return kafka.ErrFenced
		}
		if ctx.Err() != nil {
			return nil
		}
		if worked {
			backoff, failed = firstBackoff, 0
		}
		if failed++; isTrouble(err) || failed > 2 {
			// One failure without a cause may be a leader on its way.
			o.standing.doubt(part, lasting(err))
		}
		o.looked.Store(true)
		o.opt.Log.Warn("session rebuilt", zap.String("part", part), zap.String("code", kafka.Code(err)), zap.Duration("again_in", backoff))
		kafka.Pause(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

// prepared looks at the topics before a session, so that what is missing is told by name. What was wrong with the session
// before stands until this one has worked: a broker may refuse what no look shows.
func (o *Owner) prepared(ctx context.Context, part string, session func(ctx context.Context) (bool, error)) (bool, error) {
	if err := o.lookAtTopics(ctx, part); err != nil {
		return false, err
	}
	return session(ctx)
}

// failed tells a newer instance from a transaction that merely timed out: both bump the producer's epoch.
func (o *Owner) failed(s *session, group, instance string, err error) error {
	if !isFenced(err) {
		return err
	}
	id, _ := s.Client().GroupMetadata()
	if kafka.Usurped(context.Background(), o.adm, group, instance, id) {
		return kafka.ErrFenced
	}
	return kafka.ErrRebuild
}
