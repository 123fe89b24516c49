package house

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/consentry/consentry/internal/testbed"
)

// Worker is one `consentry run` process. A killed worker is started again with the same instance.
type Worker struct {
	h        *House
	name     string // of its log
	args     []string
	instance int
	bin      string
	admin    string
	env      []string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan error
}

// Worker prepares an instance; Start starts it. Its log is appended to <dir>/worker-<instance>.log.
func (h *House) Worker(instance int, env ...string) (*Worker, error) {
	return h.process("worker", instance, []string{"run"}, env)
}

// Role is Worker for one role; its log is <dir>/<role>-<instance>.log.
func (h *House) Role(role string, instance int, env ...string) (*Worker, error) {
	return h.process(role, instance, []string{"run", "--role", role}, env)
}

func (h *House) process(name string, instance int, args, env []string) (*Worker, error) {
	admin, err := testbed.FreeAddress()
	if err != nil {
		return nil, err
	}
	return &Worker{h: h, name: name, args: args, instance: instance, bin: h.Bin, admin: admin, env: env}, nil
}

func (w *Worker) Admin() string { return w.admin }
func (w *Worker) Log() string {
	return filepath.Join(w.h.Dir, fmt.Sprintf("%s-%d.log", w.name, w.instance))
}

// PID is the running process's id, 0 when it does not run.
func (w *Worker) PID() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd == nil {
		return 0
	}
	return w.cmd.Process.Pid
}

func (w *Worker) Start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	log, err := os.OpenFile(w.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(w.bin, append(slices.Clone(w.args), "-c", w.h.Config)...)
	cmd.Env = w.environ()
	cmd.Stdout, cmd.Stderr = log, log
	// A worker must not outlive the proof that started it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	w.cmd, w.done = cmd, done
	return nil
}

// Use makes the next Start run another build, with other variables.
func (w *Worker) Use(bin string, env ...string) { w.bin, w.env = bin, env }

func (w *Worker) environ() []string {
	return w.h.env(append([]string{"CONSENTRY_INSTANCE=" + strconv.Itoa(w.instance), "CONSENTRY_ADMIN=" + w.admin}, w.env...)...)
}

// Verb runs a verb with the worker's own variables, so that status asks this worker.
func (w *Worker) Verb(ctx context.Context, args ...string) (stdout string, err error) {
	return w.h.verb(ctx, w.environ(), "", args...)
}

// Signal sends SIGKILL, SIGSTOP, SIGCONT or another.
func (w *Worker) Signal(s syscall.Signal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cmd.Process.Signal(s)
}

// Ended tells that the process has ended by itself, or was never started.
func (w *Worker) Ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cmd == nil || w.cmd.ProcessState != nil
}

// Kill ends it by SIGKILL and waits until it is gone.
func (w *Worker) Kill() error {
	if err := w.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-w.done
	return nil
}

// Stop ends it by SIGTERM and returns how it ended; nil is exit 0.
func (w *Worker) Stop(ctx context.Context) error {
	if err := w.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%s %d did not stop within 30 s of SIGTERM", w.name, w.instance)
	}
}
