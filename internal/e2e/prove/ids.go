package main

// How the proofs find the raw event behind a released record, and the line behind a subject: by the keys, as only the
// carrier can.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/keys"
)

// eventIDs maps, for one stream, the event id of each raw event to its index.
func eventIDs(ring *keys.Ring, s *stream, raw []rawEvent) (map[string]int32, error) {
	var key [32]byte
	if ring.EventKey(&key, s.partner, s.topic) != filters.Filled {
		return nil, errors.New("no event key")
	}
	mac := hmac.New(sha256.New, key[:])
	ids := make(map[string]int32, len(raw))
	for i := range raw {
		e := &raw[i]
		if e.topic != s.raw {
			continue
		}
		msg := binary.BigEndian.AppendUint32(nil, uint32(len(e.topic)))
		msg = append(msg, e.topic...)
		msg = binary.BigEndian.AppendUint32(msg, uint32(e.partition))
		msg = binary.BigEndian.AppendUint64(msg, uint64(e.offset))
		mac.Reset()
		mac.Write(msg)
		ids[base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])] = int32(i)
	}
	return ids, nil
}

// subjectIDs maps each subject to its keyed id.
func subjectIDs(ring *keys.Ring, raw []rawEvent) map[string]string {
	namer := consent.NewNamer(house32(ring))
	ids := map[string]string{}
	for i := range raw {
		s := raw[i].subject
		if _, known := ids[s]; !known && s != "" {
			ids[s] = namer.ID("msisdn", []byte(s)).String()
		}
	}
	return ids
}

func house32(ring *keys.Ring) []byte {
	key := ring.HouseKey()
	return key[:]
}
