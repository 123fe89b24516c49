package main

// The verdict on a run: the law from the tally against a foreign client's counts, exactly once by event ids, and no
// release without consent on the uncommitted read.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"sort"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/keys"
)

// tallyRecord is contract.md section 4's.
type tallyRecord struct {
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

// consentReasons are the verdicts that the consent line decides.
var consentReasons = []string{"withdrawn", "no_consent", "before_consent", "consent_ended", "not_linked"}

func judgeMillion(ctx context.Context, r *report, h *house.House, ring *keys.Ring, tail *house.Tail, t *timeline, asked int) error {
	raw, err := readRaw(ctx, h)
	if err != nil {
		return err
	}
	r.check(len(raw) == asked, "%d raw events are there, %d were written", len(raw), asked)
	totals, released, err := judgeLaw(ctx, r, h)
	if err != nil {
		return err
	}
	reasons := map[string]int64{}
	for _, s := range streams {
		sum := totals[s.topic]
		share := float64(sum.Released) / float64(max(sum.Events, 1))
		r.check(share >= 0.10, "%s: %d events, %d released (%.1f %%), withheld %v", s.topic, sum.Events, sum.Released, 100*share, sum.Withheld)
		for why, n := range sum.Withheld {
			reasons[why] += n
		}
	}
	for _, why := range consentReasons {
		r.check(reasons[why] >= 1000, "%s occurs %d times", why, reasons[why])
	}
	if err := tail.Close(); err != nil {
		r.say("the live reader met: %v", err)
	}
	return judgeReleases(ctx, r, h, ring, raw, released, tail.Seen(), t)
}

// place is one source partition as one stream sees it.
type place struct {
	stream, topic string
	partition     int32
}

// judgeLaw adds the committed tally up and holds it against kcat's counts of the raw topics.
func judgeLaw(ctx context.Context, r *report, h *house.House) (map[string]*tallyRecord, map[place]int64, error) {
	totals, released := map[string]*tallyRecord{}, map[place]int64{}
	ranges := map[place][][2]int64{}
	events := map[place]int64{}
	records, unbalanced := 0, 0
	err := h.Read(ctx, true, func(rec *house.Record) {
		var t tallyRecord
		if json.Unmarshal(rec.Value, &t) != nil || t.Stage != "" {
			return
		}
		records++
		sum := totals[t.Stream]
		if sum == nil {
			sum = &tallyRecord{Withheld: map[string]int64{}}
			totals[t.Stream] = sum
		}
		all := t.Released + t.Held
		for why, n := range t.Withheld {
			all += n
			sum.Withheld[why] += n
		}
		if all != t.Events {
			unbalanced++
		}
		sum.Events += t.Events
		sum.Released += t.Released
		p := place{t.Stream, t.Topic, t.Partition}
		released[p] += t.Released
		events[p] += t.Events
		ranges[p] = append(ranges[p], [2]int64{t.From, t.To})
	}, "consentry.tally")
	if err != nil {
		return nil, nil, err
	}
	r.check(unbalanced == 0, "%d tally records, %d of them unbalanced", records, unbalanced)
	torn := 0
	for _, list := range ranges {
		sort.Slice(list, func(i, j int) bool {
			return list[i][0] < list[j][0] || list[i][0] == list[j][0] && list[i][1] < list[j][1]
		})
		for i := 1; i < len(list); i++ {
			if list[i][0] != list[i-1][1] {
				torn++
			}
		}
	}
	r.check(torn == 0, "the ranges of %d partitions and streams join, %d gaps or overlaps", len(ranges), torn)
	counts, err := kcatCounts(ctx, h.TB.Kafka.Addr, rawTopics)
	if err != nil {
		return nil, nil, err
	}
	wrong, partitions := 0, 0
	for _, s := range streams {
		for p, n := range counts[s.raw] {
			partitions++
			if events[place{s.topic, s.raw, p}] != n {
				wrong++
			}
		}
	}
	r.check(wrong == 0 && partitions > 0, "kcat's counts of %d raw partitions by stream equal the tally's events, %d differ", partitions, wrong)
	return totals, released, nil
}

// kcatCounts counts the records of each partition with a client that is not ours.
func kcatCounts(ctx context.Context, broker string, topics []string) (map[string]map[int32]int64, error) {
	counts := map[string]map[int32]int64{}
	for _, topic := range topics {
		out, err := exec.CommandContext(ctx, "kcat", "-b", broker, "-C", "-t", topic, "-e", "-q", "-f", "%p\n").Output()
		if err != nil {
			return nil, fmt.Errorf("kcat on %s: %w (on Debian: apt-get install kcat)", topic, err)
		}
		counts[topic] = map[int32]int64{}
		for line := range bytes.Lines(out) {
			var p int32
			if _, err := fmt.Sscanf(string(line), "%d", &p); err != nil {
				return nil, fmt.Errorf("kcat on %s printed no partition", topic)
			}
			counts[topic][p]++
		}
	}
	return counts, nil
}

// eventID is the `event` field, the last of every stream of the samples.
func eventID(value []byte) string {
	value = bytes.TrimSuffix(value, []byte(`"}`))
	return string(value[max(0, len(value)-22):])
}

const stamp = "15:04:05.000"

func judgeReleases(ctx context.Context, r *report, h *house.House, ring *keys.Ring, raw []rawEvent,
	tallied map[place]int64, live []house.Record, t *timeline) error {
	subjects := subjectIDs(ring, raw)
	var lates []time.Duration
	unconsented, escaped := 0, 0
	for i := range streams {
		s := &streams[i]
		ids, err := eventIDs(ring, s, raw)
		if err != nil {
			return err
		}
		times := map[int32]int{}
		got := map[place]int64{}
		unknown, dressed := 0, 0
		if err := h.Read(ctx, true, func(rec *house.Record) {
			at, ok := ids[eventID(rec.Value)]
			if !ok {
				unknown++
				return
			}
			times[at]++
			got[place{s.topic, s.raw, raw[at].partition}]++
			if len(rec.Headers) > 0 || rec.Stamp.UnixMilli()%10_000 != 0 || len(rec.Key) != 22 || !bytes.Contains(rec.Value, rec.Key) {
				dressed++
			}
		}, s.topic); err != nil {
			return err
		}
		twice, missing := 0, int64(0)
		for _, n := range times {
			if n > 1 {
				twice++
			}
		}
		for p, n := range tallied {
			if p.stream == s.topic {
				missing += max(n-got[p], got[p]-n)
			}
		}
		r.check(twice == 0 && missing == 0 && unknown == 0 && dressed == 0,
			"%s, reading committed: %d events once, %d twice, %d missing or extra, %d unknown, %d with more than a pseudonym around them",
			s.topic, len(times)-twice, twice, missing, unknown, dressed)
		for j := range live {
			rec := &live[j]
			if rec.Topic != s.topic {
				continue
			}
			at, ok := ids[eventID(rec.Value)]
			if !ok {
				unconsented++
				r.say("a record of %s at partition %d offset %d belongs to no raw event", s.topic, rec.Partition, rec.Offset)
				continue
			}
			e := &raw[at]
			allowed, late := t.judge(s, subjects[e.subject], e.subject, e.timeMS, rec.Arrived)
			if e.private {
				escaped++
			}
			if !allowed {
				unconsented++
				r.say("not allowed: %s partition %d offset %d, readable %s, event %s%s", s.topic, rec.Partition, rec.Offset,
					rec.Arrived.UTC().Format(stamp), time.UnixMilli(e.timeMS).UTC().Format(stamp), t.story(s, e.subject))
			}
			if late > 0 {
				lates = append(lates, late)
			}
		}
	}
	r.check(unconsented == 0 && len(live) > 0, "%d records on the uncommitted read, %d without consent in force", len(live), unconsented)
	stay := 0
	for i := range raw {
		if raw[i].private {
			stay++
		}
	}
	r.check(escaped == 0 && stay > 0, "%d raw events are a minor's, near a sensitive place or about a sensitive topic; %d records of them were readable", stay, escaped)
	after := map[string]int{}
	for i := range raw {
		for _, c := range t.changes[raw[i].subject] {
			if c.withdraws && raw[i].produced.After(c.acked) {
				after[c.subject]++
				break
			}
		}
	}
	followed := 0
	for _, n := range after {
		if n >= 5 {
			followed++
		}
	}
	r.check(followed >= 500, "%d opted-out subjects have 5 raw events or more after the acknowledgement", followed)
	slices.Sort(lates)
	if len(lates) > 0 {
		p99 := lates[(len(lates)*99-1)/100]
		r.check(p99 <= time.Second && lates[len(lates)-1] <= bound, "opt-out to last record readable: %d records after an acknowledgement, p99 %s, max %s",
			len(lates), p99.Round(time.Millisecond), lates[len(lates)-1].Round(time.Millisecond))
	} else {
		r.say("opt-out to last record readable: no record arrived after an acknowledgement")
	}
	return nil
}
