// One partner: look whether it can work, run its lanes, and when one of them meets trouble that it cannot mend, let all
// of them go, park, and look again. Nothing here concerns another partner.

package kafka

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
	"github.com/consentry/consentry/policy"
)

const (
	lookAgain    = time.Second            // between looks while parked
	firstBackoff = 250 * time.Millisecond // after trouble that the look does not see; doubles
	lastBackoff  = 5 * time.Second
	// defaultMaxBatch is the client library's own bound of a batch, under Kafka's default for topics.
	defaultMaxBatch = 1000012
)

// Parts of a partner that may doubt.
const (
	partStart  = "start"  // the look before the lanes
	partLanes  = "lanes"  // why the lanes were let go last
	partStore  = "store"  // the watcher of the consent store
	partBroker = "broker" // the watcher of the lag
)

type partner struct {
	w        *Worker
	policy   *policy.Partner
	group    string
	standing *standing
	log      *zap.Logger
	adm      *kadm.Client
	mu       sync.Mutex     // guards known and lost
	raw      []string       // source topics
	sources  map[string]int // raw topic → index into policy.Sources
	known    map[string]topicID
	lost     map[string]map[int32]int64 // committed position at which the client reported data loss
	lag      atomic.Int64
	beats    []atomic.Int64 // by lane: Unix nanoseconds of its last sign of life; 0 while it does not run
	looked   atomic.Bool    // the first look is over
}

func newPartner(w *Worker, p *policy.Partner) *partner {
	out := &partner{w: w, policy: p, group: w.opt.Group + "." + p.Name, standing: newStanding(w.opt.Now),
		log: w.opt.Log.With(zap.String("partner", p.Name)), sources: map[string]int{}, known: map[string]topicID{},
		lost: map[string]map[int32]int64{}, beats: make([]atomic.Int64, w.opt.Lanes)}
	for i, s := range p.Sources {
		out.raw = append(out.raw, s.Topic)
		out.sources[s.Topic] = i
	}
	out.standing.seconds = func(c Cause, d time.Duration) {
		w.metrics.parkedSeconds.WithLabelValues(p.Name, string(c)).Add(d.Seconds())
	}
	out.standing.changed = func(before, after view) {
		if before.Cause != "" {
			w.metrics.parked.WithLabelValues(p.Name, string(before.Cause)).Set(0)
		}
		if after.Cause != "" {
			w.metrics.parked.WithLabelValues(p.Name, string(after.Cause)).Set(1)
		}
		out.log.Info("partner", zap.String("state", after.State), zap.String("cause", string(after.Cause)),
			zap.String("detail", after.Detail), zap.String("was", before.State))
	}
	return out
}

// run works until ctx ends; it returns only ErrFenced.
func (p *partner) run(ctx context.Context, adm *kadm.Client) error {
	p.adm = adm
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { p.watchStore(ctx) })
	wg.Go(func() { p.watchLag(ctx) })
	backoff := firstBackoff
	for ctx.Err() == nil {
		plan, err := p.prepare(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// What the look finds explains why the lanes were let go, better than what they met.
			p.standing.doubt(partStart, err, BrokerUnreachable)
			p.standing.content(partLanes)
			p.looked.Store(true)
			pause(ctx, lookAgain)
			continue
		}
		p.standing.content(partStart)
		p.standing.begun()
		p.looked.Store(true)
		began := time.Now()
		err = p.runLanes(ctx, plan)
		if errors.Is(err, ErrFenced) {
			return ErrFenced
		}
		if ctx.Err() != nil || err == nil {
			return nil
		}
		if time.Since(began) > 30*time.Second {
			backoff = firstBackoff
		}
		p.log.Warn("lanes let go", zap.String("cause", string(causeOf(err, BrokerUnreachable))), zap.String("code", code(err)),
			zap.Duration("again_in", backoff))
		p.standing.doubt(partLanes, err, BrokerUnreachable)
		pause(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

// plan is what the lanes of one start work with.
type plan struct {
	*beginning
	decider  func() (Decider, error)
	maxBatch int32
}

// prepare looks at everything that must be right before the first event.
func (p *partner) prepare(ctx context.Context) (*plan, error) {
	b, err := p.lookAtBroker(ctx)
	if err != nil {
		return nil, err
	}
	for i := range b.notes {
		p.w.opt.Store.Seen(b.notes[i].epoch, b.notes[i].places)
	}
	limits, maxBatch := p.batchLimits(ctx)
	decider, err := p.w.opt.Prepare(ctx, p.policy, p.w.ask, limits)
	if err != nil {
		return nil, err
	}
	return &plan{beginning: b, decider: decider, maxBatch: maxBatch}, nil
}

// lookAtBroker judges topics and offsets, and remembers the raw topics' ids.
func (p *partner) lookAtBroker(ctx context.Context) (*beginning, error) {
	details, err := lookAtTopics(ctx, p.adm, p.topics())
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := lookAtOffsets(ctx, p.adm, p.group, p.raw, details, p.known, p.lost)
	if err != nil {
		return nil, err
	}
	for topic, id := range b.ids {
		p.known[topic] = id
	}
	return b, nil
}

// topics lists everything that the partner's lanes read or write.
func (p *partner) topics() []string {
	all := append([]string(nil), p.raw...)
	for _, s := range p.policy.Streams {
		all = append(all, s.Topic)
	}
	return append(all, p.w.opt.Quarantine, p.w.opt.Tally)
}

// batchLimits asks what the topics take. The broker measures max.message.bytes on a whole batch, and one client has one
// bound for all its batches: the smallest counts. Without the right to ask, Kafka's default is assumed.
func (p *partner) batchLimits(ctx context.Context) (perStream []int, maxBatch int32) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	maxBatch = defaultMaxBatch
	configs, err := p.adm.DescribeTopicConfigs(ctx, p.topics()[len(p.raw):]...)
	if err == nil {
		for _, topic := range configs {
			for _, c := range topic.Configs {
				if c.Key != "max.message.bytes" || c.Value == nil {
					continue
				}
				if n, err := strconv.ParseInt(*c.Value, 10, 32); err == nil && n > 0 {
					maxBatch = min(maxBatch, int32(n))
				}
			}
		}
	}
	for range p.policy.Streams {
		perStream = append(perStream, int(maxBatch))
	}
	return perStream, maxBatch
}

// runLanes runs all lanes until ctx ends or one meets trouble; then all are let go, each finishing its transaction.
func (p *partner) runLanes(ctx context.Context, plan *plan) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var parts []string
	for n := range p.w.opt.Lanes {
		l := newLane(p, n, plan)
		parts = append(parts, l.part, l.writing)
		wg.Go(func() {
			defer p.beats[n].Store(0)
			if err := l.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	p.standing.leave(parts...)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// well says that a lane works: what the lanes were let go for is over.
func (p *partner) well() { p.standing.content(partLanes) }

// watchStore asks the store about nobody: is it well, and is the partner stopped. Lanes with events ask themselves;
// this is for those without.
func (p *partner) watchStore(ctx context.Context) {
	var snap consent.Snapshot
	every(ctx, p.w.opt.pulse, func() {
		err := p.w.opt.Store.Ask(ctx, p.policy.Name, nil, &snap)
		if ctx.Err() != nil {
			return
		}
		p.standing.tick()
		if err != nil {
			p.standing.doubt(partStore, err, RedisUnreachable)
			return
		}
		p.standing.content(partStore)
		p.standing.stop(partStore, snap.Stopped)
	})
}

// watchLag measures what is left to do, and so notices a broker that is gone while no event comes.
func (p *partner) watchLag(ctx context.Context) {
	failures := 0
	every(ctx, 4*p.w.opt.pulse, func() {
		lag, err := measureLag(ctx, p.adm, p.group, p.raw)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// One failure may be a leader on its way.
			if failures++; failures > 1 && unreachable(err) {
				p.standing.doubt(partBroker, &Trouble{BrokerUnreachable, code(err)}, BrokerUnreachable)
			}
			return
		}
		failures = 0
		p.standing.content(partBroker)
		var total int64
		for topic, n := range lag {
			total += n
			p.w.metrics.lag.WithLabelValues(p.policy.Sources[p.sources[topic]].Name, p.policy.Name).Set(float64(n))
		}
		p.lag.Store(total)
	})
}

// usurped tells whether another process has joined the group under a lane's instance id.
func (p *partner) usurped(instance, member string) bool {
	return Usurped(context.Background(), p.adm, p.group, instance, member)
}

// noteLoss remembers at which position the client reported lost events.
func (p *partner) noteLoss(topic string, partition int32, committed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost[topic] == nil {
		p.lost[topic] = map[int32]int64{}
	}
	p.lost[topic][partition] = committed
}
