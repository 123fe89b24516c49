package processor

// What the house's lists cost an event without open text: the same batch with and without their stages, in one run.

import (
	"context"
	"slices"
	"testing"
)

// withoutDetectors takes the stages of the house's lists away until the test ends.
func withoutDetectors(t testing.TB) {
	before := order.afterAsking
	t.Cleanup(func() { order.afterAsking = before })
	order.afterAsking = slices.DeleteFunc(slices.Clone(before), func(s stage) bool {
		return slices.Contains([]string{"jurisdiction", "sensitive place", "sensitive topic", "residual identifier"}, s.name)
	})
	if len(order.afterAsking) != len(before)-4 {
		t.Fatal("the stages have other names")
	}
}

// BenchmarkEvent decides events that are released in both streams, each with a position, an app or a URL.
func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct {
		name, kind string
		without    bool
	}{{"place without", "pos", true}, {"place", "pos", false}, {"app without", "app", true}, {"app", "app", false}, {"url without", "url", true}, {"url", "url", false}} {
		b.Run(c.name, func(b *testing.B) {
			if c.without {
				withoutDetectors(b)
			}
			bench := newBench(b, nil)
			bench.store.lines[idOf(subject)] = []byte(goodLine)
			e := good()
			for _, kind := range []string{"pos", "app", "url", "text"} {
				if kind != c.kind {
					e[kind] = nil
				}
			}
			one := bench.avro(b, e)
			batch := make([]Inbound, 1000)
			for i := range batch {
				batch[i] = one
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				out, err := bench.Decide(context.Background(), batch)
				if err != nil || len(out.Out) != 2*len(batch) {
					b.Fatalf("%v", err)
				}
				n += len(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
		})
	}
}
