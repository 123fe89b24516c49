package kafka

// Whole lanes on the embedded broker, with its faults: every scenario ends with the same laws.

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/policy"
)

func TestReleasesOnceWithConsent(t *testing.T) {
	h := newHouse(t)
	h.raw(1000)
	h.begin()
	r := h.start()
	h.settle()
	h.raw(1000)
	h.settle()
	r.await(StateRunning, "")
	if err := r.halt(); err != nil {
		t.Fatalf("Run ended with %v", err)
	}
	for _, c := range h.all(false, streamTopic) {
		if c.TimestampMS%releaseGrain.Milliseconds() != 0 {
			t.Fatalf("a release is dated to the millisecond: %d", c.TimestampMS)
		}
		var v struct{ Visitor string }
		if err := json.Unmarshal(c.Value, &v); err != nil || v.Visitor != string(c.Key) {
			t.Fatalf("key %q beside value %s", c.Key, c.Value)
		}
	}
	for key, q := range h.pointers() {
		if !strings.HasPrefix(key, "acme:"+rawTopic+":") || q.Reason != "bad_event" || q.SizeClass != "<1KiB" {
			t.Errorf("pointer %s is %+v", key, q)
		}
	}
}

func TestCommitsCarryTheNote(t *testing.T) {
	h := newHouse(t)
	h.raw(200)
	h.begin()
	r := h.start()
	h.settle()
	r.halt()
	commits, err := h.adm.FetchOffsets(t.Context(), "consentry.acme")
	if err != nil {
		t.Fatal(err)
	}
	id := topicID(h.broker.TopicInfo(rawTopic).TopicID)
	for p, c := range commits[rawTopic] {
		if n := parseNote(c.Metadata); n.topic != id || n.epoch != 7 {
			t.Errorf("partition %d: the note says %+v", p, n)
		}
	}
	h.start().await(StateRunning, "")
	h.until("the next worker tells the store", func() bool {
		h.store.mu.Lock()
		defer h.store.mu.Unlock()
		return len(h.store.seen) > 0 && h.store.seen[len(h.store.seen)-1] == 7
	})
}

// TestFaults cuts, fails and refuses requests of every kind that a transaction needs.
func TestFaults(t *testing.T) {
	faults := map[string]kfake.Fault{
		"produce timestamp":         {Keys: []kmsg.Key{kmsg.Produce}, Topic: tallyTopic, Err: kerr.InvalidTimestamp, Count: 2},
		"produce not leader":        {Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 3},
		"end txn unknown error":     {Keys: []kmsg.Key{kmsg.EndTxn}, Count: 3},
		"end txn concurrent":        {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ConcurrentTransactions, Count: 3},
		"end txn epoch":             {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidProducerEpoch, Count: 1},
		"produce epoch":             {Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidProducerEpoch, Count: 1},
		"offset commit rebalancing": {Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.RebalanceInProgress, Count: 3},
		"offset commit refused":     {Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.InvalidCommitOffsetSize, Count: 1},
		"init producer":             {Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.CoordinatorNotAvailable, Count: 3},
		"id mapping":                {Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidProducerIDMapping, Count: 1},
		"fetch":                     {Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError, Count: 5},
		"heartbeat unknown":         {Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, Count: 1},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.raw(600)
			h.begin()
			handle := h.broker.Fault(fault)
			defer handle.Remove()
			h.start()
			h.settle()
			if handle.Hits() == 0 && name != "heartbeat unknown" {
				t.Error("the fault hit nothing: this test shows nothing")
			}
		})
	}
}

func TestStoreSickParksAndResumes(t *testing.T) {
	h := newHouse(t)
	h.begin()
	r := h.start()
	r.await(StateRunning, "")
	for _, c := range []Cause{RedisUnreachable, RedisWiped, KeyMissing} {
		h.store.set(func() { h.store.sick = &Trouble{cause: c} })
		before := len(h.all(false, streamTopic))
		h.raw(300)
		r.await(StateParked, c)
		if n := len(h.all(false, streamTopic)); n != before {
			t.Fatalf("%d records were written while the store was sick", n-before)
		}
		h.store.set(func() { h.store.sick = nil })
		r.await(StateRunning, "")
		h.settle()
	}
}

func TestStopAndResume(t *testing.T) {
	h := newHouse(t)
	h.begin()
	r := h.start()
	r.await(StateRunning, "")
	h.store.set(func() { h.store.stopped = true })
	r.await(StateStopped, "")
	h.raw(300)
	// Two questions after the events are there: whatever was to be released would have been.
	h.until("the lanes hold events", func() bool {
		v := r.Status().Partners[0]
		return v.State == StateStopped && v.Lag >= 300
	})
	if got := h.all(false, streamTopic); len(got) != 0 {
		t.Fatalf("%d records of a stopped partner", len(got))
	}
	if next := r.Status().Partners[0].Next; !strings.Contains(next, "consentry resume acme") {
		t.Errorf("next is %q", next)
	}
	h.store.set(func() { h.store.stopped = false })
	r.await(StateRunning, "")
	h.settle()
}

func TestKeysMismatchHoldsEverything(t *testing.T) {
	h := newHouse(t)
	h.raw(100)
	h.begin()
	fit := make(chan struct{})
	r := h.start(func(o *Options) {
		o.keysEvery = time.Hour // what has failed is asked again soon
		o.CheckKeys = func(context.Context) error {
			select {
			case <-fit:
				return nil
			default:
				return &Trouble{cause: KeyMismatch}
			}
		}
	})
	r.await(StateParked, KeyMismatch)
	h.until("a lane holds its events for want of keys", func() bool {
		s := r.partners[0].standing
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.doubts["lane 0"].cause == KeyMismatch || s.doubts["lane 1"].cause == KeyMismatch
	})
	if got := h.all(false, streamTopic, tallyTopic); len(got) != 0 {
		t.Fatalf("%d records under keys that do not fit", len(got))
	}
	close(fit)
	h.settle()
	r.await(StateRunning, "")
}

func TestOffsetsMissingUntilSomebodySays(t *testing.T) {
	h := newHouse(t)
	h.raw(200)
	r := h.start()
	r.await(StateParked, OffsetsMissing)
	if next := r.Status().Partners[0].Next; !strings.Contains(next, "consentry offsets init") {
		t.Errorf("next is %q", next)
	}
	h.begin()
	r.await(StateRunning, "")
	h.settle()
}

func TestPartnerTopicMissingThenMade(t *testing.T) {
	h := newHouse(t)
	h.raw(200)
	h.begin()
	if err := h.broker.DeleteTopic(streamTopic); err != nil {
		t.Fatal(err)
	}
	r := h.start()
	r.await(StateParked, TopicMissing)
	if err := h.broker.CreateTopic(streamTopic, 3, nil); err != nil {
		t.Fatal(err)
	}
	r.await(StateRunning, "")
	h.settle()
}

func TestPartnerTopicMadeAgainWhileRunning(t *testing.T) {
	h := newHouse(t)
	h.begin()
	r := h.start()
	h.raw(200)
	h.settle()
	if err := h.broker.DeleteTopic(streamTopic); err != nil {
		t.Fatal(err)
	}
	h.raw(200)
	r.await(StateParked, TopicMissing)
	if err := h.broker.CreateTopic(streamTopic, 3, nil); err != nil {
		t.Fatal(err)
	}
	r.await(StateRunning, "")
	h.until("all in the tally", func() bool { return h.tallied() >= 400 })
	// What the old topic held is gone with it; the rest came once.
	for value, n := range h.released(true) {
		if n != 1 {
			t.Errorf("%d times: %s", n, value)
		}
	}
	if n := len(h.released(true)); n != 100 {
		t.Errorf("%d records in the new topic, 100 of the later events consent", n)
	}
}

func TestRawTopicMadeAgainNeedsAPerson(t *testing.T) {
	h := newHouse(t)
	h.begin()
	r := h.start()
	h.raw(200)
	h.settle()
	if err := h.broker.DeleteTopic(rawTopic); err != nil {
		t.Fatal(err)
	}
	if err := h.broker.CreateTopic(rawTopic, 4, nil); err != nil {
		t.Fatal(err)
	}
	r.await(StateParked, OffsetsLost)
	h.begin()
	r.await(StateRunning, "")
}

func TestPositionOutOfRangeNeedsAPerson(t *testing.T) {
	h := newHouse(t)
	h.raw(400)
	h.begin()
	if err := h.broker.DeleteRecords(rawTopic, 2, 50); err != nil {
		t.Fatal(err)
	}
	r := h.start()
	r.await(StateParked, OffsetsLost)
	if got := h.all(false, streamTopic, tallyTopic); len(got) != 0 {
		t.Fatalf("%d records before a person decided", len(got))
	}
}

func TestForbiddenTopicParks(t *testing.T) {
	h := newHouse(t)
	h.raw(100)
	h.begin()
	handle := h.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: streamTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	r := h.start()
	r.await(StateParked, TopicForbidden)
	handle.Remove()
	h.settle()
	r.await(StateRunning, "")
}

func TestTwoWorkersShareAndLeave(t *testing.T) {
	h := newHouse(t)
	h.raw(2000)
	h.begin()
	h.start()
	second := h.start(func(o *Options) { o.Instance = 1 })
	h.raw(2000)
	h.settle()
	if err := second.halt(); err != nil {
		t.Fatal(err)
	}
	third := h.start(func(o *Options) { o.Instance = 1 })
	third.await(StateRunning, "")
	h.raw(1000)
	h.settle()
}

func TestNewerInstanceFences(t *testing.T) {
	h := newHouse(t)
	h.raw(500)
	h.begin()
	first := h.start()
	h.settle()
	second := h.start()
	h.raw(500)
	select {
	case err := <-first.ended:
		first.ended <- err
		if err != ErrFenced {
			t.Fatalf("the older worker ended with %v", err)
		}
	case <-time.After(deadline):
		t.Fatal("the older worker works on")
	}
	h.settle()
	second.await(StateRunning, "")
}

func TestShadowReleasesNothing(t *testing.T) {
	h := newHouse(t)
	h.set.Partners[0].Mode = "shadow"
	h.raw(300)
	h.begin()
	h.start()
	h.until("all in the tally", func() bool { return h.tallied() >= 300 })
	if got := h.all(false, streamTopic); len(got) != 0 {
		t.Fatalf("%d records in shadow mode", len(got))
	}
}

func TestMetricsAndStatus(t *testing.T) {
	h := newHouse(t)
	h.raw(500)
	h.begin()
	r := h.start()
	h.settle()
	r.await(StateRunning, "")
	get := func(page string) string {
		rec := httptest.NewRecorder()
		r.Handler().ServeHTTP(rec, httptest.NewRequest("GET", page, nil))
		return rec.Body.String()
	}
	h.until("the counters", func() bool { return strings.Contains(get("/metrics"), `consentry_events_total{source="usage"} 500`) })
	for _, want := range []string{
		`consentry_verdicts_total{reason="released",stream="partner.acme.usage"} 250`,
		`consentry_verdicts_total{reason="bad_event",stream="partner.acme.usage"} 10`,
		`consentry_verdicts_total{reason="no_consent",stream="partner.acme.usage"} 240`,
		`consentry_quarantined_total{reason="bad_event",source="usage"} 10`,
		`consentry_parked{cause="redis_wiped",partner="acme"} 0`,
		`consentry_policy_info{policy="` + h.set.Revision + `",stream="partner.acme.usage"} 1`,
		`consentry_transactions_total{partner="acme",result="aborted"}`, "consentry_verdict_age_seconds_bucket",
		"consentry_consent_lookup_seconds_sum", `consentry_end_to_end_seconds_count{stream="partner.acme.usage"}`,
		`consentry_lag_events{partner="acme",source="usage"}`, `consentry_held{stream="partner.acme.usage"} 0`,
		`consentry_unknown_schemas_total{source="usage"} 0`, "consentry_build_info", "consentry_parked_seconds_total",
	} {
		if !strings.Contains(get("/metrics"), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	var status Status
	dec := json.NewDecoder(bytes.NewBufferString(get("/statusz")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&status); err != nil {
		t.Fatal(err)
	}
	p := status.Partners[0]
	if p.Partner != "acme" || p.State != StateRunning || p.Lanes != 2 || status.Instance != "0" || status.Policy != h.set.Revision {
		t.Errorf("/statusz says %+v", status)
	}
	if get("/livez") != "ok\n" || get("/readyz") != "ok\n" {
		t.Error("not alive or not ready")
	}
}

// TestNobodyAnswersAtTheStart: nothing that is down may end a worker.
func TestNobodyAnswersAtTheStart(t *testing.T) {
	h := newHouse(t)
	h.raw(100)
	h.begin()
	up := make(chan struct{})
	conn := h.conn
	conn.Dial = func(ctx context.Context, network, host string) (net.Conn, error) {
		select {
		case <-up:
			return (&net.Dialer{}).DialContext(ctx, network, host)
		default:
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
	}
	asked := 0
	r := h.start(func(o *Options) {
		o.Connection = conn
		o.Prepare = func(ctx context.Context, p *policy.Partner, ask consent.Asker, most []int) (func() (Decider, error), error) {
			if asked++; asked == 1 {
				return nil, &Trouble{SchemaUnpublished, streamTopic}
			}
			return h.prepare(ctx, p, ask, most)
		}
	})
	r.await(StateParked, BrokerUnreachable)
	if !r.ready() || !r.alive() {
		t.Error("parked is ready, and alive")
	}
	close(up)
	r.await(StateParked, SchemaUnpublished)
	r.await(StateRunning, "")
	h.settle()
}

// TestSessionsClaimAtOnce: what a predecessor left open would hide the committed offsets from its successor, which so
// would never come to the transaction that ends it.
func TestSessionsClaimAtOnce(t *testing.T) {
	h := newHouse(t)
	h.begin()
	claims := h.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Observe: true, Count: -1})
	defer claims.Remove()
	h.start()
	h.until("both lanes have their transactional ids, without an event", func() bool { return claims.Hits() >= 2 })
}
