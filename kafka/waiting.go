// What the admin listener says before there is a Worker: the policies cannot be compiled, or the keys not be read, until
// something outside answers. To whoever asks it looks like every other parked partner.

package kafka

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/consentry/consentry/policy"
)

// Waiting stands in for a Worker that cannot be built yet. Safe for concurrent use.
type Waiting struct {
	w     *Worker
	ready atomic.Pointer[Worker]
}

// NewWaiting knows of the partners no more than their names. sync, where there is one, works all the while.
func NewWaiting(partners []string, instance, lanes int, version string, roles []string, sync Companion, log *zap.Logger) *Waiting {
	set := &policy.Set{}
	for _, name := range partners {
		set.Partners = append(set.Partners, &policy.Partner{Name: name})
	}
	w := &Worker{opt: Options{Policy: set, Lanes: lanes, Version: version, Roles: roles, Sync: sync, Log: log, Now: time.Now},
		instance: strconv.Itoa(instance), metrics: newMetrics(set, version)}
	w.metrics.join(sync)
	for _, p := range set.Partners {
		w.partners = append(w.partners, newPartner(w, p))
	}
	return &Waiting{w: w}
}

// For says why: all partners are parked. It reports whether the error has a cause; without one, waiting is in vain.
func (a *Waiting) For(err error) bool {
	var c interface{ Cause() string }
	if !errors.As(err, &c) || !Cause(c.Cause()).known() {
		return false
	}
	for _, p := range a.w.partners {
		p.standing.doubt(partStart, err, Cause(c.Cause()))
		p.standing.tick()
		p.looked.Store(true)
	}
	return true
}

// Over hands the admin pages to the Worker, which does not run yet, with what they show beside the partners.
func (a *Waiting) Over(w *Worker) {
	w.opt.Roles, w.opt.Sync = a.w.opt.Roles, a.w.opt.Sync
	w.metrics.join(w.opt.Sync)
	a.ready.Store(w)
}

// Handler serves the pages of whichever of the two counts.
func (a *Waiting) Handler() http.Handler {
	waiting := a.w.Handler()
	var working atomic.Pointer[http.Handler]
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := a.ready.Load()
		if w == nil {
			waiting.ServeHTTP(rw, r)
			return
		}
		h := working.Load()
		if h == nil {
			made := w.Handler()
			h = &made
			working.Store(h)
		}
		(*h).ServeHTTP(rw, r)
	})
}
