// What the room kafka/changelog shares with the lanes here: clients that give up in time, causes, the bounds of a
// session. One set of answers to "what does this broker error mean" serves both.

package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of a transactional session, the same for every one in the house.
const (
	TransactionTimeout = transactionTimeout
	EndDeadline        = endDeadline
	// EndGap keeps commits apart: the broker is still writing the markers of the one before.
	EndGap      = endGap
	LookTimeout = lookTimeout
)

// ErrRebuild asks for a new session: this one may be in any state.
var ErrRebuild = errRebuild

// NewTrouble is doubt about the system. detail names a topic, partition or broker error code, and never a value.
func NewTrouble(c Cause, detail string) *Trouble { return &Trouble{c, detail} }

// RequestTrouble turns the failure of a request to a broker into a cause; what cannot be told apart counts as an
// unreachable broker.
func RequestTrouble(err error, what string) *Trouble { return requestTrouble(err, what) }

// CauseOf finds the cause in any room's error, and what it says beside it. An error without one counts as fallback.
func CauseOf(err error, fallback Cause) (Cause, string) { return causeOf(err, fallback), detailOf(err) }

// BrokerCause tells which cause an error of the client library means; "" for passing trouble, which a new session or a
// retry mends.
func BrokerCause(err error) Cause { return brokerCause(err) }

// Unreachable tells that a request got no answer at all.
func Unreachable(err error) bool { return unreachable(err) }

// Code is the short, data-free name of an error for logs.
func Code(err error) string { return code(err) }

// Codecs is how record batches are compressed.
func Codecs() []kgo.CompressionCodec { return codecs() }

// AdminClient connects when it is first used, and gives up in time. Close the kgo client; the kadm client is a view on
// it.
func AdminClient(conn Connection, more ...kgo.Opt) (*kgo.Client, *kadm.Client, error) {
	return adminClient(conn, more...)
}

// LetGo closes a session without waiting for a broker that does not answer.
func LetGo(s *kgo.GroupTransactSession) { letGo(s) }

// InstanceID names a lane for static membership and, after the group, its transactions.
func InstanceID(instance string, lane int) string { return instanceID(instance, lane) }

// Every calls f at once and then at each interval, until ctx ends.
func Every(ctx context.Context, interval time.Duration, f func()) { every(ctx, interval, f) }

// Settle asks again while the broker still writes the markers of a transaction, or makes or loads its internal topics.
func Settle(ctx context.Context, ask func() error) error { return settle(ctx, ask) }

// Pause waits, or ends early with ctx.
func Pause(ctx context.Context, d time.Duration) { pause(ctx, d) }

// Usurped tells whether another process has joined a group under a lane's instance id: the coordinator gives each join
// of a static member a new member id.
func Usurped(ctx context.Context, adm *kadm.Client, group, instance, member string) bool {
	if member == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	groups, err := adm.DescribeGroups(ctx, group)
	if err != nil {
		return false
	}
	for _, m := range groups[group].Members {
		if m.InstanceID != nil && *m.InstanceID == instance {
			return m.MemberID != member
		}
	}
	return false
}

// Pointer is where a record stands that could not be read, for quarantine (contract: records).
type Pointer struct {
	Topic       string
	Partition   int32
	LeaderEpoch int32
	Offset      int64
	Stage       string
	Reason      string
	Size        int // bytes of the record; told as a class
}

// Quarantined makes key and value of a pointer that belongs to no partner.
func (p *Pointer) Quarantined() (key, value []byte, err error) {
	value, err = marshal(quarantineRecord{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch,
		Stage: p.Stage, Reason: p.Reason, SizeClass: sizeClass(p.Size)})
	return quarantineKey("", p.Topic, p.Partition, p.Offset), value, err
}
