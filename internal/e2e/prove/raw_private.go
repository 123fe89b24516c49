package main

// Which raw events of the city must stay whoever agreed: a minor's, those near its sensitive places by going through
// all of them, and those whose app, search or site is one that the city plants. No list of the product is asked.

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/internal/city"
)

// nearCity is within what the house says, 250 m or the stated accuracy, of a sensitive place of the city. One metre is
// left to the shape of the earth.
func nearCity(lat, lon, accuracyM float64) bool {
	for _, p := range city.PrivatePlaces() {
		if (point{lat, lon}).apart(point{p.Lat, p.Lon}) < max(250, accuracyM)-1 {
			return true
		}
	}
	return false
}

// avroPrivate looks at what goavro decoded.
func avroPrivate(m map[string]any) bool {
	inner := func(v any, branch string) any {
		union, _ := v.(map[string]any)
		return union[branch]
	}
	sub, _ := m["subscriber"].(map[string]any)
	if minor, known := inner(sub["minor"], "boolean").(bool); minor || !known {
		return true
	}
	if app, ok := m["app"].(map[string]any); ok && slices.Contains(city.PrivateApps(), app["package"].(string)) {
		return true
	}
	at, ok := inner(m["position"], "carrier.raw.Position").(map[string]any)
	if !ok {
		return false
	}
	accuracy, _ := inner(at["accuracy"], "float").(float32)
	lat, lon := at["lat"].(float64), at["lon"].(float64)
	return !math.IsNaN(lat) && nearCity(lat, lon, float64(accuracy))
}

func jsonPrivate(value []byte) bool {
	var e struct {
		Subscriber struct {
			Minor *bool `json:"minor"`
		} `json:"subscriber"`
		Search struct {
			Text string `json:"text"`
		} `json:"search"`
		Page *struct {
			URL string `json:"url"`
		} `json:"page"`
	}
	if json.Unmarshal(value, &e) != nil {
		return true
	}
	if e.Subscriber.Minor == nil || *e.Subscriber.Minor || slices.Contains(city.PrivateWishes(), e.Search.Text) {
		return true
	}
	return e.Page != nil && slices.ContainsFunc(privateSites(), func(site string) bool { return strings.Contains(e.Page.URL, site+"/") })
}

// privateSites are those of the samples' own list.
var privateSites = sync.OnceValue(func() []string {
	text, _ := samples.Files.ReadFile("lists/topic-domains.csv")
	rows, _ := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	var sites []string
	for _, row := range rows[min(1, len(rows)):] {
		sites = append(sites, row[0])
	}
	return sites
})
