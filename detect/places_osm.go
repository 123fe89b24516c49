package detect

// Places from OpenStreetMap. An area's shape is spread over a file: relations name ways, ways name nodes, and nodes, which
// come first, know where they are. So the file is read once for what is a place, and of the rest again only the blocks
// that may hold what is still wanted. Memory goes with the places, not with the file.

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	osmNotice = "OpenStreetMap contributors, ODbL 1.0, openstreetmap.org/copyright"
	// maxOSMNodes bounds how many nodes the shapes of one file may have: 1.6 GB.
	maxOSMNodes = 100 << 20
)

// osmShape is a way or a relation of a category.
type osmShape struct {
	mask  uint64
	kind  string // way or relation, for reports
	id    int64
	ways  [][]int64 // nodes of each way
	parts []int64   // of a relation: its ways
	lacks bool
	apart bool    // its ways are areas of their own, not one's rings
	nodes []int64 // members that are points
}

func (im *PlaceImport) readOSM(r io.ReadSeeker, rep *PlaceReport) (notice string, err error) {
	p := &pbfReader{r: r}
	var shapes []osmShape
	category := func(tags *osmTags) (mask uint64, kind string) {
		tags.each(func(key, value []byte) {
			if im.categories.keys[string(key)] {
				mask |= im.categories.tag(string(key), string(value))
			}
			if string(key) == "type" {
				kind = string(value)
			}
		})
		return mask, kind
	}
	blobs, err := p.all(&osmVisitor{
		node: func(id int64, lat, lon float64, tags *osmTags) {
			if len(tags.keys) == 0 {
				return
			}
			if mask, _ := category(tags); mask == 0 {
				rep.Skipped++
			} else if at, ok := degrees(lat, lon); !ok {
				rep.malformed(fmt.Sprintf("node %d", id), "it is not on the globe")
			} else {
				rep.Taken++
				im.point(mask, at)
			}
		},
		way: func(id int64, refs []int64, tags *osmTags) {
			if len(tags.keys) == 0 {
				return
			}
			if mask, _ := category(tags); mask == 0 {
				rep.Skipped++
			} else {
				shapes = append(shapes, osmShape{mask: mask, kind: "way", id: id, ways: [][]int64{slices.Clone(refs)}})
			}
		},
		relation: func(id int64, members []osmMember, tags *osmTags) {
			mask, kind := category(tags)
			if mask == 0 {
				rep.Skipped++
				return
			}
			s := osmShape{mask: mask, kind: "relation", id: id, apart: kind != "multipolygon" && kind != "boundary"}
			for _, m := range members {
				switch m.kind {
				case 0:
					if s.apart {
						s.nodes = append(s.nodes, m.id)
					}
				case 1:
					s.parts = append(s.parts, m.id)
				default:
					s.lacks = true // a relation of relations: the inner ones count by their own tags
				}
			}
			shapes = append(shapes, s)
		},
	})
	if err != nil {
		return "", err
	}
	if !p.made.IsZero() {
		rep.Made = p.made
	}
	if err := takeWays(p, blobs, shapes); err != nil {
		return "", err
	}
	nodes, err := takeNodes(p, blobs, shapes)
	if err != nil {
		return "", err
	}
	for i := range shapes {
		im.osmShape(&shapes[i], nodes, rep)
	}
	return osmNotice, nil
}

// takeWays finds the ways that relations name.
func takeWays(p *pbfReader, blobs []osmBlob, shapes []osmShape) error {
	wanted := map[int64][]int64{}
	for i := range shapes {
		for _, id := range shapes[i].parts {
			wanted[id] = nil
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	err := p.again(blobs, hasWays, &osmVisitor{way: func(id int64, refs []int64, _ *osmTags) {
		if _, want := wanted[id]; want {
			wanted[id] = slices.Clone(refs)
		}
	}})
	for i := range shapes {
		s := &shapes[i]
		for _, id := range s.parts {
			if refs := wanted[id]; len(refs) > 0 {
				s.ways = append(s.ways, refs)
			} else {
				s.lacks = true
			}
		}
	}
	return err
}

// osmNodes holds positions by node id, sorted.
type osmNodes struct {
	ids   []int64
	at    []geo
	found []bool
}

func (n *osmNodes) find(id int64) (geo, bool) {
	i, ok := slices.BinarySearch(n.ids, id)
	if !ok || !n.found[i] {
		return geo{}, false
	}
	return n.at[i], true
}

// takeNodes finds the positions of all that shapes are made of.
func takeNodes(p *pbfReader, blobs []osmBlob, shapes []osmShape) (*osmNodes, error) {
	n := &osmNodes{}
	for i := range shapes {
		for _, refs := range shapes[i].ways {
			n.ids = append(n.ids, refs...)
		}
		n.ids = append(n.ids, shapes[i].nodes...)
		if len(n.ids) > maxOSMNodes {
			return nil, errors.New("its places have more than 100 million vertices: import it in parts")
		}
	}
	slices.Sort(n.ids)
	n.ids = slices.Compact(n.ids)
	if len(n.ids) == 0 {
		return n, nil
	}
	n.at, n.found = make([]geo, len(n.ids)), make([]bool, len(n.ids))
	// Files are sorted by id, as a rule: the next wanted one is most often not this one.
	next := 0
	return n, p.again(blobs, hasNodes, &osmVisitor{node: func(id int64, lat, lon float64, _ *osmTags) {
		if next == len(n.ids) || n.ids[next] != id {
			if next < len(n.ids) && id < n.ids[next] && (next == 0 || id > n.ids[next-1]) {
				return
			}
			var ok bool
			if next, ok = slices.BinarySearch(n.ids, id); !ok {
				return
			}
		}
		if at, ok := degrees(lat, lon); ok {
			n.at[next], n.found[next] = at, true
		}
		next++
	}})
}

// osmShape adds a way or relation. What an extract leaves out is counted; what is there counts.
func (im *PlaceImport) osmShape(s *osmShape, nodes *osmNodes, rep *PlaceReport) {
	where := fmt.Sprintf("%s %d", s.kind, s.id)
	var rings, lines [][]geo
	ways := s.ways
	if !s.apart {
		ways = joinWays(ways)
	}
	for _, refs := range ways {
		closed := len(refs) > 3 && refs[0] == refs[len(refs)-1]
		var at []geo
		for _, id := range refs {
			if g, ok := nodes.find(id); ok {
				at = append(at, g)
			} else {
				s.lacks = true
			}
		}
		switch {
		case len(at) == 0:
		case closed && len(at) > 2:
			if at[0] != at[len(at)-1] { // its first node is not in the extract
				at = append(at, at[0])
			}
			rings = append(rings, at)
		default:
			lines = append(lines, at)
		}
	}
	var points []geo
	for _, id := range s.nodes {
		if g, ok := nodes.find(id); ok {
			points = append(points, g)
		} else {
			s.lacks = true
		}
	}
	if s.lacks || !s.apart && s.kind == "relation" && len(lines) > 0 {
		rep.Incomplete++
	}
	if len(rings)+len(lines)+len(points) == 0 {
		return
	}
	add := func(rings [][]geo, area bool) bool {
		err := im.shape(s.mask, rings, area)
		if err != nil {
			rep.malformed(where, err.Error())
		}
		return err == nil
	}
	ok := true
	if s.apart {
		for _, r := range rings {
			ok = add([][]geo{r}, true) && ok
		}
	} else if len(rings) > 0 {
		ok = add(rings, true)
	}
	for _, l := range lines {
		ok = add([][]geo{l}, false) && ok
	}
	for _, g := range points {
		im.point(s.mask, g)
	}
	if ok {
		rep.Taken++
	}
}

// joinWays makes rings of ways that meet at their ends. What does not close stays as it is.
func joinWays(ways [][]int64) [][]int64 {
	var done, open [][]int64
	for _, w := range ways {
		if len(w) == 0 {
			continue
		}
		if w[0] == w[len(w)-1] {
			done = append(done, w)
		} else {
			open = append(open, slices.Clone(w))
		}
	}
	ends := map[int64][]int{} // by node, the open ways that begin or end there
	for i, w := range open {
		ends[w[0]] = append(ends[w[0]], i)
		ends[w[len(w)-1]] = append(ends[w[len(w)-1]], i)
	}
	used := make([]bool, len(open))
	take := func(node int64) ([]int64, bool) {
		for _, i := range ends[node] {
			if !used[i] {
				used[i] = true
				w := open[i]
				if w[0] != node {
					slices.Reverse(w)
				}
				return w, true
			}
		}
		return nil, false
	}
	for i, w := range open {
		if used[i] {
			continue
		}
		used[i] = true
		run := w
		for back := false; ; {
			if next, ok := take(run[len(run)-1]); ok {
				run = append(run, next[1:]...)
				if run[0] == run[len(run)-1] {
					break
				}
				continue
			}
			if back {
				break
			}
			back = true
			slices.Reverse(run)
		}
		done = append(done, run)
	}
	return done
}
