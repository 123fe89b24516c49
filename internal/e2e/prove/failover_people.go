package main

// The people of a run: who opts out and who else is of the same shard; what of them was released, when, and whether it
// should have been.

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/consentry/consentry/consent"
)

// players are who plays in one run.
type players struct {
	who    int
	id     consent.ID
	others map[string]bool // subjects of the same shard
}

// choose lets the people of the next shard flow until a hundred of them, and one more, have been released.
func (t *truthStage) choose(ctx context.Context) (*players, error) {
	for range consent.Shards {
		t.turn = (t.turn + 1) % consent.Shards
		if n := len(t.shards[t.turn]); n < truthOthers+40 {
			continue
		}
		var crowd []int
		for _, who := range t.shards[t.turn] {
			if !t.used[who] && len(crowd) < 2*truthOthers {
				crowd = append(crowd, who)
			}
		}
		t.flow.gather(crowd)
		began := time.Now()
		var out map[string]time.Time
		err := await(ctx, 10*time.Second, "a hundred people of a shard released", func() (bool, error) {
			var err error
			out, err = t.released(ctx, began)
			n := 0
			for _, who := range crowd {
				if !out[t.flow.subject(who)].IsZero() {
					n++
				}
			}
			return n > truthOthers+10, err
		})
		if err != nil {
			continue // people of this shard live where nothing may leave
		}
		c := &players{who: -1, others: map[string]bool{}}
		for _, who := range crowd {
			subject := t.flow.subject(who)
			if _, ok := out[subject]; ok {
				if c.who < 0 {
					c.who, c.id = who, t.ids[who]
				} else {
					c.others[subject] = true
				}
			}
		}
		t.used[c.who] = true
		t.flow.focus([]int{c.who})
		return c, nil
	}
	return nil, errors.New("no shard has a hundred people whose events are released")
}

// released are the subjects of whom acme-ads got a location that arrived after since, with the first arrival of each.
func (t *truthStage) released(ctx context.Context, since time.Time) (map[string]time.Time, error) {
	if err := t.book.learn(ctx); err != nil {
		return nil, err
	}
	const topic = "partner.acme-ads.location"
	out := map[string]time.Time{}
	for _, rec := range t.book.reader[topic].After(since) {
		if rec.Topic != topic {
			continue
		}
		if at, ok := t.book.ids[topic][eventID(rec.Value)]; ok {
			if s := t.book.raw[at].subject; out[s].IsZero() {
				out[s] = rec.Arrived
			}
		}
	}
	return out, nil
}

// pauseAround is the longest time without any release of acme-ads's locations that ended after since.
func (t *truthStage) pauseAround(since time.Time) time.Duration {
	var longest time.Duration
	var last time.Time
	for _, rec := range t.book.reader["partner.acme-ads.location"].After(since.Add(-5 * time.Second)) {
		if rec.Topic != "partner.acme-ads.location" {
			continue
		}
		if !last.IsZero() && rec.Arrived.After(since) {
			longest = max(longest, rec.Arrived.Sub(last))
		}
		last = rec.Arrived
	}
	return longest
}

// believed waits until a shard's meta says, on the server that is named for it now, that its owner has vouched for it
// after since, and returns when that was seen.
func (t *truthStage) believed(ctx context.Context, shard int, since time.Time) (time.Time, error) {
	deadline := since.Add(2 * time.Minute)
	why := "nobody is named"
	for ctx.Err() == nil && time.Now().Before(deadline) {
		if node, err := t.holder(ctx, shard); err == nil {
			m, err := meta(ctx, node, shard)
			run, _ := node.Do(ctx, "INFO", "server")
			switch {
			case err != nil:
				why = err.Error()
			case millis(m["beat"]) < since.UnixMilli():
				why = "no heartbeat"
			case m["run"] == "" || !strings.Contains(run, "run_id:"+m["run"]):
				why = "a heartbeat of another server"
			default:
				return time.Now(), nil
			}
		}
		if err := hold(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, errors.New("the shard is not vouched for: " + why)
}

// leave withdraws everything of a person by the command line and notes when that was acknowledged.
func (t *truthStage) leave(ctx context.Context, who int) (time.Time, error) {
	if err := t.withdraw(ctx, []int{who}); err != nil {
		return time.Time{}, err
	}
	all := t.book.t.changes[t.flow.subject(who)]
	return all[len(all)-1].acked, nil
}

// after counts the raw events of a person that were appended after at.
func (t *truthStage) after(who int, at time.Time) (n int) {
	subject := t.flow.subject(who)
	for i := range t.book.raw {
		if t.book.raw[i].subject == subject && t.book.raw[i].produced.After(at) {
			n++
		}
	}
	return n
}

// unlawful counts what the live uncommitted reader saw of raw events that were appended after their
// person's opt-out was acknowledged, since the last time this was asked.
func (t *truthStage) unlawful() (n int) {
	tail := t.book.tails[0]
	more := tail.From(t.strict)
	t.strict += len(more)
	for i := range more {
		at, ok := t.book.ids[more[i].Topic][eventID(more[i].Value)]
		if !ok {
			n++
			continue
		}
		e := &t.book.raw[at]
		for _, c := range t.book.t.changes[e.subject] {
			if c.withdraws && e.produced.After(c.acked) {
				if n++; n <= 5 {
					t.r.say("released: %s partition %d offset %d, appended %s, %s after the acknowledgement at %s; readable %s after it, stamped %s", e.topic, e.partition, e.offset,
						e.produced.UTC().Format(stamp), e.produced.Sub(c.acked), c.acked.UTC().Format(stamp), more[i].Arrived.Sub(c.acked), more[i].Stamp.UTC().Format(stamp))
				}
				break
			}
		}
	}
	return n
}
