package processor

// The runner: a batch through the stages, and what a lane keeps between batches so that an event costs no garbage.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
)

// Processor decides batches for one lane of one partner. Not safe for concurrent use.
type Processor struct {
	opt     Options
	live    bool
	sources []*source

	// The batch in hand. All of it is reused.
	in        []Inbound
	nowMS     int64
	events    []event
	records   []schema.Record // one per event: what was located must last until consent has been asked
	subjects  []byte          // canonical subjects
	questions questions
	house     *policy.House
	scanner   *detect.Scanner // the lane's own
	scratch   []byte
	found     found // of the event in hand
	placed    bool  // a source has a position
	snap      consent.Snapshot
	arena     []byte // keys and values of outbound records
	batch     Batch
}

// source is a policy.Source with what a lane needs beside it.
type source struct {
	spec    *policy.Source
	index   int
	streams []*stream
	json    *schema.Reader // nil for Avro
	paths   []string       // what a pointer may name, sorted
	rows    []int          // by partition: where its tallies begin, plus one

	// The reader of the last writer schema in this batch; nil if that is unknown.
	asked    bool
	readerID int
	reader   *schema.Reader
}

// stream is a compiled program with what a lane needs beside it, and its verdict on the event in hand.
type stream struct {
	spec     *policy.Program // as in Partner.Streams
	program  *policy.Program // this lane's clone
	question consent.Question
	writer   *schema.Writer
	framed   bool
	outputID int
	maxBytes int

	event   filters.Event
	values  []schema.Value
	markMS  int64
	failed  int // the field that withheld
	verdict Reason
}

// event is one event on its way.
type event struct {
	in                    *Inbound
	source                *source
	record                *schema.Record
	subjectAt, subjectEnd int // into subjects
	timeMS                int64
	line                  int    // index of its subject among the questions
	verdict               Reason // of a stage before asking, for all streams
}

// Sick is doubt about the system: the batch is not used, and the partner parks with the cause.
type Sick struct{ cause, reason string }

func (s *Sick) Error() string { return s.cause + ": " + s.reason }
func (s *Sick) Cause() string { return s.cause }

// sick passes on an error that has a cause, and gives one to any other, whose text is not trusted.
func sick(err error, cause, reason string) error {
	var caused interface{ Cause() string }
	if errors.As(err, &caused) {
		return err
	}
	return &Sick{cause: cause, reason: reason}
}

// Stopped says that somebody stopped this partner (consentry stop): nothing may be used, and nothing is wrong.
type Stopped struct{}

func (Stopped) Error() string { return "the partner is stopped" }

// New builds a Processor. It fails when a stream cannot be read or written as its policy says.
func New(o Options) (*Processor, error) {
	if o.Partner == nil || o.Consent == nil || o.Keys == nil || o.Names == nil {
		return nil, errors.New("a processor needs a partner, consents, keys and a namer")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Partner.House == nil || o.Partner.House.Scanner == nil || o.Partner.House.Topics == nil || o.Partner.House.Jurisdictions == nil {
		return nil, errors.New("a processor needs the house's lists")
	}
	p := &Processor{opt: o, live: o.Partner.Mode == "live", house: o.Partner.House, scanner: o.Partner.House.Scanner.Clone()}
	for i, spec := range o.Partner.Sources {
		s := &source{spec: spec, index: i}
		s.paths = append(slices.Clone(spec.Layout.Paths), spec.Shape.Paths()...)
		slices.Sort(s.paths)
		switch spec.Format {
		case "json":
			reader, err := spec.Shape.Compile(spec.Layout)
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", spec.Name, err)
			}
			s.json = reader
		case "avro":
			if o.Readers == nil {
				return nil, fmt.Errorf("source %s is Avro and nobody finds its readers", spec.Name)
			}
		default:
			return nil, fmt.Errorf("source %s has a format that cannot be read", spec.Name)
		}
		if spec.LatSlot >= 0 {
			if p.placed = true; p.house.Places == nil {
				return nil, fmt.Errorf("source %s has a position and there is no list of places", spec.Name)
			}
		}
		for _, program := range spec.Streams {
			s.streams = append(s.streams, newStream(&o, spec, program))
		}
		p.sources = append(p.sources, s)
	}
	return p, nil
}

func newStream(o *Options, src *policy.Source, program *policy.Program) *stream {
	st := &stream{
		spec: program, program: program.Clone(o.Keys),
		question: consent.Question{Partner: program.Partner, Purpose: program.Purpose, Needs: program.Needs, Linked: program.Linked},
		writer:   schema.NewWriter(&program.Output),
		framed:   program.Output.Format == "avro",
		maxBytes: DefaultMaxBytes,
		values:   make([]schema.Value, len(program.Fields)),
		event:    filters.Event{Topic: src.Topic, Kind: src.SubjectKind},
	}
	if i := slices.Index(o.Partner.Streams, program); i >= 0 {
		if i < len(o.OutputIDs) {
			st.outputID = o.OutputIDs[i]
		}
		if i < len(o.MaxBytes) && o.MaxBytes[i] > 0 {
			st.maxBytes = o.MaxBytes[i]
		}
	}
	return st
}

// Decide gives every event of in one verdict per stream of its source. On error the batch is nil and nothing may be
// used: the error implements Cause() string, or is Stopped. The Batch is reused by the next Decide.
//
// In mode shadow a verdict is counted as it would have been, `released` included, and Out stays empty: the reasons are
// a closed list and must add up to the events, and what would leave is what a shadow is run to learn. Who reads a tally
// of a shadow's stream must know its mode.
func (p *Processor) Decide(ctx context.Context, in []Inbound) (*Batch, error) {
	if err := p.decide(ctx, in); err != nil {
		p.batch.Out = p.batch.Out[:0]
		return nil, err
	}
	return &p.batch, nil
}

func (p *Processor) decide(ctx context.Context, in []Inbound) error {
	if err := p.begin(in, p.opt.Now()); err != nil {
		return err
	}
	for i := range p.events {
		e := &p.events[i]
		for j := range order.beforeAsking {
			verdict, err := order.beforeAsking[j].event(p, ctx, e)
			if err != nil {
				return err
			}
			if verdict != Undecided {
				e.verdict = verdict
				break
			}
		}
	}
	if err := p.ask(ctx); err != nil {
		return err
	}
	for i := range p.events {
		if err := p.finish(ctx, &p.events[i]); err != nil {
			return err
		}
	}
	if !p.lawful() {
		return &Sick{cause: "state_restoring", reason: "the counts of a batch did not add up"}
	}
	return nil
}

// begin makes room for a batch. A record of a topic that this partner does not read must never get this far.
func (p *Processor) begin(in []Inbound, now time.Time) error {
	for i := range in {
		if in[i].Source < 0 || in[i].Source >= len(p.sources) || in[i].Partition < 0 {
			return &Sick{cause: "state_restoring", reason: "a record of no source of this partner"}
		}
	}
	p.in, p.nowMS = in, now.UnixMilli()
	if p.placed && p.house.PlacesStale(p.nowMS) {
		return &Sick{cause: "list_stale", reason: "the data of the list of sensitive places is too old, or dated in the future"}
	}
	p.forgetTallies()
	p.batch.Out, p.batch.Quarantine = p.batch.Out[:0], p.batch.Quarantine[:0]
	p.batch.VerdictAt, p.batch.Residual = now, [detect.NumClasses]int64{}
	p.subjects, p.arena = p.subjects[:0], p.arena[:0]
	p.questions.reset(len(in))
	for _, s := range p.sources {
		s.asked, s.reader = false, nil
	}
	if len(p.records) < len(in) {
		p.records = append(p.records, make([]schema.Record, len(in)-len(p.records))...)
		p.events = make([]event, len(in))
	}
	p.events = p.events[:len(in)]
	for i := range in {
		p.events[i] = event{in: &in[i], source: p.sources[in[i].Source], record: &p.records[i]}
	}
	return nil
}

// ask puts the batch's one question to the store, also where nobody is left to be asked about: an event's time and a
// contract's end are judged by this machine's clock, which only the store's can prove right, and a partner that is
// stopped takes no verdict at all. A batch without events asks nothing.
func (p *Processor) ask(ctx context.Context) error {
	if len(p.in) == 0 {
		return nil
	}
	if err := p.opt.Consent.Ask(ctx, p.opt.Partner.Name, p.questions.ids, &p.snap); err != nil {
		return sick(err, "redis_unreachable", "the consent store gave no answer")
	}
	if p.snap.Stopped {
		return Stopped{}
	}
	if len(p.snap.Lines) != len(p.questions.ids) || p.snap.Protected != nil && len(p.snap.Protected) != len(p.questions.ids) || p.snap.AskedAt.IsZero() {
		return &Sick{cause: "redis_unreachable", reason: "the consent store did not answer for everybody"}
	}
	p.batch.VerdictAt, p.batch.Snapshot = p.snap.AskedAt, p.snap
	return nil
}

// finish takes one event through the stages after asking, and counts it.
func (p *Processor) finish(ctx context.Context, e *event) error {
	streams := e.source.streams
	for _, s := range streams {
		s.verdict = e.verdict
	}
	if p.found.placeAsked || p.found.topicsAsked {
		p.found = found{}
	}
	open := len(streams)
	if e.verdict != Undecided {
		open = 0
	}
	for i := 0; i < len(order.afterAsking) && open > 0; i++ {
		st := &order.afterAsking[i]
		if st.event != nil {
			verdict, err := st.event(p, ctx, e)
			if err != nil {
				return err
			}
			if verdict != Undecided {
				settle(streams, verdict)
				open = 0
			}
			continue
		}
		for _, s := range streams {
			if s.verdict != Undecided {
				continue
			}
			verdict, err := st.stream(p, e, s)
			if err != nil {
				return err
			}
			if s.verdict = verdict; verdict != Undecided {
				open--
			}
		}
	}
	p.count(e)
	return nil
}

// settle gives a verdict to every stream that has none.
func settle(streams []*stream, verdict Reason) {
	for _, s := range streams {
		if s.verdict == Undecided {
			s.verdict = verdict
		}
	}
}
