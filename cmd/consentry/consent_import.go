// consent_import.go loads files of consents.

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
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
			im, err := a.openImport(c.Context(), b, args[0], history)
			if err != nil {
				return err
			}
			defer im.file.Close()
			done, err := im.loadInto(c.Context(), b)
			if err != nil {
				return err
			}
			b.heldBack(c.Context(), a)
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
	part  func() string // how much of the file has been read, " (12 %)"; empty where that cannot be said
	// sum names the file and how it is read, for a load that goes on; zero for what cannot be read twice.
	sum [sha256.Size]byte
}

// openImport finds everything that is wrong before the first row: the file, the key folder, the header.
func (a *app) openImport(ctx context.Context, b *book, path string, history bool) (*importing, error) {
	im := &importing{a: a, cfg: b.cfg, file: io.NopCloser(nil), part: func() string { return "" }}
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage("the import file cannot be opened: %s", whyNot(err))
		}
		in, im.file = f, f
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			im.part = func() string {
				at, err := f.Seek(0, io.SeekCurrent)
				if err != nil {
					return ""
				}
				return fmt.Sprintf(" (%d %%)", 100*at/info.Size())
			}
		}
		if b.log != nil {
			if im.sum, err = sumOf(f, history); err != nil {
				f.Close()
				return nil, &exitError{code: exitFailed, err: err}
			}
		}
	}
	var err error
	if im.names, err = b.subjects(ctx); err == nil {
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
	read, resumed := 0, ""
	// Of this run alone: what an earlier one had merged came in no time.
	former := -1
	done, err := b.log.Load(ctx, im.rows, changelog.Import{
		File: im.sum, Name: im.names.id, Check: im.check, Report: im.report,
		Progress: func(rows, merged int) {
			if read = rows; former < 0 {
				former = merged
			}
			say("%d rows read%s, %d merged, %.0f a second\n", rows, im.part(), merged, float64(merged-former)/time.Since(began).Seconds())
		},
		Resumed: func(line int) {
			resumed = fmt.Sprintf(" (new: those after line %d)", line)
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
		fmt.Fprintf(im.a.err, "%d rows%s in %.1f s\n", read, resumed, seconds)
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
				fmt.Fprintf(im.a.err, "%d rows%s\n", n, im.part())
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
