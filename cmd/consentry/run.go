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
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

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
			"itself: see `consentry status`. Logs are JSON lines on stderr.",
		Example: "  consentry run\n  consentry run --role filter",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkRoles(role); err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.work(cmd.Context())
		},
	}
	c.Flags().StringVar(&role, "role", "all", "all, or a comma list of filter, gate, sync")
	return c
}

// checkRoles refuses what this version does not have.
func checkRoles(list string) error {
	if list == "all" {
		return nil
	}
	for _, role := range strings.Split(list, ",") {
		switch strings.TrimSpace(role) {
		case "filter":
		case "gate":
			return errors.New("this version has no crowd gate yet, so there is no role gate; run --role filter")
		case "sync":
			return errors.New("this version keeps consents in Redis alone, so there is no role sync; run --role filter")
		default:
			return errors.New("--role is all, or a comma list of filter, gate and sync; one of the given is none of them")
		}
	}
	return nil
}

func (a *app) work(ctx context.Context) error {
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
		return &exitError{code: exitConfig, err: fmt.Errorf("the admin address %s cannot be listened on: %v", cfg.Admin, errors.Unwrap(err))}
	}
	waiting := kafka.NewWaiting(partnerNames(cfg), cfg.Kafka.Instance, cfg.Kafka.Lanes, thisBuild().Version, nil, nil, log)
	// The listener outlives ctx: status answers until the last transaction is finished.
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- kafka.ServeAdmin(adminCtx, l, waiting.Handler()) }()
	defer func() { stopAdmin(); <-served }()
	worker, closeAll, err := a.assemble(ctx, waiting, log)
	if err != nil || worker == nil {
		return err
	}
	defer closeAll()
	waiting.Over(worker)
	log.Info("started", zap.String("version", thisBuild().Version), zap.Int("instance", cfg.Kafka.Instance))
	if err := worker.Run(ctx); err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	log.Info("stopped")
	return nil
}

// assemble builds the worker, and waits, parked, for the raw registry and the key folder where they are needed to. A nil
// worker without an error means that ctx ended first.
func (a *app) assemble(ctx context.Context, waiting *kafka.Waiting, log *zap.Logger) (*kafka.Worker, func(), error) {
	for ctx.Err() == nil {
		w, closeAll, err := a.tryAssemble(ctx, log)
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
