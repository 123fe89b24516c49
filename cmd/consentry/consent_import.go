// consent_import.go loads files of consents and accepts the store.

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
)

func importCommand(a *app) *cobra.Command {
	var history bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Make the changes of a CSV file",
		Long: "Make the changes of a CSV file, - for standard input. The header is\n  " + consent.Header + "\n" +
			"action is grant, withdraw or withdraw-all; categories are separated by spaces; linked is true or false; times are RFC 3339.\n" +
			"Rows that are refused or void are named by line and reason, and the rest goes on. Exit 1 if any was refused. Running a\n" +
			"file again is harmless; with consent.changelog a load of a file that was cut short goes on where it stopped.",
		Example: "  consentry consent import consents.csv",
		Args:    one("FILE, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			b, err := openBook(cfg)
			if err != nil {
				return err
			}
			defer b.close()
			im, err := a.openImport(c.Context(), cfg, b.store, args[0], history)
			if err != nil {
				return err
			}
			defer im.file.Close()
			done, err := im.loadInto(c.Context(), b)
			if err != nil {
				return err
			}
			return refusedRows(done)
		},
	}
	c.Flags().BoolVar(&history, "history", false, "the file is history: a withdrawal counts from the time that it states")
	return c
}

func refusedRows(done consent.Loaded) error {
	if done.Refused == 0 {
		return nil
	}
	return &exitError{code: exitFailed, err: fmt.Errorf("%d rows were refused", done.Refused)}
}

// importing is a file of changes that is open and begins as it should.
type importing struct {
	a     *app
	cfg   *config.Config
	names *subjects
	rows  *consent.Rows
	file  io.Closer
	// sum names the file and how it is read, for a load that goes on; zero for what cannot be read twice.
	sum [sha256.Size]byte
}

// openImport finds everything that is wrong before the first row: the file, the key folder, the header.
func (a *app) openImport(ctx context.Context, cfg *config.Config, store *consent.Store, path string, history bool) (*importing, error) {
	im := &importing{a: a, cfg: cfg, file: io.NopCloser(nil)}
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage("the import file cannot be opened: %s", whyNot(err))
		}
		in, im.file = f, f
		if cfg.Consent.Changelog != nil {
			if im.sum, err = sumOf(f, history); err != nil {
				f.Close()
				return nil, &exitError{code: exitFailed, err: err}
			}
		}
	}
	var err error
	if im.names, err = openSubjects(ctx, cfg, store); err == nil {
		if im.rows, err = consent.ReadRows(in, history); err != nil {
			err = &exitError{code: exitFailed, err: err}
		}
	}
	if err != nil {
		im.file.Close()
		return nil, err
	}
	return im, nil
}

// sumOf names a file by its bytes and the way in which it is read; a pipe has no name.
func sumOf(f *os.File, history bool) (sum [sha256.Size]byte, err error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return sum, nil
	}
	h := sha256.New()
	if history {
		h.Write([]byte("history "))
	}
	if _, err := io.Copy(h, f); err != nil {
		return sum, errors.New("the import file cannot be read")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return sum, errors.New("the import file cannot be read twice")
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// loadInto makes the changes where the configuration has its consents.
func (im *importing) loadInto(ctx context.Context, b *book) (consent.Loaded, error) {
	if b.log == nil {
		return im.load(ctx, b.store)
	}
	say, began := im.a.every2s(), time.Now()
	read := 0
	done, err := b.log.Load(ctx, im.rows, changelog.Import{
		File: im.sum, Name: im.names.id, Check: im.check, Report: im.report,
		Progress: func(rows, merged int) {
			read = rows
			say("%d rows read, %d merged, %.0f a second\n", rows, merged, float64(merged)/time.Since(began).Seconds())
		},
		Resumed: func(line int) {
			fmt.Fprintf(im.a.err, "going on after line %d, up to which an earlier run has appended everything\n", line)
		},
	})
	if err != nil {
		again := "run the file again, which goes on there"
		if im.sum == [sha256.Size]byte{} {
			again = "run it again from the beginning"
		}
		return done, &exitError{code: exitFailed, err: fmt.Errorf("stopped after line %d, up to which all is in the log; %s: %w", done.Line, again, err)}
	}
	if seconds := time.Since(began).Seconds(); seconds > 2 {
		fmt.Fprintf(im.a.err, "%d rows in %.1f s\n", read, seconds)
	}
	fmt.Fprintf(im.a.out, "made %d, void %d, refused %d\n", done.Made, done.Void, done.Refused)
	return done, nil
}

func (im *importing) check(ch consent.Change) string { return unknownPair(im.cfg, ch) }

func (im *importing) report(line int, kind, reason string) {
	fmt.Fprintf(im.a.out, "line %d: %s: %s\n", line, kind, reason)
}

// load makes the changes through w and prints what became of them.
func (im *importing) load(ctx context.Context, w consent.Writer) (consent.Loaded, error) {
	said := time.Now()
	loading := consent.Loading{
		Name:  im.names.id,
		Check: im.check, Report: im.report,
		Progress: func(n int) {
			if time.Since(said) > 2*time.Second {
				said = time.Now()
				fmt.Fprintf(im.a.err, "%d rows\n", n)
			}
		},
	}
	done, err := loading.Load(ctx, im.rows, w)
	if err != nil {
		return done, &exitError{code: exitFailed, err: fmt.Errorf(
			"stopped after line %d, up to which all is in the store; run the file again: %w", done.Line, err)}
	}
	fmt.Fprintf(im.a.out, "made %d, void %d, refused %d\n", done.Made, done.Void, done.Refused)
	return done, nil
}

func acceptEpochCommand(a *app) *cobra.Command {
	var file string
	var history, yes bool
	c := &cobra.Command{
		Use:   "accept-epoch",
		Short: "Say that the store as it stands is right",
		Long: "Say that the store as it stands (new, emptied, restored) is right. Workers wait until somebody does, since a store that\n" +
			"lost withdrawals looks like any other. It prints what it finds and asks. With --import the store opens only when the\n" +
			"file is loaded. It may be cut short anywhere: nothing is released meanwhile, and running it again completes it.\n\n" +
			"With consent.changelog it opens the log, once; owners (consentry run, or consentry consent sync) must run. Later an\n" +
			"emptied or restored store is filled from the log, and nobody is asked.",
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
			return a.acceptEpoch(c.Context(), cfg, b.store, file, history, yes)
		},
	}
	c.Flags().StringVar(&file, "import", "", "load this file before the store opens")
	c.Flags().BoolVar(&history, "history", false, "the file is history: a withdrawal counts from the time that it states")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// errDoubtful keeps the store closed.
var errDoubtful = errors.New("the store stays closed: refused rows may be withdrawals; mend them and run accept-epoch again")

func (a *app) acceptEpoch(ctx context.Context, cfg *config.Config, store *consent.Store, file string, history, yes bool) error {
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
		im, err := a.openImport(ctx, cfg, store, file, history)
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
