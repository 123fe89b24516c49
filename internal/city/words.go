package city

// Invented people, streets, shops and wishes. What is on sample lists comes from deploy/samples; the rest is the tail.

import (
	"errors"
	"strings"

	"github.com/consentry/consentry/deploy/samples"
)

var givenNames = strings.Fields("Ada Alma Amir Ana Anton Aria Asher Bela Bruno Cara Carlos Chloe Dana David Elena Eli " +
	"Emma Ezra Faye Felix Grace Hana Hugo Ida Ines Isaac Ivy Jade James Jonas Kai Kira Lara Leo Lena Liam Lucia Maya " +
	"Mia Milo Mina Nadia Noah Nora Omar Otto Paula Pedro Quinn Rafael Rosa Ruth Sam Sara Theo Tessa Uma Vera Victor " +
	"Wanda Wes Yara Yusuf Zoe")

var familyNames = strings.Fields("Abbott Alvarez Archer Bailey Banks Barlow Becker Bishop Blake Brandt Calloway Carver " +
	"Castillo Chen Cole Crane Dalton Delgado Doyle Draper Ellis Farrow Fisher Fleming Fox Garner Gibbs Grant Hale Harmon " +
	"Hayes Hobbs Ibarra Ingram Jansen Keller Kim Knox Lambert Lane Larsen Lowe Maddox Marsh Mercer Molina Nash Novak " +
	"Okafor Ortega Parrish Patel Quigley Ramsey Reyes Rowe Santos Shaw Silva Tate Tran Vance Walsh Yates")

var streetNames = strings.Fields("Alder Birch Canyon Cedar Chestnut Church Clover Elm Garden Harbor Hickory Juniper " +
	"Lake Laurel Maple Meadow Mill Oak Orchard Pine Prairie River Spruce Summit Valley Walnut Willow Windmill")

var streetKinds = strings.Fields("Street Avenue Road Lane Drive Court Boulevard Place")

var models = strings.Fields("Nova-7 Nova-8 Nova-8-Pro Orbit-3 Orbit-4 Pebble-X Pebble-XL Lumen-12 Lumen-13 Lumen-14 " +
	"Kestrel-2 Kestrel-3 Tern-S Tern-Mini Atlas-9 Atlas-10")

var wishes = strings.Split("running shoes|weather this weekend|easy pasta dinner|bus to the airport|used bikes|"+
	"second hand sofa|how to descale a kettle|train times|football scores|best headphones|cheap flights in march|"+
	"how to fix a leaking tap|birthday cake ideas|dog walker near me|guitar chords|film times tonight|plant care|"+
	"light socket|garden hose|yellow raincoat|bread recipe|camping stove|learn to swim|paint colours|crossword help|"+
	"café ouvert|früh aufstehen|手机壳|рецепт борща|laptop stand|phone battery drains|tax form deadline|jobs for students", "|")

var titleWords = strings.Split("Home|Results|Your order|Top stories|Product page|Sign in|Recipe|Map|Scores|Basket", "|")

var tailStems = strings.Fields("amber anvil badger basil beacon birch bramble brook canvas cedar cinder clover cobalt " +
	"copper coral cricket dapple ember fable falcon fern flint garnet hazel heron indigo ivory juniper kelp lantern " +
	"larch linen lotus maple marlin meadow mica moss nectar oak onyx opal orchard otter pebble pepper pine plume " +
	"quartz quill raven ridge saffron sage slate sparrow thistle timber topaz tulip velvet violet walnut willow wren")

var tailKinds = strings.Fields("shop news tools travel garden music games hats bank books cars chat photo video food " +
	"sport school work home pets maps radio style craft")

var tailZones = strings.Fields("com net org io co.uk de fr us info shop")

// privateHosts belong to one person each under a shared domain: the trap of the public suffix list.
var privateHosts = strings.Fields("github.io blogspot.com duckdns.org synology.me myshopify.com")

// goods are what people use: the apps and sites of the sample lists.
// private are the sites that the sample list of topics adds to what is shipped.
type goods struct{ apps, sites, private []string }

func newGoods() (goods, error) {
	var g goods
	for file, list := range map[string]*[]string{"app-categories.csv": &g.apps, "topic-domains.csv": &g.private} {
		text, err := samples.Files.ReadFile("lists/" + file)
		if err != nil {
			return g, errors.New("the sample list " + file + " is missing")
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			from, _, _ := strings.Cut(line, ",")
			*list = append(*list, from)
		}
	}
	sites, err := samples.Files.ReadFile("lists/sites.txt")
	if err != nil {
		return g, errors.New("the sample list of sites is missing")
	}
	for line := range strings.Lines(string(sites)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			g.sites = append(g.sites, line)
		}
	}
	if len(g.apps) == 0 || len(g.sites) == 0 || len(g.private) == 0 {
		return g, errors.New("a sample list is empty")
	}
	return g, nil
}

const tailSize = 2000

// zipf draws a rank in [0, n), the first ones most often: P(rank) falls about as 1/(rank+1).
func zipf(h, n uint64) uint64 {
	// Each octave of ranks is equally likely; a good likeness of Zipf's law without a logarithm.
	octaves := uint64(1)
	for 1<<octaves <= n {
		octaves++
	}
	o := scale(h, octaves)
	lo := uint64(1)<<o - 1
	return min(lo+scale(mix(h), lo+1), n-1)
}

// appendApp writes an app's package. Everybody has a dozen favourites; listed ones are the most popular.
func (c *City) appendApp(dst []byte, u uint64, r *rng) []byte {
	favourite := c.trait(tagApps+r.below(r.below(12)+1)<<8, u)
	if favourite%100 < 82 {
		return append(dst, c.goods.apps[zipf(mix(favourite), uint64(len(c.goods.apps)))]...)
	}
	if favourite%100 < 82+privateApp && c.private(u) {
		return append(dst, privateApps[scale(mix(favourite), uint64(len(privateApps)))]...)
	}
	n := zipf(mix(favourite), tailSize)
	dst = append(append(dst, "com."...), tailStems[n%uint64(len(tailStems))]...)
	dst = append(append(dst, '.'), tailKinds[n/7%uint64(len(tailKinds))]...)
	return appendDigits(dst, n, 4)
}

// appendSite writes a registrable domain, as favourites like apps.
func (c *City) appendSite(dst []byte, u uint64, r *rng) []byte {
	favourite := c.trait(tagSites+r.below(r.below(20)+1)<<8, u)
	if favourite%100 < 60 {
		return append(dst, c.goods.sites[zipf(mix(favourite), uint64(len(c.goods.sites)))]...)
	}
	if favourite%100 < 60+privateSite && c.private(u) {
		return append(dst, c.goods.private[scale(mix(favourite), uint64(len(c.goods.private)))]...)
	}
	n := zipf(mix(favourite), tailSize)
	dst = append(dst, tailStems[n%uint64(len(tailStems))]...)
	dst = append(dst, tailKinds[n/5%uint64(len(tailKinds))]...)
	return append(append(dst, '.'), tailZones[n%uint64(len(tailZones))]...)
}
