// consent_open.go opens a new changelog on a person's word.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
)

// openWait bounds the opening of all shards, once owners run.
const openWait = time.Minute

// acceptLog prints what the log and the store hold, asks, and opens the log; with a file it opens only when that is
// loaded.
func (a *app) acceptLog(ctx context.Context, b *book, file string, history, yes bool) error {
	s, err := b.log.Standing(ctx)
	if err != nil {
		return b.failed(err)
	}
	found, err := b.store.Inspect(ctx)
	if err != nil {
		return b.failed(err)
	}
	if s.Single || s.Shut {
		return &exitError{code: exitFailed, err: fmt.Errorf(
			"the store holds the consents of a single-store deployment, subjects: %d; move them into the log with consentry consent rebuild --from-store", found.Lines)}
	}
	if s.Lost {
		return &exitError{code: exitFailed, err: changelog.ErrLost}
	}
	if s.Open == consent.Shards && s.Held == 0 {
		fmt.Fprintf(a.out, "the changelog is open, epoch %d; workers believe %d of %d shards at this moment\n", s.Epoch, s.Believed, consent.Shards)
		if file != "" {
			return &exitError{code: exitFailed, err: errors.New("it is open, so nothing was loaded; load the file with consentry consent import")}
		}
		fmt.Fprintln(a.out, "nothing is to be accepted: owners fill an emptied or restored store from the log by themselves")
		return nil
	}
	switch {
	case s.Held > 0:
		fmt.Fprintf(a.out, "the changelog is held, epoch %d: it was to open when a file is loaded\n", s.Epoch)
	case s.Open > 0:
		fmt.Fprintf(a.out, "the changelog is open in %d of %d shards, epoch %d\n", s.Open, consent.Shards, s.Epoch)
	default:
		fmt.Fprintln(a.out, "the changelog was never opened")
	}
	question := "Is this all that subjects have allowed and withdrawn? Events wait until you say yes. [y/N] "
	if s.Held > 0 && file == "" {
		if yes {
			return &exitError{code: exitFailed, err: errors.New("not opened: not all of the file that was to be loaded is; run consentry consent accept-epoch --import FILE with it; " +
				"to open without it, run this without --yes and answer")}
		}
		question = "A file was to be loaded first, and not all of it is: withdrawals may be missing. Open it all the same? [y/N] "
	}
	fmt.Fprintf(a.out, "records in the state topic, with marks: %d, subjects in the store: %d\n", s.Records, found.Lines)
	problems, err := b.store.Unsafe(ctx)
	if err != nil {
		return b.failed(err)
	}
	for _, p := range problems {
		fmt.Fprintln(a.err, "warning: workers will park:", p)
	}
	var im *importing
	if file != "" {
		// Before anything is opened: a slip in the file's name must leave everything as it was.
		if im, err = a.openImport(ctx, b, file, history); err != nil {
			return err
		}
		defer im.file.Close()
	}
	// From then on the log says which house key names its subjects.
	names, err := b.subjects(ctx)
	if err != nil {
		return err
	}
	if !names.bound {
		fmt.Fprintf(a.out, "subjects are named by the house key in %s: opening binds the log to that key for good, and under another key folder nothing can be changed\n", b.cfg.Keys.Dir)
	}
	if !yes && !a.confirm(question) {
		return &exitError{code: exitFailed, err: errors.New("not accepted; nothing was changed")}
	}
	o := changelog.Opening{Epoch: s.NextEpoch(), House: names.print, Wait: openWait}
	if s.Epoch > 0 {
		o.Epoch = s.Epoch
	}
	done, err := a.openShards(ctx, b, o, im)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "the changelog is open, epoch %d\n", o.Epoch)
	return refusedRows(done)
}

// openShards opens all shards; with a file it first opens them for the owners alone.
func (a *app) openShards(ctx context.Context, b *book, o changelog.Opening, im *importing) (done consent.Loaded, err error) {
	defer a.waitingForOwner()()
	if im != nil {
		o.Hold = true
		if _, err := b.log.Open(ctx, o); err != nil {
			return done, b.failed(err)
		}
		if done, err = im.loadInto(ctx, b); err != nil {
			return done, err
		}
		if done.Doubtful > 0 {
			return done, &exitError{code: exitFailed, err: errDoubtful}
		}
	}
	o.Hold = false
	if _, err := b.log.Open(ctx, o); err != nil {
		return done, b.failed(err)
	}
	return done, nil
}
