package changelog

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

func (r *ownerRig) write(values ...string) {
	r.t.Helper()
	for i, v := range values {
		if err := r.client.ProduceSync(context.Background(), &kgo.Record{Topic: r.intake, Partition: int32(i % 2), Value: []byte(v)}).FirstErr(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestIntake(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		t := r.t
		namer := consent.NewNamer([]byte("a house key of thirty-two bytes!"))
		name := func(subject string) (consent.ID, bool) {
			canonical, ok := consent.Canonical(nil, consent.MSISDN, consent.E164, "US", []byte(subject))
			return namer.ID(consent.MSISDN, canonical), ok
		}
		o := r.start(func(o *Options) {
			o.Intake = r.intake
			o.Name = func(context.Context) (func(string) (consent.ID, bool), error) { return name, nil }
			o.Check = func(c consent.Change) string { return strings.TrimPrefix(c.Partner, "acme") }
		})
		r.open(firstEpoch)
		o.untilOpen(consent.Shards)
		good := `{"action":"grant","subject":"+12025550123","partner":"acme","purpose":"advertising","categories":["location"],"since":"2026-01-01T00:00:00Z","evidence":"E-1"}`
		r.write(good, `{"action":"grant"`, strings.Replace(good, "+1202", "1202", 1), strings.Replace(good, "since", "sense", 1), strings.Replace(good, "acme", "nobody", 1), good)
		r.until("both changes are merged and the others in quarantine", func() bool {
			return len(r.dones()) == consent.Shards+2 && len(r.pointers()) == 4
		})
		r.settle(firstEpoch)
		r.until("the refused ones are counted", func() bool {
			return o.measured()["consentry_consent_changes_total refused"] == 4
		})
		for _, p := range r.pointers() {
			if p.Topic != r.intake || p.Stage != "intake" || p.Reason != "bad_event" {
				t.Errorf("quarantine holds %+v", p)
			}
		}
		id, _ := name("+12025550123")
		if line := r.projected(firstEpoch)[id.Shard()][id.String()]; line != "acme/advertising:location@1767225600000-" {
			t.Errorf("the line is %q", line)
		}
		_, err := kafka.ReadCommitted(context.Background(), r.conn, []string{r.requests, r.state, r.quarantine}, func(c *kafka.Committed) {
			if strings.Contains(string(c.Key)+string(c.Value), "2025550123") {
				t.Errorf("a raw subject stands in %s", c.Topic)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// The intake's topic is the carrier's: where it is not there nobody else waits for it, and it shows.
func TestIntakeTopicMissing(t *testing.T) {
	r := newOwnerRig(t)
	o := r.start(func(o *Options) {
		o.Intake = "crm.not.there"
		o.Name = func(context.Context) (func(string) (consent.ID, bool), error) {
			return func(string) (consent.ID, bool) { return consent.ID{}, false }, nil
		}
	})
	r.open(firstEpoch)
	o.untilOpen(consent.Shards)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	r.until("it shows", func() bool {
		s := o.Status()
		return s.State == kafka.StateParked && s.Cause == string(kafka.TopicMissing) && strings.Contains(s.Detail, "crm.not.there")
	})
}

// TestIntakeWaitsForTheHouseKey: without the key nobody can be named, and nothing is passed over meanwhile.
func TestIntakeWaitsForTheHouseKey(t *testing.T) {
	r := newOwnerRig(t)
	var there atomic.Bool
	o := r.start(func(o *Options) {
		o.Intake = r.intake
		o.Name = func(context.Context) (func(string) (consent.ID, bool), error) {
			if !there.Load() {
				return nil, kafka.NewTrouble(kafka.KeyMissing, "the house key")
			}
			return func(string) (consent.ID, bool) { return person(9), true }, nil
		}
	})
	r.open(firstEpoch)
	r.until("the role is parked for want of the key", func() bool { return o.Status().Cause == "key_missing" })
	r.write(`{"action":"withdraw-all","subject":"+12025550123"}`)
	there.Store(true)
	r.until("the withdrawal is merged", func() bool { return len(r.dones()) == consent.Shards+1 })
	r.settle(firstEpoch)
	r.until("nothing is wrong any more", func() bool { return o.Status().State == "running" })
}

// TestIntakeComparesTheHouseKeyAgain: the log names a house key while the intake is at work with another. From then on
// nobody is named by that, and what waits is neither merged nor passed over.
func TestIntakeComparesTheHouseKeyAgain(t *testing.T) {
	r := newOwnerRig(t)
	var other atomic.Bool
	o := r.start(func(o *Options) {
		o.Intake = r.intake
		o.Name = func(context.Context) (func(string) (consent.ID, bool), error) {
			if other.Load() {
				return nil, kafka.NewTrouble(kafka.KeyMismatch, "the house key")
			}
			return func(string) (consent.ID, bool) { return person(9), true }, nil
		}
	})
	r.open(firstEpoch)
	r.write(`{"action":"withdraw-all","subject":"+12025550123"}`)
	r.until("the withdrawal is merged", func() bool { return len(r.dones()) == consent.Shards+1 })
	other.Store(true)
	r.write(`{"action":"withdraw-all","subject":"+12025550123"}`)
	r.until("the role is parked", func() bool { return o.Status().Cause == "key_mismatch" })
	if n := len(r.dones()); n != consent.Shards+1 || len(r.pointers()) != 0 {
		t.Errorf("%d were merged, and quarantine holds %v", n, r.pointers())
	}
	other.Store(false)
	r.until("the second withdrawal is merged", func() bool { return len(r.dones()) == consent.Shards+2 })
}

// withdrawals starts an owner whose intake names everybody person 9.
func (r *ownerRig) withdrawals() *running {
	r.t.Helper()
	o := r.start(func(o *Options) {
		o.Intake = r.intake
		o.Name = func(context.Context) (func(string) (consent.ID, bool), error) {
			return func(string) (consent.ID, bool) { return person(9), true }, nil
		}
	})
	o.untilOpen(consent.Shards)
	return o
}

const withdrawAll = `{"action":"withdraw-all","subject":"+12025550123"}`

// The role sync was away for longer than the topic keeps records. What is left and what comes is taken, and what is gone is
// told: nobody can bring it back, and to wait for it would lose the rest.
func TestIntakeGoesOnBehindItsRetention(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		t := r.t
		r.open(firstEpoch)
		o := r.withdrawals()
		r.write(withdrawAll, withdrawAll)
		r.until("they are merged", func() bool { return len(r.dones()) == consent.Shards+2 })
		if err := o.halt(); err != nil {
			t.Fatal(err)
		}
		r.leave(o.group)
		r.leave(o.intake.group)
		r.write(withdrawAll, withdrawAll, withdrawAll, withdrawAll)
		ends, err := r.adm.ListEndOffsets(t.Context(), r.intake)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.adm.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
			t.Fatal(err)
		}
		o = r.withdrawals()
		r.write(withdrawAll, withdrawAll)
		r.until("what comes is merged", func() bool { return len(r.dones()) == consent.Shards+4 })
		r.until("and the loss is told", func() bool {
			s := o.Status()
			return s.State == kafka.StateRunning && strings.Contains(s.Detail, "topic "+r.intake+" partition") && strings.Contains(s.Detail, "has lost 2 records")
		})
	})
}

// The topic ends below the position: what is there may never have been read, and a withdrawal that is read twice withdraws.
func TestIntakeBelowItsPosition(t *testing.T) {
	r := newOwnerRig(t)
	r.open(firstEpoch)
	o := r.withdrawals()
	r.write(withdrawAll, withdrawAll)
	r.until("they are merged", func() bool { return len(r.dones()) == consent.Shards+2 })
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.leave(o.group)
	r.leave(o.intake.group)
	var beyond kadm.Offsets
	beyond.Add(kadm.Offset{Topic: r.intake, Partition: 0, At: 100, LeaderEpoch: -1})
	if err := r.adm.CommitAllOffsets(t.Context(), o.intake.group, beyond); err != nil {
		t.Fatal(err)
	}
	r.write(withdrawAll)
	o = r.withdrawals()
	r.until("the partition is read again", func() bool { return len(r.dones()) == consent.Shards+4 })
	r.until("and the loss is told", func() bool { return strings.Contains(o.Status().Detail, "below position 100") })
}

// The end of the topic was replaced by other records: the client goes on where it agrees again, and the session with it.
func TestIntakeThatLostItsEnd(t *testing.T) {
	in := newIntake(New(Options{Intake: "crm", Log: zap.NewNop()}))
	s := &session{spec: sessionSpec{lost: in.lost}}
	loss := &kgo.ErrDataLoss{Topic: "crm", Partition: 3, ConsumedTo: 90, ResetTo: 70}
	if err := s.fetchError("crm", 3, loss, zap.NewNop()); err != nil {
		t.Errorf("the intake stops: %v", err)
	}
	if told := in.gone.String(); !strings.Contains(told, "topic crm partition 3 has lost 20 records") || !strings.Contains(told, "read on at 70") {
		t.Errorf("it says %q", told)
	}
	s.spec.lost = nil
	if err := s.fetchError("requests", 3, loss, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "offsets_lost: topic requests partition 3") {
		t.Errorf("an owner goes on: %v", err)
	}
}
