// The topics that consentry owns: which there must be, with which settings, and how the missing ones are made. Nothing
// here alters or deletes a topic.

package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/consentry/consentry/consent"
)

// Bounds on the timestamp of a released record, which is its release cut to 10 s: the broker itself refuses a batch
// that was stuck on its way, or stamped by a clock that runs ahead.
const (
	timestampBefore = 15 * time.Second
	timestampAfter  = 5 * time.Second
)

// forgetWithin is how long a compacted topic may keep what newer records have displaced: so long, at most, the brokers
// still hold what `consent forget` erased. Without it a log of which little changes is never compacted.
const forgetWithin = 7 * 24 * time.Hour

// accountRetention is the least time that quarantine and tally are kept: longer than most raw topics, so that every
// pointer can still be followed and the month accounted for.
const accountRetention = 30 * 24 * time.Hour

// TopicNeeds says which topics a deployment has to have.
type TopicNeeds struct {
	Streams           []string // partner topics
	Quarantine, Tally string
	Partitions        int
	Replication       int
	Retention         time.Duration // of partner topics
	Consent           *ConsentTopics
}

// ConsentTopics are the topics of the consent changelog; nil where one Redis holds the truth.
type ConsentTopics struct {
	Requests, State string
	Intake          string // the carrier's own; empty where there is none
	Group           string // kafka.group, with which the changelog's groups and transactional ids begin
}

// Setting is one topic setting by Kafka's name.
type Setting struct{ Name, Value string }

// Topic is one topic that there must be.
type Topic struct {
	Name        string
	Kind        string // partner, quarantine, tally, consent
	Partitions  int
	Replication int
	Settings    []Setting
}

// TopicState is a Topic beside what the brokers have.
type TopicState struct {
	Topic
	Exists      bool
	Partitions  int       // as they are; 0 when missing
	Replication int       // the smallest of its partitions
	Different   []Setting // settings that are not as wanted, with the value that they have
	MinISR      int       // min.insync.replicas as it is; 0 when missing or not to be read
	Readable    bool      // its settings could be read
}

// Topics lists what there must be: partner topics in the given order, then quarantine and tally, then the changelog of
// consents, whose partitions are the shards of subjects.
func (n TopicNeeds) Topics() []Topic {
	minISR := 1
	if n.Replication >= 3 {
		minISR = 2
	}
	settings := func(retention time.Duration, more ...Setting) []Setting {
		return append([]Setting{
			{"cleanup.policy", "delete"},
			{"message.timestamp.type", "CreateTime"},
			{"min.insync.replicas", strconv.Itoa(minISR)},
			{"retention.ms", millis(retention)},
		}, more...)
	}
	var out []Topic
	for _, name := range n.Streams {
		out = append(out, Topic{name, "partner", n.Partitions, n.Replication, settings(n.Retention,
			Setting{"message.timestamp.before.max.ms", millis(timestampBefore)},
			Setting{"message.timestamp.after.max.ms", millis(timestampAfter)})})
	}
	for _, t := range []struct{ name, kind string }{{n.Quarantine, "quarantine"}, {n.Tally, "tally"}} {
		out = append(out, Topic{t.name, t.kind, n.Partitions, n.Replication, settings(max(n.Retention, accountRetention))})
	}
	if c := n.Consent; c != nil {
		changelog := func(name, timestamps string, more ...Setting) Topic {
			return Topic{name, "consent", consent.Shards, n.Replication, append([]Setting{
				{"cleanup.policy", "compact"},
				{"message.timestamp.type", timestamps},
				{"min.insync.replicas", strconv.Itoa(minISR)},
				{maxCompactionLag, millis(forgetWithin)},
				{"unclean.leader.election.enable", "false"},
			}, more...)}
		}
		// A change is accepted when the broker appends it; its sender's clock says nothing.
		out = append(out, changelog(c.Requests, "LogAppendTime"), changelog(c.State, "CreateTime", Setting{"delete.retention.ms", millis(snapshotAge)}))
	}
	return out
}

// snapshotAge is how old a snapshot of Redis may be that is restored: an owner brings it up to date, and must still find
// that a stop or a protection was lifted.
const snapshotAge = 365 * 24 * time.Hour

const maxCompactionLag = "max.compaction.lag.ms"

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// PlanTopics compares what there must be with what there is. Retention may be chosen freely and is not compared.
func PlanTopics(ctx context.Context, conn Connection, needs TopicNeeds) ([]TopicState, error) {
	cl, adm, err := adminClient(conn)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return planTopics(ctx, adm, needs)
}

func planTopics(ctx context.Context, adm *kadm.Client, needs TopicNeeds) ([]TopicState, error) {
	wanted := needs.Topics()
	names := make([]string, len(wanted))
	for i := range wanted {
		names[i] = wanted[i].Name
	}
	details, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, requestTrouble(err, "the topics")
	}
	var there []string
	out := make([]TopicState, len(wanted))
	for i, w := range wanted {
		out[i].Topic = w
		d, ok := details[w.Name]
		if !ok || isMissing(d.Err) {
			continue
		}
		if d.Err != nil {
			return nil, requestTrouble(d.Err, "topic "+w.Name)
		}
		out[i].Exists, out[i].Partitions, out[i].Replication = true, len(d.Partitions), d.Partitions.NumReplicas()
		there = append(there, w.Name)
	}
	if len(there) == 0 {
		return out, nil
	}
	configs, err := adm.DescribeTopicConfigs(ctx, there...)
	if err != nil {
		return nil, requestTrouble(err, "the topics' settings")
	}
	for i := range out {
		for _, c := range configs {
			if c.Name == out[i].Name && c.Err == nil {
				out[i].compare(c.Configs)
			}
		}
	}
	return out, nil
}

// isMissing tells a topic that is not there. A broker says the same to those who may not know that it is.
func isMissing(err error) bool {
	broker, ok := err.(*kerr.Error)
	return ok && broker == kerr.UnknownTopicOrPartition
}

func (t *TopicState) compare(have []kadm.Config) {
	t.Readable = true
	value := func(name string) string {
		i := slices.IndexFunc(have, func(c kadm.Config) bool { return c.Key == name })
		if i < 0 {
			return "unset"
		}
		return have[i].MaybeValue()
	}
	t.MinISR, _ = strconv.Atoi(value("min.insync.replicas"))
	for _, s := range t.Settings {
		// What an operator may choose: how long to keep, and more replicas in sync than asked.
		if s.Name == "retention.ms" || s.Name == "min.insync.replicas" {
			continue
		}
		got := value(s.Name)
		if s.Name == maxCompactionLag && atMost(got, s.Value) {
			continue
		}
		if got != s.Value {
			t.Different = append(t.Different, Setting{s.Name, got})
		}
	}
}

func atMost(have, bound string) bool {
	h, err := strconv.ParseInt(have, 10, 64)
	b, _ := strconv.ParseInt(bound, 10, 64)
	return err == nil && h <= b
}

// CreateTopics makes the topics that are missing and leaves the others as they are. made lists the new ones. It goes on
// after a topic that cannot be made; the error then names the first.
func CreateTopics(ctx context.Context, conn Connection, needs TopicNeeds) (made []Topic, err error) {
	cl, adm, err := adminClient(conn)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	plan, err := planTopics(ctx, adm, needs)
	if err != nil {
		return nil, err
	}
	for _, t := range plan {
		if t.Exists {
			continue
		}
		configs := map[string]*string{}
		for _, s := range t.Settings {
			configs[s.Name] = &s.Value
		}
		_, createErr := adm.CreateTopic(ctx, int32(t.Topic.Partitions), int16(t.Topic.Replication), configs, t.Name)
		switch {
		case createErr == nil:
			made = append(made, t.Topic)
		case createErr == error(kerr.TopicAlreadyExists): // somebody was quicker
		case err == nil:
			err = fmt.Errorf("topic %s cannot be made: %s", t.Name, code(createErr))
		}
	}
	if err != nil {
		return made, err
	}
	return made, awaitTopics(ctx, adm, made)
}

// awaitTopics waits until the brokers tell of the new topics: the controller makes them, the brokers hear of it later.
func awaitTopics(ctx context.Context, adm *kadm.Client, made []Topic) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, t := range made {
		for {
			details, err := adm.ListTopics(ctx, t.Name)
			if err == nil {
				err = details[t.Name].Err
			}
			if err == nil && details.Has(t.Name) {
				break
			}
			select {
			case <-ctx.Done():
				return requestTrouble(err, "new topic "+t.Name)
			case <-tick.C:
			}
		}
	}
	return nil
}
