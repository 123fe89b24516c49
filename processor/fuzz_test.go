package processor

// Any bytes as a record value, and what a batch costs.

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/consentry/consentry/schema"
)

// FuzzDecide gives the house any bytes as a record value: the law holds, and nothing leaves but for a subject who
// consented, which the bytes must then name.
func FuzzDecide(f *testing.F) {
	b := newBench(f, nil)
	b.store.lines[idOf(subject)] = []byte(goodLine)
	goodJSON, goodAvro := b.json(f, good()).Value, b.avro(f, good()).Value
	f.Add(true, goodJSON)
	f.Add(false, goodAvro)
	f.Add(true, []byte(`{"who":{"id":"+12025550123"},"who":{}}`))
	f.Add(false, schema.AppendFrame(nil, 7))
	f.Add(false, []byte{0, 0, 0, 0, 9, 1})
	f.Fuzz(func(t *testing.T, isJSON bool, value []byte) {
		in := Inbound{Source: b.sourceIndex("avro"), Partition: 1, Offset: 5, TimestampMS: noonMS, Value: value}
		if isJSON {
			in.Source = b.sourceIndex("json")
		}
		batch, err := b.Decide(context.Background(), []Inbound{in})
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, tally := range batch.Tallies {
			for r, n := range tally.Counts {
				if n != 0 && Reason(r) == Undecided {
					t.Fatal("undecided")
				}
				sum += n
			}
		}
		if sum != 2 {
			t.Fatalf("%d verdicts for 2 streams", sum)
		}
		if len(batch.Out) > 0 && !isJSON && !bytes.Contains(value, []byte(subject)) {
			t.Fatal("released an event that does not name the subject")
		}
		if _, err := b.Explain(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	for _, format := range []string{"json", "avro"} {
		b.Run(format, func(b *testing.B) {
			h := newBench(b, nil)
			var in []Inbound
			for i := range 5000 {
				phone := fmt.Sprintf("+1202%07d", i)
				if i%10 != 0 {
					h.store.lines[idOf(phone)] = []byte(goodLine)
				}
				e := good()
				who(e)["id"] = phone
				one := h.json(b, e)
				if format == "avro" {
					one = h.avro(b, e)
				}
				one.Partition, one.Offset = int32(i%4), int64(i)
				in = append(in, one)
			}
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := h.Decide(ctx, in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/event")
		})
	}
}
