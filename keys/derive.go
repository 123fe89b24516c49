package keys

// Derivation: HKDF-SHA256 (RFC 5869) with an empty salt. A derived key tells nothing about its root or its siblings.

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// derive expands a root for one partner and topic: info = LP(partner) LP(topic), LP a 4-byte big-endian length and the
// bytes, so that no two pairs share an info.
func derive(dst *[32]byte, root *[keySize]byte, partner, topic string) bool {
	info := make([]byte, 0, 8+len(partner)+len(topic))
	info = binary.BigEndian.AppendUint32(info, uint32(len(partner)))
	info = append(info, partner...)
	info = binary.BigEndian.AppendUint32(info, uint32(len(topic)))
	info = append(info, topic...)
	return expand(dst[:], root[:], nil, string(info))
}

// expand fills dst; false only for lengths that HKDF does not have.
func expand(dst, secret, salt []byte, info string) bool {
	out, err := hkdf.Key(sha256.New, secret, salt, info, len(dst))
	if err != nil {
		return false
	}
	copy(dst, out)
	clear(out)
	return true
}

// fingerprint tells two keys apart without helping to guess either: 8 derived bytes of a 32-byte random key. The label
// cannot meet an LP info, whose first four bytes would then claim a partner name of 1.7 GB.
func fingerprint(key *[keySize]byte) string {
	var out [8]byte
	if !expand(out[:], key[:], nil, "fingerprint") {
		return ""
	}
	return hex.EncodeToString(out[:])
}
