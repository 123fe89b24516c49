// One transactional session of one lane of the owner, or of the intake: how it is built, and which partitions are its
// own at this moment. Every session of this room writes to partitions that it names.

package changelog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/consentry/consentry/kafka"
)

// session is a group member and transactional producer.
type session struct {
	*kgo.GroupTransactSession
	spec  sessionSpec
	topic string
	// moved is set when partitions were taken away: what was polled may belong to another member by now.
	moved atomic.Bool

	mu    sync.Mutex
	owned map[int32]uint64 // partition → the turn in which it was assigned
	turn  uint64
	found map[int32]kgo.EpochOffset // the group's positions, once they were fetched; negative for none
	// member tells that the group has taken this session in, and changed when that or its partitions last changed.
	member  bool
	changed time.Time
	said    error // by the group, since it is no member; nil for nothing
}

// sessionTimeout is how long an owner that does not come back keeps its shards. Every worker waits meanwhile, so it is
// shorter than that of the workers' own group; a process that hangs for longer loses nothing but its turn.
const sessionTimeout = 10 * time.Second

const (
	// settleTime is how long a session must meet no refusal before it counts as one that works: it has fetched by then.
	settleTime = 2 * time.Second
	// joinTimeout is how long a group may take to let a session in: longer than a rebalance that waits for a dead member.
	joinTimeout = 3 * sessionTimeout
)

// sessionSpec is what a session is built from.
type sessionSpec struct {
	conn     kafka.Connection
	group    string
	instance string // <instance>.<lane>
	topic    string
	// hold lets no record of a new partition be fetched before release.
	hold bool
	// adjust may change the group's positions before they are read from. Optional.
	adjust func(ctx context.Context, at map[int32]kgo.Offset)
	// lost is told what a topic has lost, and that the client goes on where it agrees again. Without it that is an error.
	lost func(*kgo.ErrDataLoss)
}

func (s *sessionSpec) transactionalID() string { return s.group + "." + s.instance }

// newSession does not connect: a broker that is down shows in the first poll.
func newSession(spec sessionSpec) (*session, error) {
	s := &session{spec: spec, topic: spec.topic, owned: map[int32]uint64{}, found: map[int32]kgo.EpochOffset{}, changed: time.Now()}
	opts := append(spec.conn.Options(),
		kgo.ConsumerGroup(spec.group),
		kgo.ConsumeTopics(spec.topic),
		kgo.TransactionalID(spec.transactionalID()),
		kgo.InstanceID(spec.instance),
		kgo.TransactionTimeout(kafka.TransactionTimeout),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(sessionTimeout/5),
		kgo.RebalanceTimeout(2*sessionTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		// A request is merged once however often it is read, so a group without positions begins at the beginning.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kafka.Codecs()...),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(1<<18),
		kgo.MaxBufferedBytes(64<<20),
		kgo.MaxConcurrentFetches(2),
		kgo.FetchMaxBytes(8<<20),
		kgo.FetchMaxPartitionBytes(1<<20),
		kgo.BrokerMaxReadBytes(64<<20),
		kgo.MaxDecompressBatchBytes(128<<20),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, got map[string][]int32) {
			if spec.hold && len(got) > 0 {
				cl.PauseFetchPartitions(got)
			}
			s.gain(got[spec.topic])
		}),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			if spec.adjust != nil {
				spec.adjust(ctx, at[spec.topic])
			}
			s.fetched(at[spec.topic])
			return at, nil
		}),
		kgo.OnPartitionsRevoked(s.lose),
		kgo.OnPartitionsLost(func(ctx context.Context, cl *kgo.Client, taken map[string][]int32) {
			s.lose(ctx, cl, taken)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.member = false
		}),
	)
	var err error
	if s.GroupTransactSession, err = kgo.NewGroupTransactSession(opts...); err != nil {
		return nil, fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	return s, nil
}

// gain and lose are called while the client holds its locks: they only note.
func (s *session) gain(partitions []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.member, s.changed, s.said = true, time.Now(), nil
	for _, p := range partitions {
		s.turn++
		s.owned[p] = s.turn
	}
}

func (s *session) lose(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = time.Now()
	for _, p := range taken[s.topic] {
		delete(s.owned, p)
		delete(s.found, p)
		s.moved.Store(true)
	}
}

func (s *session) fetched(at map[int32]kgo.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, o := range at {
		s.found[p] = o.EpochOffset()
	}
}

// place makes the session read a held partition from begin on, or from before it: the mark says where the merge stands,
// and the group's position, which anybody can move, says nothing. False while the positions are not known yet. The caller
// keeps transactions from ending meanwhile.
func (s *session) place(p int32, begin int64) bool {
	s.mu.Lock()
	at, fetched := s.found[p]
	s.mu.Unlock()
	if !fetched {
		return false
	}
	// The client learns of its positions a moment after we do. None at all is the beginning.
	if now, there := s.Client().CommittedOffsets()[s.topic][p]; there {
		at = now
	}
	if at.Offset <= begin {
		return true
	}
	s.Client().SetOffsets(map[string]map[int32]kgo.EpochOffset{s.topic: {p: {Epoch: -1, Offset: begin}}})
	return s.Client().CommittedOffsets()[s.topic][p].Offset == begin
}

// assigned is a copy of what is owned now.
func (s *session) assigned() map[int32]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.owned)
}

// allow lets the listed partitions be fetched and holds the others back.
func (s *session) allow(ready []int32) {
	var resume, hold []int32
	paused := s.Client().PauseFetchPartitions(nil)[s.topic]
	for p := range s.assigned() {
		switch is, may := slices.Contains(paused, p), slices.Contains(ready, p); {
		case is && may:
			resume = append(resume, p)
		case !is && !may:
			hold = append(hold, p)
		}
	}
	if len(resume) > 0 {
		s.mu.Lock()
		s.changed = time.Now()
		s.mu.Unlock()
		s.Client().ResumeFetchPartitions(map[string][]int32{s.topic: resume})
	}
	if len(hold) > 0 {
		s.Client().PauseFetchPartitions(map[string][]int32{s.topic: hold})
	}
}

// claim takes the transactional id at once: it ends whatever a predecessor left open.
func (s *session) claim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafka.EndDeadline)
	defer cancel()
	_, _, err := s.Client().ProducerID(ctx)
	return refused(err, "transactional id "+s.spec.transactionalID())
}

// settled tells that the session has worked undisturbed for a while, whether or not there was anything to do.
func (s *session) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.member && time.Since(s.changed) > settleTime
}

// outside is a group that does not let the session in; nil for one that did, or still may.
func (s *session) outside() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.member || time.Since(s.changed) < joinTimeout {
		return nil
	}
	return refused(cmp.Or(s.said, context.DeadlineExceeded), "group "+s.spec.group)
}

// hear notes what the group said. It is an error when the client does not mend it.
func (s *session) hear(err error, log *zap.Logger) error {
	log.Info("group session", zap.String("code", kafka.Code(err)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = err
	if rejoins(err) {
		return nil
	}
	return refused(err, "group "+s.spec.group)
}

// poll waits for records, at most that long. An error without a cause is worth a new session.
func (s *session) poll(ctx context.Context, wait time.Duration, most int, visit func(*kgo.Record), log *zap.Logger) error {
	pctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := s.PollRecords(pctx, most)
	var worst error
	fetches.EachError(func(topic string, partition int32, err error) {
		if e := s.fetchError(topic, partition, err, log); e != nil && worst == nil {
			worst = e
		}
	})
	if err := cmp.Or(worst, s.outside()); err != nil {
		return err
	}
	fetches.EachRecord(visit)
	return nil
}

// fetchError tells what an error in a poll means: nil when the client mends it itself.
func (s *session) fetchError(topic string, partition int32, err error, log *zap.Logger) error {
	var group *kgo.ErrGroupSession
	var loss *kgo.ErrDataLoss
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, kgo.ErrClientClosed):
		return kafka.ErrRebuild
	case errors.Is(err, kerr.FencedInstanceID):
		return kafka.ErrFenced
	case errors.As(err, &group):
		return s.hear(err, log)
	case s.spec.lost != nil && errors.As(err, &loss):
		s.spec.lost(loss)
		return nil
	case kafka.BrokerCause(err) == "" && (kerr.IsRetriable(err) || kafka.Unreachable(err)):
		return nil
	}
	return refused(err, fmt.Sprintf("topic %s partition %d", topic, partition))
}

// rewind gives back what was polled: the session returns to the committed offsets.
func (s *session) rewind() error {
	s.moved.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), kafka.EndDeadline)
	defer cancel()
	_, err := s.End(ctx, kgo.TryAbort)
	return err
}

// write is one transaction of what was polled: the records, if any, and the offsets. False without an error means that
// it was aborted and the session stands at the committed offsets again.
func (s *session) write(records []*kgo.Record) (committed bool, err error) {
	// From here on the transaction is finished, whatever the caller's context says.
	ctx, cancel := context.WithTimeout(context.Background(), kafka.EndDeadline)
	defer cancel()
	what := "transactional id " + s.spec.transactionalID()
	if err := s.Begin(); err != nil {
		return false, refused(err, what)
	}
	promise := kgo.AbortingFirstErrPromise(s.Client())
	for _, r := range records {
		s.Produce(ctx, r, promise.Promise())
	}
	if err := s.Client().Flush(ctx); err != nil {
		return false, refused(err, writing(records))
	}
	stopPoint("written")
	produced := refused(promise.Err(), writing(records))
	committed, err = s.End(ctx, kgo.TransactionEndTry(produced == nil))
	switch {
	case committed:
		return true, nil
	case err == nil:
		return false, produced
	}
	if ended := refused(err, what+", group "+s.spec.group); isTrouble(produced) || isTrouble(ended) {
		return false, errors.Join(produced, ended)
	}
	// A failed End is aborted once on the same session; if that fails too the session is rebuilt.
	again, cancelAgain := context.WithTimeout(context.Background(), kafka.EndDeadline)
	defer cancelAgain()
	if _, abort := s.End(again, kgo.TryAbort); abort != nil {
		return false, refused(err, what)
	}
	return false, produced
}

// writing names what a transaction writes to. A broker that refuses one of several topics lets none of them be written, and
// the client does not say which.
func writing(records []*kgo.Record) string {
	var topics []string
	for _, r := range records {
		if !slices.Contains(topics, r.Topic) {
			topics = append(topics, r.Topic)
		}
	}
	return "writing to topic " + strings.Join(topics, " and ")
}
