package changelog

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

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
		})
		r.open(firstEpoch)
		o.untilOpen(consent.Shards)
		good := `{"action":"grant","subject":"+12025550123","partner":"acme","purpose":"advertising","categories":["location"],"since":"2026-01-01T00:00:00Z","evidence":"E-1"}`
		r.write(good, `{"action":"grant"`, strings.Replace(good, "+1202", "1202", 1), strings.Replace(good, "since", "sense", 1), good)
		r.until("both changes are merged and the others in quarantine", func() bool {
			return len(r.dones()) == consent.Shards+2 && len(r.pointers()) == 3
		})
		r.settle(firstEpoch)
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
