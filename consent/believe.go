// Whether an answer of the store counts: read after the lines, the metas must be whole, of one epoch, no further back than
// was seen, and with a changelog vouched for by its owner, on this very server, a short while ago.

package consent

import (
	"bytes"
	"fmt"
	"time"
)

// maxSkew is how far the worker's clock may be from the store's.
const maxSkew = 2 * time.Second

// shardMeta is a shard's meta as an Ask reads it.
type shardMeta struct {
	there        bool // it has an epoch and a place
	epoch, place uint64
	kafka        bool
	protected    bool
	beatMS       int64 // 0 for none
	run          []byte
	here         bool // run is the server that answered
	nodeMS       int64
}

func (s *Store) noMeta() *Sick {
	if s.changelog {
		return sick(causeWiped, "the store has no complete meta: it is new or was emptied, and its owner fills it again "+
			"(consentry run or consentry consent sync); a deployment that begins runs consentry consent accept-epoch")
	}
	return sick(causeWiped, "the store has no complete meta: it is new, was emptied, or is being accepted; "+
		"when it is right as it stands, run consentry consent accept-epoch")
}

// parse reads the collected replies. It fills Lines, Protected, Stopped, StoreMS and the metas.
func (snap *Snapshot) parse(ids int, changelog bool) error {
	for len(snap.Lines) < ids {
		snap.Lines = append(snap.Lines, nil)
	}
	snap.StoreMS, snap.Protected = 0, nil
	for i := range snap.parts {
		if err := snap.parsePart(&snap.parts[i], ids, changelog); err != nil {
			return err
		}
	}
	return nil
}

func (snap *Snapshot) parsePart(p *part, ids int, changelog bool) error {
	r := &p.reply
	for _, shard := range p.shards {
		members := snap.perShard[shard]
		if len(members) == 0 {
			continue
		}
		err := r.array(len(members))
		for _, i := range members {
			if err == nil {
				snap.Lines[i], err = r.bulk()
			}
		}
		if err == nil && snap.asked[shard] {
			err = snap.parseProtected(r, members, ids)
		}
		if err != nil {
			return err
		}
	}
	for _, shard := range p.shards {
		if shard == stopShard {
			stopped, err := r.integer(':')
			if err != nil {
				return err
			}
			snap.Stopped = stopped > 0
		}
	}
	for _, shard := range p.shards {
		if err := snap.metas[shard].parse(r, changelog); err != nil {
			return err
		}
	}
	var info []byte
	if changelog {
		var err error
		if info, err = r.bulk(); err != nil {
			return err
		}
	}
	at, err := r.timeMS()
	if err != nil {
		return err
	}
	p.nodeMS = at
	// A grant ends by the clock that is furthest.
	snap.StoreMS = max(snap.StoreMS, at)
	run := runOf(info)
	for _, shard := range p.shards {
		m := &snap.metas[shard]
		m.nodeMS, m.here = at, len(run) > 0 && bytes.Equal(run, m.run)
	}
	return nil
}

func (snap *Snapshot) parseProtected(r *replyBuffer, members []int32, ids int) error {
	if snap.Protected == nil {
		for len(snap.protected) < ids {
			snap.protected = append(snap.protected, false)
		}
		snap.Protected = snap.protected[:ids]
		clear(snap.Protected)
	}
	if err := r.array(len(members)); err != nil {
		return err
	}
	for _, i := range members {
		v, err := r.integer(':')
		if err != nil {
			return err
		}
		snap.Protected[i] = v != 0
	}
	return nil
}

func (m *shardMeta) parse(r *replyBuffer, changelog bool) error {
	*m = shardMeta{}
	fields := 4
	if changelog {
		fields = 6
	}
	if err := r.array(fields); err != nil {
		return err
	}
	epoch, hasEpoch, err := r.number()
	if err != nil {
		return err
	}
	place, hasPlace, err := r.number()
	if err != nil {
		return err
	}
	truth, err := r.bulk()
	if err != nil {
		return err
	}
	protected, _, err := r.number()
	if err != nil {
		return err
	}
	m.there, m.epoch, m.place = hasEpoch && hasPlace && epoch != 0, epoch, place
	m.kafka, m.protected = string(truth) == truthKafka, protected > 0
	if !changelog {
		return nil
	}
	beat, _, err := r.number()
	if err != nil {
		return err
	}
	m.beatMS = int64(beat)
	m.run, err = r.bulk()
	return err
}

// runOf is runID of raw bytes.
func runOf(info []byte) []byte {
	_, rest, found := bytes.Cut(info, []byte("run_id:"))
	if !found || len(rest) < runIDLen {
		return nil
	}
	return rest[:runIDLen]
}

// counts tells whether an answer depends on a shard: its lines were asked, it has the stop flags, or the question is about
// the store as such. In the single store all of them vouch for each other.
func (s *Store) counts(snap *Snapshot, ids, shard int) bool {
	return !s.changelog || ids == 0 || shard == stopShard || len(snap.perShard[shard]) > 0
}

// believe gives the epoch of the metas, and notes how far they have come.
func (s *Store) believe(snap *Snapshot, ids int, floor *places, fell uint64) (uint64, error) {
	epoch := uint64(0)
	for shard := range snap.metas {
		m := &snap.metas[shard]
		if !s.counts(snap, ids, shard) {
			continue
		}
		switch {
		case !m.there, s.changelog && !m.kafka:
			return 0, s.noMeta()
		case !s.changelog && m.kafka:
			return 0, sick(causeUnsafe, "the truth of this store is in Kafka: set consent.changelog in the configuration")
		case epoch == 0:
			epoch = m.epoch
		case m.epoch == epoch:
		case s.changelog:
			return 0, sick(causeStale, "the store is turning to another epoch")
		default:
			return 0, sick(causeWiped, "the shards disagree on the epoch: accept-epoch is under way, "+
				"or was cut short; run consentry consent accept-epoch again")
		}
	}
	behind := !s.changelog && epoch == fell
	for shard := range snap.metas {
		behind = behind || s.counts(snap, ids, shard) && floor.behind(shard, epoch, snap.metas[shard].place)
	}
	switch {
	case behind && s.changelog:
		return 0, sick(causeWiped, "the store stands before a place that was seen: it was emptied, restored or taken over by a "+
			"replica; this ends when its owner has caught up (consentry run or consentry consent sync)")
	case behind:
		s.noteFell(epoch)
		return 0, sick(causeWiped, "the store stands before a place that was seen: it was emptied or restored; "+
			"when it is right as it stands, run consentry consent accept-epoch")
	}
	for shard := range snap.metas {
		m := &snap.metas[shard]
		snap.Places[shard] = 0
		if floor.epoch == epoch {
			snap.Places[shard] = floor.shards[shard]
		}
		if m.there && m.epoch == epoch {
			snap.Places[shard] = max(m.place, snap.Places[shard])
		}
		s.protects[shard].Store(m.protected)
	}
	s.Seen(epoch, snap.Places)
	return epoch, nil
}

// missedProtected tells whether a shard has protected subjects that were not asked about.
func (s *Store) missedProtected(snap *Snapshot) bool {
	for shard := range snap.metas {
		if snap.metas[shard].protected && !snap.asked[shard] && len(snap.perShard[shard]) > 0 {
			return true
		}
	}
	return false
}

// fresh refuses shards for which no owner has vouched on this server lately.
func (s *Store) fresh(snap *Snapshot, ids int) error {
	if !s.changelog {
		return nil
	}
	for shard := range snap.metas {
		m := &snap.metas[shard]
		if !s.counts(snap, ids, shard) {
			continue
		}
		age := time.Duration(m.nodeMS-m.beatMS) * time.Millisecond
		switch {
		case m.beatMS == 0:
			return sick(causeStale, "no owner has vouched for the store yet; this ends when one has read the changelog to its end")
		case !m.here:
			return sick(causeStale, "the owner has not vouched for this server yet: it was started or promoted; this ends when the "+
				"owner has replayed the changelog onto it")
		case age > s.staleAfter, age < 0:
			return sick(causeStale, fmt.Sprintf("the owner last vouched for the store %s ago; this ends when one runs "+
				"(consentry run or consentry consent sync) and has caught up", age.Round(100*time.Millisecond)))
		}
	}
	return nil
}

// skewed compares the clocks of all servers that answered with this machine's, around the question.
func (snap *Snapshot) skewed(sent, got time.Time) error {
	for i := range snap.parts {
		at := time.UnixMilli(snap.parts[i].nodeMS)
		if at.Before(sent.Add(-maxSkew)) || at.After(got.Add(maxSkew)) {
			return sick(causeSkew, "this machine's clock and the store's are more than 2 s apart")
		}
	}
	return nil
}

// plausible refuses a read of which more than 1 % and at least 10 lines are malformed: one bad line is a subject's, so
// many are the store's.
func (snap *Snapshot) plausible() error {
	lines, bad := 0, 0
	for _, line := range snap.Lines {
		if line == nil {
			continue
		}
		lines++
		if !Valid(line) {
			bad++
		}
	}
	if bad >= 10 && bad*100 > lines {
		return sick(causeMalformed, fmt.Sprintf("%d of %d lines read are malformed", bad, lines))
	}
	return nil
}
