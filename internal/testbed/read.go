// How a person looks at a topic: as a partner does, reading committed, with a foreign Avro decoder and the registry's
// schemas. It is for eyes and scripts of the tour, not for measuring.

package testbed

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// firstRecord is how long Read waits for a topic to have anything.
const firstRecord = 30 * time.Second

// Read returns the last records of a topic that a read_committed reader sees, each value as JSON, and how many there
// are in all. Avro is decoded by the schema whose id it carries. It waits up to 30 s for a first record. The testbed is
// that of a Report and must be in the clear.
func (r Report) Read(ctx context.Context, topic string, last int) (values []string, all int, err error) {
	if r.env("PASSWORD_FILE") != "" {
		return nil, 0, errors.New("read knows no passwords: it is for a testbed without --secure")
	}
	registry := r.env("REGISTRY_RAW")
	if strings.HasPrefix(topic, "partner.") {
		registry = r.env("REGISTRY_PARTNER")
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.env("KAFKA")), kgo.ConsumeTopics(topic), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, 0, err
	}
	defer cl.Close()
	ends, err := waitForRecords(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return nil, 0, err
	}
	codecs := map[uint32]*goavro.Codec{}
	var tail [][]byte
	for len(ends) > 0 {
		fetches := cl.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			return nil, 0, fmt.Errorf("reading %s: %w", topic, e.Err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			end, open := ends[rec.Partition]
			if open && rec.Offset+1 >= end {
				delete(ends, rec.Partition)
			}
			if !open || rec.Attrs.IsControl() {
				return
			}
			all++
			if tail = append(tail, rec.Value); len(tail) > last {
				tail = tail[1:]
			}
		})
	}
	for _, v := range tail {
		text, err := asJSON(ctx, registry, codecs, v)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", topic, err)
		}
		values = append(values, text)
	}
	return values, all, nil
}

func (r Report) env(name string) string {
	for _, e := range r.Env {
		if value, ok := strings.CutPrefix(e, "CONSENTRY_"+name+"="); ok {
			return value
		}
	}
	return ""
}

// waitForRecords returns the stable end of every partition that has one, once there is any. Nothing else is read.
func waitForRecords(ctx context.Context, adm *kadm.Client, topic string) (map[int32]int64, error) {
	for until := time.Now().Add(firstRecord); ; {
		listed, err := adm.ListCommittedOffsets(ctx, topic)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
		ends := map[int32]int64{}
		listed.Each(func(o kadm.ListedOffset) {
			if o.Offset > 0 {
				ends[o.Partition] = o.Offset
			}
		})
		if len(ends) > 0 || time.Now().After(until) {
			return ends, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func asJSON(ctx context.Context, registry string, codecs map[uint32]*goavro.Codec, value []byte) (string, error) {
	if len(value) < 5 || value[0] != 0 {
		return string(value), nil
	}
	id := binary.BigEndian.Uint32(value[1:])
	codec := codecs[id]
	if codec == nil {
		var err error
		if codec, err = fetchCodec(ctx, registry, id); err != nil {
			return "", err
		}
		codecs[id] = codec
	}
	native, _, err := codec.NativeFromBinary(value[5:])
	if err != nil {
		return "", err
	}
	text, err := codec.TextualFromNative(nil, native)
	if err != nil {
		return "", err
	}
	return sortKeys(text)
}

// sortKeys gives a record the same text each time: goavro writes the fields of a record in the order of a Go map.
func sortKeys(text []byte) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// fetchCodec asks for a schema by its id. Its JSON form writes the value of a union without the name of its type.
func fetchCodec(ctx context.Context, registry string, id uint32) (*goavro.Codec, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/schemas/ids/%d", registry, id), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct {
		Schema string `json:"schema"`
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("schema %d: the registry answers %s", id, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 16<<20)).Decode(&answer); err != nil {
		return nil, err
	}
	return goavro.NewCodecForStandardJSONFull(answer.Schema)
}
