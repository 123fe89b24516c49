package registry

import (
	"testing"
	"time"
)

func TestAnIDThatChangedItsTextParksUntilItIsBack(t *testing.T) {
	w := newWorld()
	w.Resolver.aside = func(f func()) { f() }
	w.put("raw-value", 2, wider)
	read := func() error {
		_, err := w.Reader(t.Context(), source(), 2)
		return err
	}
	for range 3 {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	asked := w.asked
	w.byID[2] = Schema{ID: 2, Text: renamed, Avro: true}
	if err := read(); err != nil || w.asked != asked {
		t.Fatalf("asked %d times more within the minute: %v", w.asked-asked, err)
	}
	w.advance(lookEvery)
	_ = read() // this one is answered from before, and asks
	if err := read(); !isSick(err) {
		t.Fatalf("an id with another text was read by the old one: %v", err)
	}
	w.sick = &Unreachable{"test", 500, "down"}
	w.advance(lookEvery)
	_ = read()
	if err := read(); !isSick(err) {
		t.Fatalf("a registry that is down mended what it had changed: %v", err)
	}
	w.sick = nil
	w.byID[2] = Schema{ID: 2, Text: " " + wider, Avro: true}
	w.advance(askEvery)
	_ = read()
	if err := read(); err != nil {
		t.Fatalf("the id has its text again: %v", err)
	}
}

func TestAnIDInUseThatCannotBeAskedForGoesOn(t *testing.T) {
	for name, illness := range map[string]func(*world){
		"down":    func(w *world) { w.sick = &Unreachable{"test", 500, "down"} },
		"emptied": func(w *world) { clear(w.byID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.Resolver.aside = func(f func()) { f() }
			for range 2 {
				if _, err := w.Reader(t.Context(), source(), 1); err != nil {
					t.Fatal(err)
				}
			}
			illness(w)
			for range 5 {
				w.advance(2 * time.Minute)
				if _, err := w.Reader(t.Context(), source(), 1); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
