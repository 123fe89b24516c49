// lists.go says how old the house's lists are.

package main

import (
	"fmt"
	"time"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/policy"
)

// importPlaces is the command that makes a new list of places.
func importPlaces(cfg *config.Config) string {
	return "consentry places import --out " + cfg.Detect.Places.File.Value + " IN..."
}

// placesAge says that the list of places is old, or too old to be believed; "" when it is neither, or none is named.
func placesAge(h *policy.House, now time.Time) string {
	switch ms := now.UnixMilli(); {
	case h.Places == nil || ms < h.PlacesWarnMS && !h.PlacesAhead(ms):
		return ""
	case h.PlacesAhead(ms):
		return fmt.Sprintf("the list of sensitive places is dated %s, which is to come: partners that read positions park", made(h))
	case h.PlacesStale(ms):
		return fmt.Sprintf("the list of sensitive places has data of %s and is too old: partners that read positions park", made(h))
	}
	return fmt.Sprintf("the list of sensitive places has data of %s and is getting old: from %s on partners that read positions park",
		made(h), time.UnixMilli(h.PlacesParkMS).UTC().Format(time.DateOnly))
}

func made(h *policy.House) string { return h.Places.Made().UTC().Format(time.DateOnly) }

// lists looks at the age of the house's lists.
func (f *findings) lists(h *policy.House) {
	old := placesAge(h, time.Now())
	switch {
	case h.Places == nil:
	case old == "":
		f.add(kafka.OK, "places", "", "the list of sensitive places has data of %s", made(h))
	case h.PlacesStale(time.Now().UnixMilli()):
		f.add(kafka.Fail, "places", importPlaces(f.cfg), "%s", old)
	default:
		f.add(kafka.Warn, "places", importPlaces(f.cfg), "%s", old)
	}
}
