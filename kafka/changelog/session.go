// One transactional session of one lane of the owner, or of the intake: how it is built, and which partitions are its
// own at this moment. Every session of this room writes to partitions that it names.

package changelog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	topic string
	// moved is set when partitions were taken away: what was polled may belong to another member by now.
	moved atomic.Bool

	mu    sync.Mutex
	owned map[int32]uint64 // partition → the turn in which it was assigned
	turn  uint64
	found map[int32]kgo.EpochOffset // the group's positions, once they were fetched; negative for none
}

// sessionTimeout is how long an owner that does not come back keeps its shards. Every worker waits meanwhile, so it is
// shorter than that of the workers' own group; a process that hangs for longer loses nothing but its turn.
const sessionTimeout = 10 * time.Second

// sessionSpec is what a session is built from.
type sessionSpec struct {
	conn     kafka.Connection
	group    string
	instance string // <instance>.<lane>
	topic    string
	// hold lets no record of a new partition be fetched before release.
	hold bool
}

// newSession does not connect: a broker that is down shows in the first poll.
func newSession(spec sessionSpec) (*session, error) {
	s := &session{topic: spec.topic, owned: map[int32]uint64{}, found: map[int32]kgo.EpochOffset{}}
	opts := append(spec.conn.Options(),
		kgo.ConsumerGroup(spec.group),
		kgo.ConsumeTopics(spec.topic),
		kgo.TransactionalID(spec.group+"."+spec.instance),
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
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			s.fetched(at[spec.topic])
			return at, nil
		}),
		kgo.OnPartitionsRevoked(s.lose),
		kgo.OnPartitionsLost(s.lose),
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
	for _, p := range partitions {
		s.turn++
		s.owned[p] = s.turn
	}
}

func (s *session) lose(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	return err
}

// poll waits for records, at most that long. An error without a cause is worth a new session.
func (s *session) poll(ctx context.Context, wait time.Duration, most int, visit func(*kgo.Record), log *zap.Logger) error {
	pctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := s.PollRecords(pctx, most)
	var worst error
	fetches.EachError(func(topic string, partition int32, err error) {
		if e := fetchError(topic, partition, err, log); e != nil && worst == nil {
			worst = e
		}
	})
	if worst != nil {
		return worst
	}
	fetches.EachRecord(visit)
	return nil
}

// fetchError tells what an error in a poll means: nil when the client mends it itself.
func fetchError(topic string, partition int32, err error, log *zap.Logger) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, kgo.ErrClientClosed):
		return kafka.ErrRebuild
	case errors.Is(err, kerr.FencedInstanceID):
		return kafka.ErrFenced
	}
	if c := kafka.BrokerCause(err); c != "" {
		return kafka.NewTrouble(c, fmt.Sprintf("topic %s partition %d: %s", topic, partition, kafka.Code(err)))
	}
	if kerr.IsRetriable(err) || kafka.Unreachable(err) {
		return nil
	}
	var group *kgo.ErrGroupSession
	if errors.As(err, &group) {
		log.Info("group session", zap.String("code", kafka.Code(err)))
		return nil
	}
	return err
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
	if err := s.Begin(); err != nil {
		return false, err
	}
	promise := kgo.AbortingFirstErrPromise(s.Client())
	for _, r := range records {
		s.Produce(ctx, r, promise.Promise())
	}
	if err := s.Client().Flush(ctx); err != nil {
		return false, kafka.ErrRebuild
	}
	stopPoint("written")
	produced := promise.Err()
	committed, err = s.End(ctx, kgo.TransactionEndTry(produced == nil))
	switch {
	case committed:
		return true, nil
	case err == nil:
		return false, produced
	}
	if c := kafka.BrokerCause(errors.Join(produced, err)); c != "" {
		return false, errors.Join(produced, err)
	}
	// A failed End is aborted once on the same session; if that fails too the session is rebuilt.
	again, cancelAgain := context.WithTimeout(context.Background(), kafka.EndDeadline)
	defer cancelAgain()
	if _, abort := s.End(again, kgo.TryAbort); abort != nil {
		return false, err
	}
	return false, produced
}
