// The slow model of a merge: it keeps every accepted change for ever and works out from definitions what is in force. It
// shares nothing with merge.go but the types of a change and of an outcome.

package consent

// kept is one accepted change in the model.
type kept struct {
	c     Change
	at    int64 // acceptance
	pair  int   // -1 for a withdrawal of all
	mark  int64 // that it left; 0 for none
	count bool  // false for a refused change, which counts for nothing
}

// model is a history of changes of up to four pairs beside some others that fill the line.
type model struct {
	room int // pairs that fit while nothing was withdrawn from all
	kept []kept
}

// force is what the model finds in force for one pair.
type force struct {
	since, until int64
	categories   uint8 // bit i: modelCategories[i]
	linked, ends bool
	standing     bool // a grant is there, though perhaps of nothing
}

func (f force) holds() bool { return f.standing && f.categories != 0 }

var modelCategories = [...]string{"location", "app_usage", "search"}

func bits(names []string) (b uint8) {
	for _, n := range names {
		for i, c := range modelCategories {
			if c == n {
				b |= 1 << i
			}
		}
	}
	return b
}

func (k *kept) history() bool { return k.c.History && k.c.Stated && k.c.AtMS < k.at }

// from is the time that a withdrawal counts from.
func (k *kept) from() int64 {
	if k.history() {
		return k.c.AtMS
	}
	return k.at
}

func (k *kept) reaches(since int64) bool { return !k.history() || since <= k.c.AtMS }
func (k *kept) withdraws(pair int) bool {
	return k.c.Action != ActGrant && (k.pair == pair || k.pair < 0)
}
func (k *kept) partial() bool {
	return k.c.Action == ActWithdraw && k.pair >= 0 && (len(k.c.Categories) > 0 || k.c.Linked)
}

// inForce works out what the first n changes leave in force for a pair: of the grants that were given after every mark
// there was when they were accepted, and that no later withdrawal reached, those of the latest since, together.
func (m *model) inForce(pair, n int) force {
	var f force
	first := 0
	for j := range m.kept[:n] {
		g := &m.kept[j]
		if !g.count || g.c.Action != ActGrant || g.pair != pair || !m.survives(j, n) {
			continue
		}
		switch {
		case !f.standing || g.c.AtMS > f.since:
			f = force{since: g.c.AtMS, until: g.c.UntilMS, categories: bits(g.c.Categories),
				linked: g.c.Linked, ends: g.c.Ends, standing: true}
			first = j
		case g.c.AtMS == f.since:
			f.categories &= bits(g.c.Categories)
			f.linked = f.linked && g.c.Linked
			if g.c.Ends && (!f.ends || g.c.UntilMS < f.until) {
				f.ends, f.until = true, g.c.UntilMS
			}
		}
	}
	for w := first; f.standing && w < n; w++ {
		k := &m.kept[w]
		if k.count && k.pair == pair && k.partial() && k.reaches(f.since) {
			f.categories &^= bits(k.c.Categories)
			f.linked = f.linked && !k.c.Linked
		}
	}
	return f
}

func (m *model) survives(j, n int) bool {
	g := &m.kept[j]
	for w := range m.kept[:n] {
		k := &m.kept[w]
		if !k.count || w == j {
			continue
		}
		if w < j && (k.pair == g.pair || k.pair < 0) && g.c.AtMS <= k.mark {
			return false
		}
		if w > j && k.withdraws(g.pair) && !k.partial() && k.reaches(g.c.AtMS) {
			return false
		}
	}
	return true
}

func (m *model) pairMark(pair, n int) (mark int64) {
	for i := range m.kept[:n] {
		if k := &m.kept[i]; k.count && k.pair == pair {
			mark = max(mark, k.mark)
		}
	}
	return mark
}

// listed tells whether the line must have an entry for the pair.
func (m *model) listed(pair, n int) bool {
	return m.inForce(pair, n).holds() || m.pairMark(pair, n) > m.pairMark(-1, n)
}

func (m *model) full(n int) bool {
	if m.pairMark(-1, n) > 0 {
		return false
	}
	used := 0
	for p := range modelPairs {
		if m.listed(p, n) {
			used++
		}
	}
	return used >= m.room
}

// accept adds a change and says what its effect must be.
func (m *model) accept(c Change, pair int, at int64) Effect {
	n := len(m.kept)
	m.kept = append(m.kept, kept{c: c, at: at, pair: pair})
	k := &m.kept[n]
	if c.Action == ActGrant {
		return m.acceptGrant(k, n)
	}
	k.count = true
	if pair >= 0 && !m.listed(pair, n) && k.from() > m.pairMark(-1, n) && m.full(n) {
		k.pair = -1
		m.markAll(k, n)
		return AllBecause
	}
	if pair < 0 {
		return m.markAll(k, n)
	}
	k.mark = k.from()
	before := m.inForce(pair, n)
	switch {
	case !before.holds():
		return Marked
	case !k.reaches(before.since):
		return LaterStands
	}
	after := m.inForce(pair, n+1)
	if after == before {
		return Marked
	}
	k.mark = max(k.mark, before.since)
	if after.holds() {
		return TookPart
	}
	return EndedGrant
}

// markAll works out the mark of a withdrawal of all, the fillers' grants of time 1 among what it ends.
func (m *model) markAll(k *kept, n int) Effect {
	ended, later := m.room < modelPairCount && m.pairMark(-1, n) == 0, false
	k.mark = k.from()
	for p := range modelPairs {
		f := m.inForce(p, n)
		switch {
		case !f.holds():
		case k.reaches(f.since):
			ended = true
			k.mark = max(k.mark, f.since)
		default:
			later = true
		}
	}
	switch {
	case ended:
		return EndedGrant
	case later:
		return LaterStands
	}
	return Marked
}

func (m *model) acceptGrant(k *kept, n int) Effect {
	c := &k.c
	switch {
	case !c.Stated:
		return RefusedUnstated
	case c.AtMS > k.at+5*60_000:
		return RefusedAhead
	case c.Ends && c.UntilMS <= c.AtMS:
		return RefusedUntil
	case c.AtMS <= m.pairMark(-1, n) || c.AtMS <= m.pairMark(k.pair, n):
		return VoidWithdrawn
	case !m.listed(k.pair, n) && m.full(n):
		return RefusedFull
	}
	before := m.inForce(k.pair, n)
	k.count = true
	after := m.inForce(k.pair, n+1)
	switch {
	case !before.holds() || c.AtMS > before.since:
		return Granted
	case c.AtMS < before.since:
		return VoidOlder
	case !after.holds():
		k.mark = c.AtMS
		return Emptied
	case after.categories == bits(c.Categories) && after.linked == c.Linked && after.ends == c.Ends && after.until == c.UntilMS:
		return Repeated
	}
	return Narrowed
}
