package detect

// OpenStreetMap files, written here by the format's description: dense and single nodes, ways, multipolygons of several
// ways, sites, extracts that lack a part, damage.

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

type pbfNode struct {
	id       int64
	lat, lon float64
	tags     string // key=value, key=value
}

type pbfWay struct {
	id   int64
	refs []int64
	tags string
}

type pbfRelation struct {
	id      int64
	kinds   string // n, w or r for each member
	members []int64
	tags    string
}

// pbfFile writes a file of one block for each kind.
type pbfFile struct {
	made    int64
	dense   bool
	raw     bool // blocks are not compressed
	require string
	strings []string
}

func pbfBytes(b []byte, n protowire.Number, msg []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), msg)
}

func pbfVarint(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func pbfDeltas(values []int64) (b []byte) {
	last := int64(0)
	for _, v := range values {
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(v-last))
		last = v
	}
	return b
}

func (f *pbfFile) text(s string) uint64 {
	for i, t := range f.strings {
		if t == s {
			return uint64(i)
		}
	}
	f.strings = append(f.strings, s)
	return uint64(len(f.strings) - 1)
}

func (f *pbfFile) tags(s string) (keys, vals []byte) {
	for tag := range strings.SplitSeq(s, ", ") {
		if key, value, ok := strings.Cut(tag, "="); ok {
			keys, vals = protowire.AppendVarint(keys, f.text(key)), protowire.AppendVarint(vals, f.text(value))
		}
	}
	return keys, vals
}

func (f *pbfFile) blob(kind string, data []byte) []byte {
	var blob []byte
	if f.raw {
		blob = pbfBytes(nil, 1, data)
	} else {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write(data)
		_ = w.Close()
		blob = pbfBytes(pbfVarint(nil, 2, uint64(len(data))), 3, z.Bytes())
	}
	head := pbfVarint(pbfBytes(nil, 1, []byte(kind)), 3, uint64(len(blob)))
	out := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	return append(append(out, head...), blob...)
}

// block wraps a group with the string table; a granularity of 1000 nanodegrees and offsets make the reader compute.
func (f *pbfFile) block(group []byte) []byte {
	var table []byte
	for _, s := range f.strings {
		table = pbfBytes(table, 1, []byte(s))
	}
	b := pbfBytes(pbfBytes(nil, 1, table), 2, group)
	b = pbfVarint(b, 17, 1000)
	b = pbfVarint(b, 19, 5_000_000_000)
	return f.blob("OSMData", pbfVarint(b, 20, ^uint64(7_000_000_000)+1))
}

func unitsOf(n pbfNode) (lat, lon int64) {
	return int64((n.lat-5)*1e6 + 1e-3), int64((n.lon+7)*1e6 + 1e-3)
}

func (f *pbfFile) encode(nodes []pbfNode, ways []pbfWay, relations []pbfRelation) []byte {
	header := pbfBytes(pbfBytes(nil, 4, []byte("OsmSchema-V0.6")), 4, []byte("DenseNodes"))
	if f.require != "" {
		header = pbfBytes(header, 4, []byte(f.require))
	}
	if f.made != 0 {
		header = pbfVarint(header, 32, uint64(f.made))
	}
	out := f.blob("OSMHeader", header)
	f.strings = []string{""}
	var group []byte
	if f.dense {
		var ids, lats, lons []int64
		var kvs []byte
		for _, n := range nodes {
			lat, lon := unitsOf(n)
			ids, lats, lons = append(ids, n.id), append(lats, lat), append(lons, lon)
			for tag := range strings.SplitSeq(n.tags, ", ") {
				if key, value, ok := strings.Cut(tag, "="); ok {
					kvs = protowire.AppendVarint(protowire.AppendVarint(kvs, f.text(key)), f.text(value))
				}
			}
			kvs = append(kvs, 0)
		}
		group = pbfBytes(nil, 2, pbfBytes(pbfBytes(pbfBytes(pbfBytes(nil, 1, pbfDeltas(ids)), 8, pbfDeltas(lats)), 9, pbfDeltas(lons)), 10, kvs))
	} else {
		for _, n := range nodes {
			lat, lon := unitsOf(n)
			keys, vals := f.tags(n.tags)
			m := pbfVarint(nil, 1, protowire.EncodeZigZag(n.id))
			m = pbfBytes(pbfBytes(m, 2, keys), 3, vals)
			group = pbfBytes(group, 1, pbfVarint(pbfVarint(m, 8, protowire.EncodeZigZag(lat)), 9, protowire.EncodeZigZag(lon)))
		}
	}
	out = append(out, f.block(group)...)
	f.strings, group = []string{""}, nil
	for _, w := range ways {
		keys, vals := f.tags(w.tags)
		group = pbfBytes(group, 3, pbfBytes(pbfBytes(pbfBytes(pbfVarint(nil, 1, uint64(w.id)), 2, keys), 3, vals), 8, pbfDeltas(w.refs)))
	}
	out = append(out, f.block(group)...)
	f.strings, group = []string{""}, nil
	for _, r := range relations {
		keys, vals := f.tags(r.tags)
		var roles, kinds []byte
		for _, k := range r.kinds {
			roles, kinds = append(roles, 0), append(kinds, byte(strings.IndexRune("nwr", k)))
		}
		m := pbfBytes(pbfBytes(pbfVarint(nil, 1, uint64(r.id)), 2, keys), 3, vals)
		group = pbfBytes(group, 4, pbfBytes(pbfBytes(pbfBytes(m, 8, roles), 9, pbfDeltas(r.members)), 10, kinds))
	}
	return append(out, f.block(group)...)
}

// region has a clinic, a school's ground, a base of two ways with a lake of one cut out, a campus as a site, and a base of
// which the extract lacks a way.
func region(f *pbfFile) []byte {
	nodes := []pbfNode{{1, 48, 11, "amenity=clinic, name=nobody's"}, {2, 48, 11.5, "amenity=bench"}, {3, 48, 11.6, ""}}
	box := func(id int64, w, s, e, n float64) {
		nodes = append(nodes, pbfNode{id, s, w, ""}, pbfNode{id + 1, s, e, ""}, pbfNode{id + 2, n, e, ""}, pbfNode{id + 3, n, w, ""})
	}
	box(10, 12, 48, 12.001, 48.001)
	box(20, 13, 48, 13.2, 48.2)
	box(30, 13.08, 48.08, 13.12, 48.12)
	box(40, 14, 48, 14.001, 48.001)
	box(50, 15, 48, 15.1, 48.1)
	nodes = append(nodes, pbfNode{60, 48.02, 14.02, ""})
	ways := []pbfWay{
		{100, []int64{10, 11, 12, 13, 10}, "amenity=school"},
		{101, []int64{20, 21, 22}, ""}, {102, []int64{20, 23, 22}, "highway=track"}, // the second runs backwards
		{103, []int64{30, 31, 32, 33, 30}, "natural=water"},
		{104, []int64{40, 41, 42, 43, 40}, "building=yes"},
		{105, []int64{50, 51}, ""},
		{106, []int64{900, 901, 902, 900}, "amenity=school"}, // no node of it is here
	}
	relations := []pbfRelation{
		{200, "www", []int64{101, 102, 103}, "type=multipolygon, landuse=military"},
		{201, "wn", []int64{104, 60}, "type=site, amenity=university"},
		{202, "wwr", []int64{105, 999, 7}, "type=boundary, landuse=military"},
		{203, "w", []int64{104}, "type=route"},
	}
	return f.encode(nodes, ways, relations)
}

func TestOSM(t *testing.T) {
	for _, f := range []*pbfFile{{made: 1_790_000_000, dense: true}, {made: 1_790_000_000, raw: true}, {dense: true, raw: true}} {
		im, _ := NewPlaceImport("", nil)
		rep, err := im.Add("x.osm.pbf", bytes.NewReader(region(f)), aDay)
		if err != nil || rep.Taken != 5 || rep.Malformed != 0 || rep.Incomplete != 2 || rep.Skipped != 5 {
			t.Fatalf("%v %+v", err, rep)
		}
		p := loaded(t, im)
		want := aDay
		if f.made != 0 {
			want = time.Unix(f.made, 0)
		}
		if !p.Made().Equal(want) || !strings.Contains(p.Sources()[0].Notice, "ODbL") {
			t.Errorf("%v, %+v", p.Made(), p.Sources())
		}
		for _, c := range []struct {
			lat, lon float64
			want     string
		}{
			{48.002, 11, "medical"}, {48.0024, 11, ""}, {48, 11.5, ""}, {48, 11.6, ""},
			{48.0005, 12.0005, "education"}, {48.003, 12.0005, "education"}, {48.0035, 12.0005, ""},
			{48.05, 13.05, "military"}, {48.2, 13.1, "military"}, {48.19, 13.01, "military"}, {48.1, 13.1, ""}, {48.0815, 13.1, "military"},
			{48.0005, 14.0005, "education"}, {48.02, 14.02, "education"}, {48.01, 14.01, ""},
			{48, 15.05, "military"}, {48.05, 15.05, ""},
		} {
			if got, _ := p.Near(c.lat, c.lon, 0); got != c.want {
				t.Errorf("%v %v: %q, want %q", c.lat, c.lon, got, c.want)
			}
		}
	}
}

func TestOSMRefused(t *testing.T) {
	good := region(&pbfFile{dense: true})
	add := func(raw []byte) error {
		im, _ := NewPlaceImport("", nil)
		_, err := im.Add("x.pbf", bytes.NewReader(raw), aDay)
		return err
	}
	if err := add(good); err != nil {
		t.Fatal(err)
	}
	whole := 0
	for i := range good {
		if add(good[:i]) == nil {
			whole++ // where a block ends
		}
	}
	if whole != 3 {
		t.Errorf("%d beginnings of a file are taken, and it has 3 that end with a block", whole)
	}
	for _, raw := range [][]byte{nil, []byte("<osm/>"), region(&pbfFile{require: "HistoricalInformation"}), good[40:]} {
		if add(raw) == nil {
			t.Errorf("%.10q is taken", raw)
		}
	}
}

// A block that inflates to more than the format allows is not inflated.
func TestOSMBomb(t *testing.T) {
	f := &pbfFile{}
	bomb := append(f.encode(nil, nil, nil), f.blob("OSMData", pbfBytes(nil, 99, make([]byte, maxBlob)))...)
	im, _ := NewPlaceImport("", nil)
	if _, err := im.Add("x.pbf", bytes.NewReader(bomb), aDay); err == nil {
		t.Error("a block of more than 32 MiB is taken")
	}
}

func TestWaysJoinHoweverTheyRun(t *testing.T) {
	for _, ways := range [][][]int64{
		{{1, 2, 3}, {3, 4}, {4, 1}}, {{1, 2}, {3, 2}, {3, 4}, {1, 4}}, {{2, 3}, {1, 2}, {4, 1}, {4, 3}}, {{1, 2, 3, 4, 1}},
	} {
		got := joinWays(ways)
		if len(got) != 1 || got[0][0] != got[0][len(got[0])-1] || len(got[0]) != 5 {
			t.Errorf("%v: %v", ways, got)
		}
	}
	if got := joinWays([][]int64{{2, 3}, {1, 2}, {7, 8}, {}}); len(got) != 2 || len(got[0]) != 3 {
		t.Errorf("%v", got)
	}
}

func FuzzOSM(f *testing.F) {
	f.Add(region(&pbfFile{raw: true, dense: true}))
	f.Add(region(&pbfFile{raw: true}))
	f.Add(region(&pbfFile{made: 1, dense: true}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		im, _ := NewPlaceImport("", nil)
		if _, err := im.Add("x.pbf", bytes.NewReader(raw), aDay); err != nil {
			return
		}
		if raw, err := im.Encode(); err == nil {
			if _, err := ReadPlaces(bytes.NewReader(raw)); err != nil {
				t.Fatalf("what is written is not read: %v", err)
			}
		}
	})
}
