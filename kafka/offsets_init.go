// `offsets init`: a person says where a group begins. It commits from outside while workers run: a plain OffsetCommit is
// refused as long as the group has members, a transactional one without a member id is not. Workers look again and
// start by themselves. Nothing else in the house ever sets a position.

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/consentry/consentry/consent"
)

// Start is where a group begins: one of Beginning, End or a time.
type Start struct {
	Beginning, End bool
	Time           time.Time
}

// InitOptions say what InitOffsets does. Overwrite and Lost exclude each other.
type InitOptions struct {
	At Start
	// Overwrite sets positions that are there, of Topic alone, and only while the group has no members.
	Overwrite bool
	Topic     string // a raw topic; with Overwrite
	// Lost moves only positions that are out of range, to the nearest offset that is there; At is not used.
	Lost     bool
	Tally    string // topic for the ranges that a person's word skips
	Policy   string // revision for those records; may be empty
	Instance string
}

// Position is what InitOffsets found or did for one partition of one group.
type Position struct {
	Partner, Group, Topic string
	Partition             int32
	From, To              int64 // From is -1 where there was no commit; To is the position read back, -1 for none
	Moved                 bool
}

// ErrGroupBusy says that a group has members, so that its positions cannot be overwritten.
var ErrGroupBusy = errors.New("the group has members; stop its workers, wait until their session has ended (30 s), and run this again")

// InitOffsets sets the positions of the readers' groups and reads them back. Without Overwrite and Lost it touches only
// topics of a group that have no commit at all. The error is nil only if afterwards every partition has one.
func InitOffsets(ctx context.Context, conn Connection, readers []Reader, o InitOptions) ([]Position, error) {
	cl, adm, err := adminClient(conn)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var out []Position
	var errs []error
	for _, r := range readers {
		i := initializer{cl: cl, adm: adm, conn: conn, reader: r, opts: o}
		positions, err := i.run(ctx)
		out = append(out, positions...)
		if err != nil {
			errs = append(errs, fmt.Errorf("group %s: %w", r.Group, err))
		}
	}
	return out, errors.Join(errs...)
}

// initializer sets the positions of one group.
type initializer struct {
	cl      *kgo.Client
	adm     *kadm.Client
	conn    Connection
	reader  Reader
	opts    InitOptions
	details kadm.TopicDetails // of its raw topics
}

func (i *initializer) run(ctx context.Context) ([]Position, error) {
	sources := i.reader.Sources
	if i.opts.Overwrite {
		sources = slices.DeleteFunc(slices.Clone(sources), func(s ReaderSource) bool { return s.Topic != i.opts.Topic })
		if len(sources) == 0 {
			return nil, nil
		}
		if err := i.mustBeEmpty(ctx); err != nil {
			return nil, err
		}
	}
	i.reader.Sources = sources
	topics := i.reader.topics()
	if len(topics) == 0 {
		return nil, nil
	}
	positions, err := i.look(ctx, topics)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(positions, func(p Position) bool { return p.Moved }) {
		if err := i.commit(ctx, positions); err != nil {
			return nil, err
		}
	}
	return positions, i.readBack(ctx, positions)
}

func (i *initializer) mustBeEmpty(ctx context.Context) error {
	g, err := describeGroup(ctx, i.adm, i.reader.Group)
	if err != nil {
		return requestTrouble(err, "group "+i.reader.Group)
	}
	if g.State != "Empty" && g.State != "Dead" {
		return ErrGroupBusy
	}
	return nil
}

// look decides what to move. From is the position found, To the one wanted.
func (i *initializer) look(ctx context.Context, topics []string) ([]Position, error) {
	details, err := lookAtTopics(ctx, i.adm, topics)
	if err != nil {
		return nil, err
	}
	i.details = details
	commits, err := stablePositions(ctx, i.cl, i.reader.Group, details, topics)
	if err != nil {
		return nil, err
	}
	starts, err := i.adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, requestTrouble(err, "the first offsets of the raw topics")
	}
	ends, err := i.adm.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, requestTrouble(err, "the last offsets of the raw topics")
	}
	begin := starts
	switch {
	case i.opts.At.End:
		begin = ends
	case !i.opts.At.Time.IsZero():
		if begin, err = i.adm.ListOffsetsAfterMilli(ctx, i.opts.At.Time.UnixMilli(), topics...); err != nil {
			return nil, requestTrouble(err, "the offsets of that time")
		}
	}
	var out []Position
	for _, topic := range topics {
		id := topicID(details[topic].ID)
		begun := false
		for _, c := range commits[topic] {
			begun = begun || c.at >= 0
		}
		for _, p := range slices.Sorted(maps.Keys(details[topic].Partitions)) {
			start, end, at := starts[topic][p], ends[topic][p], begin[topic][p]
			if err := firstError(start.Err, end.Err, at.Err); err != nil {
				return nil, requestTrouble(err, fmt.Sprintf("topic %s partition %d", topic, p))
			}
			pos := Position{Partner: i.reader.Partner, Group: i.reader.Group, Topic: topic, Partition: p, From: commits[topic][p].at}
			pos.To = pos.From
			switch {
			case i.opts.Lost:
				if pos.From >= 0 {
					pos.To = inRange(commits[topic][p], id, start.Offset, end.Offset)
				}
			case i.opts.Overwrite || !begun:
				pos.To = at.Offset
			}
			pos.Moved = pos.To != pos.From
			out = append(out, pos)
		}
	}
	return out, nil
}

// inRange is where a position goes that no longer means anything: forward to the first offset that is left, back to the
// end of a log that was cut, to the beginning of a topic that was made again. Any other stays.
func inRange(c position, id topicID, start, end int64) int64 {
	if c.note.topic != (topicID{}) && c.note.topic != id {
		return start
	}
	return min(max(c.at, start), end)
}

// commit writes the moved positions, and a tally record for each range that a person's word skips, in one transaction.
func (i *initializer) commit(ctx context.Context, positions []Position) (err error) {
	cl, _, err := adminClient(i.conn, kgo.TransactionalID(i.reader.Group+".offsets"),
		kgo.TransactionTimeout(transactionTimeout), kgo.RecordDeliveryTimeout(adminRetry), kgo.UnknownTopicRetries(2))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return requestTrouble(err, "the transaction")
	}
	records, err := i.skipped(positions)
	if err != nil {
		return err
	}
	if len(records) > 0 {
		if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return errors.Join(requestTrouble(err, "topic "+i.opts.Tally), i.end(ctx, cl, kmsg.NewEndTxnRequest()))
		}
	}
	id, epoch, err := cl.ProducerID(ctx)
	if err != nil {
		return requestTrouble(err, "the transactional id")
	}
	end := kmsg.NewEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch = i.reader.Group+".offsets", id, epoch
	if err := i.add(ctx, cl, end, positions); err != nil {
		return errors.Join(err, i.end(ctx, cl, end))
	}
	end.Commit = true
	return i.end(ctx, cl, end)
}

// end asks for the end of the transaction directly: the client sends none where it produced nothing itself.
func (i *initializer) end(ctx context.Context, cl *kgo.Client, req kmsg.EndTxnRequest) error {
	if req.TransactionalID == "" {
		return nil // nothing was written; the broker's time-out ends it
	}
	err := settle(ctx, func() error {
		res, err := req.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.ErrorCode)
	})
	if err != nil {
		return requestTrouble(err, "the end of the transaction")
	}
	return nil
}

// add puts the positions into the transaction, without a member id and with generation -1.
func (i *initializer) add(ctx context.Context, cl *kgo.Client, txn kmsg.EndTxnRequest, positions []Position) error {
	group := kmsg.NewAddOffsetsToTxnRequest()
	group.TransactionalID, group.ProducerID, group.ProducerEpoch, group.Group = txn.TransactionalID, txn.ProducerID, txn.ProducerEpoch, i.reader.Group
	err := settle(ctx, func() error {
		res, err := group.RequestWith(ctx, cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.ErrorCode)
	})
	if err != nil {
		return requestTrouble(err, "group "+i.reader.Group)
	}
	req := kmsg.NewTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = txn.TransactionalID, txn.ProducerID, txn.ProducerEpoch, i.reader.Group
	for topic, d := range i.details {
		id := topicID(d.ID)
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, id
		for _, p := range positions {
			if p.Topic == topic && p.Moved {
				part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
				part.Partition, part.Offset = p.Partition, p.To
				metadata := string(appendNote(nil, id, 0, &[consent.Shards]uint64{}))
				part.Metadata = &metadata
				t.Partitions = append(t.Partitions, part)
			}
		}
		if len(t.Partitions) > 0 {
			req.Topics = append(req.Topics, t)
		}
	}
	// Kafka answers for each partition inside a call that succeeds.
	err = settle(ctx, func() error {
		res, err := req.RequestWith(ctx, cl)
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
	if err != nil {
		return requestTrouble(err, "the positions of group "+i.reader.Group)
	}
	return nil
}

// skippedRecord is a tally record outside the counting law: a range that nobody decided about, on a person's word.
type skippedRecord struct {
	tallyRecord
	Stage string `json:"stage"`
}

// skipped makes a record for each stream of each position that moved away from another.
func (i *initializer) skipped(positions []Position) ([]*kgo.Record, error) {
	var out []*kgo.Record
	for _, p := range positions {
		if !p.Moved || p.From < 0 {
			continue
		}
		for _, s := range i.reader.Sources {
			if s.Topic != p.Topic {
				continue
			}
			for _, stream := range s.Streams {
				value, err := json.Marshal(skippedRecord{tallyRecord{
					Source: s.Name, Topic: s.Topic, Partition: p.Partition, From: p.From, To: p.To, Stream: stream,
					Withheld: map[string]int64{}, Policy: i.opts.Policy, Instance: i.opts.Instance}, "offsets"})
				if err != nil {
					return nil, errors.New("a tally record cannot be written")
				}
				out = append(out, &kgo.Record{Topic: i.opts.Tally, Value: value})
			}
		}
	}
	return out, nil
}

// readBack fills in what the group holds now and is content when every partition has a position.
func (i *initializer) readBack(ctx context.Context, positions []Position) error {
	commits, err := stablePositions(ctx, i.cl, i.reader.Group, i.details, i.reader.topics())
	if err != nil {
		return err
	}
	var errs []error
	for k := range positions {
		p := &positions[k]
		where := fmt.Sprintf("topic %s partition %d", p.Topic, p.Partition)
		wanted := p.To
		p.To = commits[p.Topic][p.Partition].at
		switch {
		case p.Moved && p.To != wanted:
			errs = append(errs, fmt.Errorf("%s: %d was written and %d is there: somebody else commits for this group", where, wanted, p.To))
		case p.To < 0 && i.opts.Lost:
			errs = append(errs, fmt.Errorf("%s has no position to move; run: consentry offsets init --at beginning (or end, or a time)", where))
		case p.To < 0:
			errs = append(errs, fmt.Errorf("%s has no position while others of the topic have; workers begin it at its beginning if it is new, else stop them and run: consentry offsets init --at beginning --overwrite --topic %s", where, p.Topic))
		}
	}
	return errors.Join(errs...)
}
