package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A topic that may be written to and takes nothing: its disk is full, or too few replicas are in sync.
func TestAPartnerTopicThatTakesNothingParks(t *testing.T) {
	for name, code := range map[string]*kerr.Error{"full": kerr.KafkaStorageError, "too few replicas": kerr.NotEnoughReplicas} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.begin()
			handle := h.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: streamTopic, Err: code, Count: -1})
			h.raw(200)
			r := h.start()
			r.await(StateParked, BrokerUnreachable)
			handle.Remove()
			r.await(StateRunning, "")
			h.settle()
		})
	}
}
