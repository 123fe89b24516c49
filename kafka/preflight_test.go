package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/testbed"
	"github.com/consentry/consentry/kafka"
)

// wantFinding looks for a finding whose check and message begin and contain the words, and returns its command.
func wantFinding(t *testing.T, all []kafka.Finding, level, check, words string) string {
	t.Helper()
	for _, f := range all {
		if f.Level == level && f.Check == check && strings.Contains(f.Message, words) {
			return f.Run
		}
	}
	t.Errorf("no %s about %s with %q in:\n%+v", level, check, words, all)
	return ""
}

func failures(all []kafka.Finding) (out []kafka.Finding) {
	for _, f := range all {
		if f.Level == kafka.Fail {
			out = append(out, f)
		}
	}
	return out
}

// From an empty broker every command that preflight names is enough for it to be content.
func TestPreflightNamesWhatMendsIt(t *testing.T) {
	b := realBroker(t)
	o := kafka.PreflightOptions{Topics: needs(), Test: true, MakeRaw: "make raw", SetStart: "set start"}
	raw := fresh("raw")
	r := reader(raw)
	o.Readers = []kafka.Reader{r}
	look := func() []kafka.Finding { return kafka.Preflight(t.Context(), b.Connection, o) }

	all := look()
	wantFinding(t, all, kafka.OK, "brokers", "1 answer")
	wantFinding(t, all, kafka.OK, "transactions", "transaction.version=2")
	for _, topic := range []string{o.Topics.Streams[0], o.Topics.Quarantine, o.Topics.Tally} {
		if run := wantFinding(t, all, kafka.Fail, "topic "+topic, "missing"); run != "consentry topics create" {
			t.Errorf("%s: run %q", topic, run)
		}
	}
	if run := wantFinding(t, all, kafka.Fail, "topic "+raw, "missing"); run != "make raw" {
		t.Errorf("run %q", run)
	}
	wantFinding(t, all, kafka.Warn, "who reads", "no authorizer")

	if _, err := kafka.CreateTopics(t.Context(), b.Connection, o.Topics); err != nil {
		t.Fatal(err)
	}
	b.make(raw, 2)
	all = look()
	if run := wantFinding(t, all, kafka.Fail, "offsets "+r.Group, "where this partner begins"); run != "set start" {
		t.Errorf("run %q", run)
	}
	wantFinding(t, all, kafka.Warn, "topic "+o.Topics.Tally, "replication is 1")
	if _, err := initAt(b, r, kafka.InitOptions{At: beginning}); err != nil {
		t.Fatal(err)
	}
	if bad := failures(look()); len(bad) != 0 {
		t.Errorf("still %+v", bad)
	}

	o.Test = false
	wantFinding(t, look(), kafka.Fail, "topic "+o.Topics.Tally, "replication is 1")
	wantFinding(t, look(), kafka.Fail, "topic "+o.Topics.Tally, "min.insync.replicas is 1")
	b.write(raw, 0, 5, time.Now())
	b.trim(raw, 0, 3)
	if run := wantFinding(t, look(), kafka.Fail, "offsets "+r.Group, "is gone"); run != "consentry offsets init --lost" {
		t.Errorf("run %q", run)
	}
}

func TestPreflightSeesWrongSettings(t *testing.T) {
	b := realBroker(t)
	o := kafka.PreflightOptions{Topics: needs(), Test: true}
	if _, err := kafka.CreateTopics(t.Context(), b.Connection, o.Topics); err != nil {
		t.Fatal(err)
	}
	topic, wrong := o.Topics.Streams[0], "9223372036854775807"
	if _, err := b.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "message.timestamp.before.max.ms", Value: &wrong}}, topic); err != nil {
		t.Fatal(err)
	}
	run := wantFinding(t, kafka.Preflight(t.Context(), b.Connection, o), kafka.Fail, "topic "+topic, "must be 15000")
	if !strings.Contains(run, "--entity-name "+topic+" --add-config message.timestamp.before.max.ms=15000") {
		t.Errorf("run %q", run)
	}
}

func TestPreflightWithoutABroker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all := kafka.Preflight(ctx, kafka.Connection{Brokers: []string{"127.0.0.1:1"}}, kafka.PreflightOptions{Topics: needs()})
	if len(all) != 1 {
		t.Errorf("goes on without a broker: %+v", all)
	}
	wantFinding(t, all, kafka.Fail, "brokers", "nothing listens")
}

// A user without rights is told each right that it lacks; with them preflight is content, and tells who else reads.
func TestPreflightTellsRights(t *testing.T) {
	tb, err := testbed.SharedSecure()
	if err != nil {
		t.Fatal(err)
	}
	tls, err := tb.Secure.Certs.Client(false)
	if err != nil {
		t.Fatal(err)
	}
	conn := func(user string) kafka.Connection {
		return kafka.Connection{Brokers: []string{tb.Kafka.Addr}, TLS: tls,
			SASL: &kafka.SASL{Mechanism: "SCRAM-SHA-512", Username: user, Password: tb.Secure.Password}}
	}
	super, limited := connect(t, conn(testbed.User)), connect(t, conn(testbed.Limited))
	raw := super.topic("raw", 1)
	r := reader(raw)
	o := kafka.PreflightOptions{Topics: needs(), Test: true, Readers: []kafka.Reader{r}}
	if _, err := kafka.CreateTopics(t.Context(), super.Connection, o.Topics); err != nil {
		t.Fatal(err)
	}
	if _, err := initAt(super, r, kafka.InitOptions{At: beginning}); err != nil {
		t.Fatal(err)
	}
	principal := "User:" + testbed.Limited
	grant := func(b *kadm.ACLBuilder, ops ...kadm.ACLOperation) {
		t.Helper()
		b = b.Allow(principal).AllowHosts("*").Operations(ops...)
		results, err := super.adm.CreateACLs(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range results {
			if res.Err != nil {
				t.Fatal(res.Err)
			}
		}
	}
	topics := []string{raw}
	for _, topic := range o.Topics.Topics() {
		topics = append(topics, topic.Name)
	}
	grant(kadm.NewACLs().Topics(topics...).ResourcePatternType(kadm.ACLPatternLiteral), kadm.OpDescribe, kadm.OpDescribeConfigs)
	grant(kadm.NewACLs().Groups(r.Group).ResourcePatternType(kadm.ACLPatternLiteral), kadm.OpDescribe)
	all := kafka.Preflight(t.Context(), limited.Connection, o)
	for _, words := range []string{"READ topic " + raw, "WRITE topic " + o.Topics.Tally, "READ group " + r.Group, "transactional ids"} {
		if run := wantFinding(t, all, kafka.Fail, "rights", words); !strings.Contains(run, "--allow-principal "+principal) {
			t.Errorf("%s: run %q", words, run)
		}
	}
	wantFinding(t, all, kafka.Warn, "who reads", "may not see the ACLs")

	grant(kadm.NewACLs().Topics(raw).ResourcePatternType(kadm.ACLPatternLiteral), kadm.OpRead)
	grant(kadm.NewACLs().Topics(topics[1:]...).ResourcePatternType(kadm.ACLPatternLiteral), kadm.OpWrite)
	grant(kadm.NewACLs().Groups(r.Group).ResourcePatternType(kadm.ACLPatternLiteral), kadm.OpRead)
	grant(kadm.NewACLs().TransactionalIDs(r.Group+".").ResourcePatternType(kadm.ACLPatternPrefixed), kadm.OpWrite)
	if bad := failures(kafka.Preflight(t.Context(), limited.Connection, o)); len(bad) != 0 {
		t.Errorf("with every right still %+v", bad)
	}
	all = kafka.Preflight(t.Context(), super.Connection, o)
	wantFinding(t, all, kafka.OK, "who reads", "topic "+raw+": "+principal)
	wantFinding(t, all, kafka.OK, "who reads", "topic "+o.Topics.Tally+": nobody by ACL")
}
