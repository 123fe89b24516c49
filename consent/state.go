// Records of the state topic: all that holds in a shard, one record a key, and after each transaction the mark, which
// says up to where the requests have been merged.

package consent

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

const (
	// MarkKey is the key of a shard's mark.
	MarkKey = "mark"
	// DoneHeader is the header of a state record that names the requests which ended in it.
	DoneHeader = "done"

	protectedPrefix = "protected:"
	stopPrefix      = "stop:"
)

// LineKey is the key of a subject's line in the state topic. Its value is the line exactly as it stands in Redis.
func LineKey(id ID) string { return id.String() }

// ProtectedKey is the key of a subject's protection: value 1, or a tombstone.
func ProtectedKey(id ID) string { return protectedPrefix + id.String() }

// StopKey is the key of a partner's stop flag, in the first shard: "MILLISECONDS REASON", or a tombstone.
func StopKey(partner string) string { return stopPrefix + partner }

// StateKey is a key of the state topic, taken apart. The zero value is none of ours.
type StateKey struct {
	Kind    StateKind
	ID      ID     // of a line and a protection
	Partner string // of a stop
}

// StateKind says what a key of the state topic stands for. The zero kind is nothing of ours.
type StateKind uint8

const (
	_ StateKind = iota
	StateLine
	StateProtected
	StateStop
	StateMark
)

// ParseStateKey takes a key of a shard's state partition apart; one that is not ours, or of another shard, is the zero
// StateKey.
func ParseStateKey(shard int, key []byte) StateKey {
	if string(key) == MarkKey {
		return StateKey{Kind: StateMark}
	}
	if name, ok := bytes.CutPrefix(key, []byte(stopPrefix)); ok {
		if k := (StateKey{Kind: StateStop, Partner: string(name)}); shard == stopShard && ValidName(k.Partner) {
			return k
		}
		return StateKey{}
	}
	k := StateKey{Kind: StateLine}
	if rest, ok := bytes.CutPrefix(key, []byte(protectedPrefix)); ok {
		k.Kind, key = StateProtected, rest
	}
	var ok bool
	if k.ID, ok = ParseID(key); !ok || k.ID.Shard() != shard {
		return StateKey{}
	}
	return k
}

// Mark is where a shard's merge stands. The zero Mark is that of a shard of which nothing was merged.
type Mark struct {
	// Epoch is the one that the store must have; 0 before the first opening.
	Epoch uint64 `json:"epoch"`
	// Requests is the next offset to merge: what is below was merged, once, whatever the group's offsets say.
	Requests int64 `json:"requests"`
	// AcceptedMS is the latest acceptance so far: a broker's clock that steps back moves nothing back.
	AcceptedMS int64 `json:"accepted"`
	// Hold: the owner fills and does not vouch yet.
	Hold bool `json:"hold,omitempty"`
	// House is the fingerprint of the house key under which the ids here were made; empty as long as no opening has said
	// it. It stands in the log because a store forgets it, and who has another key folder finds nobody's line.
	House string `json:"house,omitempty"`
}

// Take moves the mark past a request. It is false for one that was merged before: what stands below the mark and was
// appended no later than the last one merged. A later one below the mark stands in a topic that was made again or has
// lost its end, whose offsets come a second time.
func (m *Mark) Take(p *Positioned) bool {
	if p.Offset < m.Requests && p.AppendMS <= m.AcceptedMS {
		return false
	}
	m.Requests, m.AcceptedMS = p.Offset+1, max(m.AcceptedMS, p.AppendMS)
	return true
}

// Value is the mark's record.
func (m *Mark) Value() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		return nil // numbers and a flag: it cannot fail
	}
	return b
}

var errMark error = &Refused{Reason: "the record is no mark"}

// DecodeMark reads what Value wrote, and nothing else.
func DecodeMark(value []byte) (Mark, error) {
	var m Mark
	if json.Unmarshal(value, &m) != nil || m.Requests < 0 || m.AcceptedMS < 0 || !bytes.Equal(m.Value(), value) {
		return Mark{}, errMark
	}
	return m, nil
}

// Done is what became of one request.
type Done struct {
	Offset     int64 // in the requests partition
	Effect     Effect
	InForce    bool
	AcceptedMS int64
}

// AppendDone appends the text of the done header: OFFSET:EFFECT:INFORCE:ACCEPTED, joined by commas.
func AppendDone(dst []byte, done []Done) []byte {
	for i, d := range done {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, d.Offset, 10)
		dst = strconv.AppendUint(append(dst, ':'), uint64(d.Effect), 10)
		force := byte('0')
		if d.InForce {
			force = '1'
		}
		dst = strconv.AppendInt(append(dst, ':', force, ':'), d.AcceptedMS, 10)
	}
	return dst
}

// ParseDone reads what AppendDone wrote; false for anything else.
func ParseDone(text []byte) ([]Done, bool) {
	if len(text) == 0 {
		return nil, true
	}
	done := make([]Done, 0, 1+bytes.Count(text, []byte(",")))
	for one := range strings.SplitSeq(string(text), ",") {
		parts := strings.Split(one, ":")
		if len(parts) != 4 || parts[2] != "0" && parts[2] != "1" {
			return nil, false
		}
		offset, ok1 := natural(parts[0])
		effect, ok2 := natural(parts[1])
		at, ok3 := natural(parts[3])
		if !ok1 || !ok2 || !ok3 || effect > math.MaxUint8 || !Effect(effect).known() {
			return nil, false
		}
		done = append(done, Done{Offset: offset, Effect: Effect(effect), InForce: parts[2] == "1", AcceptedMS: at})
	}
	return done, true
}

// natural reads a decimal number without sign or leading zero.
func natural(s string) (int64, bool) {
	if len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	v, ok := parseInt([]byte(s))
	return v, ok && s[0] != '-'
}
