// The control socket of a testbed that was started from the command line: one line in, one JSON object out. A process
// holds the testbed; `up`, `down`, `status` and the rest speak to it here.

package testbed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// Report is what the holder of a testbed answers.
type Report struct {
	Error string   `json:"error,omitempty"`
	PID   int      `json:"pid"` // of the holder
	Dir   string   `json:"dir"`
	Env   []string `json:"env"` // NAME=value
	Parts []Part   `json:"parts"`
}

// Part is one server of a Report.
type Part struct {
	Name string `json:"name"`
	PID  int    `json:"pid"` // 0 when stopped
	Log  string `json:"log"`
}

// Socket is where Serve listens.
func (t *Testbed) Socket() string { return filepath.Join(t.Dir, "control.sock") }

// Commands that act on a part.
var actions = map[string]func(*Process, context.Context) error{
	"start":    (*Process).Start,
	"stop":     func(p *Process, _ context.Context) error { return p.Stop() },
	"kill":     func(p *Process, _ context.Context) error { return p.Kill() },
	"pause":    func(p *Process, _ context.Context) error { return p.Pause() },
	"continue": func(p *Process, _ context.Context) error { return p.Continue() },
	"restart":  (*Process).Restart,
	"wipe":     (*Process).Wipe,
}

// Serve answers on the socket until ctx ends or somebody says down. It calls ready once it listens.
func (t *Testbed) Serve(ctx context.Context, pid int, ready func()) error {
	l, err := net.Listen("unix", t.Socket())
	if err != nil {
		return err
	}
	ready()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-ctx.Done()
		_ = l.Close()
	}()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		go func() {
			defer conn.Close()
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				return
			}
			words := strings.Fields(line)
			report := t.report(pid)
			if len(words) == 1 && words[0] == "down" {
				err = t.Close()
				defer cancel()
			} else {
				err = t.act(ctx, words)
				report = t.report(pid)
			}
			if err != nil {
				report.Error = err.Error()
			}
			_ = json.NewEncoder(conn).Encode(report) // who asked may have gone away
		}()
	}
}

func (t *Testbed) report(pid int) Report {
	r := Report{PID: pid, Dir: t.Dir, Env: t.Env()}
	for _, p := range t.Processes() {
		r.Parts = append(r.Parts, Part{p.Name(), p.PID(), p.Log()})
	}
	return r
}

func (t *Testbed) act(ctx context.Context, words []string) error {
	if len(words) == 1 && words[0] == "status" {
		return nil
	}
	if len(words) != 2 || actions[words[0]] == nil {
		return errors.New("unknown command")
	}
	var names []string
	for _, p := range t.Processes() {
		if p.Name() == words[1] {
			return actions[words[0]](p, ctx)
		}
		names = append(names, p.Name())
	}
	return fmt.Errorf("no part %s; there are %s", words[1], strings.Join(names, ", "))
}

// Ask sends a command to the holder of a testbed: status, down, or an action and a part.
func Ask(ctx context.Context, socket string, words ...string) (Report, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return Report{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := fmt.Fprintln(conn, strings.Join(words, " ")); err != nil {
		return Report{}, err
	}
	var r Report
	if err := json.NewDecoder(conn).Decode(&r); err != nil {
		return Report{}, err
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}
