package changelog

// What a broker refuses as long as it is asked: the role is parked with a cause and the broker's code, and since when it
// has stood, whatever number of sessions were tried.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

func TestLastingRefusalParks(t *testing.T) {
	for _, x := range []struct {
		name   string
		fault  kfake.Fault
		writes bool // refused only when the owner has something to write
		cause  kafka.Cause
		what   string // of the detail
	}{
		{"the transactional id", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.TransactionalIDAuthorizationFailed},
			false, kafka.TopicForbidden, "transactional id "},
		{"the transaction's time-out", kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.InvalidTransactionTimeout},
			false, kafka.TopicForbidden, "transactional id "},
		{"the group", kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.GroupAuthorizationFailed},
			false, kafka.TopicForbidden, "group "},
		{"the session's time-out", kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.InvalidSessionTimeout},
			false, kafka.TopicForbidden, "group "},
		{"a group of others", kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.InconsistentGroupProtocol},
			false, kafka.TopicForbidden, "group "},
		{"writing", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed}, true, kafka.TopicForbidden, "topic "},
		{"the record", kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge}, true, kafka.TopicForbidden, "topic "},
		{"the position", kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.GroupAuthorizationFailed}, true, kafka.TopicForbidden, "group "},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := newOwnerRig(t)
			r.open(firstEpoch)
			start := func() *running { return r.start(func(o *Options) { o.Lanes = 1 }) }
			var o *running
			if x.writes {
				o = start()
				o.untilOpen(consent.Shards)
				if x.fault.Keys[0] == kmsg.Produce {
					x.fault.Topic = r.state
				}
			}
			x.fault.Count = -1
			fault := r.broker.Fault(x.fault)
			if x.writes {
				r.ask(grant(1, 1000))
			} else {
				o = start()
			}
			code := x.fault.Err.Message
			parked := func() bool {
				s := o.Status()
				return s.State == kafka.StateParked && s.Cause == string(x.cause) && strings.Contains(s.Detail, x.what) && strings.HasSuffix(s.Detail, ": "+code) &&
					s.Next != ""
			}
			r.until("it is parked for "+code, parked)
			since := o.doubted()
			tried := fault.Hits()
			r.until("three more sessions have met it", func() bool {
				if !parked() || !o.doubted().Equal(since) {
					t.Fatalf("since %v, and now %v %+v", since, o.doubted(), o.Status())
				}
				return fault.Hits() >= tried+3
			})
			fault.Remove()
			r.until("nothing is wrong any more", func() bool { return o.Status().State == kafka.StateRunning })
		})
	}
}

// doubted tells since when the first lane has been in trouble; zero when it is not.
func (o *running) doubted() time.Time {
	o.standing.mu.Lock()
	defer o.standing.mu.Unlock()
	return o.standing.doubts[o.lanes[0].part].since
}

// A group's ordinary errors are mended by the client; what lasts is not, nor a group that never lets a session in.
func TestWhatAGroupSays(t *testing.T) {
	said := func(err error) error {
		s := &session{spec: sessionSpec{group: "consentry.consent"}, changed: time.Now()}
		return s.fetchError("", 0, &kgo.ErrGroupSession{Err: err}, zap.NewNop())
	}
	for _, err := range []error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.CoordinatorNotAvailable, context.DeadlineExceeded, errors.New("eof")} {
		if got := said(err); got != nil {
			t.Errorf("%v ends a session: %v", err, got)
		}
	}
	if err := said(kerr.FencedInstanceID); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("who was replaced is told %v", err)
	}
	if err := said(kerr.GroupMaxSizeReached); err == nil || lasting(err).Error() != "topic_forbidden: group consentry.consent: GROUP_MAX_SIZE_REACHED" {
		t.Errorf("a group that is full says %v", err)
	}
	if got := lasting(refused(kerr.UnknownServerError, "topic t")).Error(); got != "broker_unreachable: topic t: UNKNOWN_SERVER_ERROR" {
		t.Errorf("a broker that knows no better is %s", got)
	}
	s := &session{spec: sessionSpec{group: "consentry.consent"}, changed: time.Now().Add(-2 * joinTimeout)}
	_ = s.hear(kerr.CoordinatorNotAvailable, zap.NewNop())
	if err := s.outside(); err == nil || lasting(err).Error() != "broker_unreachable: group consentry.consent: COORDINATOR_NOT_AVAILABLE" {
		t.Errorf("a group that answers nobody says %v", err)
	}
	s.gain(nil)
	if err := s.outside(); err != nil {
		t.Errorf("a member without shards is told %v", err)
	}
}
