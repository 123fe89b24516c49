package changelog

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
)

// BenchmarkOwner measures, on Apache Kafka and a redis-server with appendfsync always on this machine: how fast waiting
// requests are merged, how fast an emptied store is filled, and how long a change takes to be in force while 500 a
// second come.
func BenchmarkOwner(b *testing.B) {
	const many = 200_000
	for b.Loop() {
		r := newRealRig(b)
		o := r.start()
		r.open(firstEpoch)
		o.untilOpen(consent.Shards)
		if err := o.halt(); err != nil {
			b.Fatal(err)
		}
		bulk, err := kgo.NewClient(append(r.conn.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<18))...)
		if err != nil {
			b.Fatal(err)
		}
		for n := range many {
			req := grant(n, 1000)
			bulk.Produce(b.Context(), &kgo.Record{Topic: r.requests, Partition: int32(req.Shard()), Key: req.Key(), Value: req.Value()}, nil)
		}
		if err := bulk.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		bulk.Close()
		lines := func() int64 { return r.raw.DBSize(b.Context()).Val() - consent.Shards }
		rate := func(name string) {
			var from int64
			var at time.Time
			r.until("the first", func() bool { from, at = lines(), time.Now(); return from > 0 })
			r.until("the last", func() bool { return lines() >= many })
			b.ReportMetric(float64(many-from)/time.Since(at).Seconds(), name)
		}
		o = r.start()
		rate("merged/s")
		o.untilOpen(consent.Shards)
		if err := r.raw.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		rate("filled/s")
		o.untilOpen(consent.Shards)
		var took []time.Duration
		tick := time.NewTicker(20 * time.Millisecond)
		for n := range 200 {
			<-tick.C
			var reqs []consent.Request
			for k := range 10 {
				reqs = append(reqs, grant(many+10*n+k, 1000))
			}
			began := time.Now()
			r.ask(reqs...)
			key := r.key(firstEpoch, person(many+10*n+9))
			for r.raw.Exists(b.Context(), key).Val() == 0 {
				if time.Since(began) > testDeadline {
					b.Fatal("a change is not in force")
				}
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
}
