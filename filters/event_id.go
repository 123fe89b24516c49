package filters

// event_id lets a partner tell a repeat: HMAC-SHA256 under the key of partner and topic over where the raw event
// stands, LP(raw topic) u32be(partition) u64be(offset), first 16 bytes, 22 characters of base64url. Without the key it
// says nothing about the raw topic, not even order.

import (
	"encoding/binary"
	"math"

	"github.com/consentry/consentry/schema"
)

func buildEventID(a *Args) (*Built, *Refusal) {
	if a.Value.Kind != ArgBool || !a.Value.Bool {
		return nil, refuse("", "event_id reads no field: write `event_id: true`")
	}
	return &Built{
		Filter: &eventID{partner: a.Partner, topic: a.Topic}, Kind: schema.String,
		Doc: "names this event; a repeat has the same", How: "keyed id of the event for this partner and topic", Leaves: Made, Distinct: math.Inf(1),
	}, nil
}

type eventID struct {
	partner, topic string
	keys           Keyring
	generation     uint64
	mac            *mac
	msg            []byte
}

func (e *eventID) Clone(keys Keyring) Filter {
	return &eventID{partner: e.partner, topic: e.topic, keys: keys}
}

func (e *eventID) Apply(dst *schema.Value, _ []schema.Value, ev *Event) Outcome {
	if e.keys == nil {
		return KeyMissing
	}
	if g := e.keys.Generation(); e.mac == nil || g != e.generation {
		var key [32]byte
		if o := e.keys.EventKey(&key, e.partner, e.topic); o != Filled {
			e.mac = nil
			return keyOutcome(o)
		}
		e.mac, e.generation = newMAC(key[:]), g
		clear(key[:])
	}
	e.msg = appendLP(e.msg[:0], ev.Topic)
	e.msg = binary.BigEndian.AppendUint32(e.msg, uint32(ev.Partition))
	e.msg = binary.BigEndian.AppendUint64(e.msg, uint64(ev.Offset))
	e.mac.put(dst, ev, e.msg)
	return Filled
}
