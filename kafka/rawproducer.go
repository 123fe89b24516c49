// The carrier's side of Kafka, for simulate and demo: raw topics are made, and raw events written to them. Nothing of
// the firewall itself uses it.

package kafka

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// CreateRawTopics makes the raw topics that are missing and leaves the others as they are.
func CreateRawTopics(ctx context.Context, conn Connection, names []string, partitions, replication int, retention time.Duration) (made []string, err error) {
	cl, adm, err := adminClient(conn)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ms := strconv.FormatInt(retention.Milliseconds(), 10)
	configs := map[string]*string{"retention.ms": &ms}
	for _, name := range names {
		_, err := adm.CreateTopic(ctx, int32(partitions), int16(replication), configs, name)
		switch {
		case err == nil:
			made = append(made, name)
		case err == error(kerr.TopicAlreadyExists):
		default:
			return made, fmt.Errorf("topic %s cannot be made: %s", name, code(err))
		}
	}
	return made, nil
}

// RawEvent is one raw record. Its slices are copied.
type RawEvent struct {
	Topic         string
	Key, Value    []byte // a nil Value is a tombstone
	HeaderName    string
	HeaderValue   []byte
	TimestampUnix int64 // milliseconds
}

// RawProducer writes raw events, at least once and in order for each key. Not safe for concurrent use.
type RawProducer struct {
	client *kgo.Client
	arena  []byte
	mu     sync.Mutex
	failed error // of the first record that could not be written
}

// NewRawProducer connects when the first event is sent.
func NewRawProducer(conn Connection) (*RawProducer, error) {
	// A bound in retries, not in time: kgo counts time from the record's timestamp, and these are days old.
	client, err := kgo.NewClient(append(conn.Options(), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000),
		kgo.RecordRetries(20), kgo.UnknownTopicRetries(3))...)
	if err != nil {
		return nil, fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	return &RawProducer{client: client}, nil
}

// Send hands over one event; it waits while too many are on their way. The error is that of any event before.
func (p *RawProducer) Send(ctx context.Context, e *RawEvent) error {
	r := &kgo.Record{
		Topic: e.Topic, Key: p.keep(e.Key), Value: p.keep(e.Value), Timestamp: time.UnixMilli(e.TimestampUnix),
		Headers: []kgo.RecordHeader{{Key: e.HeaderName, Value: p.keep(e.HeaderValue)}},
	}
	p.client.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.failed == nil {
				p.failed = requestTrouble(err, "topic "+r.Topic)
			}
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// keep copies b into memory that lives as long as the record.
func (p *RawProducer) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	if cap(p.arena)-len(p.arena) < len(b) {
		p.arena = make([]byte, 0, max(1<<18, len(b)))
	}
	at := len(p.arena)
	p.arena = append(p.arena, b...)
	return p.arena[at:len(p.arena):len(p.arena)]
}

// Flush waits until every event is written.
func (p *RawProducer) Flush(ctx context.Context) error {
	err := p.client.Flush(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	return err
}

// Close ends the connections; events that were not flushed may be lost.
func (p *RawProducer) Close() { p.client.Close() }
