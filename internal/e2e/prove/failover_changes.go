package main

// Old consents come again: by the carrier's own system, by a file that is loaded twice. And clocks are wrong, of who asks
// and of who owns.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/e2e/house"
)

var changeScenarios = []truthScenario{
	{name: "old opt-in replayed by the CRM", act: crmReplays},
	{name: "file imported twice, opt-outs between", act: importedTwice},
	{name: "caller's clock 10 min slow", act: callersClock(-10 * time.Minute)},
	{name: "caller's clock 10 min fast", act: callersClock(10 * time.Minute)},
	{name: "owners' clock 10 min slow", act: ownersClock(-10 * time.Minute), mend: ownersRight},
	{name: "owners' clock 10 min fast", act: ownersClock(10 * time.Minute), mend: ownersRight},
}

// crmReplays sends a consent of an hour ago again and again, after the opt-out was acknowledged.
func crmReplays(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	optIn, err := json.Marshal(map[string]any{"action": "grant", "subject": t.flow.subject(c.who), "partner": "acme-ads", "purpose": "advertising",
		"categories": []string{"location"}, "linked": true, "since": instant(time.Now().Add(-time.Hour).UnixMilli()), "evidence": "CRM-1"})
	if err != nil {
		return err
	}
	cl, err := t.h.Client(kgo.DefaultProduceTopic(intakeTopic))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, kgo.StringRecord(string(optIn))).FirstErr(); err != nil {
		return err
	}
	if err := hold(ctx, time.Second); err != nil {
		return err
	}
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	run.fault = time.Now()
	for range 3 {
		if err := cl.ProduceSync(ctx, kgo.StringRecord(string(optIn))).FirstErr(); err != nil {
			return err
		}
	}
	// All four have been merged when the history shows them.
	return await(ctx, 30*time.Second, "the replayed consents in the history", func() (bool, error) {
		out, err := t.h.VerbIn(ctx, t.flow.subject(c.who)+"\n", "consent", "get", "--subject", "-", "--history", "--json")
		if n := strings.Count(out, "CRM-1"); n < 4 {
			return false, fmt.Errorf("%d of 4 (%v)", n, err)
		}
		return true, err
	})
}

// importedTwice loads a file of consents, then people opt out, then the file is loaded again.
func importedTwice(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	file := filepath.Join(t.h.Dir, "twice-"+c.id.String()+".csv")
	t.used[c.who] = false
	err := t.grants(file, t.shards[c.id.Shard()], time.Now().Add(-time.Hour))
	t.used[c.who] = true
	if err != nil {
		return err
	}
	if _, err := t.h.Verb(ctx, "consent", "import", file); err != nil {
		return err
	}
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	run.fault = time.Now()
	if _, err := t.h.Verb(ctx, "consent", "import", file); err != nil {
		return err
	}
	// And as a file of another name and content, so that nothing but the merge can tell.
	again := file + ".again"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(again, append(text, '\n'), 0o600); err != nil {
		return err
	}
	_, err = t.h.Verb(ctx, "consent", "import", again)
	return err
}

const clockVar = "CONSENTRY_CLOCK" // nanoseconds that a clocked build adds to the wall clock

// clocked builds the command upon a package time whose wall clock is off by clockVar; the monotonic clock, by which
// timers run, is as it should be.
func (t *truthStage) clocked(ctx context.Context) (string, error) {
	if t.wrong != "" {
		return t.wrong, nil
	}
	root, err := house.Root()
	if err != nil {
		return "", err
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	path := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time", "time.go")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	const now, asked = "	sec, nsec, mono := runtimeNow()\n", "func Now() Time {\n"
	if strings.Count(string(text), asked+now) != 1 {
		return "", fmt.Errorf("%s is not what this proof knows: follow the change of time.Now", path)
	}
	changed := strings.Replace(string(text), asked+now, asked+now+"	sec += clockShift\n", 1) + `
var clockShift = func() (ns int64) {
	text, _ := syscall.Getenv("` + clockVar + `")
	minus := len(text) > 0 && text[0] == '-'
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			ns = 10*ns + int64(text[i]-'0')
		}
	}
	if minus {
		ns = -ns
	}
	return ns / 1e9
}()
`
	changed = strings.Replace(changed, "import (\n", "import (\n\t\"syscall\"\n", 1)
	dir := filepath.Join(t.h.Dir, "clocked")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	t.wrong, err = buildOver(ctx, root, dir, map[string]string{path: changed})
	return t.wrong, err
}

// callersClock lets who opts out have a wrong clock.
func callersClock(off time.Duration) func(context.Context, *truthStage, *players, *truthRun) error {
	return func(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
		bin, err := t.clocked(ctx)
		if err != nil {
			return err
		}
		run.fault = time.Now()
		err = t.by(bin, off, func() error { return run.opt(ctx, t, c) })
		if err != nil {
			return err
		}
		if d := time.Since(run.acked); d < 0 || d > 10*time.Second {
			return fmt.Errorf("the acknowledgement states a time %s ago", d)
		}
		// An old consent stated by such a clock must not come back either.
		return t.by(bin, off, func() error {
			out, err := t.h.VerbIn(ctx, t.flow.subject(c.who)+"\n", "consent", "grant", "--partner", "acme-ads", "--purpose", "advertising",
				"--categories", "location", "--linked", "--since", instant(run.acked.Add(-time.Minute).UnixMilli()), "--subject", "-", "--json")
			if !strings.Contains(out, `"in_force":false`) && !strings.Contains(out, `"in_force": false`) {
				return fmt.Errorf("a consent of before the opt-out is in force (%v)", err)
			}
			return nil
		})
	}
}

// by runs verbs of another build with a clock that is off.
func (t *truthStage) by(bin string, off time.Duration, do func() error) error {
	right := t.h.Bin
	defer func() { t.h.Bin = right; _ = os.Unsetenv(clockVar) }()
	t.h.Bin = bin
	if err := os.Setenv(clockVar, fmt.Sprint(off.Nanoseconds())); err != nil {
		return err
	}
	return do()
}

// ownersClock lets the owners have a wrong clock.
func ownersClock(off time.Duration) func(context.Context, *truthStage, *players, *truthRun) error {
	return func(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
		bin, err := t.clocked(ctx)
		if err != nil {
			return err
		}
		for _, o := range t.owners {
			if err := o.Stop(ctx); err != nil {
				return err
			}
			o.Use(bin, fmt.Sprintf("%s=%d", clockVar, off.Nanoseconds()))
			if err := o.Start(); err != nil {
				return err
			}
		}
		run.fault = time.Now()
		if err := t.leaves(ctx, c, run); err != nil {
			return err
		}
		if d := time.Since(run.acked); d < 0 || d > 10*time.Second {
			return fmt.Errorf("the acknowledgement states a time %s ago", d)
		}
		return importedAgain(ctx, t, c)
	}
}

// importedAgain brings a consent of a minute before the opt-out.
func importedAgain(ctx context.Context, t *truthStage, c *players) error {
	file := filepath.Join(t.h.Dir, "clock-"+c.id.String()+".csv")
	t.used[c.who] = false
	err := t.grants(file, []int{c.who}, time.Now().Add(-time.Minute))
	t.used[c.who] = true
	if err != nil {
		return err
	}
	_, err = t.h.Verb(ctx, "consent", "import", file)
	return err
}

// ownersRight starts the owners with their own build again.
func ownersRight(ctx context.Context, t *truthStage) error {
	for i, o := range t.owners {
		_ = o.Kill()
		t.build(i)
	}
	return ownersBack(ctx, t)
}
