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
	well   time.Time // when the last of them ended
}

// suspicion is why a part is not well, and since when. Without a trouble it is well, since then.
type suspicion struct {
	trouble *kafka.Trouble
	since   time.Time
}

func (s *standing) begin(at time.Time) { s.well = at }

func (s *standing) doubt(part string, t *kafka.Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubts == nil {
		s.doubts = map[string]suspicion{}
	}
	at := time.Now()
	if old, there := s.doubts[part]; there && old.trouble.Cause() == t.Cause() {
		at = old.since
	}
	s.doubts[part] = suspicion{t, at}
}

func (s *standing) content(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.doubts[part]; there {
		delete(s.doubts, part)
		s.well = time.Now()
	}
}

// oldest picks the doubt that has stood longest among the lanes' and the shards'; when there is none, since when.
func (s *standing) oldest(shards []suspicion) suspicion {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := suspicion{since: s.well}
	judge := func(d suspicion) {
		switch {
		case d.trouble != nil && (first.trouble == nil || d.since.Before(first.since)):
			first = d
		case d.trouble == nil && first.trouble == nil && d.since.After(first.since):
			first = d
		}
	}
	for _, d := range s.doubts {
		judge(d)
	}
	for _, d := range shards {
		judge(d)
	}
	return first
}
