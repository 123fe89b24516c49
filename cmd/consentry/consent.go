// consent.go has the verbs that make one subject's consent, and what all consent verbs share.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
)

func consentCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:   "consent",
		Short: "Give, withdraw, look at and erase consents; accept, verify and rebuild the store",
		Long: "Give, withdraw, look at and erase consents; accept, verify and rebuild the store.\n\n" +
			"With consent.changelog the truth is in Kafka: a change is appended there, and a verb returns when an owner (consentry run,\n" +
			"or consentry consent sync) has merged it and Redis has it. Without, one Redis holds the truth.\n\n" +
			"--subject - reads the subject from standard input, so that it is in no shell history or process list.",
		Example: "  consentry consent withdraw-all --subject -",
	}, grantCommand(a), withdrawCommand(a), withdrawAllCommand(a), getCommand(a), importCommand(a), protectCommand(a), unprotectCommand(a),
		forgetCommand(a), acceptEpochCommand(a), consentSyncCommand(a), verifyCommand(a), rebuildCommand(a))
}

func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// changeFlags are what grant, withdraw and withdraw-all share.
type changeFlags struct {
	subject, partner, purpose, categories, since, until, evidence string
	linked, json                                                  bool
}

func (f *changeFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.subject, "subject", "", "who; - reads it from standard input")
	c.Flags().StringVar(&f.evidence, "evidence", "", "where the proof of it is kept; recorded with consent.changelog")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

func (f *changeFlags) registerPair(c *cobra.Command) {
	c.Flags().StringVar(&f.partner, "partner", "", "to whom")
	c.Flags().StringVar(&f.purpose, "purpose", "", "what for")
}

func grantCommand(a *app) *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use:   "grant",
		Short: "Give consent to one partner and purpose",
		Long: "Give consent to one partner and purpose. It holds for events from --since on, until --until or until it is withdrawn.\n" +
			"A time is RFC 3339, or now. Exit 0 only when it is in force; a grant that the last withdrawal or a later grant makes void exits 1.",
		Example: "  consentry consent grant --subject +12025550123 --partner acme-ads --purpose advertising \\\n" +
			"    --categories location,app_usage --linked --since now",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(c.Context(), &f, consent.Change{
				Action: consent.ActGrant, Partner: f.partner, Purpose: f.purpose, Categories: list(f.categories), Linked: f.linked,
			})
		},
	}
	f.register(c)
	f.registerPair(c)
	c.Flags().StringVar(&f.categories, "categories", "", "what it covers: "+strings.Join(consent.Categories, ", ")+", separated by commas")
	c.Flags().BoolVar(&f.linked, "linked", false, "it agrees to being linked under a lasting pseudonym")
	c.Flags().StringVar(&f.since, "since", "", "when it was given: RFC 3339, or now")
	c.Flags().StringVar(&f.until, "until", "", "when it ends; empty: until it is withdrawn")
	return c
}

func withdrawCommand(a *app) *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use:   "withdraw",
		Short: "Withdraw consent from one partner and purpose",
		Long: "Withdraw consent from one partner and purpose, whole; with --categories or --linked only these.\n" +
			"It counts from its acceptance by the store.",
		Example: "  consentry consent withdraw --subject +12025550123 --partner acme-ads --purpose advertising",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("categories") && len(list(f.categories)) == 0 {
				return usage("--categories names none; leave it out to withdraw everything")
			}
			return a.change(c.Context(), &f, consent.Change{
				Action: consent.ActWithdraw, Partner: f.partner, Purpose: f.purpose, Categories: list(f.categories), Linked: f.linked,
			})
		},
	}
	f.register(c)
	f.registerPair(c)
	c.Flags().StringVar(&f.categories, "categories", "", "take only these, separated by commas")
	c.Flags().BoolVar(&f.linked, "linked", false, "take only the consent to being linked")
	return c
}

func withdrawAllCommand(a *app) *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use:     "withdraw-all",
		Short:   "Withdraw every consent of a subject",
		Example: "  printf '+12025550123' | consentry consent withdraw-all --subject -",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(c.Context(), &f, consent.Change{Action: consent.ActWithdrawAll})
		},
	}
	f.register(c)
	return c
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// change checks what was typed, makes the change and prints what became of it.
func (a *app) change(ctx context.Context, f *changeFlags, ch consent.Change) error {
	if f.subject == "" {
		return usage("--subject is missing; --subject - reads it from standard input")
	}
	if ch.Action == consent.ActGrant {
		if f.since == "" {
			return usage("--since is missing: a grant states since when it holds (RFC 3339, or now)")
		}
		ch.Stated = true
		var ok bool
		if ch.AtMS, ok = consent.ParseTime(f.since); !ok && f.since != "now" {
			return usage("--since is neither an RFC 3339 time nor now")
		}
		if ch.UntilMS, ok = consent.ParseTime(f.until); !ok && f.until != "" {
			return usage("--until is not an RFC 3339 time")
		}
		ch.Ends = f.until != ""
	}
	if problem := ch.Problem(); problem != "" {
		return usage("%s", problem)
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if problem := unknownPair(cfg, ch); problem != "" {
		return &exitError{code: exitFailed, err: errors.New(problem)}
	}
	b, err := openBook(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	id, err := a.subject(f.subject, func() (*subjects, error) { return b.subjects(ctx) })
	if err != nil {
		return err
	}
	r, err := b.apply(ctx, id, ch, f.since == "now", f.evidence)
	if err != nil {
		return b.failed(err)
	}
	a.noteEvidence(b, f.evidence)
	return a.printResult(r, f.json)
}

// noteEvidence says where evidence is not kept.
func (a *app) noteEvidence(b *book, evidence string) {
	if evidence != "" && b.log == nil {
		fmt.Fprintln(a.err, "note: --evidence is recorded with consent.changelog, which this configuration does not have")
	}
}

// unknownPair refuses a grant to a partner, or for a purpose, that the configuration does not have: it would cover
// nothing, and keep in the store whatever slipped into that column. A withdrawal from one is welcome.
func unknownPair(cfg *config.Config, ch consent.Change) string {
	if ch.Action != consent.ActGrant {
		return ""
	}
	if problem := noPartner(cfg, ch.Partner); problem != "" {
		return problem
	}
	var purposes []string
	for i := range cfg.Partners {
		if p := cfg.Partners[i].Purpose.Value; !slices.Contains(purposes, p) {
			purposes = append(purposes, p)
		}
	}
	if slices.Contains(purposes, ch.Purpose) {
		return ""
	}
	return "no partner of the configuration has such a purpose; there are: " + strings.Join(purposes, ", ")
}

// subject reads and names the subject that a flag gives, by the house key that open has compared.
func (a *app) subject(text string, open func() (*subjects, error)) (consent.ID, error) {
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(a.in, 4096))
		if err != nil {
			return consent.ID{}, &exitError{code: exitFailed, err: errors.New("standard input cannot be read")}
		}
		text = strings.TrimRight(string(b), "\r\n")
	}
	names, err := open()
	if err != nil {
		return consent.ID{}, err
	}
	id, ok := names.typed(text)
	if !ok {
		return consent.ID{}, &exitError{code: exitUsage, err: errSubject}
	}
	if names.unlikely(text) {
		fmt.Fprintln(a.err, "note: no numbering plan has this telephone number; it was taken as it is")
	}
	return id, nil
}

// resultJSON is what a change prints with --json.
type resultJSON struct {
	AcknowledgedAt string `json:"acknowledged_at"`
	InForce        bool   `json:"in_force"`
	Void           string `json:"void"`
}

const milliseconds = "2006-01-02T15:04:05.000Z07:00"

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(milliseconds) }

func (a *app) printResult(r consent.Result, asJSON bool) error {
	reason := r.Effect.Reason()
	if asJSON {
		out := resultJSON{AcknowledgedAt: stamp(r.AcknowledgedAtMS), InForce: r.InForce}
		if !r.InForce {
			out.Void = reason
		}
		if err := json.NewEncoder(a.out).Encode(out); err != nil {
			return &exitError{code: exitFailed, err: err}
		}
	}
	switch {
	case r.Effect.Refused():
		return &exitError{code: exitFailed, err: errors.New("refused: " + reason), said: false}
	case r.Effect.Void():
		return &exitError{code: exitFailed, err: errors.New("not in force: " + reason)}
	case !r.InForce:
		return &exitError{code: exitFailed, err: errors.New("recorded, but not in force: it has ended already")}
	case !asJSON && reason != "":
		fmt.Fprintf(a.out, "in force since %s; %s\n", stamp(r.AcknowledgedAtMS), reason)
	case !asJSON:
		fmt.Fprintf(a.out, "in force since %s\n", stamp(r.AcknowledgedAtMS))
	}
	return nil
}
