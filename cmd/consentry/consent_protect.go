// consent_protect.go keeps a subject's events from every partner, whatever was allowed: a protected line.

package main

import (
	"context"

	"github.com/spf13/cobra"
)

func protectCommand(a *app) *cobra.Command {
	return protection(a, true, &cobra.Command{
		Use:   "protect",
		Short: "Keep a subject's events from every partner, whatever was allowed",
		Long: "Keep a subject's events from every partner, whatever the subject has allowed: for people who would be in danger. It\n" +
			"acts as quickly as a withdrawal, ends nothing that was allowed, and stands until unprotect.",
		Example: "  consentry consent protect --subject -",
	})
}

func unprotectCommand(a *app) *cobra.Command {
	return protection(a, false, &cobra.Command{
		Use:     "unprotect",
		Short:   "Take a subject's protection back; what it has allowed holds again",
		Example: "  consentry consent unprotect --subject -",
	})
}

func protection(a *app, on bool, c *cobra.Command) *cobra.Command {
	var f changeFlags
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error { return a.protect(c.Context(), &f, on) }
	f.register(c)
	return c
}

func (a *app) protect(ctx context.Context, f *changeFlags, on bool) error {
	if f.subject == "" {
		return usage("--subject is missing; --subject - reads it from standard input")
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return err
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
	r, err := b.protect(ctx, id, on, f.evidence)
	if err != nil {
		return b.failed(err)
	}
	a.noteEvidence(b, f.evidence)
	return a.printResult(r, f.json)
}
