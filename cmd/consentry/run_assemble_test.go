// Checks what a worker's lanes decide with.
package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/keys"
)

// TestAcceptedUnderAnotherHouseKey: a store was emptied, and somebody accepts it with another key folder. Under the
// worker's own house key nobody is in it: without a comparison every subject's "no consent" would be final.
func TestAcceptedUnderAnotherHouseKey(t *testing.T) {
	m := miniredis.RunT(t)
	open := func() *consent.Store {
		s, err := consent.Open(consent.Options{URL: "redis://" + m.Addr() + "/0", Embedded: true, Deadline: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	folder := func(name string) *keys.Ring {
		dir := filepath.Join(t.TempDir(), name)
		if _, err := keys.Init(dir, keys.Plan{}, time.Now()); err != nil {
			t.Fatal(err)
		}
		r, err := keys.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	person, store, right, wrong := open(), open(), folder("right"), folder("wrong")
	f := &fabric{store: store, ring: right}
	ask := func() error {
		var snap consent.Snapshot
		return comparedAsker{store, f}.Ask(t.Context(), "acme", []consent.ID{{1}}, &snap)
	}
	accept := func() {
		t.Helper()
		if _, err := person.Accept(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	accept()
	if err := errors.Join(f.checkKeys(t.Context()), ask()); err != nil {
		t.Fatal(err)
	}
	accept()
	if err := ask(); err != nil {
		t.Fatalf("accepted anew under the same keys: %v", err)
	}
	m.FlushAll()
	if _, err := person.Fingerprint(t.Context(), keys.House, wrong.Fingerprints()[keys.House]); err != nil {
		t.Fatal(err)
	}
	accept()
	for range 2 {
		var other *mismatch
		if err := ask(); !errors.As(err, &other) || other.Cause() != "key_mismatch" {
			t.Fatalf("a store that was named under another house key is believed: %v", err)
		}
	}
}
