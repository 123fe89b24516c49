// run.go is the verb `run`: the worker. It leaves only on a signal, on a configuration that is refused, or when a newer
// instance has taken over; whatever else is down, at the start as later, parks.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
)

// startAgain is how long run waits before it tries again to read what it cannot start without.
const startAgain = time.Second

func runCommand(a *app) *cobra.Command {
	var role string
	c := &cobra.Command{
		Use:   "run",
		Short: "The worker: raw events in, what may leave out",
		Long: "The worker: raw events in, what may leave out. Runs until SIGTERM or SIGINT, finishes the transaction in\n" +
			"hand and exits 0; a second signal exits at once. A partner that cannot be served is parked, and goes on by\n" +
			"itself: see `consentry status`. Logs are JSON lines on stderr.\n" +
			"The role filter is the worker itself. The role sync keeps the pseudonym keys two epochs ahead and, with\n" +
			"consent.changelog, owns the truth about consents: it merges changes and projects them into Redis.",
		Example: "  consentry run\n  consentry run --role sync\n  consentry run --role filter",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			roles, err := parseRoles(role)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.work(cmd.Context(), roles)
		},
	}
	c.Flags().StringVar(&role, "role", "all", "all, or a comma list of filter, gate, sync")
	return c
}

// roles says what a process does.
type roles struct{ filter, sync bool }

// names lists the roles as status shows them.
func (r roles) names() []string {
	var out []string
	if r.filter {
		out = append(out, "filter")
	}
	if r.sync {
		out = append(out, "sync")
	}
	return out
}

// parseRoles reads --role, and refuses what this version does not have.
func parseRoles(list string) (roles, error) {
	if list == "all" {
		return roles{filter: true, sync: true}, nil
	}
	var r roles
	for _, role := range strings.Split(list, ",") {
		switch strings.TrimSpace(role) {
		case "filter":
			r.filter = true
		case "sync":
			r.sync = true
		case "gate":
			return roles{}, errors.New("this version has no crowd gate yet, so there is no role gate; run --role filter")
		default:
			return roles{}, errors.New("--role is all, or a comma list of filter, gate and sync; one of the given is none of them")
		}
	}
	return r, nil
}

func (a *app) work(ctx context.Context, roles roles) error {
	// After the first signal the default comes back: the second one ends the process.
	defer context.AfterFunc(ctx, func() { signal.Reset(syscall.SIGINT, syscall.SIGTERM) })()
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	log := newLogger(a)
	defer func() { _ = log.Sync() }()
	l, err := net.Listen("tcp", cfg.Admin)
	if err != nil {
		more := ""
		if errors.Is(err, syscall.EADDRINUSE) {
			more = "; give each process its own admin and kafka.instance"
		}
		return &exitError{code: exitConfig, err: fmt.Errorf("the admin address %s cannot be listened on: %v%s", cfg.Admin, errors.Unwrap(err), more)}
	}
	defer l.Close()
	j := &job{app: a, cfg: cfg, roles: roles, log: log}
	if roles.sync {
		var closeSync func()
		if j.sync, closeSync, err = newSyncRole(cfg, log); err != nil {
			return err
		}
		defer closeSync()
	}
	var partners []string
	if roles.filter {
		partners = partnerNames(cfg)
	}
	waiting := kafka.NewWaiting(partners, cfg.Kafka.Instance, cfg.Kafka.Lanes, thisBuild().Version, roles.names(), j.companion(), log)
	// The listener outlives ctx: status answers until the last transaction is finished.
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- kafka.ServeAdmin(adminCtx, l, waiting.Handler()) }()
	defer func() { stopAdmin(); <-served }()
	return j.run(ctx, waiting)
}

// job is one process at work: the roles beside one another. One that gives up ends the others.
type job struct {
	app   *app
	cfg   *config.Config
	roles roles
	sync  *syncRole // nil without the role
	log   *zap.Logger
}

// companion is what the admin pages show beside the partners; nil where the role sync owns nothing.
func (j *job) companion() kafka.Companion {
	if j.sync == nil || j.sync.owner == nil {
		return nil
	}
	return j.sync.owner
}

func (j *job) run(ctx context.Context, waiting *kafka.Waiting) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j.log.Info("started", zap.String("version", thisBuild().Version), zap.Int("instance", j.cfg.Kafka.Instance), zap.Strings("roles", j.roles.names()))
	var wg sync.WaitGroup
	give := func(err error) {
		if err != nil {
			cancel(err)
		}
	}
	if j.sync != nil {
		wg.Go(func() { give(j.sync.run(ctx)) })
	}
	if j.roles.filter {
		wg.Go(func() { give(j.filter(ctx, waiting)) })
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		var said *exitError
		if errors.As(err, &said) {
			return err
		}
		return &exitError{code: exitFailed, err: err}
	}
	j.log.Info("stopped")
	return nil
}

// filter is the role filter.
func (j *job) filter(ctx context.Context, waiting *kafka.Waiting) error {
	worker, closeAll, err := j.assemble(ctx, waiting)
	if err != nil || worker == nil {
		return err
	}
	defer closeAll()
	waiting.Over(worker)
	return worker.Run(ctx)
}

// assemble builds the worker, and waits, parked, for the raw registry and the key folder where they are needed to. A nil
// worker without an error means that ctx ended first.
func (j *job) assemble(ctx context.Context, waiting *kafka.Waiting) (*kafka.Worker, func(), error) {
	for ctx.Err() == nil {
		w, closeAll, err := j.app.tryAssemble(ctx, j.log)
		if err == nil {
			return w, closeAll, nil
		}
		if ctx.Err() != nil {
			break
		}
		if !waiting.For(err) {
			return nil, nil, err
		}
		timer := time.NewTimer(startAgain)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil, nil, nil
}

// newLogger writes JSON lines to stderr. Fields are typed where they are written: nothing of an event can get in.
func newLogger(a *app) *zap.Logger {
	enc := zap.NewProductionEncoderConfig()
	enc.TimeKey, enc.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.Lock(zapcore.AddSync(a.err)), zapcore.InfoLevel))
}

// adminURL is where the admin listener of a configuration answers; a wildcard host is asked on this machine.
func adminURL(address, page string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + page
}

var statusClient = &http.Client{Timeout: 5 * time.Second}
