package consent

// Memory is what a Snapshot holds on to between two Asks, in bytes.
func (snap *Snapshot) Memory() int {
	n := cap(snap.reply.b) + cap(snap.args)*16 + cap(snap.keys)*24 + cap(snap.Lines)*24
	for _, k := range snap.keys {
		n += cap(k.b)
	}
	for _, s := range snap.perShard {
		n += cap(s) * 4
	}
	return n
}
