// Package kafka moves records: raw events in, what may leave out. A Worker reads each partner's sources as that
// partner's own consumer group, in lanes (transactional sessions), lets the processor decide, and writes released
// records, quarantine, tally and offsets in one transaction. Whatever it doubts about the system parks the partner
// concerned, which resumes by itself; nothing but a signal or a newer instance makes it leave.
//
// It is the only importer of kgo.
package kafka

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
)

// Decider decides batches for one lane. *processor.Processor is one.
type Decider interface {
	Decide(ctx context.Context, in []processor.Inbound) (*processor.Batch, error)
}

// Store is the consent store. *consent.Store is one.
type Store interface {
	consent.Asker
	// Seen tells the store what an earlier worker saw, from the notes of its commits.
	Seen(epoch uint64, places [consent.Shards]uint64)
}

// Options is everything that a Worker works with. All fields but Now and DecideBy are required.
type Options struct {
	Connection       Connection
	Group            string // each partner reads as <group>.<partner>
	Instance         int
	Lanes            int
	CommitEvery      time.Duration
	CommitRecords    int
	Quarantine       string // topic
	Tally            string // topic
	Policy           *policy.Set
	Store            Store
	Keyring          filters.Keyring
	CheckKeys        func(ctx context.Context) error // reads the key folder anew, compares fingerprints; asked every 3 s, and sooner while it fails
	Prepare          PrepareFunc
	DecideBy         func(p *policy.Partner) time.Time // when a parked partner's events begin to lose their keys; zero: never
	Version          string
	Roles            []string  // as status shows them; nil means filter. A Waiting hands them over, and Sync
	Sync             Companion // runs beside the partners; nil where there is none
	Log              *zap.Logger
	Now              func() time.Time
	keysEvery, pulse time.Duration
}

// PrepareFunc looks up what must be known before a partner's first event (the ids of its schemas) and returns what
// makes each lane's Decider. consent is the store, measured. maxBytes is the largest record batch for each of the
// partner's streams. An error parks the partner by its Cause(); it is asked again until it succeeds.
type PrepareFunc func(ctx context.Context, p *policy.Partner, ask consent.Asker, maxBytes []int) (func() (Decider, error), error)

// ErrFenced is why Run gives up: a newer instance works under the same number.
var ErrFenced = errors.New("a newer instance with the same kafka.instance has taken over")

// Worker runs every partner of a policy set.
type Worker struct {
	opt      Options
	instance string
	metrics  *metrics
	ask      consent.Asker
	partners []*partner
	// sickKeys holds why the keys cannot be used; lanes release nothing while it is not empty.
	sickKeys atomic.Pointer[error]
}

// New builds a Worker. It connects to nothing.
func New(o Options) *Worker {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.keysEvery == 0 {
		o.keysEvery = 3 * time.Second
	}
	if o.pulse == 0 {
		o.pulse = 500 * time.Millisecond
	}
	w := &Worker{opt: o, instance: strconv.Itoa(o.Instance), metrics: newMetrics(o.Policy, o.Version)}
	w.ask = timedAsker{o.Store, w.metrics.lookup}
	unchecked := error(&Trouble{KeyMissing, "the keys are being checked"})
	w.sickKeys.Store(&unchecked)
	for _, p := range o.Policy.Partners {
		w.partners = append(w.partners, newPartner(w, p))
	}
	return w
}

// Run works until ctx ends, then finishes the transactions in hand and returns nil; or returns ErrFenced.
func (w *Worker) Run(ctx context.Context) error {
	client, err := kgo.NewClient(append(w.opt.Connection.Options(),
		kgo.RequestRetries(3), kgo.RetryTimeout(lookTimeout))...)
	if err != nil {
		return err
	}
	defer client.Close()
	adm := kadm.NewClient(client)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { w.watchKeys(ctx) })
	for _, p := range w.partners {
		wg.Go(func() {
			if err := p.run(ctx, adm); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if errors.Is(context.Cause(ctx), ErrFenced) {
		return ErrFenced
	}
	return nil
}

const (
	// keysAgain is how soon keys that could not be compared are compared again. What failed may only have been the store,
	// while it was down, and when that is back nobody should wait for the keys.
	keysAgain    = 250 * time.Millisecond
	keysDeadline = time.Second
)

// watchKeys keeps the key folder current and in agreement with what the other workers use.
func (w *Worker) watchKeys(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.checkKeys(ctx)
		if ctx.Err() != nil {
			return
		}
		w.sickKeys.Store(&err)
		wait := w.opt.keysEvery
		if err != nil {
			wait = min(keysAgain, wait)
		}
		for _, p := range w.partners {
			if err != nil {
				p.standing.doubt("keys", err, KeyMissing)
			} else {
				p.standing.content("keys")
			}
		}
		pause(ctx, wait)
	}
}

func (w *Worker) checkKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keysDeadline)
	defer cancel()
	return w.opt.CheckKeys(ctx)
}

// keysFit is nil while the keys may be used.
func (w *Worker) keysFit() error { return *w.sickKeys.Load() }

// every calls f at once and then at each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// pause waits, or ends early with ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
