// preflight.go is the verb `preflight`: what would go wrong, before it does, in the order in which a person mends it.
// The brokers' part is kafka.Preflight; keys, consent store and registries are asked here.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema/registry"
)

// What makes everything that is the carrier's in a test environment.
const simulateAll = "consentry simulate --events 20000 --subscribers 1000 --consents"

func preflightCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "preflight",
		Short: "Say what would go wrong, before it does",
		Long: "Look at keys, consent store, brokers, topics, rights, offsets and schemas, and change nothing.\n" +
			"One line a finding: ok, warn or fail, with what mends it and, after `run:`, a command that does.\n" +
			"Mend from the top down and run it again. Exit 1 while anything fails.",
		Example: "  consentry preflight",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.preflight(cmd.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// findings collects what was found.
type findings struct {
	cfg *config.Config
	all []kafka.Finding
}

func (f *findings) add(level, check, run, format string, args ...any) {
	f.all = append(f.all, kafka.Finding{Level: level, Check: check, Message: fmt.Sprintf(format, args...), Run: run})
}

func (f *findings) test() bool { return f.cfg.Environment == "test" }

// carriers is the command that makes what is the carrier's, where there is one.
func (f *findings) carriers() string {
	if f.test() {
		return simulateAll
	}
	return ""
}

func (a *app) preflight(ctx context.Context, asJSON bool) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	conn, err := connectionOf(cfg)
	if err != nil {
		return err
	}
	f := &findings{cfg: cfg}
	ring := f.keys()
	if err := f.store(ctx); err != nil {
		return err
	}
	start := "consentry offsets init --at end"
	if f.test() {
		start = "consentry offsets init --at beginning"
	}
	brokers := kafka.Preflight(ctx, conn, kafka.PreflightOptions{
		Readers: readersOf(cfg), Topics: topicNeedsOf(cfg), Test: f.test(), MakeRaw: f.carriers(), SetStart: start,
	})
	log := findings{cfg: cfg}
	if err := log.changelog(ctx, ring); err != nil {
		return err
	}
	f.all = append(f.all, beforeConsents(brokers, log.all)...)
	d, err := a.loadPolicy(ctx)
	var refused *exitError
	switch {
	case errors.As(err, &refused) && refused.code == exitConfig:
		return err
	case err != nil:
		f.add(kafka.Fail, "policies", f.carriers(), "they cannot be compiled yet: %v", err)
	default:
		f.lists(d.set.House)
		f.rawSchemas(ctx, d.set)
		f.partnerSchemas(ctx, d.set)
		f.epochs(ring, d.set)
	}
	return a.printFindings(f.all, asJSON)
}

func (a *app) printFindings(all []kafka.Finding, asJSON bool) error {
	failed, warned := 0, 0
	for _, f := range all {
		switch f.Level {
		case kafka.Fail:
			failed++
		case kafka.Warn:
			warned++
		}
	}
	if asJSON {
		if err := json.NewEncoder(a.out).Encode(map[string]any{"ok": failed == 0, "findings": all}); err != nil {
			return &exitError{code: exitFailed, err: err}
		}
	} else {
		for _, f := range all {
			run := ""
			if f.Run != "" {
				run = "  run: " + f.Run
			}
			fmt.Fprintf(a.out, "%-4s  %s: %s%s\n", f.Level, f.Check, f.Message, run)
		}
		if failed == 0 {
			fmt.Fprintln(a.out, "ok    everything is ready  run: consentry run")
		}
	}
	if failed > 0 {
		fmt.Fprintf(a.err, "preflight: %d to mend, %d more to know\n", failed, warned)
		if steps := stepsOf(all); len(steps) > 0 {
			fmt.Fprintf(a.err, "In this order, and then preflight again:\n  %s\n", strings.Join(steps, "\n  "))
		}
		return &exitError{code: exitFailed, said: true}
	}
	return nil
}

// stepsOf lists the commands that mend what fails, each once, in the order in which they work.
func stepsOf(all []kafka.Finding) []string {
	var steps []string
	for _, f := range all {
		if f.Level == kafka.Fail && f.Run != "" && !slices.Contains(steps, f.Run) {
			steps = append(steps, f.Run)
		}
	}
	return steps
}

// keys opens the key folder; nil when it cannot be used.
func (f *findings) keys() *keys.Ring {
	dir := f.cfg.Keys.Dir
	ring, err := keys.Open(dir)
	if err == nil {
		f.add(kafka.OK, "keys", "", "the key folder %s can be read", dir)
		return ring
	}
	entries, readErr := os.ReadDir(dir)
	if errors.Is(readErr, os.ErrNotExist) || readErr == nil && len(entries) == 0 {
		f.add(kafka.Fail, "keys", "consentry keys init", "there are no keys in %s yet; where other workers have some, mount their folder instead", dir)
	} else {
		f.add(kafka.Fail, "keys", "", "%v; mount the folder that keys rotate writes to, with its modes", err)
	}
	return nil
}

// epochs looks for the root of the epoch in hand, and the next two, of every pseudonym.
func (f *findings) epochs(ring *keys.Ring, set *policy.Set) {
	if ring == nil {
		return // said already
	}
	for _, p := range set.Partners {
		for _, s := range p.Streams {
			if s.PeriodMS == 0 {
				continue
			}
			var key [32]byte
			epoch := keys.EpochOf(time.Now(), time.Duration(s.PeriodMS)*time.Millisecond)
			for next := range int64(keys.Ahead + 1) {
				if got := ring.PseudonymKey(&key, s.Partner, s.Topic, s.PeriodMS, epoch+next); got != filters.Filled {
					level := kafka.Warn
					if next == 0 {
						level = kafka.Fail
					}
					f.add(level, "keys", "consentry keys rotate", "stream %s lacks the key of epoch %d", s.Topic, epoch+next)
				}
			}
			clear(key[:])
		}
	}
}

// store asks the consent store for its settings, its state and the clock.
func (f *findings) store(ctx context.Context) error {
	store, err := openStore(f.cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	problems, err := store.Unsafe(ctx)
	if err != nil {
		f.add(kafka.Fail, "consent store", "", "Redis does not let us in or does not answer (%s): look at address, user, password and tls, or start it (%v)", redisOf(f.cfg), err)
		return nil
	}
	for _, p := range problems {
		f.add(kafka.Fail, "consent store", "", "it may lose acknowledged withdrawals: %s", p)
	}
	if f.cfg.Consent.Changelog != nil {
		hints, err := store.Advice(ctx)
		if err != nil {
			f.add(kafka.Fail, "consent store", "", "%s", nextOf(err))
			return nil
		}
		for _, h := range hints {
			f.add(kafka.Warn, "consent store", "", "%s", h)
		}
		if len(problems) == 0 {
			f.add(kafka.OK, "consent store", "", "it answers (%s), settings are safe", redisOf(f.cfg))
		}
		return nil
	}
	found, err := store.Inspect(ctx)
	if err != nil {
		f.add(kafka.Fail, "consent store", "", "it cannot be looked through: %v", err)
		return nil
	}
	if found.Kafka {
		f.add(kafka.Fail, "consent store", "", "its truth is in Kafka: set consent.changelog in this configuration")
		return nil
	}
	if !found.Open {
		f.add(kafka.Fail, "consent store", "consentry consent accept-epoch", "nobody has said that it is right as it stands: new, emptied or restored, with %d subjects", found.Lines)
		return nil
	}
	var snap consent.Snapshot
	if err := store.Ask(ctx, "preflight", []consent.ID{{}}, &snap); err != nil && len(problems) == 0 {
		f.add(kafka.Fail, "consent store", "", "%s", nextOf(err))
		return nil
	}
	if found.Lines == 0 {
		f.add(kafka.Warn, "consent store", f.consents(), "it holds no consent: every event will be withheld")
	}
	for _, partner := range found.Stopped {
		f.add(kafka.Warn, "consent store", "consentry resume "+partner, "partner %s is stopped", partner)
	}
	if len(problems) == 0 {
		f.add(kafka.OK, "consent store", "", "epoch %d is accepted, %d subjects, settings are safe", found.Epoch, found.Lines)
	}
	return nil
}

func (f *findings) consents() string {
	if f.test() {
		return simulateAll
	}
	return "consentry consent import FILE"
}

// nextOf says what mends a sick part, in the words of status.
func nextOf(err error) string {
	var sick interface{ Cause() string }
	if errors.As(err, &sick) {
		if next := kafka.Cause(sick.Cause()).Next(); next != "" {
			return sick.Cause() + ": " + next
		}
	}
	return err.Error()
}

// rawSchemas looks for the writer schemas of the Avro sources.
func (f *findings) rawSchemas(ctx context.Context, set *policy.Set) {
	client, err := rawRegistry(f.cfg)
	if err != nil {
		f.add(kafka.Fail, "raw registry", "", "%v", err)
		return
	}
	defer client.Close()
	seen := map[string]bool{}
	for _, p := range set.Partners {
		for _, s := range p.Sources {
			if s.Format != "avro" || seen[s.SchemaSubject] {
				continue
			}
			seen[s.SchemaSubject] = true
			_, _, err := client.Latest(ctx, s.SchemaSubject)
			switch {
			case err == nil:
				f.add(kafka.OK, "raw registry", "", "subject %s has a schema", s.SchemaSubject)
			case errors.Is(err, registry.ErrNotFound):
				f.add(kafka.Fail, "raw registry", f.carriers(), "subject %s has no schema: who writes %s registers it", s.SchemaSubject, s.Topic)
			default:
				f.add(kafka.Fail, "raw registry", "", "%v: look at registry.raw, or start it", err)
				return
			}
		}
	}
}

// partnerSchemas looks for exactly the schema that each stream writes.
func (f *findings) partnerSchemas(ctx context.Context, set *policy.Set) {
	client, err := partnerRegistry(f.cfg)
	if err != nil {
		f.add(kafka.Fail, "partner registry", "", "%v", err)
		return
	}
	defer client.Close()
	for _, p := range set.Partners {
		for _, s := range p.Streams {
			format, _ := registry.ParseFormat(s.Format)
			subject := registry.Subject(s.Topic)
			_, err := client.Lookup(ctx, subject, s.Output.Text(), format)
			switch {
			case err == nil:
				f.add(kafka.OK, "partner registry", "", "subject %s has the schema that this policy writes", subject)
			case errors.Is(err, registry.ErrNotFound):
				f.add(kafka.Fail, "partner registry", "consentry schema publish", "subject %s lacks the schema that this policy writes", subject)
			default:
				f.add(kafka.Fail, "partner registry", "", "%v: look at registry.partner, or start it", err)
				return
			}
		}
	}
}
