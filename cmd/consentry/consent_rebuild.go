// consent_rebuild.go builds the store anew from the log, and moves a single-store deployment into it.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/kafka/changelog"
)

func rebuildCommand(a *app) *cobra.Command {
	var fromStore, yes bool
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Build the store anew from the log, and switch to it",
		Long: "Build the store anew from the state topic, beside the lines in force, and switch to it; changes go on, and workers wait\n" +
			"only for the switch. Redis needs room for both meanwhile. Running it again after it was cut short is harmless.\n\n" +
			"With --from-store it moves a single-store deployment over: it takes the store out of use, so that nothing can change in\n" +
			"it any more, writes every line to the log, and opens that. Owners (consentry consent sync) must run, workers with a\n" +
			"configuration that has no consent.changelog must not.",
		Example: "  consentry consent rebuild",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if fromStore {
				return a.adopt(c.Context(), yes)
			}
			if yes {
				return usage("--yes goes with --from-store; without it nothing is asked")
			}
			return a.rebuild(c.Context())
		},
	}
	c.Flags().BoolVar(&fromStore, "from-store", false, "move the truth from a single store into the log")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// telling prints progress on stderr.
func (a *app) telling() func(what string, done int) {
	say := a.every2s()
	return func(what string, done int) { say("%d %s\n", done, what) }
}

func (a *app) rebuild(ctx context.Context) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	b, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	began := time.Now()
	tell, stop := a.telling(), func() {}
	got, err := b.log.Rebuild(ctx, func(what string, done int) {
		if what == changelog.Switching {
			stop = a.waitingForOwner()
		}
		tell(what, done)
	})
	stop()
	if err != nil {
		return b.failed(err)
	}
	fmt.Fprintf(a.out, "the store is open, epoch %d: %d records in %.1f s, the switch %.1f s; %d keys of former epochs removed\n",
		got.Epoch, got.Records, time.Since(began).Seconds(), got.Switch.Seconds(), got.Unlinked)
	return nil
}

// adopt moves a single-store deployment over.
func (a *app) adopt(ctx context.Context, yes bool) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	b, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	s, err := b.log.Standing(ctx)
	if err != nil {
		return b.failed(err)
	}
	if err := s.CanAdopt(); err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	// Another house key names other people: under it nobody's withdrawal would be found again.
	names, err := openSubjects(ctx, cfg, b.store)
	if err != nil {
		return err
	}
	found, err := b.store.Inspect(ctx)
	if err != nil {
		return b.failed(err)
	}
	fmt.Fprintf(a.out, "the store holds epoch %d, subjects: %d\n", found.Epoch, found.Lines)
	if !yes && !a.confirm("Move them into the log? From now on only verbs with consent.changelog can change consents. [y/N] ") {
		return &exitError{code: exitFailed, err: errors.New("not moved; nothing was changed")}
	}
	stop := a.waitingForOwner()
	got, err := b.log.Adopt(ctx, s, names.print, a.telling())
	stop()
	if err != nil {
		return b.failed(err)
	}
	a.printAdopted(got)
	return nil
}

func (a *app) printAdopted(got changelog.Adopted) {
	fmt.Fprintf(a.out, "moved %d lines, %d damaged ones as withdrawals of everything, %d protections, %d stops\n",
		got.Lines, got.Damaged, got.Protected, got.Stopped)
	fmt.Fprintf(a.out, "the changelog is open, epoch %d; %d keys of former epochs removed\n", got.Epoch, got.Unlinked)
}

// waitingForOwner says on stderr, if it takes long, what a verb is waiting for.
func (a *app) waitingForOwner() (stop func()) {
	t := time.AfterFunc(5*time.Second, func() {
		fmt.Fprintln(a.err, "waiting for the owners of all shards; where none runs, start consentry run, or consentry consent sync")
	})
	return func() { t.Stop() }
}
