// consent_verify.go compares the store with the log.

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
