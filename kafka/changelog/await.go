// Waiting for what became of requests. The owner names each request, in a header of the record that it ended in, in the
// state topic; what is named there cannot be undone. It holds when Redis has come past that record and says so by a
// heartbeat that workers believe.

package changelog

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// Outcome is what became of one request.
type Outcome struct {
	Position
	Effect         consent.Effect
	InForce        bool
	AcceptedMS     int64
	AcknowledgedMS int64 // by the store's clock, when it was seen to hold
}

// NotYet says that a request is safe in the log and was not seen to hold in time.
type NotYet struct {
	Topic string
	At    Position
	Why   string
}

func (e *NotYet) Error() string {
	return fmt.Sprintf("not in force yet: %s; the request stands in topic %s, partition %d, offset %d, and will be merged; asking again is harmless",
		e.Why, e.Topic, e.At.Partition, e.At.Offset)
}

const noOwner = "no owner answers: none runs (consentry run, or consentry consent sync), or it is parked (consentry status)"

// Ask appends requests and returns when each of them holds, or is void, with what became of it. The error is a *NotYet
// when the owners are silent.
func (c *Client) Ask(ctx context.Context, reqs ...consent.Request) ([]Outcome, error) {
	return c.ask(ctx, c.o.Wait, reqs)
}

func (c *Client) ask(ctx context.Context, patience time.Duration, reqs []consent.Request) ([]Outcome, error) {
	touched := map[int32]bool{}
	var partitions []int32
	for i := range reqs {
		if p := int32(reqs[i].Shard()); !touched[p] {
			touched[p], partitions = true, append(partitions, p)
		}
	}
	extents, err := c.state.extents(ctx, partitions)
	if err != nil {
		return nil, err
	}
	at, err := c.append(ctx, reqs)
	if err != nil {
		return nil, err
	}
	wait, cancelWait := context.WithTimeout(ctx, patience)
	defer cancelWait()
	out, needs, err := c.outcomes(wait, extents, at)
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		if n.epoch != 0 {
			continue
		}
		for _, o := range out {
			if !o.Effect.Refused() {
				return nil, c.notYet(o.Position, notOpened)
			}
		}
		return out, nil // refused for this very reason
	}
	now, err := c.awaitStore(wait, needs)
	if err != nil {
		if ny, ok := err.(*NotYet); ok {
			ny.At = at[len(at)-1]
		}
		return nil, err
	}
	for i := range out {
		out[i].AcknowledgedMS = now
	}
	return out, nil
}

const notOpened = "the changelog was never opened, so nothing is released (run consentry consent accept-epoch)"

// ApplyAll makes changes as requests, and returns when they hold. It makes a Client a consent.Writer.
func (c *Client) ApplyAll(ctx context.Context, changes []consent.Named) ([]consent.Result, error) {
	reqs := make([]consent.Request, len(changes))
	for i, ch := range changes {
		reqs[i] = consent.Request{Kind: consent.KindOf(ch.Change.Action), ReqID: RandomID(), ID: ch.ID, Change: ch.Change}
	}
	outs, err := c.Ask(ctx, reqs...)
	if err != nil {
		return nil, err
	}
	results := make([]consent.Result, len(outs))
	for i, o := range outs {
		results[i] = o.Result()
	}
	return results, nil
}

// Result is the outcome as that of a change of the store.
func (o Outcome) Result() consent.Result {
	return consent.Result{AcknowledgedAtMS: o.AcknowledgedMS, InForce: o.InForce, Effect: o.Effect}
}

// Doubt says why workers do not believe a shard of the store at this moment; empty when they do. It follows "the shard".
func (c *Client) Doubt(ctx context.Context, shard int) string {
	extents, err := c.state.extents(ctx, []int32{int32(shard)})
	if err != nil {
		return err.Error()
	}
	tails, err := c.state.tails(ctx, extents)
	if err != nil {
		return err.Error()
	}
	metas, err := c.o.Store.Metas(ctx, []int{shard})
	if err != nil {
		return err.Error()
	}
	m := tails[int32(shard)].mark
	if m.Hold {
		return "is held until a file is loaded (consentry consent accept-epoch --import)"
	}
	return need{marked: true, epoch: m.Epoch}.lacks(&metas[0], c.o.Stale)
}

// need is how far a shard of the store must have come for something to hold.
type need struct {
	place  uint64 // at least
	marked bool   // the mark behind it was seen, and says:
	epoch  uint64
	hold   bool // nobody believes the shard until a person lets it go, so no heartbeat is waited for
}

// outcomes reads the state partitions until every request is named, and the mark behind it.
func (c *Client) outcomes(ctx context.Context, extents map[int32]extent, at []Position) ([]Outcome, map[int32]need, error) {
	f, err := c.follow(extents)
	if err != nil {
		return nil, nil, err
	}
	defer f.close()
	out, index := make([]Outcome, len(at)), map[Position]int{}
	open := map[int32]int{} // requests of the partition that are not named yet
	for i, p := range at {
		index[p] = i
		open[p.Partition]++
	}
	needs := map[int32]need{}
	left := len(open)
	var passed *Position
	for left > 0 && passed == nil {
		err := f.poll(ctx, func(p int32, offset int64, done consent.Done) {
			i, ours := index[Position{p, done.Offset}]
			if !ours || out[i].Effect != 0 {
				return
			}
			out[i] = Outcome{Position: at[i], Effect: done.Effect, InForce: done.InForce, AcceptedMS: done.AcceptedMS}
			needs[p] = need{place: uint64(offset) + 1}
			open[p]--
		}, func(p int32, offset int64, m consent.Mark) {
			if n, begun := needs[p]; begun && open[p] == 0 && !n.marked {
				needs[p] = need{place: n.place, marked: true, epoch: m.Epoch, hold: m.Hold}
				left--
			}
			for i := range out {
				if at[i].Partition == p && out[i].Effect == 0 && at[i].Offset < m.Requests {
					passed = &at[i]
				}
			}
		})
		switch {
		case interrupted(ctx):
			return nil, nil, c.notYet(at[len(at)-1], "interrupted")
		case ctx.Err() != nil:
			first := at[len(at)-1]
			for i := range out {
				if out[i].Effect == 0 {
					first = at[i]
					break
				}
			}
			return nil, nil, c.notYet(first, c.silence(ctx, []Position{first}))
		case err != nil:
			return nil, nil, c.notYet(at[len(at)-1], err.Error())
		}
	}
	if passed != nil {
		return nil, nil, fmt.Errorf("not made: %s (partition %d, offset %d); ask again", passedOver(c.o.Requests), passed.Partition, passed.Offset)
	}
	return out, needs, nil
}

// silence says why no owner has named the requests: what stands behind an open transaction is merged by nobody, however
// well they are.
func (c *Client) silence(ctx context.Context, at []Position) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), kafka.LookTimeout)
	defer cancel()
	partitions := make([]int32, len(at))
	for i, p := range at {
		partitions[i] = p.Partition
	}
	extents, err := c.requests.extents(ctx, partitions)
	if err != nil {
		return err.Error()
	}
	for _, p := range at {
		if e, ok := extents[p.Partition]; ok && e.stable <= p.Offset && e.stable < e.high {
			return fmt.Sprintf("%s is open in topic %s, partition %d, and what stands behind it waits: a load at work ends its own after some "+
				"seconds, and the broker one whose load died after 20 s at most; where it takes longer, kafka-transactions.sh aborts it",
				c.transactionIn(ctx, p.Partition), c.o.Requests, p.Partition)
		}
	}
	return noOwner
}

// transactionIn names the transaction that is open in a partition of the requests, as far as the broker tells.
func (c *Client) transactionIn(ctx context.Context, partition int32) string {
	const unnamed = "a transaction"
	var set kadm.TopicsSet
	set.Add(c.o.Requests, partition)
	// What could be asked is in the answers, whatever the error says of the rest.
	producers, _ := c.adm.DescribeProducers(ctx, set)
	for _, p := range producers.SortedProducers() {
		if p.CurrentTxnStartOffset < 0 {
			continue
		}
		listed, _ := c.adm.ListTransactions(ctx, []int64{p.ProducerID}, nil)
		for _, t := range listed.Sorted() {
			if t.ProducerID == p.ProducerID {
				return "transaction " + t.TxnID
			}
		}
	}
	return unnamed
}

// passedOver says that a mark stands behind a request that no owner named.
func passedOver(topic string) string {
	return "the owners passed the request over, because topic " + topic + " was made again or has lost its end"
}

func (c *Client) notYet(at Position, why string) *NotYet { return &NotYet{c.o.Requests, at, why} }

// awaitStore waits until the store has come as far as is needed, and workers believe it. It returns the store's time at
// which it was seen so: the latest where several servers hold it.
func (c *Client) awaitStore(ctx context.Context, needs map[int32]need) (int64, error) {
	var shards []int
	for p := range needs {
		shards = append(shards, int(p))
	}
	tick := time.NewTicker(metaPoll)
	defer tick.Stop()
	why := ""
	for {
		metas, err := c.o.Store.Metas(ctx, shards)
		var now int64
		holds := err == nil
		if end, _ := ctx.Deadline(); err != nil && (why == "" || time.Until(end) > 10*metaPoll) {
			why = err.Error() // a look that the end of patience cut short says nothing new
		}
		for i := range metas {
			if err != nil {
				break
			}
			if lacks := needs[int32(shards[i])].lacks(&metas[i], c.o.Stale); lacks != "" {
				holds, why = false, fmt.Sprintf("shard %d of the store %s", shards[i], lacks)
				break
			}
			now = max(now, metas[i].NowMS)
		}
		if holds {
			return now, nil
		}
		select {
		case <-ctx.Done():
			if interrupted(ctx) {
				why = "interrupted"
			}
			return 0, &NotYet{Topic: c.o.Requests, Why: why}
		case <-tick.C:
		}
	}
}

// lacks says what is missing until something holds; empty when nothing is. It asks for what a worker asks before it
// believes the shard.
func (n need) lacks(m *consent.Meta, stale time.Duration) string {
	switch {
	case n.epoch == 0:
		return "waits for a person: " + notOpened
	case !m.Kafka || m.Epoch != n.epoch:
		return "does not have the epoch of the log yet; its owner fills it"
	case m.Place < n.place:
		return "has not come as far yet; " + noOwner
	case n.hold:
		return ""
	case m.Dropped():
		return "may lack lines, because Redis has dropped keys by itself (see consentry status)"
	case m.Run == "" || m.Run != m.NodeRun:
		return "has not been told by its owner that it is complete"
	case m.NowMS-m.BeatMS > stale.Milliseconds():
		return "has an old heartbeat; " + noOwner
	}
	return ""
}

// follower reads state partitions from an offset on, as they grow.
type follower struct {
	c  *Client
	cl *kgo.Client
}

// follow begins at the stable ends.
func (c *Client) follow(extents map[int32]extent) (*follower, error) {
	from := map[int32]kgo.Offset{}
	for p, e := range extents {
		from[p] = kgo.NewOffset().At(e.stable)
	}
	return c.followFrom(from)
}

func (c *Client) followFrom(from map[int32]kgo.Offset) (*follower, error) {
	cl, err := kgo.NewClient(append(c.o.Connection.Options(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.o.State: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.MaxConcurrentFetches(2))...)
	if err != nil {
		return nil, fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	return &follower{c, cl}, nil
}

func (f *follower) close() { f.cl.Close() }

// poll reads once and tells of every request that a record names, and of every mark.
func (f *follower) poll(ctx context.Context, done func(p int32, offset int64, d consent.Done), mark func(p int32, offset int64, m consent.Mark)) error {
	fetches := f.cl.PollFetches(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := fetches.Err(); err != nil {
		return kafka.RequestTrouble(err, "topic "+f.c.o.State)
	}
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		for _, h := range r.Headers {
			if h.Key != consent.DoneHeader {
				continue
			}
			ds, ok := consent.ParseDone(h.Value)
			if !ok {
				return kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf("topic %s partition %d offset %d names no requests", f.c.o.State, r.Partition, r.Offset))
			}
			for _, d := range ds {
				done(r.Partition, r.Offset, d)
			}
		}
		if isMark(r.Key) {
			m, err := consent.DecodeMark(r.Value)
			if err != nil {
				return kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf("topic %s partition %d offset %d is no mark", f.c.o.State, r.Partition, r.Offset))
			}
			mark(r.Partition, r.Offset, m)
		}
	}
	return nil
}
