// status.go is the verb `status`: what the admin listener of this configuration's worker says, for people.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/kafka"
)

// maxStatus bounds an answer, in bytes: whatever listens on that port may not be ours.
const maxStatus = 1 << 20

func statusCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Is each partner served, and if not, what to do",
		Long: "Ask the worker of this configuration (its admin address) how each partner is. Exit code 0 when every\n" +
			"partner runs, 1 otherwise.",
		Example: "  consentry status\n  consentry status --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			s, err := askStatus(cmd.Context(), cfg.Admin)
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if asJSON {
				err = json.NewEncoder(a.out).Encode(s)
			} else {
				err = printStatus(a.out, s, time.Now())
			}
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if !allRun(s) {
				return &exitError{code: exitFailed, said: true}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func askStatus(ctx context.Context, admin string) (kafka.Status, error) {
	var s kafka.Status
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL(admin, "/statusz"), nil)
	if err != nil {
		return s, fmt.Errorf("the admin address %q is not host:port", admin)
	}
	resp, err := statusClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("no worker answers on %s; is `consentry run` running with this configuration?", admin)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&s) != nil {
		return s, errors.New("what answers on " + admin + " is not consentry")
	}
	return s, nil
}

func allRun(s kafka.Status) bool {
	for _, p := range s.Partners {
		if p.State != kafka.StateRunning {
			return false
		}
	}
	// A process that serves no partner is judged by the role that it has.
	return len(s.Partners) > 0 || s.Consent == nil || s.Consent.State == kafka.StateRunning
}

// printStatus writes a line per partner, and beneath those that do not run what is wrong and what to do.
func printStatus(w io.Writer, s kafka.Status, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(s.Partners) > 0 {
		fmt.Fprintln(t, "PARTNER\tSTATE\tSINCE\tEVENTS WAITING\tLANES")
	} else {
		fmt.Fprintln(t, "this process serves no partner")
	}
	for _, p := range s.Partners {
		state := p.State
		if p.Cause != "" {
			state += ": " + p.Cause
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\n", p.Partner, state, sinceText(p.Since, now), p.Lag, p.Lanes)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if c := s.Consent; c != nil {
		state := c.State
		if c.Cause != "" {
			state += ": " + c.Cause
		}
		fmt.Fprintf(w, "\nconsents: %s since %s; %d of %d shards fresh, %d requests waiting\n", state, sinceText(c.Since, now), c.Open, c.Shards, c.Lag)
		if c.Detail != "" {
			fmt.Fprintf(w, "  %s\n", c.Detail)
		}
		if c.Next != "" {
			fmt.Fprintf(w, "  what to do: %s\n", c.Next)
		}
	}
	for _, p := range s.Partners {
		if p.Next == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s is %s", p.Partner, p.State)
		if p.Detail != "" {
			fmt.Fprintf(w, " (%s)", p.Detail)
		}
		fmt.Fprintf(w, "\n  what to do: %s\n", p.Next)
		if p.DecideBy != "" {
			fmt.Fprintf(w, "  lost if not fixed by: %s, when the first key of the waiting events is erased\n", p.DecideBy)
		}
	}
	_, err := fmt.Fprintf(w, "\ninstance %s, version %s, policy %.12s\n", s.Instance, s.Version, s.Policy)
	return err
}

func sinceText(since string, now time.Time) string {
	at, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return since
	}
	return fmt.Sprintf("%s (%s)", since, max(0, now.Sub(at)).Truncate(time.Second))
}
