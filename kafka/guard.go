// The frame guard: no produce request leaves with a verdict older than maxVerdictAge.
//
// The client library buffers and retries without an age limit, a stopped process wakes up whenever it likes, and no
// hook of the library can veto a write. So the guard stands where the bytes leave: it wraps the connection, above TLS,
// looks at the api key of every frame, and refuses a produce frame whose verdict is too old or unknown. A frame whose
// write began in time but stalls is cut off by a write deadline at the same age. Bytes that a stopped broker already
// holds are beyond it: those the broker itself refuses by their timestamp (message.timestamp.before.max.ms).

package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxVerdictAge is the life of a verdict, from just before consent was asked to the write of its frame.
const maxVerdictAge = 3 * time.Second

// apiProduce is the api key of a produce request.
const apiProduce = 0

var errStaleVerdict = errors.New("frame guard: a verdict grew too old on its way")

// frameGuard holds the age of the verdicts in the open transaction of one session. The zero guard refuses every
// produce frame: it must be armed first. A tripped guard never opens again; the session is rebuilt with a new one.
type frameGuard struct {
	base    time.Time     // monotonic origin of armed
	armed   atomic.Int64  // the oldest verdict, nanoseconds after base; 0 when no transaction is open
	tripped chan struct{} // closed by the first refusal
	trip    sync.Once
	observe func(age time.Duration) // told the age at each write that is let through; may be nil
	off     bool                    // only a stoppoint build can set it
}

func newFrameGuard(observe func(time.Duration)) *frameGuard {
	// The origin lies in the past so that no verdict is at 0, which means unarmed.
	return &frameGuard{base: time.Now().Add(-time.Hour), tripped: make(chan struct{}), observe: observe, off: guardsOff()}
}

// arm opens the guard for a transaction whose oldest verdict was asked for at the given time.
func (g *frameGuard) arm(oldest time.Time) { g.armed.Store(int64(oldest.Sub(g.base))) }

// disarm closes it: the transaction has ended.
func (g *frameGuard) disarm() { g.armed.Store(0) }

// deadline is when the oldest verdict dies; false when no transaction is open.
func (g *frameGuard) deadline() (time.Time, bool) {
	at := g.armed.Load()
	if at <= 0 {
		return time.Time{}, false
	}
	return g.base.Add(time.Duration(at)).Add(maxVerdictAge), true
}

func (g *frameGuard) refuse() {
	g.trip.Do(func() { close(g.tripped) })
}

// wrap puts the guard in front of every connection that dial opens.
func (g *frameGuard) wrap(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := dial(ctx, network, host)
		if err != nil {
			return nil, err
		}
		return &guardedConn{Conn: c, guard: g}, nil
	}
}

// guardedConn is one connection under the guard. The client writes each request with one Write, from one goroutine.
type guardedConn struct {
	net.Conn
	guard *frameGuard
}

// Write lets a frame through, or closes the connection. A frame is 4 bytes of length, then 2 bytes of api key.
func (c *guardedConn) Write(b []byte) (int, error) {
	if len(b) < 6 || b[4] != 0 || b[5] != apiProduce {
		return c.Conn.Write(b)
	}
	deadline, open := c.guard.deadline()
	if c.guard.off {
		if open && c.guard.observe != nil {
			c.guard.observe(maxVerdictAge - time.Until(deadline))
		}
		return c.Conn.Write(b)
	}
	if !open {
		return 0, c.stop()
	}
	// The deadline is set before the age is looked at: if the process is stopped between the two, either the look or the
	// deadline ends the write.
	if err := c.Conn.SetWriteDeadline(deadline); err != nil {
		return 0, c.stop()
	}
	left := time.Until(deadline)
	if left <= 0 {
		return 0, c.stop()
	}
	n, err := c.Conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, c.stop()
	}
	if err == nil && c.guard.observe != nil {
		c.guard.observe(maxVerdictAge - left)
	}
	return n, err
}

func (c *guardedConn) stop() error {
	c.guard.refuse()
	c.Conn.Close()
	return errStaleVerdict
}
