package main

// The stage of the proofs that the truth about consents is in Kafka: a house whose Redis may be replaced at any moment,
// workers that only filter and owners that only own, so that each can be hurt by itself, and a flow in which one person's
// events are dense, and those of a hundred others of the same shard steady.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
	"github.com/consentry/consentry/keys"
)

const (
	truthPeople = 30_000 // enough that a hundred others of a shard are released
	truthRate   = 60     // events of everybody a second, beside those that a run lets flow
	truthOthers = 100
	intakeTopic = "crm.consent"
)

// truthStage is a stage with a changelog. Everything of the outage's stage that asks one Redis by its address is of no use
// here.
type truthStage struct {
	*stage
	form   string // of Redis
	owners []*house.Worker
	ids    []consent.ID // by person
	shards [consent.Shards][]int
	used   map[int]bool // people who have opted out
	turn   int          // of the shards
	strict int          // how far the live read has been judged

	ownerBin string
	verbBin  string // while verbs run another build
	wrong    string // the build whose clock can be wrong
}

func newTruthStage(ctx context.Context, r *report, form string, owners int) (*truthStage, error) {
	h, err := house.NewOn(ctx, r, form)
	if err != nil {
		return nil, err
	}
	t := &truthStage{stage: &stage{h: h, r: r}, form: form, used: map[int]bool{}}
	if err := t.furnish(ctx, owners); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *truthStage) close() {
	for i, o := range t.owners {
		if !o.Ended() {
			_ = o.Signal(syscall.SIGKILL)
		}
		if keep := os.Getenv("PROVE_KEEP_LOGS"); keep != "" {
			if b, err := os.ReadFile(o.Log()); err != nil || os.WriteFile(fmt.Sprintf("%s-owner-%d.log", keep, i), b, 0o600) != nil {
				t.r.say("a log is not kept")
			}
		}
	}
	t.stage.close()
}

// configure names the form of Redis and turns the changelog on.
func (t *truthStage) configure() error {
	const single = `redis: {url: "redis://${env:CONSENTRY_REDIS}/0"}`
	redis := single
	switch t.form {
	case testbed.RedisSentinel:
		redis = `redis: {sentinel: {master: ` + testbed.SentinelMaster + `, nodes: ["${env:CONSENTRY_SENTINELS}"]}}`
	case testbed.RedisCluster:
		redis = `redis: {cluster: {nodes: ["${env:CONSENTRY_REDIS_CLUSTER}"]}}`
	}
	return t.h.Edit("consentry.yaml", single, redis, "park_when_stale: 2s}", "park_when_stale: 2s, changelog: {intake: "+intakeTopic+"}}")
}

func (t *truthStage) furnish(ctx context.Context, owners int) error {
	if err := t.configure(); err != nil {
		return err
	}
	if err := t.h.MakeRaw(ctx, 4, rawTopics...); err != nil {
		return err
	}
	if err := t.topics(ctx, func(adm *kadm.Client) error {
		made, err := adm.CreateTopics(ctx, 4, 1, nil, intakeTopic)
		return errors.Join(err, made.Error())
	}); err != nil {
		return err
	}
	if err := t.h.Steps(ctx, "keys init",
		fmt.Sprintf("simulate --events 600 --subscribers %d --seed %d --days %d", truthPeople, outageSeed, outageDays),
		"topics create", "schema publish", "offsets init --at beginning"); err != nil {
		return err
	}
	// The owners' build can be held at every step, when a proof says so.
	var err error
	if t.ownerBin, err = house.Build(ctx, t.h.Dir, "stoppoint"); err != nil {
		return err
	}
	for i := range owners {
		o, err := t.h.Role("sync", ownerFirst+i)
		if err != nil {
			return err
		}
		t.owners = append(t.owners, o)
		t.build(i)
		if err := o.Start(); err != nil {
			return err
		}
	}
	if err := t.h.Steps(ctx, "consent accept-epoch --yes"); err != nil {
		return err
	}
	if t.ring, err = keys.Open(t.h.Setting("CONSENTRY_KEYS")); err != nil {
		return err
	}
	if t.book, err = newBook(t.h, t.ring); err != nil {
		return err
	}
	if t.flow, err = newFlow(ctx, t.h, truthPeople, truthRate); err != nil {
		return err
	}
	books := filepath.Join(t.h.Dir, "consents.csv")
	rows, err := t.writeHistory(books)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := t.h.Verb(ctx, "consent", "import", books, "--history"); err != nil {
		return err
	}
	t.r.say("%d rows imported in %s", rows, span(time.Since(began)))
	if t.book.t.initial, err = t.lines(ctx); err != nil {
		return err
	}
	t.know()
	for i := range outageWorkers {
		w, err := t.h.Role("filter", i)
		if err != nil {
			return err
		}
		if err := w.Start(); err != nil {
			return err
		}
		t.workers = append(t.workers, w)
	}
	t.watch = newWatcher(t.workers)
	began = time.Now()
	_, err = t.resumed(ctx, began, partners...)
	return err
}

// build gives an owner its own build.
func (t *truthStage) build(owner int) {
	t.owners[owner].Use(t.ownerBin, "CONSENTRY_STOPPOINT_CONSENT="+t.arm(owner))
}

// know finds, for each shard, the people who have agreed that acme-ads gets their locations.
func (t *truthStage) know() {
	namer := consent.NewNamer(house32(t.ring))
	now := time.Now().UnixMilli()
	t.ids = make([]consent.ID, truthPeople)
	for who := range truthPeople {
		id := namer.ID("msisdn", []byte(t.flow.subject(who)))
		t.ids[who] = id
		if g := grantIn(t.book.t.initial[id.String()], "acme-ads", "advertising"); g != nil && g.until == 0 && g.covers([]string{"location"}, now) {
			t.shards[id.Shard()] = append(t.shards[id.Shard()], who)
		}
	}
}

// nodes are the servers that hold data now.
func (t *truthStage) nodes(ctx context.Context) ([]*testbed.Redis, error) {
	switch t.form {
	case testbed.RedisSentinel:
		m, err := t.h.TB.Sentinels.Master(ctx)
		return []*testbed.Redis{m}, err
	case testbed.RedisCluster:
		var all []*testbed.Redis
		for _, n := range t.h.TB.Cluster.Nodes {
			if role, err := n.Do(ctx, "ROLE"); err == nil && strings.HasPrefix(role, "master") {
				all = append(all, n)
			}
		}
		return all, nil
	}
	return []*testbed.Redis{t.h.TB.Redis}, nil
}

// lines reads every line of the store.
func (t *truthStage) lines(ctx context.Context) (map[string]string, error) {
	nodes, err := t.nodes(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, n := range nodes {
		some, err := lines(n.Addr)
		if err != nil {
			return nil, err
		}
		for id, line := range some {
			all[id] = line
		}
	}
	return all, nil
}

// holder is the server that the Sentinels or the Cluster name for a shard.
func (t *truthStage) holder(ctx context.Context, shard int) (*testbed.Redis, error) {
	switch t.form {
	case testbed.RedisSentinel:
		return t.h.TB.Sentinels.Master(ctx)
	case testbed.RedisCluster:
		m, _, err := t.h.TB.Cluster.Master(ctx, metaKey(shard))
		return m, err
	}
	return t.h.TB.Redis, nil
}

func metaKey(shard int) string { return fmt.Sprintf("consentry:{%02d}:meta", shard) }

// meta reads a shard's meta with nothing but Redis's protocol.
func meta(ctx context.Context, node *testbed.Redis, shard int) (map[string]string, error) {
	text, err := node.Do(ctx, "HGETALL", metaKey(shard))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	all := strings.Split(text, "\n")
	for i := 0; i+1 < len(all); i += 2 {
		out[all[i]] = all[i+1]
	}
	return out, nil
}

// optedOut tells whether a server's line of a person says so; epoch 0 is whatever the server's own is.
func (t *truthStage) optedOut(ctx context.Context, node *testbed.Redis, who int) (bool, error) {
	id := t.ids[who]
	m, err := meta(ctx, node, id.Shard())
	if err != nil {
		return false, err
	}
	if m["epoch"] == "" {
		return false, nil
	}
	line, err := node.Do(ctx, "GET", fmt.Sprintf("consentry:{%02d}:%s:%s", id.Shard(), m["epoch"], id))
	return strings.HasPrefix(line, "*X"), err
}
