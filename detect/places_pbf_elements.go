package detect

// The elements inside a PBF block. Indexes into the string table are checked once here.

import "google.golang.org/protobuf/encoding/protowire"

// packedRun gives the numbers of a packed field one by one.
type packedRun struct{ rest []byte }

func (r *packedRun) next() (uint64, bool) {
	v, n := protowire.ConsumeVarint(r.rest)
	if n < 0 {
		return 0, false
	}
	r.rest = r.rest[n:]
	return v, true
}

// delta adds the next signed difference.
func (r *packedRun) delta(sum *int64) bool {
	v, ok := r.next()
	*sum += protowire.DecodeZigZag(v)
	return ok
}

// takeTags reads the packed keys and values of an element.
func (p *pbfReader) takeTags(keys, vals []byte) error {
	p.tags.strings, p.tags.keys, p.tags.vals = p.strings, p.tags.keys[:0], p.tags.vals[:0]
	k, v := packedRun{keys}, packedRun{vals}
	for len(k.rest) > 0 {
		a, ok1 := k.next()
		b, ok2 := v.next()
		if !ok1 || !ok2 || a >= uint64(len(p.strings)) || b >= uint64(len(p.strings)) {
			return errPBF
		}
		p.tags.keys, p.tags.vals = append(p.tags.keys, a), append(p.tags.vals, b)
	}
	if len(v.rest) > 0 {
		return errPBF
	}
	return nil
}

func (p *pbfReader) oneNode(b []byte, at func(lat, lon int64) (float64, float64), v *osmVisitor) error {
	var id, lat, lon int64
	var keys, vals []byte
	err := eachField(b, func(f protowire.Number, b []byte, n uint64) error {
		switch f {
		case 1:
			id = protowire.DecodeZigZag(n)
		case 2:
			keys = b
		case 3:
			vals = b
		case 8:
			lat = protowire.DecodeZigZag(n)
		case 9:
			lon = protowire.DecodeZigZag(n)
		}
		return nil
	})
	if err != nil || p.takeTags(keys, vals) != nil {
		return errPBF
	}
	y, x := at(lat, lon)
	v.node(id, y, x, &p.tags)
	return nil
}

func (p *pbfReader) denseNodes(b []byte, at func(lat, lon int64) (float64, float64), v *osmVisitor) error {
	var ids, lats, lons, kvs packedRun
	err := eachField(b, func(f protowire.Number, b []byte, _ uint64) error {
		switch f {
		case 1:
			ids.rest = b
		case 8:
			lats.rest = b
		case 9:
			lons.rest = b
		case 10:
			kvs.rest = b
		}
		return nil
	})
	if err != nil {
		return errPBF
	}
	p.tags.strings = p.strings
	var id, lat, lon int64
	for len(ids.rest) > 0 {
		if !ids.delta(&id) || !lats.delta(&lat) || !lons.delta(&lon) {
			return errPBF
		}
		p.tags.keys, p.tags.vals = p.tags.keys[:0], p.tags.vals[:0]
		for len(kvs.rest) > 0 {
			key, ok := kvs.next()
			if !ok {
				return errPBF
			}
			if key == 0 { // the node's tags end
				break
			}
			val, ok := kvs.next()
			if !ok || key >= uint64(len(p.strings)) || val >= uint64(len(p.strings)) {
				return errPBF
			}
			p.tags.keys, p.tags.vals = append(p.tags.keys, key), append(p.tags.vals, val)
		}
		y, x := at(lat, lon)
		v.node(id, y, x, &p.tags)
	}
	if len(lats.rest)+len(lons.rest) > 0 {
		return errPBF
	}
	return nil
}

func (p *pbfReader) oneWay(b []byte, v *osmVisitor) error {
	var id int64
	var keys, vals []byte
	var refs packedRun
	err := eachField(b, func(f protowire.Number, b []byte, n uint64) error {
		switch f {
		case 1:
			id = int64(n)
		case 2:
			keys = b
		case 3:
			vals = b
		case 8:
			refs.rest = b
		}
		return nil
	})
	if err != nil || p.takeTags(keys, vals) != nil {
		return errPBF
	}
	p.refs = p.refs[:0]
	for ref := int64(0); len(refs.rest) > 0; {
		if !refs.delta(&ref) {
			return errPBF
		}
		p.refs = append(p.refs, ref)
	}
	v.way(id, p.refs, &p.tags)
	return nil
}

func (p *pbfReader) oneRelation(b []byte, v *osmVisitor) error {
	var id int64
	var keys, vals []byte
	var ids, kinds packedRun
	err := eachField(b, func(f protowire.Number, b []byte, n uint64) error {
		switch f {
		case 1:
			id = int64(n)
		case 2:
			keys = b
		case 3:
			vals = b
		case 9:
			ids.rest = b
		case 10:
			kinds.rest = b
		}
		return nil
	})
	if err != nil || p.takeTags(keys, vals) != nil {
		return errPBF
	}
	p.members = p.members[:0]
	for member := int64(0); len(ids.rest) > 0; {
		kind, ok := kinds.next()
		if !ok || kind > 2 || !ids.delta(&member) {
			return errPBF
		}
		p.members = append(p.members, osmMember{byte(kind), member})
	}
	v.relation(id, p.members, &p.tags)
	return nil
}
