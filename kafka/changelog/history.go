// One subject's account, from the requests topic: who was granted what, when and why it ended, by which evidence, and
// what was void. The same merge as the owner's, over the same requests in the same order, says so again.

package changelog

import (
	"bytes"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
)

// Event is one change that was accepted.
type Event struct {
	Position
	Request    consent.Request
	AcceptedMS int64
	Effect     consent.Effect
	InForce    bool
	Line       []byte // the subject's line after it; nil for none
	// Of a grant that took hold: what ended or replaced it, and when it was accepted; nil while it stands.
	EndedBy *Event
}

// History reads the account of one subject, oldest first. What forget erased is not in it.
func (c *Client) History(ctx context.Context, id consent.ID) ([]*Event, error) {
	p := int32(id.Shard())
	extents, err := c.requests.extents(ctx, []int32{p})
	if err != nil {
		return nil, err
	}
	h := replay{subject: append(id.Append(nil), '/'), state: map[string][]byte{}, standing: map[[2]string]*Event{}}
	var accepted int64 // the latest so far, of all requests of the shard
	erased := map[string]bool{}
	err = c.requests.read(ctx, map[int32]span{p: {extents[p].start, extents[p].stable}}, func(r *kgo.Record) error {
		accepted = max(accepted, r.Timestamp.UnixMilli())
		switch ours := bytes.HasPrefix(r.Key, h.subject); {
		case ours && r.Value == nil:
			erased[string(r.Key)] = true
		case ours || bytes.HasPrefix(r.Key, []byte("open/")):
			q := consent.ReadRequest(int(r.Partition), r.Offset, accepted, r.Key, r.Value)
			h.requests = append(h.requests, kept{q, string(r.Key), ours})
		}
		return nil
	}, func(int32) error { return nil })
	if err != nil {
		return nil, err
	}
	if h.mark.Epoch, err = c.openedBefore(ctx, p, h.requests); err != nil {
		return nil, err
	}
	for _, k := range h.requests {
		// The brokers keep what was erased until they compact; the account has it no longer.
		if !erased[k.key] {
			h.merge(p, k)
		}
	}
	return h.events, nil
}

// openedBefore is an epoch that had been opened before the first of the requests that the topic still has; 0 where none had
// been. A topic that was made again has lost the first opening, which alone names the house key.
func (c *Client) openedBefore(ctx context.Context, p int32, requests []kept) (uint64, error) {
	for i := range requests {
		if q := &requests[i]; q.Err == nil && !q.Gone && q.Request.Kind == consent.AskOpen {
			if q.Request.House != "" {
				return 0, nil
			}
			return 1, nil
		}
	}
	extents, err := c.state.extents(ctx, []int32{p})
	if err != nil {
		return 0, err
	}
	tails, err := c.state.tails(ctx, extents)
	return min(tails[p].mark.Epoch, 1), err
}

// kept is a request that the account is made of: the subject's own, or an opening.
type kept struct {
	consent.Positioned
	key  string
	ours bool
}

// replay merges one subject's requests again.
type replay struct {
	subject  []byte // the beginning of its keys
	requests []kept
	mark     consent.Mark
	state    map[string][]byte // of this subject alone
	events   []*Event
	// standing are the grants that no event has ended yet, by partner and purpose.
	standing map[[2]string]*Event
}

// merge merges one request, as the owner did.
func (h *replay) merge(p int32, k kept) {
	h.mark.Requests = k.Offset
	next, records := consent.MergeRequests(h.mark, func(key string) []byte { return h.state[key] }, []consent.Positioned{k.Positioned})
	h.mark = next
	for _, rec := range records {
		if rec.Key != consent.MarkKey {
			h.state[rec.Key] = rec.Value
		}
	}
	for _, rec := range records {
		for _, d := range rec.Done {
			if k.ours && k.Err == nil {
				h.add(&Event{Position: Position{p, k.Offset}, Request: k.Request, AcceptedMS: d.AcceptedMS, Effect: d.Effect,
					InForce: d.InForce, Line: h.state[consent.LineKey(k.Request.ID)]})
			}
		}
	}
}

// add appends an event and notes which grants it ended.
func (h *replay) add(e *Event) {
	h.events = append(h.events, e)
	line, _ := consent.Parse(e.Line)
	holds := map[[2]string]int64{}
	for i := range line.Entries {
		if g := line.Entries[i].Grant; g != nil {
			holds[[2]string{line.Entries[i].Partner, line.Entries[i].Purpose}] = g.SinceMS
		}
	}
	for pair, g := range h.standing {
		if since, still := holds[pair]; !still || since != g.since() {
			g.EndedBy = e
			delete(h.standing, pair)
		}
	}
	if e.Request.Kind == consent.AskGrant && (e.Effect == consent.Granted || e.Effect == consent.Repeated || e.Effect == consent.Narrowed) {
		pair := [2]string{e.Request.Change.Partner, e.Request.Change.Purpose}
		if _, repeated := h.standing[pair]; !repeated {
			h.standing[pair] = e
		}
	}
}

// since is the time from which a grant holds.
func (e *Event) since() int64 {
	if e.Request.SinceNow {
		return e.AcceptedMS
	}
	return e.Request.Change.AtMS
}

// SinceMS is the time from which a grant holds, or from which a withdrawal of a history load counts; ok is false where
// the request states none.
func (e *Event) SinceMS() (ms int64, ok bool) {
	c := &e.Request.Change
	return e.since(), e.Request.SinceNow || c.Stated
}
