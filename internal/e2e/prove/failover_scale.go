package main

// Scale: millions of subscribers loaded through the changelog, compared and built anew: how long that takes, and how much
// of Redis and Kafka a subscriber needs.

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
)

const scaleSubscribers = 10_000_000

func scale(ctx context.Context, r *report) error {
	n := scaleSubscribers
	if asked, err := strconv.Atoi(os.Getenv("PROVE_SUBSCRIBERS")); err == nil && asked > 0 {
		n = asked // where there is no room or time for all of them
	}
	h, err := house.NewOn(ctx, r, testbed.RedisSingle)
	if err != nil {
		return err
	}
	t := &truthStage{stage: &stage{h: h, r: r}, form: testbed.RedisSingle}
	defer t.close()
	if err := t.configure(); err != nil {
		return err
	}
	if err := h.MakeRaw(ctx, 4, append(rawTopics, intakeTopic)...); err != nil {
		return err
	}
	if err := h.Steps(ctx, "keys init", "simulate --events 10", "topics create"); err != nil {
		return err
	}
	o, err := h.Role("sync", ownerFirst)
	if err != nil {
		return err
	}
	if err := o.Start(); err != nil {
		return err
	}
	t.owners = append(t.owners, o)
	if err := h.Steps(ctx, "consent accept-epoch --yes"); err != nil {
		return err
	}
	empty, err := t.memory(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(h.Dir, "all.csv")
	if err := manyGrants(file, n); err != nil {
		return err
	}
	took := func(what string, args ...string) error {
		began := time.Now()
		out, err := h.Verb(ctx, args...)
		d := time.Since(began)
		said := strings.Split(strings.TrimSpace(out), "\n")
		r.check(err == nil, "%s %d subscribers in %s, %.0f/s: %s", what, n, d.Round(100*time.Millisecond), float64(n)/d.Seconds(), said[len(said)-1])
		return err
	}
	if err := took("imported", "consent", "import", file); err != nil {
		return err
	}
	full, err := t.memory(ctx)
	if err != nil {
		return err
	}
	r.say("Redis: %.0f bytes a subscriber (used_memory %.2f GB)", float64(full-empty)/float64(n), float64(full)/1e9)
	if err := t.topicBytes(ctx, n); err != nil {
		return err
	}
	if err := took("compared", "consent", "verify"); err != nil {
		return err
	}
	began := time.Now()
	if err := took("built anew", "consent", "rebuild"); err != nil {
		return err
	}
	// An empty store filled by the owner alone is the projection's own speed.
	r.say("the store is emptied (%s later)", span(time.Since(began)))
	began = time.Now()
	if _, err := h.TB.Redis.Do(ctx, "FLUSHALL", "ASYNC"); err != nil {
		return err
	}
	for shard := range 64 {
		if _, err := t.filled(ctx, shard, began); err != nil {
			return err
		}
	}
	d := time.Since(began)
	r.check(float64(n)/d.Seconds() >= 50_000, "projected %d lines onto an empty store in %s: %.0f changes/s, wanted 50000", n, d.Round(100*time.Millisecond), float64(n)/d.Seconds())
	return took("compared", "consent", "verify")
}

// filled is believed with the patience that a large store needs.
func (t *truthStage) filled(ctx context.Context, shard int, since time.Time) (at time.Time, err error) {
	for range 20 {
		if at, err = t.believed(ctx, shard, since); err == nil {
			return at, nil
		}
	}
	return at, err
}

func (t *truthStage) memory(ctx context.Context) (int64, error) {
	text, err := t.h.TB.Redis.Do(ctx, "INFO", "memory")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	return millis(strings.Fields(rest)[0]), nil
}

func (t *truthStage) topicBytes(ctx context.Context, n int) error {
	return t.topics(ctx, func(adm *kadm.Client) error {
		dirs, err := adm.DescribeAllLogDirs(ctx, nil)
		if err != nil {
			return err
		}
		bytes := map[string]int64{}
		dirs.Each(func(d kadm.DescribedLogDir) {
			d.Topics.Each(func(p kadm.DescribedLogDirPartition) { bytes[p.Topic] += p.Size })
		})
		t.r.say("Kafka: %.0f bytes a subscriber in requests, %.0f in state", float64(bytes["consentry.consent.requests"])/float64(n),
			float64(bytes["consentry.consent.state"])/float64(n))
		return nil
	})
}

// manyGrants writes one consent for each of n people.
func manyGrants(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "action,subject,partner,purpose,categories,linked,since,until,evidence")
	since := instant(time.Now().Add(-time.Hour).UnixMilli())
	for i := range n {
		fmt.Fprintf(w, "grant,+4915%09d,acme-ads,advertising,location app_usage,true,%s,,\n", i, since)
	}
	return w.Flush()
}
