// The intake: a carrier's own system writes changes, with raw subjects, to a short-lived topic of its own. Each becomes a
// request under the subject's keyed name, or a pointer in quarantine, in the transaction that commits past it.

package changelog

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

type intake struct {
	o      *Owner
	part   string
	group  string
	name   func(subject string) (consent.ID, bool)
	log    *zap.Logger
	polled []*kgo.Record
	last   time.Time
	alive  atomic.Int64
	gone   gone
}

func newIntake(o *Owner) *intake {
	return &intake{o: o, part: "intake", group: o.opt.Group + ".consent-intake",
		log: o.opt.Log.With(zap.String("part", "intake"))}
}

// session works with one session until ctx ends, a newer instance takes over, or trouble comes.
func (in *intake) session(ctx context.Context) (worked bool, err error) {
	if in.name, err = in.o.opt.Name(ctx); err != nil {
		return false, err
	}
	instance := kafka.InstanceID(in.o.instance, 0)
	s, err := newSession(sessionSpec{conn: in.o.opt.Connection, group: in.group, instance: instance, topic: in.o.opt.Intake,
		adjust: in.adjust, lost: in.lost})
	if err != nil {
		return false, err
	}
	defer kafka.LetGo(s.GroupTransactSession)
	defer in.alive.Store(0)
	if err := s.claim(ctx); err != nil {
		return false, in.o.failed(s, in.group, instance, err)
	}
	for ctx.Err() == nil {
		in.alive.Store(time.Now().UnixNano())
		kafka.Pause(ctx, time.Until(in.last.Add(kafka.EndGap)))
		clear(in.polled)
		in.polled = in.polled[:0]
		err := s.poll(ctx, idlePoll, mostRequests, func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				in.polled = append(in.polled, r)
			}
		}, in.log)
		if err != nil {
			return worked, err
		}
		if s.settled() {
			worked = true
			in.o.standing.content(in.part)
		}
		if len(in.polled) == 0 || ctx.Err() != nil {
			continue
		}
		// The log may have named another house key since.
		if in.name, err = in.o.opt.Name(ctx); err != nil {
			return worked, err
		}
		records, refused, err := in.requests()
		if err != nil {
			return worked, err
		}
		committed, err := s.write(records)
		if err != nil {
			return worked, in.o.failed(s, in.group, instance, err)
		}
		in.last = time.Now()
		if committed {
			worked = true
			in.o.standing.content(in.part)
			in.note(refused)
		}
	}
	return worked, nil
}

// note tells of records that became no request: one of them may have been a withdrawal.
func (in *intake) note(refused int) {
	if refused > 0 {
		in.o.metrics.changes.WithLabelValues("refused").Add(float64(refused))
		in.log.Warn("intake records refused; quarantine says where they stand", zap.String("topic", in.o.opt.Intake), zap.Int("records", refused))
	}
}

// requests makes what is written for the records polled, and tells how many of them became no request.
func (in *intake) requests() (out []*kgo.Record, refused int, err error) {
	out = make([]*kgo.Record, 0, len(in.polled))
	for _, r := range in.polled {
		req, ok := in.request(r.Value)
		if !ok {
			p, err := pointer(in.o.opt.Quarantine, "intake", r)
			if err != nil {
				return nil, 0, err
			}
			out = append(out, p)
			refused++
			continue
		}
		out = append(out, &kgo.Record{Topic: in.o.opt.Requests, Partition: int32(req.Shard()), Key: req.Key(), Value: req.Value()})
	}
	return out, refused, nil
}

func (in *intake) request(value []byte) (consent.Request, bool) {
	change, err := consent.DecodeIntake(value)
	if err != nil {
		return consent.Request{}, false
	}
	id, ok := in.name(change.Subject)
	if !ok || in.o.opt.Check(change.Change) != "" {
		return consent.Request{}, false
	}
	var reqID [16]byte
	_, _ = rand.Read(reqID[:]) // it never fails
	return change.Request(id, reqID), true
}
