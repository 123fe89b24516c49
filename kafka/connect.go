// How every Kafka client of consentry connects: brokers, TLS and SASL, and the bounds of one connection. Workers,
// `topics`, `offsets` and `preflight` all start from the same options, so that what preflight saw holds for run.

package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
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
	// Dial opens connections in place of TCP and TLS: the demo and the tests have their broker in the process.
	Dial func(ctx context.Context, network, host string) (net.Conn, error)
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
		kgo.Dialer(c.dial),
		// After a leader moves a client waits this long before it may ask again; the default of 5 s is the stall.
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL.mechanism()))
	}
	return opts
}

// dialFunc is what kgo.Dialer takes.
type dialFunc = func(ctx context.Context, network, host string) (net.Conn, error)

// dial opens one connection, TLS handshake included. It is ours, and not kgo's, so that the frame guard can stand
// above TLS, where a frame still shows what it is.
func (c Connection) dial(ctx context.Context, network, host string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx, network, host)
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	if c.TLS == nil {
		return dialer.DialContext(ctx, network, host)
	}
	conf := c.TLS.Clone()
	if conf.ServerName == "" {
		server, _, err := net.SplitHostPort(host)
		if err != nil {
			return nil, errors.New("a broker's address has no port")
		}
		conf.ServerName = server
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return (&tls.Dialer{NetDialer: dialer, Config: conf}).DialContext(ctx, network, host)
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
