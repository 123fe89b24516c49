package kafka_test

import (
	"testing"
	"time"

	"github.com/consentry/consentry/kafka"
)

func needs() kafka.TopicNeeds {
	return kafka.TopicNeeds{Streams: []string{fresh("partner.acme.a"), fresh("partner.acme.b")}, Quarantine: fresh("quarantine"),
		Tally: fresh("tally"), Partitions: 3, Replication: 1, Retention: 7 * 24 * time.Hour}
}

func TestCreateTopicsMakesOnlyWhatIsMissing(t *testing.T) {
	b := realBroker(t)
	n := needs()
	b.make(n.Streams[1], 1) // somebody's own, with other settings
	made, err := kafka.CreateTopics(t.Context(), b.Connection, n)
	if err != nil || len(made) != 3 {
		t.Fatalf("made %v, %v", made, err)
	}
	plan, err := kafka.PlanTopics(t.Context(), b.Connection, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan {
		if !s.Exists || !s.Readable {
			t.Errorf("%s: %+v", s.Name, s)
		}
		if s.Name == n.Streams[1] {
			if s.Partitions != 1 || len(s.Different) != 2 {
				t.Errorf("the topic that was there was altered, or its settings are not seen: %+v", s)
			}
		} else if s.Partitions != 3 || len(s.Different) != 0 {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	configs, err := b.adm.DescribeTopicConfigs(t.Context(), n.Streams[0])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "15000",
		"message.timestamp.after.max.ms": "5000", "retention.ms": "604800000", "cleanup.policy": "delete"}
	for _, c := range configs[0].Configs {
		if v, ok := want[c.Key]; ok {
			if c.MaybeValue() != v {
				t.Errorf("%s is %s, not %s", c.Key, c.MaybeValue(), v)
			}
			delete(want, c.Key)
		}
	}
	if len(want) != 0 {
		t.Errorf("settings not seen: %v", want)
	}
	if again, err := kafka.CreateTopics(t.Context(), b.Connection, n); err != nil || len(again) != 0 {
		t.Errorf("the second time made %v, %v", again, err)
	}
}

func TestPlanMakesNothing(t *testing.T) {
	onBoth(t, func(b *broker) {
		n := needs()
		for range 2 {
			plan, err := kafka.PlanTopics(b.Context(), b.Connection, n)
			if err != nil || len(plan) != 4 {
				b.Fatalf("%v %v", plan, err)
			}
			for _, s := range plan {
				if s.Exists {
					b.Errorf("%s is there", s.Name)
				}
			}
		}
	})
}
