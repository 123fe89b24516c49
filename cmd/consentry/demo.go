// demo.go is the verb `demo`: the whole house in one process, on the synthetic city and the sample policies, with the
// real worker between an embedded broker and an embedded Redis.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/schema/registry"
)

type demoFlags struct {
	events int64
	seed   uint64
	asJSON bool
}

// demoReport is demo --json (contract: JSON).
type demoReport struct {
	Events  int64            `json:"events"`
	Seconds float64          `json:"seconds"`
	Law     bool             `json:"law"`
	Streams []*streamAccount `json:"streams"`
	Samples []demoSample     `json:"samples"`

	subscribers, consents int
}

// demoSample is one raw event beside what became of it in every stream of its source.
type demoSample struct {
	Source   string          `json:"source"`
	Raw      json.RawMessage `json:"raw"`
	Outcomes []demoOutcome   `json:"outcomes"`
}

type demoOutcome struct {
	Topic    string          `json:"topic"`
	Verdict  string          `json:"verdict"`
	Why      string          `json:"why,omitempty"`
	Released json.RawMessage `json:"released,omitempty"` // what the partner topic holds, found there by its event id
}

// Shape of the demo's city.
const (
	demoDays          = 2
	eventsPerDemoHead = 10
	demoDeadline      = time.Minute
)

func demoCommand(a *app) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show everything at work in one process, with nothing to install",
		Long: "Run the real worker on a synthetic city, the sample policies and an embedded Kafka and Redis, and show raw events\n" +
			"beside what each partner got, why the rest stayed, and whether the counts add up. No configuration is needed and\n" +
			"nothing is kept. Nobody in the city exists.",
		Example: "  consentry demo\n  consentry demo --events 5000 --seed 7 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.events < 1 {
				return &exitError{code: exitUsage, err: errors.New("--events is at least 1")}
			}
			r, err := a.demo(cmd.Context(), f)
			if err != nil {
				return asFailed(err)
			}
			if f.asJSON {
				err = json.NewEncoder(a.out).Encode(r)
			} else {
				showDemo(a.out, r)
			}
			if err == nil && !r.Law {
				err = &exitError{code: exitFailed, err: errors.New("the counting law does not hold")}
			}
			return err
		},
	}
	c.Flags().Int64Var(&f.events, "events", 20_000, "how many raw events the city makes")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the same seed gives the same city")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	return c
}

// demo runs the house once from an empty broker to the account.
func (a *app) demo(ctx context.Context, f demoFlags) (*demoReport, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, demoDeadline+time.Duration(f.events)*time.Millisecond/10,
		errors.New("the demo did not come to its end in time"))
	defer cancel()
	now := time.Now()
	h, err := openHouse()
	if err != nil {
		return nil, err
	}
	defer h.close()
	d, err := h.deployment(ctx, a)
	if err != nil {
		return nil, err
	}
	d.cfg.Kafka.Lanes = 1 // a second one would only make the first wait for it
	if _, err := keys.Init(d.cfg.Keys.Dir, keyPlan(d.cfg), now); err != nil {
		return nil, err
	}
	ring, err := keys.Open(d.cfg.Keys.Dir)
	if err != nil {
		return nil, err
	}
	store, err := h.store(d.cfg)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	conn, err := connectionOf(d.cfg)
	if err != nil {
		return nil, err
	}
	c, err := newCarrier(d.cfg, conn)
	if err != nil {
		return nil, err
	}
	ids, err := prepareDemo(ctx, d, c, conn)
	if err != nil {
		return nil, err
	}
	town, err := city.New(city.Options{
		Seed: f.seed, Subscribers: int(min(max(f.events/eventsPerDemoHead, 50), city.MaxSubscribers)), Days: demoDays,
		Events: f.events, StartMS: now.UnixMilli() - demoDays*24*3600*1000,
		LocationSchema: ids[city.Location], AppUsageSchema: ids[city.AppUsage],
	})
	if err != nil {
		return nil, err
	}
	r := &demoReport{Events: f.events, subscribers: town.Subscribers()}
	houseKey := ring.HouseKey()
	_, err = store.Accept(ctx, func(ctx context.Context, w consent.Writer) (err error) {
		r.consents, err = c.consents(ctx, town, houseKey[:], w, func(int, int) {})
		return err
	}, func(int) {})
	if err != nil {
		return nil, err
	}
	if _, err := c.events(ctx, town, 0, func(int64) {}); err != nil {
		return nil, err
	}
	raw, err := readRaw(ctx, c, conn)
	if err != nil {
		return nil, err
	}
	if r.Streams, err = workDemo(ctx, d, conn, store, ring, raw); err != nil {
		return nil, err
	}
	got, err := readReleased(ctx, d, conn)
	if err != nil {
		return nil, err
	}
	r.Law = true
	var rawRecords int64
	for _, n := range raw.counts {
		rawRecords += n
	}
	for _, s := range r.Streams {
		r.Law = r.Law && s.lawful(raw.counts[s.raw], raw.extents[s.raw], got.counts[s.Topic])
	}
	r.Law = r.Law && rawRecords == f.events
	r.Samples, err = pickSamples(ctx, d, raw, got, store, ring)
	r.Seconds = float64(time.Since(now).Milliseconds()) / 1000
	return r, err
}

// prepareDemo makes topics and schemas, and says where to begin.
func prepareDemo(ctx context.Context, d *deployment, c *carrier, conn kafka.Connection) (ids [city.NumSources]uint32, err error) {
	if ids, err = c.schemas(ctx); err != nil {
		return ids, err
	}
	if _, err := c.topics(ctx, demoDays); err != nil {
		return ids, err
	}
	if _, err := kafka.CreateTopics(ctx, conn, topicNeedsOf(d.cfg)); err != nil {
		return ids, err
	}
	client, err := partnerRegistry(d.cfg)
	if err != nil {
		return ids, err
	}
	defer client.Close()
	streams, err := d.streams(nil)
	if err != nil {
		return ids, err
	}
	for _, p := range streams {
		format, ok := registry.ParseFormat(p.Format)
		if !ok {
			return ids, fmt.Errorf("%s: format %s has no schemas", p.Topic, p.Format)
		}
		if _, err := client.Publish(ctx, registry.Subject(p.Topic), p.Output.Text(), format); err != nil {
			return ids, err
		}
	}
	return ids, beginAtStart(ctx, conn, readersOf(d.cfg), d.cfg.Kafka.Topics.Partitions)
}

// workDemo runs the worker until the committed tally holds a verdict on every raw event for every stream.
func workDemo(ctx context.Context, d *deployment, conn kafka.Connection, store *consent.Store, ring *keys.Ring, raw *topicRecords) ([]*streamAccount, error) {
	w, closeWorker, err := newWorker(d, store, ring, zap.NewNop())
	if err != nil {
		return nil, err
	}
	defer closeWorker()
	working, stop := context.WithCancel(ctx)
	waiting, giveUp := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := w.Run(working)
		giveUp(errors.New("the worker left before the last verdict"))
		ended <- err
	}()
	err = untilDecided(waiting, d, conn, w, raw)
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return nil, err
	}
	return readTally(ctx, conn, d.cfg.Tally, d.set)
}

// untilDecided waits for the last verdict.
func untilDecided(ctx context.Context, d *deployment, conn kafka.Connection, w *kafka.Worker, raw *topicRecords) error {
	for {
		streams, err := readTally(ctx, conn, d.cfg.Tally, d.set)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if complete(streams, raw.counts) {
			return nil
		}
		if err := waitUntil(ctx, time.Now().Add(100*time.Millisecond)); err != nil {
			for _, p := range w.Status().Partners {
				if p.Cause != "" {
					return fmt.Errorf("%s is parked: %s %s: %w", p.Partner, p.Cause, p.Detail, context.Cause(ctx))
				}
			}
			return context.Cause(ctx)
		}
	}
}
