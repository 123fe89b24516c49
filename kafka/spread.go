// Which partition of a partner topic a record goes to. A keyed record goes where any Kafka client would put its key
// (murmur2), so that one pseudonym stays in order; the raw key is never used, because it would outlive every rotation.
// Records without a key all go to one partition a transaction, chosen by a keyed function of where the transaction
// began: neither the raw partition nor the clock can be read from it.

package kafka

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kgo"
)

// spread is the partitioner. An unkeyed record carries its choice in Partition, as any number of 31 bits.
type spread struct{ keyed kgo.TopicPartitioner }

// ForTopic gives a topic its partitioner; the library's own hash of keys is Kafka's murmur2.
func (spread) ForTopic(topic string) kgo.TopicPartitioner {
	return spread{keyed: kgo.StickyKeyPartitioner(nil).ForTopic(topic)}
}

// RequiresConsistency keeps a record's partition when that partition is down: the transaction waits or is redone.
func (spread) RequiresConsistency(*kgo.Record) bool { return true }

// Partition picks one of n partitions.
func (s spread) Partition(r *kgo.Record, n int) int {
	if r.Key != nil {
		return s.keyed.Partition(r, n)
	}
	return int(r.Partition&0x7fffffff) % n
}

// pick chooses for the unkeyed records of one transaction: HMAC-SHA256(key of the stream, "partition" ‖ raw topic ‖
// partition ‖ first offset).
func pick(key *[32]byte, rawTopic string, partition int32, offset int64) int32 {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("partition\x00"))
	mac.Write([]byte(rawTopic))
	var b [13]byte
	binary.BigEndian.PutUint32(b[1:], uint32(partition))
	binary.BigEndian.PutUint64(b[5:], uint64(offset))
	mac.Write(b[:])
	var sum [sha256.Size]byte
	return int32(binary.BigEndian.Uint32(mac.Sum(sum[:0])) & 0x7fffffff)
}
