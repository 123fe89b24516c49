// Package testbed runs the real parts that consentry lives with, on free loopback ports and in a temporary folder:
// Apache Kafka, redis-server and two schema registries. Tests call Start; people use `go run ./deploy/testbed up`.
//
// It knows nothing of consentry and imports none of its packages. What it cannot have it names, together with the
// command that mends it; it never goes on without a part.
package testbed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Users of the secure parts; both have the same password. User may do everything; Limited is known to Kafka only, and
// may do there what an ACL allows.
const (
	User    = "consentry"
	Limited = "limited"
)

// Parts to start.
const (
	PartKafka      = "kafka"
	PartRedis      = "redis"
	PartRegistries = "registries"
)

// Forms of the part redis. The zero form is one server.
const (
	RedisSingle   = "single"
	RedisSentinel = "sentinel" // a master, a replica and three Sentinels
	RedisCluster  = "cluster"  // three masters, each with a replica
)

// Options of a testbed. The zero value starts every part, in the clear, in a new temporary folder.
type Options struct {
	Parts    []string  // empty means all
	Redis    string    // a form of the part redis; empty means one server
	Secure   bool      // TLS, users and passwords on every part
	Progress io.Writer // what takes time is said here; nil means nowhere
}

// Testbed is what runs. A part that was not asked for is nil.
type Testbed struct {
	Dir          string
	Secure       *Secure // nil when everything is in the clear
	Kafka        *Kafka
	Redis        *Redis     // nil where it has another form than a single server
	Sentinels    *Sentinels // nil unless it has this form
	Cluster      *Cluster   // nil unless it has this form
	Raw, Partner *Registry
	Admin        string // a free host:port for consentry's own admin listener

	guard     *guard
	closeOnce sync.Once
	closeErr  error
}

// Secure is what a client needs to get in.
type Secure struct {
	Certs        Certs
	Password     string // of every user, everywhere
	PasswordFile string
}

// Start starts the parts and returns when all of them answer. Close ends it; so does the end of this process, however
// it comes.
func Start(ctx context.Context, o Options) (*Testbed, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	t, err := start(ctx, o)
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// want tells whether a part was asked for.
func (o Options) want(part string) bool { return len(o.Parts) == 0 || slices.Contains(o.Parts, part) }

// Fetch installs or downloads what Start needs, once, and starts nothing.
func Fetch(ctx context.Context, o Options) error {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	_, _, err := provide(ctx, o)
	return err
}

// provide returns the folders of Kafka and Apicurio, "" for one that was not asked for.
func provide(ctx context.Context, o Options) (kafkaHome, apicurioHome string, err error) {
	var tools []tool
	java := o.want(PartKafka) || o.want(PartRegistries)
	if java {
		tools = append(tools, toolJava, toolMaven)
	}
	if o.want(PartRedis) {
		tools = append(tools, toolRedis)
	}
	if err = need(ctx, o.Progress, tools...); err != nil {
		return "", "", err
	}
	if java {
		if err = needJava(ctx); err != nil {
			return "", "", err
		}
	}
	if o.want(PartKafka) {
		if kafkaHome, err = kafkaJars(ctx, o.Progress); err != nil {
			return "", "", err
		}
	}
	if o.want(PartRegistries) {
		if apicurioHome, err = apicurio(ctx, o.Progress); err != nil {
			return "", "", err
		}
	}
	return kafkaHome, apicurioHome, nil
}

func start(ctx context.Context, o Options) (*Testbed, error) {
	t := &Testbed{}
	want := o.want
	kafkaHome, apicurioHome, err := provide(ctx, o)
	if err != nil {
		return t, err
	}
	if err := t.prepare(o.Secure); err != nil {
		return t, err
	}
	if want(PartRedis) {
		if err := t.newRedisForm(o.Redis); err != nil {
			return t, err
		}
	}
	if want(PartKafka) {
		if t.Kafka, err = newKafka(ctx, t, kafkaHome); err != nil {
			return t, err
		}
	}
	if want(PartRegistries) {
		if t.Raw, err = newRegistry(t, "registry-raw", apicurioHome); err != nil {
			return t, err
		}
		if t.Partner, err = newRegistry(t, "registry-partner", apicurioHome); err != nil {
			return t, err
		}
	}
	return t, t.startAll(ctx, o.Progress)
}

func (t *Testbed) newRedisForm(form string) (err error) {
	switch form {
	case "", RedisSingle:
		t.Redis, err = newRedis(t)
	case RedisSentinel:
		t.Sentinels, err = newSentinels(t)
	case RedisCluster:
		t.Cluster, err = newCluster(t)
	default:
		err = errors.New("redis has the forms single, sentinel and cluster")
	}
	return err
}

// prepare makes the folder, its guard, the secrets and the admin port.
func (t *Testbed) prepare(secure bool) error {
	dir, err := os.MkdirTemp("", "consentry-testbed-")
	if err != nil {
		return err
	}
	t.Dir = dir
	if t.guard, err = startGuard(dir); err != nil {
		return err
	}
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	t.Admin = address(ports[0])
	if !secure {
		return nil
	}
	certs, err := makeCerts(filepath.Join(dir, "certs"))
	if err != nil {
		return err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	t.Secure = &Secure{Certs: certs, Password: hex.EncodeToString(random), PasswordFile: filepath.Join(dir, "password")}
	return os.WriteFile(t.Secure.PasswordFile, []byte(t.Secure.Password), 0o600)
}

// startAll starts the parts together: on a small machine most of the time is the JVMs' own start.
func (t *Testbed) startAll(ctx context.Context, progress io.Writer) error {
	stop := report(progress, "starting the testbed in "+t.Dir)
	defer stop()
	starts := []func(context.Context) error{}
	if t.Sentinels != nil {
		starts = append(starts, t.Sentinels.start)
	}
	if t.Cluster != nil {
		starts = append(starts, t.Cluster.start)
	}
	for _, p := range t.Processes() {
		if !t.ofForm(p) {
			starts = append(starts, p.Start)
		}
	}
	errs := make([]error, len(starts))
	var wg sync.WaitGroup
	for i, start := range starts {
		wg.Go(func() { errs[i] = start(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Processes lists the parts that were asked for.
func (t *Testbed) Processes() []*Process {
	var all []*Process
	if t.Redis != nil {
		all = append(all, t.Redis.Process)
	}
	for _, r := range t.formNodes() {
		all = append(all, r.Process)
	}
	if t.Kafka != nil && t.Kafka.Process != nil {
		all = append(all, t.Kafka.Process)
	}
	for _, r := range []*Registry{t.Raw, t.Partner} {
		if r != nil {
			all = append(all, r.Process)
		}
	}
	return all
}

// formNodes are the servers of a Redis that is not a single one.
func (t *Testbed) formNodes() []*Redis {
	switch {
	case t.Sentinels != nil:
		return slices.Concat(t.Sentinels.Nodes, t.Sentinels.Watch)
	case t.Cluster != nil:
		return t.Cluster.Nodes
	}
	return nil
}

func (t *Testbed) ofForm(p *Process) bool {
	return slices.ContainsFunc(t.formNodes(), func(r *Redis) bool { return r.Process == p })
}

// Close kills every part and removes the folder. It may be called twice.
func (t *Testbed) Close() error {
	t.closeOnce.Do(func() {
		var errs []error
		for _, p := range t.Processes() {
			errs = append(errs, p.Kill())
		}
		for _, r := range []*Registry{t.Raw, t.Partner} {
			if r != nil && r.proxy != nil {
				errs = append(errs, r.proxy.close())
			}
		}
		if t.guard != nil {
			errs = append(errs, t.guard.close())
		}
		if t.Dir != "" {
			errs = append(errs, os.RemoveAll(t.Dir))
		}
		t.closeErr = errors.Join(errs...)
	})
	return t.closeErr
}

// Env is what deploy/samples/consentry.yaml reads, as NAME=value. The keys folder does not exist yet: `consentry keys
// init` makes it.
func (t *Testbed) Env() []string {
	env := []string{"CONSENTRY_INSTANCE=0", "CONSENTRY_ADMIN=" + t.Admin, "CONSENTRY_KEYS=" + filepath.Join(t.Dir, "keys")}
	add := func(name, value string) { env = append(env, fmt.Sprintf("CONSENTRY_%s=%s", name, value)) }
	if t.Kafka != nil {
		add("KAFKA", t.Kafka.Addr)
	}
	if t.Redis != nil {
		add("REDIS", t.Redis.Addr)
	}
	if t.Sentinels != nil {
		add("SENTINELS", strings.Join(t.Sentinels.Addrs(), ","))
	}
	if t.Cluster != nil {
		add("REDIS_CLUSTER", strings.Join(t.Cluster.Addrs(), ","))
	}
	if t.Raw != nil {
		add("REGISTRY_RAW", t.Raw.URL)
	}
	if t.Partner != nil {
		add("REGISTRY_PARTNER", t.Partner.URL)
	}
	if t.Secure != nil {
		add("CA", t.Secure.Certs.CA)
		add("PASSWORD_FILE", t.Secure.PasswordFile)
	}
	return env
}
