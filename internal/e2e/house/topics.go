package house

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is what a foreign reader sees of a topic.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []kgo.RecordHeader
	Stamp     time.Time // the record's own timestamp
	Arrived   time.Time // when this reader got it
	Epoch     int32     // of the leader that took it: a restarted broker leads under another
}

// Client connects to the testbed's broker in the clear.
func (h *House) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(h.TB.Kafka.Addr)}, opts...)...)
}

// Read visits every record of the topics from their beginning to the end that they have now. With committed only what
// a read_committed reader sees.
func (h *House) Read(ctx context.Context, committed bool, visit func(*Record), topics ...string) error {
	return h.ReadFrom(ctx, committed, func(string, int32) int64 { return 0 }, visit, topics...)
}

// ReadFrom is Read from an offset of each partition on.
func (h *House) ReadFrom(ctx context.Context, committed bool, from func(topic string, partition int32) int64, visit func(*Record), topics ...string) error {
	level := kgo.ReadUncommitted()
	if committed {
		level = kgo.ReadCommitted()
	}
	// Control records are kept, since the last offset of a topic is often a commit marker, and are not visited.
	cl, err := h.Client(kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	type tp struct {
		t string
		p int32
	}
	left := map[tp]int64{}
	begin := map[string]map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if at := from(o.Topic, o.Partition); o.Err == nil && o.Offset > at {
			left[tp{o.Topic, o.Partition}] = o.Offset
			if begin[o.Topic] == nil {
				begin[o.Topic] = map[int32]kgo.Offset{}
			}
			begin[o.Topic][o.Partition] = kgo.NewOffset().At(at)
		}
	})
	if err := ends.Error(); err != nil {
		return err
	}
	cl.AddConsumePartitions(begin)
	for len(left) > 0 {
		f := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading %v: %d partitions not at their end: %w", topics, len(left), err)
		}
		if errs := f.Errors(); len(errs) > 0 {
			return errs[0].Err
		}
		f.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[tp{r.Topic, r.Partition}] {
				delete(left, tp{r.Topic, r.Partition})
			}
			if !r.Attrs.IsControl() {
				visit(&Record{r.Topic, r.Partition, r.Offset, r.Key, r.Value, r.Headers, r.Timestamp, time.Now(), r.LeaderEpoch})
			}
		})
	}
	return nil
}

// Tail reads topics as an uncommitted reader does, live: aborted records are seen and stay seen. Arrived is the moment
// at which a partner could have had the record.
type Tail struct {
	cl   *kgo.Client
	done chan struct{}

	mu    sync.Mutex
	seen  []Record
	count map[string]int // by topic
	errs  []error
}

// Tail starts at the topics' beginnings; the topics must be there.
func (h *House) Tail(topics ...string) (*Tail, error) {
	cl, err := h.Client(kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.MetadataMinAge(250*time.Millisecond))
	if err != nil {
		return nil, err
	}
	t := &Tail{cl: cl, done: make(chan struct{}), count: map[string]int{}}
	go t.run()
	return t, nil
}

func (t *Tail) run() {
	defer close(t.done)
	for {
		f := t.cl.PollFetches(context.Background())
		if f.IsClientClosed() {
			return
		}
		now := time.Now()
		t.mu.Lock()
		for _, e := range f.Errors() {
			t.errs = append(t.errs, e.Err)
		}
		f.EachRecord(func(r *kgo.Record) {
			t.count[r.Topic]++
			t.seen = append(t.seen, Record{r.Topic, r.Partition, r.Offset, r.Key, r.Value, r.Headers, r.Timestamp, now, r.LeaderEpoch})
		})
		t.mu.Unlock()
	}
}

// Seen is a copy of what was read so far.
func (t *Tail) Seen() []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen)
}

// After is a copy of what arrived after at.
func (t *Tail) After(at time.Time) []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen[sort.Search(len(t.seen), func(i int) bool { return t.seen[i].Arrived.After(at) }):])
}

// From is a copy of what was read so far without its first n records.
func (t *Tail) From(n int) []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen[n:])
}

// Count is how much was read of one topic so far.
func (t *Tail) Count(topic string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count[topic]
}

// Len is how much was read so far.
func (t *Tail) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seen)
}

// Close stops reading and returns what the reads met.
func (t *Tail) Close() error {
	t.cl.Close()
	<-t.done
	return errors.Join(t.errs...)
}

// Lag is how many raw records the groups have not committed yet, by group; -1 when a partition has no commit.
func (h *House) Lag(ctx context.Context, topicsOf map[string][]string) (map[string]int64, error) {
	cl, err := h.Client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	lag := map[string]int64{}
	for group, topics := range topicsOf {
		ends, err := adm.ListEndOffsets(ctx, topics...)
		if err != nil {
			return nil, err
		}
		commits, err := adm.FetchOffsets(ctx, group)
		if err != nil {
			return nil, err
		}
		ends.Each(func(o kadm.ListedOffset) {
			c, ok := commits.Lookup(o.Topic, o.Partition)
			if !ok || c.At < 0 {
				lag[group] = -1 << 40
				return
			}
			lag[group] += o.Offset - c.At
		})
	}
	return lag, nil
}

// MakeRaw makes raw topics whose records carry the time of their append, so that a proof can tell what came after an
// acknowledgement.
func (h *House) MakeRaw(ctx context.Context, partitions int32, topics ...string) error {
	cl, err := h.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	made, err := kadm.NewClient(cl).CreateTopics(ctx, partitions, 1, map[string]*string{"message.timestamp.type": kadm.StringPtr("LogAppendTime")}, topics...)
	if err != nil {
		return err
	}
	return made.Error()
}
