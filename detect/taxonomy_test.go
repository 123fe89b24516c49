package detect

import (
	"slices"
	"strings"
	"testing"
)

// Version 3.1 has its flags some rows off. These nodes were flagged and are harmless, or were not and are sensitive: the
// list stands here so that nobody ever takes the flags from that column again.
func TestFlagsAreNotTheShiftedOnes(t *testing.T) {
	for _, name := range []string{"Reptiles", "Theater", "Auto Racing", "Pet Supplies", "Smart Home", "Western", "Vegan Diets",
		"Real Estate Buying and Selling", "Real Estate Renting and Leasing", "Vacation Properties"} {
		n, known := ParseNode(name)
		if !known || n.Sensitive() || !n.Open() {
			t.Errorf("%s: known %v, sensitive %v, open %v; it is harmless", name, known, n.Sensitive(), n.Open())
		}
	}
	for _, name := range []string{"Judaism", "Sikhism", "Political Issues & Policy", "Elections", "Vaccines", "Surgery",
		"Pharmaceutical Drugs", "Genetics", "Dating", "Divorce", "Special Needs Kids", "Smoking Cessation", "Medical Tests",
		"Agnosticism", "Islam", "Christianity", "Alcoholic Beverages", "Bodybuilding", "Personal Investing", "Special Education"} {
		n, known := ParseNode(name)
		if !known || !n.Sensitive() || n.Open() {
			t.Errorf("%s: known %v, sensitive %v, open %v; it is sensitive", name, known, n.Sensitive(), n.Open())
		}
	}
}

// Nothing below a flagged node may leave, and nothing above one may be a value: it could stand for what is flagged.
func TestClosureRunsBothWays(t *testing.T) {
	flagged := map[string]bool{}
	for line := range rows(specialTSV) {
		_, name, _ := strings.Cut(line, "\t")
		flagged[name] = true
	}
	if len(flagged) != 64 {
		t.Fatalf("%d nodes are flagged in version 2.2, want 64", len(flagged))
	}
	tax := iab()
	if n := len(tax.nodes) - 1; n != 704 {
		t.Errorf("%d nodes, want 704", n)
	}
	closedByHouse := 0
	for i := range tax.nodes[1:] {
		n := Node(i + 1)
		under := false
		for up := n; up != 0; up = tax.nodes[up].parent {
			under = under || flagged[tax.nodes[up].name] || tax.nodes[up].name == "Political Issues & Policy"
		}
		if under && !n.Sensitive() {
			t.Errorf("%s lies in a flagged branch and is not sensitive", n)
		}
		if !under && n.Sensitive() {
			closedByHouse++
		}
		if n.Sensitive() {
			for up := tax.nodes[n].parent; up != 0; up = tax.nodes[up].parent {
				if flagged[n.String()] && up.Open() {
					t.Errorf("%s may leave, and %s below it is flagged", up, n)
				}
			}
		}
	}
	if closedByHouse < 60 {
		t.Errorf("the house closes %d nodes beside the flagged ones, want at least 60", closedByHouse)
	}
}

func TestOpenNodes(t *testing.T) {
	nodes := OpenNodes()
	if len(nodes) < 200 || len(nodes) > 1000 {
		t.Errorf("%d open nodes", len(nodes))
	}
	for _, n := range nodes {
		if n.Sensitive() || iab().nodes[n].tier > 2 {
			t.Errorf("%s: sensitive %v, tier %d", n, n.Sensitive(), iab().nodes[n].tier)
		}
	}
	for _, name := range []string{"Medical Health", "Religion & Spirituality", "Sensitive Topics", "Sports", "Education", "Food & Drink", "Science",
		"Personal Finance", "Healthy Living", "Politics", "Parenting", "Terrorism", "Personal Debt", "Casinos & Gambling", "Law", "Crime"} {
		if n, known := ParseNode(name); !known || slices.Contains(nodes, n) {
			t.Errorf("%s may leave", name)
		}
	}
}

func TestNodesOutsideTheTaxonomy(t *testing.T) {
	for _, n := range []Node{0, 4000, houseNodes, houseNodes + 5, 65535} {
		if n.Open() || n.Sensitive() != (n != 0) || n.value() != n {
			t.Errorf("%d: open %v, sensitive %v", n, n.Open(), n.Sensitive())
		}
	}
	if got := (houseNodes + 2).String(); got != "health" {
		t.Errorf("%q", got)
	}
	if got := Node(65535).String(); got != "" {
		t.Errorf("%q", got)
	}
	cars, _ := ParseNode("Automotive")
	type_, _ := ParseNode("Auto Type")
	if !type_.Within(cars) || cars.Within(type_) || Node(0).Within(cars) || type_.Within(0) || !cars.Within(cars) {
		t.Error("Within")
	}
}

func TestBrokenTaxonomiesAreErrors(t *testing.T) {
	good := "1\t\tA\n2\t1\tB\n"
	for _, c := range [][3]string{
		{"1\tA\n", "", ""}, {"1\t\tA\n1\t\tA\n", "", ""}, {"1\t9\tA\n", "", ""}, {good, "7\tX\n", ""}, {good, "", "nonsense\tA\n"}, {good, "", "health\tZ\n"},
	} {
		if _, err := readTaxonomy(c[0], c[1], c[2]); err == nil {
			t.Errorf("%q was read", c)
		}
	}
	if _, err := readTaxonomy(good, "2\tB\n", "health\tB\n"); err != nil {
		t.Error(err)
	}
}
