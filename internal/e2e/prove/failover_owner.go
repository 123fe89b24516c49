package main

// Owners are hurt: killed at every step of a change, stopped for long in the worst one, moved, doubled, and made to read
// everything again. The store is one Redis that is well all the time.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/consentry/consentry/internal/testbed"
)

const (
	ownerGroup = "consentry.consent"
	ownerFirst = 10 // the first owner's kafka.instance
	ownersHeld = 20 * time.Second
)

var ownerScenarios = []truthScenario{
	{name: "killed after polling", act: killedAt("polled")},
	{name: "killed before writing", act: killedAt("merged")},
	{name: "killed in its transaction", act: killedAt("written")},
	{name: "killed between commit and script", act: killedAt("committed")},
	{name: "killed after its script", act: killedAt("projected")},
	{name: "killed before a heartbeat", act: killedAt("beat")},
	{name: "killed anywhere in a load", act: killedInLoad},
	{name: "stopped 20 s between commit and script", act: stoppedLong},
	{name: "shards moved", act: ownerMoved, mend: ownersBack},
	{name: "everything read again", act: replayed},
	{name: "two with one name", act: doubled, mend: ownersBack},
}

func owners(ctx context.Context, r *report) error {
	return truthProof(ctx, r, testbed.RedisSingle, 2, slices.Concat(ownerScenarios, changeScenarios))
}

// arms are the files that tell owners where to hold.
func (t *truthStage) arm(owner int) string {
	return filepath.Join(t.h.Dir, fmt.Sprintf("arm-%d", owner))
}

// held lets the owners hold at a step, starts what leads there, and returns the first that holds.
func (t *truthStage) held(ctx context.Context, step string, long time.Duration, start func()) (int, error) {
	for i := range t.owners {
		_ = os.Remove(t.arm(i) + ".held")
		if step == "beat" && i != t.turn%len(t.owners) {
			continue // every owner comes there, with a request or without
		}
		if err := os.WriteFile(t.arm(i), []byte(step+" "+long.String()), 0o600); err != nil {
			return 0, err
		}
	}
	go start()
	found := -1
	err := await(ctx, 30*time.Second, "an owner held at "+step, func() (bool, error) {
		for i := range t.owners {
			if _, err := os.Stat(t.arm(i) + ".held"); err == nil {
				found = i
			}
		}
		return found >= 0, nil
	})
	for i := range t.owners {
		_ = os.Remove(t.arm(i))
	}
	if err != nil {
		return 0, err
	}
	return found, nil
}

// leaves tries to opt a person out until it is acknowledged: asking again is harmless.
func (t *truthStage) leaves(ctx context.Context, c *players, run *truthRun) error {
	began := time.Now()
	err := await(ctx, time.Minute, "an opt-out acknowledged", func() (bool, error) {
		var err error
		run.acked, err = t.leave(ctx, c.who)
		return err == nil, err
	})
	run.ackTook = time.Since(began)
	return err
}

// killedAt kills the owner that comes to a step while an opt-out is on its way, and starts it again.
func killedAt(step string) func(context.Context, *truthStage, *players, *truthRun) error {
	return func(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
		done := make(chan error, 1)
		i, err := t.held(ctx, step, time.Minute, func() { done <- t.leaves(ctx, c, run) })
		if err != nil {
			return err
		}
		run.fault = time.Now()
		if err := t.owners[i].Kill(); err != nil {
			return err
		}
		if err := t.owners[i].Start(); err != nil {
			return err
		}
		return <-done
	}
}

// killedInLoad kills both owners at any moment of a load of two thousand rows.
func killedInLoad(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	file := filepath.Join(t.h.Dir, "load-"+c.id.String()+".csv")
	var crowd []int
	for _, all := range t.shards {
		crowd = append(crowd, all[:min(len(all), 30)]...)
	}
	if err := t.grants(file, crowd, time.Now()); err != nil {
		return err
	}
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		_, err := t.h.Verb(ctx, "consent", "import", file)
		done <- err
	}()
	// The load takes some hundred milliseconds; the moment differs with the person.
	if err := hold(ctx, 150*time.Millisecond+time.Duration(c.id[5])*4*time.Millisecond); err != nil {
		return err
	}
	run.fault = time.Now()
	for _, o := range t.owners {
		if err := o.Kill(); err != nil {
			return err
		}
	}
	for _, o := range t.owners {
		if err := o.Start(); err != nil {
			return err
		}
	}
	if err := <-done; err != nil {
		_, err = t.h.Verb(ctx, "consent", "import", file)
		return err
	}
	return nil
}

// grants writes a file that grants acme-ads the locations of these people, but of those who have left. It allows nothing
// that was not allowed before.
func (t *truthStage) grants(path string, who []int, since time.Time) error {
	text := []byte("action,subject,partner,purpose,categories,linked,since,until,evidence\n")
	for _, p := range who {
		if !t.used[p] {
			text = fmt.Appendf(text, "grant,%s,acme-ads,advertising,location,true,%s,,\n", t.flow.subject(p), instant(since.UnixMilli()))
		}
	}
	return os.WriteFile(path, text, 0o600)
}

// evict takes an owner's lanes out of the group, as a carrier does with a machine that is gone for good; otherwise its
// shards wait for it for the session timeout.
func (t *truthStage) evict(ctx context.Context, owners ...int) error {
	var ids []string
	for _, i := range owners {
		for lane := range 2 {
			ids = append(ids, fmt.Sprintf("%d.%d", ownerFirst+i, lane))
		}
	}
	return t.topics(ctx, func(adm *kadm.Client) error {
		_, err := adm.LeaveGroup(ctx, kadm.LeaveGroup(ownerGroup).InstanceIDs(ids...))
		return err
	})
}

// stoppedLong stops an owner that has committed a consent and not yet brought it into Redis. Another takes over, and the
// person opts out there. Then the first goes on where it was.
func stoppedLong(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	i, err := t.held(ctx, "committed", ownersHeld-time.Second, func() {
		// Whether it is acknowledged is not the question: it is merged before the opt-out.
		_, _ = t.h.VerbIn(ctx, t.flow.subject(c.who)+"\n", "consent", "grant", "--partner", "acme-ads", "--purpose", "advertising",
			"--categories", "location", "--linked", "--since", instant(time.Now().Add(-time.Hour).UnixMilli()), "--subject", "-", "--json")
	})
	if err != nil {
		return err
	}
	run.fault = time.Now()
	if err := t.owners[i].Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := t.evict(ctx, i); err != nil {
		return err
	}
	if err := t.leaves(ctx, c, run); err != nil {
		return errors.Join(err, t.owners[i].Signal(syscall.SIGCONT))
	}
	before := time.Since(run.fault) < ownersHeld
	if err := hold(ctx, time.Until(run.fault.Add(ownersHeld))); err != nil {
		return err
	}
	if err := t.owners[i].Signal(syscall.SIGCONT); err != nil {
		return err
	}
	run.lacked = before
	return hold(ctx, 3*time.Second)
}

// ownerMoved ends one owner for good: its shards go to the other.
func ownerMoved(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	i := c.id.Shard() % 2
	run.fault = time.Now()
	if err := t.owners[i].Stop(ctx); err != nil {
		return err
	}
	if err := t.evict(ctx, i); err != nil {
		return err
	}
	return t.second(ctx, c)
}

// ownersBack starts the owners that do not run.
func ownersBack(ctx context.Context, t *truthStage) error {
	for i := range t.owners {
		_ = t.owners[i].Kill()
		if err := t.owners[i].Start(); err != nil {
			return err
		}
	}
	at := time.Now()
	for shard := range t.shards {
		if _, err := t.believed(ctx, shard, at); err != nil {
			return err
		}
	}
	return nil
}

// replayed lets the owners begin anew without any memory of how far they were.
func replayed(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	if err := run.opt(ctx, t, c); err != nil {
		return err
	}
	before, err := t.lines(ctx)
	if err != nil {
		return err
	}
	for _, o := range t.owners {
		if err := o.Stop(ctx); err != nil {
			return err
		}
	}
	if err := t.evict(ctx, 0, 1); err != nil {
		return err
	}
	if err := await(ctx, time.Minute, "the group deleted", func() (bool, error) {
		var err error
		_ = t.topics(ctx, func(adm *kadm.Client) error {
			_, err = adm.DeleteGroup(ctx, ownerGroup)
			return nil
		})
		return err == nil, err
	}); err != nil {
		return err
	}
	run.fault = time.Now()
	for _, o := range t.owners {
		if err := o.Start(); err != nil {
			return err
		}
	}
	if err := t.second(ctx, c); err != nil {
		return err
	}
	after, err := t.lines(ctx)
	if err != nil {
		return err
	}
	if n := differences(before, after); n > 1 {
		return fmt.Errorf("%d lines differ after everything was read again, and one opt-out was made", n)
	}
	return nil
}

// doubled starts a second process under the name of the first owner: one of the two must give way.
func doubled(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	twin, err := t.h.Role("sync", ownerFirst)
	if err != nil {
		return err
	}
	run.fault = time.Now()
	if err := twin.Start(); err != nil {
		return err
	}
	defer twin.Kill()
	if err := t.leaves(ctx, c, run); err != nil {
		return err
	}
	if err := t.second(ctx, c); err != nil {
		return err
	}
	return await(ctx, 30*time.Second, "one of the two gives way", func() (bool, error) { return t.owners[0].Ended() || twin.Ended(), nil })
}
