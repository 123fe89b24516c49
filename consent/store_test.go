// The store against miniredis and a real redis-server: one suite for both, and what only a real one can show.

package consent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
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

func TestAsk(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		var snap consent.Snapshot
		if c := cause(t, r.Ask(t.Context(), "acme", nil, &snap)); c != "redis_wiped" {
			t.Fatalf("a store that nobody accepted: %q", c)
		}
		if _, err := r.Apply(t.Context(), subject(1), withdraw()); !errors.Is(err, consent.ErrNotOpen) {
			t.Fatalf("a change to it: %v", err)
		}
		if _, err := r.Stop(t.Context(), "acme", ""); !errors.Is(err, consent.ErrNotOpen) {
			t.Fatalf("a stop of it: %v", err)
		}
		epoch := r.accept(t)
		var ids []consent.ID
		var changes []consent.Named
		for i := range 300 {
			ids = append(ids, subject(i))
			if i%3 > 0 {
				changes = append(changes, consent.Named{ID: subject(i), Change: grant(1000)})
			}
			if i%3 == 2 {
				changes = append(changes, consent.Named{ID: subject(i), Change: withdraw()})
			}
		}
		results, err := r.ApplyAll(t.Context(), changes)
		if err != nil {
			t.Fatal(err)
		}
		for i, res := range results {
			if !res.InForce && changes[i].Change.Action == consent.ActWithdraw || res.AcknowledgedAtMS == 0 {
				t.Fatalf("change %d: %+v", i, res)
			}
		}
		for range 2 { // the second time upon the memory of the first
			if err := r.Ask(t.Context(), "acme", ids, &snap); err != nil {
				t.Fatal(err)
			}
			if snap.Epoch != epoch || snap.Stopped || len(snap.Lines) != len(ids) || snap.AskedAt.IsZero() || snap.StoreMS == 0 {
				t.Fatalf("epoch %d, stopped %v, %d lines", snap.Epoch, snap.Stopped, len(snap.Lines))
			}
			want := [3]consent.Answer{consent.NoConsent, consent.Given, consent.Withdrawn}
			for i, line := range snap.Lines {
				if a, _, _ := consent.Judge(line, ads, 2000, consent.LineSince{}, snap.StoreMS); a != want[i%3] {
					t.Fatalf("subject %d: %d", i, a)
				}
			}
		}
		sum := uint64(0)
		for _, p := range snap.Places {
			sum += p
		}
		if sum != 200 { // one write a subject, its two changes together
			t.Errorf("places add up to %d", sum)
		}
		if err := r.Ask(t.Context(), "acme", ids[:3], &snap); err != nil || len(snap.Lines) != 3 || snap.Lines[0] != nil {
			t.Errorf("a smaller question: %v, %d lines", err, len(snap.Lines))
		}
	})
}

func TestStopAndResume(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		r.accept(t)
		stopped := func() (bool, bool) {
			var snap consent.Snapshot
			if err := r.Ask(t.Context(), "acme", nil, &snap); err != nil {
				t.Fatal(err)
			}
			cheap, err := r.Stopped(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			return snap.Stopped, cheap
		}
		if a, b := stopped(); a || b {
			t.Fatal("stopped at first")
		}
		if _, err := r.Stop(t.Context(), "acme", "because of {this} and that"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Stop(t.Context(), "globex", ""); err != nil {
			t.Fatal(err)
		}
		r.apply(t, subject(1), withdraw())
		if a, b := stopped(); !a || !b {
			t.Fatal("not stopped")
		}
		found, err := r.Inspect(t.Context())
		if err != nil || fmt.Sprint(found.Stopped) != "[acme globex]" || found.Lines != 1 || !found.Open {
			t.Fatalf("%+v %v", found, err)
		}
		if next := r.accept(t); next <= found.Epoch {
			t.Fatal("the epoch does not rise")
		}
		if a, b := stopped(); !a || !b {
			t.Fatal("a stop must survive accept-epoch")
		}
		line, err := r.Line(t.Context(), subject(1))
		if err != nil || line == nil {
			t.Fatalf("a line must survive accept-epoch: %v", err)
		}
		if _, err := r.Resume(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if a, b := stopped(); a || b {
			t.Fatal("still stopped")
		}
		if _, err := r.Stop(t.Context(), "no name", ""); err == nil {
			t.Fatal("stopped what is no name")
		}
	})
}

// TestStopSurvivesAnAcceptInTheMiddleOfAQuestion: the commands of one pipeline need not run in one piece. A store that is
// accepted anew just before the stop flag is read has moved the flag, and "no flag" then is no answer.
func TestStopSurvivesAnAcceptInTheMiddleOfAQuestion(t *testing.T) {
	m := miniredis.RunT(t)
	r := newRig(t, m.Addr(), consent.Options{Embedded: true, Deadline: slow})
	r.accept(t)
	if _, err := r.Stop(t.Context(), "acme", ""); err != nil {
		t.Fatal(err)
	}
	person := open(t, m.Addr(), consent.Options{Embedded: true, Deadline: slow})
	var begun atomic.Bool
	m.Server().SetPreHook(func(_ *server.Peer, cmd string, args ...string) bool {
		flag := strings.EqualFold(cmd, "exists") && len(args) == 1 && strings.HasSuffix(args[0], ":stop:acme")
		if flag && begun.CompareAndSwap(false, true) { // the script of accept-epoch asks too
			if _, err := person.Accept(t.Context(), nil, nil); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	var snap consent.Snapshot
	if err := r.Ask(t.Context(), "acme", []consent.ID{subject(1)}, &snap); err == nil && !snap.Stopped {
		t.Error("a stopped partner was let through")
	}
}

func TestFingerprint(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		for _, c := range []struct {
			hash string
			want bool
		}{{"aa", true}, {"aa", true}, {"bb", false}, {"aa", true}} {
			if got, err := r.Fingerprint(t.Context(), "168h-3", c.hash); err != nil || got != c.want {
				t.Errorf("%s: %v %v", c.hash, got, err)
			}
		}
	})
}

func TestNewEpochIsAdopted(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		first := r.accept(t)
		r.apply(t, subject(1), grant(1000))
		worker := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow})
		var snap consent.Snapshot
		ask := func() {
			if err := worker.Ask(t.Context(), "acme", []consent.ID{subject(1)}, &snap); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		second := r.accept(t)
		ask()
		if snap.Epoch != second || second <= first || snap.Lines[0] == nil {
			t.Fatalf("epoch %d, line %q", snap.Epoch, snap.Lines[0])
		}
		if epoch, _ := worker.Known(); epoch != second {
			t.Fatalf("knows %d", epoch)
		}
	})
}

func TestStoreThatLostSomething(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		epoch := r.accept(t)
		r.apply(t, subject(1), withdraw())
		wantCause(t, r.Store, "")
		var snap consent.Snapshot
		if err := r.Ask(t.Context(), "acme", nil, &snap); err != nil {
			t.Fatal(err)
		}
		seeded := func(epoch uint64, places [consent.Shards]uint64) *consent.Store {
			s := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow})
			s.Seen(epoch, places)
			return s
		}
		wantCause(t, seeded(epoch, snap.Places), "")
		ahead := snap.Places
		ahead[subject(1).Shard()]++
		wantCause(t, seeded(epoch, ahead), "redis_wiped")
		wantCause(t, seeded(epoch+1, [consent.Shards]uint64{}), "redis_wiped")
		wantCause(t, seeded(epoch-1, ahead), "")

		meta := "consentry:{63}:meta"
		must(t, r.raw.HSet(t.Context(), meta, "epoch", epoch+1).Err())
		wantCause(t, r.Store, "redis_wiped") // shards disagree
		must(t, r.raw.Del(t.Context(), meta).Err())
		wantCause(t, r.Store, "redis_wiped")
		must(t, r.raw.FlushAll(t.Context()).Err())
		wantCause(t, r.Store, "redis_wiped")
		r.accept(t)
		wantCause(t, r.Store, "")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMalformedStore(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		epoch := r.accept(t)
		var ids []consent.ID
		for i := range 1200 {
			ids = append(ids, subject(i))
		}
		put := func(i int, line string) {
			id := subject(i)
			must(t, r.raw.Set(t.Context(), fmt.Sprintf("consentry:{%02d}:%d:%s", id.Shard(), epoch, id), line, 0).Err())
		}
		ask := func(n int) string {
			var snap consent.Snapshot
			return cause(t, r.Ask(t.Context(), "acme", ids[:n], &snap))
		}
		for i := range 9 {
			put(i, "acme/ads")
		}
		if c := ask(9); c != "" {
			t.Fatalf("9 of 9: %q", c)
		}
		put(9, "acme/ads")
		if c := ask(10); c != "redis_malformed" {
			t.Fatalf("10 of 10: %q", c)
		}
		for i := 10; i < 1000; i++ {
			put(i, "acme/adsX1")
		}
		if c := ask(999); c != "redis_malformed" {
			t.Fatalf("10 of 999: %q", c)
		}
		if c := ask(1000); c != "" {
			t.Fatalf("10 of 1000, exactly 1 %%: %q", c)
		}
		put(500, "?")
		if c := ask(1200); c != "redis_malformed" {
			t.Fatalf("11 of 1000 lines, 200 more without: %q", c)
		}
	})
}

func TestClockSkew(t *testing.T) {
	r := newRig(t, miniredis.RunT(t).Addr(), consent.Options{Embedded: true, Deadline: slow})
	r.accept(t)
	for _, c := range []struct {
		off  time.Duration
		want string
	}{{0, ""}, {1500 * time.Millisecond, ""}, {-1500 * time.Millisecond, ""}, {time.Minute, "clock_skew"}, {-time.Minute, "clock_skew"}} {
		s := open(t, r.addr, consent.Options{Embedded: true, Deadline: slow, Now: func() time.Time { return time.Now().Add(c.off) }})
		wantCause(t, s, c.want)
	}
}

// A server that accepts and never answers must cost no more than the deadline, connecting included.
func TestStalledServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var held []net.Conn
	var mu sync.Mutex
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			c.Close()
		}
	})
	bounded(t, func(ctx context.Context, o consent.Options) error {
		s := open(t, l.Addr().String(), o)
		s.Seen(7, [consent.Shards]uint64{})
		var snap consent.Snapshot
		return s.Ask(ctx, "acme", []consent.ID{subject(1)}, &snap)
	})
}

// A server that answered and then is stopped as a debugger would.
func TestPausedServer(t *testing.T) {
	server := testbed.StartRedis(t)
	bounded(t, func(ctx context.Context, o consent.Options) error {
		r := newRig(t, server.Addr, o)
		if _, err := r.Accept(ctx, nil, nil); err != nil {
			return nil
		}
		must(t, server.Pause())
		defer server.Continue()
		var snap consent.Snapshot
		return r.Ask(ctx, "acme", []consent.ID{subject(1)}, &snap)
	})
}

// bounded wants ask to fail by its own deadline and not by that of the caller, which is far away.
func bounded(t *testing.T, ask func(context.Context, consent.Options) error) {
	t.Helper()
	for _, embedded := range []bool{true, false} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := ask(ctx, consent.Options{Embedded: embedded, Deadline: 150 * time.Millisecond})
		late := ctx.Err()
		cancel()
		if late != nil {
			t.Fatal("the deadline of an Ask bounds nothing")
		}
		if c := cause(t, err); c != "redis_unreachable" {
			t.Fatalf("cause %q (%v)", c, err)
		}
	}
}

func TestUnsafeSettings(t *testing.T) {
	master := testbed.StartRedis(t)
	r := newRig(t, master.Addr, consent.Options{Deadline: slow})
	r.accept(t)
	wantCause(t, r.Store, "")
	for _, c := range []struct {
		args []string
		name string
	}{
		{[]string{"--appendfsync", "everysec"}, "appendfsync is not always"},
		{[]string{"--appendonly", "no"}, "aof_enabled is not 1"},
		{[]string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory_policy is not noeviction"},
		{[]string{"--cluster-enabled", "yes"}, "redis_mode is not standalone"},
		{[]string{"--replicaof", strings.ReplaceAll(master.Addr, ":", " ")}, "role is not master"},
		{[]string{"--rename-command", "CONFIG", "HIDDEN"}, "appendfsync cannot be read"},
	} {
		s := open(t, testbed.StartRedis(t, c.args...).Addr, consent.Options{Deadline: slow})
		var snap consent.Snapshot
		err := s.Ask(t.Context(), "acme", nil, &snap)
		if cause(t, err) != "redis_unsafe" || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%v: %v", c.args, err)
		}
		if problems, err := s.Unsafe(t.Context()); err != nil || len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), c.name) {
			t.Errorf("%v: %q %v", c.args, problems, err)
		}
	}
}

func TestRestartAndRestoredSnapshot(t *testing.T) {
	server := testbed.StartRedis(t)
	r := newRig(t, server.Addr, consent.Options{Deadline: slow})
	r.accept(t)
	r.apply(t, subject(1), grant(1000))
	must(t, r.raw.Save(t.Context()).Err())
	dump := readFile(t, server.DataDir()+"/dump.rdb")
	acked := r.apply(t, subject(1), withdraw())
	wantCause(t, r.Store, "")

	must(t, server.Kill())
	wantCause(t, r.Store, "redis_unreachable")
	must(t, server.Start(t.Context()))
	wantCause(t, r.Store, "")
	if line, err := r.Line(t.Context(), subject(1)); err != nil || string(line) == "" || !bytes.Contains(line, []byte("X")) {
		t.Fatalf("the withdrawal of %d did not survive a kill: %q %v", acked.AcknowledgedAtMS, line, err)
	}

	must(t, server.Kill())
	restore(t, server.DataDir(), dump)
	must(t, server.Start(t.Context()))
	if line, err := r.Line(t.Context(), subject(1)); err != nil || bytes.Contains(line, []byte("X")) || line == nil {
		t.Fatalf("the old snapshot was not restored: %q %v", line, err)
	}
	wantCause(t, r.Store, "redis_wiped")
	r.apply(t, subject(1), withdraw())
	r.accept(t)
	wantCause(t, r.Store, "")
}

// Withdrawals race grants from many clients. Whatever the order, a grant of before the last acknowledged withdrawal is
// not in force.
func TestRace(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		r.accept(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		last := map[int]int64{}
		for w := range 6 {
			wg.Go(func() {
				s := open(t, r.addr, consent.Options{Embedded: true})
				for i := range 60 {
					who := i % 3
					c := withdraw()
					if (w+i)%2 == 0 {
						now, err := s.Clock(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						c = grant(now.UnixMilli())
					}
					res, err := s.Apply(t.Context(), subject(who), c)
					if err != nil {
						t.Error(err)
						return
					}
					if c.Action == consent.ActWithdraw {
						mu.Lock()
						last[who] = max(last[who], res.AcknowledgedAtMS)
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for who, at := range last {
			line, err := r.Line(t.Context(), subject(who))
			must(t, err)
			l, ok := consent.Parse(line)
			if !ok || len(l.Entries) != 1 || !l.Entries[0].Marked {
				t.Fatalf("%q", line)
			}
			e := l.Entries[0]
			if e.Grant != nil && e.Grant.SinceMS <= e.MarkMS {
				t.Errorf("%q holds a grant from before its mark", line)
			}
			// The script's time may be a little after the acceptance that is the mark, never more than a second.
			if e.MarkMS > at || at-e.MarkMS > 1000 && e.Grant == nil {
				t.Errorf("%q, last withdrawal acknowledged at %d", line, at)
			}
		}
		epoch, places := r.Known()
		_ = epoch
		var snap consent.Snapshot
		must(t, r.Ask(t.Context(), "acme", nil, &snap))
		sum := uint64(0)
		for i := range snap.Places {
			sum += snap.Places[i] - places[i]
		}
		if sum < 150 || sum > 360 {
			t.Errorf("%d writes were counted", sum)
		}
	})
}

// Lanes that ask while others write must never take a concurrent answer for a store that went back.
func TestLanesShareWhatTheySaw(t *testing.T) {
	r := newRig(t, testbed.StartRedis(t).Addr, consent.Options{Deadline: slow})
	r.accept(t)
	writer := open(t, r.addr, consent.Options{Embedded: true})
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			var snap consent.Snapshot
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := r.Ask(t.Context(), "acme", []consent.ID{subject(1)}, &snap); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 300 {
		if _, err := writer.Apply(t.Context(), subject(1), withdraw()); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	wg.Wait()
}

// accept-epoch that is cut short leaves a closed store, and running it again completes it.
func TestAcceptCutShort(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		r.accept(t)
		var changes []consent.Named
		for i := range 600 {
			changes = append(changes, consent.Named{ID: subject(i), Change: withdraw()})
		}
		_, err := r.ApplyAll(t.Context(), changes)
		must(t, err)
		_, err = r.Stop(t.Context(), "acme", "")
		must(t, err)

		broken := errors.New("cut short")
		_, err = r.Accept(t.Context(), func(ctx context.Context, w consent.Writer) error {
			if _, err := w.ApplyAll(ctx, []consent.Named{{ID: subject(1000), Change: withdraw()}}); err != nil {
				return err
			}
			return broken
		}, nil)
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		wantCause(t, r.Store, "redis_wiped")
		if _, err := r.Apply(t.Context(), subject(1), withdraw()); !errors.Is(err, consent.ErrNotOpen) {
			t.Fatalf("a change to a closed store: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := r.Accept(ctx, nil, func(int) { cancel() }); err == nil {
			t.Fatal("was not cut short")
		}
		wantCause(t, r.Store, "redis_wiped")

		var overtaken error
		_, overtaken = r.Accept(t.Context(), func(ctx context.Context, w consent.Writer) error {
			r.accept(t) // another person, meanwhile
			_, err := w.ApplyAll(ctx, []consent.Named{{ID: subject(1001), Change: withdraw()}})
			return err
		}, nil)
		if overtaken == nil || !strings.Contains(overtaken.Error(), "taken over") {
			t.Fatalf("overtaken: %v", overtaken)
		}
		wantCause(t, r.Store, "")
		found, err := r.Inspect(t.Context())
		if err != nil || found.Lines != 601 || fmt.Sprint(found.Stopped) != "[acme]" || !found.Open {
			t.Fatalf("%+v %v", found, err)
		}
		for _, i := range []int{0, 599, 1000} {
			if line, err := r.Line(t.Context(), subject(i)); err != nil || line == nil {
				t.Errorf("subject %d: %v", i, err)
			}
		}
	})
}
