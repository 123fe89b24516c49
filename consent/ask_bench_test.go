package consent_test

// What a batch's question, and a projection, cost on a real server.

import (
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func BenchmarkAsk(b *testing.B) {
	addr := testbed.StartRedis(b).Addr
	var ids []consent.ID
	var changes []consent.Named
	for i := range 1000 {
		ids = append(ids, subject(i))
		changes = append(changes, consent.Named{ID: subject(i), Change: grant(1000)})
	}
	ask := func(b *testing.B, s *consent.Store) {
		var snap consent.Snapshot
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Ask(b.Context(), "acme", ids, &snap); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("single", func(b *testing.B) {
		s := benchStore(b, addr, consent.Options{Deadline: slow})
		if _, err := s.Accept(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := s.ApplyAll(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
		ask(b, s)
	})
	b.Run("changelog", func(b *testing.B) {
		s := benchStore(b, addr, consent.Options{Deadline: slow, Changelog: true, StaleAfter: time.Hour})
		epoch := metas(b, s)[0].Epoch + 1
		openAll(b, s, epoch, 0)
		var batches [consent.Shards]consent.ShardBatch
		for _, id := range ids {
			sb := &batches[id.Shard()]
			sb.Shard, sb.Epoch, sb.To = id.Shard(), epoch, sb.To+1
			sb.Ops = append(sb.Ops, lineOp(int64(sb.To-1), id, "acme/ads:location@1000-"))
		}
		project(b, s, batches[:]...)
		vouch(b, s)
		ask(b, s)
	})
}

// One operation is 50,000 changes on all shards, as the owner sends them.
func BenchmarkProject(b *testing.B) {
	s := benchStore(b, testbed.StartRedis(b).Addr, consent.Options{Changelog: true})
	openAll(b, s, 7, 0)
	var batches [consent.Shards]consent.ShardBatch
	for i := range 50_000 {
		id := subject(i)
		sb := &batches[id.Shard()]
		sb.Ops = append(sb.Ops, lineOp(int64(len(sb.Ops)), id, "acme/ads:location@1767225600000-"))
	}
	for b.Loop() {
		for shard := range batches {
			sb := &batches[shard]
			sb.Shard, sb.Epoch, sb.From, sb.To = shard, 7, sb.To, sb.To+uint64(len(sb.Ops))
			for i := range sb.Ops {
				sb.Ops[i].Offset = int64(sb.From) + int64(i)
			}
		}
		project(b, s, batches[:]...)
	}
}

func benchStore(b *testing.B, addr string, o consent.Options) *consent.Store {
	o.URL = "redis://" + addr
	s, err := consent.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}
