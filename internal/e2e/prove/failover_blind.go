package main

// Blind: builds in which one rule of the changelog does not hold, each seen by the scenario that is there for it. So that
// a proof which finds nothing is known to look.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
)

// blindBuild is one of them. A nil edit list is the build that is shipped, which must pass.
type blindBuild struct {
	what  string
	edits []edit
	part  string // worker, owner or verb: who runs it
	sc    truthScenario
}

const believeFile = "consent/believe.go"

var ownerless = truthScenario{name: "master killed while the owner is held", lacks: true, act: masterKilledOwnerHeld, mend: sentinelsWhole}

var blindBehindSentinels = []blindBuild{
	{"the shipped worker", nil, "worker", ownerless},
	{"a worker without the rule of the server's name", []edit{{believeFile, "case !m.here:", "case !m.here && m.beatMS < 0:"}}, "worker", ownerless},
	{"a worker that believes whichever master answers", []edit{
		{believeFile, "case !m.here:", "case !m.here && m.beatMS < 0:"},
		{believeFile, "case age > s.staleAfter, age < 0:", "case age < -time.Hour:"},
		{believeFile, "case behind && s.changelog:", "case behind && s.changelog && epoch == 0:"},
		{believeFile, "case behind:", "case behind && epoch == 0:"}}, "worker", ownerless},
	{"an owner that vouches for a new master at once", []edit{
		{"kafka/changelog/shard.go", "if now.Sub(s.believed) < stale {", "if now.Before(s.believed) {"}}, "owner",
		truthScenario{name: "old master parted, workers left with it", lacks: true, alone: true, act: parted, mend: sentinelsWhole}},
}

var blindOwners = []blindBuild{
	{"a verb that does not wait for the store", []edit{
		{"kafka/changelog/await.go", "now, err := c.awaitStore(wait, needs)", "now, err := time.Now().UnixMilli(), error(nil)"}}, "verb",
		truthScenario{name: "killed between commit and script", act: killedAt("committed")}},
	{"a merge in which an old opt-in lifts a withdrawal", []edit{
		{"consent/merge.go", "case l.AllMarked && c.AtMS <= l.AllMarkMS:\n\t\treturn line, Outcome{Effect: VoidWithdrawn}", "case l.AllMarked && c.AtMS <= l.AllMarkMS:\n\t\tl.AllMarked = false"}},
		"owner", truthScenario{name: "old opt-in replayed by the CRM", act: crmReplays}},
	{"scripts that apply at any place", []edit{
		{"consent/project.go", "if m[2] ~= ARGV[4] then return m[2] end\n", ""}}, "owner",
		truthScenario{name: "stopped 20 s between commit and script", act: stoppedLong}},
}

func blindTruth(ctx context.Context, r *report) error {
	if err := blindOn(ctx, r, testbed.RedisSentinel, 1, blindBehindSentinels); err != nil {
		return err
	}
	return blindOn(ctx, r, testbed.RedisSingle, 2, blindOwners)
}

func blindOn(ctx context.Context, r *report, form string, owners int, builds []blindBuild) error {
	if !slices.ContainsFunc(builds, func(b blindBuild) bool { return strings.Contains(b.what, os.Getenv("PROVE_ONLY")) }) {
		return nil
	}
	t, err := newTruthStage(ctx, r, form, owners)
	if err != nil {
		return err
	}
	defer t.close()
	root, err := house.Root()
	if err != nil {
		return err
	}
	for n, b := range builds {
		if !strings.Contains(b.what, os.Getenv("PROVE_ONLY")) {
			continue
		}
		bin := t.h.Bin
		if len(b.edits) > 0 {
			dir := filepath.Join(t.h.Dir, fmt.Sprint("blind-", n))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			l := leak{what: b.what, edits: b.edits}
			files, err := l.patched(root)
			if err != nil {
				return err
			}
			byPath := map[string]string{}
			for file, text := range files {
				byPath[filepath.Join(root, file)] = text
			}
			var tags []string
			if b.part == "owner" {
				tags = []string{"stoppoint"}
			}
			if bin, err = buildOver(ctx, root, dir, byPath, tags...); err != nil {
				return err
			}
		}
		if err := t.wear(ctx, b.part, bin); err != nil {
			return err
		}
		run, err := t.once(ctx, &b.sc)
		if err == nil && b.sc.lacks && !run.lacked {
			err = fmt.Errorf("the store that answered next knew of the opt-out")
		}
		if b.sc.mend != nil {
			if err := b.sc.mend(ctx, t); err != nil {
				return err
			}
		}
		t.flow.gather(nil)
		if lerr := t.book.learn(ctx); lerr != nil {
			return lerr
		}
		leaked := t.unlawful()
		said := "nothing failed"
		if err != nil {
			said = "the run says: " + err.Error()
		}
		switch {
		case len(b.edits) == 0:
			r.check(err == nil && leaked == 0, "%s, %s: %d released after the acknowledgement; %s", b.sc.name, b.what, leaked, said)
		case leaked > 0 || err != nil:
			r.say("ok     %s, %s: seen: %d released after the acknowledgement; %s", b.sc.name, b.what, leaked, said)
		default:
			r.say("       %s, %s: not seen: other rules hold it", b.sc.name, b.what)
		}
		if err := t.wear(ctx, b.part, ""); err != nil {
			return err
		}
	}
	return nil
}

// wear lets a part run a build; "" is its own.
func (t *truthStage) wear(ctx context.Context, part, bin string) error {
	switch part {
	case "verb":
		if bin == "" {
			bin = t.verbBin
		}
		t.verbBin, t.h.Bin = t.h.Bin, bin
		return nil
	case "owner":
		for i, o := range t.owners {
			_ = o.Kill()
			t.build(i)
			if bin != "" {
				o.Use(bin, "CONSENTRY_STOPPOINT_CONSENT="+t.arm(i))
			}
		}
		return ownersBack(ctx, t)
	}
	for _, w := range t.workers {
		if err := w.Stop(ctx); err != nil {
			return err
		}
		if bin == "" {
			bin = t.h.Bin
		}
		w.Use(bin)
		if err := w.Start(); err != nil {
			return err
		}
	}
	_, err := t.resumed(ctx, time.Now(), partners...)
	return err
}

// masterKilledOwnerHeld keeps the owner away from the promoted master for eight seconds, so that nothing but the workers'
// own rules stands between its old lines and the partners.
func masterKilledOwnerHeld(ctx context.Context, t *truthStage, c *players, run *truthRun) error {
	master, replica, err := run.cutOff(ctx, t, c)
	if err != nil {
		return err
	}
	if err := t.owners[0].Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	run.fault = time.Now()
	if err := master.Kill(); err != nil {
		return err
	}
	run.lacked, err = t.promotedLacks(ctx, replica, c.who)
	if err == nil {
		err = hold(ctx, time.Until(run.fault.Add(8*time.Second)))
	}
	if cont := t.owners[0].Signal(syscall.SIGCONT); err == nil {
		err = cont
	}
	return err
}
