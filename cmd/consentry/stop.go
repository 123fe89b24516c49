// stop.go parks a partner by hand and lets it go again.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
)

func stopCommand(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "stop PARTNER",
		Short:   "Park a partner at once; its events wait in Kafka",
		Example: "  consentry stop acme-ads --reason 'contract under review'",
		Args:    one("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.flag(c.Context(), args[0], false, func(s *consent.Store) (time.Time, error) {
				return s.Stop(c.Context(), args[0], reason)
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
			return a.flag(c.Context(), args[0], true, func(s *consent.Store) (time.Time, error) {
				return s.Resume(c.Context(), args[0])
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

// flag sets or lifts a stop. A partner that the configuration does not have can be resumed, so that no flag is left.
func (a *app) flag(ctx context.Context, partner string, resume bool, act func(*consent.Store) (time.Time, error)) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if problem := noPartner(cfg, partner); problem != "" && !resume {
		return usage("%s", problem)
	}
	store, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	at, err := act(store)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		return storeFailed(cfg, err)
	}
	word := "stopped"
	if resume {
		word = "resumed"
	}
	fmt.Fprintf(a.out, "%s %s at %s\n", partner, word, at.Format(milliseconds))
	return nil
}
