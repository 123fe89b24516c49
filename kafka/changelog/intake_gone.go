// What an intake topic no longer has. It keeps records for a short time only, and whoever was away for longer goes on with
// what is left: to wait for what nobody can bring back would lose the rest as well.

package changelog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// gone keeps the last loss that this process has met. The zero value has none. Safe for concurrent use.
type gone struct {
	mu   sync.Mutex
	told map[int32][2]int64 // by partition, the loss that was logged: from where to where
	last string
}

// String tells of the last loss; empty for none.
func (g *gone) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// adjust moves positions that the topic no longer has to its beginning. Where it cannot be asked they stay, and the first
// poll shows what is wrong.
func (in *intake) adjust(ctx context.Context, at map[int32]kgo.Offset) {
	log := &statelog{conn: in.o.opt.Connection, topic: in.o.opt.Intake, adm: in.o.adm}
	partitions := make([]int32, 0, len(at))
	for p := range at {
		partitions = append(partitions, p)
	}
	extents, _ := log.extents(ctx, partitions)
	for p, e := range extents {
		position := at[p].EpochOffset().Offset
		switch {
		case position < 0: // none: it begins at the beginning
		case position < e.start:
			in.tell(p, position, e.start, fmt.Sprintf("%d records, which the topic no longer kept when they were to be read", e.start-position))
			at[p] = kgo.NewOffset().At(e.start)
		case position > e.high:
			// What is there may never have been read, and to read a withdrawal twice is harmless.
			in.tell(p, position, e.start, fmt.Sprintf("its end: it ends at %d, below position %d", e.high, position))
			at[p] = kgo.NewOffset().At(e.start)
		}
	}
}

// lost notes that the topic has lost its end and other records stand there.
func (in *intake) lost(l *kgo.ErrDataLoss) {
	in.tell(l.Partition, l.ConsumedTo, l.ResetTo, fmt.Sprintf("%d records, which were read and have been replaced by others", l.ConsumedTo-l.ResetTo))
}

// tell logs a loss, once.
func (in *intake) tell(p int32, position, next int64, what string) {
	in.gone.mu.Lock()
	defer in.gone.mu.Unlock()
	if in.gone.told == nil {
		in.gone.told = map[int32][2]int64{}
	}
	if in.gone.told[p] == [2]int64{position, next} {
		return
	}
	in.gone.told[p] = [2]int64{position, next}
	in.gone.last = fmt.Sprintf("intake topic %s partition %d has lost %s; it was read on at %d, seen at %s. Withdrawals may be among them: let the sender send them again",
		in.o.opt.Intake, p, what, next, time.Now().UTC().Format(time.RFC3339))
	in.log.Warn("intake records gone", zap.String("topic", in.o.opt.Intake), zap.Int32("partition", p), zap.Int64("position", position),
		zap.Int64("read_on_at", next), zap.String("lost", what))
}
