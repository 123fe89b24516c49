// Opening a changelog for the first time, on a person's word: before that nothing is released. Later nobody has to be
// asked: a store that is empty, or older than the log, is filled from it.

package changelog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// Standing is what the state topic and the store say of all shards.
type Standing struct {
	Epoch    uint64 // the highest of the log; 0: it was never opened
	Open     int    // shards that are
	Held     int    // of them, those that wait for a file to be loaded
	Records  int64  // offsets in the state topic: 0 for a new one
	Store    uint64 // the highest epoch that the store knows
	Single   bool   // the store holds the truth of a single-store deployment
	Shut     bool   // which has begun to be moved over
	Lost     bool   // the store follows a log that this one is not any more: the state topic was lost, or is another
	Drops    bool   // a server of the store may drop keys to make room, or has
	Believed int    // shards that workers believe at this moment
}

// Standing looks at the log and the store.
func (c *Client) Standing(ctx context.Context) (Standing, error) {
	// The store first: what it has of the log must then be there.
	metas, err := c.o.Store.Metas(ctx, shardNumbers())
	if err != nil {
		return Standing{}, err
	}
	tails, extents, err := c.marks(ctx)
	if err != nil {
		return Standing{}, err
	}
	var s Standing
	for p := range consent.Shards {
		t, e, m := tails[int32(p)], extents[int32(p)], &metas[p]
		s.Epoch = max(s.Epoch, t.mark.Epoch)
		s.Records += e.stable - e.start
		if t.mark.Epoch != 0 {
			s.Open++
			if t.mark.Hold {
				s.Held++
			} else if (need{place: 0, epoch: t.mark.Epoch}).lacks(m, c.o.Stale) == "" {
				s.Believed++
			}
		}
		s.Store = max(s.Store, m.Epoch, m.Building)
		s.Single = s.Single || !m.Kafka && m.Epoch != 0
		s.Lost = s.Lost || m.Kafka && t.mark.Epoch == 0
		s.Shut = s.Shut || m.Shut
		s.Drops = s.Drops || m.Evicts || m.Evicted
	}
	return s, nil
}

func shardNumbers() []int {
	out := make([]int, consent.Shards)
	for i := range out {
		out[i] = i
	}
	return out
}

// ErrLost says that there is nothing to open: a new epoch on what is left would not bring the rest back.
var ErrLost = errors.New("the store follows a log that was opened, and the state topic was not: it was lost, or is another one. " +
	"Leave Redis as it is, see consentry status, and bring the topic back; what to do where nobody can: docs/consent-changelog.md, \"the state topic is lost\"")

// NextEpoch is one that no shard has had.
func (s Standing) NextEpoch() uint64 {
	return max(s.Epoch+1, s.Store+1, uint64(time.Now().UnixMilli()))
}

// House is the fingerprint of the house key that names subjects in this log; empty while no opening has said it.
func (c *Client) House(ctx context.Context) (string, error) {
	tails, _, err := c.marks(ctx)
	if err != nil {
		return "", err
	}
	house, of := "", 0
	for p := range consent.Shards {
		switch h := tails[int32(p)].mark.House; {
		case h == "" || h == house:
		case house == "":
			house, of = h, p
		default:
			return "", kafka.NewTrouble(kafka.KeyMismatch, fmt.Sprintf("topic %s names two house keys, %s in shard %d and %s in shard %d: "+
				"it was opened under two key folders at once, and neither finds all subjects; docs/consent-changelog.md says what to do", c.o.State, house, of, h, p))
		}
	}
	return house, nil
}

// Opening says how a log is opened.
type Opening struct {
	Epoch uint64
	// Hold: the owners fill the store and let nobody believe it until an opening without Hold.
	Hold bool
	// House is the fingerprint of the house key that names its subjects; empty leaves what the log says.
	House string
	Wait  time.Duration // for the first shard, and for the others
}

// Open opens every shard under an epoch, and waits until all are; a shard that is open under it already stays so. Where it
// names a house key the first shard is opened before the others: of two that come at once with different keys one is
// refused there, and has opened nothing.
func (c *Client) Open(ctx context.Context, o Opening) (Outcome, error) {
	reqs := make([]consent.Request, consent.Shards)
	for p := range reqs {
		reqs[p] = consent.Request{Kind: consent.AskOpen, ReqID: RandomID(), OpenOf: p, Epoch: o.Epoch, Hold: o.Hold, House: o.House}
	}
	if o.House != "" {
		if out, err := c.openSome(ctx, o.Wait, reqs[:1]); err != nil {
			return out, err
		}
		reqs = reqs[1:]
	}
	return c.openSome(ctx, o.Wait, reqs)
}

func (c *Client) openSome(ctx context.Context, wait time.Duration, reqs []consent.Request) (Outcome, error) {
	outs, err := c.ask(ctx, wait, reqs)
	if err != nil {
		return Outcome{}, err
	}
	for _, out := range outs {
		switch {
		case out.Effect == consent.RefusedHouse:
			return out, errors.New("not opened: " + out.Effect.Reason())
		case out.Effect.Refused():
			return out, errors.New("another opening has overtaken this one: " + out.Effect.Reason())
		}
	}
	return outs[0], nil
}

// RandomID is a request's own name.
func RandomID() (id [16]byte) {
	// It never fails: the runtime ends the program instead.
	rand.Read(id[:])
	return id
}
