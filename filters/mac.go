package filters

// HMAC-SHA256 as pseudonym and event_id use it: keyed once, reused without allocation, cut to 16 bytes and written as
// 22 characters of base64url.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"

	"github.com/consentry/consentry/schema"
)

// tagLen is how much of a MAC leaves: 128 bits.
const tagLen = 16

type mac struct {
	h   hash.Hash
	sum [sha256.Size]byte
}

func newMAC(key []byte) *mac { return &mac{h: hmac.New(sha256.New, key)} }

// tag is HMAC-SHA256 of msg, all 32 bytes, valid until the next call.
func (m *mac) tag(msg []byte) []byte {
	m.h.Reset()
	m.h.Write(msg)
	return m.h.Sum(m.sum[:0])
}

// put writes the first 16 bytes of the MAC of msg to dst, as text in the event's scratch space.
func (m *mac) put(dst *schema.Value, ev *Event, msg []byte) {
	from := len(ev.Scratch)
	ev.Scratch = base64.RawURLEncoding.AppendEncode(ev.Scratch, m.tag(msg)[:tagLen])
	*dst = schema.StringValue(ev.Scratch[from:])
}

// appendLP appends a text with its length as 4 bytes, big-endian, so that no two lists of texts look alike.
func appendLP[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}
