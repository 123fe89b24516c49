package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/kafka"
)

func TestCommittedPast(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw, quiet := b.topic("raw", 1), b.topic("raw", 1)
		group := fresh("group")
		first := time.Now().Add(-3 * time.Hour).Truncate(time.Millisecond)
		b.write(raw, 0, 4, first)
		b.write(raw, 0, 4, first.Add(time.Hour))
		past := func(at time.Time, topics ...string) bool {
			b.Helper()
			ok, err := kafka.CommittedPast(b.Context(), b.Connection, group, topics, at.UnixMilli())
			if err != nil {
				b.Fatal(err)
			}
			return ok
		}
		later := first.Add(30 * time.Minute)
		if past(later, raw) {
			b.Error("a group without positions is past nothing")
		}
		for _, c := range []struct {
			at         int64
			past, last bool
		}{{3, false, false}, {4, true, false}, {7, true, false}, {8, true, true}} {
			b.commit(group, raw, 0, c.at)
			if got := past(later, raw); got != c.past {
				b.Errorf("at %d: past the first half is %v", c.at, got)
			}
			if got := past(first.Add(2*time.Hour), raw); got != c.last {
				b.Errorf("at %d: past all is %v", c.at, got)
			}
		}
		if past(later, raw, quiet) {
			b.Error("a topic that was never begun counts as read")
		}
		b.commit(group, quiet, 0, 0)
		if !past(later, raw, quiet) {
			b.Error("an empty topic holds the erasure up")
		}
		if past(time.Now().Add(time.Hour), raw) {
			b.Error("a time to come was passed")
		}
	})
}

// Behind the last record of a transaction stands its marker, which no group commits past.
func TestCommittedPastATransactionsMarker(t *testing.T) {
	onBoth(t, func(b *broker) {
		raw, group := b.topic("raw", 1), fresh("group")
		b.transaction(raw, 3, kgo.TryCommit)
		b.commit(group, raw, 0, 3)
		at := time.Now().UnixMilli() - 1
		if ok, err := kafka.CommittedPast(b.Context(), b.Connection, group, []string{raw}, at); err != nil || !ok {
			b.Errorf("only a marker is left: %v %v", ok, err)
		}
		b.transaction(raw, 2, kgo.TryAbort)
		if ok, err := kafka.CommittedPast(b.Context(), b.Connection, group, []string{raw}, at); err != nil || !ok {
			b.Errorf("only an aborted transaction is left: %v %v", ok, err)
		}
		b.write(raw, 0, 1, time.Now().Add(-time.Hour))
		at = time.Now().UnixMilli() // a time query finds markers too: none may be younger
		if ok, err := kafka.CommittedPast(b.Context(), b.Connection, group, []string{raw}, at); err != nil || ok {
			b.Errorf("a record is left: %v %v", ok, err)
		}
	})
}

// transaction writes n records, an hour old, and ends as told.
func (b *broker) transaction(topic string, n int, how kgo.TransactionEndTry) {
	b.Helper()
	cl, err := kgo.NewClient(append(b.Options(), kgo.TransactionalID(fresh("txn")), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		b.Fatal(err)
	}
	for range n {
		if err := cl.ProduceSync(b.Context(), &kgo.Record{Topic: topic, Timestamp: time.Now().Add(-time.Hour), Value: []byte("x")}).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	if err := cl.EndTransaction(context.Background(), how); err != nil {
		b.Fatal(err)
	}
}
