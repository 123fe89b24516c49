package policy

// What the processor asks per event. Nothing here allocates, looks at a clock or has a choice left: what may be decided
// was decided by Compile.

import (
	"math"

	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/schema"
)

// Clone gives a lane its own copy of the filters that keep working state, reading keys from the lane's Keyring. A
// Program that was not cloned has no keys: its pseudonyms and event ids come out as filters.KeyMissing.
func (p *Program) Clone(keys filters.Keyring) *Program {
	c := *p
	c.Fields = make([]Field, len(p.Fields))
	for i, f := range p.Fields {
		if k, ok := f.Filter.(filters.Cloner); ok {
			f.Filter = k.Clone(keys)
		}
		c.Fields[i] = f
	}
	c.in = make([]schema.Value, len(p.in))
	return &c
}

// Run fills out[i] with the value of Fields[i] and stops at the first field that withholds. It returns Filled and
// len(Fields), or the outcome and the index of that field, in which case nothing in out may be used. It overwrites
// ev.Scratch: values in out are valid until the next Run with the same ev or the next Read into rec. Not safe for
// concurrent use: each lane runs its own Clone.
func (p *Program) Run(rec *schema.Record, ev *filters.Event, out []schema.Value) (filters.Outcome, int) {
	ev.Scratch = ev.Scratch[:0]
	for i := range p.Fields {
		f := &p.Fields[i]
		in := p.in[:len(f.Slots)]
		for j, slot := range f.Slots {
			in[j] = rec.Slots[slot]
		}
		out[i] = schema.Value{}
		if o := f.Filter.Apply(&out[i], in, ev); o != filters.Filled {
			return o, i
		}
	}
	return filters.Filled, len(p.Fields)
}

// Time is the event's own time in Unix milliseconds; not ok when it is absent, null or unreadable. The caller compares
// it with PastMS and FutureMS.
func (s *Source) Time(rec *schema.Record) (ms int64, ok bool) {
	return instant(rec.Slots[s.TimeSlot], s.TimeUnit)
}

// LineSince is when the line came to this subscriber; not known when the event does not say. Only to be asked when
// LineSinceSlot is not -1.
func (s *Source) LineSince(rec *schema.Record) (ms int64, known bool) {
	if s.LineSinceSlot < 0 {
		return 0, false
	}
	return instant(rec.Slots[s.LineSinceSlot], "")
}

func instant(v schema.Value, unit string) (ms int64, ok bool) {
	return filters.Instant(v, filters.Unit(unit))
}

// OptedOut tells whether any signal of opt_out_if_set is set: any value but absent, null, false or the number 0 is. A
// text is set, whatever it says, and so is what is no scalar: a signal may only withhold.
func (s *Source) OptedOut(rec *schema.Record) bool {
	for i := range s.OptOutIfSet {
		v := &rec.Slots[s.OptOutIfSet[i].Slot]
		switch v.Kind {
		case schema.Absent:
			continue
		case schema.Bool, schema.Int:
			if v.Num == 0 {
				continue
			}
		case schema.Float:
			// Both zeros of IEEE 754 are 0; NaN is not.
			if math.Float64frombits(uint64(v.Num)) == 0 {
				continue
			}
		}
		return true
	}
	return false
}

// HeldBack gives the first name of release_only_if_false ("minor" or "protected", minor first) that the event does
// not deny, "" if it denies all: only the boolean false does. Null, missing and anything else withholds.
func (s *Source) HeldBack(rec *schema.Record) string {
	for i := range s.ReleaseOnlyIfFalse {
		v := &rec.Slots[s.ReleaseOnlyIfFalse[i].Slot]
		if v.Kind != schema.Bool || v.Num != 0 {
			return s.ReleaseOnlyIfFalse[i].Name
		}
	}
	return ""
}
