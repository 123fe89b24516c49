// Package config reads the three kinds of file: strictly, with file, line, column and caret, all errors in one run,
// secrets by reference only. Files in, typed values out. What a policy means is package policy's business.
package config

import (
	"time"

	"github.com/consentry/consentry/policy"
)

// Config is consentry.yaml with everything it names, checked for form and with its references resolved.
type Config struct {
	File        string // the path it was read from
	Environment string // production, test, or another name
	Kafka       Kafka
	Registry    Registry
	Redis       Redis
	Consent     Consent
	Keys        Keys
	Detect      Detect
	Quarantine  string // topic
	Tally       string // topic
	Admin       string // host:port
	Sources     []policy.SourceSpec
	Partners    []policy.PartnerSpec
}

type Kafka struct {
	Brokers  []string
	Group    string
	Instance int
	Lanes    int
	Commit   Commit
	Topics   Topics
	TLS      *TLS
	SASL     *SASL
}

type Commit struct {
	Every   time.Duration // default 250ms
	Records int           // default 20000
}

// Topics is for `topics create`.
type Topics struct {
	Replication int
	Partitions  int
	Retention   time.Duration
}

// TLS names files, resolved relative to consentry.yaml. An empty CA means the system's roots.
type TLS struct{ CA, Cert, Key string }

type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	Username  string
	Password  Secret
}

type Registry struct{ Raw, Partner Endpoint }

type Endpoint struct {
	URL      string
	Username string
	Password Secret
	TLS      *TLS
}

// Redis is the consent store in one of three forms: a URL, or Sentinel, or Cluster. The last two need a changelog.
type Redis struct {
	URL      string
	Username string
	Password Secret
	TLS      *TLS
	Database int // behind Sentinels; with a URL it stands in the URL
	Sentinel *Sentinel
	Cluster  *Cluster
}

// Sentinel names a master by the Sentinels that watch it. User and password are the Sentinels' own.
type Sentinel struct {
	Master   string
	Nodes    []string // host:port
	Username string
	Password Secret
}

// Cluster names some nodes of a Redis Cluster; the client learns the others.
type Cluster struct{ Nodes []string }

type Consent struct {
	Subject       string // msisdn, imsi, opaque
	Region        string // default US
	ParkWhenStale time.Duration
	Changelog     *Changelog // nil: one Redis holds the truth
}

// Changelog names the topics that hold the truth about consents.
type Changelog struct {
	Requests string // default consentry.consent.requests
	State    string // default consentry.consent.state
	Intake   string // the carrier's own topic; empty where there is none
}

type Keys struct {
	Dir  string
	Keep time.Duration // default 72h
}

// Detect names the house's lists. A Text without a value was not given.
type Detect struct {
	Places        Places
	Domains       policy.Text // CSV files, resolved relative to consentry.yaml
	Apps          policy.Text
	Terms         policy.Text
	Jurisdictions policy.Text
}

// Places is the list of sensitive places and how old its data may be.
type Places struct {
	File      policy.Text
	WarnAfter time.Duration // default 35d
	ParkAfter time.Duration // default 90d
}

// Secret is a value that came by reference. It prints as [redacted] by every road but Reveal.
type Secret struct{ value string }

// NewSecret wraps a value that came by reference.
func NewSecret(v string) Secret { return Secret{v} }

// Reveal gives the value; for connecting only.
func (s Secret) Reveal() string               { return s.value }
func (s Secret) String() string               { return "[redacted]" }
func (s Secret) GoString() string             { return "[redacted]" }
func (s Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
