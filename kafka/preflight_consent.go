// The part of preflight that is about the changelog of consents: its shards, the carrier's intake topic, and the rights
// that its owner and the verbs need.

package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/consent"
)

// intakeRetention is how long an intake topic may keep records before preflight says something: they name subjects.
const intakeRetention = 7 * 24 * time.Hour

// shards reports a changelog topic whose partitions are not the shards. More can be made; a topic never gets fewer.
func (p *preflight) shards(check string, t TopicState) {
	if t.Partitions < consent.Shards {
		p.add(Fail, check, fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d", p.conn.Brokers[0], t.Name, consent.Shards),
			"has %d partitions and must have %d, one for each shard of subjects", t.Partitions, consent.Shards)
		return
	}
	p.add(Fail, check, "", "has %d partitions and must have %d, one for each shard of subjects: name another topic under consent.changelog", t.Partitions, consent.Shards)
}

// intake looks at the topic to which the carrier's own systems write. It names subjects, so it ought to be short-lived.
func (p *preflight) intake(ctx context.Context) {
	c := p.Topics.Consent
	if c == nil || c.Intake == "" {
		return
	}
	check := "topic " + c.Intake
	details, err := p.adm.ListTopics(ctx, c.Intake)
	if err != nil {
		p.add(Fail, check, "", "%v", requestTrouble(err, "the topics"))
		return
	}
	switch d, ok := details[c.Intake]; {
	case !ok || isMissing(d.Err):
		p.add(Fail, check, "", "is missing (intake topic): it is the carrier's to make; or allow this user to DESCRIBE it")
		return
	case d.Err != nil:
		p.add(Fail, check, "", "%v", requestTrouble(d.Err, "intake topic"))
		return
	}
	configs, err := p.adm.DescribeTopicConfigs(ctx, c.Intake)
	if err != nil || len(configs) != 1 || configs[0].Err != nil {
		p.add(Warn, check, "", "its settings cannot be read: allow this user DESCRIBE_CONFIGS on it")
		return
	}
	was := len(p.out)
	for _, s := range configs[0].Configs {
		switch s.Key {
		case "cleanup.policy":
			if strings.Contains(s.MaybeValue(), "compact") {
				p.add(Warn, check, p.alter(c.Intake, Setting{"cleanup.policy", "delete"}), "it is compacted, so it keeps subjects for ever: let it delete")
			}
		case "retention.ms":
			if ms, err := strconv.ParseInt(s.MaybeValue(), 10, 64); err == nil && (ms < 0 || ms > intakeRetention.Milliseconds()) {
				p.add(Warn, check, p.alter(c.Intake, Setting{"retention.ms", "86400000"}), "it keeps subjects in clear for longer than a week")
			}
		}
	}
	if len(p.out) == was {
		p.add(OK, check, "", "intake topic, short-lived")
	}
}

// consentNeeds adds what the changelog's owner and the consent verbs do with its topics.
func (p *preflight) consentNeeds(needs map[string][]kadm.ACLOperation) {
	c := p.Topics.Consent
	if c == nil {
		return
	}
	for _, name := range []string{c.Requests, c.State} {
		needs[name] = []kadm.ACLOperation{kadm.OpRead, kadm.OpWrite}
	}
	if c.Intake != "" {
		needs[c.Intake] = append(needs[c.Intake], kadm.OpRead)
	}
}

// groups lists the consumer groups of this deployment, each of which has transactional ids that begin with its name.
func (p *preflight) groups() []string {
	var out []string
	for _, r := range p.Readers {
		if !slices.Contains(out, r.Group) {
			out = append(out, r.Group)
		}
	}
	if c := p.Topics.Consent; c != nil {
		out = append(out, c.Group+".consent")
		if c.Intake != "" {
			out = append(out, c.Group+".consent-intake")
		}
	}
	return out
}
