package processor

// The stages of what stays private even with consent: jurisdictions, sensitive places, sensitive topics, and
// identifiers that hide inside a value. Each looks only where the stream or its source has something to look at. What is
// the same for all streams of a source is looked up once an event, when the first stream that agreed needs it.

import (
	"math"
	"strconv"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
)

// found is what was looked up about the event in hand. Nothing is looked up before its subject is known to have agreed.
type found struct {
	placeAsked, topicsAsked bool
	place                   policy.PlaceState
	lat, lon, accuracyM     float64
	category                string // of a place of the house's list that is near
	near                    bool
	topics                  policy.Topics
	hits                    detect.Hits // of the last residual scan that hit
}

// jurisdiction withholds where the law of the event's place, or of the account's residence, bans areas as small as the
// stream's.
func (p *Processor) jurisdiction(e *event, s *stream) (Reason, error) {
	if math.IsInf(s.spec.RadiusM, 1) {
		return Undecided, nil
	}
	src := e.source.spec
	place, residence := text(e.record, src.PlaceSlot), text(e.record, src.ResidenceSlot)
	if p.house.Jurisdictions.Allows(place, residence, s.spec.RadiusM) {
		return Undecided, nil
	}
	return Jurisdiction, nil
}

// text gives the bytes of a string, nil where the event or the source has none.
func text(rec *schema.Record, slot int) []byte {
	if slot < 0 || rec.Slots[slot].Kind != schema.String {
		return nil
	}
	return rec.Slots[slot].Raw
}

// sensitivePlace looks at the raw position, before anything is generalised. One that cannot be read may be anywhere:
// it withholds, unless a filter of the stream reads it and refuses it for that.
func (p *Processor) sensitivePlace(e *event, s *stream) (Reason, error) {
	src := e.source.spec
	if src.LatSlot < 0 {
		return Undecided, nil
	}
	f := &p.found
	if !f.placeAsked {
		f.placeAsked = true
		if f.lat, f.lon, f.accuracyM, f.place = src.Place(e.record); f.place == policy.PlaceKnown {
			f.category, f.near = p.house.Places.Near(f.lat, f.lon, f.accuracyM)
		}
	}
	switch {
	case f.place == policy.PlaceAbsent:
	case f.place != policy.PlaceKnown && !s.spec.ReadsPosition, f.near:
		return SensitivePlace, nil
	case f.place == policy.PlaceKnown && s.spec.AlsoNear != 0:
		if _, near := p.house.Places.NearAlso(f.lat, f.lon, f.accuracyM, s.spec.AlsoNear); near {
			return SensitivePlace, nil
		}
	}
	return Undecided, nil
}

// sensitiveTopic looks at what the source names as url, app and query. A URL without a host that can be read may be
// about anything: it withholds, unless a filter of the stream reads it and refuses it for that.
func (p *Processor) sensitiveTopic(e *event, s *stream) (Reason, error) {
	src := e.source.spec
	if src.URLSlot < 0 && src.AppSlot < 0 && src.QuerySlot < 0 {
		return Undecided, nil
	}
	f := &p.found
	if !f.topicsAsked {
		f.topicsAsked = true
		f.topics = src.Topics(p.house, e.record, &p.scratch)
	}
	if f.topics.Sensitive || f.topics.NoHost && !s.spec.ReadsURL || len(s.spec.AlsoTopics) > 0 && s.spec.AlsoWithheld(&f.topics) != 0 {
		return SensitiveTopic, nil
	}
	return Undecided, nil
}

// residual scans the values that the event itself filled. What hits is counted by class and printed nowhere.
func (p *Processor) residual(_ *event, s *stream) (Reason, error) {
	for _, i := range s.spec.Scanned {
		hits := p.scan(&s.values[i])
		if hits == 0 {
			continue
		}
		p.found.hits, s.failed = hits, i
		for c := range detect.NumClasses {
			if hits.Has(c) {
				p.batch.Residual[c]++
			}
		}
		return ResidualIdentifier, nil
	}
	return Undecided, nil
}

// scan looks at one value as a partner would read it.
func (p *Processor) scan(v *schema.Value) detect.Hits {
	switch v.Kind {
	case schema.Absent, schema.Bool:
		return 0
	case schema.String:
		return p.scanner.ScanText(v.Raw)
	}
	// A number is scanned as it would be written.
	if v.Kind == schema.Float {
		p.scratch = strconv.AppendFloat(p.scratch[:0], v.Float(), 'f', -1, 64)
	} else {
		p.scratch = strconv.AppendInt(p.scratch[:0], v.Num, 10)
	}
	return p.scanner.Scan(p.scratch)
}
