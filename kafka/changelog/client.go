// The person's half of the changelog: what the consent verbs do. A verb appends requests and waits for what the owner of
// the shard makes of them; it merges nothing, and writes to Redis only what a rebuild fills beside the lines in force.

package changelog

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// ClientOptions are what a verb needs. All fields but Wait are required.
type ClientOptions struct {
	Connection      kafka.Connection
	Group           string // kafka.group
	Requests, State string // topics
	Store           *consent.Store
	Stale           time.Duration // consent.park_when_stale
	// Wait is how long the owners may be silent before a verb gives up. Default 10s.
	Wait time.Duration
}

// Client is for one verb.
type Client struct {
	o        ClientOptions
	cl       *kgo.Client
	adm      *kadm.Client
	requests statelog
	state    statelog
}

const (
	ownerWait = 10 * time.Second
	// appendWait bounds the append of a person's one change.
	appendWait = 10 * time.Second
	// metaPoll is how often Redis is asked whether it has come far enough.
	metaPoll = 5 * time.Millisecond
)

// NewClient does not connect.
func NewClient(o ClientOptions) (*Client, error) {
	if o.Wait == 0 {
		o.Wait = ownerWait
	}
	c := &Client{o: o}
	var err error
	c.cl, c.adm, err = kafka.AdminClient(o.Connection, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(appendWait), kgo.UnknownTopicRetries(2), kgo.ProducerBatchCompression(kafka.Codecs()...))
	if err != nil {
		return nil, err
	}
	c.requests = statelog{conn: o.Connection, topic: o.Requests, adm: c.adm}
	c.state = statelog{conn: o.Connection, topic: o.State, adm: c.adm}
	return c, nil
}

// Close closes the connections; the store is the caller's.
func (c *Client) Close() { c.cl.Close() }

// allShards lists every partition of either topic.
func allShards() []int32 {
	out := make([]int32, consent.Shards)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// Owned tells whether owners are there: members of the group that shares the shards out.
func (c *Client) Owned(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, kafka.LookTimeout)
	defer cancel()
	group := c.o.Group + ".consent"
	groups, err := c.adm.DescribeGroups(ctx, group)
	if err == nil {
		err = groups[group].Err
	}
	if err != nil {
		return false, kafka.RequestTrouble(err, "group "+group)
	}
	return len(groups[group].Members) > 0, nil
}

// marks reads the last mark of every shard: what the owners have said last.
func (c *Client) marks(ctx context.Context) (map[int32]tail, map[int32]extent, error) {
	extents, err := c.state.extents(ctx, allShards())
	if err != nil {
		return nil, nil, err
	}
	tails, err := c.state.tails(ctx, extents)
	return tails, extents, err
}

// interrupted tells a person's Ctrl-C from a time that has run out.
func interrupted(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
