// stop.go parks a partner by hand and lets it go again.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func stopCommand(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "stop PARTNER",
		Short:   "Park a partner at once; its events wait in Kafka",
		Example: "  consentry stop acme-ads --reason 'contract under review'",
		Args:    one("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.flag(c.Context(), args[0], false, func(b *book) (time.Time, error) {
				return b.stop(c.Context(), args[0], reason)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "kept beside the flag, for whoever finds it")
	return c
}

func resumeCommand(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "resume PARTNER",
		Short:   "Let a stopped partner go on where it stopped",
		Example: "  consentry resume acme-ads --reason 'review done'",
		Args:    one("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.flag(c.Context(), args[0], true, func(b *book) (time.Time, error) {
				if reason != "" && b.log == nil {
					fmt.Fprintln(a.err, "note: why a partner is resumed is recorded with consent.changelog, which this configuration does not have")
				}
				return b.resume(c.Context(), args[0], reason)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; recorded with consent.changelog")
	return c
}

// flag sets or lifts a stop. A partner that the configuration does not have can be resumed, so that no flag is left.
func (a *app) flag(ctx context.Context, partner string, resume bool, act func(*book) (time.Time, error)) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if problem := noPartner(cfg, partner); problem != "" && !resume {
		return usage("%s", problem)
	}
	b, err := openBook(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	at, err := act(b)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		return b.failed(err)
	}
	word := "stopped"
	if resume {
		word = "resumed"
	}
	fmt.Fprintf(a.out, "%s %s at %s\n", partner, word, at.Format(milliseconds))
	return nil
}
