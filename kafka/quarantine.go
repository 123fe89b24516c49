// Quarantine: where an event stands that could not be read, and why; never what it held. Written in the transaction
// that commits past it, so that each such event has exactly one pointer.

package kafka

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
)

// quarantineRecord is the value of a quarantine record (contract: records).
type quarantineRecord struct {
	Partner     string `json:"partner"`
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Offset      int64  `json:"offset"`
	LeaderEpoch int32  `json:"leader_epoch"`
	Stage       string `json:"stage"`
	Reason      string `json:"reason"`
	Field       string `json:"field"`
	SchemaID    int    `json:"schema_id"`
	Policy      string `json:"policy"`
	SizeClass   string `json:"size_class"`
}

// quarantineOf makes key and value of one pointer. The key is partner:topic:partition:offset.
func quarantineOf(p *policy.Partner, q *processor.Pointer, revision string) (key, value []byte, err error) {
	topic := p.Sources[q.Source].Topic
	value, err = marshal(quarantineRecord{
		Partner: p.Name, Topic: topic, Partition: q.Partition, Offset: q.Offset, LeaderEpoch: q.LeaderEpoch,
		Stage: q.Stage, Reason: q.Reason.String(), Field: q.Field, SchemaID: q.SchemaID, Policy: revision,
		SizeClass: sizeClass(q.Size),
	})
	return quarantineKey(p.Name, topic, q.Partition, q.Offset), value, err
}

func quarantineKey(partner, topic string, partition int32, offset int64) []byte {
	key := append(append(append([]byte(nil), partner...), ':'), topic...)
	key = strconv.AppendInt(append(key, ':'), int64(partition), 10)
	return strconv.AppendInt(append(key, ':'), offset, 10)
}

// sizeClass tells a record's size no finer than a factor of 16.
func sizeClass(bytes int) string {
	switch {
	case bytes < 1<<10:
		return "<1KiB"
	case bytes < 16<<10:
		return "<16KiB"
	case bytes < 256<<10:
		return "<256KiB"
	case bytes < 1<<20:
		return "<1MiB"
	}
	return ">=1MiB"
}

// marshal writes JSON as the contract prints it: a "<" stays one.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
