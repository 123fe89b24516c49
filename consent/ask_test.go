package consent_test

// What an Ask costs in memory: a lane asks for years.

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentry/consentry/consent"
)

func TestAskReusesItsMemory(t *testing.T) {
	r := newRig(t, miniredis.RunT(t).Addr(), consent.Options{Embedded: true, Deadline: slow})
	r.accept(t)
	var ids []consent.ID
	for i := range 1000 {
		ids = append(ids, subject(i))
	}
	var changes []consent.Named
	for _, id := range ids[:500] {
		changes = append(changes, consent.Named{ID: id, Change: grant(1000)})
	}
	if _, err := r.ApplyAll(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	var snap consent.Snapshot
	ask := func(n int) func() {
		return func() {
			if err := r.Ask(t.Context(), "acme", ids[:n], &snap); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(1000)()
	sizes := snap.Memory()
	for range 20 {
		ask(1000)()
		ask(10)()
	}
	if grown := snap.Memory(); grown != sizes {
		t.Errorf("it grew from %d to %d bytes", sizes, grown)
	}
	if sizes > 400<<10 {
		t.Errorf("%d bytes for 1000 subjects", sizes)
	}
}
