// How every Kafka client of consentry connects: brokers, TLS and SASL, and the bounds of one connection. Workers,
// `topics`, `offsets` and `preflight` all start from the same options, so that what preflight saw holds for run.

package kafka

import (
	"crypto/tls"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// dialTimeout bounds one attempt to connect, TLS included.
const dialTimeout = 5 * time.Second

// Connection says where the brokers are and who asks. A nil TLS connects in the clear.
type Connection struct {
	Brokers  []string
	TLS      *tls.Config
	SASL     *SASL
	ClientID string // default "consentry"
}

// SASL is a user and its password. Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (also when empty).
type SASL struct{ Mechanism, Username, Password string }

// Options are what any client of this deployment needs to connect; callers append their own.
func (c Connection) Options() []kgo.Opt {
	id := c.ClientID
	if id == "" {
		id = "consentry"
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		// After a leader moves a client waits this long before it may ask again; the default of 5 s is the stall.
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
	if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(c.TLS))
	} else {
		opts = append(opts, kgo.DialTimeout(dialTimeout))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL.mechanism()))
	}
	return opts
}

func (s *SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case "PLAIN":
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism()
	default:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism()
	}
}
