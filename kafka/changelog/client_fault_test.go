package changelog

// What verbs do where something is not as it should be: a topic that was lost or begins late, two who open at once.

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// compacted makes the requests topic again with what brokers keep of it: of each key the last record, and no tombstone.
func (r *ownerRig) compacted() {
	r.t.Helper()
	var all []*kgo.Record
	last := map[string]*kgo.Record{}
	if _, err := kafka.ReadCommitted(r.t.Context(), r.conn, []string{r.requests}, func(c *kafka.Committed) {
		rec := &kgo.Record{Topic: r.requests, Partition: c.Partition, Key: []byte(string(c.Key)), Value: []byte(string(c.Value))}
		all = append(all, rec)
		last[string(rec.Key)] = rec
	}); err != nil {
		r.t.Fatal(err)
	}
	r.makeAgain(r.requests)
	client, _, err := kafka.AdminClient(r.conn, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	for _, rec := range all {
		if last[string(rec.Key)] != rec || len(rec.Value) == 0 {
			continue
		}
		if err := client.ProduceSync(r.t.Context(), rec).FirstErr(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Who is protected when everything else is forgotten stays so, also when the state and the store are lost and all requests
// that are left are merged again. A protection that was lifted is forgotten like the rest.
func TestForgetKeepsAProtection(t *testing.T) {
	r, o := opened(t)
	ctx := t.Context()
	c := r.verb(testDeadline)
	of := func(kind consent.RequestKind, n int) consent.Request {
		return consent.Request{Kind: kind, ReqID: requestID(), ID: person(n)}
	}
	for n, kinds := range map[int][]consent.RequestKind{
		5: {consent.AskProtect, consent.AskUnprotect, consent.AskProtect}, // two of three are erased
		6: {consent.AskProtect, consent.AskUnprotect},                     // both are
	} {
		r.outcome(c, grant(n, 1000))
		for _, k := range kinds {
			r.outcome(c, of(k, n))
		}
		if _, erased, err := c.Forget(ctx, of(consent.AskForget, n)); err != nil || erased != 3 {
			t.Fatalf("person %d: %d erased, %v", n, erased, err)
		}
		// Once more, as who was cut short does: only the withdrawal before is left to erase.
		if _, erased, err := c.Forget(ctx, of(consent.AskForget, n)); err != nil || erased != 1 {
			t.Fatalf("person %d again: %d erased, %v", n, erased, err)
		}
	}
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.compacted()
	r.makeAgain(r.state)
	r.leave(o.group)
	if err := r.raw.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	r.start().untilOpen(consent.Shards)
	for n, want := range map[int]bool{5: true, 6: false} {
		if on, err := r.store.Protected(ctx, person(n)); err != nil || on != want {
			t.Errorf("person %d is protected: %v %v", n, on, err)
		}
		if line := r.line(n); !strings.HasPrefix(line, "*X") || strings.Contains(line, "acme") {
			t.Errorf("person %d has the line %q", n, line)
		}
	}
}

// Brokers may have dropped the beginning of a state partition: what is left is all of it that is needed.
func TestRebuildBeginsWhereTheLogDoes(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	ctx := t.Context()
	r.outcome(c, grant(1, 1000))
	r.outcome(c, grant(1, 2000))
	cut := kadm.Offsets{}
	cut.Add(kadm.Offset{Topic: r.state, Partition: 1, At: 2})
	if _, err := r.adm.DeleteRecords(ctx, cut); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rebuild(ctx, func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	if v, err := c.Verify(ctx, 1, func(int) {}); err != nil || len(v.Mismatches) != 0 || v.Log != 1 {
		t.Errorf("%+v %v", v, err)
	}
}

// The state topic was lost, and Redis was not. Nothing is written over that: what is appended now would be merged when the
// topic is brought back.
func TestNothingIsMovedIntoALostLog(t *testing.T) {
	r, o := opened(t)
	ctx := t.Context()
	c := r.verb(testDeadline)
	r.outcome(c, grant(1, 1000))
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.makeAgain(r.state)
	c = r.verb(testDeadline)
	s, err := c.Standing(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CanAdopt(); !errors.Is(err, ErrLost) {
		t.Errorf("%+v can be moved over: %v", s, err)
	}
	if _, err := c.Rebuild(ctx, func(string, int) {}); !errors.Is(err, ErrLost) {
		t.Errorf("rebuild: %v", err)
	}
	// In an emptied store nothing is against it: that is how the page mends it.
	if err := r.raw.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if s, err = c.Standing(ctx); err != nil || s.Lost {
		t.Errorf("%+v %v", s, err)
	}
}

const otherHouse = "ffffffffffffffff"

// Two open a new log at once, under two key folders: who is first in the first shard has it, all of it, and the other has
// opened nothing.
func TestOneKeyFolderOpensTheLog(t *testing.T) {
	r := newOwnerRig(t)
	r.start()
	c := r.verb(testDeadline)
	ctx := t.Context()
	first := consent.Request{Kind: consent.AskOpen, ReqID: requestID(), Epoch: 7, House: testHouse}
	if got := r.outcome(c, first); got.Effect.Refused() {
		t.Fatalf("%+v", got)
	}
	if _, err := c.Open(ctx, Opening{Epoch: 8, House: otherHouse, Wait: testDeadline}); err == nil || !strings.Contains(err.Error(), consent.RefusedHouse.Reason()) {
		t.Errorf("the second: %v", err)
	}
	if s, err := c.Standing(ctx); err != nil || s.Open != 1 {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := c.Open(ctx, Opening{Epoch: 7, House: testHouse, Wait: testDeadline}); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Standing(ctx); err != nil || s.Open != consent.Shards {
		t.Errorf("%+v %v", s, err)
	}
	if house, err := c.House(ctx); err != nil || house != testHouse {
		t.Errorf("%s %v", house, err)
	}
}

// A log that was opened under two house keys all the same is nobody's: under either some subjects would not be found.
func TestTwoHouseKeysAreRefused(t *testing.T) {
	r := newOwnerRig(t)
	r.start()
	c := r.verb(testDeadline)
	var reqs []consent.Request
	for p := range consent.Shards {
		house := testHouse
		if p >= 9 {
			house = otherHouse
		}
		reqs = append(reqs, consent.Request{Kind: consent.AskOpen, ReqID: requestID(), OpenOf: p, Epoch: 7, House: house})
	}
	if _, err := c.Ask(t.Context(), reqs...); err != nil {
		t.Fatal(err)
	}
	house, err := c.House(t.Context())
	cause, _ := kafka.CauseOf(err, "")
	if err == nil || house != "" || cause != kafka.KeyMismatch || !strings.Contains(err.Error(), fmt.Sprintf("%s in shard 0 and %s in shard 9", testHouse, otherHouse)) {
		t.Errorf("%q %v", house, err)
	}
}
