// The answer of a line to a question about an event: a pure function that runs for each event and stream, reads the whole
// line and allocates nothing.

package consent

import "bytes"

// Judge says what a line answers to a question about an event of eventMS, at storeMS of the store's clock. A nil line
// is a subject that the store does not know. markMS is the later of the marks of the pair and of all, 0 if there is
// none. The whole line is read: one that breaks the grammar anywhere means no, and is reported as malformed.
//
// It does not allocate and is pure.
func Judge(line []byte, q *Question, eventMS int64, since LineSince, storeMS int64) (a Answer, markMS int64, malformed bool) {
	if line == nil {
		return NoConsent, 0, false
	}
	var s scanner
	var e, mine entry
	s.begin(line)
	all := s.mark
	for s.next(&e) {
		if len(e.pair) == len(q.Partner)+1+len(q.Purpose) && e.slash == len(q.Partner) &&
			string(e.pair[:e.slash]) == q.Partner && string(e.pair[e.slash+1:]) == q.Purpose {
			mine = e
		}
	}
	if s.bad {
		return NoConsent, 0, true
	}
	markMS = max(all, mine.mark)
	// A line that was merged holds no grant from before the mark of all; one that was not is not believed.
	if !mine.granted || s.marked && mine.since <= all {
		if s.marked || mine.marked {
			return Withdrawn, markMS, false
		}
		return NoConsent, 0, false
	}
	switch {
	case !covers(mine.categories, q.Needs):
		a = NoConsent
	case eventMS < mine.since:
		a = BeforeConsent
	case since.Named && (!since.Known || mine.since < since.MS):
		a = BeforeConsent
	case mine.ends && (eventMS >= mine.until || storeMS >= mine.until):
		a = Ended
	case q.Linked && !mine.linked:
		a = NotLinked
	default:
		a = Given
	}
	return a, markMS, false
}

// covers tells whether a comma separated list has every needed name.
func covers(list []byte, needs []string) bool {
next:
	for _, need := range needs {
		rest := list
		for len(rest) > 0 {
			one := rest
			if i := bytes.IndexByte(rest, ','); i >= 0 {
				one, rest = rest[:i], rest[i+1:]
			} else {
				rest = nil
			}
			if string(one) == need {
				continue next
			}
		}
		return false
	}
	return true
}
