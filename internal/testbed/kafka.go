// Apache Kafka, one KRaft broker. Plain: one listener in the clear. Secure: one listener for each way that carriers
// connect (TLS, mutual TLS, SASL PLAIN, SASL SCRAM), all over TLS, with the authorizer on.

package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kafka is the broker. Addr is the listener that deploy/samples uses: in the clear, or SASL_SSL with SCRAM when secure.
type Kafka struct {
	*Process
	Addr string
	// Set when secure; SCRAM-SHA-256 and SCRAM-SHA-512 are at Addr.
	TLS   string // encrypted, nobody asks who
	MTLS  string // the client's certificate says who
	PLAIN string // SASL PLAIN over TLS
}

// What §12 of the Kafka notes proved for one node on a small machine: few partitions of the internal topics, no waiting
// for more members, short session bounds, small log segments.
const brokerProperties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[1]s
listeners=%[2]s,CONTROLLER://%[1]s
advertised.listeners=%[2]s
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLEAR:PLAINTEXT,TLS:SSL,MTLS:SSL,PLAIN:SASL_SSL,SCRAM:SASL_SSL
log.dirs=%[3]s
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=200
group.consumer.heartbeat.interval.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=16777216
log.index.size.max.bytes=1048576
`

// The broker talks to itself over the mutual TLS listener, with its own certificate.
const secureProperties = `inter.broker.listener.name=MTLS
ssl.keystore.type=PEM
ssl.keystore.location=%[1]s
ssl.truststore.type=PEM
ssl.truststore.location=%[2]s
listener.name.mtls.ssl.client.auth=required
listener.name.plain.sasl.enabled.mechanisms=PLAIN
listener.name.plain.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[3]s="%[5]s" user_%[4]s="%[5]s";
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.scram.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:%[3]s;User:CN=%[3]s;User:CN=localhost
`

// The broker's cluster id; it only has to be the same each time the folder is used.
const clusterID = "MkU3OEVBNTcwNTJENDM2Qk"

func newKafka(ctx context.Context, t *Testbed, home string) (*Kafka, error) {
	ports, err := freePorts(5)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.Dir, "kafka")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &Kafka{Addr: address(ports[0])}
	listeners, extra := "CLEAR://"+k.Addr, "inter.broker.listener.name=CLEAR\n"
	if s := t.Secure; s != nil {
		k.TLS, k.MTLS, k.PLAIN = address(ports[2]), address(ports[3]), address(ports[4])
		listeners = "SCRAM://" + k.Addr + ",TLS://" + k.TLS + ",MTLS://" + k.MTLS + ",PLAIN://" + k.PLAIN
		extra = fmt.Sprintf(secureProperties, s.Certs.ServerBoth, s.Certs.CA, User, Limited, s.Password)
	}
	data, properties := filepath.Join(dir, "data"), filepath.Join(dir, "server.properties")
	text := fmt.Sprintf(brokerProperties, address(ports[1]), listeners, data) + extra
	if err := os.WriteFile(properties, []byte(text), 0o600); err != nil {
		return nil, err
	}
	java := []string{"java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
		"-cp", filepath.Join(home, "libs", "*")}
	format := func(ctx context.Context) error {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		args := append(java[1:len(java):len(java)], "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", properties)
		if s := t.Secure; s != nil {
			for _, user := range []string{User, Limited} {
				for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
					args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, s.Password))
				}
			}
		}
		if out, err := exec.CommandContext(ctx, java[0], args...).CombinedOutput(); err != nil {
			return fmt.Errorf("formatting Kafka's storage: %w; its last lines:\n%s", err, lastLines(string(out), 5))
		}
		return nil
	}
	k.Process = &Process{name: "kafka", dir: dir, pids: t.Dir, wipe: format,
		argv: append(java[:len(java):len(java)], "kafka.Kafka", properties)}
	// The listeners open before the broker serves; it says in its log when it does.
	k.ready = func(context.Context) error {
		if !strings.Contains(k.saidSinceStart(), "Kafka Server started") {
			return errors.New("not started yet")
		}
		return nil
	}
	return k, format(ctx)
}
