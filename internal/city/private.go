package city

// What is nobody's business, whatever somebody has agreed to: places, apps, sites and searches that say something about
// health, faith, love, money or children. A firewall must withhold what happens there. All of it is invented.

import "strings"

// PrivatePlace is a sensitive place of the town, the same in every city: deploy/samples/lists/places.csv lists them.
type PrivatePlace struct {
	Kind     string // as maps call it
	Lat, Lon float64
}

// privatePlaces stand where people live, work and shop: kind, and metres east and north of the square's corner.
var privatePlaces = [...]struct {
	kind string
	at   spot
}{
	{"hospital", spot{30_700, 30_400}}, {"hospital", spot{17_300, 38_900}}, {"clinic", spot{29_100, 31_200}},
	{"clinic", spot{42_800, 41_500}}, {"abortion_clinic", spot{31_400, 28_900}}, {"fertility_clinic", spot{40_300, 16_600}},
	{"addiction_rehabilitation_center", spot{27_900, 32_700}}, {"psychiatrist", spot{30_100, 29_300}},
	{"church", spot{28_700, 28_400}}, {"church", spot{14_300, 16_500}}, {"mosque", spot{33_100, 31_800}},
	{"mosque", spot{17_900, 37_200}}, {"synagogue", spot{31_900, 33_300}}, {"hindu_temple", spot{43_600, 40_200}},
	{"sikh_temple", spot{39_500, 17_800}}, {"school", spot{26_400, 29_900}}, {"school", spot{34_200, 34_600}},
	{"school", spot{16_100, 39_700}}, {"school", spot{44_100, 42_400}}, {"school", spot{41_200, 15_700}},
	{"kindergarten", spot{13_500, 15_200}}, {"kindergarten", spot{28_600, 49_300}}, {"day_care", spot{51_200, 28_500}},
	{"homeless_shelter", spot{32_500, 27_300}}, {"womens_shelter", spot{24_800, 33_900}}, {"prison", spot{8_400, 27_400}},
	{"courthouse", spot{29_600, 30_600}}, {"labor_union", spot{30_300, 31_900}}, {"political_party", spot{31_000, 30_900}},
	{"gay_bar", spot{29_300, 29_800}}, {"military_base", spot{52_300, 51_600}}, {"refugee_site", spot{30_600, 8_500}},
}

// PrivatePlaces lists them.
func PrivatePlaces() []PrivatePlace {
	var all []PrivatePlace
	for _, p := range privatePlaces {
		lat, lon := p.at.latLon()
		all = append(all, PrivatePlace{p.kind, lat, lon})
	}
	return all
}

// privateApps are told by words of their ids.
var privateApps = strings.Fields("com.littlestork.pregnancytracker com.dailyverse.bible com.luckyspin.casino " +
	"org.prayertimes.muslim com.heartlane.dating com.soberdays.addiction com.rainbowchat.gaydating com.loanrelief.debt")

// privateWishes are what people ask a search engine and nobody else.
var privateWishes = strings.Split("early pregnancy symptoms|abortion clinic near me|hiv test anonymous|depression help|"+
	"signs of breast cancer|gay bars near me|am i bisexual test|mosque prayer times|how to convert to judaism|"+
	"how to join a trade union|which party should i vote for|debt consolidation loan|online casino bonus|dating site for singles|"+
	"alcohol addiction rehab|domestic violence shelter|divorce lawyer|asylum application status|where to buy a gun", "|")

// private tells whether somebody ever uses, visits or asks what is private: half of all people.
func (c *City) private(u uint64) bool { return c.trait(tagPrivate, u)%2 == 1 }

// Shares in percent of what those use, visit and ask.
const (
	privateApp  = 8
	privateSite = 6
	privateWish = 10
	// Of somebody's further places.
	privatePlace = 4
)

// privateSpot is a sensitive place that somebody goes to.
func privateSpot(h uint64) spot { return privatePlaces[scale(h, uint64(len(privatePlaces)))].at }

// PrivateApps and PrivateWishes list what is planted of each.
func PrivateApps() []string   { return privateApps }
func PrivateWishes() []string { return privateWishes }

// Stadium is a place that is nobody's secret, but that a stream may ask to be withheld too.
func Stadium() PrivatePlace {
	lat, lon := spot{35_500, 36_000}.latLon()
	return PrivatePlace{"stadium", lat, lon}
}
