package kafka

// What simulate writes is what ReadCommitted reads, and a topic that is not there is an error, not a wait.

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestRawEventsReadBack(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	conn := Connection{Brokers: fake.ListenAddrs()}
	ctx := t.Context()
	made, err := CreateRawTopics(ctx, conn, []string{"raw.a", "raw.b"}, 3, 1, time.Hour)
	if err != nil || len(made) != 2 {
		t.Fatalf("made %v: %v", made, err)
	}
	if made, err = CreateRawTopics(ctx, conn, []string{"raw.a"}, 3, 1, time.Hour); err != nil || len(made) != 0 {
		t.Errorf("a topic that is there: made %v: %v", made, err)
	}
	p, err := NewRawProducer(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// Days old: the client must not take a record's age for the time that it has waited.
	old := time.Now().Add(-72 * time.Hour).UnixMilli()
	buf := make([]byte, 0, 64)
	want := map[string]bool{}
	for i := range 500 {
		buf = fmt.Appendf(buf[:0], "value %d", i)
		e := RawEvent{Topic: "raw.a", Key: []byte(fmt.Sprint("key ", i)), Value: buf, HeaderName: "h", HeaderValue: buf, TimestampUnix: old + int64(i)}
		if i == 7 {
			e.Value = nil
		}
		want[fmt.Sprint(e.Topic, " ", string(e.Key), " ", string(e.Value), " ", e.Value == nil, " ", e.TimestampUnix)] = true
		if err := p.Send(ctx, &e); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	extents, err := ReadCommitted(ctx, conn, []string{"raw.a", "raw.b"}, func(r *Committed) {
		got := fmt.Sprint(r.Topic, " ", string(r.Key), " ", string(r.Value), " ", r.Value == nil, " ", r.TimestampMS)
		if !want[got] {
			t.Errorf("read %q, which was not written or was read twice", got)
		}
		delete(want, got)
	})
	if err != nil || len(want) != 0 {
		t.Errorf("%d events are missing: %v", len(want), err)
	}
	var sum int64
	for _, e := range extents["raw.a"] {
		sum += e.End - e.Start
	}
	if sum != 500 || len(extents["raw.b"]) != 3 {
		t.Errorf("extents %v", extents)
	}
}

func TestRawEventsToNowhere(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	p, err := NewRawProducer(Connection{Brokers: fake.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Send(t.Context(), &RawEvent{Topic: "raw.none", Value: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(t.Context()); err == nil {
		t.Error("an event was written to a topic that is not there")
	}
	if err := p.Send(t.Context(), &RawEvent{Topic: "raw.none", Value: []byte("x")}); err == nil {
		t.Error("after a failure sending goes on")
	}
}
