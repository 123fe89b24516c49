// One transactional session of one lane: which options it is built with, and how it is let go.

package kafka

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// transactionTimeout is when the broker gives up on a transaction: no reader is held longer by a dead worker.
	transactionTimeout = 15 * time.Second
	// endDeadline bounds End, below the broker's own bound.
	endDeadline    = 12 * time.Second
	sessionTimeout = 30 * time.Second
	closeDeadline  = 5 * time.Second
)

// session is a group member and transactional producer with the frame guard before its connections.
type session struct {
	*kgo.GroupTransactSession
	guard *frameGuard
	// moved is set when partitions were taken away: what was polled may belong to another member by now.
	moved atomic.Bool
}

// sessionSpec is what a session is built from.
type sessionSpec struct {
	conn     Connection
	group    string
	instance string // <instance>.<lane>
	topics   []string
	maxBatch int32 // bytes; no topic that is written to takes less
	observe  func(age time.Duration)
}

// newSession does not connect: a broker that is down shows in the first poll.
func newSession(s sessionSpec) (*session, error) {
	out := &session{guard: newFrameGuard(s.observe)}
	opts := append(s.conn.Options(),
		kgo.Dialer(out.guard.wrap(s.conn.dial)),
		kgo.ConsumerGroup(s.group),
		kgo.ConsumeTopics(s.topics...),
		kgo.TransactionalID(s.group+"."+s.instance),
		kgo.InstanceID(s.instance),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.RebalanceTimeout(2*sessionTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Only a new partition has no commit here: the look before the start saw to all others. Nothing ever moves a
		// position that is out of range.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RecordPartitioner(spread{}),
		kgo.ProducerBatchCompression(codecs()...),
		// A transaction is produced in one go and flushed: lingering only lets batches fill meanwhile.
		kgo.ProducerLinger(20*time.Millisecond),
		kgo.ProducerBatchMaxBytes(s.maxBatch),
		kgo.MaxBufferedRecords(1<<20),
		kgo.MaxBufferedBytes(64<<20),
		kgo.MaxConcurrentFetches(2),
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxPartitionBytes(1<<20),
		kgo.BrokerMaxReadBytes(64<<20),
		kgo.MaxDecompressBatchBytes(128<<20),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.OnPartitionsRevoked(out.gone),
		kgo.OnPartitionsLost(out.gone),
	)
	var err error
	if out.GroupTransactSession, err = kgo.NewGroupTransactSession(opts...); err != nil {
		return nil, fmt.Errorf("the Kafka client refuses its options: %w", err)
	}
	return out, nil
}

// gone notes that partitions were taken away. It is called while the client holds its locks: nothing else may happen.
func (s *session) gone(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	if len(taken) > 0 {
		s.moved.Store(true)
	}
}

// let closes the session without waiting for a broker that does not answer. As a static member it does not leave the
// group: the next session with the same instance id takes its partitions over without a rebalance.
func (s *session) let() { letGo(s.GroupTransactSession) }

func letGo(s *kgo.GroupTransactSession) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.CloseAllowingRebalance()
	}()
	timer := time.NewTimer(closeDeadline)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// memberID is the id that the coordinator gave this member.
func (s *session) memberID() string {
	id, _ := s.Client().GroupMetadata()
	return id
}

// instanceID names a lane for static membership and, after the group, its transactions.
func instanceID(instance string, lane int) string { return instance + "." + strconv.Itoa(lane) }
