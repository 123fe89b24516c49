// What a healthy store answers, and what stays true while many write and an epoch turns.

package consent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

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
