package detect

// Reads the blocks of an OpenStreetMap PBF file (wiki.openstreetmap.org/wiki/PBF_Format): nodes, ways, relations. Own code,
// since github.com/paulmach/osm panics on blocks that are damaged or not dense, reads what is inflated without a bound,
// and brings a database's client with it.

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The format's own bounds, bytes.
const (
	maxBlobHeader = 64 << 10
	maxBlob       = 32 << 20
)

// osmTags gives an element's tags to a visitor.
type osmTags struct {
	strings    [][]byte
	keys, vals []uint64
}

func (t *osmTags) each(visit func(key, value []byte)) {
	for i := range t.keys {
		visit(t.strings[t.keys[i]], t.strings[t.vals[i]])
	}
}

type osmMember struct {
	kind byte // 0 node, 1 way, 2 relation
	id   int64
}

// osmVisitor says what is wanted; a nil function skips its kind.
type osmVisitor struct {
	node     func(id int64, lat, lon float64, tags *osmTags)
	way      func(id int64, refs []int64, tags *osmTags)
	relation func(id int64, members []osmMember, tags *osmTags)
}

// Kinds of element in a block.
const (
	hasNodes = 1 << iota
	hasWays
	hasRelations
)

var errPBF = errors.New("not OpenStreetMap PBF, or damaged")

// osmBlob is where a block of data stands, and what is in it.
type osmBlob struct {
	offset int64
	kinds  int
}

// pbfReader reads one file, from the start or single blobs again.
type pbfReader struct {
	r       io.ReadSeeker
	made    time.Time // zero where the header states none
	inflate io.ReadCloser
	strings [][]byte
	refs    []int64
	members []osmMember
	tags    osmTags
}

// all reads every blob once.
func (p *pbfReader) all(v *osmVisitor) ([]osmBlob, error) {
	var blobs []osmBlob
	offset, header := int64(0), false
	for {
		kind, data, size, err := p.blob()
		if errors.Is(err, io.EOF) {
			if !header {
				return nil, errPBF
			}
			return blobs, nil
		}
		if err == nil {
			switch {
			case kind == "OSMHeader" && !header:
				header = true
				err = p.header(data)
			case kind == "OSMData" && header:
				var kinds int
				kinds, err = p.block(data, v)
				blobs = append(blobs, osmBlob{offset, kinds})
			case !header:
				err = errPBF
			} // others are to be skipped
		}
		if err != nil {
			return nil, fmt.Errorf("offset %d: %w", offset, err)
		}
		offset += size
	}
}

// again reads the blobs that hold one kind.
func (p *pbfReader) again(blobs []osmBlob, kind int, v *osmVisitor) error {
	for _, b := range blobs {
		if b.kinds&kind == 0 {
			continue
		}
		_, err := p.r.Seek(b.offset, io.SeekStart)
		if err == nil {
			var data []byte
			if _, data, _, err = p.blob(); err == nil {
				_, err = p.block(data, v)
			}
		}
		if err != nil {
			return fmt.Errorf("offset %d: cannot be read a second time", b.offset)
		}
	}
	return nil
}

// blob reads the next one and inflates it; io.EOF where there is none.
func (p *pbfReader) blob() (kind string, data []byte, size int64, err error) {
	var length [4]byte
	if n, err := io.ReadFull(p.r, length[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return "", nil, 0, io.EOF
		}
		return "", nil, 0, errPBF
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxBlobHeader {
		return "", nil, 0, errPBF
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(p.r, head); err != nil {
		return "", nil, 0, errPBF
	}
	dataSize := uint64(0)
	err = eachField(head, func(f protowire.Number, b []byte, v uint64) error {
		switch f {
		case 1:
			kind = string(b)
		case 3:
			dataSize = v
		}
		return nil
	})
	if err != nil || dataSize == 0 || dataSize > maxBlob {
		return "", nil, 0, errPBF
	}
	packed := make([]byte, dataSize)
	if _, err := io.ReadFull(p.r, packed); err != nil {
		return "", nil, 0, errPBF
	}
	data, err = p.unpack(packed)
	return kind, data, 4 + int64(n) + int64(dataSize), err
}

func (p *pbfReader) unpack(packed []byte) ([]byte, error) {
	var raw, deflated []byte
	var rawSize uint64
	other := false
	err := eachField(packed, func(f protowire.Number, b []byte, v uint64) error {
		switch f {
		case 1:
			raw = b
		case 2:
			rawSize = v
		case 3:
			deflated = b
		default:
			other = true
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, errPBF
	case raw != nil:
		return raw, nil
	case deflated == nil && other:
		return nil, errors.New("compressed in another way than zlib: write it anew, e.g. with osmium cat")
	case deflated == nil || rawSize > maxBlob:
		return nil, errPBF
	}
	if p.inflate == nil {
		p.inflate, err = zlib.NewReader(bytes.NewReader(deflated))
	} else {
		err = p.inflate.(zlib.Resetter).Reset(bytes.NewReader(deflated), nil)
	}
	if err != nil {
		p.inflate = nil
		return nil, errPBF
	}
	data := make([]byte, rawSize)
	if _, err := io.ReadFull(p.inflate, data); err != nil {
		return nil, errPBF
	}
	var more [1]byte
	if n, err := p.inflate.Read(more[:]); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errPBF
	}
	return data, nil
}

func (p *pbfReader) header(data []byte) error {
	return eachField(data, func(f protowire.Number, b []byte, v uint64) error {
		switch f {
		case 4:
			if s := string(b); s != "OsmSchema-V0.6" && s != "DenseNodes" {
				return errors.New("the file needs a feature of PBF that is not understood: an extract without history is")
			}
		case 32: // osmosis_replication_timestamp, Unix seconds
			if s := int64(v); s > 0 && s < 1<<40 {
				p.made = time.Unix(s, 0).UTC()
			}
		}
		return nil
	})
}

// block reads a PrimitiveBlock.
func (p *pbfReader) block(data []byte, v *osmVisitor) (kinds int, err error) {
	granularity, latOffset, lonOffset := int64(100), int64(0), int64(0)
	p.strings = p.strings[:0]
	err = eachField(data, func(f protowire.Number, b []byte, n uint64) error {
		switch f {
		case 1:
			return eachField(b, func(f protowire.Number, s []byte, _ uint64) error {
				if f == 1 {
					p.strings = append(p.strings, s)
				}
				return nil
			})
		case 17:
			granularity = int64(int32(n))
		case 19:
			latOffset = int64(n)
		case 20:
			lonOffset = int64(n)
		}
		return nil
	})
	if err != nil {
		return 0, errPBF
	}
	at := func(lat, lon int64) (float64, float64) {
		return 1e-9 * (float64(latOffset) + float64(granularity)*float64(lat)), 1e-9 * (float64(lonOffset) + float64(granularity)*float64(lon))
	}
	err = eachField(data, func(f protowire.Number, group []byte, _ uint64) error {
		if f != 2 {
			return nil
		}
		return eachField(group, func(f protowire.Number, b []byte, _ uint64) error {
			switch f {
			case 1:
				kinds |= hasNodes
				if v.node != nil {
					return p.oneNode(b, at, v)
				}
			case 2:
				kinds |= hasNodes
				if v.node != nil {
					return p.denseNodes(b, at, v)
				}
			case 3:
				kinds |= hasWays
				if v.way != nil {
					return p.oneWay(b, v)
				}
			case 4:
				kinds |= hasRelations
				if v.relation != nil {
					return p.oneRelation(b, v)
				}
			}
			return nil
		})
	})
	if err != nil {
		return 0, errPBF
	}
	return kinds, nil
}

// eachField visits the fields of a message: b for length-delimited ones, v for varints.
func eachField(msg []byte, visit func(f protowire.Number, b []byte, v uint64) error) error {
	for len(msg) > 0 {
		f, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return errPBF
		}
		msg = msg[n:]
		var b []byte
		var v uint64
		switch typ {
		case protowire.BytesType:
			if b, n = protowire.ConsumeBytes(msg); b == nil {
				b = []byte{}
			}
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(msg)
		default:
			n = protowire.ConsumeFieldValue(f, typ, msg)
		}
		if n < 0 {
			return errPBF
		}
		msg = msg[n:]
		if err := visit(f, b, v); err != nil {
			return err
		}
	}
	return nil
}
