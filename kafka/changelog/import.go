// Loading a file of changes into the log: in transactions of many rows, each of which also commits how far the file has
// come, so that a load that was cut short goes on where it stopped and no row stands in the log twice.

package changelog

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

const (
	// importBatch is the number of rows in one transaction. While it is open no other request of its partitions is
	// merged, so it has to be short.
	importBatch = 20_000
	// importWindow is how many rows may wait for the owners.
	importWindow = 10 * importBatch
	// importTimeout bounds a transaction whose importer died: until then it holds up what was appended behind it.
	importTimeout = 10 * time.Second
	// importSilence is how long the owners may be silent before the load gives up.
	importSilence = 30 * time.Second
)

// Import says how a file is loaded. All functions are required.
type Import struct {
	// File names the file and the way in which it is read, for going on. Zero for a stream, which cannot be read twice.
	File [32]byte
	// Name finds the ID of a subject as written; false refuses the row.
	Name func(subject string) (consent.ID, bool)
	// Check refuses a row for what the configuration says; empty is no objection.
	Check func(consent.Change) string
	// Report is told of every row that did not do all that it asked, in no order. It is never called by two at once.
	Report func(line int, kind, reason string)
	// Progress is told now and then how many rows were read, and how many of them the owners have merged.
	Progress func(read, merged int)
	// Resumed is told once if a part of the file was loaded before: up to which line.
	Resumed func(line int)
	batch   int           // rows in a transaction; importBatch but in tests
	timeout time.Duration // of a transaction; importTimeout but in tests
}

// Why a transaction of a load can be ended by somebody else. The broker says the same of both.
var (
	errOvertaken = errors.New("the same file is being loaded by another process, which has taken over")
	errHeldUp    = errors.New("the load was held up in the middle of a transaction, and the broker has ended it, unless another process " +
		"loads the same file: see that the machine has time for it, and run it again")
)

// importer is one load under way.
type importer struct {
	c    *Client
	o    Import
	cl   *kgo.Client
	id   string // of group and transactions; the group exists only where the load can go on
	keep bool   // progress is kept
	// load names this load's requests, with their lines. The same file, loaded again, is another load: requests of one key
	// would displace one another when the topic is compacted, and the evidence of the first would be gone.
	load [8]byte
	// topic is the id of the requests topic, which newer brokers want in place of its name.
	topic [16]byte
	began time.Time // the transaction in hand
	// resumed tells that an earlier run has loaded a part of the file.
	resumed bool
	*tracker
}

// batch is a part of the file that becomes one transaction.
type batch struct {
	records []*kgo.Record
	rows    []row
	line    int // up to which the file has been read
	read    int
	formed  refusals // so far, of rows that never became requests
	last    bool
	err     error
}

type refusals struct{ refused, doubtful int }

// Load makes the changes of a file and returns when the store holds them all. On error Loaded says how far it came; to
// run the file again is harmless, and goes on there.
func (c *Client) Load(ctx context.Context, rows *consent.Rows, o Import) (consent.Loaded, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if o.batch == 0 {
		o.batch = importBatch
	}
	if o.timeout == 0 {
		o.timeout = importTimeout
	}
	i := &importer{c: c, keep: o.File != [32]byte{}, tracker: newTracker(o.Report)}
	if !i.keep {
		rand.Read(o.File[:]) // it never fails: the runtime ends the program instead
	}
	i.o = o
	rand.Read(i.load[:])
	i.id = fmt.Sprintf("%s.consent-import.%x", c.o.Group, o.File[:8])
	var err error
	i.cl, _, err = kafka.AdminClient(c.o.Connection, kgo.TransactionalID(i.id), kgo.TransactionTimeout(o.timeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(50*time.Millisecond), kgo.MaxBufferedRecords(2*importBatch),
		kgo.RecordDeliveryTimeout(importTimeout), kgo.UnknownTopicRetries(2), kgo.ProducerBatchCompression(kafka.Codecs()...))
	if err != nil {
		return consent.Loaded{}, err
	}
	defer i.cl.Close()
	// The transactional id is taken first: it ends what another load of this file has left open, or is still doing.
	if _, _, err := i.cl.ProducerID(ctx); err != nil {
		return consent.Loaded{}, kafka.RequestTrouble(err, "transactional id "+i.id)
	}
	if err := i.begin(ctx); err != nil {
		return consent.Loaded{}, err
	}
	from := make(map[int32]kgo.Offset, consent.Shards)
	for p := range i.state {
		from[int32(p)] = kgo.NewOffset().At(i.state[p])
	}
	f, err := c.followFrom(from)
	if err != nil {
		return consent.Loaded{}, err
	}
	settled := make(chan error, 1)
	go func() { settled <- i.settle(ctx, f) }()
	batches := make(chan batch, 1)
	go i.prepare(ctx, rows, batches)

	err = i.write(ctx, batches)
	if err == nil {
		err = i.drain(ctx)
	}
	cancel(err)
	if e := <-settled; err == nil && e != nil && !errors.Is(e, context.Canceled) {
		err = e
	}
	f.close()
	if errors.Is(err, errSilent) {
		err = errors.New(c.silence(ctx, i.first()) + "; what is loaded so far will be merged")
	}
	done := i.loaded()
	if errors.Is(err, errPassedOver) && i.keep {
		err = errors.Join(err, i.dropProgress(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return done, err
	}
	return done, i.finish(context.WithoutCancel(ctx))
}

// prepare reads rows and makes requests of them, beside the transaction in hand.
func (i *importer) prepare(ctx context.Context, rows *consent.Rows, out chan<- batch) {
	defer close(out)
	var b batch
	formed := i.formed
	skip := i.line
	read := 0
	send := func() bool {
		b.read, b.formed = read, formed
		select {
		case out <- b:
			b = batch{records: make([]*kgo.Record, 0, i.o.batch), rows: make([]row, 0, i.o.batch), line: b.line}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		r, err := rows.Next()
		if err != nil {
			if err != io.EOF {
				b.err = err
			}
			b.last = true
			send()
			return
		}
		read++
		if r.Line <= skip {
			continue
		}
		b.line = r.Line
		req, problem := i.request(&r)
		if problem != "" {
			formed.refused++
			if r.Change.Action != consent.ActGrant {
				formed.doubtful++
			}
			i.say(r.Line, consent.KindRefused, problem)
		} else {
			b.records = append(b.records, i.c.record(&req))
			b.rows = append(b.rows, row{line: int32(r.Line), grant: r.Change.Action == consent.ActGrant})
		}
		if len(b.records) == i.o.batch && !send() {
			return
		}
	}
}

// request makes the request of a row, or says why it is refused.
func (i *importer) request(r *consent.Row) (consent.Request, string) {
	problem := r.Problem
	if problem == "" {
		problem = i.o.Check(r.Change)
	}
	if problem != "" {
		return consent.Request{}, problem
	}
	id, known := i.o.Name(r.Subject)
	if !known {
		return consent.Request{}, "the subject is not of the kind that consent.subject names"
	}
	req := consent.Request{Kind: consent.KindOf(r.Change.Action), ReqID: i.requestID(r.Line), ID: id, Change: r.Change, Evidence: r.Evidence}
	return req, req.Problem()
}

// requestID names a row's request by its load and line.
func (i *importer) requestID(line int) (id [16]byte) {
	copy(id[:8], i.load[:])
	binary.BigEndian.PutUint64(id[8:], uint64(line))
	return id
}

// write appends the batches, each in a transaction with the progress.
func (i *importer) write(ctx context.Context, batches <-chan batch) error {
	for b := range batches {
		if err := i.awaitRoom(ctx); err != nil {
			return err
		}
		if len(b.records) > 0 {
			if err := i.transact(ctx, &b); err != nil {
				return err
			}
		}
		i.note(&b)
		i.o.Progress(b.read, i.merged())
		if b.err != nil {
			return b.err
		}
		if b.last {
			return nil
		}
	}
	return context.Cause(ctx)
}

func (i *importer) transact(ctx context.Context, b *batch) error {
	i.began = time.Now()
	if err := i.cl.BeginTransaction(); err != nil {
		return i.failed(err)
	}
	first := kgo.AbortingFirstErrPromise(i.cl)
	for _, r := range b.records {
		i.cl.Produce(ctx, r, first.Promise())
	}
	if err := i.cl.Flush(ctx); err != nil {
		return i.abandon(err)
	}
	if err := first.Err(); err != nil {
		return i.abandon(err)
	}
	// Before the commit: the owners may merge a request the moment it is committed.
	i.add(b)
	if i.keep {
		if err := i.commitProgress(ctx, b); err != nil {
			return i.abandon(err)
		}
	}
	// Once begun the end is seen through, whatever the caller's context says.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), kafka.EndDeadline)
	defer cancel()
	if err := i.cl.EndTransaction(end, kgo.TryCommit); err != nil {
		return i.failed(err)
	}
	return nil
}

// abandon aborts the transaction in hand, as far as that is still possible: the broker's time-out does it otherwise.
func (i *importer) abandon(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), kafka.EndDeadline)
	defer cancel()
	if abort := i.cl.EndTransaction(ctx, kgo.TryAbort); abort != nil && kafka.Code(abort) != kafka.Code(err) {
		return fmt.Errorf("%w (and the transaction was not aborted: %s)", i.failed(err), kafka.Code(abort))
	}
	return i.failed(err)
}

func (i *importer) failed(err error) error {
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		if time.Since(i.began) >= i.o.timeout {
			return errHeldUp
		}
		return errOvertaken
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	}
	return kafka.RequestTrouble(err, "topic "+i.c.o.Requests)
}

// finish waits until the store holds all that was merged, and forgets the progress: the same file, loaded again, is
// another load.
func (i *importer) finish(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, importSilence)
	defer cancel()
	needs := i.needs()
	if i.resumed {
		var err error
		if needs, err = i.c.merged(wait); err != nil {
			return err
		}
	}
	if len(needs) > 0 {
		if _, err := i.c.awaitStore(wait, needs); err != nil {
			var ny *NotYet
			if errors.As(err, &ny) {
				return fmt.Errorf("all rows are merged, and not all in force yet: %s", ny.Why)
			}
			return err
		}
	}
	if !i.keep {
		return nil
	}
	return i.dropProgress(ctx)
}

// merged is what the store needs to hold all that was merged until now. Whose rows an earlier run has merged is not known
// any more, so it is asked of every shard.
func (c *Client) merged(ctx context.Context) (map[int32]need, error) {
	tails, _, err := c.marks(ctx)
	if err != nil {
		return nil, err
	}
	needs := map[int32]need{}
	for p, t := range tails {
		if t.found {
			// Just below the head there may be a marker of the transaction, which the store need not come past.
			needs[p] = need{place: uint64(max(t.head-1, 0)), marked: true, epoch: t.mark.Epoch, hold: t.mark.Hold}
		}
	}
	return needs, nil
}
