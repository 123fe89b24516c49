package keys

// Making and erasing roots: the writer's side. Every order of steps here survives a crash between any two of them.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Plan is what the policies ask of the folder.
type Plan struct {
	Periods []PeriodPlan
	Keep    time.Duration // keys.keep: how long after the erasing moment a root may stay at most
}

// PeriodPlan is one same_person_for in use (whole hours or days) and the largest `past` of the sources it reads.
type PeriodPlan struct{ Period, Past time.Duration }

// Report names what was done, e.g. epoch-168h-2951.
type Report struct{ Made, Erased []string }

// Safe tells whether every consumer group has committed past the Kafka time `at`, so that no event of the epoch can
// still need its root. Doubt is false; a nil Safe is always in doubt.
type Safe func(period time.Duration, epoch int64, at time.Time) bool

// Init makes the folder and its first keys: every epoch that `past` still reaches, and Ahead. It refuses a folder that
// already holds keys.
func Init(dir string, plan Plan, now time.Time) (Report, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Report{}, fmt.Errorf("the key folder %s cannot be made", dir)
	}
	if err := checkFolder(dir); err != nil {
		return Report{}, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); err == nil {
		return Report{}, fmt.Errorf("%s already holds keys, which init never overwrites; to add epochs run: consentry keys rotate", dir)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"+keySuffix))
	if err != nil || len(found) > 0 {
		return Report{}, fmt.Errorf("%s holds keys but no %s: restore that from a backup; only if nothing was ever released with these keys, empty the folder and run init again", dir, manifestFile)
	}
	if err := sweep(dir); err != nil {
		return Report{}, err
	}
	for _, name := range []string{houseFile, eventFile} {
		if _, err := makeKey(dir, name); err != nil {
			return Report{}, err
		}
	}
	// The manifest comes last: a folder without one is not in use.
	m := &manifest{Version: manifestVersion, Made: now.UTC().Truncate(time.Second)}
	var rep Report
	if _, err := makeMissing(dir, m, plan, now, &rep); err != nil {
		return rep, err
	}
	return rep, m.write(dir)
}

// Rotate makes the epochs that are missing up to Ahead of now, also of new periods, and erases each root from the
// oldest on, as far as safe allows or Keep demands. A root that was made and is gone is never made again: its people
// would silently become others; the error says so, after everything else was done.
func Rotate(dir string, plan Plan, now time.Time, safe Safe) (Report, error) {
	var rep Report
	if err := checkFolder(dir); err != nil {
		return rep, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return rep, err
	}
	defer unlock()
	if err := sweep(dir); err != nil {
		return rep, err
	}
	m, err := readManifest(dir)
	if err != nil {
		return rep, err
	}
	changed, err := makeMissing(dir, m, plan, now, &rep)
	if err != nil {
		return rep, err
	}
	// Keys first, then the account: a key that the account does not know yet is adopted by the next rotation.
	if changed {
		if err := m.write(dir); err != nil {
			return rep, err
		}
	}
	if err := eraseDue(dir, m, plan, now, safe, &rep); err != nil {
		return rep, err
	}
	return rep, lost(dir, m)
}

// makeMissing adds roots after the last one ever made. A new period starts where `past` still reaches; an old one goes
// on without a gap, because events wait in Kafka however long a partner is stopped.
func makeMissing(dir string, m *manifest, plan Plan, now time.Time, rep *Report) (changed bool, err error) {
	for _, want := range plan.Periods {
		if want.Period < time.Hour || want.Period%time.Hour != 0 {
			return changed, errors.New("same_person_for must be whole hours or days")
		}
		last := EpochOf(now, want.Period) + Ahead
		p := m.period(want.Period)
		if p == nil {
			first := EpochOf(now.Add(-want.Past), want.Period)
			p = m.addPeriod(periodState{Period: hours(want.Period), Oldest: first, MadeThrough: first - 1, ErasedThrough: first - 1})
		}
		if past := seconds(want.Past.Truncate(time.Second)); p.Past != past {
			p.Past, changed = past, true
		}
		for e := p.MadeThrough + 1; e <= last; e++ {
			name := rootName(want.Period, e)
			if _, err := makeKey(dir, name+keySuffix); err != nil {
				return changed, err
			}
			p.MadeThrough, changed = e, true
			rep.Made = append(rep.Made, name)
		}
	}
	return changed, nil
}

// eraseDue declares, then destroys. From the declaration on no reader uses the root, even if the file outlives a
// crash; the next rotation ends what was begun. The other order would let a lost key pass for one to wait for.
func eraseDue(dir string, m *manifest, plan Plan, now time.Time, safe Safe, rep *Report) error {
	for i := range m.Periods {
		p := &m.Periods[i]
		period := time.Duration(p.Period)
		for e := p.ErasedThrough + 1; e <= p.MadeThrough; e++ {
			at := eraseFrom(period, e, time.Duration(p.Past))
			if now.Before(at) || (now.Before(at.Add(plan.Keep)) && (safe == nil || !safe(period, e, at))) {
				break
			}
			p.declareErased(e, now)
			rep.Erased = append(rep.Erased, rootName(period, e))
		}
	}
	if len(rep.Erased) > 0 {
		if err := m.write(dir); err != nil {
			return err
		}
	}
	return destroyDeclared(dir, m)
}

// destroyDeclared removes every root file that the account calls erased, also those of an interrupted rotation.
func destroyDeclared(dir string, m *manifest) error {
	return eachRootFile(dir, func(name string, period time.Duration, epoch int64) error {
		if p := m.period(period); p != nil && epochGone(p, epoch) {
			return destroy(dir, name+keySuffix)
		}
		return nil
	})
}

// lost names a root that should be there and is not.
func lost(dir string, m *manifest) error {
	for _, p := range m.Periods {
		for e := p.ErasedThrough + 1; e <= p.MadeThrough; e++ {
			name := rootName(time.Duration(p.Period), e)
			if _, err := os.Stat(filepath.Join(dir, name+keySuffix)); err != nil {
				return fmt.Errorf("%s is gone and was not erased on schedule; restore it from a backup: events of its time park until then", name)
			}
		}
	}
	return nil
}
