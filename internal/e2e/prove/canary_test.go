package main

// The canary proof itself needs a testbed; these tests need nothing, and say that its search finds what it looks for.

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/consentry/consentry/internal/e2e/house"
)

// TestFinderFindsEveryNeedle: each needle of each class is found in the midst of other bytes, and at both ends.
func TestFinderFindsEveryNeedle(t *testing.T) {
	d := &dice{name: "test"}
	var marks []marked
	for _, c := range classes {
		marks = append(marks, marked{class: c.name, text: c.make(d)})
	}
	marks = append(marks, numberMark("cell_id", "", 310014123456789))
	marks = append(marks, positionMarks(44.97783012345, -93.26501198765)...)
	marks = append(marks, timeMarks("time", "", 1763812345678)...)
	f := newFinder(marks)
	for i := range f.needles {
		for _, around := range [][2]string{{"", ""}, {"xyz\x00", ""}, {"", "\xffabc"}, {"1234567", "7654321"}} {
			found := false
			f.find([]byte(around[0]+f.needles[i].text+around[1]), func(n *needle, at int) {
				found = found || n == &f.needles[i] && at == len(around[0])
			})
			if !found {
				t.Fatalf("%s of class %s is not found between %q", f.needles[i].encoding(), marks[f.needles[i].mark].class, around)
			}
		}
	}
	f.find([]byte(strings.Repeat("nothing of that kind stands here 0123456789 ", 1000)), func(n *needle, _ int) {
		t.Errorf("found %q where nothing stands", n.text)
	})
}

// TestBase64IsFoundAtEveryAlignment, whatever stands around it.
func TestBase64IsFoundAtEveryAlignment(t *testing.T) {
	for size := 8; size < 20; size++ {
		v := strings.Repeat("k?>~9", 4)[:size]
		f := newFinder([]marked{{class: "x", text: v}})
		for pad := range 6 {
			for tail := range 4 {
				for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
					text := enc.EncodeToString([]byte(strings.Repeat("\xa7", pad) + v + strings.Repeat("\x5a", tail)))
					found := false
					f.find([]byte(text), func(n *needle, _ int) { found = found || n.encoding() == "base64" })
					if !found {
						t.Fatalf("%d bytes after %d and before %d are not found", size, pad, tail)
					}
				}
			}
		}
	}
}

// TestClassesDiffer: two values of a class are never the same, and none is too short to be looked for.
func TestClassesDiffer(t *testing.T) {
	d := &dice{name: "test"}
	var seen []string
	for _, c := range classes {
		for range 20 {
			v := c.make(d)
			if len(v) < shortest || slices.Contains(seen, v) {
				t.Errorf("class %s gives %q", c.name, v)
			}
			seen = append(seen, v)
		}
	}
	if len(classes) < 25 {
		t.Errorf("%d classes", len(classes))
	}
}

// TestLeaksStillFit: each line that a leaky build replaces stands where it stood, so that a change of a room does not
// first fail in the long proof.
func TestLeaksStillFit(t *testing.T) {
	root, err := house.Root()
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{}
	for i := range leaks {
		caught[leaks[i].sink] = true
		if _, err := leaks[i].patched(root); err != nil {
			t.Error(err)
		}
	}
	for i := range blind {
		if _, err := blind[i].patched(root); err != nil {
			t.Error(err)
		}
	}
	for _, sink := range []string{sinkValue, sinkKey, sinkHeader, sinkStamp, sinkQuarantine, sinkTally, sinkLog, sinkVerb, sinkMetrics, sinkStatus, sinkRedis} {
		if !caught[sink] {
			t.Errorf("no leaky build for %s", sink)
		}
	}
}
