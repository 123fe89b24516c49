// The owner's merge: requests of one shard, in the order of their log, into the shard's state. It is pure, and the one
// function that merges a change (Merge) is all that it knows about consents.

package consent

import (
	"bytes"
	"strconv"
)

// Positioned is a record of a requests partition.
type Positioned struct {
	Offset   int64
	AppendMS int64 // the broker's time of appending
	// Request counts unless Gone (forget erased it) or Err (it is none) is set.
	Request Request
	Gone    bool
	Err     error
}

// ReadRequest reads a record of a shard's requests partition.
func ReadRequest(shard int, offset, appendMS int64, key, value []byte) Positioned {
	p := Positioned{Offset: offset, AppendMS: appendMS}
	if value == nil {
		p.Gone = true
		return p
	}
	p.Request, p.Err = DecodeRequest(shard, key, value)
	return p
}

// StateRecord is a record to be written to a shard's state partition. Done names the requests that ended in it.
type StateRecord struct {
	Key   string
	Value []byte // nil is a tombstone
	Done  []Done
}

// MergeRequests merges the requests of one shard that follow a mark, in the order of their offsets; what was merged before
// is passed over (Mark.Take). have gives the value that a key of the state (Request.StateKey) has now, nil
// for none.
//
// It returns the next mark and the records to write in one transaction: one a key, the mark last; none when everything
// was passed over. Every request that was not passed over stands in the Done of exactly one record, unless it was
// forgotten.
func MergeRequests(m Mark, have func(key string) []byte, reqs []Positioned) (Mark, []StateRecord) {
	s := shardMerge{mark: m, have: have, at: map[string]int{}}
	taken := false
	for i := range reqs {
		p := &reqs[i]
		if !s.mark.Take(p) {
			continue
		}
		taken = true
		switch {
		case p.Gone:
		case p.Err != nil:
			s.silent = append(s.silent, s.done(p.Offset, Outcome{Effect: RefusedUnreadable}))
		default:
			s.request(p.Offset, &p.Request)
		}
	}
	if !taken {
		return m, nil
	}
	return s.mark, s.records()
}

// shardMerge is a merge under way.
type shardMerge struct {
	mark    Mark
	have    func(string) []byte
	touched []touched
	at      map[string]int // index in touched
	silent  []Done         // of requests that change no key but the mark
}

type touched struct {
	key      string
	old, now []byte
	done     []Done
}

func (s *shardMerge) done(offset int64, out Outcome) Done {
	return Done{Offset: offset, Effect: out.Effect, InForce: out.InForce, AcceptedMS: s.mark.AcceptedMS}
}

func (s *shardMerge) request(offset int64, r *Request) {
	if r.Kind == AskOpen {
		s.silent = append(s.silent, s.done(offset, s.open(r)))
		return
	}
	key := r.StateKey()
	i, there := s.at[key]
	if !there {
		i = len(s.touched)
		s.at[key] = i
		old := s.have(key)
		s.touched = append(s.touched, touched{key: key, old: old, now: old})
	}
	t := &s.touched[i]
	var out Outcome
	t.now, out = s.value(t.now, r)
	t.done = append(t.done, s.done(offset, out))
}

func (s *shardMerge) open(r *Request) Outcome {
	switch {
	case r.House != "" && s.mark.House != "" && r.House != s.mark.House:
		return Outcome{Effect: RefusedHouse}
	case r.Epoch < s.mark.Epoch:
		return Outcome{Effect: RefusedEpoch}
	case r.Epoch == s.mark.Epoch:
		// Once it is open nobody holds it again.
		s.mark.Hold = s.mark.Hold && r.Hold
	default:
		s.mark.Epoch, s.mark.Hold = r.Epoch, r.Hold
	}
	if r.House != "" {
		s.mark.House = r.House
	}
	return Outcome{Effect: Made, InForce: true}
}

// value merges a request into the value of its key.
func (s *shardMerge) value(old []byte, r *Request) ([]byte, Outcome) {
	made := Outcome{Effect: Made, InForce: true}
	switch r.Kind {
	case AskProtect:
		return []byte("1"), made
	case AskUnprotect, AskResume:
		return nil, made
	case AskStop:
		return append(strconv.AppendInt(nil, s.mark.AcceptedMS, 10), " "+r.Reason...), made
	case AskAdopt:
		return s.adopt(old, r.Line)
	case AskForget:
		return Merge(old, Change{Action: ActWithdrawAll}, s.mark.AcceptedMS)
	case AskGrant:
		if s.mark.Epoch == 0 {
			return old, Outcome{Effect: RefusedClosed}
		}
	}
	c := r.Change
	if r.SinceNow {
		c.AtMS, c.Stated = s.mark.AcceptedMS, true
	}
	return Merge(old, c, s.mark.AcceptedMS)
}

// adopt takes over a line of a single store. Before the first opening a subject may have withdrawn already, which is then
// done again upon what is taken over; a line that has a grant was taken over before.
func (s *shardMerge) adopt(old, line []byte) ([]byte, Outcome) {
	if s.mark.Epoch != 0 {
		return old, Outcome{Effect: RefusedOpened}
	}
	if old == nil {
		return line, Outcome{Effect: Adopted, InForce: true}
	}
	l, ok := Parse(old)
	if !ok || bytes.Equal(old, line) {
		return old, Outcome{Effect: Kept}
	}
	for i := range l.Entries {
		if l.Entries[i].Grant != nil {
			return old, Outcome{Effect: Kept}
		}
	}
	if l.AllMarked {
		line, _ = Merge(line, Change{Action: ActWithdrawAll}, s.mark.AcceptedMS)
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		line, _ = Merge(line, Change{Action: ActWithdraw, Partner: e.Partner, Purpose: e.Purpose}, s.mark.AcceptedMS)
	}
	return line, Outcome{Effect: Adopted, InForce: true}
}

// records are the changed keys in the order in which they were first touched, and the mark, which also carries what
// became of requests that changed nothing.
func (s *shardMerge) records() []StateRecord {
	out := make([]StateRecord, 0, len(s.touched)+1)
	silent := s.silent
	for i := range s.touched {
		t := &s.touched[i]
		if (t.now == nil) == (t.old == nil) && bytes.Equal(t.now, t.old) {
			silent = append(silent, t.done...)
			continue
		}
		out = append(out, StateRecord{Key: t.key, Value: t.now, Done: t.done})
	}
	return append(out, StateRecord{Key: MarkKey, Value: s.mark.Value(), Done: silent})
}
