// The standing of one partner: running, parked with a cause, stopped by a person, or starting. Several parts of a
// worker may doubt at once (each lane, the watcher, the look at the offsets); the partner is parked as long as any of
// them does, and resumes by itself when the last one is content.

package kafka

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// States of a partner, as status shows them.
const (
	StateStarting = "starting"
	StateRunning  = "running"
	StateParked   = "parked"
	StateStopped  = "stopped"
)

// standing is what one partner's parts say about it. Safe for concurrent use.
type standing struct {
	mu      sync.Mutex
	now     func() time.Time
	started bool            // the first look is over, with whatever result
	stopped map[string]bool // who saw the stop flag
	doubts  map[string]doubt
	since   time.Time // when the shown state and cause began
	shown   view
	counted time.Time                         // up to when parked seconds were counted
	seconds func(c Cause, d time.Duration)    // adds parked seconds
	changed func(before, after view)          // told each change, under the lock: must not call back
	waiters map[chan struct{}]func(view) bool // tests wait for a state instead of sleeping
}

type doubt struct {
	cause  Cause
	detail string
	at     time.Time
}

// view is what status shows.
type view struct {
	State  string
	Cause  Cause
	Detail string
	Since  time.Time
}

func newStanding(now func() time.Time) *standing {
	at := now()
	return &standing{now: now, since: at, counted: at, shown: view{State: StateStarting, Since: at},
		stopped: map[string]bool{}, doubts: map[string]doubt{}, waiters: map[chan struct{}]func(view) bool{}}
}

// doubt says that a part has a reason to park. The first cause shown stays until its part is content.
func (s *standing) doubt(part string, err error, fallback Cause) {
	c, detail := causeOf(err, fallback), detailOf(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.doubts[part]
	if !ok || d.cause != c {
		d.at = s.now()
	}
	d.cause, d.detail = c, detail
	s.doubts[part] = d
	s.settle()
}

// content withdraws a part's doubt.
func (s *standing) content(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doubts, part)
	s.settle()
}

// stop notes whether a part sees the stop flag of this partner.
func (s *standing) stop(part string, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stopped {
		s.stopped[part] = true
	} else {
		delete(s.stopped, part)
	}
	s.settle()
}

// leave forgets what these parts said: they are gone.
func (s *standing) leave(parts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		delete(s.doubts, p)
		delete(s.stopped, p)
	}
	s.settle()
}

// begun says that the first look is over and the lanes run.
func (s *standing) begun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	s.settle()
}

// settle works out what is shown and tells who waits.
func (s *standing) settle() {
	next := view{State: StateRunning}
	switch {
	case len(s.stopped) > 0:
		next.State = StateStopped
	case len(s.doubts) > 0:
		parts := slices.Collect(maps.Keys(s.doubts))
		slices.SortFunc(parts, func(a, b string) int {
			if c := s.doubts[a].at.Compare(s.doubts[b].at); c != 0 {
				return c
			}
			if a < b {
				return -1
			}
			return 1
		})
		d := s.doubts[parts[0]]
		next.State, next.Cause, next.Detail = StateParked, d.cause, d.detail
	case !s.started:
		next.State = StateStarting
	}
	s.count()
	before := s.shown
	if next.State != before.State || next.Cause != before.Cause {
		s.since = s.now()
	}
	next.Since = s.since
	s.shown = next
	if s.changed != nil && (before.State != next.State || before.Cause != next.Cause) {
		s.changed(before, next)
	}
	for ch, want := range s.waiters {
		if want(next) {
			close(ch)
			delete(s.waiters, ch)
		}
	}
}

// count adds the time parked since the last count.
func (s *standing) count() {
	at := s.now()
	if s.shown.State == StateParked && s.seconds != nil {
		s.seconds(s.shown.Cause, at.Sub(s.counted))
	}
	s.counted = at
}

// tick keeps the parked seconds current while nothing changes.
func (s *standing) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
}

func (s *standing) look() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// await returns a channel that closes once want holds for what is shown.
func (s *standing) await(want func(view) bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan struct{})
	if want(s.shown) {
		close(ch)
		return ch
	}
	s.waiters[ch] = want
	return ch
}
