// demo_house.go is everything that a deployment needs, within this process: broker, consent store, two registries, keys
// in a temporary folder, and the sample policies.

package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/kafka"
)

// house is one embedded deployment.
type house struct {
	env     map[string]string
	closers []func()
}

// openHouse starts the parts on free loopback ports.
func openHouse() (_ *house, err error) {
	h := &house{env: map[string]string{"CONSENTRY_INSTANCE": "0", "CONSENTRY_ADMIN": "127.0.0.1:0"}}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{
		"group.initial.rebalance.delay.ms": "0",
	}))
	if err != nil {
		return nil, errors.New("the embedded broker does not start: no free loopback port?")
	}
	h.closers = append(h.closers, broker.Close)
	h.env["CONSENTRY_KAFKA"] = broker.ListenAddrs()[0]
	store := miniredis.NewMiniRedis()
	if err := store.Start(); err != nil {
		return nil, errors.New("the embedded Redis does not start: no free loopback port?")
	}
	h.closers = append(h.closers, store.Close)
	h.env["CONSENTRY_REDIS"] = store.Addr()
	for _, name := range []string{"CONSENTRY_REGISTRY_RAW", "CONSENTRY_REGISTRY_PARTNER"} {
		registry := srfake.New()
		h.closers = append(h.closers, registry.Close)
		h.env[name] = registry.URL()
	}
	dir, err := os.MkdirTemp("", "consentry-demo-")
	if err != nil {
		return nil, errors.New("no temporary folder for the keys can be made")
	}
	h.closers = append(h.closers, func() { os.RemoveAll(dir) })
	h.env["CONSENTRY_KEYS"] = dir
	return h, nil
}

func (h *house) close() {
	for i := len(h.closers) - 1; i >= 0; i-- {
		h.closers[i]()
	}
}

// deployment loads and compiles the sample policies against this house.
func (h *house) deployment(ctx context.Context, a *app) (*deployment, error) {
	return a.loadPolicyFrom(ctx, "consentry.yaml", config.FromFS(samples.Files, h.env))
}

// store opens the consent store, which has no settings to check: it lives and dies with this process.
func (h *house) store(cfg *config.Config) (*consent.Store, error) {
	return consent.Open(consent.Options{URL: cfg.Redis.URL, Embedded: true, Deadline: 2 * time.Second})
}

// beginAtStart does what `offsets init --at beginning` does elsewhere: that commits in a transaction, which the embedded
// broker takes only for a group that is there already.
func beginAtStart(ctx context.Context, conn kafka.Connection, readers []kafka.Reader, partitions int) error {
	client, err := kgo.NewClient(conn.Options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, r := range readers {
		var offsets kadm.Offsets
		for _, s := range r.Sources {
			for p := range partitions {
				offsets.AddOffset(s.Topic, int32(p), 0, -1)
			}
		}
		if err := kadm.NewClient(client).CommitAllOffsets(ctx, r.Group, offsets); err != nil {
			return err
		}
	}
	return nil
}
