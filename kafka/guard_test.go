package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// frame is a request of 14 bytes: length, api key, version, correlation id, two bytes of nothing.
func frame(api byte) []byte { return []byte{0, 0, 0, 10, 0, api, 0, 12, 0, 0, 0, 1, 0, 0} }

// guarded gives a guarded connection and what arrives at its other end.
func guarded(t *testing.T, g *frameGuard) (net.Conn, <-chan byte) {
	near, far := net.Pipe()
	arrived := make(chan byte, 1<<10)
	go func() {
		defer close(arrived)
		b := make([]byte, 64)
		for {
			n, err := far.Read(b)
			for _, c := range b[:n] {
				arrived <- c
			}
			if err != nil {
				return
			}
		}
	}()
	c, err := g.wrap(func(context.Context, string, string) (net.Conn, error) { return near, nil })(t.Context(), "tcp", "x:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return c, arrived
}

func tripped(g *frameGuard) bool {
	select {
	case <-g.tripped:
		return true
	default:
		return false
	}
}

func TestGuardAges(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		pass bool
	}{
		{"fresh", 0, true},
		{"almost old", maxVerdictAge - time.Millisecond, true},
		{"just old", maxVerdictAge, false},
		{"older", time.Hour / 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen time.Duration = -1
				g := newFrameGuard(func(age time.Duration) { seen = age })
				conn, arrived := guarded(t, g)
				g.arm(time.Now())
				time.Sleep(c.age) // the bubble's clock
				n, err := conn.Write(frame(apiProduce))
				synctest.Wait()
				if c.pass != (err == nil && n == 14 && len(arrived) == 14 && !tripped(g)) {
					t.Errorf("wrote %d (%v), %d bytes arrived, tripped %t", n, err, len(arrived), tripped(g))
				}
				if c.pass && seen != c.age {
					t.Errorf("the age observed is %v", seen)
				}
				if !c.pass && (!errors.Is(err, errStaleVerdict) || len(arrived) != 0) {
					t.Errorf("%v, and %d bytes arrived", err, len(arrived))
				}
			})
		})
	}
}

func TestGuardUnarmedRefusesProduceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFrameGuard(nil)
		conn, arrived := guarded(t, g)
		for _, api := range []byte{1, 3, 8, 22, 26, 28} {
			if _, err := conn.Write(frame(api)); err != nil {
				t.Errorf("api %d: %v", api, err)
			}
		}
		synctest.Wait()
		before := len(arrived)
		if _, err := conn.Write(frame(apiProduce)); !errors.Is(err, errStaleVerdict) {
			t.Errorf("a produce frame outside a transaction: %v", err)
		}
		synctest.Wait()
		if len(arrived) != before || !tripped(g) {
			t.Error("it arrived, or tripped nothing")
		}
		g.arm(time.Now())
		if _, err := conn.Write(frame(apiProduce)); err == nil {
			t.Error("the connection works on after a refusal")
		}
	})
}

func TestGuardDisarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFrameGuard(nil)
		conn, _ := guarded(t, g)
		g.arm(time.Now())
		g.disarm()
		if _, err := conn.Write(frame(apiProduce)); !errors.Is(err, errStaleVerdict) {
			t.Errorf("after its transaction: %v", err)
		}
	})
}

// TestGuardCutsAStalledWrite: the peer takes half a frame and then nothing. Without the deadline the rest would follow
// whenever it likes.
func TestGuardCutsAStalledWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		g := newFrameGuard(nil)
		conn := &guardedConn{Conn: near, guard: g}
		asked := time.Now()
		g.arm(asked)
		time.Sleep(time.Second)
		go func() { _, _ = far.Read(make([]byte, 7)) }()
		n, err := conn.Write(frame(apiProduce))
		if n != 7 || !errors.Is(err, errStaleVerdict) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d: %v", n, err)
		}
		if took := time.Since(asked); took != maxVerdictAge {
			t.Errorf("cut off %v after the question", took)
		}
		if !tripped(g) {
			t.Error("not tripped")
		}
	})
}
