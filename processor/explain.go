package processor

// Explain tells what became of one event and why. It decides with Decide itself and then looks at what the stages left
// behind, so it cannot come to another verdict than a worker.

import (
	"context"
	"encoding/json"

	"github.com/consentry/consentry/schema"
)

// Explanation is the outcome of one event, for every stream of its source that this partner has.
type Explanation struct {
	Source  string              `json:"source"`
	Streams []StreamExplanation `json:"streams"`
}

// StreamExplanation is the verdict for one stream. Fields is empty unless the event came as far as its fields; values
// and Released are there only for a released event. Nothing in it holds the subject, unless a policy's own filters do.
type StreamExplanation struct {
	Topic    string             `json:"topic"`
	Verdict  string             `json:"verdict"`
	Why      string             `json:"why"`
	Mode     string             `json:"mode,omitempty"` // shadow: nothing is sent
	Fields   []FieldExplanation `json:"fields"`
	Released json.RawMessage    `json:"released"` // null unless released
}

// FieldExplanation is one output field: where it comes from, what is done to it, and what comes out.
type FieldExplanation struct {
	Name  string          `json:"name"`
	From  []string        `json:"from"`
	How   string          `json:"how"`
	Value json.RawMessage `json:"value"`
}

// Explain decides one event. The error is as for Decide.
func (p *Processor) Explain(ctx context.Context, in Inbound) (*Explanation, error) {
	one := []Inbound{in}
	if a, ok := p.opt.Consent.(*Assumed); ok {
		// Once to learn the event's time, from which the assumed grants then count.
		if _, err := p.Decide(ctx, one); err != nil {
			return nil, err
		}
		a.since = max(0, p.events[0].timeMS)
	}
	if _, err := p.Decide(ctx, one); err != nil {
		return nil, err
	}
	e := &p.events[0]
	x := &Explanation{Source: e.source.spec.Name}
	for _, s := range e.source.streams {
		x.Streams = append(x.Streams, p.explainStream(e, s))
	}
	return x, nil
}

func (p *Processor) explainStream(e *event, s *stream) StreamExplanation {
	x := StreamExplanation{
		Topic: s.spec.Topic, Verdict: s.verdict.String(), Why: p.why(e, s),
		Fields: []FieldExplanation{}, Released: json.RawMessage("null"),
	}
	if !p.live {
		x.Mode = p.opt.Partner.Mode
	}
	switch s.verdict {
	case Released, MissingField, FilterRefused, KeyErased, ResidualIdentifier, TooLarge:
	default:
		return x
	}
	for i, f := range s.spec.Fields {
		fx := FieldExplanation{Name: f.Name, From: append([]string{}, f.From...), How: f.How, Value: json.RawMessage("null")}
		if s.verdict == Released {
			fx.Value = oneValue(asJSON(s.values[i:i+1], s.spec.Output.Fields[i:i+1]))
		}
		x.Fields = append(x.Fields, fx)
	}
	if s.verdict == Released {
		x.Released = asJSON(s.values, s.spec.Output.Fields)
	}
	return x
}

// asJSON writes output values with the writer that JSON streams use, whatever the stream's own format.
func asJSON(values []schema.Value, fields []schema.OutField) json.RawMessage {
	out, err := schema.NewWriter(&schema.Output{Format: "json", Fields: fields}).Append(nil, values)
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}

// oneValue takes the value out of an object that has one key.
func oneValue(object json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) == nil {
		for _, v := range fields {
			return v
		}
	}
	return json.RawMessage("null")
}
