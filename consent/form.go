// How the store is reached: one server, the master that Sentinels name, or the masters of a Cluster. Replicas are never
// asked: they may not know of the last withdrawal.

package consent

import (
	"context"
	"crypto/tls"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options say how to reach the store: exactly one of URL, Sentinel and Cluster. The zero value of everything else is a
// sensible default.
type Options struct {
	URL      string    // redis:// or rediss://, host, port and database number
	Sentinel *Sentinel // only with Changelog
	Cluster  []string  // host:port of some of its nodes; only with Changelog

	Username, Password string // win over what the URL has
	Database           int    // behind Sentinels
	TLS                *tls.Config
	// Changelog says that the truth is in Kafka and that an owner projects it into this store.
	Changelog bool
	// StaleAfter is how old the owner's last beat may be. Default 2s; of a changelog only.
	StaleAfter time.Duration
	// Deadline bounds one Ask, connecting included. Default 250ms.
	Deadline time.Duration
	// WriteDeadline bounds one round trip of a change, of a projection or of accept-epoch. Default 5s.
	WriteDeadline time.Duration
	// Embedded says that the server lives in this process (the demo) and has no settings to check.
	Embedded bool
	// Now is the worker's clock; time.Now by default.
	Now func() time.Time
}

// Sentinel names a master by the Sentinels that watch it. User and password are the Sentinels' own.
type Sentinel struct {
	Master             string
	Nodes              []string // host:port
	Username, Password string
}

// voidLogger silences go-redis, which prints addresses and commands to stderr by default.
type voidLogger struct{}

func (voidLogger) Printf(context.Context, string, ...any) {}

var silenced atomic.Bool

// Open makes the client. It does not connect: a store that is down at the start parks like one that goes down later.
// The error says what is wrong with the options and quotes nothing.
func Open(o Options) (*Store, error) {
	if silenced.CompareAndSwap(false, true) {
		redis.SetLogger(voidLogger{})
	}
	if o.Deadline == 0 {
		o.Deadline = 250 * time.Millisecond
	}
	if o.WriteDeadline == 0 {
		o.WriteDeadline = 5 * time.Second
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		now: o.Now, deadline: o.Deadline, writeDeadline: o.WriteDeadline, changelog: o.Changelog, staleAfter: o.StaleAfter,
	}
	if !o.Embedded {
		s.safety = &safety{}
	}
	if (o.Sentinel != nil || len(o.Cluster) > 0) && (!o.Changelog || o.URL != "" || o.Sentinel != nil && len(o.Cluster) > 0) {
		return nil, &Refused{Reason: "Sentinels and a Cluster need consent.changelog, and redis has one form only"}
	}
	switch {
	case o.Sentinel != nil:
		s.client = redis.NewFailoverClient(o.failover())
	case len(o.Cluster) > 0:
		s.cluster = redis.NewClusterClient(o.clusterOptions())
	default:
		ro, err := redis.ParseURL(o.URL)
		if err != nil {
			return nil, &Refused{Reason: "redis url is not of the form redis://host:port/database (rediss:// for TLS)"}
		}
		s.client = redis.NewClient(o.complete(ro))
	}
	return s, nil
}

// poolSize bounds nothing that matters: lanes ask one after the other, so few connections are ever open. But after as many
// failed dials go-redis dials no more than once a second, and a master that is promoted meanwhile would be found a second
// late. 1<<15 are more dials than a fail-over takes.
const poolSize = 1 << 15

// complete sets what all forms have in common. Without ContextTimeoutEnabled a context's deadline bounds nothing.
// Retries are made here, where a reply that came half is thrown away first; the dialer's own five retries would outlive
// an Ask.
func (o *Options) complete(ro *redis.Options) *redis.Options {
	if o.Username != "" {
		ro.Username = o.Username
	}
	if o.Password != "" {
		ro.Password = o.Password
	}
	if o.TLS != nil {
		ro.TLSConfig = o.TLS
	}
	ro.ContextTimeoutEnabled = true
	ro.ReadTimeout = o.WriteDeadline
	ro.WriteTimeout = o.WriteDeadline
	ro.DialTimeout = o.Deadline
	ro.DialerRetries = 1
	ro.PoolTimeout = o.Deadline
	ro.PoolSize = poolSize
	ro.MaxRetries = -1
	ro.Protocol = 2
	ro.DisableIdentity = true
	ro.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return ro
}

func (o *Options) failover() *redis.FailoverOptions {
	ro := o.complete(&redis.Options{})
	return &redis.FailoverOptions{
		MasterName: o.Sentinel.Master, SentinelAddrs: o.Sentinel.Nodes,
		SentinelUsername: o.Sentinel.Username, SentinelPassword: o.Sentinel.Password,
		Username: ro.Username, Password: ro.Password, DB: o.Database, TLSConfig: ro.TLSConfig,
		ContextTimeoutEnabled: ro.ContextTimeoutEnabled,
		ReadTimeout:           ro.ReadTimeout, WriteTimeout: ro.WriteTimeout, DialTimeout: ro.DialTimeout, DialerRetries: ro.DialerRetries,
		PoolTimeout: ro.PoolTimeout, PoolSize: ro.PoolSize, MaxRetries: ro.MaxRetries, Protocol: ro.Protocol, DisableIdentity: ro.DisableIdentity,
		ConnMaxLifetime: askSentinels,
	}
}

// askSentinels is how old a connection to their master grows: whoever connects asks the Sentinels first. Of a new master
// they tell once and to those who listen at that moment; who did not would stay with an old one that answers, and be parked
// for good.
const askSentinels = 5 * time.Second

// stateReload is how old the client's picture of a Cluster may be when nothing has failed meanwhile.
const stateReload = 5 * time.Second

func (o *Options) clusterOptions() *redis.ClusterOptions {
	ro := o.complete(&redis.Options{})
	return &redis.ClusterOptions{
		Addrs: o.Cluster, Username: ro.Username, Password: ro.Password, TLSConfig: ro.TLSConfig,
		ContextTimeoutEnabled: ro.ContextTimeoutEnabled,
		ReadTimeout:           ro.ReadTimeout, WriteTimeout: ro.WriteTimeout, DialTimeout: ro.DialTimeout, DialerRetries: ro.DialerRetries,
		PoolTimeout: ro.PoolTimeout, PoolSize: ro.PoolSize, MaxRetries: ro.MaxRetries, Protocol: ro.Protocol, DisableIdentity: ro.DisableIdentity,
		MaintNotificationsConfig: ro.MaintNotificationsConfig, ClusterStateReloadInterval: stateReload,
	}
}
