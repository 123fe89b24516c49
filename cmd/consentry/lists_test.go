package main

// How old the list of places may be, at the boundaries; and what a house without such a list says.

import (
	"bytes"
	"strings"
	"testing"
	"time"

	samples "github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/policy"
)

func TestAgeOfPlaces(t *testing.T) {
	raw, err := samples.Files.ReadFile("lists/places.consentry")
	if err != nil {
		t.Fatal(err)
	}
	p, err := detect.ReadPlaces(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	made := p.Made()
	h := &policy.House{Places: p, PlacesWarnMS: made.Add(35 * day).UnixMilli(), PlacesParkMS: made.Add(90 * day).UnixMilli()}
	for _, c := range []struct {
		age  time.Duration
		want string
	}{
		{35*day - time.Millisecond, ""}, {35 * day, "getting old: from 2027-02-20 on"}, {90*day - time.Millisecond, "getting old"}, {90 * day, "too old"},
	} {
		got := placesAge(h, made.Add(c.age))
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("after %v: %q, want %q", c.age, got, c.want)
		}
	}
	h.PlacesMadeMS = made.UnixMilli()
	for age, want := range map[time.Duration]string{-day: "", -day - time.Millisecond: "which is to come"} {
		if got := placesAge(h, made.Add(age)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%v before its date: %q, want %q", -age, got, want)
		}
	}
	if got := placesAge(&policy.House{}, made.Add(9000*day)); got != "" {
		t.Errorf("without a list: %q", got)
	}
}
