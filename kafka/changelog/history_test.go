package changelog

// The account of a subject where the requests topic does not begin with the log.

import (
	"testing"

	"github.com/consentry/consentry/consent"
)

// The requests topic was made again, and the opening is gone with it: what was granted since is in force all the same, and
// the account must not call it void. Nor must it where the first opening that is left is a rebuild's.
func TestAccountOfRequestsMadeAgain(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start()
	c := r.verb(testDeadline)
	// Before anybody opened the log a grant is refused, and that stays in the account.
	r.ask(grant(6, 1000))
	if _, err := c.Open(t.Context(), Opening{Epoch: 7, House: testHouse, Wait: testDeadline}); err != nil {
		t.Fatal(err)
	}
	if events, err := c.History(t.Context(), person(6)); err != nil || len(events) != 1 || events[0].Effect != consent.RefusedClosed {
		t.Fatalf("before the opening: %v %v", events, err)
	}
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.makeAgain(r.requests)
	r.start().untilOpen(consent.Shards)
	c = r.verb(testDeadline)
	if got := r.outcome(c, grant(5, 1000)); got.Effect != consent.Granted {
		t.Fatalf("%+v", got)
	}
	granted := func(when string) {
		t.Helper()
		events, err := c.History(t.Context(), person(5))
		if err != nil || len(events) != 1 {
			t.Fatalf("%s: %d events, %v", when, len(events), err)
		}
		if e := events[0]; e.Effect != consent.Granted || !e.InForce {
			t.Errorf("%s the account says %q, in force %v", when, e.Effect.Reason(), e.InForce)
		}
	}
	granted("without any opening")
	if _, err := c.Rebuild(t.Context(), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	granted("with a rebuild's opening")
}
