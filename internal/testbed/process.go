// Processes of the testbed: started in their own process group, watched, stopped by pid, and hurt on request (kill,
// pause) so that tests can ask what the house does then.

package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startWait = 90 * time.Second // a cold JVM on a busy machine
	stopWait  = 30 * time.Second // after that a stop becomes a kill
	pollEvery = 50 * time.Millisecond
)

// Process is one server of the testbed. Its methods may be called from several goroutines.
type Process struct {
	name  string
	argv  []string
	env   []string                    // added to the environment of this process
	dir   string                      // working folder; also holds <name>.log, appended to over restarts
	pids  string                      // folder of the pid files
	ready func(context.Context) error // nil when the server answers
	wipe  func(context.Context) error // removes its data and makes it ready to start anew

	mu    sync.Mutex
	cmd   *exec.Cmd
	gone  chan struct{} // closed when cmd has ended
	since int64         // where its log stood when it was started
}

// Name is what the part is called on the command line: kafka, redis, registry-raw, registry-partner.
func (p *Process) Name() string { return p.name }

// Log is the file with all that the process ever printed.
func (p *Process) Log() string { return filepath.Join(p.dir, p.name+".log") }

// PID is the running process, 0 when there is none.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// running wants the lock.
func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// Start starts the process upon the data that is there and returns when it answers. Starting a running one does nothing.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	if p.running() {
		p.mu.Unlock()
		return nil
	}
	err := p.launch()
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.await(ctx)
}

// launch wants the lock.
func (p *Process) launch() error {
	log, err := os.OpenFile(p.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	if p.since, err = log.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s does not start: %w", p.name, err)
	}
	gone := make(chan struct{})
	p.cmd, p.gone = cmd, gone
	pidFile := p.pidFile()
	pid := strconv.Itoa(cmd.Process.Pid)
	err = os.WriteFile(pidFile, []byte(pid), 0o600)
	go func() {
		_ = cmd.Wait() // how it ended is in its log; that it ended is all that anybody asks
		close(gone)
	}()
	return err
}

func (p *Process) pidFile() string { return filepath.Join(p.pids, p.name+".pid") }

// await polls until the process answers, ends or takes too long.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	p.mu.Lock()
	gone := p.gone
	p.mu.Unlock()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		select {
		case <-gone:
			return fmt.Errorf("%s ended while starting; the end of %s:\n%s", p.name, p.Log(), tail(p.Log(), 15))
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (%w); see %s", p.name, errors.Join(ctx.Err(), last), p.Log())
		case <-tick.C:
			if last = p.ready(ctx); last == nil {
				return nil
			}
		}
	}
}

// Stop ends the process in an orderly way and keeps its data.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM) }

// Kill ends the process as a crash does (SIGKILL) and keeps its data.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

func (p *Process) end(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return nil
	}
	pid := p.cmd.Process.Pid
	if err := signal(pid, sig); err != nil {
		return err
	}
	// A paused process would keep SIGTERM waiting.
	if err := signal(pid, syscall.SIGCONT); err != nil {
		return err
	}
	timer := time.NewTimer(stopWait)
	defer timer.Stop()
	select {
	case <-p.gone:
	case <-timer.C:
		if err := signal(pid, syscall.SIGKILL); err != nil {
			return err
		}
		<-p.gone
	}
	return os.Remove(p.pidFile())
}

// signal treats a process that is already gone as told.
func signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// Pause stops the process in its tracks (SIGSTOP): connections stay open and nothing answers.
func (p *Process) Pause() error { return p.tell(syscall.SIGSTOP) }

// Continue lets a paused process go on.
func (p *Process) Continue() error { return p.tell(syscall.SIGCONT) }

func (p *Process) tell(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return fmt.Errorf("%s does not run", p.name)
	}
	return signal(p.cmd.Process.Pid, sig)
}

// Restart stops the process, keeps its data, ports and secrets, and starts it again.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.Start(ctx)
}

// Wipe kills the process, removes all its data and starts it empty on the same port.
func (p *Process) Wipe(ctx context.Context) error {
	if err := p.Kill(); err != nil {
		return err
	}
	if err := p.wipe(ctx); err != nil {
		return err
	}
	return p.Start(ctx)
}

// saidSinceStart is its log since it was last started.
func (p *Process) saidSinceStart() string {
	p.mu.Lock()
	since := p.since
	p.mu.Unlock()
	data, err := os.ReadFile(p.Log())
	if err != nil || int64(len(data)) < since {
		return ""
	}
	return string(data[since:])
}

// tail gives the last lines of a file for an error message.
func tail(file string, lines int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}
