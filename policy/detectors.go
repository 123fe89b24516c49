package policy

// Which detectors stand before which field of a stream, as the listing and check tell it.

import (
	"fmt"
	"math"
	"strings"

	"github.com/consentry/consentry/filters"
)

// everyField stands for all fields where a detector withholds the event as a whole.
const everyField = "every field"

// detectors lists the checks of a compiled stream in the order of verdicts.
func detectors(spec *SourceSpec, streamSpec *StreamSpec, s *Program) []Detector {
	var out []Detector
	add := func(name string, before []string, format string, args ...any) {
		if len(before) > 0 {
			out = append(out, Detector{name, before, fmt.Sprintf(format, args...)})
		}
	}
	every := []string{everyField}
	add("protected", every, "lines that the carrier protects in the consent store")
	if p := spec.Position; p != nil {
		if !math.IsInf(s.RadiusM, 1) {
			law := "the strictest rule that could apply"
			if at := given(spec.Jurisdiction.Place, spec.Jurisdiction.Residence); len(at) > 0 {
				law = "the law of " + strings.Join(at, " and ") + ", where null the strictest that could apply"
			}
			add("jurisdiction", places(s), "areas are at least %.0f m in radius; %s", math.Floor(s.RadiusM), law)
		}
		near := fmt.Sprintf("%s, %s within 250 m", p.Lat.Value, p.Lon.Value)
		if p.Accuracy.Value != "" {
			near += ", or the " + p.Accuracy.Value + " that is stated,"
		}
		near += " of a sensitive place"
		if also := texts(streamSpec.AlsoNear); also != "" {
			near += "; also near " + also
		}
		add("sensitive_place", every, "%s", near)
	}
	if at := given(spec.URL, spec.App, spec.Query); len(at) > 0 {
		about := strings.Join(at, ", ") + " is about a sensitive topic"
		if also := texts(streamSpec.AlsoTopics); also != "" {
			about += "; also " + also
		}
		add("sensitive_topic", every, "%s", about)
	}
	var scanned, listed []string
	for i := range s.Fields {
		switch s.Fields[i].Leaves {
		case filters.Open:
			scanned = append(scanned, s.Fields[i].Name)
		case filters.Closed:
			listed = append(listed, s.Fields[i].Name)
		}
	}
	add("residual_identifier", scanned, "each value is scanned")
	add("residual_identifier", listed, "all that can come out was scanned when the policy was compiled")
	return out
}

// places names the fields that say where.
func places(s *Program) []string {
	var out []string
	for i := range s.Fields {
		if s.Fields[i].Place {
			out = append(out, s.Fields[i].Name)
		}
	}
	return out
}

func given(all ...Text) []string {
	var out []string
	for _, t := range all {
		if t.Value != "" {
			out = append(out, t.Value)
		}
	}
	return out
}

func texts(all []Text) string { return strings.Join(given(all...), ", ") }
