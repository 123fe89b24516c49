package processor

// The sentence behind a verdict, for explain. A sentence names paths, rules and times of consent, never a value of the
// event and never its subject.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
)

func (p *Processor) why(e *event, s *stream) string {
	src := e.source.spec
	switch s.verdict {
	case Released, Withdrawn, NoConsent, BeforeConsent, ConsentEnded, NotLinked:
		return p.whyConsent(e, s)
	case BadEvent:
		return whyUnreadable(e)
	case UnknownSchema:
		id, _, _ := schema.SplitFrame(e.in.Value)
		return fmt.Sprintf("the writer schema with id %d is not in the raw registry, or lacks a path that the source file names", id)
	case BadSubject:
		form := src.SubjectForm
		if form != "" {
			form = " in the form " + form
		}
		return fmt.Sprintf("%s is missing, null, or not %s%s", src.Layout.Paths[src.SubjectSlot], article(src.SubjectKind), form)
	case BadTime:
		return p.whyTime(e)
	case ContractEnded:
		return fmt.Sprintf("the contract %s ended at %s", p.opt.Partner.ContractID, instant(p.opt.Partner.ContractEndMS))
	case SignalOptOut:
		if name := src.Objects(e.record, &p.opt.Partner.Vendor); name != "" && !src.OptedOut(e.record) {
			return "the event's " + name + " string says no, or cannot be read"
		}
		return "the event carries an opt-out: " + flags(src, src.OptOutIfSet, " or ") + " is set"
	case Minor, Protected:
		if s.verdict == Protected && src.HeldBack(e.record) == "" {
			return "the subject's line is protected in the consent store"
		}
		return "released only if false, and not false: " + flagsNamed(src, s.verdict.String())
	case Jurisdiction:
		return p.whyJurisdiction(e, s)
	case SensitivePlace:
		return p.whyPlace(e, s)
	case SensitiveTopic:
		return p.whyTopic(e, s)
	case MissingField, FilterRefused, KeyErased:
		return whyField(s)
	case ResidualIdentifier:
		return fmt.Sprintf("%s in field %s", p.found.hits, s.spec.Fields[s.failed].Name)
	case TooLarge:
		return fmt.Sprintf("the record is larger than the %d bytes that the topic takes", s.maxBytes)
	}
	return "no stage decided"
}

func whyUnreadable(e *event) string {
	body, reader := e.in.Value, e.source.json
	if e.in.Value == nil {
		return "the event is a tombstone: it has no value"
	}
	if reader == nil {
		var framed bool
		if _, body, framed = schema.SplitFrame(e.in.Value); !framed {
			return "the event does not begin with the prefix of a schema registry (a zero byte and a schema id)"
		}
		reader = e.source.reader
	}
	bad := (*schema.Bad)(nil)
	if reader == nil || !errors.As(reader.Read(body, &schema.Record{}), &bad) {
		return "the event cannot be read"
	}
	if field := e.source.knownPath(bad.Path); field != "" {
		return fmt.Sprintf("the event cannot be read: %s, in %s, at byte %d", bad.Reason, field, bad.Offset)
	}
	return fmt.Sprintf("the event cannot be read: %s, at byte %d", bad.Reason, bad.Offset)
}

func (p *Processor) whyTime(e *event) string {
	src := e.source.spec
	path := src.Layout.Paths[src.TimeSlot]
	ms, ok := src.Time(e.record)
	switch {
	case !ok:
		return path + " is missing, null, or not a time that the source file allows"
	case ms < e.in.TimestampMS-src.PastMS:
		return fmt.Sprintf("%s is more than %s before the raw record's own time (%s)", path, span(src.PastMS), instant(e.in.TimestampMS))
	case ms > e.in.TimestampMS+src.FutureMS:
		return fmt.Sprintf("%s is more than %s after the raw record's own time (%s)", path, span(src.FutureMS), instant(e.in.TimestampMS))
	}
	return fmt.Sprintf("%s is more than %s ahead of the worker's clock", path, span(src.FutureMS))
}

// whyConsent reads the subject's line once more, for people.
func (p *Processor) whyConsent(e *event, s *stream) string {
	q := &s.question
	pair := q.Partner + "/" + q.Purpose
	text := p.snap.Lines[e.line]
	line, ok := consent.Parse(text)
	if text == nil {
		line, ok = consent.Line{}, true
	}
	if !ok {
		return "the subject's consent line is damaged, which counts as no"
	}
	var grant *consent.Grant
	mark := line.AllMarkMS
	for _, entry := range line.Entries {
		if entry.Partner == q.Partner && entry.Purpose == q.Purpose {
			grant, mark = entry.Grant, max(mark, entry.MarkMS)
		}
	}
	switch {
	case s.verdict == Withdrawn:
		return fmt.Sprintf("%s was withdrawn at %s and not given again", pair, instant(mark))
	case grant == nil:
		return "the subject has given no consent to " + pair
	}
	since := p.given(grant)
	switch s.verdict {
	case Released:
		said := fmt.Sprintf("%s covers %s since %s", pair, strings.Join(q.Needs, ", "), since)
		if q.Linked {
			said += ", and agrees to being linked"
		}
		if !p.live {
			said += "; mode " + p.opt.Partner.Mode + " counts it and sends nothing"
		}
		return said
	case BeforeConsent:
		return whyBefore(e, pair, grant.SinceMS, since)
	case ConsentEnded:
		return fmt.Sprintf("%s ended at %s", pair, instant(grant.UntilMS))
	case NotLinked:
		return fmt.Sprintf("%s does not agree to being linked, which same_person_for needs", pair)
	}
	return fmt.Sprintf("%s covers %s, and the stream needs %s", pair, strings.Join(grant.Categories, ", "), strings.Join(q.Needs, ", "))
}

// given says since when a grant holds. A supposed one holds since the event's own time, which is not repeated.
func (p *Processor) given(grant *consent.Grant) string {
	if _, supposed := p.opt.Consent.(*Assumed); supposed {
		return "the event's own time"
	}
	return instant(grant.SinceMS)
}

func whyBefore(e *event, pair string, sinceMS int64, since string) string {
	src := e.source.spec
	if e.timeMS < sinceMS {
		return fmt.Sprintf("the event is from before %s was given, at %s", pair, since)
	}
	path := ""
	if src.LineSinceSlot >= 0 {
		path = src.Layout.Paths[src.LineSinceSlot]
	}
	if _, known := src.LineSince(e.record); !known {
		return path + " is missing, null or no time, so nobody knows whether the consent was given by this subscriber"
	}
	return fmt.Sprintf("%s was given at %s, before the line came to this subscriber (%s)", pair, since, path)
}

func whyField(s *stream) string {
	if s.failed >= len(s.spec.Fields) {
		return "a value does not fit the output schema"
	}
	f := &s.spec.Fields[s.failed]
	switch s.verdict {
	case MissingField:
		return fmt.Sprintf("field %s needs %s, which the event lacks or has as null", f.Name, strings.Join(f.From, " and "))
	case KeyErased:
		return fmt.Sprintf("field %s needs the key of the event's period, which was erased on schedule or is older than the first key", f.Name)
	}
	return fmt.Sprintf("field %s (%s) does not accept the value of %s", f.Name, f.How, strings.Join(f.From, " and "))
}

// flags lists signals as path (name).
func flags(src *policy.Source, list []policy.FlagSlot, or string) string {
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("%s (%s)", src.Layout.Paths[f.Slot], f.Name))
	}
	return strings.Join(out, or)
}

func flagsNamed(src *policy.Source, name string) string {
	var out []string
	for _, f := range src.ReleaseOnlyIfFalse {
		if f.Name == name {
			out = append(out, src.Layout.Paths[f.Slot])
		}
	}
	return strings.Join(out, " or ")
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// span prints 7d, 5m, 90s.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	return d.String()
}

func article(kind string) string {
	switch kind {
	case consent.Opaque:
		return "1 to 64 bytes of text"
	default:
		return "an " + kind
	}
}
