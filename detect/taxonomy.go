package detect

// The published taxonomy whose nodes the filter topic may give, and which of them never leave. Version 3.1 of the
// taxonomy has its flags of special category data in the wrong rows (Reptiles is flagged, Judaism is not), so they are
// taken from version 2.2, closed over ancestors and descendants, and the house's own list is added.

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Node is a node of the IAB Content Taxonomy 3.1, or a class of the house list. The zero Node is none: unknown.
type Node uint16

// houseNodes are above all nodes of the taxonomy: the classes of the house list, which has topics of its own.
const houseNodes Node = 1 << 12

var (
	//go:embed data/iab_content_taxonomy.tsv
	taxonomyTSV string
	//go:embed data/iab_special_categories.tsv
	specialTSV string
	//go:embed data/topics_closed.tsv
	closedTSV string
)

// standing of a node. The zero standing is closed.
type standing uint8

const (
	closed standing = iota // it is sensitive: never a value, and an event about it is withheld
	mixed                  // something below it is flagged: never a value itself, but harmless where it is looked up
	open                   // may be a value, if its tier is 1 or 2
)

type taxon struct {
	id, name string
	parent   Node
	tier     uint8 // 1 is the top
	standing standing
	class    Node // of the house list, where that closed it; else 0
}

type taxonomy struct {
	nodes   []taxon // nodes[0] is none
	byName  map[string]Node
	classes []string // of the house list; class i is the Node houseNodes+i
}

var iab = sync.OnceValue(func() *taxonomy {
	t, err := readTaxonomy(taxonomyTSV, specialTSV, closedTSV)
	if err != nil {
		panic("detect: embedded taxonomy: " + err.Error()) // a test reads the same bytes
	}
	return t
})

func readTaxonomy(nodes, special, closedBy string) (*taxonomy, error) {
	t := &taxonomy{nodes: []taxon{{}}, byName: map[string]Node{}, classes: houseClasses}
	byID := map[string]Node{}
	parents := []string{""}
	for line := range rows(nodes) {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[0] == "" || f[2] == "" {
			return nil, fmt.Errorf("%q is not id, parent, name", line)
		}
		n := Node(len(t.nodes))
		if _, twice := t.byName[f[2]]; twice || n >= houseNodes {
			return nil, fmt.Errorf("%q is there twice, or there are too many", f[2])
		}
		byID[f[0]], t.byName[f[2]] = n, n
		t.nodes = append(t.nodes, taxon{id: f[0], name: f[2], standing: open})
		parents = append(parents, f[1])
	}
	for i, p := range parents {
		n, known := byID[p]
		if p != "" && !known {
			return nil, fmt.Errorf("%s: no parent %s", t.nodes[i].id, p)
		}
		t.nodes[i].parent = n
	}
	for i := range t.nodes {
		for n := Node(i); n != 0; n = t.nodes[n].parent {
			t.nodes[i].tier++
		}
	}
	var flagged []Node
	for line := range rows(special) {
		id, _, _ := strings.Cut(line, "\t")
		n, known := byID[id]
		if !known {
			return nil, fmt.Errorf("no node %s", id)
		}
		flagged = append(flagged, n)
	}
	for _, n := range flagged {
		for up := t.nodes[n].parent; up != 0; up = t.nodes[up].parent {
			t.nodes[up].standing = min(t.nodes[up].standing, mixed)
		}
		t.close(n, 0)
	}
	for line := range rows(closedBy) {
		word, names, _ := strings.Cut(line, "\t")
		class, known := t.class(word)
		if !known {
			return nil, fmt.Errorf("no class %q", word)
		}
		for name := range strings.SplitSeq(names, "|") {
			n, known := t.byName[strings.TrimSpace(name)]
			if !known {
				return nil, fmt.Errorf("no node %q", name)
			}
			t.close(n, class)
		}
	}
	return t, nil
}

// close closes a node and all below it.
func (t *taxonomy) close(n, class Node) {
	for i := range t.nodes[1:] {
		for up := Node(i + 1); up != 0; up = t.nodes[up].parent {
			if up == n {
				t.nodes[i+1].standing = closed
				if t.nodes[i+1].class == 0 {
					t.nodes[i+1].class = class
				}
			}
		}
	}
}

func (t *taxonomy) class(word string) (Node, bool) {
	for i, c := range t.classes {
		if c == word {
			return houseNodes + Node(i), true
		}
	}
	return 0, false
}

// ParseNode finds a node of the taxonomy by its name, e.g. "Soccer", of any tier.
func ParseNode(name string) (Node, bool) {
	n, ok := iab().byName[name]
	return n, ok
}

// OpenNodes are the nodes that may be a value: of tier 1 or 2, neither sensitive nor with a flagged node below.
func OpenNodes() []Node {
	var list []Node
	for i := range iab().nodes {
		if n := Node(i); n.Open() {
			list = append(list, n)
		}
	}
	return list
}

// String is the node's name, or the word of a class of the house list, e.g. "health"; "" for none.
func (n Node) String() string {
	t := iab()
	switch {
	case n >= houseNodes && int(n-houseNodes) < len(t.classes):
		return t.classes[n-houseNodes]
	case int(n) < len(t.nodes):
		return t.nodes[n].name
	}
	return ""
}

// Open tells whether the node may be a value of the filter topic.
func (n Node) Open() bool {
	t := iab()
	return n != 0 && int(n) < len(t.nodes) && t.nodes[n].standing == open && t.nodes[n].tier <= 2
}

// Sensitive tells whether what is about this node is withheld. True for a class of the house list and for anything that
// is no node of the taxonomy; false for the zero Node, about which nothing is known.
func (n Node) Sensitive() bool {
	t := iab()
	return n != 0 && (int(n) >= len(t.nodes) || t.nodes[n].standing == closed)
}

// Within tells whether the node is m or below it.
func (n Node) Within(m Node) bool {
	t := iab()
	if n == 0 || m == 0 || int(n) >= len(t.nodes) {
		return n == m && n != 0
	}
	for ; n != 0; n = t.nodes[n].parent {
		if n == m {
			return true
		}
	}
	return false
}

// value is the node of tier 1 or 2 that stands for n.
func (n Node) value() Node {
	t := iab()
	for int(n) < len(t.nodes) && t.nodes[n].tier > 2 {
		n = t.nodes[n].parent
	}
	return n
}
