package main

// What was asked to be decided: every raw event with its subject and time, read back from the raw topics and decoded by
// libraries that the product does not use for it.

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/linkedin/goavro/v2"

	"github.com/consentry/consentry/internal/e2e/house"
)

// stream is what the samples say about one partner topic.
type stream struct {
	topic, partner, purpose, raw string
	needs                        []string
}

// streams of deploy/samples.
var streams = []stream{
	{"partner.acme-ads.location", "acme-ads", "advertising", "raw.location", []string{"location"}},
	{"partner.acme-ads.apps", "acme-ads", "advertising", "raw.app_usage", []string{"app_usage"}},
	{"partner.globex.interests", "globex", "measurement", "raw.search", []string{"browsing", "search"}},
	{"partner.initech.mobility", "initech", "research", "raw.location", []string{"location"}},
}

var rawTopics = []string{"raw.location", "raw.app_usage", "raw.search"}

// groups are the consumer groups of the samples and what they read.
var groups = map[string][]string{
	"consentry.acme-ads": {"raw.location", "raw.app_usage"},
	"consentry.globex":   {"raw.search"},
	"consentry.initech":  {"raw.location"},
}

func partnerTopics() []string {
	var all []string
	for _, s := range streams {
		all = append(all, s.topic)
	}
	return all
}

// rawEvent is one raw record. Subject is "" where it cannot be read.
type rawEvent struct {
	topic     string
	partition int32
	offset    int64
	subject   string // E.164
	timeMS    int64
	produced  time.Time // the record's own timestamp
	private   bool      // must stay, whoever agreed
}

// readRaw reads every raw event that is there now.
func readRaw(ctx context.Context, h *house.House) ([]rawEvent, error) {
	codecs, err := rawCodecs(h)
	if err != nil {
		return nil, err
	}
	var all []rawEvent
	err = h.Read(ctx, false, func(r *house.Record) { all = append(all, decodeRaw(codecs, r)) }, rawTopics...)
	return all, err
}

// rawCodecs reads the sample schemas of the Avro topics.
func rawCodecs(h *house.House) (map[string]*goavro.Codec, error) {
	codecs := map[string]*goavro.Codec{}
	for topic, file := range map[string]string{"raw.location": "location.avsc", "raw.app_usage": "app_usage.avsc"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(h.Config), "schemas", file))
		if err != nil {
			return nil, err
		}
		c, err := goavro.NewCodec(string(text))
		if err != nil {
			return nil, errors.New(file + ": goavro refuses the schema")
		}
		codecs[topic] = c
	}
	return codecs, nil
}

// decodeRaw finds out whom a raw record is about, and when it happened.
func decodeRaw(codecs map[string]*goavro.Codec, r *house.Record) rawEvent {
	e := rawEvent{topic: r.Topic, partition: r.Partition, offset: r.Offset, produced: r.Stamp}
	if c := codecs[r.Topic]; c != nil {
		e.subject, e.timeMS, e.private = avroSubject(c, r.Value)
	} else {
		e.subject, e.timeMS = jsonSubject(r.Value)
		e.private = jsonPrivate(r.Value)
	}
	return e
}

func avroSubject(c *goavro.Codec, value []byte) (subject string, timeMS int64, private bool) {
	if len(value) < 5 || value[0] != 0 {
		return "", 0, true
	}
	native, rest, err := c.NativeFromBinary(value[5:])
	if err != nil || len(rest) > 0 {
		return "", 0, true
	}
	m := native.(map[string]any)
	sub, _ := m["subscriber"].(map[string]any)
	union, _ := sub["msisdn"].(map[string]any)
	msisdn, _ := union["string"].(string)
	for _, name := range []string{"observed_at", "started_at"} {
		if t, ok := m[name].(time.Time); ok {
			return msisdn, t.UnixMilli(), avroPrivate(m)
		}
	}
	return msisdn, 0, true
}

func jsonSubject(value []byte) (string, int64) {
	var e struct {
		Subscriber struct {
			MSISDN *string `json:"msisdn"`
		} `json:"subscriber"`
		SearchedAt time.Time `json:"searched_at"`
	}
	if json.Unmarshal(value, &e) != nil || e.Subscriber.MSISDN == nil {
		return "", 0
	}
	return "+" + *e.Subscriber.MSISDN, e.SearchedAt.UnixMilli()
}
