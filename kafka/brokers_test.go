// The brokers that the tests of the admin verbs run on: kfake for what it can do, and the real one.

package kafka_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/testbed"
	"github.com/consentry/consentry/kafka"
)

// broker is one to test against.
type broker struct {
	kafka.Connection
	*testing.T
	adm *kadm.Client
	cl  *kgo.Client
}

var names atomic.Int64

// fresh is a topic or group name that no other test uses.
func fresh(kind string) string { return fmt.Sprintf("%s.t%d", kind, names.Add(1)) }

// onBoth runs a test on kfake and on Apache Kafka.
func onBoth(t *testing.T, test func(b *broker)) {
	t.Run("kfake", func(t *testing.T) {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		test(connect(t, kafka.Connection{Brokers: fake.ListenAddrs()}))
	})
	t.Run("kafka", func(t *testing.T) { test(realBroker(t)) })
}

func realBroker(t *testing.T) *broker {
	t.Helper()
	tb, err := testbed.Shared()
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, kafka.Connection{Brokers: []string{tb.Kafka.Addr}})
}

func connect(t *testing.T, conn kafka.Connection) *broker {
	t.Helper()
	cl, err := kgo.NewClient(append(conn.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &broker{conn, t, kadm.NewClient(cl), cl}
}

// topic makes a topic with the given number of partitions.
func (b *broker) topic(kind string, partitions int32) string {
	b.Helper()
	name := fresh(kind)
	b.make(name, partitions)
	return name
}

func (b *broker) make(name string, partitions int32) {
	b.Helper()
	if _, err := b.adm.CreateTopic(b.Context(), partitions, 1, nil, name); err != nil {
		b.Fatalf("%s: %v", name, err)
	}
}

// write appends n records to a partition, stamped with a time.
func (b *broker) write(topic string, partition int32, n int, at time.Time) {
	b.Helper()
	var records []*kgo.Record
	for range n {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Timestamp: at, Value: []byte("x")})
	}
	if err := b.cl.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
}

// commit sets a position as a worker without a note would.
func (b *broker) commit(group, topic string, partition int32, at int64) {
	b.Helper()
	var os kadm.Offsets
	os.AddOffset(topic, partition, at, -1)
	if err := b.adm.CommitAllOffsets(b.Context(), group, os); err != nil {
		b.Fatal(err)
	}
}

// trim removes the records before an offset.
func (b *broker) trim(topic string, partition int32, before int64) {
	b.Helper()
	var os kadm.Offsets
	os.AddOffset(topic, partition, before, -1)
	if _, err := b.adm.DeleteRecords(b.Context(), os); err != nil {
		b.Fatal(err)
	}
}

// at is the position of a group, -1 for none.
func (b *broker) at(group, topic string, partition int32) int64 {
	b.Helper()
	commits, err := b.adm.FetchOffsets(b.Context(), group)
	if err != nil {
		b.Fatal(err)
	}
	if c, ok := commits[topic][partition]; ok {
		return c.At
	}
	return -1
}

// member joins a group and stays in it until the test ends.
func (b *broker) member(group, topic string) {
	b.Helper()
	cl, err := kgo.NewClient(append(b.Options(), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cl.Close)
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	for {
		groups, err := b.adm.DescribeGroups(ctx, group)
		if err != nil {
			b.Fatal(err)
		}
		if groups[group].State == "Stable" {
			return
		}
		polled, stop := context.WithTimeout(ctx, 100*time.Millisecond)
		cl.PollFetches(polled)
		stop()
		if ctx.Err() != nil {
			b.Fatal("the member never joined")
		}
	}
}
