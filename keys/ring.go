package keys

// The Ring is the key folder as workers see it: read only, and read anew when it changed.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/consentry/consentry/filters"
)

// Ring implements filters.Keyring over a key folder. Safe for concurrent use.
type Ring struct {
	dir        string
	house      [keySize]byte
	generation atomic.Uint64

	refreshing sync.Mutex // one Refresh at a time
	seen       stamp      // guarded by refreshing

	mu    sync.RWMutex
	state *state // nil while the folder cannot be trusted
}

var _ filters.Keyring = (*Ring)(nil)

// state is one reading of the folder.
type state struct {
	house, event [keySize]byte
	manifest     *manifest
	roots        map[rootID]*[keySize]byte
}

type rootID struct {
	period time.Duration
	epoch  int64
}

// stamp changes whenever the folder's content did: a rotation replaces the manifest and touches the folder.
type stamp struct{ dir, manifest fs.FileInfo }

func (a stamp) same(b stamp) bool {
	if a.dir == nil || b.dir == nil {
		return false
	}
	return a.dir.ModTime().Equal(b.dir.ModTime()) && os.SameFile(a.dir, b.dir) &&
		a.manifest.ModTime().Equal(b.manifest.ModTime()) && a.manifest.Size() == b.manifest.Size() && os.SameFile(a.manifest, b.manifest)
}

// Open reads the folder. The error is a *Sick.
func Open(dir string) (*Ring, error) {
	r := &Ring{dir: dir}
	if err := r.Refresh(); err != nil {
		return nil, err
	}
	return r, nil
}

// Refresh reads the folder anew if it changed since the last look, which costs two stat calls. On error the Ring gives
// no key at all until a Refresh succeeds; the error is a *Sick. Erased roots are overwritten in memory too.
func (r *Ring) Refresh() error {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	now, err := look(r.dir)
	if err != nil {
		return r.distrust(missing(err))
	}
	if now.same(r.seen) {
		return nil
	}
	next, err := readFolder(r.dir)
	if err != nil {
		return r.distrust(missing(err))
	}
	if r.house == ([keySize]byte{}) {
		r.house = next.house
	}
	if r.house != next.house {
		next.forget()
		return r.distrust(&Sick{cause: "key_mismatch", reason: "the house key was replaced while the worker runs; put the right folder back, or restart"})
	}
	r.swap(next)
	r.seen = now
	return nil
}

func (r *Ring) distrust(why *Sick) error {
	r.seen = stamp{}
	r.swap(nil)
	return why
}

func (r *Ring) swap(next *state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil && next == nil {
		return
	}
	r.state.forget()
	r.state = next
	r.generation.Add(1)
}

// forget overwrites every key of a reading. Callers hold the only reference.
func (s *state) forget() {
	if s == nil {
		return
	}
	for _, root := range s.roots {
		clear(root[:])
	}
	clear(s.house[:])
	clear(s.event[:])
}

// Generation changes whenever the folder was read anew: derived keys that were kept must be dropped.
func (r *Ring) Generation() uint64 { return r.generation.Load() }

// HouseKey names subjects in Redis (consent's Namer). It never changes while the Ring lives.
func (r *Ring) HouseKey() [32]byte { return r.house }

// PseudonymKey implements filters.Keyring: Filled, KeyErased (before the oldest ever made, or erased on schedule), or
// KeyMissing for everything else.
func (r *Ring) PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) filters.Outcome {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.state == nil {
		return filters.KeyMissing
	}
	period := time.Duration(periodMS) * time.Millisecond
	p := r.state.manifest.period(period)
	if p == nil {
		return filters.KeyMissing
	}
	// The account comes first: a root that is declared erased is not used, even if its file still stands.
	if epoch < p.Oldest || epoch <= p.ErasedThrough {
		return filters.KeyErased
	}
	root := r.state.roots[rootID{period, epoch}]
	if root == nil || !derive(dst, root, partner, topic) {
		return filters.KeyMissing
	}
	return filters.Filled
}

// EventKey implements filters.Keyring: Filled or KeyMissing.
func (r *Ring) EventKey(dst *[32]byte, partner, topic string) filters.Outcome {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.state == nil || !derive(dst, &r.state.event, partner, topic) {
		return filters.KeyMissing
	}
	return filters.Filled
}

// House is the house key's name among the Fingerprints.
const House = "house"

// Fingerprints maps house, event and each root in the folder (epoch-168h-2951) to 16 hex digits: the worker compares
// them with those first seen in Redis. Empty while the folder cannot be trusted.
func (r *Ring) Fingerprints() map[string]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := map[string]string{}
	if r.state == nil {
		return out
	}
	out[House] = fingerprint(&r.state.house)
	out["event"] = fingerprint(&r.state.event)
	for id, root := range r.state.roots {
		out[rootName(id.period, id.epoch)] = fingerprint(root)
	}
	return out
}

func look(dir string) (stamp, error) {
	if err := checkFolder(dir); err != nil {
		return stamp{}, err
	}
	d, err := os.Stat(dir)
	if err != nil {
		return stamp{}, fmt.Errorf("the key folder %s cannot be read", dir)
	}
	m, err := os.Stat(filepath.Join(dir, manifestFile))
	if err != nil {
		return stamp{}, fmt.Errorf("the key folder %s has no %s; %s", dir, manifestFile, whereKeysAre)
	}
	return stamp{d, m}, nil
}

// readFolder reads files first and the manifest last: an erasure is declared before its file goes, so a root that
// vanishes, or is being overwritten, under this reader is always one that the manifest calls erased.
func readFolder(dir string) (*state, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	s := &state{roots: map[rootID]*[keySize]byte{}}
	var err error
	if s.house, err = readKey(dir, houseFile); err != nil {
		return nil, named(err, houseFile)
	}
	if s.event, err = readKey(dir, eventFile); err != nil {
		return nil, named(err, eventFile)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the key folder %s cannot be read", dir)
	}
	for _, e := range entries {
		name, isKey := strings.CutSuffix(e.Name(), keySuffix)
		period, epoch, isRoot := parseRootName(name)
		if !isKey || !isRoot {
			continue
		}
		root, err := readKey(dir, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.roots[rootID{period, epoch}] = &root
	}
	if s.manifest, err = readManifest(dir); err != nil {
		return nil, err
	}
	for id, root := range s.roots {
		p := s.manifest.period(id.period)
		if p != nil && epochGone(p, id.epoch) {
			clear(root[:])
			delete(s.roots, id)
		}
	}
	return s, nil
}

func epochGone(p *periodState, epoch int64) bool { return epoch < p.Oldest || epoch <= p.ErasedThrough }

func named(err error, name string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key folder has no %s; restore it from a backup", name)
	}
	return err
}
