package main

// Everything in which a value of an event could end up, collected: topics, the broker's files, Redis and its files,
// logs, pages, and what verbs said.

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/e2e/house"
)

// The sinks, in the order of the report.
const (
	sinkValue      = "partner value"
	sinkKey        = "partner key"
	sinkHeader     = "partner header"
	sinkStamp      = "record timestamp"
	sinkQuarantine = "quarantine"
	sinkTally      = "tally"
	sinkCommit     = "commit metadata"
	sinkBroker     = "broker files"
	sinkLog        = "worker log"
	sinkVerb       = "verbs"
	sinkMetrics    = "metrics"
	sinkStatus     = "statusz"
	sinkHealth     = "livez, readyz"
	sinkRedis      = "redis"
	sinkRedisFiles = "redis files"
	sinkOther      = "other files"
)

var sinks = []string{sinkValue, sinkKey, sinkHeader, sinkStamp, sinkQuarantine, sinkTally, sinkCommit, sinkBroker, sinkLog,
	sinkVerb, sinkMetrics, sinkStatus, sinkHealth, sinkRedis, sinkRedisFiles, sinkOther}

// find is a mark where none may be.
type find struct {
	mark  *marked
	how   string
	where string
	text  string // what stands around it
}

// search looks for a batch's marks in every sink.
type search struct {
	f      *finder
	stamps map[int64]bool
	bytes  map[string]int64
	found  map[string][]find
	odd    int // partner records whose timestamp is off its grain
}

func newSearch(p *script) *search {
	return &search{f: newFinder(p.marks), stamps: p.stamps, bytes: map[string]int64{}, found: map[string][]find{}}
}

// look searches some bytes of a sink.
func (s *search) look(sink, where string, data []byte) {
	s.bytes[sink] += int64(len(data))
	s.f.find(data, func(n *needle, at int) {
		around := data[max(0, at-24):min(len(data), at+len(n.text)+24)]
		s.found[sink] = append(s.found[sink], find{&s.f.marks[n.mark], n.encoding(), where, string(around)})
	})
}

// collect searches everything that a running house has.
func (s *search) collect(ctx context.Context, h *house.House, w *house.Worker) error {
	return errors.Join(s.topics(ctx, h), s.commits(ctx, h), s.pages(ctx, w), s.redis(h.TB.Redis.Addr), s.files(h),
		s.file(sinkLog, w.Log()))
}

func (s *search) topics(ctx context.Context, h *house.House) error {
	seen := func(value, key string) func(*house.Record) {
		return func(r *house.Record) {
			where := fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
			s.look(value, where, r.Value)
			s.look(key, where, r.Key)
			for _, hd := range r.Headers {
				s.look(sinkHeader, where, []byte(hd.Key))
				s.look(sinkHeader, where, hd.Value)
			}
			if !strings.HasPrefix(r.Topic, "partner.") {
				return
			}
			s.bytes[sinkStamp] += 8
			if ms := r.Stamp.UnixMilli(); s.stamps[ms] {
				s.found[sinkStamp] = append(s.found[sinkStamp], find{&marked{class: "event_time", where: "record timestamp"}, "plain", where, ""})
			} else if ms%10_000 != 0 {
				s.odd++
			}
		}
	}
	return errors.Join(
		h.Read(ctx, false, seen(sinkValue, sinkKey), partnerTopics()...),
		h.Read(ctx, false, seen(sinkQuarantine, sinkQuarantine), "consentry.quarantine"),
		h.Read(ctx, false, seen(sinkTally, sinkTally), "consentry.tally"))
}

func (s *search) commits(ctx context.Context, h *house.House) error {
	cl, err := h.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	for group := range groups {
		all, err := kadm.NewClient(cl).FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		all.Each(func(o kadm.OffsetResponse) { s.look(sinkCommit, group, []byte(o.Metadata)) })
	}
	return nil
}

// pages asks the admin listener for everything that it has.
func (s *search) pages(ctx context.Context, w *house.Worker) error {
	for page, sink := range map[string]string{"/metrics": sinkMetrics, "/statusz": sinkStatus, "/livez": sinkHealth, "/readyz": sinkHealth, "/": sinkHealth} {
		b, err := get(ctx, "http://"+w.Admin()+page)
		if err != nil {
			return err
		}
		s.look(sink, page, b)
	}
	return nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// redis looks at every key and value of whatever type.
func (s *search) redis(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	call := func(args ...string) (any, error) {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
		}
		if _, err := conn.Write([]byte(b.String())); err != nil {
			return nil, err
		}
		return resp(in)
	}
	reads := map[string][]string{"string": {"GET"}, "hash": {"HGETALL"}, "set": {"SMEMBERS"}, "list": {"LRANGE", "0", "-1"},
		"zset": {"ZRANGE", "0", "-1"}, "stream": {"XRANGE", "-", "+"}}
	all, err := call("KEYS", "*")
	if err != nil {
		return err
	}
	for _, key := range all.([]any) {
		key := key.(string)
		kind, err := call("TYPE", key)
		if err != nil {
			return err
		}
		read, known := reads[kind.(string)]
		if !known {
			return fmt.Errorf("redis: a key of type %s", kind)
		}
		v, err := call(append([]string{read[0], key}, read[1:]...)...)
		if err != nil {
			return err
		}
		s.look(sinkRedis, "key", []byte(key))
		s.look(sinkRedis, key, fmt.Append(nil, v))
	}
	return nil
}

// files looks at everything that the testbed's parts have on disk, but for the raw topics' own partitions.
func (s *search) files(h *house.House) error {
	return filepath.WalkDir(h.TB.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // a segment or a log that went while we looked
			return nil
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "raw."):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		rel, _ := filepath.Rel(h.TB.Dir, path)
		sink := sinkOther
		switch {
		case strings.HasPrefix(rel, filepath.Join("kafka", "data")):
			sink = sinkBroker
		case strings.HasPrefix(rel, "redis"):
			sink = sinkRedisFiles
		}
		return s.file(sink, path)
	})
}

func (s *search) file(sink, path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	b = bytes.TrimRight(b, "\x00") // room that the broker keeps at the end of its indexes
	s.look(sink, filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), b)
	return err
}
