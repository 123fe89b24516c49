// run_sync.go is the role sync: it keeps the pseudonym keys two epochs ahead and, where the truth about consents is in
// Kafka, owns it.

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/kafka/changelog"
	"github.com/consentry/consentry/keys"
)

// keepKeys is how often the role sync looks whether keys are to be made or erased.
const keepKeys = time.Minute

func consentSyncCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sync",
		Short: "Own the truth about consents: merge changes and bring them into Redis",
		Long: "Own the truth about consents: merge the changes that are appended to consent.changelog.requests into lines, write these\n" +
			"to consent.changelog.state, and bring them into Redis, where workers ask. It also keeps the pseudonym keys two epochs\n" +
			"ahead. The same as `consentry run --role sync`; several may run, with an admin address and a kafka.instance each, and share\n" +
			"the work.",
		Example: "  consentry consent sync",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.work(cmd.Context(), roles{sync: true})
		},
	}
}

// syncRole is the role at work.
type syncRole struct {
	cfg   *config.Config
	owner *changelog.Owner // nil where Redis alone holds the truth
	log   *zap.Logger
}

// newSyncRole connects the rooms. It asks nobody yet.
func newSyncRole(cfg *config.Config, log *zap.Logger) (*syncRole, func(), error) {
	s := &syncRole{cfg: cfg, log: log.With(zap.String("role", "sync"))}
	if cfg.Consent.Changelog == nil {
		return s, func() {}, nil
	}
	conn, err := connectionOf(cfg)
	if err != nil {
		return nil, nil, err
	}
	b, err := openBook(cfg)
	if err != nil {
		return nil, nil, err
	}
	s.owner = changelog.New(changelog.Options{
		Connection: conn, Group: cfg.Kafka.Group, Instance: cfg.Kafka.Instance, Lanes: cfg.Kafka.Lanes,
		Requests: cfg.Consent.Changelog.Requests, State: cfg.Consent.Changelog.State, Intake: cfg.Consent.Changelog.Intake,
		Quarantine: cfg.Quarantine, Store: b.store, HouseKey: keys.House,
		Check: func(ch consent.Change) string { return unknownPair(cfg, ch) }, ParkWhenStale: cfg.Consent.ParkWhenStale, Log: s.log,
		Name: (&intakeNames{ask: b.subjects}).name,
	})
	return s, b.close, nil
}

// compareKeys is how long the intake takes the log's word for the house key.
const compareKeys = time.Minute

// intakeNames names the subjects of the intake. The house key is compared with the log's before anybody is named by it: each
// time while the log names none, so that the folder that opens the log counts at once, and every minute then.
type intakeNames struct {
	ask   func(context.Context) (*subjects, error)
	named *subjects // nil, or what the log agreed to
	until time.Time
}

func (n *intakeNames) name(ctx context.Context) (func(string) (consent.ID, bool), error) {
	if n.named != nil && time.Now().Before(n.until) {
		return n.named.id, nil
	}
	n.named = nil
	named, err := n.ask(ctx)
	if err != nil {
		return nil, err
	}
	if named.bound {
		n.named, n.until = named, time.Now().Add(compareKeys)
	}
	return named.id, nil
}

// run works until ctx ends; it returns only kafka.ErrFenced, or that the client refuses its options.
func (s *syncRole) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { s.keepKeys(ctx) })
	if s.owner == nil {
		<-ctx.Done()
		return nil
	}
	return s.owner.Run(ctx)
}

// keepKeys rotates the keys. Several processes may try: one at a time holds the folder's lock. What fails is told once,
// until it is something else: where the folder is mounted read-only, somebody else keeps it.
func (s *syncRole) keepKeys(ctx context.Context) {
	told := ""
	kafka.Every(ctx, keepKeys, func() {
		rep, err := rotateKeys(ctx, s.cfg, time.Now(), func(err error) {
			s.log.Info("keys: Kafka does not say how far the groups have come, so only keys.keep decides", zap.String("code", kafka.Code(err)))
		})
		if ctx.Err() != nil {
			return
		}
		for _, name := range rep.Made {
			s.log.Info("key made", zap.String("key", name))
		}
		for _, name := range rep.Erased {
			s.log.Info("key erased", zap.String("key", name))
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != told && text != "" {
			s.log.Warn("keys", zap.Error(errors.New(text)))
		}
		told = text
	})
}
