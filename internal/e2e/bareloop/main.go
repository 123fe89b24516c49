// Command bareloop copies one topic to another and does nothing else: what any program in the worker's place pays the
// Kafka client. The bench proof runs it beside `consentry run`. It ends on SIGTERM.
//
//	bareloop -brokers HOST:PORT -from TOPIC -to TOPIC -group GROUP [-codec none|lz4|zstd] [-transactions LANES]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of a transaction: those of deploy/samples/consentry.yaml.
const (
	commitEvery   = 250 * time.Millisecond
	commitRecords = 20000
)

type loop struct {
	brokers, from, to, group, codec string
	lanes                           int
}

func main() {
	var l loop
	flag.StringVar(&l.brokers, "brokers", "", "seed brokers, comma separated")
	flag.StringVar(&l.from, "from", "", "topic to read")
	flag.StringVar(&l.to, "to", "", "topic to write, with at least as many partitions")
	flag.StringVar(&l.group, "group", "", "consumer group; it starts at the beginning")
	flag.StringVar(&l.codec, "codec", "none", "none, lz4 or zstd, of what is written")
	flag.IntVar(&l.lanes, "transactions", 0, "exactly once, by so many sessions; 0 is at least once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := l.run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "bareloop:", err)
		os.Exit(1)
	}
}

func (l *loop) run(ctx context.Context) error {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	codec, known := codecs[l.codec]
	if !known {
		return errors.New("-codec is none, lz4 or zstd")
	}
	// What is fetched at once and how much is buffered: as the worker has it.
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(l.brokers, ",")...), kgo.ConsumerGroup(l.group), kgo.ConsumeTopics(l.from),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(16 << 20), kgo.FetchMaxPartitionBytes(1 << 20), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.MaxConcurrentFetches(2), kgo.MaxBufferedRecords(1 << 20), kgo.ProducerBatchMaxBytes(1000012),
		kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	if l.lanes == 0 {
		return l.atLeastOnce(ctx, opts)
	}
	var wg sync.WaitGroup
	failed := make(chan error, l.lanes)
	for n := range l.lanes {
		wg.Go(func() { failed <- l.exactlyOnce(ctx, n, opts[:len(opts):len(opts)]) })
	}
	wg.Wait()
	close(failed)
	var all error
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}

// forward makes a polled record the record to produce: the same key and value, in the same partition.
func (l *loop) forward(r *kgo.Record) {
	r.Topic, r.Headers, r.Timestamp = l.to, nil, time.Time{}
}

// atLeastOnce commits what it has produced, once a second.
func (l *loop) atLeastOnce(ctx context.Context, opts []kgo.Opt) error {
	cl, err := kgo.NewClient(append(opts, kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second), kgo.ProducerLinger(5*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer cl.CloseAllowingRebalance()
	last := map[int32]kgo.EpochOffset{}
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		promise := kgo.AbortingFirstErrPromise(cl)
		fetches.EachRecord(func(r *kgo.Record) {
			last[r.Partition] = kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
			l.forward(r)
			cl.Produce(ctx, r, promise.Promise())
		})
		if err := cl.Flush(ctx); err != nil {
			return err
		}
		if err := promise.Err(); err != nil {
			return err
		}
		cl.MarkCommitOffsets(map[string]map[int32]kgo.EpochOffset{l.from: last})
	}
	return nil
}

// exactlyOnce is one of several transactional sessions.
func (l *loop) exactlyOnce(ctx context.Context, n int, opts []kgo.Opt) error {
	s, err := kgo.NewGroupTransactSession(append(opts, kgo.TransactionalID(l.group+"."+strconv.Itoa(n)),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ProducerLinger(20*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer s.Close()
	var polled []*kgo.Record
	for ctx.Err() == nil {
		polled = polled[:0]
		due, done := context.WithTimeout(ctx, commitEvery)
		for len(polled) < commitRecords && due.Err() == nil {
			fetches := s.PollRecords(due, commitRecords-len(polled))
			if err := fetches.Err0(); err != nil && due.Err() == nil {
				done()
				return err
			}
			fetches.EachRecord(func(r *kgo.Record) { polled = append(polled, r) })
		}
		done()
		if len(polled) == 0 {
			continue
		}
		if err := s.Begin(); err != nil {
			return err
		}
		promise := kgo.AbortingFirstErrPromise(s.Client())
		for _, r := range polled {
			l.forward(r)
			s.Produce(ctx, r, promise.Promise())
		}
		err := errors.Join(s.Client().Flush(ctx), promise.Err())
		// One that a rebalance aborts comes again: that happens once, when the second session joins.
		_, endErr := s.End(ctx, kgo.TransactionEndTry(err == nil))
		if err = errors.Join(err, endErr); err != nil {
			return err
		}
	}
	return nil
}
