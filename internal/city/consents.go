package city

// What people allow, and how they change their minds: three subscribers in five have agreed to something. Everything is
// history, told as a stream of changes in the order of time: some long before the city's first day, some within it.

import (
	"cmp"
	"slices"
)

// Action is what a change does.
type Action uint8

const (
	Grant Action = iota + 1
	Withdraw
	WithdrawAll
)

// Change is one change of somebody's mind, made at AtMS, which is also a grant's since.
type Change struct {
	Subscriber       int
	Action           Action
	Partner, Purpose string   // empty in a WithdrawAll
	Categories       []string // of a grant: what it covers; of a withdrawal: what it takes, nil for everything
	Linked           bool     // of a grant: agrees to being linked; of a withdrawal: takes the linking
	AtMS, UntilMS    int64    // UntilMS is 0 where there is no end
}

// recipient is a partner of deploy/samples and what people are asked to allow it; the first is what its streams need.
type recipient struct {
	partner, purpose string
	offers           [][]string
}

var recipients = [...]recipient{
	{"acme-ads", "advertising", [][]string{{"location", "app_usage"}, {"location"}, {"app_usage"}}},
	{"globex", "measurement", [][]string{{"search", "browsing"}, {"search"}, {"search", "browsing", "app_usage"}}},
	{"initech", "research", [][]string{{"location"}, {"location", "app_usage"}, {"app_usage"}}},
}

// Shares in percent.
const (
	someConsent = 60
	perPartner  = 74 // of those who agreed to something
)

const dayMS = 24 * hourMS

// Agrees tells whether a subscriber ever agreed to anything.
func (c *City) Agrees(who int) bool {
	return scale(c.trait(tagConsent, uint64(who)), 100) < someConsent
}

// ChangesOf appends everything that one subscriber ever decided, in the order of time.
func (c *City) ChangesOf(dst []Change, who int) []Change {
	if !c.Agrees(who) {
		return dst
	}
	u, from := uint64(who), len(dst)
	certain := c.trait(tagConsent+1<<8, u) % uint64(len(recipients)) // nobody agrees to nothing
	for i := range recipients {
		r := rng(c.trait(tagPartner+uint64(i)<<8, u))
		if uint64(i) == certain || r.percent(perPartner) {
			dst = c.story(dst, who, &recipients[i], &r)
		}
	}
	r := rng(c.trait(tagConsent+2<<8, u))
	if r.percent(3) {
		at := c.during(&r)
		dst = append(dst, Change{Subscriber: who, Action: WithdrawAll, AtMS: at})
		if r.percent(40) { // and comes back to one of them
			p := &recipients[certain]
			dst = append(dst, grant(who, p, p.offers[0], true, at+hourMS+int64(r.below(dayMS))))
		}
	}
	told := dst[from:]
	slices.SortStableFunc(told, func(a, b Change) int { return cmp.Compare(a.AtMS, b.AtMS) })
	// What would come after the last day has not happened.
	for len(told) > 0 && told[len(told)-1].AtMS >= c.endMS {
		told = told[:len(told)-1]
	}
	return dst[:from+len(told)]
}

// story tells how one subscriber and one partner got on.
func (c *City) story(dst []Change, who int, p *recipient, r *rng) []Change {
	offer := p.offers[0]
	if r.percent(16) {
		offer = p.offers[1+r.below(uint64(len(p.offers)-1))]
	}
	linked := !r.percent(6)
	before := c.opt.StartMS - int64(30+r.below(670))*dayMS - int64(r.below(dayMS))
	g := grant(who, p, offer, linked, before)
	w := Change{Subscriber: who, Action: Withdraw, Partner: p.partner, Purpose: p.purpose, AtMS: c.during(r)}
	switch q := r.below(100); {
	case q < 62: // agreed long ago, and still does
		return append(dst, g)
	case q < 66: // until a day to come
		g.UntilMS = c.endMS + int64(20+r.below(400))*dayMS
		return append(dst, g)
	case q < 73: // agrees only now
		return append(dst, grant(who, p, offer, linked, c.during(r)))
	case q < 77: // it ends one of these days
		g.UntilMS = c.during(r)
		return append(dst, g)
	case q < 83: // opts out for good
		return append(dst, g, w)
	case q < 87: // opts out and comes back
		return append(dst, g, w, grant(who, p, offer, linked, w.AtMS+hourMS+int64(r.below(2*dayMS))))
	case q < 90: // opted out long ago
		w.AtMS = g.AtMS + int64(1+r.below(20))*dayMS
		return append(dst, g, w)
	case q < 93: // takes one category back
		w.Categories = []string{offer[0]}
		return append(dst, g, w)
	case q < 96: // no longer agrees to being linked
		w.Linked = true
		return append(dst, g, w)
	}
	// Agrees to more than before.
	g.Categories = offer[:1]
	return append(dst, g, grant(who, p, p.offers[0], true, c.during(r)))
}

func grant(who int, p *recipient, categories []string, linked bool, at int64) Change {
	return Change{
		Subscriber: who, Action: Grant, Partner: p.partner, Purpose: p.purpose,
		Categories: categories, Linked: linked, AtMS: at,
	}
}

// during is some moment of the city's days.
func (c *City) during(r *rng) int64 {
	return c.opt.StartMS + int64(r.below(uint64(c.endMS-c.opt.StartMS)))
}

// Consents is the stream of everybody's changes in the order of time.
type Consents struct {
	city  *City
	order []change
	at    int
	one   []Change
}

// change says where to find one: the n-th of a subscriber.
type change struct {
	atMS int64
	who  uint32
	n    uint32
}

// Consents sorts everybody's changes: 16 bytes for each, some three for each subscriber who agrees.
func (c *City) Consents() *Consents {
	s := &Consents{city: c}
	for who := range c.opt.Subscribers {
		s.one = c.ChangesOf(s.one[:0], who)
		for n, ch := range s.one {
			s.order = append(s.order, change{ch.AtMS, uint32(who), uint32(n)})
		}
	}
	slices.SortFunc(s.order, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.atMS, b.atMS), cmp.Compare(a.who, b.who), cmp.Compare(a.n, b.n))
	})
	return s
}

// Len is the number of changes.
func (s *Consents) Len() int { return len(s.order) }

// Next fills ch with the next change, and reports false after the last one.
func (s *Consents) Next(ch *Change) bool {
	if s.at == len(s.order) {
		return false
	}
	o := s.order[s.at]
	s.at++
	s.one = s.city.ChangesOf(s.one[:0], int(o.who))
	*ch = s.one[o.n]
	return true
}
