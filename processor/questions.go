package processor

// The distinct subjects of a batch: an open-addressing table that lives as long as its lane, so that a batch of any
// size costs no garbage.

import (
	"encoding/binary"

	"github.com/consentry/consentry/consent"
)

type questions struct {
	ids   []consent.ID
	slots []int32 // index into ids plus one, 0 for free; a power of two, at least twice as many as ids
}

// reset forgets all and makes room for n ids.
func (q *questions) reset(n int) {
	q.ids = q.ids[:0]
	size := 16
	for size < 2*n {
		size *= 2
	}
	if cap(q.slots) < size {
		q.slots = make([]int32, size)
	}
	q.slots = q.slots[:size]
	clear(q.slots)
}

// add gives the index of id in ids. At most as many ids as reset made room for may be added. An id is a keyed hash, so
// nobody can choose ids that crowd one place of the table.
func (q *questions) add(id consent.ID) int {
	mask := uint64(len(q.slots) - 1)
	for at := binary.LittleEndian.Uint64(id[:8]) & mask; ; at = (at + 1) & mask {
		i := q.slots[at]
		if i == 0 {
			q.ids = append(q.ids, id)
			q.slots[at] = int32(len(q.ids))
			return len(q.ids) - 1
		}
		if q.ids[i-1] == id {
			return int(i - 1)
		}
	}
}
