// The store against miniredis and a real redis-server: one suite for both, and what only a real one can show.

package consent_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

// rig is a server, a store on it, and a second way in.
type rig struct {
	*consent.Store
	raw  *redis.Client
	addr string
}

func open(t *testing.T, addr string, o consent.Options) *consent.Store {
	t.Helper()
	o.URL = "redis://" + addr + "/0"
	s, err := consent.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newRig(t *testing.T, addr string, o consent.Options) rig {
	t.Helper()
	raw := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { raw.Close() })
	return rig{open(t, addr, o), raw, addr}
}

// slow is a deadline that a busy machine does not reach; tests of the deadline itself set their own.
const slow = 10 * time.Second

// onBoth runs a test against both kinds of server.
func onBoth(t *testing.T, f func(t *testing.T, r rig)) {
	t.Run("miniredis", func(t *testing.T) {
		f(t, newRig(t, miniredis.RunT(t).Addr(), consent.Options{Embedded: true, Deadline: slow}))
	})
	t.Run("redis-server", func(t *testing.T) {
		f(t, newRig(t, testbed.StartRedis(t).Addr, consent.Options{Deadline: slow}))
	})
}

func (r rig) accept(t *testing.T) uint64 {
	t.Helper()
	epoch, err := r.Accept(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

func subject(i int) consent.ID {
	sum := sha256.Sum256(fmt.Append(nil, i))
	return consent.ID(sum[:16])
}

func grant(at int64) consent.Change {
	return consent.Change{Action: consent.ActGrant, Partner: "acme", Purpose: "ads", Categories: []string{"location"}, AtMS: at, Stated: true}
}

func withdraw() consent.Change {
	return consent.Change{Action: consent.ActWithdraw, Partner: "acme", Purpose: "ads"}
}

var ads = &consent.Question{Partner: "acme", Purpose: "ads", Needs: []string{"location"}}

func (r rig) apply(t *testing.T, id consent.ID, c consent.Change) consent.Result {
	t.Helper()
	res, err := r.Apply(t.Context(), id, c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// cause is the cause of an error of Ask; "" for none.
func cause(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var s *consent.Sick
	if !errors.As(err, &s) {
		t.Fatalf("not a *Sick: %v", err)
	}
	return s.Cause()
}

func wantCause(t *testing.T, s *consent.Store, want string) {
	t.Helper()
	var snap consent.Snapshot
	err := s.Ask(t.Context(), "acme", []consent.ID{subject(1), subject(2)}, &snap)
	if got := cause(t, err); got != want {
		t.Fatalf("cause %q (%v), want %q", got, err, want)
	}
	if err != nil && (len(snap.Lines) != 0 || snap.Epoch != 0 || !snap.AskedAt.IsZero()) {
		t.Fatal("the snapshot answers after an error")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
