// The note that travels in the metadata of every offset commit: the raw topic's id, because Kafka gives a topic that is
// made again the same name, and how far the consent store had come, because a restored Redis does not tell that it is
// old. At most 1.1 KiB of ASCII (Kafka's limit is 4 KiB).

package kafka

import (
	"encoding/base64"
	"strings"

	"github.com/consentry/consentry/consent"
)

const notePrefix = "consentry/1"

// topicID is Kafka's id of one incarnation of a topic.
type topicID = [16]byte

// appendNote writes the note. A zero id is left out, and so is a store that was not asked (epoch 0).
func appendNote(dst []byte, id topicID, epoch uint64, places *[consent.Shards]uint64) []byte {
	dst = append(dst, notePrefix...)
	dst = append(dst, ';')
	if id != (topicID{}) {
		dst = base64.RawURLEncoding.AppendEncode(dst, id[:])
	}
	dst = append(dst, ';')
	if epoch != 0 {
		dst = consent.AppendPlaces(dst, epoch, places)
	}
	return dst
}

// note is what a commit's metadata says; the zero note says nothing.
type note struct {
	topic  topicID
	epoch  uint64 // 0: the commit says nothing about the store
	places [consent.Shards]uint64
}

// parseNote reads what appendNote wrote. Anything else, a commit by hand for instance, is the zero note.
func parseNote(metadata string) note {
	var n note
	parts := strings.Split(metadata, ";")
	if len(parts) != 3 || parts[0] != notePrefix {
		return n
	}
	if id, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && len(id) == len(n.topic) {
		copy(n.topic[:], id)
	}
	if epoch, places, ok := consent.ParsePlaces(parts[2]); ok {
		n.epoch, n.places = epoch, places
	}
	return n
}
