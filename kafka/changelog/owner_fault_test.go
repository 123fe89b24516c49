package changelog

// What is done to an owner, and must change nothing: aborted transactions, a network that is cut at any step, a newer
// instance in its place, servers that are gone for a while.

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// wire is a network that can be cut: then every connection is closed and no new one made.
type wire struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

var errCut = errors.New("the network is cut")

func (w *wire) dial(ctx context.Context, network, host string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, host)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.cut {
		err = errors.Join(errCut, c.Close())
	}
	if err != nil {
		return nil, err
	}
	w.conns = append(w.conns, c)
	return c, nil
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for _, c := range w.conns {
		if cut {
			_ = c.Close()
		}
	}
}

func TestAbortedTransactionsLeaveNothing(t *testing.T) {
	r, o := opened(t)
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Produce} {
		fault := r.broker.Fault(kfake.Fault{Keys: []kmsg.Key{key}, TxnID: o.group + ".0.0", Err: kerr.UnknownServerError, Count: 2})
		for n := range 64 {
			r.ask(grant(n, 1000+int64(key)), withdraw(n))
		}
		r.settle(firstEpoch)
		fault.Remove()
	}
	o.untilOpen(consent.Shards)
}

// TestOwnerKilledAfterItsCommit cuts an owner off between commit and projection; another process takes its name. When
// the network is back the first one must see that it was replaced, and its late script must do nothing.
func TestOwnerKilledAfterItsCommit(t *testing.T) { onEither(t, killedAfterCommit) }

func killedAfterCommit(r *ownerRig) {
	t := r.t
	var w wire
	var armed atomic.Bool
	held, release := make(chan struct{}), make(chan struct{})
	first := r.start(func(o *Options) {
		o.Connection.Dial, o.Lanes, o.Store = w.dial, 1, r.openStore()
		o.written = func() {
			if armed.CompareAndSwap(true, false) {
				w.set(true)
				close(held)
				<-release
			}
		}
	})
	r.open(firstEpoch)
	first.untilOpen(consent.Shards)
	for n := range 64 {
		r.ask(grant(n, 1000))
	}
	r.settle(firstEpoch)
	armed.Store(true)
	r.ask(withdraw(3))
	<-held
	second := r.start(func(o *Options) { o.Lanes = 1 })
	second.untilOpen(consent.Shards)
	r.ask(grant(3, 2000), withdraw(5))
	r.settle(firstEpoch)
	close(release)
	w.set(false)
	if err := <-first.ended; !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("the first ended with %v", err)
	}
	first.ended <- nil
	r.ask(withdraw(6))
	r.settle(firstEpoch)
	second.untilOpen(consent.Shards)
}

// TestOwnersComeAndGo starts and ends owners under changes that never pause.
func TestOwnersComeAndGo(t *testing.T) {
	r := newOwnerRig(t)
	r.open(firstEpoch)
	for round := range 5 {
		a := r.start(func(o *Options) { o.Store = r.openStore() })
		b := r.start(func(o *Options) { o.Instance, o.Store = 1, r.openStore() })
		for n := range 64 {
			r.ask(grant(n, int64(1000+round)), withdraw(n), grant(n, int64(1000+round)))
		}
		if round%2 == 0 {
			r.settle(firstEpoch)
		}
		for i, o := range []*running{a, b} {
			if err := o.halt(); err != nil {
				t.Fatal(err)
			}
			id := []string{"0", "1"}[i]
			if _, err := r.adm.LeaveGroup(t.Context(), kadm.LeaveGroup(o.group).InstanceIDs(id+".0", id+".1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := r.start()
	r.settle(firstEpoch)
	last.untilOpen(consent.Shards)
}

// TestRedisGoneForAWhile: the owner parks with the cause, merges nothing upon what it cannot read, and goes on.
func TestRedisGoneForAWhile(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	if err := r.redis.Stop(); err != nil {
		t.Fatal(err)
	}
	r.until("the role is parked", func() bool { s := o.Status(); return s.Cause == "redis_unreachable" && s.Open == 0 })
	r.ask(withdraw(1))
	if err := r.redis.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.settle(firstEpoch)
	o.untilOpen(consent.Shards)
	r.until("nothing is wrong any more", func() bool { return o.Status().State == "running" })
}

func TestTopicMissingParks(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start(func(o *Options) { o.State = "nowhere" })
	r.until("the role is parked", func() bool {
		s := o.Status()
		return s.Cause == "topic_missing" && strings.HasPrefix(s.Detail, "topic nowhere") && s.Next != ""
	})
	if !o.Ready() || !o.Alive() {
		t.Error("a parked process is ready and alive")
	}
}
