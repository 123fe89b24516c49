// Who an event is about: the canonical form of a subject, and the keyed name under which the store knows it.

package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
)

// Kinds of subject, as consent.subject names them.
const (
	MSISDN = "msisdn"
	IMSI   = "imsi"
	Opaque = "opaque"
)

// Forms of an msisdn, as a source's subject.form names them. The other kinds have none.
const (
	E164     = "e164"
	Digits   = "digits"
	National = "national"
)

// Canonical appends the canonical form of v to dst and tells whether v is of its kind and form; when it is not, dst
// comes back as it was. An msisdn ends in E.164 (+ and 7 to 15 digits), an imsi is 6 to 15 digits, an opaque subject 1
// to 64 bytes as they are. An empty form means e164; region counts for national numbers only. It does not allocate
// when dst has room for 64 bytes, and it never guesses: what it does not know is no subject.
func Canonical(dst []byte, kind, form, region string, v []byte) ([]byte, bool) {
	switch kind {
	case MSISDN:
		return canonicalMSISDN(dst, form, region, v)
	case IMSI:
		if len(v) < 6 || len(v) > 15 || !allDigits(v) {
			return dst, false
		}
		return append(dst, v...), true
	case Opaque:
		if len(v) < 1 || len(v) > 64 {
			return dst, false
		}
		return append(dst, v...), true
	}
	return dst, false
}

func canonicalMSISDN(dst []byte, form, region string, v []byte) ([]byte, bool) {
	switch form {
	case E164, "":
		if len(v) < 1 || v[0] != '+' {
			return dst, false
		}
		v = v[1:]
	case Digits:
	case National:
		return canonicalNational(dst, region, v)
	default:
		return dst, false
	}
	if len(v) < 7 || len(v) > 15 || !allDigits(v) {
		return dst, false
	}
	return append(append(dst, '+'), v...), true
}

// canonicalNational strips the trunk prefix by the region's rule and puts the country code before the rest.
func canonicalNational(dst []byte, region string, v []byte) ([]byte, bool) {
	r := regionRule(region)
	if r == nil || !allDigits(v) {
		return dst, false
	}
	if len(r.trunk) > 0 {
		has := len(v) > len(r.trunk) && string(v[:len(r.trunk)]) == r.trunk
		switch {
		case r.trunkOptional:
			// Where the trunk is optional all numbers have one length, so the length tells whether it is there.
			if len(v) > r.max {
				if !has {
					return dst, false
				}
				v = v[len(r.trunk):]
			}
		case !has:
			return dst, false
		default:
			v = v[len(r.trunk):]
		}
	}
	if len(v) < r.min || len(v) > r.max {
		return dst, false
	}
	dst = append(dst, '+')
	dst = append(dst, r.code...)
	return append(dst, v...), true
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Namer computes IDs with one reusable HMAC state. It is not for concurrent use: one per lane.
type Namer struct {
	mac hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// NewNamer makes a Namer under the deployment's house key.
func NewNamer(house []byte) *Namer {
	return &Namer{mac: hmac.New(sha256.New, house), buf: make([]byte, 0, 96)}
}

// ID names a canonical subject. It does not allocate.
func (n *Namer) ID(kind string, canonical []byte) ID {
	n.buf = append(append(n.buf[:0], kind...), canonical...)
	n.mac.Reset()
	n.mac.Write(n.buf)
	n.mac.Sum(n.sum[:0])
	return ID(n.sum[:len(ID{})])
}

// NewID names one canonical subject; for a person's single question. Lanes keep a Namer.
func NewID(house []byte, kind string, canonical []byte) ID {
	return NewNamer(house).ID(kind, canonical)
}

// IDText is the length of an ID as text.
const IDText = 22

// Shard is the first 6 bits, 0 to 63.
func (id ID) Shard() int { return int(id[0] >> 2) }

// Append appends the 22 characters of base64url that stand in the store's keys.
func (id ID) Append(dst []byte) []byte { return base64.RawURLEncoding.AppendEncode(dst, id[:]) }

func (id ID) String() string { return string(id.Append(make([]byte, 0, IDText))) }
