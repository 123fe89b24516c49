package filters

// round_down cuts a time to the beginning of its period, UTC.

import (
	"fmt"
	"math"

	"github.com/consentry/consentry/schema"
)

const (
	hourMS = 3_600_000
	dayMS  = 24 * hourMS
	// The years 1 to 9999, which is what RFC 3339 can say.
	firstMS = -62_135_596_800_000
	lastMS  = 253_402_300_799_999
)

func buildRoundDown(a *Args) (*Built, *Refusal) {
	in, path := a.Types[0], a.Paths[0]
	switch {
	case in.Zoneless:
		return nil, refuse("", fmt.Sprintf("%s is a time without a zone (local-timestamp), which says no instant", path))
	case in.Kind == schema.Int && a.Unit == "":
		return nil, refuse("", fmt.Sprintf("%s is an integer that nothing says the unit of: round_down takes a time, or the source's own time field", path))
	case in.Kind == schema.String && in.Symbols != nil, in.Kind != schema.Time && in.Kind != schema.String && in.Kind != schema.Int:
		return nil, refuse("", fmt.Sprintf("%s is no time: round_down takes an Avro timestamp or an RFC 3339 string", path))
	}
	arg, given := a.Option("to")
	ms, ok := parseDuration(arg)
	if !given || !ok {
		return nil, refuse("to", "round_down needs a length, e.g. `to: 1h`")
	}
	if ms <= 0 || (ms < dayMS && dayMS%ms != 0) || (ms >= dayMS && ms%dayMS != 0) || ms > 366*dayMS {
		return nil, refuse("to", fmt.Sprintf("%s neither divides 24h nor is whole days (at most 366d), so periods would not begin at midnight UTC", arg.Text))
	}
	if ms < a.Floor.MS {
		return nil, refuse("to", fmt.Sprintf("%s is too fine: a time is rounded down to at least %s", arg.Text, a.Floor.Why))
	}
	rest, no := onlyNull(a, "round_down")
	if no != nil {
		return nil, no
	}
	span := a.SpanMS
	if span == 0 {
		span = lastMS - firstMS // nothing bounds a time that is not the event's own
	}
	n := math.Ceil(float64(span)/float64(ms)) + 1
	if rest.ifMissing {
		n++
	}
	return &Built{
		Filter: &roundDown{ms, a.Unit, rest}, Kind: schema.Time, Doc: fmt.Sprintf("beginning of a period of %s, UTC", arg.Text),
		How: "rounded down to " + arg.Text + rest.how(), Leaves: Made, Distinct: n,
	}, nil
}

type roundDown struct {
	ms   int64
	unit Unit
	rest fallback
}

func (r *roundDown) Apply(dst *schema.Value, in []schema.Value, _ *Event) Outcome {
	if in[0].Kind == schema.Absent {
		return r.rest.onMissing(dst)
	}
	ms, ok := Instant(in[0], r.unit)
	if !ok || ms < firstMS || ms > lastMS {
		return Refused
	}
	if ms = floorDiv(ms, r.ms) * r.ms; ms < firstMS {
		return Refused
	}
	*dst = schema.TimeValue(ms)
	return Filled
}

// parseDuration reads 250ms, 5s, 15m, 1h or 7d: one whole number and one unit.
func parseDuration(a Arg) (ms int64, ok bool) {
	if a.Kind != ArgString {
		return 0, false
	}
	i, n := 0, int64(0)
	for i < len(a.Text) && a.Text[i] >= '0' && a.Text[i] <= '9' && i < 9 {
		n = n*10 + int64(a.Text[i]-'0')
		i++
	}
	if i == 0 {
		return 0, false
	}
	switch a.Text[i:] {
	case "ms":
		return n, true
	case "s":
		return n * 1000, true
	case "m":
		return n * 60_000, true
	case "h":
		return n * hourMS, true
	case "d":
		return n * dayMS, true
	}
	return 0, false
}
