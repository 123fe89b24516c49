// preflight_changelog.go looks whether the changelog of consents is open under these keys, and whether workers would believe
// the store.

package main

import (
	"context"
	"slices"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/kafka/changelog"
	"github.com/consentry/consentry/keys"
)

const (
	changelogCheck = "consent changelog"
	startOwner     = "consentry consent sync &"
)

// beforeConsents puts what was found about the changelog before the first step that makes consents: they need it open.
func beforeConsents(all, log []kafka.Finding) []kafka.Finding {
	at := slices.IndexFunc(all, func(f kafka.Finding) bool { return f.Run == simulateAll })
	if at < 0 {
		at = len(all)
	}
	return slices.Insert(all, at, log...)
}

// changelog asks the log and the store; ring is nil where the keys cannot be read. Brokers and topics were looked at before.
func (f *findings) changelog(ctx context.Context, ring *keys.Ring) error {
	if f.cfg.Consent.Changelog == nil {
		return nil
	}
	b, err := openBook(f.cfg)
	if err != nil {
		return err
	}
	defer b.close()
	s, err := b.log.Standing(ctx)
	cause, _ := kafka.CauseOf(err, "")
	switch {
	case err != nil && cause == kafka.TopicMissing:
		// Which topic, and the command that makes it, stands above.
		f.neverOpened(ctx, b, 0)
		return nil
	case err != nil:
		f.add(kafka.Fail, changelogCheck, "", "it cannot be looked at yet: %s", nextOf(err))
		return nil
	}
	f.houseKey(ctx, b, ring)
	switch {
	case s.Lost:
		f.add(kafka.Fail, changelogCheck, "", "%v", changelog.ErrLost)
	case s.Single || s.Shut:
		f.owner(ctx, b)
		f.add(kafka.Fail, changelogCheck, "consentry consent rebuild --from-store",
			"the store holds the consents of a single-store deployment; owners (consentry consent sync) must run while they are moved into the log")
	case s.Held > 0:
		f.owner(ctx, b)
		f.add(kafka.Fail, changelogCheck, "consentry consent accept-epoch --import FILE", "it was to open when a file is loaded, and is held until then")
	case s.Open < consent.Shards:
		f.neverOpened(ctx, b, s.Open)
	case s.Believed < consent.Shards:
		f.add(kafka.Warn, changelogCheck, "consentry run", "epoch %d is open, and %d of %d shards have no fresh heartbeat: no owner runs, or it still fills the store",
			s.Epoch, consent.Shards-s.Believed, consent.Shards)
	default:
		f.add(kafka.OK, changelogCheck, "", "epoch %d is open, and owners vouch for all shards", s.Epoch)
		f.copied(ctx, b.store)
	}
	return nil
}

// neverOpened names the steps of a deployment that begins, unless the store remembers that it is none.
func (f *findings) neverOpened(ctx context.Context, b *book, open int) {
	found, err := b.store.Inspect(ctx)
	switch {
	case err != nil:
		f.add(kafka.Fail, changelogCheck, "", "the store cannot be looked through: %s", nextOf(err))
	case open == 0 && found.Kafka:
		f.add(kafka.Fail, changelogCheck, "", "%v", changelog.ErrLost)
	case open == 0 && found.Epoch != 0:
		f.owner(ctx, b)
		f.add(kafka.Fail, changelogCheck, "consentry consent rebuild --from-store",
			"the store holds the consents of a single-store deployment, which are to be moved into the log")
	default:
		f.owner(ctx, b)
		f.add(kafka.Fail, changelogCheck, "consentry consent accept-epoch", "it was never opened (%d of %d shards are)", open, consent.Shards)
	}
}

// owner reports that nobody is there to do what the next step asks for.
func (f *findings) owner(ctx context.Context, b *book) {
	if owned, err := b.log.Owned(ctx); err == nil && owned {
		return
	}
	f.add(kafka.Fail, changelogCheck, startOwner, "no owner runs that could open it: consentry consent sync, or consentry run, waits for that")
}

// houseKey compares the keys that verbs and workers would use with those that named the subjects; it leaves no trace.
func (f *findings) houseKey(ctx context.Context, b *book, ring *keys.Ring) {
	if ring == nil {
		return // said already
	}
	house, err := b.log.House(ctx)
	if err == nil && house == "" {
		house, err = b.store.Printed(ctx, keys.House)
	}
	switch {
	case err != nil:
		f.add(kafka.Fail, "keys", "", "whether these keys belong to the changelog cannot be told: %v", err)
	case house != "" && house != ring.Fingerprints()[keys.House]:
		f.add(kafka.Fail, "keys", "", "%s has another house key than the one that names subjects in the changelog: mount the key folder of this deployment", f.cfg.Keys.Dir)
	}
}

// copied tells what the store has of an open log.
func (f *findings) copied(ctx context.Context, store *consent.Store) {
	found, err := store.Inspect(ctx)
	if err != nil {
		f.add(kafka.Fail, "consent store", "", "it cannot be looked through: %s", nextOf(err))
		return
	}
	if found.Lines == 0 {
		f.add(kafka.Warn, "consent store", f.consents(), "it holds no consent: every event will be withheld")
	}
	for _, partner := range found.Stopped {
		// The flag may be one of a former epoch.
		if stopped, err := store.Stopped(ctx, partner); err != nil || stopped {
			f.add(kafka.Warn, "consent store", "consentry resume "+partner, "partner %s is stopped", partner)
		}
	}
}
