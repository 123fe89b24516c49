package keys

// The folder over its life: made, rotated, erased, damaged, read by a worker meanwhile.

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/filters"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	plan7 = Plan{Periods: []PeriodPlan{{day, 7 * day}}, Keep: 72 * time.Hour}
	today = EpochOf(noon, day)
)

func always(time.Duration, int64, time.Time) bool { return true }
func never(time.Duration, int64, time.Time) bool  { return false }

func newFolder(t *testing.T, plan Plan) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Init(dir, plan, noon); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Ring {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask(r *Ring, period time.Duration, epoch int64) filters.Outcome {
	var k [32]byte
	return r.PseudonymKey(&k, "acme", "partner.acme.x", period.Milliseconds(), epoch)
}

func TestInitReachesBackAndTwoAhead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	rep, err := Init(dir, Plan{Periods: []PeriodPlan{{day, 7 * day}, {week, 7 * day}}, Keep: time.Hour}, noon)
	if err != nil {
		t.Fatal(err)
	}
	// 7 days back from noon reaches the eighth day before today's midnight's epoch: 7 back, today, 2 ahead; for weeks 1+1+2.
	if want := 10 + 4; len(rep.Made) != want {
		t.Errorf("made %d roots %v, want %d", len(rep.Made), rep.Made, want)
	}
	r := open(t, dir)
	for _, c := range []struct {
		period time.Duration
		epoch  int64
		want   filters.Outcome
	}{
		{day, today - 8, filters.KeyErased}, {day, today - 7, filters.Filled}, {day, today, filters.Filled},
		{day, today + 2, filters.Filled}, {day, today + 3, filters.KeyMissing},
		{week, EpochOf(noon, week) - 2, filters.KeyErased}, {week, EpochOf(noon, week), filters.Filled},
		{30 * day, 1, filters.KeyMissing}, {0, 0, filters.KeyMissing},
	} {
		if got := ask(r, c.period, c.epoch); got != c.want {
			t.Errorf("%v epoch %d: outcome %d, want %d", c.period, c.epoch, got, c.want)
		}
	}
	var k [32]byte
	if r.EventKey(&k, "acme", "t") != filters.Filled || k == ([32]byte{}) {
		t.Error("no event key")
	}
	// Independent random roots: as many fingerprints as keys.
	prints := map[string]bool{}
	for _, p := range r.Fingerprints() {
		prints[p] = true
	}
	if len(prints) != 16 {
		t.Errorf("%d distinct fingerprints, want 16", len(prints))
	}
	for _, f := range files(t, dir) {
		info, err := os.Stat(filepath.Join(dir, f))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode().Perm())
		}
		if strings.HasSuffix(f, keySuffix) && info.Size() != keySize {
			t.Errorf("%s has %d bytes", f, info.Size())
		}
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range files(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		all[f] = string(b)
	}
	return all
}

func TestInitRefusesToOverwrite(t *testing.T) {
	dir := newFolder(t, plan7)
	before := content(t, dir)
	if _, err := Init(dir, plan7, noon); err == nil || !strings.Contains(err.Error(), "keys rotate") {
		t.Errorf("a second init: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, manifestFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir, plan7, noon); err == nil || !strings.Contains(err.Error(), "restore that from a backup") {
		t.Errorf("init over keys without a manifest: %v", err)
	}
	delete(before, manifestFile)
	if after := content(t, dir); !equal(before, after) {
		t.Error("a refused init changed the folder")
	}
}

func equal(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, want string
		damage     func(dir string) error
	}{
		{"folder open", "chmod 700", func(d string) error { return os.Chmod(d, 0o750) }},
		{"house key open", "chmod 600", func(d string) error { return os.Chmod(filepath.Join(d, houseFile), 0o640) }},
		{"root open", "chmod 600", func(d string) error { return os.Chmod(filepath.Join(d, rootName(day, today)+keySuffix), 0o604) }},
		{"short key", "exactly 32", func(d string) error { return os.WriteFile(filepath.Join(d, eventFile), make([]byte, 31), 0o600) }},
		{"long key", "exactly 32", func(d string) error { return os.WriteFile(filepath.Join(d, eventFile), make([]byte, 33), 0o600) }},
		{"no house key", "no house.key", func(d string) error { return os.Remove(filepath.Join(d, houseFile)) }},
		{"no manifest", "keys init", func(d string) error { return os.Remove(filepath.Join(d, manifestFile)) }},
		{"damaged manifest", "damaged", func(d string) error { return os.WriteFile(filepath.Join(d, manifestFile), []byte("{"), 0o600) }},
		{"newer manifest", "version", func(d string) error {
			return os.WriteFile(filepath.Join(d, manifestFile), []byte(`{"version":2}`), 0o600)
		}},
		{"no folder", "does not exist", os.RemoveAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newFolder(t, plan7)
			r := open(t, dir)
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			ring, err := Open(dir)
			sick, ok := err.(interface{ Cause() string })
			if ring != nil || !ok || sick.Cause() != "key_missing" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open: %v, %v; want a sentence with %q", ring, err, c.want)
			}
			if c.name == "house key open" || c.name == "short key" || c.name == "long key" || c.name == "root open" {
				return // a worker that has read the keys need not look at unchanged files' modes
			}
			if r.Refresh() == nil {
				t.Fatal("Refresh did not notice")
			}
			var k [32]byte
			if ask(r, day, today) != filters.KeyMissing || r.EventKey(&k, "a", "b") != filters.KeyMissing || len(r.Fingerprints()) != 0 {
				t.Error("a folder in doubt still gives keys")
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	dir := newFolder(t, plan7)
	r := open(t, dir)
	g := r.Generation()
	if err := r.Refresh(); err != nil || r.Generation() != g {
		t.Errorf("an unchanged folder was read anew (%v)", err)
	}
	old := r.state
	if _, err := Rotate(dir, plan7, noon.Add(day), never); err != nil {
		t.Fatal(err)
	}
	if err := r.Refresh(); err != nil || r.Generation() == g {
		t.Fatalf("a rotation went unnoticed (%v)", err)
	}
	if ask(r, day, today+3) != filters.Filled {
		t.Error("the new epoch has no key")
	}
	for id, root := range old.roots {
		if *root != ([keySize]byte{}) {
			t.Errorf("root %v is still in memory after the folder was read anew", id)
		}
	}
	// Another deployment's folder in the same place.
	other := newFolder(t, plan7)
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, dir); err != nil {
		t.Fatal(err)
	}
	err := r.Refresh()
	if sick, ok := err.(*Sick); !ok || sick.Cause() != "key_mismatch" {
		t.Fatalf("a replaced house key: %v", err)
	}
	if ask(r, day, today) != filters.KeyMissing {
		t.Error("a replaced folder gives keys")
	}
}

func TestOneWriter(t *testing.T) {
	dir := newFolder(t, plan7)
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rotate(dir, plan7, noon, never); err == nil || !strings.Contains(err.Error(), "another consentry") {
		t.Errorf("a second writer: %v", err)
	}
	unlock()
	if _, err := Rotate(dir, plan7, noon, never); err != nil {
		t.Errorf("after the first writer: %v", err)
	}
}

// TestNothingTellsAKey: listings, manifest, fingerprints and errors hold no key.
func TestNothingTellsAKey(t *testing.T) {
	dir := newFolder(t, plan7)
	items, err := List(dir, plan7.Keep, noon)
	if err != nil || len(items) != 10 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	listing, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	said := append(listing, content(t, dir)[manifestFile]...)
	for _, p := range open(t, dir).Fingerprints() {
		said = append(said, p...)
	}
	for name, b := range content(t, dir) {
		if strings.HasSuffix(name, keySuffix) && (bytes.Contains(said, []byte(b)) || bytes.Contains(said, []byte(hexOf(b[:4])))) {
			t.Errorf("%s shows through", name)
		}
	}
	if items[0].State != Past || items[7].State != Current || items[9].State != Ready {
		t.Errorf("states %v %v %v", items[0].State, items[7].State, items[9].State)
	}
	if want := epochStart(day, today+1).Add(time.Hour); !items[0].EraseAt.Equal(want) || !items[0].EraseBy.Equal(want.Add(plan7.Keep)) {
		t.Errorf("erase at %v by %v", items[0].EraseAt, items[0].EraseBy)
	}
}

func hexOf(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}

func TestEpochOfRoundsDown(t *testing.T) {
	for ms, want := range map[int64]int64{-1: -1, 0: 0, day.Milliseconds() - 1: 0, day.Milliseconds(): 1, -day.Milliseconds(): -1} {
		if got := EpochOf(time.UnixMilli(ms), day); got != want {
			t.Errorf("EpochOf(%d ms) = %d, want %d", ms, got, want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"periods":[{"period":"24h","oldest":5,"made_through":9,"erased_through":4,"past":"60s"}]}`))
	f.Add([]byte(`{"version":1,"periods":[{"period":"24h","oldest":5,"made_through":4}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if (m == nil) == (err == nil) {
			t.Fatal("neither a manifest nor an error, or both")
		}
		if err != nil {
			return
		}
		out, err := json.Marshal(m)
		if err != nil {
			return // a year that RFC 3339 does not have
		}
		if _, err := parseManifest(out); err != nil {
			t.Fatalf("what was accepted is refused when written out: %v", err)
		}
	})
}

func FuzzRootName(f *testing.F) {
	f.Add("epoch-168h-2951")
	f.Add("epoch-0168h-2951")
	f.Add("epoch-24h--1")
	f.Fuzz(func(t *testing.T, s string) {
		if p, e, ok := parseRootName(s); ok && rootName(p, e) != s {
			t.Fatalf("%q reads as %v %d", s, p, e)
		}
	})
}
