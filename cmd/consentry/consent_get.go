// consent_get.go shows one subject's line, to people and as JSON.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
)

func getCommand(a *app) *cobra.Command {
	var subject string
	var history, asJSON bool
	c := &cobra.Command{
		Use:   "get",
		Short: "Show what a subject has allowed and withdrawn",
		Long: "Show what a subject has allowed and withdrawn. With --history, which needs consent.changelog, also every change there was:\n" +
			"what was granted to whom, when and why it ended, by which evidence, and what was void and why.",
		Example: "  consentry consent get --subject +12025550123 --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if subject == "" {
				return usage("--subject is missing; --subject - reads it from standard input")
			}
			return a.get(c.Context(), subject, history, asJSON)
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "who; - reads it from standard input")
	c.Flags().BoolVar(&history, "history", false, "every change there was (with consent.changelog)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func (a *app) get(ctx context.Context, subject string, history, asJSON bool) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if history && cfg.Consent.Changelog == nil {
		return usage("--history reads the consent changelog, and the configuration has no consent.changelog")
	}
	b, err := openBook(cfg)
	if err != nil {
		return err
	}
	defer b.close()
	id, err := a.subject(subject, func() (*subjects, error) { return b.reading(ctx) })
	if err != nil {
		return err
	}
	raw, err := b.store.Line(ctx, id)
	if err != nil {
		return b.failed(err)
	}
	view, ok := viewLine(raw)
	if view.Protected, err = b.store.Protected(ctx, id); err != nil {
		return b.failed(err)
	}
	b.unheard(ctx, a, id.Shard())
	if history {
		events, err := b.log.History(ctx, id)
		if err != nil {
			return b.failed(err)
		}
		view.History = viewHistory(events)
	}
	if asJSON {
		err = json.NewEncoder(a.out).Encode(view)
	} else {
		err = view.print(a.out)
	}
	if err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	if !ok {
		return &exitError{code: exitFailed, err: errors.New("the subject's line is damaged: it means no for everything; withdraw all, then grant again")}
	}
	return nil
}

// lineView is a line as `consent get` shows it.
type lineView struct {
	Line         string      `json:"line"`
	WithdrawnAll string      `json:"withdrawn_all,omitempty"`
	Consents     []entryView `json:"consents"`
	Protected    bool        `json:"protected,omitempty"`
	History      []eventView `json:"history,omitempty"`
}

type entryView struct {
	Partner    string   `json:"partner"`
	Purpose    string   `json:"purpose"`
	Granted    bool     `json:"granted"`
	Categories []string `json:"categories"`
	Linked     bool     `json:"linked"`
	Since      string   `json:"since,omitempty"`
	Until      string   `json:"until,omitempty"`
	Withdrawn  string   `json:"withdrawn,omitempty"`
}

func viewLine(raw []byte) (lineView, bool) {
	v := lineView{Consents: []entryView{}}
	if raw == nil {
		return v, true
	}
	l, ok := consent.Parse(raw)
	if !ok {
		return v, false
	}
	v.Line = string(raw)
	if l.AllMarked {
		v.WithdrawnAll = stamp(l.AllMarkMS)
	}
	for _, e := range l.Entries {
		one := entryView{Partner: e.Partner, Purpose: e.Purpose, Categories: []string{}}
		if e.Marked {
			one.Withdrawn = stamp(e.MarkMS)
		}
		if g := e.Grant; g != nil {
			one.Granted, one.Linked, one.Since = true, g.Linked, stamp(g.SinceMS)
			one.Categories = slices.Clone(g.Categories)
			if g.Ends {
				one.Until = stamp(g.UntilMS)
			}
		}
		v.Consents = append(v.Consents, one)
	}
	return v, true
}

func (v lineView) print(w io.Writer) error {
	var b strings.Builder
	for i := range v.History {
		v.History[i].print(&b)
	}
	if len(v.History) > 0 {
		b.WriteString("now:\n")
	}
	if v.Protected {
		b.WriteString("protected: no event of this subject leaves\n")
	}
	now := b.Len()
	if v.WithdrawnAll != "" {
		fmt.Fprintf(&b, "everything withdrawn at %s\n", v.WithdrawnAll)
	}
	for _, e := range v.Consents {
		fmt.Fprintf(&b, "%s/%s", e.Partner, e.Purpose)
		if e.Granted {
			fmt.Fprintf(&b, ": %s, since %s", strings.Join(e.Categories, ", "), e.Since)
			if e.Until != "" {
				fmt.Fprintf(&b, " until %s", e.Until)
			}
			if e.Linked {
				b.WriteString(", may be linked")
			}
		}
		if e.Withdrawn != "" {
			sep := ": "
			if e.Granted {
				sep = "; last withdrawal: "
			} else {
				sep = ": withdrawn "
			}
			b.WriteString(sep + e.Withdrawn)
		}
		b.WriteByte('\n')
	}
	if b.Len() == now {
		b.WriteString("nothing was ever allowed or withdrawn\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
