// What the admin pages say of the role sync (contract: JSON). Counts, causes and times; nothing of a subject.

package changelog

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/consentry/consentry/kafka"
)

// view is a lane as the pages see it: they must answer while a transaction or a look holds its shards.
type view struct {
	shards []shown
}

// shown is one shard of it.
type shown struct {
	doubt    suspicion // without a trouble where there is none
	fresh    bool
	beaten   time.Time // when its last heartbeat was sent, or since when there should have been one
	requests int64     // the next request to merge; -1 while that is not known
	n        int32
}

// publish makes the pages see the shards as they are. mu is held.
func (l *lane) publish() {
	v := &view{}
	for p, s := range l.shards {
		one := shown{doubt: suspicion{s.doubt, s.since}, fresh: s.fresh, beaten: s.beaten, requests: -1, n: p}
		if one.beaten.IsZero() {
			one.beaten = s.gained
		}
		if s.known {
			one.requests = s.mark.Requests
		}
		v.shards = append(v.shards, one)
	}
	l.shown.Store(v)
	l.tell(v)
}

// tell logs when the lane's oldest doubt is another than before, or has ended. mu is held.
func (l *lane) tell(v *view) {
	var first *suspicion
	doubted := 0
	for i := range v.shards {
		d := &v.shards[i].doubt
		if d.trouble == nil {
			continue
		}
		if doubted++; first == nil || d.since.Before(first.since) {
			first = d
		}
	}
	state, cause, detail := kafka.StateRunning, "", ""
	if first != nil {
		state = kafka.StateParked
		cause = first.trouble.Cause()
		_, detail = kafka.CauseOf(first.trouble, kafka.BrokerUnreachable)
	}
	if cause == l.told {
		return
	}
	l.log.Info("consents", zap.String("state", string(state)), zap.String("cause", cause), zap.String("detail", detail),
		zap.Int("parked", doubted), zap.Int("shards", len(v.shards)), zap.String("was", l.told))
	l.told = cause
}

// shards visits what every lane shows.
func (o *Owner) shards(visit func(*lane, *shown)) {
	for _, l := range o.lanes {
		if v := l.shown.Load(); v != nil {
			for i := range v.shards {
				visit(l, &v.shards[i])
			}
		}
	}
}

// Status tells how the role sync is.
func (o *Owner) Status() kafka.ConsentStatus {
	out := kafka.ConsentStatus{State: kafka.StateRunning, Lag: o.lag.Load()}
	var doubts []suspicion
	now := time.Now()
	o.shards(func(_ *lane, s *shown) {
		out.Shards++
		if s.fresh && now.Sub(s.beaten) < o.opt.ParkWhenStale {
			out.Open++
		}
		doubts = append(doubts, s.doubt)
	})
	first := o.standing.oldest(doubts)
	out.Since = first.since.UTC().Format(time.RFC3339)
	switch {
	case first.trouble != nil:
		cause, detail := kafka.CauseOf(first.trouble, kafka.BrokerUnreachable)
		out.State, out.Cause, out.Detail, out.Next = kafka.StateParked, string(cause), detail, nextOf(cause)
	case !o.looked.Load():
		out.State = kafka.StateStarting
	case o.intake != nil:
		out.Detail = o.intake.gone.String()
	}
	return out
}

// nextOf says what the operator should do. Some causes mean something else here than where events are read, and what mends
// those would be wrong here.
func nextOf(c kafka.Cause) string {
	switch c {
	case kafka.RedisStale:
		return "Nothing: an owner brings the store up to date. Where that takes minutes, look at how quickly Redis and the brokers answer."
	case kafka.RedisWiped:
		return "Run the command that the detail names. Where it names none an owner fills the store, and nothing is needed."
	case kafka.RedisUnsafe:
		return "Redis has dropped keys by itself: CONFIG SET maxmemory-policy noeviction, CONFIG RESETSTAT, then consentry consent rebuild; see also consentry preflight."
	case kafka.StateRestoring:
		return "Do what the detail names. Where it names nothing an owner takes its shards over, and nothing is needed. Where that takes minutes a transaction is left open in the state topic; kafka-transactions.sh lists and aborts it."
	case kafka.OffsetsLost:
		return "The consent topics lack what they had, or hold what no owner wrote. Bring back the brokers that have the rest, and see in the ACLs who else writes there. " +
			"Leave Redis as it is meanwhile; offsets init, which is about events, does not help here."
	case kafka.TopicForbidden:
		return "The broker refuses what the detail names, with the code that stands there: see the rights that docs/consent-changelog.md lists, and what is refused with: consentry preflight. " +
			"A code about a protocol means that another program uses the group; one about a time-out, that the brokers allow less than the role needs."
	case kafka.TopicMissing:
		return "Where the detail names a setting: consentry preflight prints the command. Else see it with: consentry topics plan, and make it with: consentry topics create; the intake topic is yours to make. One with another number of partitions cannot be mended: name another under consent.changelog"
	}
	return c.Next()
}

// Alive tells that every lane has shown a sign of life lately, parked on purpose or not.
func (o *Owner) Alive() bool {
	now := time.Now().UnixNano()
	for _, l := range o.lanes {
		if at := l.alive.Load(); at != 0 && now-at > int64(lifeSign) {
			return false
		}
	}
	if o.intake == nil {
		return true
	}
	at := o.intake.alive.Load()
	return at == 0 || now-at <= int64(lifeSign)
}

// Ready tells that the broker was met, or failed to be, once.
func (o *Owner) Ready() bool { return o.looked.Load() }

// measure counts the requests that wait to be merged, over all shards and owners.
func (o *Owner) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, kafka.LookTimeout)
	defer cancel()
	var lag int64
	ends, err := o.adm.ListCommittedOffsets(ctx, o.opt.Requests)
	if err != nil {
		return
	}
	o.shards(func(l *lane, s *shown) {
		if e, ok := ends.Lookup(o.opt.Requests, s.n); ok && e.Err == nil && s.requests >= 0 {
			lag += max(0, e.Offset-max(s.requests, l.passed[s.n].Load()))
		}
	})
	o.lag.Store(lag)
}

// storeAge is how old the oldest heartbeat of the shards is that this process owns, in seconds; 0 without any.
func (o *Owner) storeAge() float64 {
	var worst time.Duration
	now := time.Now()
	o.shards(func(_ *lane, s *shown) { worst = max(worst, now.Sub(s.beaten)) })
	return worst.Seconds()
}
