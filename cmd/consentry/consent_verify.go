// consent_verify.go compares the store with the log, and builds it anew.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/kafka/changelog"
)

func verifyCommand(a *app) *cobra.Command {
	var sample string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Compare the store with the log, while changes go on",
		Long: "Compare every line, stop and protection of Redis with the state topic, both ways, while changes go on. It changes\n" +
			"nothing. Each difference is named by shard and keyed id, and mended by consent rebuild. Exit 1 if there is any.",
		Example: "  consentry consent verify --sample 1/100",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, ok := parseSample(sample)
			if !ok {
				return usage("--sample is 1/N, such as 1/100")
			}
			return a.verify(c.Context(), n)
		},
	}
	c.Flags().StringVar(&sample, "sample", "1/1", "compare one subject in N")
	return c
}

func parseSample(text string) (int, bool) {
	of, found := strings.CutPrefix(text, "1/")
	n, err := strconv.Atoi(of)
	return n, found && err == nil && n >= 1
}

// mostNamed bounds the differences that are named one by one.
const mostNamed = 100

func (a *app) verify(ctx context.Context, sample int) error {
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
	say := a.every2s()
	got, err := b.log.Verify(ctx, sample, func(n int) { say("%d compared\n", n) })
	if err != nil {
		return b.failed(err)
	}
	w := bufio.NewWriter(a.out)
	for i, m := range got.Mismatches {
		if i == mostNamed {
			fmt.Fprintf(w, "and %d more\n", len(got.Mismatches)-mostNamed)
			break
		}
		fmt.Fprintln(w, m)
	}
	fmt.Fprintf(w, "compared %d of the log and %d of the store in %.1f s: %d differ\n", got.Log, got.Store, time.Since(began).Seconds(), len(got.Mismatches))
	if got.Unsettled > 0 {
		fmt.Fprintf(w, "%d changed too quickly to be compared; run it again\n", got.Unsettled)
	}
	if err := w.Flush(); err != nil {
		return asFailed(err)
	}
	switch {
	case len(got.Mismatches) > 0:
		return &exitError{code: exitFailed, err: errors.New("the store is not what the log says: find out who else writes to this Redis, then run consentry consent rebuild")}
	case got.Unsettled > 0:
		return &exitError{code: exitFailed, said: true}
	}
	return nil
}

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
	got, err := b.log.Rebuild(ctx, a.telling())
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
	if _, err := openSubjects(ctx, cfg, b.store); err != nil {
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
	got, err := b.log.Adopt(ctx, s, a.telling())
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
