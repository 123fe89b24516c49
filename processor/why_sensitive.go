package processor

// The sentence behind a verdict of the house's lists, for explain: class and rule, never the value, and never the place.

import (
	"fmt"
	"math"

	"github.com/consentry/consentry/policy"
)

// Distances of a sensitive place, metres.
const nearM = 250

func (p *Processor) whyJurisdiction(e *event, s *stream) string {
	src := e.source.spec
	whose := "nobody says whose law counts, and the strictest"
	if src.PlaceSlot >= 0 || src.ResidenceSlot >= 0 {
		whose = "the law of the event's place or of the account's residence, or the strictest that it could be,"
	}
	return fmt.Sprintf("%s forbids areas of %.0f m in radius", whose, math.Floor(s.spec.RadiusM))
}

func (p *Processor) whyPlace(e *event, s *stream) string {
	f, src := &p.found, e.source.spec
	if f.place != policy.PlaceKnown {
		return "the position cannot be read, so it may be near anything"
	}
	category := f.category
	if !f.near {
		category, _ = p.house.Places.NearAlso(f.lat, f.lon, f.accuracyM, s.spec.AlsoNear)
	}
	if !(f.accuracyM >= 0 && !math.IsInf(f.accuracyM, 1)) {
		return src.Layout.Paths[src.AccuracySlot] + " cannot be read, so the position may be near anything"
	}
	within := fmt.Sprintf("within %d m", nearM)
	if src.AccuracySlot >= 0 && f.accuracyM > nearM {
		within = "within the accuracy that " + src.Layout.Paths[src.AccuracySlot] + " states"
	}
	if !f.near {
		within += ", which this stream withholds too"
	}
	return category + ", " + within
}

func (p *Processor) whyTopic(e *event, s *stream) string {
	t, src := &p.found.topics, e.source.spec
	if t.Sensitive {
		return fmt.Sprintf("%s, in %s", t.Node, t.Path)
	}
	if t.NoHost && !s.spec.ReadsURL {
		return src.Layout.Paths[src.URLSlot] + " holds a URL without a host that can be read, so it may be about anything"
	}
	return fmt.Sprintf("%s, which this stream withholds too", s.spec.AlsoWithheld(t))
}
