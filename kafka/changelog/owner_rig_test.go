package changelog

// An owner's surroundings for tests: an embedded broker, a real redis-server, and a model that merges the same requests
// in memory. Whatever is done to the owner, Redis must end as the model does.

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
	"github.com/consentry/consentry/kafka"
)

const (
	testDeadline = 60 * time.Second
	testStale    = 2 * time.Second
)

type ownerRig struct {
	t      testing.TB
	broker *kfake.Cluster // nil on Apache Kafka
	conn   kafka.Connection
	redis  *testbed.Redis
	raw    *redis.Client
	store  *consent.Store
	client *kgo.Client
	adm    *kadm.Client
	// Names that no other test uses.
	group, requests, state, quarantine, intake string
}

var rigs atomic.Int64

// onEither runs a test on kfake and on Apache Kafka.
func onEither(t *testing.T, test func(r *ownerRig)) {
	t.Run("kfake", func(t *testing.T) { test(newOwnerRig(t)) })
	t.Run("kafka", func(t *testing.T) { test(newRealRig(t)) })
}

// realKafka is one broker for all tests of this process; it ends with the process.
var realKafka = sync.OnceValues(func() (*testbed.Testbed, error) {
	return testbed.Start(context.Background(), testbed.Options{Parts: []string{testbed.PartKafka}})
})

func newRealRig(t testing.TB) *ownerRig {
	t.Helper()
	tb, err := realKafka()
	if err != nil {
		t.Fatal(err)
	}
	return connectRig(t, kafka.Connection{Brokers: []string{tb.Kafka.Addr}})
}

// connectRig makes the topics and the store.
func connectRig(t testing.TB, conn kafka.Connection) *ownerRig {
	t.Helper()
	n := rigs.Add(1)
	name := func(kind string) string { return fmt.Sprintf("%s.%d", kind, n) }
	r := &ownerRig{t: t, conn: conn, redis: testbed.StartRedis(t), group: name("consentry"), requests: name("requests"), state: name("state"),
		quarantine: name("quarantine"), intake: name("intake")}
	var err error
	r.client, r.adm, err = kafka.AdminClient(r.conn, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	logAppend, compact := "LogAppendTime", "compact"
	for _, topic := range []struct {
		name       string
		partitions int32
		settings   map[string]*string
	}{
		{r.requests, consent.Shards, map[string]*string{"message.timestamp.type": &logAppend, "cleanup.policy": &compact}},
		{r.state, consent.Shards, map[string]*string{"cleanup.policy": &compact}},
		{r.quarantine, 1, nil}, {r.intake, 2, nil},
	} {
		if _, err := r.adm.CreateTopic(t.Context(), topic.partitions, 1, topic.settings, topic.name); err != nil {
			t.Fatalf("%s: %v", topic.name, err)
		}
	}
	r.until("every broker tells of the topics", func() bool {
		details, err := r.adm.ListTopics(context.Background(), r.requests, r.state, r.quarantine, r.intake)
		for _, d := range details {
			for _, p := range d.Partitions {
				err = errors.Join(err, p.Err)
			}
			err = errors.Join(err, d.Err)
		}
		return err == nil && len(details[r.requests].Partitions) == consent.Shards && len(details[r.state].Partitions) == consent.Shards
	})
	r.raw = redis.NewClient(&redis.Options{Addr: r.redis.Addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { r.raw.Close() })
	r.store = r.openStore()
	return r
}

func newOwnerRig(t testing.TB) *ownerRig {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	r := connectRig(t, kafka.Connection{Brokers: broker.ListenAddrs()})
	r.broker = broker
	return r
}

func (r *ownerRig) openStore() *consent.Store {
	r.t.Helper()
	s, err := consent.Open(consent.Options{URL: "redis://" + r.redis.Addr + "/0", Changelog: true, StaleAfter: testStale, Deadline: 10 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	return s
}

// running is an owner at work.
type running struct {
	*Owner
	r     *ownerRig
	stop  context.CancelFunc
	ended chan error
}

func (r *ownerRig) start(change ...func(*Options)) *running {
	r.t.Helper()
	o := Options{Connection: r.conn, Group: r.group, Lanes: 2, Requests: r.requests, State: r.state, Quarantine: r.quarantine,
		Store: r.store, HouseKey: "house", ParkWhenStale: testStale, Log: zap.NewNop(), pulse: 50 * time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	run := &running{Owner: New(o), r: r, stop: stop, ended: make(chan error, 1)}
	go func() { run.ended <- run.Run(ctx) }()
	r.t.Cleanup(func() { run.halt() })
	return run
}

// halt stops the owner and returns what Run said.
func (o *running) halt() error {
	o.stop()
	select {
	case err := <-o.ended:
		o.ended <- err
		return err
	case <-time.After(testDeadline):
		o.r.t.Error("the owner did not stop")
		return nil
	}
}

func (r *ownerRig) until(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(testDeadline)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			r.t.Fatalf("still not: %s", what)
		}
	}
}

// untilOpen waits until so many shards are complete and fresh.
func (o *running) untilOpen(n int) {
	o.r.t.Helper()
	var s kafka.ConsentStatus
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(testDeadline)
	for s = o.Status(); s.Open != n; s = o.Status() {
		select {
		case <-tick.C:
		case err := <-o.ended:
			o.r.t.Fatalf("the owner ended: %v", err)
		case <-end:
			o.r.t.Fatalf("still not %d open shards: %+v", n, s)
		}
	}
}

func requestID() (id [16]byte) {
	_, _ = rand.Read(id[:])
	return id
}

// person is subject number n; shards are met in turn.
func person(n int) (id consent.ID) {
	id[0] = byte(n%consent.Shards) << 2
	id[1], id[2], id[3] = byte(n>>16), byte(n>>8), byte(n)
	return id
}

func grant(n int, since int64) consent.Request {
	return consent.Request{Kind: consent.AskGrant, ReqID: requestID(), ID: person(n), Change: consent.Change{Action: consent.ActGrant,
		Partner: "acme", Purpose: "advertising", Categories: []string{"location"}, AtMS: since, Stated: true}}
}

func withdraw(n int) consent.Request {
	return consent.Request{Kind: consent.AskWithdraw, ReqID: requestID(), ID: person(n), Change: consent.Change{Action: consent.ActWithdraw,
		Partner: "acme", Purpose: "advertising"}}
}

// ask appends requests.
func (r *ownerRig) ask(reqs ...consent.Request) {
	r.t.Helper()
	var records []*kgo.Record
	for i := range reqs {
		records = append(records, &kgo.Record{Topic: r.requests, Partition: int32(reqs[i].Shard()), Key: reqs[i].Key(), Value: reqs[i].Value()})
	}
	if err := r.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

// open asks for an epoch in every shard.
func (r *ownerRig) open(epoch uint64) {
	r.t.Helper()
	var reqs []consent.Request
	for shard := range consent.Shards {
		reqs = append(reqs, consent.Request{Kind: consent.AskOpen, ReqID: requestID(), Epoch: epoch, OpenOf: shard})
	}
	r.ask(reqs...)
}

// merged is what the requests topic amounts to: the model's lines by shard and key, and its marks.
func (r *ownerRig) merged() (lines [consent.Shards]map[string]string, marks [consent.Shards]consent.Mark) {
	r.t.Helper()
	var reqs [consent.Shards][]consent.Positioned
	_, err := kafka.ReadCommitted(context.Background(), r.conn, []string{r.requests}, func(c *kafka.Committed) {
		p := consent.ReadRequest(int(c.Partition), c.Offset, c.TimestampMS, c.Key, c.Value)
		reqs[c.Partition] = append(reqs[c.Partition], p)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for shard := range lines {
		at := map[string]string{}
		lines[shard] = at
		// One by one: how many the owner merges at once must not matter.
		for _, p := range reqs[shard] {
			next, out := consent.MergeRequests(marks[shard], func(key string) []byte {
				if v, ok := at[key]; ok {
					return []byte(v)
				}
				return nil
			}, []consent.Positioned{p})
			marks[shard] = next
			for _, s := range out {
				switch {
				case s.Key == consent.MarkKey:
				case s.Value == nil:
					delete(at, s.Key)
				default:
					at[s.Key] = string(s.Value)
				}
			}
		}
	}
	return lines, marks
}

// key is where Redis has a line.
func (r *ownerRig) key(epoch uint64, id consent.ID) string {
	return fmt.Sprintf("consentry:{%02d}:%d:%s", id.Shard(), epoch, id)
}

// projected is what Redis has under an epoch.
func (r *ownerRig) projected(epoch uint64) (lines [consent.Shards]map[string]string) {
	r.t.Helper()
	ctx := context.Background()
	for shard := range lines {
		lines[shard] = map[string]string{}
		prefix := fmt.Sprintf("consentry:{%02d}:%d:", shard, epoch)
		it := r.raw.Scan(ctx, 0, prefix+"*", 1000).Iterator()
		for it.Next(ctx) {
			key := strings.TrimPrefix(it.Val(), prefix)
			if key == "protected" {
				for _, id := range r.raw.SMembers(ctx, it.Val()).Val() {
					lines[shard]["protected:"+id] = "1"
				}
				continue
			}
			lines[shard][key] = r.raw.Get(ctx, it.Val()).Val()
		}
		if err := it.Err(); err != nil {
			r.t.Fatal(err)
		}
	}
	return lines
}

// differs tells the first difference between Redis and the model; empty when there is none.
func (r *ownerRig) differs(epoch uint64) string {
	want, marks := r.merged()
	have := r.projected(epoch)
	for shard := range want {
		if marks[shard].Epoch != epoch {
			return fmt.Sprintf("shard %d: the model has epoch %d", shard, marks[shard].Epoch)
		}
		for key, v := range want[shard] {
			if have[shard][key] != v {
				return fmt.Sprintf("shard %d %s: %q in Redis, %q merged", shard, key, have[shard][key], v)
			}
		}
		if len(have[shard]) != len(want[shard]) {
			return fmt.Sprintf("shard %d: %d keys in Redis, %d merged", shard, len(have[shard]), len(want[shard]))
		}
	}
	return ""
}

// settle waits until every request is merged, each in the done of exactly one state record, and Redis is as the model.
func (r *ownerRig) settle(epoch uint64) {
	r.t.Helper()
	last := ""
	end := time.Now().Add(testDeadline)
	for {
		if last = r.waits(); last == "" {
			last = r.differs(epoch)
		}
		if last == "" {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("Redis does not come to what was asked: %s", last)
		}
	}
}

// waits tells a request that is not merged yet; empty when there is none. One that was merged twice fails the test.
func (r *ownerRig) waits() (first string) {
	r.t.Helper()
	times := r.dones()
	asked := 0
	_, err := kafka.ReadCommitted(context.Background(), r.conn, []string{r.requests}, func(c *kafka.Committed) {
		asked++
		switch n := times[fmt.Sprint(c.Partition, "/", c.Offset)]; {
		case n > 1:
			r.t.Fatalf("request %d of partition %d was merged %d times", c.Offset, c.Partition, n)
		case n == 0:
			first = fmt.Sprintf("request %d of partition %d was not merged", c.Offset, c.Partition)
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(times) > asked {
		r.t.Fatalf("%d requests were asked and %d merged", asked, len(times))
	}
	return first
}

// dones lists what has ended, by partition and offset.
func (r *ownerRig) dones() map[string]int {
	r.t.Helper()
	times := map[string]int{}
	log := &statelog{conn: r.conn, topic: r.state, adm: r.adm}
	extents, err := log.extents(context.Background(), everyShard())
	if err != nil {
		r.t.Fatal(err)
	}
	spans := map[int32]span{}
	for p, e := range extents {
		spans[p] = span{e.start, e.stable}
	}
	err = log.read(context.Background(), spans, func(rec *kgo.Record) error {
		done, ok := doneOf(rec)
		if !ok {
			r.t.Errorf("partition %d offset %d has a done that cannot be read", rec.Partition, rec.Offset)
		}
		for _, d := range done {
			times[fmt.Sprint(rec.Partition, "/", d.Offset)]++
		}
		return nil
	}, func(int32) error { return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	return times
}

type quarantined struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Stage     string `json:"stage"`
	Reason    string `json:"reason"`
}

func (r *ownerRig) pointers() (out []quarantined) {
	r.t.Helper()
	_, err := kafka.ReadCommitted(context.Background(), r.conn, []string{r.quarantine}, func(c *kafka.Committed) {
		var q quarantined
		if err := json.Unmarshal(c.Value, &q); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, q)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// poison appends a record that is no request.
func poison(r *ownerRig, partition int32, key, value []byte) {
	r.t.Helper()
	if err := r.client.ProduceSync(context.Background(), &kgo.Record{Topic: r.requests, Partition: partition, Key: key, Value: value}).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

func everyShard() (all []int32) {
	for p := range int32(consent.Shards) {
		all = append(all, p)
	}
	return all
}
