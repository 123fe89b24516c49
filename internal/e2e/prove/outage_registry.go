package main

// The registries go away: workers that know their schemas go on, one that starts meanwhile waits.

import (
	"context"
	"errors"
	"time"
)

func registriesGone(ctx context.Context, s *stage, row *outageRow) error {
	at := time.Now()
	if err := errors.Join(s.h.TB.Raw.Stop(), s.h.TB.Partner.Stop()); err != nil {
		return err
	}
	down := time.Now()
	if _, err := s.optOut(ctx, 3); err != nil {
		return err
	}
	if err := hold(ctx, 8*time.Second); err != nil {
		return err
	}
	s.untouched(ctx, at, down, partners...)
	return errors.Join(s.h.TB.Raw.Start(ctx), s.h.TB.Partner.Start(ctx))
}

func registriesGoneAtStart(ctx context.Context, s *stage, row *outageRow) error {
	const one = 0
	if err := errors.Join(s.h.TB.Raw.Stop(), s.h.TB.Partner.Stop()); err != nil {
		return err
	}
	at, err := s.restart(ctx, one)
	if err != nil {
		return err
	}
	row.cause = "registry_unreachable"
	shown, err := s.watch.reachOn(ctx, time.Minute, at, one, partners, func(v sighting) bool {
		return v.state == "parked" && v.cause == row.cause && v.next != ""
	})
	if err != nil {
		return err
	}
	row.parked = shown.Sub(at)
	if _, err := s.optOut(ctx, 3); err != nil {
		return err
	}
	if err := hold(ctx, 3*time.Second); err != nil {
		return err
	}
	for _, st := range streams { // the other worker's partitions
		if _, err := s.arrives(ctx, st.topic, shown); err != nil {
			return err
		}
	}
	if err := s.h.TB.Partner.Start(ctx); err != nil {
		return err
	}
	back := time.Now()
	// globex reads JSON by a schema file: it needs the raw registry no more. The others meet events of a schema that
	// nobody can tell them.
	if _, err := s.watch.reachOn(ctx, time.Minute, back, one, []string{"globex"}, func(v sighting) bool { return v.state == "running" }); err != nil {
		return err
	}
	if _, err := s.watch.reachOn(ctx, time.Minute, back, one, others("globex"), func(v sighting) bool {
		return v.state == "parked" && v.cause == row.cause
	}); err != nil {
		return err
	}
	s.r.say("the partner registry is back: globex runs, acme-ads and initech wait for the raw one")
	if err := s.h.TB.Raw.Start(ctx); err != nil {
		return err
	}
	row.resumed, err = s.resumed(ctx, time.Now(), partners...)
	return err
}
