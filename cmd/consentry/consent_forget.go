// consent_forget.go erases a subject: everything is withdrawn, and what was asked before is deleted from the log.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
)

func forgetCommand(a *app) *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use:   "forget",
		Short: "Withdraw everything, and erase what a subject asked for before",
		Long: "Withdraw everything, and erase what a subject asked for before from the log of requests. What is left under its keyed\n" +
			"name is that everything was withdrawn, and when; and a protection that stands, with the request that says it (consent\n" +
			"unprotect ends it). The brokers drop the erased records when they next compact the topic: after\n" +
			"max.compaction.lag.ms at the latest, a week where topics create made it.",
		Example: "  consentry consent forget --subject -",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.forget(c.Context(), &f) },
	}
	f.register(c)
	return c
}

// forgottenJSON is what forget prints with --json.
type forgottenJSON struct {
	resultJSON
	Erased int `json:"erased"`
}

func (a *app) forget(ctx context.Context, f *changeFlags) error {
	if f.subject == "" {
		return usage("--subject is missing; --subject - reads it from standard input")
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	b, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	id, err := a.subject(f.subject, func() (*subjects, error) { return b.subjects(ctx) })
	if err != nil {
		return err
	}
	req := consent.Request{Kind: consent.AskForget, ReqID: changelog.RandomID(), ID: id, Evidence: f.evidence}
	if problem := req.Problem(); problem != "" {
		return usage("%s", problem)
	}
	out, erased, err := b.log.Forget(ctx, req)
	if err != nil {
		if out.AcknowledgedMS != 0 {
			err = fmt.Errorf("everything is withdrawn, and %d earlier requests are erased; run it again for the rest: %w", erased, err)
		}
		return b.failed(err)
	}
	if out.Effect.Refused() {
		return &exitError{code: exitFailed, err: errors.New("refused: " + out.Effect.Reason())}
	}
	if f.json {
		err = json.NewEncoder(a.out).Encode(forgottenJSON{resultJSON{AcknowledgedAt: stamp(out.AcknowledgedMS), InForce: true}, erased})
	} else {
		_, err = fmt.Fprintf(a.out, "everything withdrawn at %s; %d earlier requests erased\n", stamp(out.AcknowledgedMS), erased)
	}
	return asFailedOrNil(err)
}

func asFailedOrNil(err error) error {
	if err == nil {
		return nil
	}
	return asFailed(err)
}
