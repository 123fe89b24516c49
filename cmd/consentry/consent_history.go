// consent_history.go shows a subject's account, as the changelog has it.

package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
)

// eventView is one change as `consent get --history` shows it. Times are RFC 3339 UTC; what does not apply is empty.
type eventView struct {
	At         string   `json:"at"` // accepted
	Kind       string   `json:"kind"`
	Partner    string   `json:"partner,omitempty"`
	Purpose    string   `json:"purpose,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Linked     bool     `json:"linked,omitempty"`
	Since      string   `json:"since,omitempty"`
	Until      string   `json:"until,omitempty"`
	Evidence   string   `json:"evidence,omitempty"`
	InForce    bool     `json:"in_force"` // it held, whole, when it was accepted
	Void       string   `json:"void"`     // why it did not, or not whole
	Note       string   `json:"note,omitempty"`
	Ended      string   `json:"ended,omitempty"` // of a grant: when another change ended or replaced it
	EndedBy    string   `json:"ended_by,omitempty"`
	EndedFor   string   `json:"ended_evidence,omitempty"`
}

func viewHistory(events []*changelog.Event) []eventView {
	out := make([]eventView, 0, len(events))
	for _, e := range events {
		c := &e.Request.Change
		v := eventView{At: stamp(e.AcceptedMS), Kind: e.Request.Kind.String(), Partner: c.Partner, Purpose: c.Purpose,
			Categories: c.Categories, Linked: c.Linked, Evidence: e.Request.Evidence, InForce: e.InForce}
		if since, stated := e.SinceMS(); stated {
			v.Since = stamp(since)
		}
		if c.Ends {
			v.Until = stamp(c.UntilMS)
		}
		ended := e.EndedBy
		switch reason := e.Effect.Reason(); {
		case e.Effect.Refused() || e.Effect.Void():
			v.Void = reason
		case !e.InForce && e.Request.Kind == consent.AskGrant:
			v.Void, ended = "it had ended already", nil
		default:
			v.Note = reason
		}
		if by := ended; by != nil {
			v.Ended, v.EndedBy, v.EndedFor = stamp(by.AcceptedMS), by.Request.Kind.String(), by.Request.Evidence
		}
		out = append(out, v)
	}
	return out
}

func (v *eventView) print(b *strings.Builder) {
	fmt.Fprintf(b, "%s  %s", v.At, v.Kind)
	if v.Partner != "" {
		fmt.Fprintf(b, " %s/%s", v.Partner, v.Purpose)
	}
	if len(v.Categories) > 0 {
		fmt.Fprintf(b, ": %s", strings.Join(v.Categories, ", "))
	}
	add := func(format, value string) {
		if value != "" {
			fmt.Fprintf(b, format, strings.Map(graphic, value))
		}
	}
	add(", since %s", v.Since)
	add(" until %s", v.Until)
	if v.Linked {
		b.WriteString(", linked")
	}
	add("; evidence %s", v.Evidence)
	add("; void: %s", v.Void)
	add("; %s", v.Note)
	add("; ended %s", v.Ended)
	add(" by %s", v.EndedBy)
	add(", evidence %s", v.EndedFor)
	b.WriteByte('\n')
}

// graphic lets nothing through that would rewrite what a terminal shows: what stands in the log was not always refused.
func graphic(c rune) rune {
	if unicode.IsGraphic(c) {
		return c
	}
	return unicode.ReplacementChar
}
