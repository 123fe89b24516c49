// Why a partner parks: the closed list of causes, what the operator should do about each, and which cause an error of
// the client library means. Broker errors carry topic names and codes, never an event.

package kafka

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Cause is one of the words of status and of consentry_parked. The empty Cause is "nothing is wrong".
type Cause string

const (
	RedisUnreachable    Cause = "redis_unreachable"
	RedisStale          Cause = "redis_stale"
	RedisWiped          Cause = "redis_wiped"
	RedisMalformed      Cause = "redis_malformed"
	RedisUnsafe         Cause = "redis_unsafe"
	RegistryUnreachable Cause = "registry_unreachable"
	SchemaUnpublished   Cause = "schema_unpublished"
	BrokerUnreachable   Cause = "broker_unreachable"
	TopicMissing        Cause = "topic_missing"
	TopicForbidden      Cause = "topic_forbidden"
	OffsetsMissing      Cause = "offsets_missing"
	OffsetsLost         Cause = "offsets_lost"
	KeyMissing          Cause = "key_missing"
	KeyMismatch         Cause = "key_mismatch"
	ClockSkew           Cause = "clock_skew"
	ListStale           Cause = "list_stale"
	StateRestoring      Cause = "state_restoring"
)

// causes lists every cause with what the operator should do next.
var causes = []struct {
	cause Cause
	next  string
}{
	{RedisUnreachable, "Bring Redis back, or mend the network to it; nothing else is needed."},
	{RedisStale, "Bring the consent projection (run --role sync) up to date; nothing else is needed."},
	{RedisWiped, "The consent store is new, emptied or restored. With consent.changelog its owners fill it by themselves, unless the detail says what they wait for: see that consentry run --role sync runs. Without, find out why, then run: consentry consent accept-epoch --import FILE"},
	{RedisMalformed, "Many consent lines cannot be read: find who writes to this Redis besides consentry, then load the consents again with: consentry consent import FILE"},
	{RedisUnsafe, "Redis may lose acknowledged writes: set appendonly yes, appendfsync always, maxmemory-policy noeviction and detach replicas; run: consentry preflight"},
	{RegistryUnreachable, "Bring the schema registry back, or mend the network to it; nothing else is needed."},
	{SchemaUnpublished, "The partner registry lacks a stream's schema; run: consentry schema publish"},
	{BrokerUnreachable, "Bring the Kafka brokers back, or mend the network to them; where they answer and take nothing, look at their disks and in-sync replicas. Nothing else is needed."},
	{TopicMissing, "A topic is missing. A partner's, the quarantine or the tally: see it and make it with: consentry topics plan, consentry topics create. A raw topic is the carrier's to make"},
	{TopicForbidden, "The broker refuses a topic, the group or the transactional id; see which with: consentry preflight"},
	{OffsetsMissing, "Nobody has said where this partner begins; run: consentry offsets init --at beginning (or end, or a time)"},
	{OffsetsLost, "Events between the position and what the raw topic still holds are gone, or the raw topic was made again; look at it, then run: consentry offsets init --lost; of a topic that was made again no position is left, so say where to begin: consentry offsets init --at beginning (or end, or a time); for a position that is in range and whose events were replaced, stop the workers and run: consentry offsets init --overwrite --topic TOPIC --at TIME"},
	{KeyMissing, "A key is not in the key folder: mount the folder that keys rotate writes to, or make what is missing with: consentry keys init (in a new deployment), consentry keys rotate"},
	{KeyMismatch, "The key folder is not the one that the other workers use; mount the right one"},
	{ClockSkew, "This machine's clock and Redis's differ by more than 2 s; mend the time service; nothing else is needed."},
	{ListStale, "The list of sensitive places is older than detect.places.park_after: make a new one with: consentry places import --out FILE IN…, then restart the workers"},
	{StateRestoring, "The counts of a batch did not add up, so it was not committed; keep the log and report it; it is tried again meanwhile"},
}

// Next says what the operator should do about a cause.
func (c Cause) Next() string {
	for _, k := range causes {
		if k.cause == c {
			return k.next
		}
	}
	return ""
}

// known reports whether c is in the closed list.
func (c Cause) known() bool { return c.Next() != "" }

// Trouble is doubt about the system: it parks a partner. Detail names a topic, partition or broker error code.
type Trouble struct {
	cause  Cause
	detail string
}

func (t *Trouble) Error() string {
	if t.detail == "" {
		return string(t.cause)
	}
	return string(t.cause) + ": " + t.detail
}

// Cause is the word for status and metrics.
func (t *Trouble) Cause() string { return string(t.cause) }

// causeOf finds the cause in any room's error. An error without one is no doubt that we know: fallback is used.
func causeOf(err error, fallback Cause) Cause {
	var c interface{ Cause() string }
	if errors.As(err, &c) && Cause(c.Cause()).known() {
		return Cause(c.Cause())
	}
	return fallback
}

// detailOf is what a room's error says beside its cause. Errors with a cause are made in this house and hold no values.
func detailOf(err error) string {
	var t *Trouble
	if errors.As(err, &t) {
		return t.detail
	}
	var c interface {
		error
		Cause() string
	}
	if errors.As(err, &c) {
		return strings.TrimPrefix(strings.TrimPrefix(c.Error(), c.Cause()), ": ")
	}
	return ""
}

// brokerCause tells which cause an error of the client library means; "" when it is passing trouble that a new session
// or a retry mends.
func brokerCause(err error) Cause {
	var data *kgo.ErrDataLoss
	var large *kgo.ErrDecompressTooLarge
	switch {
	case err == nil:
		return ""
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return TopicMissing
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed),
		errors.Is(err, kerr.TransactionalIDAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed),
		errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.MessageTooLarge),
		errors.Is(err, kerr.RecordListTooLarge), errors.Is(err, kerr.InvalidRecord), errors.Is(err, kerr.PolicyViolation):
		return TopicForbidden
	case errors.Is(err, kerr.OffsetOutOfRange), errors.As(err, &data), errors.As(err, &large):
		return OffsetsLost
	}
	return ""
}

// unreachable tells that a request got no answer at all.
func unreachable(err error) bool {
	var netErr net.Error
	var broker *kerr.Error
	if errors.As(err, &broker) {
		return false
	}
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) || kgo.IsRetryableBrokerErr(err)
}

// code is the short, data-free name of an error for logs: the broker's error code where there is one.
func code(err error) string {
	var broker *kerr.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &broker):
		return broker.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, kgo.ErrClientClosed):
		return "client closed"
	case errors.Is(err, errStaleVerdict):
		return "stale verdict"
	case errors.Is(err, errRebuild):
		return "rebuild"
	case unreachable(err):
		return "no answer"
	}
	return string(causeOf(err, "other"))
}
