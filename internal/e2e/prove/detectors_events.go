package main

// The planted events, by kind. What each must come to is written here by hand, and where a point lies is looked up by
// going through every place.

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/e2e/house"
)

// kind is one kind of event. verdicts are by partner topic; "" is for all others.
type kind struct {
	topic     string
	partition int32
	what      string
	share     int // of a hundred events
	verdicts  map[string]string
	make      func(p *planter) ([]byte, error)
}

func (k *kind) want(stream string) string {
	if v := k.verdicts[stream]; v != "" {
		return v
	}
	return k.verdicts[""]
}

func all(verdict string) map[string]string { return map[string]string{"": verdict} }

// minor marks whose line it is.
var (
	grown  any = goavro.Union("boolean", false)
	child  any = goavro.Union("boolean", true)
	untold any
)

var kinds = []kind{
	{"raw.location", 0, "within 240 m of a place", 9, all("sensitive_place"),
		func(p *planter) ([]byte, error) { return p.nearPlace(0, 240, 250) }},
	{"raw.location", 1, "240 to 249.5 m from a place", 9, all("sensitive_place"),
		func(p *planter) ([]byte, error) { return p.nearPlace(240, 249.5, 250) }},
	{"raw.location", 2, "within a stated accuracy of 300 m to 1 km", 8, all("sensitive_place"),
		func(p *planter) ([]byte, error) { return p.withinAccuracy() }},
	{"raw.location", 3, "in an area, or up to 249 m from it", 6, all("sensitive_place"),
		func(p *planter) ([]byte, error) { return p.nearArea(249) }},
	{"raw.location", 4, "a minor's, or perhaps", 6, all("minor"), func(p *planter) ([]byte, error) { return p.minorsPlace() }},
	{"raw.location", 5, "260 m from a place or an area", 10, all("released"), func(p *planter) ([]byte, error) { return p.beyond() }},
	{"raw.location", 6, "farther than the accuracy of 300 m to 1 km", 6, all("released"),
		func(p *planter) ([]byte, error) { return p.beyondAccuracy() }},
	{"raw.location", 7, "near what one stream withholds", 3, map[string]string{"partner.acme-ads.location": "sensitive_place", "": "released"},
		func(p *planter) ([]byte, error) { return p.nearStadium() }},
	{"raw.app_usage", 0, "an app that says it in its id", 6, all("sensitive_topic"),
		func(p *planter) ([]byte, error) { return p.app(p.of(plantedApps), grown) }},
	{"raw.app_usage", 4, "a minor's, or perhaps", 4, all("minor"),
		func(p *planter) ([]byte, error) { return p.app(p.of(cleanApps), p.young()) }},
	{"raw.app_usage", 5, "an ordinary app", 6, all("released"), func(p *planter) ([]byte, error) { return p.app(p.of(cleanApps), grown) }},
	{"raw.search", 0, "a search about a sensitive topic", 7, all("sensitive_topic"),
		func(p *planter) ([]byte, error) { return p.search(p.wish(), "https://www.shopmart.com/", false) }},
	{"raw.search", 1, "a domain of a special category", 7, all("sensitive_topic"),
		func(p *planter) ([]byte, error) { return p.search(p.of(cleanWishes), p.special(), false) }},
	{"raw.search", 4, "a minor's, or perhaps", 3, all("minor"),
		func(p *planter) ([]byte, error) {
			return p.search(p.of(cleanWishes), "https://www.shopmart.com/", p.perhaps())
		}},
	{"raw.search", 5, "an ordinary search", 10, all("released"),
		func(p *planter) ([]byte, error) {
			return p.search(p.of(cleanWishes), "https://www."+p.of(cleanSites)+"/p?id=7", false)
		}},
}

// Topics that the house must withhold, and those that it must not, as a person would name them.
var (
	plantedApps = strings.Fields("com.littlestork.pregnancytracker com.dailyverse.bible com.luckyspin.casino com.grindr.android " +
		"org.prayertimes.muslim com.heartlane.dating com.soberdays.addiction com.loanrelief.debt com.tinder com.quran.labs.androidquran " +
		"com.flo.periodtracker com.bumble.app com.pokerstars.mobile com.kidsgames.toddlers com.hornet.gaychat")
	cleanApps = strings.Fields("com.northmaps.app com.citytransit.rider com.quickchat.messenger com.streamly.video com.tunewave.music " +
		"com.blockfall.puzzle com.dailypress.news com.shopmart.store com.snaplens.photo com.weatherly.now com.goalline.scores com.docupad.office")
	plantedWishes = strings.Split("early pregnancy symptoms|abortion clinic near me|hiv test|depression help|breast cancer signs|gay bars near me|"+
		"am i bisexual|mosque prayer times|convert to judaism|join a trade union|which party should i vote for|debt consolidation|"+
		"online casino bonus|dating site for singles|alcohol rehab|domestic violence shelter|divorce lawyer|asylum application|where to buy a gun|"+
		"ramadan 2026|catholic church mass times|std symptoms|opioid withdrawal|payday loan bad credit|transgender clinic|daycare costs|"+
		"síntomas de embarazo|clínica de aborto|casino en línea|iglesia católica horarios|schwangerschaft symptome|krebs behandlung|"+
		"moschee öffnungszeiten|grossesse symptômes|avortement délai|sintomas de gravidez", "|")
	cleanWishes = strings.Split("weather this weekend|running shoes|used bikes|guitar chords|train times|crossword help|laptop stand|"+
		"camping stove|garden hose|football scores|bread recipe|best headphones|easy pasta dinner|light socket|desk lamp|phone case", "|")
	cleanSites = strings.Fields("shopmart.com bargainbin.com dailypress.com headliner.com streamly.com reelbox.tv northmaps.com " +
		"weatherly.com goalline.com cookwell.com tripnest.com homeplank.com")
)

func (p *planter) of(list []string) string { return list[p.dice.below(len(list))] }

// wish is a sensitive search, by chance in capitals, or amid other words.
func (p *planter) wish() string {
	w := p.of(plantedWishes)
	switch p.dice.below(4) {
	case 0:
		return strings.ToUpper(w)
	case 1:
		return "best " + w + " 2026"
	}
	return w
}

// special is a URL of the next domain, so that each of them has its turn, on the domain itself or below it.
func (p *planter) special() string {
	p.turn++
	d := p.domains[p.turn%len(p.domains)]
	if p.turn/len(p.domains)%2 == 1 && strings.Trim(d, "0123456789.") != "" {
		return "http://www." + d + "/x" // not below a bare address
	}
	return "https://" + d + "/"
}

func (p *planter) young() any {
	if p.dice.below(2) == 0 {
		return untold
	}
	return child
}

func (p *planter) perhaps() any {
	if p.dice.below(2) == 0 {
		return nil
	}
	return true
}

// around is a point at a distance and in a direction of the dice from q.
func (p *planter) around(q point, from, to float64) point {
	m := from + (to-from)*float64(p.dice.below(1_000_000))/1e6
	angle := 2 * math.Pi * float64(p.dice.below(1_000_000)) / 1e6
	return q.plus(m*math.Cos(angle), m*math.Sin(angle))
}

// accuracy is a stated accuracy up to a bound, or none.
func (p *planter) accuracy(upTo int) any {
	if p.dice.below(4) == 0 {
		return nil
	}
	return goavro.Union("float", float32(1+p.dice.below(upTo)))
}

func (p *planter) place() point { return p.places.points[p.dice.below(len(p.places.points))] }

// look counts a point that is not where it was meant to be.
func (p *planter) look(at point, meant func(always, stadium float64) bool) {
	if always, stadium := p.places.nearest(at); !meant(always, stadium) {
		p.misplaced++
	}
}

func (p *planter) nearPlace(from, to float64, accuracy int) ([]byte, error) {
	at := p.around(p.place(), from, to)
	p.look(at, func(a, _ float64) bool { return a >= from-0.5 && a <= to+0.3 })
	return p.location(at, p.accuracy(accuracy), grown)
}

func (p *planter) withinAccuracy() ([]byte, error) {
	a := float64(300 + p.dice.below(701))
	at := p.around(p.place(), 251, a-1.5)
	p.look(at, func(m, _ float64) bool { return m > 250 && m < a })
	return p.location(at, goavro.Union("float", float32(a)), grown)
}

func (p *planter) beyondAccuracy() ([]byte, error) {
	a := float64(300 + p.dice.below(701))
	at := p.around(p.place(), a*1.03+2, a*1.03+10)
	p.look(at, func(m, s float64) bool { return m > a*1.02 && s > 3000 })
	return p.location(at, goavro.Union("float", float32(a)), grown)
}

// besides gives a point beside a random area, at most so far from its edge; from below 0 also inside.
func (p *planter) besides(from, to float64) point {
	a := &p.places.areas[p.dice.below(len(p.places.areas))]
	out := a.half + from + (to-from)*float64(p.dice.below(1000))/1000
	along := (2*float64(p.dice.below(1000))/1000 - 1) * a.half
	switch p.dice.below(4) {
	case 0:
		return a.mid.plus(out, along)
	case 1:
		return a.mid.plus(-out, along)
	case 2:
		return a.mid.plus(along, out)
	}
	return a.mid.plus(along, -out)
}

func (p *planter) nearArea(to float64) ([]byte, error) {
	from := -150.0
	if p.dice.below(3) == 0 {
		from = 240
	}
	at := p.besides(from, to)
	p.look(at, func(a, _ float64) bool { return a <= to+1 })
	return p.location(at, p.accuracy(250), grown)
}

func (p *planter) beyond() ([]byte, error) {
	at := p.besides(260, 262)
	if p.dice.below(3) > 0 {
		at = p.around(p.place(), 260, 262)
	}
	p.look(at, func(a, s float64) bool { return a > 257 && s > 3000 })
	return p.location(at, p.accuracy(250), grown)
}

func (p *planter) nearStadium() ([]byte, error) {
	at := p.around(p.places.stadium[p.dice.below(len(p.places.stadium))], 0, 245)
	p.look(at, func(a, s float64) bool { return a > 3000 && s < 249 })
	return p.location(at, p.accuracy(250), grown)
}

// minorsPlace is anywhere, sensitive or not: that it is a minor's is said first.
func (p *planter) minorsPlace() ([]byte, error) {
	return p.location(p.around(p.place(), 0, 5000), p.accuracy(250), p.young())
}

type codecs struct{ location, apps *goavro.Codec }

func newCodecs(h *house.House) (codecs, error) {
	all, err := rawCodecs(h)
	return codecs{all["raw.location"], all["raw.app_usage"]}, err
}

var activated = goavro.Union("long.timestamp-millis", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))

func (p *planter) subscriber(minor any) map[string]any {
	return map[string]any{"msisdn": goavro.Union("string", p.of(p.subjects)), "imsi": "310014123456789", "account_id": "ACC-1",
		"activated_at": activated, "minor": minor}
}

func (p *planter) when() time.Time {
	return time.UnixMilli(p.nowMS - int64(p.dice.below(3_600_000))).UTC()
}

func (p *planter) location(at point, accuracy, minor any) ([]byte, error) {
	who := p.subscriber(minor)
	who["name"] = nil
	return p.framed("raw.location", p.codecs.location, map[string]any{
		"subscriber": who,
		"device":     map[string]any{"imei": "356938035643809", "mac": nil, "os": goavro.Union("string", "ios"), "model": nil},
		"cell":       map[string]any{"id": int64(1), "lac": 2, "neighbours": []any{}},
		"position":   goavro.Union("carrier.raw.Position", map[string]any{"lat": at.lat, "lon": at.lon, "accuracy": accuracy}),
		"network":    map[string]any{"kind": "G5", "roaming": nil, "bars": 4}, "observed_at": p.when(),
		"ip": nil, "probe": nil, "payload": nil, "attributes": map[string]any{}, "signals": nil,
	})
}

func (p *planter) app(id string, minor any) ([]byte, error) {
	return p.framed("raw.app_usage", p.codecs.apps, map[string]any{
		"subscriber": p.subscriber(minor), "device": map[string]any{"imei": "356938035643809", "ad_id": nil, "os": "android"},
		"app": map[string]any{"package": id, "version": nil}, "started_at": p.when(), "duration_s": 61, "bytes_down": int64(9), "hosts": []any{},
		"ip": nil, "signals": nil,
	})
}

func (p *planter) framed(topic string, c *goavro.Codec, native map[string]any) ([]byte, error) {
	out := binary.BigEndian.AppendUint32([]byte{0}, p.ids[topic])
	return c.BinaryFromNative(out, native)
}

func (p *planter) search(text, url string, minor any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"subscriber": map[string]any{"msisdn": p.of(p.subjects)[1:], "imsi": "310014123456789", "account_id": "ACC-1",
			"activated_at": "2020-01-01T00:00:00Z", "minor": minor},
		"search": map[string]any{"text": text, "engine": "northfind"}, "page": map[string]any{"url": url, "title": "Page"},
		"searched_at": p.when().Format(time.RFC3339),
	})
}

// produce writes n events, each into the partition of its kind.
func (p *planter) produce(ctx context.Context, h *house.House, n int) (map[part]int64, error) {
	cl, err := h.Client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordRetries(20), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	planted := map[part]int64{}
	failed := make(chan error, 1)
	for i := range kinds {
		k := &kinds[i]
		for range n * k.share / 100 {
			v, err := k.make(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", k.topic, k.what, err)
			}
			planted[part{k.topic, k.partition}]++
			cl.Produce(ctx, &kgo.Record{Topic: k.topic, Partition: k.partition, Value: v}, func(_ *kgo.Record, err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return nil, err
	}
	select {
	case err := <-failed:
		return nil, err
	default:
		return planted, nil
	}
}

// specialCategories are those of the list whose domains say something that the house withholds.
var specialCategories = map[string]bool{"astrology": true, "child": true, "dating": true, "drogue": true, "gambling": true, "hacking": true,
	"lingerie": true, "mixed_adult": true, "sect": true, "sexual_education": true, "stalkerware": true}

// specialDomains reads the published list beside the checkout.
func specialDomains() ([]string, error) {
	root, err := house.Root()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(root, "..", "shared", "data", "ref_domain_categories", "ut1_domains_a.csv"))
	if err != nil {
		return nil, errors.New("the published list of domain categories is not there: ../shared/data/ref_domain_categories, beside the checkout")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, errors.New("the published list of domain categories cannot be read")
	}
	var list []string
	for _, row := range rows[1:] {
		if len(row) == 2 && specialCategories[row[1]] {
			list = append(list, row[0])
		}
	}
	if len(list) < 1000 {
		return nil, errors.New("the published list of domain categories is not whole")
	}
	return list, nil
}
