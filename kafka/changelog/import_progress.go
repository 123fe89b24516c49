// How far a load has come, kept as the position of a group of its own: the line as the offset, the account in its note.
// It is committed in the transaction of the rows that it counts.

package changelog

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

// progressNote is the account of a load at one of its transactions.
type progressNote struct {
	load   [8]byte
	counts consent.Loaded // of merged rows
	formed refusals
	state  [consent.Shards]int64 // where the reading of outcomes goes on
	oldest [consent.Shards]int64 // request offset of the first row that was not merged; 0: none
}

// noteVersion is the first byte of a note.
const noteVersion = 2

// text packs a note: numbers as varints, in base64. At most some 1,200 characters; brokers take 4,096.
func (n *progressNote) text() string {
	b := append([]byte{noteVersion}, n.load[:]...)
	for _, v := range []int{n.counts.Made, n.counts.Void, n.counts.Refused, n.counts.Doubtful, n.formed.refused, n.formed.doubtful} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for p := range consent.Shards {
		b = binary.AppendUvarint(b, uint64(n.state[p]))
		b = binary.AppendUvarint(b, uint64(n.oldest[p]))
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

var errProgress = errors.New("the progress of this load cannot be read: another program has committed for its group")

// parseNote reads what text wrote.
func parseNote(text string) (n progressNote, err error) {
	b, decodeErr := base64.RawStdEncoding.DecodeString(text)
	if decodeErr != nil || len(b) < 9 || b[0] != noteVersion {
		return progressNote{}, errProgress
	}
	n.load = [8]byte(b[1:9])
	r := bytes.NewReader(b[9:])
	next := func() int64 {
		v, e := binary.ReadUvarint(r)
		if e != nil || v > 1<<62 {
			err = errProgress
			return 0
		}
		return int64(v)
	}
	for _, v := range []*int{&n.counts.Made, &n.counts.Void, &n.counts.Refused, &n.counts.Doubtful, &n.formed.refused, &n.formed.doubtful} {
		*v = int(next())
	}
	for p := range consent.Shards {
		n.state[p], n.oldest[p] = next(), next()
	}
	if r.Len() > 0 {
		err = errProgress
	}
	if err != nil {
		return progressNote{}, err
	}
	return n, nil
}

// begin finds where the load begins: at the first row, or where an earlier run of it was cut short.
func (i *importer) begin(ctx context.Context) error {
	extents, err := i.c.state.extents(ctx, allShards())
	if err != nil {
		return err
	}
	for p, e := range extents {
		i.tracker.state[p] = e.stable
	}
	if !i.keep {
		return nil
	}
	line, text, err := i.readProgress(ctx)
	if err != nil || line < 0 {
		return err
	}
	n, err := parseNote(text)
	if err != nil {
		return err
	}
	i.load, i.line, i.counts, i.formed, i.resumed = n.load, int(line), n.counts, n.formed, true
	for p := range n.state {
		// What compaction has taken away meanwhile was displaced: the next mark tells of it.
		i.tracker.state[p] = max(n.state[p], extents[int32(p)].start)
	}
	if err := i.unmerged(ctx, &n); err != nil {
		return err
	}
	i.o.Resumed(i.line)
	return nil
}

// unmerged finds the rows that an earlier run appended and did not see merged.
func (i *importer) unmerged(ctx context.Context, n *progressNote) error {
	var partitions []int32
	for p, at := range n.oldest {
		if at > 0 {
			partitions = append(partitions, int32(p))
		}
	}
	if len(partitions) == 0 {
		return nil
	}
	extents, err := i.c.requests.extents(ctx, partitions)
	if err != nil {
		return err
	}
	spans := map[int32]span{}
	for p, e := range extents {
		spans[p] = span{max(n.oldest[p]-1, e.start), e.stable}
	}
	return i.c.requests.read(ctx, spans, func(r *kgo.Record) error {
		q := consent.ReadRequest(int(r.Partition), r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value)
		if q.Gone || q.Err != nil || [8]byte(q.Request.ReqID[:8]) != i.load {
			return nil
		}
		line := int32(binary.BigEndian.Uint64(q.Request.ReqID[8:]))
		i.waiting[r.Partition] = append(i.waiting[r.Partition], row{offset: r.Offset, line: line, grant: q.Request.Kind == consent.AskGrant, former: true})
		i.outside++
		return nil
	}, func(int32) error { return nil })
}

// account is the note for a transaction that ends with b.
func (t *tracker) account(load [8]byte, b *batch) *progressNote {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &progressNote{load: load, counts: t.counts, formed: b.formed, state: t.state}
	for p, w := range t.waiting {
		for k := range w {
			if !w[k].merged {
				n.oldest[p] = w[k].offset + 1
				break
			}
		}
	}
	return n
}

// commitProgress puts the progress into the transaction in hand, without a member id and with generation -1.
func (i *importer) commitProgress(ctx context.Context, b *batch) error {
	id, epoch, err := i.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	group := kmsg.NewAddOffsetsToTxnRequest()
	group.TransactionalID, group.ProducerID, group.ProducerEpoch, group.Group = i.id, id, epoch, i.id
	err = kafka.Settle(ctx, func() error {
		res, err := group.RequestWith(ctx, i.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.ErrorCode)
	})
	if err != nil {
		return err
	}
	text := i.account(i.load, b).text()
	part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	part.Partition, part.Offset, part.Metadata = 0, int64(b.line), &text
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic, t.TopicID, t.Partitions = i.c.o.Requests, i.topic, append(t.Partitions, part)
	req := kmsg.NewTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Topics = i.id, id, epoch, i.id, append(req.Topics, t)
	return kafka.Settle(ctx, func() error {
		res, err := req.RequestWith(ctx, i.cl)
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					return kerr.ErrorForCode(p.ErrorCode)
				}
			}
		}
		return nil
	})
}

// readProgress gives the line and the note that were committed last; line is -1 when there are none. It waits for the end
// of a transaction that is being finished.
func (i *importer) readProgress(ctx context.Context) (line int64, note string, err error) {
	details, err := i.c.adm.ListTopics(ctx, i.c.o.Requests)
	if err != nil {
		return 0, "", kafka.RequestTrouble(err, "topic "+i.c.o.Requests)
	}
	i.topic = details[i.c.o.Requests].ID
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.TopicID, t.Partitions = i.c.o.Requests, i.topic, []int32{0}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.Topics = i.id, append(g.Topics, t)
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable, req.Groups = true, append(req.Groups, g)
	line = -1
	err = kafka.Settle(ctx, func() error {
		res, err := req.RequestWith(ctx, i.c.cl)
		if err != nil {
			return err
		}
		for _, g := range res.Groups {
			if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
				return err
			}
			for _, t := range g.Topics {
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						return err
					}
					if p.Offset >= 0 && p.Metadata != nil {
						line, note = p.Offset, *p.Metadata
					}
				}
			}
		}
		return nil
	})
	if errors.Is(err, kerr.GroupIDNotFound) {
		return -1, "", nil
	}
	if err != nil {
		return 0, "", kafka.RequestTrouble(err, "group "+i.id)
	}
	return line, note, nil
}

// dropProgress deletes the group.
func (i *importer) dropProgress(ctx context.Context) error {
	var gone kadm.DeleteGroupResponse
	err := kafka.Settle(ctx, func() (err error) {
		if gone, err = i.c.adm.DeleteGroup(ctx, i.id); err != nil {
			return err
		}
		return gone.Err
	})
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return kafka.RequestTrouble(err, "all is loaded, and group "+i.id+" cannot be deleted")
	}
	return nil
}
