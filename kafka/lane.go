// One lane of one partner: poll, decide, write, commit; over and over, in one goroutine. No transaction is open while
// it decides. A lane that cannot get its verdicts keeps what it polled and its place in the group, and asks again; a
// session that has failed is replaced by one with the same identity; what a new session cannot mend goes to the partner.

package kafka

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/processor"
)

const (
	idlePoll   = 500 * time.Millisecond // a poll without events; also how often a parked lane asks again
	parkedPoll = 250 * time.Millisecond
	// staleSoon is when a verdict is decided again before it is written: half its life, so that the write has the other.
	staleSoon = maxVerdictAge / 2
	// endGap keeps commits apart: the broker is still writing the markers of the one before.
	endGap = 20 * time.Millisecond
	// wellAfter idle polls without trouble count as working.
	wellAfter = 10
	// futileSessions in a row are shown: one may be a leader on its way, or a batch too large for the link.
	futileSessions = 3
)

// errRebuild asks for a new session: this one may be in any state.
var errRebuild = errors.New("the session must be rebuilt")

type lane struct {
	p       *partner
	n       int
	part    string // as the standing knows its doubt about verdicts,
	writing string // and about getting them written
	plan    *plan
	decider Decider
	log     *zap.Logger

	polled  []*kgo.Record
	inbound []processor.Inbound
	spans   []span
	records []kgo.Record
	most    int  // events of one transaction: commit.records, or fewer after some that could not be written in time
	worked  bool // this session has committed something
	futile  int  // sessions that were given up, in a row, without a commit
	idle    int  // polls without an event, in a row
	aborts  int  // transactions that were not committed, in a row
	paused  bool
}

func newLane(p *partner, n int, plan *plan) *lane {
	return &lane{p: p, n: n, part: "lane " + strconv.Itoa(n), writing: "writes of lane " + strconv.Itoa(n), plan: plan, log: p.log.With(zap.Int("lane", n)),
		most: p.w.opt.CommitRecords}
}

// run works until ctx ends (nil), a newer instance takes over (ErrFenced), or trouble comes that a new session does not
// mend.
func (l *lane) run(ctx context.Context) error {
	backoff := firstBackoff
	for ctx.Err() == nil {
		var err error
		// A session that was given up may still hold the last batch's bytes: a new decider brings new ones.
		if l.decider, err = l.plan.decider(); err != nil {
			return err
		}
		l.polled, l.inbound, l.spans, l.records, l.paused = nil, nil, nil, nil, false
		s, err := newSession(sessionSpec{
			conn: l.p.w.opt.Connection, group: l.p.group, instance: instanceID(l.p.w.instance, l.n), topics: l.p.raw,
			maxBatch: l.plan.maxBatch,
			observe:  func(age time.Duration) { l.p.w.metrics.verdictAge.Observe(age.Seconds()) },
		})
		if err != nil {
			return err
		}
		began := time.Now()
		l.worked = false
		err = l.serve(ctx, s)
		s.let()
		if err == nil || errors.Is(err, ErrFenced) {
			return err
		}
		var t *Trouble
		if errors.As(err, &t) {
			return err
		}
		l.log.Warn("session rebuilt", zap.String("code", code(err)))
		if l.futile++; l.futile >= futileSessions {
			// The broker answers and the topics are there, yet nothing gets in: a full disk, too few replicas, a link
			// too narrow. It is tried on.
			l.p.standing.doubt(l.writing, &Trouble{BrokerUnreachable, "the partner's topics take nothing in time"}, BrokerUnreachable)
		}
		if ctx.Err() != nil {
			return nil
		}
		if _, err := l.p.lookAtBroker(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		if l.worked || time.Since(began) > 10*time.Second {
			backoff = firstBackoff
		}
		pause(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

// serve works with one session. It returns nil when ctx ends between two transactions.
func (l *lane) serve(ctx context.Context, s *session) error {
	if err := l.claim(ctx, s); err != nil {
		return err
	}
	last := time.Now().Add(-l.p.w.opt.CommitEvery)
	for ctx.Err() == nil {
		if err := l.collect(ctx, s, last); err != nil {
			return err
		}
		if len(l.polled) == 0 || ctx.Err() != nil {
			continue
		}
		b, err := l.decide(ctx, s)
		if err != nil {
			return err
		}
		if b == nil {
			// Shutting down, or partitions moved: what was polled is let go, and read again by whoever owns it now.
			if ctx.Err() == nil {
				if err := l.rewind(s); err != nil {
					return err
				}
			}
			continue
		}
		committed, err := l.transact(ctx, s, b)
		if err != nil {
			return err
		}
		last = time.Now()
		if committed {
			l.p.w.metrics.committed(l.p.policy, l.spans, b, l.p.w.opt.Now())
			l.most = min(l.most+l.most/16+1, l.p.w.opt.CommitRecords)
			l.worked = true
			l.writable()
			l.p.well()
		} else {
			// An abort is normal in a rebalance; the pause keeps redoing it from being a hot loop.
			pause(ctx, min(endGap<<min(l.aborts, 6), time.Second))
		}
		l.drop()
	}
	return nil
}

// claim takes the transactional id at once, and not at the first transaction: it ends whatever a predecessor left open,
// and until that is over the broker does not even tell where its partitions stand.
func (l *lane) claim(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, endDeadline)
	defer cancel()
	began := time.Now()
	if _, _, err := s.Client().ProducerID(ctx); err != nil {
		return l.failed(s, err, began)
	}
	return nil
}

// writable ends the doubt about getting anything written.
func (l *lane) writable() {
	l.futile = 0
	l.p.standing.content(l.writing)
}

// drop forgets what was polled.
func (l *lane) drop() {
	clear(l.polled)
	l.polled = l.polled[:0]
	clear(l.inbound)
	l.inbound = l.inbound[:0]
	clear(l.records)
}

// rewind gives back what was polled without a transaction: the session returns to the committed offsets.
func (l *lane) rewind(s *session) error {
	l.drop()
	s.moved.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), endDeadline)
	defer cancel()
	_, err := s.End(ctx, kgo.TryAbort)
	return err
}

// collect polls until there is something and commit.every has passed since the last commit, or a transaction is full, or
// for one idle poll.
func (l *lane) collect(ctx context.Context, s *session, last time.Time) error {
	due := last.Add(max(l.p.w.opt.CommitEvery, endGap))
	for ctx.Err() == nil && len(l.polled) < l.most {
		l.beat()
		wait := idlePoll
		if len(l.polled) > 0 {
			if wait = time.Until(due); wait <= 0 {
				break
			}
		}
		if err := l.poll(ctx, s, wait, l.most-len(l.polled)); err != nil {
			return err
		}
		if s.moved.Load() {
			return l.rewind(s)
		}
		if len(l.polled) == 0 {
			if l.idle++; l.idle == wellAfter {
				l.writable()
				l.p.well()
			}
			return nil
		}
		l.idle = 0
	}
	return nil
}

func (l *lane) beat() { l.p.beats[l.n].Store(l.p.w.opt.Now().UnixNano()) }

// poll adds what comes within wait to what was polled.
func (l *lane) poll(ctx context.Context, s *session, wait time.Duration, most int) error {
	pctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := s.PollRecords(pctx, most)
	var worst error
	fetches.EachError(func(topic string, partition int32, err error) {
		if e := l.fetchError(s, topic, partition, err); e != nil && worst == nil {
			worst = e
		}
	})
	if worst != nil {
		return worst
	}
	fetches.EachRecord(func(r *kgo.Record) {
		l.polled = append(l.polled, r)
		l.inbound = append(l.inbound, processor.Inbound{
			Source: l.p.sources[r.Topic], Partition: r.Partition, LeaderEpoch: r.LeaderEpoch, Offset: r.Offset,
			TimestampMS: r.Timestamp.UnixMilli(), Value: r.Value,
		})
	})
	return nil
}

// fetchError tells what an error in a poll means: nil when the client mends it itself.
func (l *lane) fetchError(s *session, topic string, partition int32, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if errors.Is(err, kgo.ErrClientClosed) {
		return errRebuild
	}
	if errors.Is(err, kerr.FencedInstanceID) {
		return ErrFenced
	}
	var loss *kgo.ErrDataLoss
	if errors.As(err, &loss) {
		l.p.noteLoss(topic, partition, s.Client().CommittedOffsets()[topic][partition].Offset)
	}
	if c := brokerCause(err); c != "" {
		return &Trouble{c, "topic " + topic + " partition " + strconv.Itoa(int(partition)) + ": " + code(err)}
	}
	if kerr.IsRetriable(err) || unreachable(err) {
		return nil
	}
	var group *kgo.ErrGroupSession
	if errors.As(err, &group) {
		// The client joins again by itself.
		l.log.Info("group session", zap.String("code", code(err)))
		return nil
	}
	return err
}

// decide asks for the verdicts until they are had. It returns nil without an error when ctx ends or partitions moved
// meanwhile. While it waits, the partner is parked or stopped, fetching pauses, and the lane keeps its membership.
func (l *lane) decide(ctx context.Context, s *session) (*processor.Batch, error) {
	defer l.resume(s)
	for {
		b, err := l.verdicts(ctx)
		if ctx.Err() != nil || s.moved.Load() {
			l.content()
			return nil, nil
		}
		if err == nil {
			l.content()
			if time.Since(b.VerdictAt) > staleSoon {
				continue
			}
			return b, nil
		}
		var stopped processor.Stopped
		if errors.As(err, &stopped) {
			l.p.standing.content(l.part)
			l.p.standing.stop(l.part, true)
		} else {
			l.p.standing.stop(l.part, false)
			l.p.standing.doubt(l.part, err, StateRestoring)
		}
		if !l.paused {
			l.paused = true
			s.Client().PauseFetchTopics(l.p.raw...)
		}
		l.beat()
		wait := parkedPoll
		if l.p.standing.look().State == StateStopped {
			wait = idlePoll
		}
		// The poll waits, and keeps errors of the group from going unseen. It brings no events: fetching is paused; what
		// it does bring belongs to this batch, because the session commits all that was polled.
		if err := l.poll(ctx, s, wait, l.p.w.opt.CommitRecords); err != nil {
			return nil, err
		}
	}
}

func (l *lane) content() {
	l.p.standing.content(l.part)
	l.p.standing.stop(l.part, false)
}

func (l *lane) resume(s *session) {
	if l.paused {
		l.paused = false
		s.Client().ResumeFetchTopics(l.p.raw...)
	}
}

// verdicts decides what was polled, unless the keys may not be used.
func (l *lane) verdicts(ctx context.Context) (*processor.Batch, error) {
	if err := l.p.w.keysFit(); err != nil {
		return nil, err
	}
	b, err := l.decider.Decide(ctx, l.inbound)
	if err != nil {
		return nil, err
	}
	if b.Snapshot.Stopped {
		return nil, processor.Stopped{}
	}
	return b, nil
}
