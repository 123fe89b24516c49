// Stop flags and fingerprints of keys, on a server in memory and a real one.

package consent_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/consentry/consentry/consent"
)

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
