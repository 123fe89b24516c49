package city

// The list of places that the samples ship is the town's, and it is what `consentry places import` makes of its CSV.

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/detect"
)

var update = flag.Bool("update", false, "write the samples' list of places anew")

const listsFolder = "../../deploy/samples/lists/"

// placesMade is when the town's places were written down.
var placesMade = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func TestSampleListOfPlaces(t *testing.T) {
	var text strings.Builder
	text.WriteString("# The sensitive places of the synthetic city, and a stadium. Nobody goes there.\ncategory,lat,lon\n")
	for _, p := range append(PrivatePlaces(), Stadium()) {
		fmt.Fprintf(&text, "%s,%.6f,%.6f\n", p.Kind, p.Lat, p.Lon)
	}
	im, err := detect.NewPlaceImport("", nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := im.Add("places.csv", strings.NewReader(text.String()), placesMade)
	if err != nil || report.Taken != len(privatePlaces)+1 || report.Malformed+report.Skipped > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	list, err := im.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"places.csv": []byte(text.String()), "places.consentry": list} {
		if *update {
			if err := os.WriteFile(listsFolder+name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := samples.Files.ReadFile("lists/" + name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the town's: go test ./internal/city -run Places -update", name)
		}
	}
	// Every place is always withheld but the stadium, which one stream asks for.
	read, err := detect.ReadPlaces(bytes.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range PrivatePlaces() {
		if _, near := read.Near(p.Lat, p.Lon, 0); !near {
			t.Errorf("the %s is not withheld", p.Kind)
		}
	}
	s := Stadium()
	stadium, known := read.Category(s.Kind)
	if _, near := read.Near(s.Lat, s.Lon, 0); near || !known {
		t.Error("the stadium is always withheld, or not known")
	}
	if _, near := read.NearAlso(s.Lat, s.Lon, 0, stadium); !near {
		t.Error("the stadium cannot be withheld")
	}
}

// TestPrivateIsPrivate: what the city plants is what the house withholds, and what everybody does is not.
func TestPrivateIsPrivate(t *testing.T) {
	g, err := newGoods()
	if err != nil {
		t.Fatal(err)
	}
	var extra []detect.TopicEntry
	for _, site := range g.private {
		extra = append(extra, detect.TopicEntry{From: site, To: "withhold"})
	}
	topics, err := detect.NewTopics(detect.TopicLists{Domains: extra})
	if err != nil {
		t.Fatal(err)
	}
	var tail []string
	c := newCity(t, Options{Seed: 1})
	for u := uint64(0); len(tail) < 4000; u++ {
		if r := rng(u); !c.private(u) {
			tail = append(tail, string(c.appendSite(nil, u, &r)))
		}
	}
	of := map[string]func([]byte) (detect.Node, bool){"app": topics.App, "site": topics.Domain, "wish": topics.Text}
	for _, c := range []struct {
		what, kind string
		list       []string
		private    bool
	}{
		{"private app", "app", privateApps, true}, {"private site", "site", g.private, true}, {"private wish", "wish", privateWishes, true},
		{"app", "app", g.apps, false}, {"site", "site", g.sites, false}, {"site of the tail", "site", tail, false}, {"wish", "wish", wishes, false},
	} {
		for _, v := range c.list {
			if node, sensitive := of[c.kind]([]byte(v)); sensitive != c.private {
				t.Errorf("%s %q: sensitive %v (%v)", c.what, v, sensitive, node)
			}
		}
	}
}
