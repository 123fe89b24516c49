// One shard as its owner knows it, and what is to be done for it next. It asks nobody: it is told what
// Redis and Kafka say, and says which step follows. Nothing is believed longer than until the next look.

package changelog

import (
	"fmt"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// shard is one partition of both topics. The zero value knows nothing.
type shard struct {
	n      int
	turn   uint64    // the assignment it belongs to
	gained time.Time // when it came
	// known: mark and head are what the state partition said at its end, or what this owner has written since.
	known bool
	mark  consent.Mark
	found bool  // there is a mark
	head  int64 // the next state offset after what mark stands for; where Redis must stand to be merged upon
	// marked: at head stands, or will stand, the marker of this owner's own last transaction, and nothing else.
	marked bool

	// begin is the request from which on nothing was merged yet; placed: the session reads from there, or from before.
	begin  int64
	placed bool
	// owed is a request below which everything was merged once, though the mark says less: nobody is told that the store is
	// complete before it is again.
	owed int64

	unopened unopened // before the first opening
	ready    bool     // requests may be merged: Redis stands at head under the mark's epoch, or the shard is not opened yet
	fresh    bool     // its last heartbeat succeeded
	busy     bool     // a slow step is under way; only that may touch it
	// balked counts merges of it that failed one after the other, while it looked complete; it is left alone until then.
	balked int
	until  time.Time
	stuck  bool // its last slow step failed, and doubt says why
	doubt  *kafka.Trouble
	since  time.Time // when the doubt began

	// The heartbeats that this owner has sent: until park_when_stale after the last, workers may believe the server that
	// has the run id run.
	run      string
	believed time.Time // the time from which that last heartbeat counts, or when another server was first seen
	beaten   time.Time // when the last heartbeat that succeeded was sent; zero for none
	strange  string    // the run id of a server that has not been waited out yet
	looked   string    // the run id of the server that was looked at last
	place    uint64    // of Redis, as of the last look
	wants    int64     // records of the state partition that Redis lacks, as of the last look
}

// step is what a shard needs next.
type step uint8

const (
	stepWait    step = iota // for something outside; doubt says what
	stepTail                // read the last mark
	stepNone                // requests may be merged, and no heartbeat sent: doubt says why
	stepBeat                // Redis is complete: say so
	stepAdvance             // only our own transaction's marker is between: move the place over it, then say so
	stepCatchUp             // project from the place that Redis has
	stepFill                // the store lacks this epoch: project it from the beginning, beside what is there
	stepFlip                // what was filled is complete: make it the epoch
)

func (s step) slow() bool {
	return s == stepTail || s == stepCatchUp || s == stepFill || s == stepFlip
}

// assess tells the next step. stale is park_when_stale with what it takes to be sure.
func (s *shard) assess(m *consent.Meta, e extent, now time.Time, stale time.Duration, group string) (step, *kafka.Trouble) {
	s.place, s.wants = m.Place, max(0, e.stable-int64(m.Place))
	if alien(m, group) && m.Run == m.NodeRun && m.NowMS-m.BeatMS <= stale.Milliseconds() {
		s.forget()
		return stepWait, s.trouble(kafka.StateRestoring, "is owned under group "+m.Group+", and this owner's is "+group+
			": two deployments on one changelog would merge everything twice; stop the one that does not belong here")
	}
	if !s.known {
		if e.stable < e.high {
			// What a predecessor left open may still be committed, and must be in the mark that we begin with.
			return stepWait, s.trouble(kafka.StateRestoring, "waits for a transaction that is open in it")
		}
		return stepTail, s.trouble(kafka.StateRestoring, "is being taken over: its last mark is read")
	}
	if s.mark.Epoch == 0 {
		switch {
		case m.Kafka:
			return stepWait, kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf(
				"shard %d of the store follows a state partition that is empty: the topic has lost everything", s.n))
		case m.Epoch != 0 && !m.Shut:
			return stepWait, kafka.NewTrouble(kafka.RedisWiped, fmt.Sprintf(
				"shard %d has consents in Redis and none in the state topic; to move them there, run: consentry consent rebuild --from-store", s.n))
		}
		next := "consentry consent accept-epoch"
		if m.Shut {
			next = "consentry consent rebuild --from-store"
		}
		return stepNone, s.trouble(kafka.RedisWiped, "was never opened; run: "+next)
	}
	if !m.Kafka || m.Epoch != s.mark.Epoch {
		return s.assessFill(m, e)
	}
	next, doubt := s.assessPlace(m, e)
	if next == stepBeat || next == stepAdvance {
		if m.Dropped() {
			return stepNone, s.unsafe(m)
		}
		if s.mark.Requests < s.owed {
			return stepNone, s.trouble(kafka.RedisStale, "is being merged again: somebody else has written into the state topic; it goes on by itself")
		}
		if t := s.waitOut(m, now, stale); t != nil {
			return stepNone, t
		}
	}
	return next, doubt
}

// assessFill is for a store that is empty, was emptied or restored from before this epoch, or is to have a new one.
func (s *shard) assessFill(m *consent.Meta, e extent) (step, *kafka.Trouble) {
	switch {
	case m.Epoch > s.mark.Epoch && !m.Kafka:
		return stepWait, kafka.NewTrouble(kafka.RedisWiped, fmt.Sprintf("shard %d of the store holds consents of a single-store deployment "+
			"that was opened after this log: it belongs to another deployment, or somebody has gone back to one store; they are left alone", s.n))
	case m.Epoch > s.mark.Epoch:
		return stepWait, kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf(
			"shard %d has epoch %d in Redis and %d in the state topic: the topic has lost something", s.n, m.Epoch, s.mark.Epoch))
	case e.high < s.head:
		// The topic has lost something, and the store has nothing that would be older: the log as it is now says all, and
		// what it lost stands in the requests.
		s.forget()
		s.placed = false
		return stepWait, s.trouble(kafka.StateRestoring, "has a log that lost its end: its last mark is read again")
	case e.stable < s.head:
		return stepWait, s.trouble(kafka.StateRestoring, "waits for a transaction that is open in it")
	case m.Evicts, m.Evicted:
		return stepWait, s.unsafe(m)
	case m.Building == s.mark.Epoch && !m.BuildingNoted && int64(m.BuildingPlace) >= s.head && int64(m.BuildingPlace) >= e.stable:
		return stepFlip, s.trouble(kafka.RedisWiped, "is being filled; it goes on by itself")
	}
	return stepFill, s.trouble(kafka.RedisWiped, "is being filled from the state topic; it goes on by itself")
}

// assessPlace is for a store of the right epoch.
func (s *shard) assessPlace(m *consent.Meta, e extent) (step, *kafka.Trouble) {
	place := int64(m.Place)
	switch {
	case e.high < s.head && place <= e.high:
		// The log has lost its end, and the store was put back to before that: what is left is read again.
		s.forget()
		s.placed = false
		return stepWait, s.trouble(kafka.StateRestoring, "has a log that lost its end: its last mark is read again")
	case place > e.high:
		return stepWait, kafka.NewTrouble(kafka.OffsetsLost, fmt.Sprintf(
			"shard %d of the store stands at %d and the state partition ends at %d: the topic has lost something", s.n, place, e.high))
	case place == s.head && e.stable <= s.head:
		return s.current()
	case place == s.head && s.marked && e.stable == s.head+1:
		if s.mark.Hold {
			return s.current()
		}
		return stepAdvance, nil
	case place == s.head+1 && s.marked && e.stable <= place:
		// Somebody else has moved it over our marker.
		s.head, s.marked = place, false
		return s.current()
	case place > s.head:
		// Somebody else has written and projected: what we know is old.
		s.known = false
		return stepTail, s.trouble(kafka.StateRestoring, "is being taken over: its last mark is read")
	case e.stable < s.head:
		return stepWait, s.trouble(kafka.StateRestoring, "waits for a transaction that is open in it")
	}
	return stepCatchUp, s.trouble(kafka.RedisStale, "is being caught up; it goes on by itself")
}

// current is for a store that lacks nothing.
func (s *shard) current() (step, *kafka.Trouble) {
	if s.mark.Hold {
		return stepNone, s.trouble(kafka.RedisWiped, "is held until its file is loaded: consentry consent accept-epoch --import")
	}
	return stepBeat, nil
}

// waitOut sends no heartbeat to a server that workers have not been told of, as long as one of them may still believe the
// last one on the server before it: nothing is acknowledged without a heartbeat, and what is must hold everywhere.
func (s *shard) waitOut(m *consent.Meta, now time.Time, stale time.Duration) *kafka.Trouble {
	// A heartbeat of somebody else on this very server counts for one who has sent none elsewhere.
	if m.NodeRun == s.run || s.run == "" && m.NodeRun == m.Run {
		s.strange = ""
		return nil
	}
	if s.strange != m.NodeRun {
		s.strange = m.NodeRun
		if s.run == "" {
			s.believed = now // we cannot know when others sent the last one
		}
	}
	if now.Sub(s.believed) < stale {
		return s.trouble(kafka.RedisStale, "is on a server that workers were not told of; it goes on by itself when none of them can believe another one")
	}
	return nil
}

// alien tells that the last heartbeat was another group's, from which nothing fences this owner.
func alien(m *consent.Meta, group string) bool { return m.Group != "" && m.Group != group }

// mayMerge tells whether requests may be merged. Where heartbeats are sent, this owner's must have been taken first: it is
// what keeps another group away.
func (s *shard) mayMerge(next step, m *consent.Meta, group string) bool {
	switch next {
	case stepBeat, stepAdvance:
		return m.Group == group
	case stepNone:
		return !alien(m, group)
	}
	return false
}

// drops tells whether it must be noted that the server has dropped keys. One that may, and that nobody has watched so far,
// counts as one that has: its count ended with its predecessor.
func (s *shard) drops(m *consent.Meta) bool {
	fresh := s.looked != m.NodeRun
	s.looked = m.NodeRun
	return m.Evicted && (!m.Noted || m.Building != 0 && !m.BuildingNoted) || m.Evicts && fresh && !m.Noted
}

// unsafe says what to do about a server that drops keys.
func (s *shard) unsafe(m *consent.Meta) *kafka.Trouble {
	next := "consentry consent rebuild"
	if m.Evicted {
		next = "CONFIG RESETSTAT, then " + next
	}
	if m.Evicts {
		next = "CONFIG SET maxmemory-policy noeviction, " + next
	}
	return s.trouble(kafka.RedisUnsafe, "may lack lines, because Redis drops keys to make room: "+next)
}

// sent notes a heartbeat on its way: from then on workers may believe that server, whether or not its answer comes.
func (s *shard) sent(run string, at time.Time) { s.run, s.believed = run, at }

// wrote notes what a committed transaction of ours has added: last is the offset of its mark.
func (s *shard) wrote(next consent.Mark, last int64) {
	s.mark, s.found, s.head, s.marked = next, true, last+1, true
}

// balk leaves a shard alone for a while whose requests could not be merged: what was polled of the other shards is let go
// each time.
func (s *shard) balk(now time.Time) {
	s.until = now.Add(min(firstBackoff<<min(s.balked, 8), lastBackoff))
	s.balked++
}

// forget drops what is known: the log will tell.
func (s *shard) forget() { s.known, s.ready, s.marked, s.unopened = false, false, false, nil }

func (s *shard) trouble(c kafka.Cause, text string) *kafka.Trouble {
	return kafka.NewTrouble(c, fmt.Sprintf("shard %d %s", s.n, text))
}

// joins tells whether records of ours that begin at first stand directly behind what is known: between may be nothing
// but the marker of our own transaction before.
func (s *shard) joins(first int64) bool { return first == s.head || s.marked && first == s.head+1 }
