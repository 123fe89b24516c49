// carrier.go plays the carrier: the synthetic city's raw topics, schemas, consents and events. simulate does it in a
// test environment, demo within its own process.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema/registry"
)

// carrier knows where each kind of event goes.
type carrier struct {
	cfg     *config.Config
	conn    kafka.Connection
	sources [city.NumSources]*policy.SourceSpec
}

// writerSchemas are what the city's Avro events are written with; search is JSON.
var writerSchemas = [city.NumSources]string{city.Location: "schemas/location.avsc", city.AppUsage: "schemas/app_usage.avsc"}

// newCarrier finds the city's three kinds among the configured sources, by name.
func newCarrier(cfg *config.Config, conn kafka.Connection) (*carrier, error) {
	c := &carrier{cfg: cfg, conn: conn}
	for s := range c.sources {
		name, format := city.Source(s).String(), "avro"
		if writerSchemas[s] == "" {
			format = "json"
		}
		i := slices.IndexFunc(cfg.Sources, func(src policy.SourceSpec) bool { return src.Name.Value == name })
		if i < 0 || cfg.Sources[i].Format.Value != format {
			return nil, fmt.Errorf("the city's events are of the sources location and app_usage (avro) and search (json), as in deploy/samples; this configuration has no %s in %s", name, format)
		}
		c.sources[s] = &cfg.Sources[i]
	}
	return c, nil
}

// topics makes the raw topics that are missing, with room for days of history.
func (c *carrier) topics(ctx context.Context, days int) ([]string, error) {
	var names []string
	for _, s := range c.sources {
		names = append(names, s.Topic.Value)
	}
	t := c.cfg.Kafka.Topics
	return kafka.CreateRawTopics(ctx, c.conn, names, t.Partitions, t.Replication, t.Retention+time.Duration(days)*24*time.Hour)
}

// schemas registers the writer schemas in the raw registry and returns their ids.
func (c *carrier) schemas(ctx context.Context) (ids [city.NumSources]uint32, err error) {
	client, err := rawRegistry(c.cfg)
	if err != nil {
		return ids, &exitError{code: exitConfig, err: err}
	}
	defer client.Close()
	for s, file := range writerSchemas {
		if file == "" {
			continue
		}
		text, err := samples.Files.ReadFile(file)
		if err != nil {
			return ids, errors.New("a sample schema is missing from this build")
		}
		subject := c.sources[s].SchemaSubject.Value
		if subject == "" {
			subject = registry.Subject(c.sources[s].Topic.Value)
		}
		got, err := client.Publish(ctx, subject, string(text), registry.Avro)
		if err != nil {
			return ids, fmt.Errorf("%s in the raw registry: %w", subject, err)
		}
		ids[s] = uint32(got.ID)
	}
	return ids, nil
}

// consentBatch is how many changes go to the store at once.
const consentBatch = 400

// consents makes everybody's changes in the store: as history, so that withdrawals count from their own time.
func (c *carrier) consents(ctx context.Context, town *city.City, house []byte, to consent.Writer, progress func(done, of int)) (int, error) {
	known := map[string]bool{}
	for _, p := range c.cfg.Partners {
		known[p.Name.Value] = true
	}
	if c.cfg.Consent.Subject != consent.MSISDN {
		return 0, &exitError{code: exitConfig, err: errors.New("the city's people are known by msisdn; consent.subject names another kind")}
	}
	namer := consent.NewNamer(house)
	var batch []consent.Named
	stream := town.Consents()
	made := 0
	flush := func() error {
		results, err := to.ApplyAll(ctx, batch)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Effect.Refused() {
				return fmt.Errorf("the store refused a change of the city: %s", r.Effect.Reason())
			}
		}
		made += len(batch)
		batch = batch[:0]
		progress(made, stream.Len())
		return nil
	}
	var ch city.Change
	for stream.Next(&ch) {
		if ch.Action != city.WithdrawAll && !known[ch.Partner] {
			continue
		}
		canonical, ok := consent.Canonical(nil, consent.MSISDN, consent.E164, "", []byte(town.MSISDN(ch.Subscriber)))
		if !ok {
			return made, errors.New("the city has a number that is none")
		}
		batch = append(batch, consent.Named{ID: namer.ID(consent.MSISDN, canonical), Change: historyOf(&ch)})
		if len(batch) == consentBatch {
			if err := flush(); err != nil {
				return made, err
			}
		}
	}
	if len(batch) == 0 {
		return made, nil
	}
	return made, flush()
}

var cityActions = map[city.Action]consent.Action{
	city.Grant: consent.ActGrant, city.Withdraw: consent.ActWithdraw, city.WithdrawAll: consent.ActWithdrawAll,
}

func historyOf(ch *city.Change) consent.Change {
	return consent.Change{
		Action: cityActions[ch.Action], Partner: ch.Partner, Purpose: ch.Purpose, Categories: ch.Categories, Linked: ch.Linked,
		AtMS: ch.AtMS, Stated: true, UntilMS: ch.UntilMS, Ends: ch.UntilMS != 0, History: ch.Action != city.Grant,
	}
}

// events writes the city's days to the raw topics, rate events a second (0: as fast as it goes). sent counts by source.
func (c *carrier) events(ctx context.Context, town *city.City, rate int, progress func(done int64)) (sent [city.NumSources]int64, err error) {
	producer, err := kafka.NewRawProducer(c.conn)
	if err != nil {
		return sent, err
	}
	defer producer.Close()
	began, n := time.Now(), int64(0)
	var e city.Event
	for town.Next(&e) {
		if rate > 0 && n%int64(max(1, rate/50)) == 0 {
			if err := waitUntil(ctx, began.Add(time.Duration(float64(n)/float64(rate)*float64(time.Second)))); err != nil {
				return sent, err
			}
		}
		if ctx.Err() != nil {
			break
		}
		err := producer.Send(ctx, &kafka.RawEvent{
			Topic: c.sources[e.Source].Topic.Value, Key: e.Key, Value: e.Value,
			HeaderName: city.IMSIHeader, HeaderValue: e.Header, TimestampUnix: e.TimeMS,
		})
		if err != nil {
			return sent, err
		}
		sent[e.Source]++
		if n++; n%1024 == 0 {
			progress(n)
		}
	}
	if err := producer.Flush(ctx); err != nil {
		return sent, err
	}
	return sent, ctx.Err()
}

func waitUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
