// consent_accept.go takes a person's word that a single store as it stands is right. consent_open.go does so for a changelog.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
)

func acceptEpochCommand(a *app) *cobra.Command {
	var file string
	var history, yes bool
	c := &cobra.Command{
		Use:   "accept-epoch",
		Short: "Say that the store as it stands is right",
		Long: "Say that the store as it stands (new, emptied, restored) is right. Workers wait until somebody does, since a store that\n" +
			"lost withdrawals looks like any other. It prints what it finds and asks. With --import the store opens only when the\n" +
			"file is loaded. It may be cut short anywhere: nothing is released meanwhile, and running it again completes it.\n\n" +
			"With consent.changelog it opens the log, once, and binds it for good to the house key in keys.dir: with another key\n" +
			"folder nothing can be changed then. Owners (consentry run, or consentry consent sync) must run. Later an emptied or\n" +
			"restored store is filled from the log, and nobody is asked.",
		Example: "  consentry consent accept-epoch --import consents.csv --yes",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if history && file == "" {
				return usage("--history says how --import reads its file; there is none")
			}
			if file == "-" && !yes {
				return usage("--import - needs --yes: standard input cannot be the file and the answer")
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
			if b.log != nil {
				return a.acceptLog(c.Context(), b, file, history, yes)
			}
			return a.acceptEpoch(c.Context(), b, file, history, yes)
		},
	}
	c.Flags().StringVar(&file, "import", "", "load this file before the store opens")
	c.Flags().BoolVar(&history, "history", false, "the file is history: a withdrawal counts from the time that it states")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// errDoubtful keeps the store closed.
var errDoubtful = errors.New("the store stays closed: refused rows may be withdrawals; mend them and run accept-epoch again")

func (a *app) acceptEpoch(ctx context.Context, b *book, file string, history, yes bool) error {
	cfg, store := b.cfg, b.store
	found, err := store.Inspect(ctx)
	if err != nil {
		return storeFailed(cfg, err)
	}
	switch {
	case found.Epoch == 0 && found.Lines == 0:
		fmt.Fprintln(a.out, "the store is new or empty")
	case found.Open:
		fmt.Fprintf(a.out, "the store is open, epoch %d\n", found.Epoch)
	default:
		fmt.Fprintf(a.out, "the store is not open, last epoch %d\n", found.Epoch)
	}
	fmt.Fprintf(a.out, "subjects: %d\n", found.Lines)
	stopped := "none"
	if len(found.Stopped) > 0 {
		stopped = strings.Join(found.Stopped, ", ")
	}
	fmt.Fprintf(a.out, "stopped partners: %s\n", stopped)
	problems, err := store.Unsafe(ctx)
	if err != nil {
		return storeFailed(cfg, err)
	}
	for _, p := range problems {
		fmt.Fprintln(a.err, "warning: workers will park:", p)
	}
	var done consent.Loaded
	var load func(context.Context, consent.Writer) error
	if file != "" {
		// Before the store is closed: a slip in the file's name must not leave every partner waiting.
		im, err := a.openImport(ctx, b, file, history)
		if err != nil {
			return err
		}
		defer im.file.Close()
		load = func(ctx context.Context, w consent.Writer) error {
			var err error
			if done, err = im.load(ctx, w); err == nil && done.Doubtful > 0 {
				err = errDoubtful
			}
			return err
		}
	}
	if !yes && !a.confirm("Is this all that subjects have allowed and withdrawn? Events wait until you say yes. [y/N] ") {
		return &exitError{code: exitFailed, err: errors.New("not accepted; nothing was changed")}
	}
	said := time.Now()
	epoch, err := store.Accept(ctx, load, func(n int) {
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			fmt.Fprintf(a.err, "%d keys moved\n", n)
		}
	})
	if err != nil {
		if ee := (*exitError)(nil); errors.As(err, &ee) {
			return err
		}
		return storeFailed(cfg, err)
	}
	fmt.Fprintf(a.out, "the store is open, epoch %d\n", epoch)
	return refusedRows(done)
}

// confirm asks a question on stderr; only y or yes is a yes.
func (a *app) confirm(question string) bool {
	fmt.Fprint(a.err, question)
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
