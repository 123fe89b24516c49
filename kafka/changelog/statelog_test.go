package changelog

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// writeState writes a transaction of n lines, and its mark if one is given, to a state partition.
func (r *ownerRig) writeState(partition int32, n int, mark *consent.Mark, commit bool) {
	r.t.Helper()
	cl, _, err := kafka.AdminClient(r.conn, kgo.TransactionalID("state."+r.state), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		r.t.Fatal(err)
	}
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: r.state, Partition: partition, Key: person(i).Append(nil), Value: []byte("*X1")})
	}
	if mark != nil {
		records = append(records, &kgo.Record{Topic: r.state, Partition: partition, Key: []byte(consent.MarkKey), Value: mark.Value()})
	}
	ctx := context.Background()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
	if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		r.t.Fatal(err)
	}
}

func TestTailIsReadBackwards(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		t := r.t
		log := &statelog{conn: r.conn, topic: r.state, adm: r.adm}
		// Partition 0 is empty; 1 ends in its mark; 2 has its mark far before a long aborted end; 3 was only aborted.
		r.writeState(1, 3, &consent.Mark{Epoch: 7, Requests: 1}, true)
		r.writeState(1, 3, &consent.Mark{Epoch: 7, Requests: 2}, true)
		r.writeState(2, 1, &consent.Mark{Epoch: 7, Requests: 3}, true)
		r.writeState(2, 5*tailWindow, &consent.Mark{Epoch: 7, Requests: 99}, false)
		r.writeState(3, 3, &consent.Mark{Epoch: 7, Requests: 99}, false)
		var extents map[int32]extent
		r.until("no transaction is open", func() bool {
			var err error
			if extents, err = log.extents(context.Background(), []int32{0, 1, 2, 3}); err != nil {
				t.Fatal(err)
			}
			for _, e := range extents {
				if e.stable != e.high {
					return false
				}
			}
			return extents[3].high > 0 && extents[2].high > 5*tailWindow
		})
		found, err := log.tails(context.Background(), extents)
		if err != nil {
			t.Fatal(err)
		}
		for p, want := range map[int32]int64{1: 2, 2: 3} {
			if f := found[p]; !f.found || f.mark.Requests != want || f.head != extents[p].stable {
				t.Errorf("partition %d: %+v", p, f)
			}
		}
		for _, p := range []int32{0, 3} {
			if found[p].found || found[p].head != extents[p].stable {
				t.Errorf("partition %d: %+v", p, found[p])
			}
		}
	})
}

func TestStateWithoutMarkIsNotOurs(t *testing.T) {
	r := newOwnerRig(t)
	log := &statelog{conn: r.conn, topic: r.state, adm: r.adm}
	r.writeState(1, 3, nil, true)
	extents, err := log.extents(t.Context(), []int32{1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.tails(t.Context(), extents)
	if cause, _ := kafka.CauseOf(err, ""); cause != kafka.OffsetsLost {
		t.Errorf("records without a mark: %v", err)
	}
}

// TestOpenTransactionShowsInTheExtent: what a predecessor left open is not passed over.
func TestOpenTransactionShowsInTheExtent(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		t := r.t
		log := &statelog{conn: r.conn, topic: r.state, adm: r.adm}
		cl, _, err := kafka.AdminClient(r.conn, kgo.TransactionalID("left."+r.state), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(context.Background(), &kgo.Record{Topic: r.state, Partition: 5, Key: []byte("x"), Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		extents, err := log.extents(context.Background(), []int32{5})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(extents[5]); got != "{0 0 1}" {
			t.Errorf("the extent is %s", got)
		}
		if err := cl.EndTransaction(context.Background(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	})
}
