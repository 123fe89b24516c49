// demo_account.go draws up the account of a demo from what was committed: the tally beside the raw topics and the
// partner topics, and the counting law over them.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/policy"
)

// tallyLine is what the account needs of one tally record.
type tallyLine struct {
	Topic     string           `json:"topic"`
	Partition int32            `json:"partition"`
	From      int64            `json:"from"`
	To        int64            `json:"to"`
	Events    int64            `json:"events"`
	Stream    string           `json:"stream"`
	Released  int64            `json:"released"`
	Held      int64            `json:"held"`
	Withheld  map[string]int64 `json:"withheld"`
	Stage     string           `json:"stage"`
}

// streamAccount is one stream's line of the account.
type streamAccount struct {
	Topic    string           `json:"topic"`
	Events   int64            `json:"events"`
	Released int64            `json:"released"`
	Held     int64            `json:"held"`
	Withheld map[string]int64 `json:"withheld"`

	raw    string
	ranges map[int32][]tallyLine
}

// readTally reads the committed tally.
func readTally(ctx context.Context, conn kafka.Connection, topic string, set *policy.Set) ([]*streamAccount, error) {
	var out []*streamAccount
	byTopic := map[string]*streamAccount{}
	for _, p := range set.Partners {
		for _, src := range p.Sources {
			for _, s := range src.Streams {
				byTopic[s.Topic] = &streamAccount{Topic: s.Topic, Withheld: map[string]int64{}, raw: src.Topic, ranges: map[int32][]tallyLine{}}
			}
		}
		for _, s := range p.Streams {
			out = append(out, byTopic[s.Topic])
		}
	}
	var failed error
	_, err := kafka.ReadCommitted(ctx, conn, []string{topic}, func(r *kafka.Committed) {
		var line tallyLine
		if json.Unmarshal(r.Value, &line) != nil {
			failed = errors.New("a tally record cannot be read")
			return
		}
		s := byTopic[line.Stream]
		if s == nil || line.Topic != s.raw {
			failed = errors.New("a tally record is of no stream of this policy")
			return
		}
		if line.Stage != "" {
			return // outside the law
		}
		s.Events += line.Events
		s.Released += line.Released
		s.Held += line.Held
		for reason, n := range line.Withheld {
			s.Withheld[reason] += n
		}
		s.ranges[line.Partition] = append(s.ranges[line.Partition], line)
	})
	return out, errors.Join(err, failed)
}

// complete tells whether every raw event has its verdict in every stream.
func complete(streams []*streamAccount, raw map[string]int64) bool {
	for _, s := range streams {
		if s.Events < raw[s.raw] {
			return false
		}
	}
	return true
}

// lawful checks the counting law (design: P10) for one stream: its ranges join without gap or overlap from the first
// raw offset to the last, events = released + withheld + held in each of them, they are all raw events there are, and
// the partner topic holds exactly the released ones.
func (s *streamAccount) lawful(raw int64, extents map[int32]kafka.Extent, delivered int64) bool {
	for partition, lines := range s.ranges {
		slices.SortFunc(lines, func(a, b tallyLine) int { return int(a.From - b.From) })
		at := extents[partition].Start
		for _, l := range lines {
			sum := l.Released + l.Held
			for _, n := range l.Withheld {
				sum += n
			}
			if l.From != at || l.To < l.From || l.Events != sum || l.Events > l.To-l.From {
				return false
			}
			at = l.To
		}
		if at != extents[partition].End {
			return false
		}
	}
	for partition, e := range extents {
		if e.End > e.Start && len(s.ranges[partition]) == 0 {
			return false
		}
	}
	return s.Events == raw && s.Released == delivered
}
