// preflight_changelog.go looks whether the changelog of consents is open, and whether workers would believe the store.

package main

import (
	"context"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/kafka/changelog"
)

// changelog asks the log and the store. Brokers and topics were looked at before.
func (f *findings) changelog(ctx context.Context) error {
	if f.cfg.Consent.Changelog == nil {
		return nil
	}
	b, err := openBook(f.cfg)
	if err != nil {
		return err
	}
	defer b.close()
	const check = "consent changelog"
	s, err := b.log.Standing(ctx)
	switch {
	case err != nil:
		f.add(kafka.Fail, check, "", "it cannot be looked at yet: %s", nextOf(err))
	case s.Lost:
		f.add(kafka.Fail, check, "", "%v", changelog.ErrLost)
	case s.Single || s.Shut:
		f.add(kafka.Fail, check, "consentry consent rebuild --from-store",
			"the store holds the consents of a single-store deployment; owners (consentry consent sync) must run while they are moved into the log")
	case s.Held > 0:
		f.add(kafka.Fail, check, "consentry consent accept-epoch --import FILE", "it was to open when a file is loaded, and is held until then")
	case s.Open < consent.Shards:
		f.add(kafka.Fail, check, "consentry consent accept-epoch",
			"it was never opened (%d of %d shards are); owners (consentry run, which waits for this, or consentry consent sync) must run meanwhile", s.Open, consent.Shards)
	case s.Believed < consent.Shards:
		f.add(kafka.Warn, check, "consentry run", "epoch %d is open, and %d of %d shards have no fresh heartbeat: no owner runs, or it still fills the store",
			s.Epoch, consent.Shards-s.Believed, consent.Shards)
	default:
		f.add(kafka.OK, check, "", "epoch %d is open, and owners vouch for all shards", s.Epoch)
	}
	return nil
}
