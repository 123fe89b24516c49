package kafka

// Verdicts that grow old on their way: the frame guard lets none leave, and the lane decides them again.

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// stallingConn holds back the answers to produce requests while stalled, as a stopped broker does, and cuts the
// connection afterwards: the client then sends the batch again.
type stallingConn struct {
	net.Conn
	stall *stall
}

type stall struct {
	on     atomic.Bool
	frames atomic.Int64 // produce frames written while stalled
	cut    chan struct{}
}

func (c *stallingConn) Write(b []byte) (int, error) {
	if len(b) > 6 && b[4] == 0 && b[5] == byte(kmsg.Produce) && c.stall.on.Load() {
		c.stall.frames.Add(1)
		<-c.stall.cut
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func TestAStalledBrokerGetsNoOldVerdict(t *testing.T) {
	h := newHouse(t)
	h.raw(100)
	h.begin()
	s := &stall{cut: make(chan struct{})}
	s.on.Store(true)
	h.conn.Dial = func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, host)
		if err != nil {
			return nil, err
		}
		return &stallingConn{c, s}, nil
	}
	r := h.start(func(o *Options) { o.Lanes = 1 })
	h.until("a produce frame is held up", func() bool { return s.frames.Load() > 0 })
	// The stall ends when the verdict is dead: the client's own retry must not bring it to the broker.
	timer := time.NewTimer(maxVerdictAge + 200*time.Millisecond)
	defer timer.Stop()
	<-timer.C
	s.on.Store(false)
	close(s.cut)
	h.settle()
	r.await(StateRunning, "")
	if n := gathered(t, r, "consentry_transactions_total", "aborted"); n == 0 {
		t.Error("no transaction was given up: the guard was not needed, and this test shows nothing")
	}
	if old := gathered(t, r, "consentry_verdict_age_seconds", ""); old == 0 {
		t.Error("no verdict age was observed")
	}
}

// gathered sums a metric: counters by their value, histograms by their count.
func gathered(t *testing.T, r *running, name, result string) (sum float64) {
	t.Helper()
	families, err := r.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			match := result == ""
			for _, l := range m.Label {
				match = match || l.GetValue() == result
			}
			if match {
				sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// narrowConn is a link on which a large frame is not through before its verdicts die.
type narrowConn struct {
	net.Conn
	most    int
	refused *atomic.Int64
}

func (c *narrowConn) Write(b []byte) (int, error) {
	if len(b) > c.most && b[4] == 0 && b[5] == byte(kmsg.Produce) {
		c.refused.Add(1)
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Write(b)
}

// TestANarrowLinkGetsSmallerTransactions: a batch that cannot be written within a verdict's life would be decided again
// and again, for ever, while nothing looks wrong. Half of it can be, or half of that.
func TestANarrowLinkGetsSmallerTransactions(t *testing.T) {
	h := newHouse(t)
	h.raw(1200)
	h.begin()
	var refused atomic.Int64
	h.conn.Dial = func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, host)
		if err != nil {
			return nil, err
		}
		return &narrowConn{c, 6 << 10, &refused}, nil
	}
	r := h.start(func(o *Options) { o.Lanes = 1 })
	h.settle()
	r.await(StateRunning, "")
	if refused.Load() == 0 {
		t.Error("every frame went through: this test shows nothing")
	}
}
