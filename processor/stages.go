package processor

// The order of the stages, on one screen. Nothing else decides.

import (
	"context"
	"errors"
	"slices"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// stage gives a verdict or Undecided, which hands on to the next stage. Exactly one of the two is set: event runs once
// per event and its verdict holds for every stream, stream runs once per stream. An error means that the system is sick.
type stage struct {
	name   string
	event  func(*Processor, context.Context, *event) (Reason, error)
	stream func(*Processor, *event, *stream) (Reason, error)
}

// order is the whole way of an event. The first stage that has a verdict ends it; what no stage withholds is released
// by the last. Consent is asked once for the batch, after every event has been read: finding a reader can take seconds,
// and a verdict's age counts from the question. What may be sensitive is computed after it, and only for those who agreed.
var order = struct{ beforeAsking, afterAsking []stage }{
	beforeAsking: []stage{
		{name: "read", event: (*Processor).read},         // bad_event, unknown_schema
		{name: "subject", event: (*Processor).subject},   // bad_subject
		{name: "time", event: (*Processor).time},         // bad_time
		{name: "contract", event: (*Processor).contract}, // contract_ended
	},
	afterAsking: []stage{
		{name: "consent", stream: (*Processor).consent},   // withdrawn, no_consent, before_consent, consent_ended, not_linked
		{name: "signals", event: (*Processor).signals},    // signal_opt_out
		{name: "held back", event: (*Processor).heldBack}, // minor, protected
		{name: "jurisdiction", stream: (*Processor).jurisdiction},
		{name: "sensitive place", stream: (*Processor).sensitivePlace},
		{name: "sensitive topic", stream: (*Processor).sensitiveTopic},
		{name: "fields", stream: (*Processor).fields}, // missing_field, filter_refused, key_erased
		{name: "residual identifier", stream: (*Processor).residual},
		{name: "release", stream: (*Processor).releaseOut}, // too_large, released
	},
}

// read locates the source's fields. An event that cannot be read leaves a pointer for quarantine.
func (p *Processor) read(ctx context.Context, e *event) (Reason, error) {
	body, reader := e.in.Value, e.source.json
	id := 0
	if reader == nil {
		var framed bool
		if id, body, framed = schema.SplitFrame(e.in.Value); !framed {
			return p.quarantine(e, BadEvent, 0, ""), nil
		}
		var err error
		if reader, err = p.reader(ctx, e.source, id); err != nil {
			return Undecided, err
		}
		if reader == nil {
			return p.quarantine(e, UnknownSchema, id, ""), nil
		}
	}
	if err := reader.Read(body, e.record); err != nil {
		field := ""
		if bad := (*schema.Bad)(nil); errors.As(err, &bad) {
			field = e.source.knownPath(bad.Path)
		}
		return p.quarantine(e, BadEvent, id, field), nil
	}
	return Undecided, nil
}

// reader finds the reader of a writer schema, nil for one that is finally unknown. The last answer of a source is kept
// for the batch only: the resolver may learn better.
func (p *Processor) reader(ctx context.Context, s *source, id int) (*schema.Reader, error) {
	if s.asked && s.readerID == id {
		return s.reader, nil
	}
	reader, err := p.opt.Readers.Reader(ctx, s.spec, id)
	if err != nil {
		if unknown := (ErrUnknownSchema{}); !errors.As(err, &unknown) {
			return nil, sick(err, "registry_unreachable", "a reader could not be found")
		}
		reader = nil
	} else if reader == nil {
		return nil, &Sick{cause: "registry_unreachable", reason: "a resolver gave neither a reader nor an error"}
	}
	s.asked, s.readerID, s.reader = true, id, reader
	return reader, nil
}

// knownPath passes on only a path that the compiled schema or the layout names: a path taken from the event itself
// could be made of anything.
func (s *source) knownPath(path string) string {
	if _, known := slices.BinarySearch(s.paths, path); known {
		return path
	}
	return ""
}

// subject puts the canonical subject into the batch's arena and its keyed name among the questions.
func (p *Processor) subject(_ context.Context, e *event) (Reason, error) {
	spec := e.source.spec
	v := &e.record.Slots[spec.SubjectSlot]
	if v.Kind != schema.String {
		return BadSubject, nil
	}
	start := len(p.subjects)
	subjects, ok := consent.Canonical(p.subjects, spec.SubjectKind, spec.SubjectForm, spec.Region, v.Raw)
	if !ok {
		return BadSubject, nil
	}
	p.subjects = subjects
	e.subjectAt, e.subjectEnd = start, len(p.subjects)
	return Undecided, nil
}

// time reads the event's own time and compares it with the raw record's Kafka timestamp, so that a long pause spoils
// nothing, and with the worker's clock for the future only. A sum that overflows compares as outside.
func (p *Processor) time(_ context.Context, e *event) (Reason, error) {
	ms, ok := e.source.spec.Time(e.record)
	s, kafka := e.source.spec, e.in.TimestampMS
	if !ok || ms < kafka-s.PastMS || ms > kafka+s.FutureMS || ms > p.nowMS+s.FutureMS {
		return BadTime, nil
	}
	e.timeMS = ms
	return Undecided, nil
}

// contract withholds everything from the end of the contract on, by the worker's clock. Who comes through is asked about.
func (p *Processor) contract(_ context.Context, e *event) (Reason, error) {
	if p.nowMS >= p.opt.Partner.ContractEndMS {
		return ContractEnded, nil
	}
	name := p.opt.Names.ID(e.source.spec.SubjectKind, p.subjects[e.subjectAt:e.subjectEnd])
	e.line = p.questions.add(name)
	return Undecided, nil
}

// consent asks the subject's line for this stream. The verdicts of a line are consent's; this is only the translation.
func (p *Processor) consent(e *event, s *stream) (Reason, error) {
	since := consent.LineSince{Named: e.source.spec.LineSinceSlot >= 0}
	if since.Named {
		since.MS, since.Known = e.source.spec.LineSince(e.record)
	}
	answer, mark, _ := consent.Judge(p.snap.Lines[e.line], &s.question, e.timeMS, since, p.snap.StoreMS)
	s.markMS = mark
	switch answer {
	case consent.Given:
		return Undecided, nil
	case consent.Withdrawn:
		return Withdrawn, nil
	case consent.BeforeConsent:
		return BeforeConsent, nil
	case consent.Ended:
		return ConsentEnded, nil
	case consent.NotLinked:
		return NotLinked, nil
	}
	return NoConsent, nil
}

func (p *Processor) signals(_ context.Context, e *event) (Reason, error) {
	if e.source.spec.OptedOut(e.record) || e.source.spec.Objects(e.record, &p.opt.Partner.Vendor) != "" {
		return SignalOptOut, nil
	}
	return Undecided, nil
}

// heldBack withholds what the event does not deny, and the lines that the carrier protects in the store.
func (p *Processor) heldBack(_ context.Context, e *event) (Reason, error) {
	switch e.source.spec.HeldBack(e.record) {
	case "":
		if p.snap.Protected == nil || !p.snap.Protected[e.line] {
			return Undecided, nil
		}
	case "minor":
		return Minor, nil
	}
	return Protected, nil
}

// fields runs the stream's program. The values stand in s.values until the stream's next event.
func (p *Processor) fields(e *event, s *stream) (Reason, error) {
	ev := &s.event
	ev.TimeMS, ev.Partition, ev.Offset, ev.MarkMS = e.timeMS, e.in.Partition, e.in.Offset, s.markMS
	ev.Subject = p.subjects[e.subjectAt:e.subjectEnd]
	outcome, at := s.program.Run(e.record, ev, s.values)
	s.failed = at
	switch outcome {
	case filters.Filled:
		return Undecided, nil
	case filters.Missing:
		return MissingField, nil
	case filters.KeyErased:
		return KeyErased, nil
	case filters.KeyMissing:
		return Undecided, &Sick{cause: "key_missing", reason: "no key for an event of " + s.spec.Topic}
	}
	return FilterRefused, nil
}

// releaseOut makes the outbound record. Key and value stand in the batch's arena. In mode shadow the record is made,
// measured and dropped.
func (p *Processor) releaseOut(_ *event, s *stream) (Reason, error) {
	start := len(p.arena)
	arena := p.arena
	if s.framed {
		arena = schema.AppendFrame(arena, s.outputID)
	}
	arena, err := s.writer.Append(arena, s.values)
	if err != nil {
		return FilterRefused, nil // a value that its own output schema does not have
	}
	end := len(arena)
	if k := s.spec.KeyField; k >= 0 {
		arena = append(arena, s.values[k].Raw...)
	}
	size := len(arena) - start + recordOverhead
	if size > s.maxBytes {
		return TooLarge, nil
	}
	if p.live {
		p.arena = arena
		out := Outbound{program: s.spec, value: arena[start:end:end], size: size}
		if len(arena) > end {
			out.key = arena[end:len(arena):len(arena)]
		}
		p.batch.Out = append(p.batch.Out, out)
	}
	return Released, nil
}
