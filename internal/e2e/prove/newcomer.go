package main

// Newcomer: the commands of README's tour, as they stand there, in a fresh clone with an empty home folder and no tool
// but Go, Java, Maven, redis-server and what every Debian has.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
)

// cold makes newcomer download everything again: modules, the testbed's parts, and build without a cache.
var cold bool

// tourBound is how long one block of the tour may take; the first of a cold run builds and downloads.
const tourBound = 10 * time.Minute

func newcomer(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "consentry-newcomer-")
	if err != nil {
		return err
	}
	defer removeAll(dir)
	clone, err := freshClone(ctx, r, dir)
	if err != nil {
		return err
	}
	readme, err := os.ReadFile(filepath.Join(clone, "README.md"))
	if err != nil {
		return err
	}
	blocks, err := tourOf(string(readme))
	if err != nil {
		return err
	}
	sh, err := newShell(ctx, dir, clone)
	if err != nil {
		return err
	}
	// Whatever happens, no worker and no testbed stays behind.
	defer sh.end()
	t := &tour{r: r, sh: sh}
	for i := range blocks {
		if err := t.walk(ctx, &blocks[i]); err != nil {
			return fmt.Errorf("the block at line %d of README.md: %w", blocks[i].line, err)
		}
	}
	left, err := os.ReadDir(sh.home)
	if err != nil {
		return err
	}
	r.say("%d blocks, %d commands; the home folder, empty before, holds %d entries", len(blocks), t.commands, len(left))
	t.judge()
	return nil
}

// block is one fenced block ```bash tour WORD….
type block struct {
	line  int
	words []string
	text  string
}

func (b *block) is(word string) bool {
	for _, w := range b.words {
		if w == word {
			return true
		}
	}
	return false
}

var fence = regexp.MustCompile("(?ms)^```bash tour([^\n]*)\n(.*?)^```$")

// What the words after `bash tour` mean to who runs the block; a reader never sees them.
var tourWords = []string{
	"fails",   // its last command exits with 1
	"drained", // wait before it until the worker has decided every raw event
	"running", // wait after it until every partner runs
	"stopped", // wait before it until status shows a stopped partner, which it then has to show
	"optout",  // what is released of the visitor from here on is counted
}

func tourOf(readme string) ([]block, error) {
	var all []block
	for _, m := range fence.FindAllStringSubmatchIndex(readme, -1) {
		b := block{line: 1 + strings.Count(readme[:m[0]], "\n"), words: strings.Fields(readme[m[2]:m[3]]), text: readme[m[4]:m[5]]}
		for _, w := range b.words {
			if !strings.Contains(" "+strings.Join(tourWords, " ")+" ", " "+w+" ") {
				return nil, fmt.Errorf("line %d of README.md: nobody knows the word %q behind `bash tour`", b.line, w)
			}
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil, errors.New("README.md has no block ```bash tour")
	}
	return all, nil
}

// freshClone clones what is committed. Changes that are not are not part of what a newcomer gets.
func freshClone(ctx context.Context, r *report, dir string) (string, error) {
	root, err := house.Root()
	if err != nil {
		return "", err
	}
	clone := filepath.Join(dir, "consentry")
	if out, err := exec.CommandContext(ctx, "git", "clone", "-q", root, clone).CombinedOutput(); err != nil {
		return "", fmt.Errorf("git clone: %w\n%s", err, out)
	}
	head, err := exec.CommandContext(ctx, "git", "-C", clone, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "", err
	}
	r.say("a fresh clone of %s; %s", bytes.TrimSpace(head), map[bool]string{
		true: "cold: nothing is cached", false: "modules, build cache and the testbed's downloads are this machine's (--cold has none)"}[cold])
	return clone, nil
}

// tour walks through the blocks and remembers what the checks need.
type tour struct {
	r        *report
	sh       *shell
	commands int
	counts   []int // records of one visitor, each time the tour counts them
	totals   []int // records of the visitor's topic at those times
	optedOut int   // len(counts) at the opt-out
	said     string
}

var (
	commandLine = regexp.MustCompile(`(?m)^[^ #\n].*$`)
	recordCount = regexp.MustCompile(`(?m)^partner\.globex\.interests: (\d+) records`)
	bareNumber  = regexp.MustCompile(`(?m)^(\d+)$`)
)

func (t *tour) walk(ctx context.Context, b *block) error {
	if b.is("drained") {
		if err := t.drained(ctx); err != nil {
			return err
		}
	}
	if b.is("stopped") {
		if err := t.status(ctx, 1); err != nil {
			return err
		}
	}
	began := time.Now()
	for _, command := range commandLine.FindAllString(b.text, -1) {
		out, code, err := t.sh.run(ctx, command)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
		t.commands++
		t.said += "$ " + command + "\n" + out
		want := 0
		if b.is("fails") {
			want = 1
		}
		if code != want {
			return fmt.Errorf("%s: exit %d, and the README says %d; it said:\n%s", command, code, want, out)
		}
		t.r.check(true, "exit %d in %.1f s: %s", code, time.Since(began).Seconds(), command)
		began = time.Now()
		t.look(b, command, out)
	}
	if b.is("running") {
		return t.status(ctx, 0)
	}
	return nil
}

// status asks until the exit code is the one wanted: a worker starts, or notices a stop, within seconds.
func (t *tour) status(ctx context.Context, want int) error {
	return await(ctx, time.Minute, fmt.Sprintf("status with exit %d", want), func() (bool, error) {
		out, code, err := t.sh.run(ctx, "consentry status")
		if err != nil || code == want {
			return code == want, err
		}
		return false, errors.New(out)
	})
}

// look reads the outputs that show something.
func (t *tour) look(b *block, command, out string) {
	switch {
	case strings.HasPrefix(command, "consentry preflight") && !b.is("fails"):
		t.r.check(strings.Contains(out, "everything is ready") && !strings.Contains(out, "\nfail"), "preflight ends clean")
	case strings.HasPrefix(command, "testbed read") && strings.Contains(command, "grep -c"):
		total, n := recordCount.FindStringSubmatch(out), bareNumber.FindStringSubmatch(out)
		if total == nil || n == nil {
			t.r.fail("no counts in what %q says:\n%s", command, out)
			return
		}
		all, _ := strconv.Atoi(total[1])
		hers, _ := strconv.Atoi(n[1])
		t.totals, t.counts = append(t.totals, all), append(t.counts, hers)
	case strings.HasPrefix(command, "testbed read --last") && !strings.Contains(command, "|"):
		topic := command[strings.LastIndexByte(command, ' ')+1:]
		t.r.check(strings.Contains(out, "\n{"), "records stand in %s", topic)
	case b.is("stopped"):
		t.r.check(strings.Contains(out, "globex is stopped") && strings.Contains(out, "consentry resume globex"), "status shows the stop and how to end it")
	case strings.HasPrefix(command, "consentry explain --source search --live"):
		verdict := "released"
		if t.optedOut > 0 {
			verdict = "withdrawn"
		}
		t.r.check(strings.Contains(out, verdict), "explain says %s", verdict)
	case strings.HasPrefix(command, "consentry consent withdraw"):
		t.optedOut = len(t.counts)
	}
}

// judge is about the opt-out: the visitor had records, the topic grew, and hers did not.
func (t *tour) judge() {
	if t.optedOut < 1 || len(t.counts) <= t.optedOut {
		t.r.fail("the tour does not count a visitor's records before and after an opt-out")
		return
	}
	before, after := t.optedOut-1, len(t.counts)-1
	t.r.check(t.counts[before] > 0, "%d records of the visitor before the opt-out", t.counts[before])
	t.r.check(t.totals[after] > t.totals[before] && t.counts[after] == t.counts[before],
		"after it the topic grew from %d to %d records, and the visitor has %d", t.totals[before], t.totals[after], t.counts[after])
	t.r.check(!strings.Contains(t.said, "panic:") && !strings.Contains(t.said, "not part of a newcomer's machine"),
		"nothing panicked, and no tool was asked for that a newcomer may not have")
}

// drained waits until every partner has decided all raw events, so that what the tour counts next is settled.
func (t *tour) drained(ctx context.Context) error {
	out, _, err := t.sh.run(ctx, "echo $CONSENTRY_KAFKA")
	if err != nil {
		return err
	}
	// The testbed is the tour's own; only its broker is asked.
	h := &house.House{TB: &testbed.Testbed{Kafka: &testbed.Kafka{Addr: strings.TrimSpace(out)}}}
	return await(ctx, time.Minute, "every group at the end of its topics", func() (bool, error) {
		lag, err := h.Lag(ctx, groups)
		if err != nil {
			return false, err
		}
		for _, n := range lag {
			if n != 0 {
				return false, nil
			}
		}
		return true, nil
	})
}
