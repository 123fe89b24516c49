package main

// Lost and twice in the outage proof: raw events, tally and committed releases held against each other.

import (
	"context"
	"encoding/json"

	"github.com/consentry/consentry/internal/e2e/house"
)

// count holds raw events, tally and committed releases against each other, over the whole run.
func (b *book) count(ctx context.Context, f *finding) error {
	events, released := map[place]int64{}, map[string]int64{}
	last := map[place]int64{}
	if err := b.h.Read(ctx, true, func(rec *house.Record) {
		var t tallyRecord
		if json.Unmarshal(rec.Value, &t) != nil || t.Stage != "" {
			return
		}
		all := t.Released + t.Held
		for _, n := range t.Withheld {
			all += n
		}
		p := place{t.Stream, t.Topic, t.Partition}
		if all != t.Events {
			f.lost++
		}
		// A topic that was made again begins at 0 again.
		if to := last[p]; to != t.From && (t.From != 0 || b.gone[p] == 0) {
			f.lost += max(0, int(t.From-to))
			f.twice += max(0, int(to-t.From))
		}
		last[p] = t.To
		events[p] += t.Events
		released[t.Stream] += t.Released
	}, "consentry.tally"); err != nil {
		return err
	}
	for i := range streams {
		s := &streams[i]
		for p, n := range b.next {
			if p.topic == s.raw {
				at := place{s.topic, s.raw, p.n}
				differ(n+b.gone[at], events[at], f)
			}
		}
		times, err := b.committed(ctx, s.topic)
		if err != nil {
			return err
		}
		// What comes twice must not make up for what is lost.
		once := int64(0)
		for id, n := range times {
			once += int64(min(n, b.timesRaw(s, id)))
			f.twice += max(0, n-b.timesRaw(s, id))
		}
		differ(released[s.topic], once, f)
	}
	return nil
}

// timesRaw is how many raw events carry an id: two where the raw topic was made again, which names its partitions
// and offsets anew.
func (b *book) timesRaw(s *stream, id string) int {
	at, known := b.ids[s.topic][id]
	if !known {
		return 0
	}
	e := &b.raw[at]
	if e.offset < b.gone[place{s.topic, s.raw, e.partition}] {
		return 2
	}
	return 1
}

func differ(want, got int64, f *finding) {
	f.lost += int(max(0, want-got))
	f.twice += int(max(0, got-want))
}

// committed counts a partner topic's event ids as a committed reader sees them, and those of a deleted one before it.
func (b *book) committed(ctx context.Context, topic string) (map[string]int, error) {
	times := map[string]int{}
	for id, n := range b.kept[topic] {
		times[id] = n
	}
	err := b.h.Read(ctx, true, func(rec *house.Record) { times[eventID(rec.Value)]++ }, topic)
	return times, err
}
