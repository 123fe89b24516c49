package main

// Bench: what the real worker costs beside a bare loop that only copies, on the same broker, in the same minutes. There
// is no target: the figures are for whoever reads them, and the checks are that all ran on all events.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/consentry/consentry/processor"
)

const (
	benchEvents      = 1_000_000 // in each raw topic
	benchEventsQuick = 200_000
	benchRounds      = 3
	benchWithin      = 2 * time.Minute // one run
)

// quick is the flag --quick: a look, too short for figures to quote.
var quick bool

// benchRunner is one row of the table: the bare loop with some arguments, or the worker of some build.
type benchRunner struct {
	name string
	args []string
	tags []string // nil is the bare loop
}

// Where some runners stand below.
const (
	rowBare, rowAgain, rowWorker, rowWorkerPlain, rowBareLZ4 = 0, 1, 2, 3, 5
)

var benchRunners = []benchRunner{
	{name: "bare loop"},
	{name: "bare loop again (A/A)"},
	{name: "consentry run", tags: []string{}},
	{name: "… its output uncompressed", tags: []string{"uncompressed"}},
	{name: "bare, transactions", args: []string{"-transactions", "2"}},
	{name: "bare, lz4 out", args: []string{"-codec", "lz4"}},
	{name: "bare, zstd out", args: []string{"-codec", "zstd"}},
}

// benchGC is the collector's setting, the same on both sides: Go's default, and the one that performance.md tuned.
var benchGC = []string{"100", "400"}

// cell is one place in the table.
type cell struct {
	runner *benchRunner
	format *benchFormat
	gc     string
}

func bench(ctx context.Context, r *report) error {
	events := int64(benchEvents)
	if quick {
		events = benchEventsQuick
	}
	s, err := newBenchStage(ctx, r, events)
	if err != nil {
		return err
	}
	defer s.close()
	var cells []cell
	for _, f := range s.formats {
		for _, gc := range benchGC {
			for i := range benchRunners {
				cells = append(cells, cell{&benchRunners[i], f, gc})
			}
		}
	}
	costs := map[cell][]cost{}
	for round := range benchRounds {
		load, err := os.ReadFile("/proc/loadavg")
		if err != nil {
			return err
		}
		r.say("round %d of %d, in another order; load of this machine %s", round+1, benchRounds, strings.Join(strings.Fields(string(load))[:3], " "))
		order := slices.Clone(cells)
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, c := range order {
			group := fmt.Sprintf("bench-%d-%d", round, slices.Index(cells, c))
			run := s.runBare
			if c.runner.tags != nil {
				run = s.runWorker
			}
			one, err := run(ctx, c, group)
			if err != nil {
				return fmt.Errorf("%s, %s, GOGC=%s: %w", c.runner.name, c.format.name, c.gc, err)
			}
			costs[c] = append(costs[c], one)
		}
	}
	for _, f := range s.formats {
		for _, gc := range benchGC {
			s.table(f, gc, costs)
		}
	}
	return nil
}

// runWorker measures one `consentry run` from the beginning of the raw topic to its end.
func (s *benchStage) runWorker(ctx context.Context, c cell, group string) (none cost, err error) {
	if err := s.configure(c.format, group); err != nil {
		return none, err
	}
	if _, err := s.h.Verb(ctx, "offsets", "init", "--at", "beginning"); err != nil {
		return none, err
	}
	w, err := s.h.Worker(0)
	if err != nil {
		return none, err
	}
	bin := s.h.Bin
	if len(c.runner.tags) > 0 {
		bin = s.uncompressed
	}
	w.Use(bin, "GOGC="+c.gc)
	if err := w.Start(); err != nil {
		return none, err
	}
	defer w.Signal(syscall.SIGKILL)
	m, err := newMeter(s.h, w.PID())
	if err != nil {
		return none, err
	}
	defer m.close()
	if err := m.follow(ctx, c.format.topic, benchWithin, s.drained(ctx, c.format, group+".bench")); err != nil {
		return none, err
	}
	if err := s.account(ctx, c, "http://"+w.Admin()+"/metrics"); err != nil {
		return none, err
	}
	if err := w.Stop(ctx); err != nil {
		return none, err
	}
	return m.cost(c.format.events), nil
}

// runBare measures one bare loop likewise, into a topic of its own.
func (s *benchStage) runBare(ctx context.Context, c cell, group string) (none cost, err error) {
	to := "copy." + group
	if _, err := s.adm.CreateTopic(ctx, benchPartitions, 1, nil, to); err != nil {
		return none, err
	}
	defer s.adm.DeleteTopics(ctx, to)
	if err := await(ctx, 10*time.Second, "the topic "+to, func() (bool, error) {
		ends, err := s.adm.ListEndOffsets(ctx, to)
		return err == nil && ends.Error() == nil && len(ends[to]) == benchPartitions, errors.Join(err, ends.Error())
	}); err != nil {
		return none, err
	}
	log, err := os.Create(filepath.Join(s.h.Dir, "bare.log"))
	if err != nil {
		return none, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, s.bare, append([]string{"-brokers", s.h.TB.Kafka.Addr, "-from", c.format.raw, "-to", to, "-group", group}, c.runner.args...)...)
	cmd.Env = append(os.Environ(), "GOGC="+c.gc)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return none, err
	}
	m, err := newMeter(s.h, cmd.Process.Pid)
	if err == nil {
		defer m.close()
		err = m.follow(ctx, to, benchWithin, s.drained(ctx, c.format, group))
	}
	if err == nil {
		err = cmd.Process.Signal(syscall.SIGTERM)
	} else {
		_ = cmd.Process.Kill()
	}
	if ended := cmd.Wait(); err != nil || ended != nil {
		said, _ := os.ReadFile(log.Name())
		return none, fmt.Errorf("%w, %v: %s", err, ended, bytes.TrimSpace(said))
	}
	if out := m.all[len(m.all)-1].out; out < c.format.events {
		s.r.fail("%s copied %d of %d events", c.runner.name, out, c.format.events)
	}
	return m.cost(c.format.events), nil
}

// drained tells whether a group has committed the whole of a raw topic.
func (s *benchStage) drained(ctx context.Context, f *benchFormat, group string) func() (bool, error) {
	return func() (bool, error) {
		lag, err := s.h.Lag(ctx, map[string][]string{group: {f.raw}})
		return lag[group] == 0, err
	}
}

// account checks by the worker's own counts that it decided every event once, and says what became of them.
func (s *benchStage) account(ctx context.Context, c cell, url string) error {
	counts, err := metricsOf(ctx, url)
	if err != nil {
		return err
	}
	var decided float64
	reasons := map[string]float64{}
	for reason := processor.Released; int(reason) < processor.NumReasons; reason++ {
		n := counts[fmt.Sprintf("consentry_verdicts_total{reason=%q,stream=%q}", reason, c.format.topic)]
		decided += n
		if n > 0 {
			reasons[reason.String()] = n
		}
	}
	if int64(decided) != c.format.events || reasons["released"] == 0 {
		s.r.fail("the worker decided %.0f of %d events and released %.0f", decided, c.format.events, reasons["released"])
	}
	if !c.format.told {
		c.format.told = true
		names := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int { return cmp.Compare(reasons[b], reasons[a]) })
		for i, name := range names {
			names[i] = fmt.Sprintf("%s %.1f %%", name, 100*reasons[name]/decided)
		}
		s.r.say("%s verdicts: %s", c.format.name, strings.Join(names, ", "))
	}
	return nil
}

// spread is the middle, the least and the most of several figures.
type spread struct{ median, min, max float64 }

func spreadOf(all []cost, of func(cost) float64) spread {
	var v []float64
	for _, c := range all {
		v = append(v, of(c))
	}
	slices.Sort(v)
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return spread{middle, v[0], v[len(v)-1]}
}

// table prints one format under one setting. A row's ratio is to the bare loop of both A/A rows together; one that is
// nearer to 1 than the A/A rows are to each other, or whose range overlaps the bare loop's, is not resolved. The worker
// compresses what it writes with lz4, so beneath stands what it costs beside a loop with the same codec.
func (s *benchStage) table(f *benchFormat, gc string, costs map[cell][]cost) {
	of := func(i int) []cost { return costs[cell{&benchRunners[i], f, gc}] }
	worker := func(c cost) float64 { return c.worker }
	bare := spreadOf(slices.Concat(of(rowBare), of(rowAgain)), worker)
	a, again := spreadOf(of(rowBare), worker).median, spreadOf(of(rowAgain), worker).median
	gap := max(a, again)/min(a, again) - 1
	s.r.say("%s, GOGC=%s on both sides; the A/A rows are %.0f %% apart", f.name, gc, 100*gap)
	s.r.say("%-26s %-26s %-8s %10s %14s %14s", "", "worker CPU-s/M [min..max]", "ratio", "events/s", "broker CPU-s/M", "Redis CPU-s/M")
	for i := range benchRunners {
		row := of(i)
		cpu := spreadOf(row, worker)
		ratio, note := cpu.median/bare.median, ""
		if i > rowAgain && (math.Abs(ratio-1) <= gap || cpu.min <= bare.max && cpu.max >= bare.min) {
			note = "not resolved"
		}
		s.r.say("%-26s %-26s %-8.2f %10.0f %14.2f %14.2f %s", benchRunners[i].name,
			fmt.Sprintf("%.2f [%.2f..%.2f]", cpu.median, cpu.min, cpu.max), ratio,
			1e6/spreadOf(row, func(c cost) float64 { return c.wall }).median,
			spreadOf(row, func(c cost) float64 { return c.broker }).median,
			spreadOf(row, func(c cost) float64 { return c.store }).median, note)
	}
	median := func(i int) float64 { return spreadOf(of(i), worker).median }
	s.r.say("with the same codec on both sides: %.2f with lz4, %.2f with none", median(rowWorker)/median(rowBareLZ4), median(rowWorkerPlain)/bare.median)
}
