package detect

// The table against what the laws that it names say, and against a slow reading of it.

import (
	"math"
	"strings"
	"testing"

	"github.com/golang/geo/s2"
)

func jurisdictions(t testing.TB, rows ...string) *Jurisdictions {
	t.Helper()
	j, err := NewJurisdictions("mine.csv", strings.NewReader(JurisdictionHeader+"\n"+strings.Join(rows, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestShippedJurisdictions(t *testing.T) {
	j := jurisdictions(t)
	for _, c := range []struct {
		place, residence string
		level            int
		want             bool
	}{
		{"US-VA", "US-VA", 12, true}, {"US-VA", "US-VA", 13, false}, {"us-tx", "us", 12, true}, {"US-TX", "DE", 13, false},
		{"DE", "US", 13, false}, {"DE", "FR", 13, true}, {"DE-BE", "FR", 20, true},
		{"", "", 12, true}, {"", "", 13, false}, {"DE", "", 13, false}, {"", "DE", 13, false}, {"XX", "DE", 13, false},
		{"DEU", "DE", 13, false}, {"D\xff", "DE", 13, false}, {"U1", "DE", 13, false},
	} {
		if got := j.Allows([]byte(c.place), []byte(c.residence), LevelRadiusM(c.level)); got != c.want {
			t.Errorf("%q %q level %d: %v", c.place, c.residence, c.level, got)
		}
	}
	if j.Allows([]byte("DE"), []byte("DE"), math.NaN()) || (&Jurisdictions{}).Allows([]byte("DE"), []byte("DE"), 1e9) {
		t.Error("no radius, or no table, allows something")
	}
	for _, r := range j.Rules() {
		if !strings.Contains(r.Note, "needs counsel") || LevelRadiusM(12) < r.MinRadiusM {
			t.Errorf("%s: %q, %v m", r.Code, r.Note, r.MinRadiusM)
		}
	}
}

func TestOperatorsRulesOnlyTighten(t *testing.T) {
	j := jurisdictions(t, "US-VA,either,100,2026-01-01,us,looser", "FR-75,place,ban,2026-01-01,us,", "DE,residence,2000,2026-01-01,us,", "*,either,50,2026-01-01,us,")
	for _, c := range []struct {
		place, residence string
		radius           float64
		want             bool
	}{
		{"US-VA", "CH", 500, false}, {"US-VA", "CH", 1000, true}, {"FR-75", "CH", 1e9, false}, {"fr-75", "CH", 1e9, false}, {"CH", "FR-75", 60, true},
		{"FR", "CH", 1e9, false}, {"FR-69", "CH", 1e9, false}, {"", "CH", 1e9, false}, {"DE", "CH", 60, true}, {"CH", "DE", 1999, false},
		{"CH", "DE-BY", 2000, true}, {"CH", "", 1999, false}, {"CH", "", 2000, true}, {"CH", "CH", 49, false}, {"CH", "CH", 50, true},
		{"US-ZZ", "CH", 999, false},
	} {
		if got := j.Allows([]byte(c.place), []byte(c.residence), c.radius); got != c.want {
			t.Errorf("%q %q %v m: %v", c.place, c.residence, c.radius, got)
		}
	}
}

func TestJurisdictionFilesSayWhereTheyAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":           "mine.csv:1: ",
		"code,of\n":  "mine.csv:1: the first line",
		"# x\n\nUS,": "mine.csv:3: the first line",
		JurisdictionHeader + "\nUSA,either,1,2026-01-01,x,":      "mine.csv:2: code",
		JurisdictionHeader + "\nUS,any,1,2026-01-01,x,":          "mine.csv:2: of must",
		JurisdictionHeader + "\n\nUS,place,0,2026-01-01,x,":      "mine.csv:3: min_radius_m",
		JurisdictionHeader + "\nUS,place,NaN,2026-01-01,x,":      "mine.csv:2: min_radius_m",
		JurisdictionHeader + "\nUS,place,Ban,2026-01-01,x,":      "mine.csv:2: min_radius_m",
		JurisdictionHeader + "\nUS,place,ban,1.1.2026,x,":        "mine.csv:2: since",
		JurisdictionHeader + "\nUS,place,ban,2026-01-01,,":       "mine.csv:2: source",
		JurisdictionHeader + "\nUS,place,ban,2026-01-01,x":       "mine.csv:2: a line has",
		JurisdictionHeader + "\n" + strings.Repeat("x", 100_000): "mine.csv:2: the file cannot",
	} {
		j, err := NewJurisdictions("mine.csv", strings.NewReader(text))
		if err == nil || j != nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q: %v", text, err)
		}
	}
}

func FuzzJurisdictions(f *testing.F) {
	f.Add(JurisdictionHeader+"\nUS-VA,either,ban,2026-01-01,x,", "US", "us-va")
	f.Add(JurisdictionHeader+"\n*,place,5e3,2026-01-01,x,y,z", "", "\xff-1")
	house := jurisdictions(f)
	f.Fuzz(func(t *testing.T, text, place, residence string) {
		j, err := NewJurisdictions("f", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range []float64{1, 600, 1270, 1e6} {
			if j.Allows([]byte(place), []byte(residence), r) && !house.Allows([]byte(place), []byte(residence), r) {
				t.Fatal("an operator's file loosens the house's")
			}
		}
	})
}

// The table of radii is no cell's radius anywhere, and the smallest cell's nearly.
func TestLevelRadii(t *testing.T) {
	radius := func(id s2.CellID) float64 {
		c, r := s2.CellFromCellID(id), 0.0
		for i := range 4 {
			for j := range i {
				r = max(r, float64(c.Vertex(i).Distance(c.Vertex(j)))/2)
			}
		}
		return r * earthM
	}
	for level := range 31 {
		smallest := math.Inf(1)
		look := func(lat, lon float64) {
			id := s2.CellIDFromLatLng(s2.LatLngFromDegrees(lat, lon)).Parent(level)
			smallest = min(smallest, radius(id))
			for _, near := range id.EdgeNeighbors() {
				smallest = min(smallest, radius(near))
			}
		}
		if level < 6 {
			for face := range 6 {
				for id := s2.CellIDFromFace(face).ChildBeginAtLevel(level); id != s2.CellIDFromFace(face).ChildEndAtLevel(level); id = id.Next() {
					smallest = min(smallest, radius(id))
				}
			}
		}
		for _, lon := range []float64{-135, -45, 45, 135} { // middles of edges
			look(1e-9, lon-1e-9)
			look(1e-9, lon+1e-9)
			look(45-1e-9, lon+45-1e-9)
			look(45-1e-9, lon+45+1e-9)
		}
		for i := range 3000 {
			look(math.Asin(2*math.Mod(float64(i)*0.6180339887, 1)-1)*180/math.Pi, math.Mod(float64(i)*137.508, 360)-180)
		}
		if got := LevelRadiusM(level); got > smallest || got < smallest*0.98 && smallest-got > 1 {
			t.Errorf("level %d: the table has %v m, and a cell has %v m", level, got, smallest)
		}
	}
	if LevelRadiusM(-1) != 0 || LevelRadiusM(31) != 0 {
		t.Error("what is no level has a radius")
	}
}
