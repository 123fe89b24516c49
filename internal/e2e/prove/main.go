// Command prove runs the long proofs on real Kafka, Redis and registries: each starts its own testbed, drives the built
// binary as its users do, and prints what it saw. It exits 1 when a promise was broken.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// proofs are the runs, in the order of `make prove`.
var proofs = []struct {
	name, what string
	run        func(ctx context.Context, r *report) error
}{
	{"million", "a million events, five kills, hundreds of opt-outs: the law, exactly once, no release without consent", million},
	{"outage", "every part stopped, held, killed, emptied, one after another: who parks, who resumes, and nothing leaves that should not", outage},
	{"newcomer", "the commands of README's tour, in a fresh clone with an empty home folder (--cold: with empty caches, too)", newcomer},
	{"canary", "marked identifiers in every field, searched in every sink and encoding; leaky builds are caught", canary},
	{"detectors", "a million events near places, about topics and of minors: what had to stay stayed; builds without a check are told", detectors},
	{"failover", "opt-outs acknowledged, then the store forgets them in every way: nothing leaves, and a hundred others flow again", failover},
	{"owners", "the owners of the truth about consents killed, stopped, moved and doubled at every step", owners},
	{"cluster", "the same on a Redis Cluster of three masters, with opt-outs across shards", cluster},
	{"blind", "builds in which one rule of the changelog does not hold are seen", blindTruth},
	{"load", "opt-outs under load through a failover: from the acknowledgement to the last record", load},
	{"scale", "ten million subscribers loaded, compared and built anew (PROVE_SUBSCRIBERS for fewer)", scale},
	{"bench", "the worker's CPU per million events beside a bare loop that only copies (--quick: fewer events, also of detectors)", bench},
}

func main() { os.Exit(prove(os.Args[1:])) }

func prove(names []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var known []string
	for _, p := range proofs {
		known = append(known, p.name)
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		cold = cold || n == "--cold"
		quick = quick || n == "--quick"
		return n == "--cold" || n == "--quick"
	})
	for _, n := range names {
		if !slices.Contains(known, n) {
			fmt.Fprintf(os.Stderr, "usage: prove [--cold] [--quick] [%s]...\n", strings.Join(known, "|"))
			return 2
		}
	}
	failed := false
	for _, p := range proofs {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		fmt.Printf("== %s: %s\n", p.name, p.what)
		r := &report{out: os.Stdout, began: time.Now()}
		if err := p.run(ctx, r); err != nil {
			r.fail("the run itself: %v", err)
		}
		verdict := "holds"
		if r.failures > 0 {
			verdict, failed = fmt.Sprintf("BROKEN (%d findings)", r.failures), true
		}
		fmt.Printf("== %s: %s, %.0f s\n\n", p.name, verdict, time.Since(r.began).Seconds())
	}
	if failed {
		return 1
	}
	return 0
}

// report collects what a proof saw.
type report struct {
	out      io.Writer
	began    time.Time
	failures int
}

// Write makes a report the progress writer of what it starts.
func (r *report) Write(b []byte) (int, error) { return r.out.Write(b) }

func (r *report) say(format string, a ...any) {
	fmt.Fprintf(r.out, "%7.1f s  "+format+"\n", append([]any{time.Since(r.began).Seconds()}, a...)...)
}

func (r *report) fail(format string, a ...any) {
	r.failures++
	r.say("FAILED "+format, a...)
}

// check says what was seen, and that it is a failure unless ok.
func (r *report) check(ok bool, format string, a ...any) {
	if ok {
		r.say("ok     "+format, a...)
	} else {
		r.fail(format, a...)
	}
}

// await polls until done says so. It is how a proof waits: for a condition, with a bound.
func await(ctx context.Context, bound time.Duration, what string, done func() (bool, error)) error {
	deadline := time.Now().Add(bound)
	var last error
	for {
		ok, err := done()
		if ok {
			return nil
		}
		last = err
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s: not within %s", what, bound), last)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
