// changes.go is where a verb's changes of consents go: into the one Redis, or through the changelog, as the configuration
// says.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
)

// changes makes changes and returns when they hold.
type changes interface {
	// apply makes one change of a subject. now says that a grant holds since its acceptance.
	apply(ctx context.Context, id consent.ID, ch consent.Change, now bool, evidence string) (consent.Result, error)
	protect(ctx context.Context, id consent.ID, on bool, evidence string) (consent.Result, error)
	// stop sets a partner's stop flag, resume lifts it; both say when it held.
	stop(ctx context.Context, partner, reason string) (time.Time, error)
	resume(ctx context.Context, partner, reason string) (time.Time, error)
}

// book is the store of a configuration and the way into it.
type book struct {
	changes
	cfg   *config.Config
	store *consent.Store
	log   *changelog.Client // nil where one Redis holds the truth
}

// openBook makes the clients; it does not connect.
func openBook(cfg *config.Config) (*book, error) {
	store, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Consent.Changelog == nil {
		return &book{changes: single{store}, cfg: cfg, store: store}, nil
	}
	conn, err := connectionOf(cfg)
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	log, err := changelog.NewClient(changelog.ClientOptions{
		Connection: conn, Group: cfg.Kafka.Group, Requests: cfg.Consent.Changelog.Requests, State: cfg.Consent.Changelog.State,
		Store: store, Stale: cfg.Consent.ParkWhenStale,
	})
	if err != nil {
		_ = store.Close()
		return nil, &exitError{code: exitFailed, err: err}
	}
	return &book{changes: logged{log}, cfg: cfg, store: store, log: log}, nil
}

// openLog is openBook for a verb that has no meaning without the changelog.
func openLog(cfg *config.Config) (*book, error) {
	if cfg.Consent.Changelog == nil {
		return nil, usage("this needs the truth about consents in Kafka, and the configuration has no consent.changelog")
	}
	return openBook(cfg)
}

func (b *book) close() {
	if b.log != nil {
		b.log.Close()
	}
	_ = b.store.Close()
}

// failed gives an error its exit code and says which of the two does not answer.
func (b *book) failed(err error) error {
	if err == nil {
		return nil
	}
	var trouble interface{ Cause() string }
	if b.log == nil || errors.As(err, new(*consent.Sick)) || !errors.As(err, &trouble) {
		return storeFailed(b.cfg, err)
	}
	return brokersFailed(b.cfg, err)
}

// single changes the one Redis that holds the truth.
type single struct{ store *consent.Store }

func (s single) apply(ctx context.Context, id consent.ID, ch consent.Change, now bool, _ string) (consent.Result, error) {
	if now {
		// The store's clock, by which withdrawals count, and not this machine's.
		at, err := s.store.Clock(ctx)
		if err != nil {
			return consent.Result{}, err
		}
		ch.AtMS = at.UnixMilli()
		if problem := ch.Problem(); problem != "" {
			return consent.Result{}, usage("%s", problem)
		}
	}
	return s.store.Apply(ctx, id, ch)
}

func (s single) protect(ctx context.Context, id consent.ID, on bool, _ string) (consent.Result, error) {
	at, err := s.store.Protect(ctx, id, on)
	return consent.Result{AcknowledgedAtMS: at.UnixMilli(), InForce: true, Effect: consent.Made}, err
}

func (s single) stop(ctx context.Context, partner, reason string) (time.Time, error) {
	return s.store.Stop(ctx, partner, reason)
}

func (s single) resume(ctx context.Context, partner, _ string) (time.Time, error) {
	return s.store.Resume(ctx, partner)
}

// logged appends requests and waits for the owners.
type logged struct{ log *changelog.Client }

func (l logged) apply(ctx context.Context, id consent.ID, ch consent.Change, now bool, evidence string) (consent.Result, error) {
	if now {
		ch.Stated, ch.AtMS = false, 0
	}
	return l.ask(ctx, consent.Request{Kind: consent.KindOf(ch.Action), ID: id, Change: ch, SinceNow: now, Evidence: evidence})
}

func (l logged) protect(ctx context.Context, id consent.ID, on bool, evidence string) (consent.Result, error) {
	kind := consent.AskUnprotect
	if on {
		kind = consent.AskProtect
	}
	return l.ask(ctx, consent.Request{Kind: kind, ID: id, Evidence: evidence})
}

func (l logged) stop(ctx context.Context, partner, reason string) (time.Time, error) {
	return l.flag(ctx, consent.Request{Kind: consent.AskStop, Partner: partner, Reason: reason})
}

func (l logged) resume(ctx context.Context, partner, reason string) (time.Time, error) {
	return l.flag(ctx, consent.Request{Kind: consent.AskResume, Partner: partner, Reason: reason})
}

func (l logged) flag(ctx context.Context, r consent.Request) (time.Time, error) {
	res, err := l.ask(ctx, r)
	if err == nil && res.Effect.Refused() {
		err = errors.New("refused: " + res.Effect.Reason())
	}
	return time.UnixMilli(res.AcknowledgedAtMS).UTC(), err
}

func (l logged) ask(ctx context.Context, r consent.Request) (consent.Result, error) {
	r.ReqID = changelog.RandomID()
	if problem := r.Problem(); problem != "" {
		return consent.Result{}, usage("%s", problem)
	}
	outs, err := l.log.Ask(ctx, r)
	if err != nil {
		return consent.Result{}, err
	}
	return outs[0].Result(), nil
}

// heldBack says on stderr that what was loaded is merged, and in force only when somebody has opened the log.
func (b *book) heldBack(ctx context.Context, a *app) {
	if b.log == nil {
		return
	}
	s, err := b.log.Standing(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(a.err, "note: the rows are merged; whether the changelog is open cannot be seen (%v)\n", err)
	case s.Held > 0:
		fmt.Fprintln(a.err, "note: the changelog is held until a file is loaded: nothing of this is in force before consentry consent accept-epoch --import FILE has come to its end")
	case s.Open < consent.Shards:
		fmt.Fprintln(a.err, "note: the changelog was never opened: withdrawals of this file are merged, grants are refused; run consentry consent accept-epoch --import FILE")
	}
}

// unheard says on stderr that what the store shows is not all: no owner vouches for it.
func (b *book) unheard(ctx context.Context, a *app, shard int) {
	if b.log == nil {
		return
	}
	if why := b.log.Doubt(ctx, shard); why != "" {
		fmt.Fprintf(a.err, "note: workers do not believe this at the moment: the subject's shard %s\n", why)
	}
}
