package processor

// The account of a batch: one Tally per source partition and stream, and the counting law.

// tallies gives the rows of one source partition: one Tally per stream of the source, in the order of its streams.
func (p *Processor) tallies(s *source, partition int32) []Tally {
	for int(partition) >= len(s.rows) {
		s.rows = append(s.rows, 0)
	}
	n := len(s.streams)
	if at := s.rows[partition]; at > 0 {
		return p.batch.Tallies[at-1 : at-1+n]
	}
	start := len(p.batch.Tallies)
	s.rows[partition] = start + 1
	for _, st := range s.streams {
		p.batch.Tallies = append(p.batch.Tallies, Tally{Source: s.index, Partition: partition, Program: st.spec})
	}
	return p.batch.Tallies[start:]
}

// forgetTallies makes the account empty again.
func (p *Processor) forgetTallies() {
	for i := range p.batch.Tallies {
		t := &p.batch.Tallies[i]
		p.sources[t.Source].rows[t.Partition] = 0
	}
	p.batch.Tallies = p.batch.Tallies[:0]
}

// count enters the verdicts on one event.
func (p *Processor) count(e *event) {
	rows := p.tallies(e.source, e.in.Partition)
	for i := range rows {
		rows[i].Events++
		rows[i].Counts[e.source.streams[i].verdict]++
	}
}

// lawful checks the account before it is handed out: every event has one verdict per stream, none is undecided, and
// there are as many records as were released (none in shadow). A batch that breaks it is not used.
func (p *Processor) lawful() bool {
	var due, counted, released int64
	for i := range p.in {
		due += int64(len(p.sources[p.in[i].Source].streams))
	}
	for i := range p.batch.Tallies {
		t := &p.batch.Tallies[i]
		var sum int64
		for _, n := range t.Counts {
			sum += n
		}
		if sum != t.Events || t.Counts[Undecided] != 0 {
			return false
		}
		counted += sum
		released += t.Counts[Released]
	}
	if !p.live {
		released = 0
	}
	return counted == due && released == int64(len(p.batch.Out))
}

// quarantine notes where an unreadable event stands, once, and passes its verdict on.
func (p *Processor) quarantine(e *event, why Reason, schemaID int, field string) Reason {
	p.batch.Quarantine = append(p.batch.Quarantine, Pointer{
		Source: e.in.Source, Partition: e.in.Partition, LeaderEpoch: e.in.LeaderEpoch, Offset: e.in.Offset,
		Stage: "decode", Reason: why, Field: field, SchemaID: schemaID, Size: len(e.in.Value),
	})
	return why
}
