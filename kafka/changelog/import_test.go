package changelog

// Loads in bad company: behind somebody's open transaction, held up in their own, and cut short before.

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// What is asked behind the open transaction of a load waits, however well the owners are: the verb says for what.
func TestVerbNamesTheOpenTransaction(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		t := r.t
		r.opened()
		id := r.group + ".consent-import.0123456789abcdef"
		cl, _, err := kafka.AdminClient(r.conn, kgo.TransactionalID(id), kgo.TransactionTimeout(time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		q := grant(1, 1000)
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.requests, Partition: 1, Key: q.Key(), Value: q.Value()}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		_, err = r.verb(2*time.Second).Ask(t.Context(), withdraw(1))
		if err == nil || strings.Contains(err.Error(), noOwner) || !strings.Contains(err.Error(), "transaction "+id+" is open in topic "+r.requests+", partition 1") {
			t.Errorf("the verb says: %v", err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		r.settle(firstEpoch)
	})
}

// A load whose machine had no time for it is not told that somebody else loads the file.
func TestLoadHeldUpSaysSo(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	o := importOf("a file", func(int, string, string) {})
	o.timeout = time.Second
	var once atomic.Bool
	release := make(chan struct{})
	r.broker.ControlKey(int16(kmsg.AddOffsetsToTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.broker.KeepControl()
		if strings.Contains(req.(*kmsg.AddOffsetsToTxnRequest).TransactionalID, "consent-import") && once.CompareAndSwap(false, true) {
			r.broker.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	ended := make(chan error, 1)
	go func() {
		_, err := r.load(t.Context(), c, csvOf(60), o)
		ended <- err
	}()
	r.until("the broker has ended its transaction", func() bool {
		if !once.Load() {
			return false
		}
		states, err := r.adm.DescribeTransactions(context.Background())
		if err != nil {
			return false
		}
		for _, s := range states {
			if strings.Contains(s.TxnID, "consent-import") {
				return s.State != "Ongoing"
			}
		}
		return false
	})
	close(release)
	if err := <-ended; !errors.Is(err, errHeldUp) {
		t.Errorf("the load says: %v", err)
	}
	o.timeout = 0
	if done, err := r.load(t.Context(), c, csvOf(60), o); err != nil || done.Made+done.Void+done.Refused != 60 {
		t.Errorf("run again: %+v %v", done, err)
	}
}

// What an earlier run has seen merged may lie in any shard: a load that goes on is done when the store holds them all.
func TestResumedLoadAwaitsEveryShard(t *testing.T) {
	r, o := opened(t)
	r.ask(grant(1, 1000))
	r.settle(firstEpoch)
	c := r.verb(testDeadline)
	i := &importer{c: c, resumed: true, tracker: newTracker(func(int, string, string) {})}
	if err := i.finish(t.Context()); err != nil {
		t.Errorf("the store holds everything: %v", err)
	}
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	if err := r.raw.Del(t.Context(), "consentry:{01}:meta").Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := i.finish(ctx); err == nil || !strings.Contains(err.Error(), "not all in force yet: shard 1 ") {
		t.Errorf("the store lacks shard 1 of %d: %v", consent.Shards, err)
	}
}
