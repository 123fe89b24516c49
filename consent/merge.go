// The one rule by which a change becomes part of a line: (line, change, time of acceptance) → line. Changes are merged
// in the order in which they are accepted; no caller brings a version number. So neither a stale reader, a slow or a
// fast clock, a file that is run twice nor a replayed old opt-in revives anything.

package consent

import "slices"

// maxAheadMS is how far a grant's since may be ahead of its acceptance.
const maxAheadMS = 5 * 60 * 1000

// Action is what a Change does. The zero Action is refused.
type Action uint8

const (
	_              Action = iota
	ActGrant              // gives consent, from the since that it states
	ActWithdraw           // ends a pair's grant, or takes Categories or the linking from it
	ActWithdrawAll        // ends every grant of the subject
)

// Change is one wish of a subject. It carries no time of its own acceptance: that is the store's.
type Change struct {
	Action           Action
	Partner, Purpose string   // empty in ActWithdrawAll
	Categories       []string // of a grant: what it covers; of a withdrawal: what it takes, empty for everything
	Linked           bool     // of a grant: it agrees to being linked; of a withdrawal: it takes the linking
	// AtMS is a grant's since. Of a withdrawal it is the stated time, which counts only with History.
	AtMS    int64
	Stated  bool // AtMS was given
	UntilMS int64
	Ends    bool // UntilMS was given
	// History says that a person declared the load to be history: a withdrawal that states a time counts from it and
	// ends only what was given at or before it.
	History bool
}

// Effect is what merging a change did. The zero Effect is none. Its numbers stand in the records of the state topic.
type Effect uint8

const (
	_ Effect = iota
	// Grants.
	Granted       // there was none, or an older one
	Repeated      // a grant of the same since was there: only what both allow remains, and that is all of this one
	Narrowed      // and that is less than this one
	Emptied       // and that is nothing
	VoidWithdrawn // its since is not after the mark of its pair or of all
	VoidOlder     // its since is before that of the grant in force
	// Withdrawals.
	EndedGrant  // it ended what was there
	TookPart    // it took categories or the linking, the rest remains
	Marked      // there was nothing to end; the mark was left
	LaterStands // in a history load: a grant later than the withdrawal stands
	AllBecause  // there was no room for its mark, or the line was damaged: it became a withdrawal of all
	// Refusals: the line is as it was.
	RefusedForm
	RefusedUnstated
	RefusedAhead
	RefusedUntil
	RefusedFull
	RefusedDamaged
	numEffects
)

var effectReasons = [numEffects]string{
	Narrowed:        "a grant of the same time is there: only what both allow remains",
	Emptied:         "a grant of the same time is there and both allow nothing in common: none remains",
	VoidWithdrawn:   "it was given no later than the last withdrawal",
	VoidOlder:       "a later grant is in force",
	LaterStands:     "a later grant stands",
	AllBecause:      "it became a withdrawal of everything: the line had no room for its mark, or was damaged",
	RefusedForm:     "the change names no valid partner, purpose or category",
	RefusedUnstated: "a grant must state since when it holds",
	RefusedAhead:    "its since is more than 5 minutes after its acceptance",
	RefusedUntil:    "its until is not after its since",
	RefusedFull:     "the subject has 64 partners and purposes already",
	RefusedDamaged:  "the subject's line is damaged; withdraw all, then grant again",
}

// Reason says in a sentence why a change did not do all that it asked; empty when it did.
func (e Effect) Reason() string {
	if reason, ok := requestEffects[e]; ok {
		return reason
	}
	return effectReasons[e]
}

// Refused tells whether the change was refused: it must not count as made.
func (e Effect) Refused() bool {
	return e >= RefusedForm && e < Made || e >= RefusedClosed || e == 0
}

// Void tells whether a grant was accepted and does not hold, or not whole.
func (e Effect) Void() bool { return e >= Narrowed && e <= VoidOlder }

// Outcome says what merging a change did.
type Outcome struct {
	Effect Effect
	// InForce: the change holds now, whole. A grant that is void, narrowed or already over is not; a withdrawal is.
	InForce bool
}

// Merge merges one change, accepted at acceptedMS of the store's clock, into a line (nil for none). It is pure; line is
// not written to. When nothing changes newLine is line.
func Merge(line []byte, c Change, acceptedMS int64) (newLine []byte, out Outcome) {
	if !c.wellFormed() {
		return line, Outcome{Effect: RefusedForm}
	}
	var l Line
	if line != nil {
		var ok bool
		if l, ok = Parse(line); !ok {
			return mergeDamaged(line, c, acceptedMS)
		}
		l.tidy()
	}
	switch c.Action {
	case ActGrant:
		return mergeGrant(line, &l, c, acceptedMS)
	case ActWithdraw:
		return mergeWithdraw(&l, c, acceptedMS)
	default:
		effect := l.withdrawAll(c.from(acceptedMS))
		return l.Append(nil), Outcome{Effect: effect, InForce: true}
	}
}

func (c *Change) wellFormed() bool {
	for i, name := range c.Categories {
		if !ValidName(name) || slices.Contains(c.Categories[:i], name) {
			return false
		}
	}
	if len(c.Categories) > maxCategories || c.AtMS < 0 || c.AtMS > maxTimeMS || c.UntilMS < 0 || c.UntilMS > maxTimeMS {
		return false
	}
	switch c.Action {
	case ActGrant:
		return ValidName(c.Partner) && ValidName(c.Purpose) && len(c.Categories) > 0
	case ActWithdraw:
		return ValidName(c.Partner) && ValidName(c.Purpose)
	case ActWithdrawAll:
		return c.Partner == "" && c.Purpose == "" && len(c.Categories) == 0 && !c.Linked
	}
	return false
}

// mergeDamaged: nobody can say what a damaged line allowed or marked, so a withdrawal withdraws all, and no grant joins.
func mergeDamaged(line []byte, c Change, acceptedMS int64) ([]byte, Outcome) {
	if c.Action == ActGrant {
		return line, Outcome{Effect: RefusedDamaged}
	}
	l := Line{AllMarked: true, AllMarkMS: acceptedMS}
	return l.Append(nil), Outcome{Effect: AllBecause, InForce: true}
}

// withdrawal is the time that a withdrawal counts from, and whether it ends only what was given until then.
type withdrawal struct {
	at      int64
	history bool
}

func (w withdrawal) reaches(g *Grant) bool { return !w.history || g.SinceMS <= w.at }

func (c *Change) from(acceptedMS int64) withdrawal {
	if c.History && c.Stated && c.AtMS < acceptedMS {
		return withdrawal{at: c.AtMS, history: true}
	}
	return withdrawal{at: acceptedMS}
}

func mergeGrant(line []byte, l *Line, c Change, acceptedMS int64) ([]byte, Outcome) {
	switch {
	case !c.Stated:
		return line, Outcome{Effect: RefusedUnstated}
	case c.AtMS > acceptedMS+maxAheadMS:
		return line, Outcome{Effect: RefusedAhead}
	case c.Ends && c.UntilMS <= c.AtMS:
		return line, Outcome{Effect: RefusedUntil}
	case l.AllMarked && c.AtMS <= l.AllMarkMS:
		return line, Outcome{Effect: VoidWithdrawn}
	}
	g := &Grant{
		Linked: c.Linked, Categories: slices.Clone(c.Categories), SinceMS: c.AtMS, UntilMS: c.UntilMS, Ends: c.Ends,
	}
	if !c.Ends {
		g.UntilMS = 0
	}
	over := g.Ends && g.UntilMS <= acceptedMS
	i, there := l.find(c.Partner, c.Purpose)
	if !there {
		if len(l.Entries) == MaxEntries {
			return line, Outcome{Effect: RefusedFull}
		}
		l.Entries = slices.Insert(l.Entries, i, Entry{Partner: c.Partner, Purpose: c.Purpose, Grant: g})
		return l.Append(nil), Outcome{Effect: Granted, InForce: !over}
	}
	e := &l.Entries[i]
	if e.Marked && g.SinceMS <= e.MarkMS {
		return line, Outcome{Effect: VoidWithdrawn}
	}
	if e.Grant == nil || g.SinceMS > e.Grant.SinceMS {
		e.Grant = g
		return l.Append(nil), Outcome{Effect: Granted, InForce: !over}
	}
	if g.SinceMS < e.Grant.SinceMS {
		return line, Outcome{Effect: VoidOlder}
	}
	both := intersect(e.Grant, g)
	if len(both.Categories) == 0 {
		// Neither may come back by being sent again: what two grants of one time contradict is ended, and marked so.
		e.Grant = nil
		e.Marked, e.MarkMS = true, g.SinceMS
		return l.Append(nil), Outcome{Effect: Emptied}
	}
	effect := Narrowed
	if both.allows(g) {
		effect = Repeated
	}
	e.Grant = both
	return l.Append(nil), Outcome{Effect: effect, InForce: effect == Repeated && !over}
}

// intersect is what both grants, of one since, allow.
func intersect(a, b *Grant) *Grant {
	g := &Grant{Linked: a.Linked && b.Linked, SinceMS: a.SinceMS, UntilMS: a.UntilMS, Ends: a.Ends}
	for _, c := range a.Categories {
		if slices.Contains(b.Categories, c) {
			g.Categories = append(g.Categories, c)
		}
	}
	switch {
	case !b.Ends:
	case g.Ends:
		g.UntilMS = min(g.UntilMS, b.UntilMS)
	default:
		g.UntilMS, g.Ends = b.UntilMS, true
	}
	return g
}

// allows tells whether g, an intersection with want, still has all of it.
func (g *Grant) allows(want *Grant) bool {
	return len(g.Categories) == len(want.Categories) && g.Linked == want.Linked &&
		g.Ends == want.Ends && g.UntilMS == want.UntilMS
}

func mergeWithdraw(l *Line, c Change, acceptedMS int64) ([]byte, Outcome) {
	w := c.from(acceptedMS)
	i, there := l.find(c.Partner, c.Purpose)
	if !there {
		if l.AllMarked && w.at <= l.AllMarkMS {
			return l.Append(nil), Outcome{Effect: Marked, InForce: true}
		}
		if len(l.Entries) == MaxEntries {
			l.withdrawAll(w)
			return l.Append(nil), Outcome{Effect: AllBecause, InForce: true}
		}
		l.Entries = slices.Insert(l.Entries, i, Entry{Partner: c.Partner, Purpose: c.Purpose})
	}
	e := &l.Entries[i]
	effect := Marked
	mark := w.at
	switch {
	case e.Grant == nil:
	case !w.reaches(e.Grant):
		effect = LaterStands
	case len(c.Categories) == 0 && !c.Linked:
		effect = EndedGrant
		mark = max(mark, e.Grant.SinceMS)
		e.Grant = nil
	default:
		if took := e.Grant.take(c.Categories, c.Linked); took {
			effect = TookPart
			mark = max(mark, e.Grant.SinceMS)
		}
		if len(e.Grant.Categories) == 0 {
			effect = EndedGrant
			e.Grant = nil
		}
	}
	e.mark(mark)
	l.tidy()
	return l.Append(nil), Outcome{Effect: effect, InForce: true}
}

// take takes categories, and the linking, from a grant; true if it had any of them.
func (g *Grant) take(categories []string, linked bool) bool {
	before := len(g.Categories)
	g.Categories = slices.DeleteFunc(g.Categories, func(c string) bool { return slices.Contains(categories, c) })
	took := len(g.Categories) < before || linked && g.Linked
	g.Linked = g.Linked && !linked
	return took
}

func (e *Entry) mark(at int64) { e.Marked, e.MarkMS = true, max(at, e.MarkMS) }

// withdrawAll ends every grant that the withdrawal reaches, leaves the mark of all and drops the entries that it covers.
func (l *Line) withdrawAll(w withdrawal) Effect {
	effect := Marked
	mark := max(w.at, l.AllMarkMS)
	for i := range l.Entries {
		e := &l.Entries[i]
		switch {
		case e.Grant == nil:
		case w.reaches(e.Grant):
			effect = EndedGrant
			mark = max(mark, e.Grant.SinceMS) // which covers the grant: tidy drops it
		case effect == Marked:
			effect = LaterStands
		}
	}
	l.AllMarked, l.AllMarkMS = true, mark
	l.tidy()
	return effect
}

// tidy drops what the mark of all covers: marks and, in a line that was not merged here, grants up to it.
func (l *Line) tidy() {
	if !l.AllMarked {
		return
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.MarkMS <= l.AllMarkMS {
			e.Marked = false
		}
		if e.Grant != nil && e.Grant.SinceMS <= l.AllMarkMS {
			e.Grant = nil
		}
	}
	l.Entries = slices.DeleteFunc(l.Entries, func(e Entry) bool { return e.Grant == nil && !e.Marked })
}
