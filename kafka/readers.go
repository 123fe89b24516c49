// What the admin verbs (topics, offsets, preflight) share: a client that gives up in time, and the deployment as the
// brokers see it.

package kafka

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// adminRetry bounds how long a request is tried again while no broker answers: a person waits for the answer.
const adminRetry = 6 * time.Second

// Reader is one partner's consumer group and what it reads.
type Reader struct {
	Partner string
	Group   string // <group>.<partner>
	Sources []ReaderSource
}

// ReaderSource is one raw topic that a partner reads, and the partner topics made of it.
type ReaderSource struct {
	Name, Topic string
	Streams     []string
}

// topics lists the raw topics of a reader.
func (r Reader) topics() []string {
	var out []string
	for _, s := range r.Sources {
		out = append(out, s.Topic)
	}
	return out
}

// adminClient connects when it is first used. Close the kgo client; the kadm client is a view on it.
func adminClient(conn Connection, more ...kgo.Opt) (*kgo.Client, *kadm.Client, error) {
	opts := append(conn.Options(), kgo.RetryTimeout(adminRetry), kgo.RequestRetries(10))
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	return cl, kadm.NewClient(cl), nil
}
