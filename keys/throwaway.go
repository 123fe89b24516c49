package keys

// A Keyring that lives as long as its process, for explain where no key folder is at hand. Nothing made with it can be
// compared with anything released.

import (
	"crypto/rand"
	"strconv"

	"github.com/consentry/consentry/filters"
)

// Throwaway implements filters.Keyring over one random root that is kept nowhere. Every epoch has a key.
type Throwaway struct{ root [keySize]byte }

// NewThrowaway draws a root.
func NewThrowaway() *Throwaway {
	t := &Throwaway{}
	_, _ = rand.Read(t.root[:])
	return t
}

// PseudonymKey always gives a key.
func (t *Throwaway) PseudonymKey(dst *[32]byte, partner, topic string, periodMS, epoch int64) filters.Outcome {
	var root [keySize]byte
	expand(root[:], t.root[:], nil, "root "+strconv.FormatInt(periodMS, 10)+" "+strconv.FormatInt(epoch, 10))
	derive(dst, &root, partner, topic)
	return filters.Filled
}

// EventKey always gives a key.
func (t *Throwaway) EventKey(dst *[32]byte, partner, topic string) filters.Outcome {
	var root [keySize]byte
	expand(root[:], t.root[:], nil, "event")
	derive(dst, &root, partner, topic)
	return filters.Filled
}

// Generation never changes.
func (t *Throwaway) Generation() uint64 { return 1 }

// HouseKey names subjects in no store.
func (t *Throwaway) HouseKey() [32]byte {
	var house [32]byte
	expand(house[:], t.root[:], nil, "house")
	return house
}
