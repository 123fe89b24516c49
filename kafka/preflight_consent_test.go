package kafka_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// findingSoon is wantFinding once brokers know of what was changed: they learn topics and settings a moment after the
// controller has answered.
func findingSoon(t *testing.T, look func() []kafka.Finding, level, check, words string) string {
	t.Helper()
	var all []kafka.Finding
	soon(t, func() bool {
		all = look()
		return slices.ContainsFunc(all, func(f kafka.Finding) bool {
			return f.Level == level && f.Check == check && strings.Contains(f.Message, words)
		})
	})
	return wantFinding(t, all, level, check, words)
}

// contentSoon waits until nothing is a failure.
func contentSoon(t *testing.T, look func() []kafka.Finding) {
	t.Helper()
	var bad []kafka.Finding
	soon(t, func() bool { bad = failures(look()); return len(bad) == 0 })
	if len(bad) != 0 {
		t.Errorf("still %+v", bad)
	}
}

// soon asks again and again until it is so, at most for ten seconds.
func soon(t *testing.T, so func() bool) {
	t.Helper()
	for began := time.Now(); !so() && time.Since(began) < 10*time.Second; {
	}
}

func consentNeeds() kafka.TopicNeeds {
	n := needs()
	n.Consent = &kafka.ConsentTopics{Requests: fresh("requests"), State: fresh("state"), Intake: fresh("intake"), Group: fresh("group")}
	return n
}

// The changelog's topics are made as they must be, and every setting that would lose a consent is a failure.
func TestConsentTopics(t *testing.T) {
	b := realBroker(t)
	o := kafka.PreflightOptions{Topics: consentNeeds(), Test: true}
	c := o.Topics.Consent
	look := func() []kafka.Finding { return kafka.Preflight(t.Context(), b.Connection, o) }
	for _, topic := range []string{c.Requests, c.State} {
		if run := wantFinding(t, look(), kafka.Fail, "topic "+topic, "missing (consent topic)"); run != "consentry topics create" {
			t.Errorf("%s: run %q", topic, run)
		}
	}
	wantFinding(t, look(), kafka.Fail, "topic "+c.Intake, "missing (intake topic)")
	if _, err := kafka.CreateTopics(t.Context(), b.Connection, o.Topics); err != nil {
		t.Fatal(err)
	}
	b.make(c.Intake, 3)
	contentSoon(t, look)
	set := func(topic, name, value string) {
		t.Helper()
		if _, err := b.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct{ topic, name, value, words string }{
		{c.Requests, "cleanup.policy", "delete", "must be compact"},
		{c.State, "cleanup.policy", "compact,delete", "must be compact"},
		{c.Requests, "message.timestamp.type", "CreateTime", "must be LogAppendTime"},
		{c.State, "unclean.leader.election.enable", "true", "must be false"},
		{c.Requests, "max.compaction.lag.ms", "604800001", "must be 604800000"},
	} {
		before := ""
		configs, err := b.adm.DescribeTopicConfigs(t.Context(), x.topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range configs[0].Configs {
			if k.Key == x.name {
				before = k.MaybeValue()
			}
		}
		set(x.topic, x.name, x.value)
		findingSoon(t, look, kafka.Fail, "topic "+x.topic, x.words)
		set(x.topic, x.name, before)
	}
	set(c.Requests, "max.compaction.lag.ms", "3600000") // sooner is an operator's choice
	contentSoon(t, look)
	set(c.Intake, "retention.ms", "-1")
	findingSoon(t, look, kafka.Warn, "topic "+c.Intake, "longer than a week")
	o.Test = false
	wantFinding(t, look(), kafka.Fail, "topic "+c.State, "replication is 1")
}

func TestConsentTopicWithOtherShards(t *testing.T) {
	b := realBroker(t)
	o := kafka.PreflightOptions{Topics: consentNeeds(), Test: true}
	c := o.Topics.Consent
	b.make(c.Requests, 12)
	b.make(c.State, consent.Shards+1)
	look := func() []kafka.Finding { return kafka.Preflight(t.Context(), b.Connection, o) }
	if run := findingSoon(t, look, kafka.Fail, "topic "+c.Requests, "has 12 partitions and must have 64"); run == "" {
		t.Error("no command makes the others")
	}
	if run := findingSoon(t, look, kafka.Fail, "topic "+c.State, "name another topic"); run != "" {
		t.Errorf("run %q", run)
	}
}

// With three replicas the changelog asks for two in sync.
func TestConsentTopicsInSync(t *testing.T) {
	n := kafka.TopicNeeds{Partitions: 12, Replication: 3, Retention: time.Hour, Consent: &kafka.ConsentTopics{Requests: "r", State: "s"}}
	for _, topic := range n.Topics() {
		if topic.Kind != "consent" {
			continue
		}
		if topic.Partitions != consent.Shards || topic.Replication != 3 || topic.Settings[2] != (kafka.Setting{Name: "min.insync.replicas", Value: "2"}) {
			t.Errorf("%+v", topic)
		}
	}
}
