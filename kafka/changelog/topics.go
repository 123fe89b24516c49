// What must be right about the topics before a session, and as long as it lasts: they are there, and brokers neither delete
// consents nor take the sender's word for when a change was accepted.

package changelog

import (
	"context"
	"fmt"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// settingsEvery is how often the settings are looked at while sessions last.
const settingsEvery = time.Minute

// lookAtTopics checks that the topics of a part are there and have one partition for each shard. The intake's is the
// carrier's: where it is missing only the intake waits.
func (o *Owner) lookAtTopics(ctx context.Context, part string) error {
	ctx, cancel := context.WithTimeout(ctx, kafka.LookTimeout)
	defer cancel()
	names := []string{o.opt.Requests, o.opt.State, o.opt.Quarantine}
	if o.intake != nil && part == o.intake.part {
		names = append(names, o.opt.Intake)
	}
	details, err := o.adm.ListTopics(ctx, names...)
	if err != nil {
		return kafka.RequestTrouble(err, "the topics")
	}
	for i, name := range names {
		d, ok := details[name]
		switch {
		case !ok:
			return kafka.NewTrouble(kafka.TopicMissing, "topic "+name)
		case d.Err != nil:
			return kafka.RequestTrouble(d.Err, "topic "+name)
		case i < 2 && len(d.Partitions) != consent.Shards:
			return kafka.NewTrouble(kafka.TopicMissing, fmt.Sprintf("topic %s has %d partitions and must have %d", name, len(d.Partitions), consent.Shards))
		}
	}
	t := o.lookAtSettings(ctx)
	o.wrong.Store(t)
	if t != nil {
		return t
	}
	return nil
}

// watchSettings ends the sessions of the lanes when a setting has become wrong; the look before the next one says which.
func (o *Owner) watchSettings(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, kafka.LookTimeout)
	defer cancel()
	o.wrong.Store(o.lookAtSettings(ctx))
}

// lookAtSettings refuses topics that would lose consents, or in which the sender says when a change was accepted. Where the
// settings may not be read nobody can tell.
func (o *Owner) lookAtSettings(ctx context.Context) *kafka.Trouble {
	musts := []struct{ topic, setting, value, why string }{
		{o.opt.Requests, "message.timestamp.type", "LogAppendTime", "a change is accepted when the broker appends it, whatever its sender's clock says"},
		{o.opt.Requests, "cleanup.policy", "compact", "what brokers delete of it is no evidence any more"},
		{o.opt.State, "cleanup.policy", "compact", "a withdrawal that brokers delete is forgotten"},
	}
	configs, err := o.adm.DescribeTopicConfigs(ctx, o.opt.Requests, o.opt.State)
	if err != nil {
		return nil
	}
	for _, m := range musts {
		topic, err := configs.On(m.topic, nil)
		if err != nil {
			continue
		}
		for _, s := range topic.Configs {
			if s.Key == m.setting && s.Value != nil && *s.Value != m.value {
				return kafka.NewTrouble(kafka.TopicMissing, fmt.Sprintf("topic %s has %s=%s and must have %s: %s; consentry preflight prints the command",
					m.topic, m.setting, *s.Value, m.value, m.why))
			}
		}
	}
	return nil
}
