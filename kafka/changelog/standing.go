// How the role sync is: running, or parked with the cause that has stood longest. A shard's own doubt comes from its
// owner; a lane's from what its session met.

package changelog

import (
	"sync"
	"time"

	"github.com/consentry/consentry/kafka"
)

// standing holds the doubts of the lanes. The zero value has none. Safe for concurrent use.
type standing struct {
	mu     sync.Mutex
	doubts map[string]suspicion
	well   time.Time // since when nothing was doubted
	shown  kafka.Cause
	since  time.Time
}

type suspicion struct {
	trouble *kafka.Trouble
	since   time.Time
}

func (s *standing) begin(at time.Time) { s.well, s.since = at, at }

func (s *standing) doubt(part string, err error, fallback kafka.Cause) {
	cause, detail := kafka.CauseOf(err, fallback)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubts == nil {
		s.doubts = map[string]suspicion{}
	}
	at := time.Now()
	if old, there := s.doubts[part]; there && old.trouble.Cause() == string(cause) {
		at = old.since
	}
	s.doubts[part] = suspicion{kafka.NewTrouble(cause, detail), at}
}

func (s *standing) content(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doubts, part)
}

// oldest picks the doubt that has stood longest among the lanes' and the shards', and since when it is the one shown.
func (s *standing) oldest(shards []suspicion) (found *kafka.Trouble, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first suspicion
	for _, d := range s.doubts {
		if first.trouble == nil || d.since.Before(first.since) {
			first = d
		}
	}
	for _, d := range shards {
		if first.trouble == nil || d.since.Before(first.since) {
			first = d
		}
	}
	cause := kafka.Cause("")
	if first.trouble != nil {
		cause = kafka.Cause(first.trouble.Cause())
	}
	if cause != s.shown {
		s.shown, s.since = cause, time.Now()
	}
	return first.trouble, s.since
}
