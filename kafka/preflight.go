// What would go wrong at the brokers, before it does. Preflight asks and changes nothing, except that it takes out a
// transactional id of its own, which is the only way to learn whether it may.

package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
)

// Levels of a Finding.
const (
	OK   = "ok"
	Warn = "warn"
	Fail = "fail"
)

// Finding is one thing that preflight looked at.
type Finding struct {
	Level   string `json:"level"`
	Check   string `json:"check"`   // what was looked at
	Message string `json:"message"` // what was found, and what mends it
	Run     string `json:"run"`     // a command that mends it; empty where there is none
}

// PreflightOptions is what the deployment needs of the brokers.
type PreflightOptions struct {
	Readers []Reader
	Topics  TopicNeeds
	Test    bool // environment: test, where few replicas are only worth a warning
	// Commands to name.
	MakeRaw  string // makes the raw topics; empty where they are the carrier's
	SetStart string // sets the first offsets
}

// preflight collects findings.
type preflight struct {
	PreflightOptions
	conn Connection
	cl   *kgo.Client
	adm  *kadm.Client
	out  []Finding
}

func (p *preflight) add(level, check, run, format string, args ...any) {
	p.out = append(p.out, Finding{level, check, fmt.Sprintf(format, args...), run})
}

// strict is the level of what a test deployment may do without.
func (p *preflight) strict() string {
	if p.Test {
		return Warn
	}
	return Fail
}

// Preflight looks at brokers, topics, rights and offsets. It stops early only where nothing more can be asked.
func Preflight(ctx context.Context, conn Connection, o PreflightOptions) []Finding {
	p := &preflight{PreflightOptions: o, conn: conn}
	var err error
	if p.cl, p.adm, err = adminClient(conn); err != nil {
		p.add(Fail, "brokers", "", "%v", err)
		return p.out
	}
	defer p.cl.Close()
	if !p.brokers(ctx) {
		return p.out
	}
	p.transactions(ctx)
	p.ownTopics(ctx)
	raw := p.rawTopics(ctx)
	p.intake(ctx)
	p.rights(ctx, raw)
	p.readersOfTopics(ctx, raw)
	p.offsets(ctx, raw)
	return p.out
}

// WhyUnreachable says in plain words why no broker let us in. It quotes nothing that a peer sent.
func WhyUnreachable(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "the broker refuses the user or the password (SASL authentication failed)"
	case errors.Is(err, kerr.UnsupportedSaslMechanism), strings.Contains(text, "SASL mechanism"):
		return "the broker does not know this SASL mechanism on this listener"
	case strings.Contains(text, "x509:"), strings.Contains(text, "certificate"):
		return "the certificates do not fit: wrong kafka.tls.ca for this broker, a name that is not in its certificate, or a client certificate that it does not take"
	case strings.Contains(text, "tls:"), strings.Contains(text, "first record does not look like a TLS handshake"):
		return "one side speaks TLS and the other does not, or they share no version: look at kafka.tls"
	case strings.Contains(text, "refused"):
		return "nothing listens at this address"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no answer, or the connection was closed (a TLS listener that is spoken to in the clear does that)"
}

func (p *preflight) brokers(ctx context.Context) bool {
	pingCtx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	where := strings.Join(p.conn.Brokers, ", ")
	if err := p.cl.Ping(pingCtx); err != nil {
		p.add(Fail, "brokers", "", "%s: %s", where, WhyUnreachable(err))
		return false
	}
	meta, err := p.adm.BrokerMetadata(ctx)
	if err != nil {
		p.add(Fail, "brokers", "", "%s: %s", where, WhyUnreachable(err))
		return false
	}
	p.add(OK, "brokers", "", "%s: %d answer", where, len(meta.Brokers))
	return true
}

// transactions wants the transaction protocol that cannot commit a late message into a later transaction.
func (p *preflight) transactions(ctx context.Context) {
	req := kmsg.NewApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "consentry", "1"
	res, err := req.RequestWith(ctx, p.cl)
	if err != nil {
		p.add(Fail, "transactions", "", "the broker does not tell its features: %s", code(err))
		return
	}
	for _, f := range res.FinalizedFeatures {
		if f.Name == "transaction.version" && f.MaxVersionLevel >= 2 {
			p.add(OK, "transactions", "", "transaction.version=%d", f.MaxVersionLevel)
			return
		}
	}
	p.add(Fail, "transactions", "kafka-features.sh --bootstrap-server "+p.conn.Brokers[0]+" upgrade --feature transaction.version=2",
		"transaction.version is below 2, so a late message may end a later transaction: exactly once is not certain; needs Kafka 4.0 or newer")
}

// ownTopics compares the topics that consentry writes with what they have to be.
func (p *preflight) ownTopics(ctx context.Context) {
	plan, err := planTopics(ctx, p.adm, p.Topics)
	if err != nil {
		p.add(Fail, "topics", "", "%v", err)
		return
	}
	for _, t := range plan {
		check := "topic " + t.Name
		if !t.Exists {
			p.add(Fail, check, "consentry topics create", "is missing (%s topic)", t.Kind)
			continue
		}
		was := len(p.out)
		if t.Kind == "consent" && t.Partitions != consent.Shards {
			p.shards(check, t)
		}
		if !t.Readable {
			p.add(Warn, check, "", "its settings cannot be read: allow this user DESCRIBE_CONFIGS on it")
		}
		for _, d := range t.Different {
			want := t.Settings[slices.IndexFunc(t.Settings, func(s Setting) bool { return s.Name == d.Name })]
			p.add(Fail, check, p.alter(t.Name, want), "%s is %s and must be %s", d.Name, d.Value, want.Value)
		}
		switch {
		case t.Replication < 3:
			// Asking for two replicas in sync where there is one would stop every write: the replicas come first.
			p.add(p.strict(), check, "", "replication is %d, below 3, and min.insync.replicas is %d: a lost broker takes acknowledged records with it; reassign its partitions to three brokers, then set min.insync.replicas=2", t.Replication, t.MinISR)
		case t.Readable && t.MinISR < 2:
			p.add(p.strict(), check, p.alter(t.Name, Setting{"min.insync.replicas", "2"}), "min.insync.replicas is %d, below 2: an acknowledged record may stand on one broker only", t.MinISR)
		}
		if len(p.out) == was {
			p.add(OK, check, "", "%d partitions, replication %d, settings as they must be", t.Partitions, t.Replication)
		}
	}
}

// alter is the command with which an operator changes a setting; consentry never does.
func (p *preflight) alter(topic string, s Setting) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s",
		p.conn.Brokers[0], topic, s.Name, s.Value)
}

// rawTopics returns the raw topics that are there.
func (p *preflight) rawTopics(ctx context.Context) map[string]bool {
	var names []string
	for _, r := range p.Readers {
		for _, t := range r.topics() {
			if !slices.Contains(names, t) {
				names = append(names, t)
			}
		}
	}
	there := map[string]bool{}
	if len(names) == 0 {
		return there
	}
	details, err := p.adm.ListTopics(ctx, names...)
	if err != nil {
		p.add(Fail, "raw topics", "", "%v", requestTrouble(err, "the topics"))
		return there
	}
	for _, name := range names {
		check := "topic " + name
		switch d, ok := details[name]; {
		case !ok || isMissing(d.Err):
			mend := "make it, or allow this user to DESCRIBE it"
			if p.MakeRaw == "" {
				mend = "it is the carrier's to make; or allow this user to DESCRIBE it"
			}
			p.add(Fail, check, p.MakeRaw, "is missing (raw topic): %s", mend)
		case d.Err != nil:
			p.add(Fail, check, "", "%v", requestTrouble(d.Err, "raw topic"))
		default:
			there[name] = true
			p.add(OK, check, "", "raw topic, %d partitions", len(d.Partitions))
		}
	}
	return there
}

// rights asks the broker what this user may do with topics, groups and transactional ids.
func (p *preflight) rights(ctx context.Context, raw map[string]bool) {
	needs := map[string][]kadm.ACLOperation{}
	for topic := range raw {
		needs[topic] = []kadm.ACLOperation{kadm.OpRead}
	}
	for _, t := range p.Topics.Topics() {
		needs[t.Name] = []kadm.ACLOperation{kadm.OpWrite}
	}
	p.consentNeeds(needs)
	var names []string
	for name := range needs {
		names = append(names, name)
	}
	slices.Sort(names)
	details, err := p.adm.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if err != nil {
		p.add(Fail, "rights", "", "%v", requestTrouble(err, "the topics"))
		return
	}
	was := len(p.out)
	for _, name := range names {
		d := details[name]
		for _, op := range needs[name] {
			if d.Err == nil && len(d.AuthorizedOperations) > 0 && !may(d.AuthorizedOperations, op) {
				p.add(Fail, "rights", p.allow("--topic "+name, op.String()), "this user may not %s topic %s", op, name)
			}
		}
	}
	for _, group := range p.groups() {
		g, err := describeGroup(ctx, p.adm, group)
		switch {
		case errors.Is(err, kerr.GroupAuthorizationFailed),
			err == nil && len(g.AuthorizedOperations) > 0 && !may(g.AuthorizedOperations, kadm.OpRead):
			p.add(Fail, "rights", p.allow("--group "+group, "READ"), "this user may not READ group %s", group)
		case err != nil:
			p.add(Fail, "rights", "", "%v", requestTrouble(err, "group "+group))
		}
		if err := p.transactionalID(ctx, group+".preflight"); err != nil {
			p.add(Fail, "rights", p.allow("--transactional-id "+group+". --resource-pattern-type prefixed", "WRITE"),
				"this user may not use transactional ids that begin with %s. (%s)", group, code(err))
		}
	}
	if len(p.out) == was {
		p.add(OK, "rights", "", "this user may read the raw topics and groups, write the other topics, and use its transactional ids")
	}
}

func may(have []kadm.ACLOperation, want kadm.ACLOperation) bool {
	return slices.Contains(have, want) || slices.Contains(have, kadm.OpAll)
}

func (p *preflight) allow(resource, operation string) string {
	user := "NAME"
	if p.conn.SASL != nil {
		user = p.conn.SASL.Username
	}
	return fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal User:%s --operation %s %s",
		p.conn.Brokers[0], user, operation, resource)
}

func (p *preflight) transactionalID(ctx context.Context, id string) error {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, int32(transactionTimeout.Milliseconds())
	return settle(ctx, func() error {
		res, err := req.RequestWith(ctx, p.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.ErrorCode)
	})
}
