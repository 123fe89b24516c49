package registry

// A schema never changes, so it is kept for ever; a registry that was emptied and filled again hands its ids out anew.
// So the ids in use are looked at again now and then, beside the events: an id with another text parks, one that cannot
// be asked for, or is not there, changes nothing.

import (
	"context"
	"time"

	"github.com/consentry/consentry/schema"
)

const (
	lookEvery   = time.Minute
	lookTimeout = 10 * time.Second
)

// look is what is known of an id's text beside its first reading.
type look struct {
	at      time.Time // when it was last asked for
	asking  bool
	changed bool
}

// changed tells whether an id in use has been seen with another text, and asks again when it is time. It does not wait
// for the answer: events go on until it is here.
func (r *Resolver) changed(id int) bool {
	now := r.now()
	r.mu.RLock()
	l, known := r.looks[id]
	r.mu.RUnlock()
	if known && !l.asking && now.Sub(l.at) < lookEvery && !l.changed {
		return false
	}
	r.mu.Lock()
	l, known = r.looks[id]
	due := !known || now.Sub(l.at) >= lookEvery || l.changed && now.Sub(l.at) >= askEvery
	if known && (l.asking || !due) {
		r.mu.Unlock()
		return l.changed
	}
	// The first look is due a minute after the first reading.
	r.looks[id] = look{at: now, asking: known, changed: l.changed}
	r.mu.Unlock()
	if known {
		r.aside(func() { r.lookAgain(id) })
	}
	return l.changed
}

func (r *Resolver) lookAgain(id int) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	s, err := r.client.ByID(ctx, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.looks[id]
	l.asking = false
	if kept, ok := r.texts[id]; ok && err == nil {
		l.changed = !schema.SameText(s.Text, kept.Text)
	}
	r.looks[id] = l
}
