package processor

// Consent as somebody at the command line supposes it: for explain without a store.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/consentry/consentry/consent"
)

// Assumed answers every subject with the same grants, given at the explained event's own time: the latest that still
// covers it. It never stands in a worker.
type Assumed struct {
	grants []consent.Entry
	now    time.Time
	since  int64
}

// ErrGrant says how a grant is written; it does not repeat what was.
var ErrGrant = errors.New("a grant is partner/purpose:category,category (with ! before the colon for a consent to be linked), each pair once")

// NewAssumed reads grants of the form partner/purpose[!]:category,category. now is the store's clock.
func NewAssumed(grants []string, now time.Time) (*Assumed, error) {
	a := &Assumed{now: now}
	for _, g := range grants {
		line, ok := consent.Parse([]byte(g + "@0-"))
		if !ok || len(line.Entries) != 1 || line.AllMarked || line.Entries[0].Marked || line.Entries[0].Grant == nil || strings.Contains(g, "@") {
			return nil, ErrGrant
		}
		a.grants = append(a.grants, line.Entries[0])
	}
	for i, g := range a.grants {
		for _, other := range a.grants[:i] {
			if other.Partner == g.Partner && other.Purpose == g.Purpose {
				return nil, ErrGrant
			}
		}
	}
	return a, nil
}

// Ask implements consent.Asker. Each partner is told of its own grants only, which keeps the line in order.
func (a *Assumed) Ask(_ context.Context, partner string, ids []consent.ID, snap *consent.Snapshot) error {
	var line consent.Line
	for _, g := range a.grants {
		if g.Partner != partner {
			continue
		}
		grant := *g.Grant
		grant.SinceMS = a.since
		line.Entries = append(line.Entries, consent.Entry{Partner: g.Partner, Purpose: g.Purpose, Grant: &grant})
	}
	slices.SortFunc(line.Entries, func(a, b consent.Entry) int { return strings.Compare(a.Purpose, b.Purpose) })
	var text []byte
	if len(line.Entries) > 0 {
		text = line.Append(nil)
	}
	*snap = consent.Snapshot{AskedAt: a.now, StoreMS: a.now.UnixMilli(), Epoch: 1}
	for range ids {
		snap.Lines = append(snap.Lines, text)
	}
	return nil
}
