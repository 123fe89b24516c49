// Appending requests: acceptance is the moment in which the broker has them on all replicas in sync, and from then on a
// change cannot be lost.

package changelog

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// Position is where a request stands in the requests topic; the partition is its shard.
type Position struct {
	Partition int32
	Offset    int64
}

// append writes the requests, each into the partition of its shard, and returns where they stand. On error each of them
// may stand there or not; to append one again is harmless.
func (c *Client) append(ctx context.Context, reqs []consent.Request) ([]Position, error) {
	records := make([]*kgo.Record, len(reqs))
	for i := range reqs {
		records[i] = c.record(&reqs[i])
	}
	ctx, cancel := context.WithTimeout(ctx, appendWait)
	defer cancel()
	if err := c.cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		if interrupted(ctx) {
			return nil, fmt.Errorf("interrupted; the change may or may not stand in topic %s, and asking again is harmless", c.o.Requests)
		}
		return nil, fmt.Errorf("%w; asking again is harmless", kafka.RequestTrouble(err, "topic "+c.o.Requests))
	}
	out := make([]Position, len(records))
	for i, r := range records {
		out[i] = Position{r.Partition, r.Offset}
	}
	return out, nil
}

func (c *Client) record(r *consent.Request) *kgo.Record {
	return &kgo.Record{Topic: c.o.Requests, Partition: int32(r.Shard()), Key: r.Key(), Value: r.Value()}
}
