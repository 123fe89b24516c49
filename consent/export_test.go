package consent

// Memory is what a Snapshot holds on to between two Asks, in bytes.
func (snap *Snapshot) Memory() int {
	n := cap(snap.args)*16 + cap(snap.keys)*24 + cap(snap.Lines)*24
	for i := range snap.parts {
		n += cap(snap.parts[i].reply.b)
	}
	for _, k := range snap.keys {
		n += cap(k.b)
	}
	for _, s := range snap.perShard {
		n += cap(s) * 4
	}
	return n
}
