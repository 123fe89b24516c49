// simulate.go is the verb `simulate`: the synthetic city into a test environment's raw topics and consents.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/keys"
)

type simulateFlags struct {
	events      int64
	subscribers int
	rate        int
	seed        uint64
	days        int
	consents    bool
}

func simulateCommand(a *app) *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Write a synthetic city's events, and consents, into a test environment",
		Long: "Write the events of a synthetic city into the raw topics, which it makes with their schemas where they are\n" +
			"missing. The days end now. With --consents everybody's changes of mind are first made in the consent store.\n" +
			"Nobody in the city exists. It is refused unless the configuration says `environment: test`.",
		Example: "  consentry simulate --events 100000 --subscribers 10000 --consents",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.simulate(cmd.Context(), f) },
	}
	c.Flags().Int64Var(&f.events, "events", 100_000, "how many events to write")
	c.Flags().IntVar(&f.subscribers, "subscribers", 10_000, fmt.Sprintf("how many people live in the city, at most %d", city.MaxSubscribers))
	c.Flags().IntVar(&f.rate, "rate", 0, "events a second; 0 is as fast as it goes")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the same seed gives the same city")
	c.Flags().IntVar(&f.days, "days", 3, "how many days the events are spread over; they end now")
	c.Flags().BoolVar(&f.consents, "consents", false, "also write the consents, before the events")
	return c
}

func (f simulateFlags) check() error {
	if f.events < 1 || f.subscribers < 1 || f.rate < 0 || f.days < 1 {
		return errors.New("--events, --subscribers and --days are at least 1, --rate at least 0")
	}
	if f.subscribers > city.MaxSubscribers {
		return errors.New("--subscribers is at most 2,000,000: there are no more numbers")
	}
	return nil
}

func (a *app) simulate(ctx context.Context, f simulateFlags) error {
	if err := f.check(); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if cfg.Environment != "test" {
		return &exitError{code: exitConfig, err: fmt.Errorf("simulate writes invented people into raw topics, so it works only where %s says `environment: test`; it says %s", cfg.File, cfg.Environment)}
	}
	conn, err := connectionOf(cfg)
	if err != nil {
		return err
	}
	c, err := newCarrier(cfg, conn)
	if err != nil {
		return &exitError{code: exitConfig, err: err}
	}
	ids, err := c.schemas(ctx)
	if err != nil {
		return asFailed(err)
	}
	now := time.Now().UnixMilli()
	town, err := city.New(city.Options{
		Seed: f.seed, Subscribers: f.subscribers, Days: f.days, Events: f.events, StartMS: now - int64(f.days)*24*3600*1000,
		LocationSchema: ids[city.Location], AppUsageSchema: ids[city.AppUsage],
	})
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	made, err := c.topics(ctx, f.days)
	for _, t := range made {
		fmt.Fprintf(a.out, "made     %s\n", t)
	}
	if err != nil {
		return asFailed(err)
	}
	if f.consents {
		if err := a.simulateConsents(ctx, c, town); err != nil {
			return asFailed(err)
		}
	}
	began := time.Now()
	say := a.every2s()
	sent, err := c.events(ctx, town, f.rate, func(n int64) { say("%d of %d events\n", n, f.events) })
	for s, n := range sent {
		fmt.Fprintf(a.out, "events   %s: %d\n", c.sources[s].Topic.Value, n)
	}
	if err != nil {
		return asFailed(err)
	}
	fmt.Fprintf(a.err, "%.1f s\n", time.Since(began).Seconds())
	return nil
}

func (a *app) simulateConsents(ctx context.Context, c *carrier, town *city.City) error {
	ring, err := keys.Open(c.cfg.Keys.Dir)
	if err != nil {
		return err
	}
	b, err := openBook(c.cfg)
	if err != nil {
		return err
	}
	defer b.close()
	var to consent.Writer = b.store
	if b.log != nil {
		to = b.log
	}
	house := ring.HouseKey()
	say := a.every2s()
	n, err := c.consents(ctx, town, house[:], to, func(done, of int) { say("%d of %d consents\n", done, of) })
	fmt.Fprintf(a.out, "consents %d changes\n", n)
	return err
}

// every2s prints progress on stderr, at most every two seconds.
func (a *app) every2s() func(format string, args ...any) {
	said := time.Now()
	return func(format string, args ...any) {
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			fmt.Fprintf(a.err, format, args...)
		}
	}
}

// asFailed gives an error the exit code of a verb that failed, unless it has one.
func asFailed(err error) error {
	if ee := (*exitError)(nil); errors.As(err, &ee) {
		return err
	}
	return &exitError{code: exitFailed, err: err}
}
