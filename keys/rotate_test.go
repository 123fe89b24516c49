package keys

// Making and erasing roots over time, and what a crash between two steps leaves.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/filters"
)

func TestRotateAddsAndNeverChanges(t *testing.T) {
	dir := newFolder(t, plan7)
	before := content(t, dir)
	wider := Plan{Periods: []PeriodPlan{{day, 7 * day}, {week, 2 * day}}, Keep: 72 * time.Hour}
	rep, err := Rotate(dir, wider, noon.Add(day), never)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rep.Made)
	w := EpochOf(noon.Add(day), week)
	want := []string{rootName(week, w), rootName(week, w+1), rootName(week, w+2), rootName(day, today+3)}
	if w0 := EpochOf(noon.Add(-day), week); w0 < w {
		want = append(want, rootName(week, w0))
	}
	slices.Sort(want)
	if !slices.Equal(rep.Made, want) || len(rep.Erased) != 0 {
		t.Errorf("made %v erased %v, want %v and none", rep.Made, rep.Erased, want)
	}
	after := content(t, dir)
	for name, b := range before {
		if name != manifestFile && after[name] != b {
			t.Errorf("%s changed", name)
		}
	}
	if rep, err = Rotate(dir, wider, noon.Add(day), never); err != nil || len(rep.Made)+len(rep.Erased) != 0 {
		t.Errorf("a second rotation did %v, %v", rep, err)
	}
}

// TestRotateLeavesNoGap: events wait in Kafka however long the folder was left alone.
func TestRotateLeavesNoGap(t *testing.T) {
	kept := Plan{Periods: plan7.Periods, Keep: 30 * day}
	dir := newFolder(t, kept)
	if _, err := Rotate(dir, kept, noon.Add(5*day), never); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	for e := today - 7; e <= today+7; e++ {
		if got := ask(r, day, e); got != filters.Filled {
			t.Errorf("epoch today%+d: outcome %d", e-today, got)
		}
	}
}

func TestErasure(t *testing.T) {
	// The oldest epoch, today-7, ends at the midnight before today-6; with past 7d and an hour of grace it may go from
	// 01:00 of the day after today on.
	from := epochStart(day, today+1).Add(time.Hour)
	for _, c := range []struct {
		name string
		at   time.Time
		safe Safe
		want int
	}{
		{"safe, but its time has not come", from.Add(-time.Millisecond), always, 0},
		{"its time has come and it is safe", from, always, 1},
		{"its time has come and it is not safe", from, never, 0},
		{"nobody can tell", from, nil, 0},
		{"not safe a moment before keep", from.Add(72*time.Hour - time.Millisecond), never, 0},
		{"not safe, but keep is over", from.Add(72 * time.Hour), never, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, plan7)
			r := open(t, dir)
			if ask(r, day, today-7) != filters.Filled {
				t.Fatal("the oldest epoch has no key")
			}
			rep, err := Rotate(dir, plan7, c.at, c.safe)
			if err != nil || len(rep.Erased) != c.want {
				t.Fatalf("erased %v, %v; want %d", rep.Erased, err, c.want)
			}
			if err := r.Refresh(); err != nil {
				t.Fatal(err)
			}
			want := filters.Filled
			if c.want > 0 {
				want = filters.KeyErased
			}
			if got := ask(r, day, today-7); got != want {
				t.Errorf("the oldest epoch: outcome %d, want %d", got, want)
			}
			if got := ask(r, day, today-6); got != filters.Filled {
				t.Errorf("the next epoch: outcome %d", got)
			}
			_, err = os.Stat(filepath.Join(dir, rootName(day, today-7)+keySuffix))
			if gone := os.IsNotExist(err); gone != (c.want > 0) {
				t.Errorf("the file is gone: %v", gone)
			}
		})
	}
}

// TestErasureGoesInOrder: an epoch is never erased over an older one that somebody still needs.
func TestErasureGoesInOrder(t *testing.T) {
	dir := newFolder(t, plan7)
	rep, err := Rotate(dir, plan7, noon.Add(3*day), func(_ time.Duration, e int64, _ time.Time) bool { return e != today-6 })
	if err != nil || !slices.Equal(rep.Erased, []string{rootName(day, today-7)}) {
		t.Errorf("erased %v, %v", rep.Erased, err)
	}
}

// TestDeclaredErasedIsNeverUsed is the crash between the declaration and the removal.
func TestDeclaredErasedIsNeverUsed(t *testing.T) {
	dir := newFolder(t, plan7)
	file := filepath.Join(dir, rootName(day, today-7)+keySuffix)
	m, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.period(day).declareErased(today-7, noon)
	if err := m.write(dir); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	if got := ask(r, day, today-7); got != filters.KeyErased {
		t.Errorf("outcome %d", got)
	}
	if _, there := r.Fingerprints()[rootName(day, today-7)]; there {
		t.Error("a declared root was read")
	}
	items, err := List(dir, plan7.Keep, noon)
	if err != nil || items[0].State != Erasing {
		t.Errorf("listed as %v, %v", items[0].State, err)
	}
	if _, err := Rotate(dir, plan7, noon, never); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("the next rotation did not end the erasure")
	}
}

// TestLostIsNotErased: a root that vanished parks, is named, and is not made again.
func TestLostIsNotErased(t *testing.T) {
	dir := newFolder(t, plan7)
	name := rootName(day, today)
	if err := os.Remove(filepath.Join(dir, name+keySuffix)); err != nil {
		t.Fatal(err)
	}
	if got := ask(open(t, dir), day, today); got != filters.KeyMissing {
		t.Errorf("outcome %d", got)
	}
	rep, err := Rotate(dir, plan7, noon.Add(day), never)
	if err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("the loss was not named: %v", err)
	}
	if slices.Contains(rep.Made, name) {
		t.Error("a lost root was made again")
	}
	if !slices.Contains(rep.Made, rootName(day, today+3)) {
		t.Error("a loss stopped the rotation")
	}
}

// TestSweepSparesWhatItIsLinkedTo: a writer that was killed between giving a new key its name and dropping the temporary
// one leaves two names of one file. Workers may use the key already: sweeping must not overwrite it.
func TestSweepSparesWhatItIsLinkedTo(t *testing.T) {
	dir := newFolder(t, plan7)
	before := content(t, dir)
	key := rootName(day, today) + keySuffix
	if err := os.Link(filepath.Join(dir, key), filepath.Join(dir, ".new-123")); err != nil {
		t.Fatal(err)
	}
	if _, err := Rotate(dir, plan7, noon, never); err != nil {
		t.Fatal(err)
	}
	if after := content(t, dir); after[key] != before[key] || after[".new-123"] != "" {
		t.Errorf("the key was overwritten, or its other name stays: %v", files(t, dir))
	}
}
