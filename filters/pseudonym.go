package filters

// pseudonym names a subject for one partner, stream and epoch: HMAC-SHA256(K, LP(kind) LP(canonical subject)
// u64be(mark)), first 16 bytes, 22 characters of base64url (contract.md, section 2). Whoever withdraws has a later mark,
// and so comes back as somebody new.

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/consentry/consentry/schema"
)

// maxEpochs bounds the derived keys that a lane keeps at a time. Events of more epochs than this at once are still
// right, only dearer.
const maxEpochs = 64

func buildPseudonym(a *Args) (*Built, *Refusal) {
	days := (time.Duration(a.Period) * time.Millisecond).String()
	if a.Period%dayMS == 0 {
		days = number(float64(a.Period/dayMS)) + "d"
	} else if a.Period%hourMS == 0 {
		days = number(float64(a.Period/hourMS)) + "h"
	}
	return &Built{
		Filter: &pseudonym{partner: a.Partner, topic: a.Topic, period: a.Period}, Kind: schema.String,
		Doc:      "the same for the same person within a period of " + days + " (UTC, counted from 1970), and only in this topic",
		How:      "keyed pseudonym of this partner and topic, new every " + days + " and after each withdrawal",
		Leaves:   Made,
		Distinct: math.Inf(1),
	}, nil
}

type pseudonym struct {
	partner, topic string
	period         int64 // milliseconds
	keys           Keyring
	generation     uint64
	epochs         []epochMAC
	next           int // the entry that makes room
	msg            []byte
}

type epochMAC struct {
	epoch int64
	mac   *mac
}

func (p *pseudonym) Clone(keys Keyring) Filter {
	return &pseudonym{partner: p.partner, topic: p.topic, period: p.period, keys: keys}
}

func (p *pseudonym) Apply(dst *schema.Value, _ []schema.Value, ev *Event) Outcome {
	if len(ev.Subject) == 0 || ev.Kind == "" {
		return Refused
	}
	m, o := p.mac(floorDiv(ev.TimeMS, p.period))
	if o != Filled {
		return o
	}
	p.msg = appendLP(p.msg[:0], ev.Kind)
	p.msg = appendLP(p.msg, ev.Subject)
	p.msg = binary.BigEndian.AppendUint64(p.msg, uint64(ev.MarkMS))
	m.put(dst, ev, p.msg)
	return Filled
}

// mac finds the epoch's key among those kept, or derives it.
func (p *pseudonym) mac(epoch int64) (*mac, Outcome) {
	if p.keys == nil {
		return nil, KeyMissing
	}
	// The folder was read anew: a root may have been erased, and what was derived from it goes with it.
	if g := p.keys.Generation(); g != p.generation {
		clear(p.epochs)
		p.epochs, p.next, p.generation = p.epochs[:0], 0, g
	}
	for i := range p.epochs {
		if p.epochs[i].epoch == epoch {
			return p.epochs[i].mac, Filled
		}
	}
	var key [32]byte
	if o := p.keys.PseudonymKey(&key, p.partner, p.topic, p.period, epoch); o != Filled {
		return nil, keyOutcome(o)
	}
	e := epochMAC{epoch, newMAC(key[:])}
	clear(key[:])
	if len(p.epochs) < maxEpochs {
		p.epochs = append(p.epochs, e)
	} else {
		p.epochs[p.next] = e
		p.next = (p.next + 1) % maxEpochs
	}
	return e.mac, Filled
}

// keyOutcome: a key that is not to be had and was not erased on schedule is doubt about the system.
func keyOutcome(o Outcome) Outcome {
	if o == KeyErased {
		return KeyErased
	}
	return KeyMissing
}
