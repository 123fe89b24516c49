package keys

// The folder's account, for `keys list`: names, times and states, never a key.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// State is what has become of a root.
type State string

const (
	Ready   State = "ready"   // its time has not come
	Current State = "current" // events of today use it
	Past    State = "past"    // its time is over; late events may still need it
	Erased  State = "erased"
	Erasing State = "erasing" // declared erased and not used, but its file still stands: the next rotation ends it
	Lost    State = "lost"    // made, not erased, and not there: events of its time park
)

// Item is one epoch of one period.
type Item struct {
	Name     string        `json:"name"` // epoch-168h-2951
	Period   time.Duration `json:"-"`
	Epoch    int64         `json:"epoch"`
	From     time.Time     `json:"from"`
	To       time.Time     `json:"to"`
	State    State         `json:"state"`
	EraseAt  time.Time     `json:"erase_at"`           // from then on, as soon as every group has committed past it
	EraseBy  time.Time     `json:"erase_by"`           // at the latest
	ErasedAt *time.Time    `json:"erased_at,omitzero"` // when it was erased
}

// List tells of every epoch ever made, as far as single erasures are kept, oldest first within each period.
func List(dir string, keep time.Duration, now time.Time) ([]Item, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	there := map[rootID]bool{}
	err := eachRootFile(dir, func(_ string, period time.Duration, epoch int64) error {
		there[rootID{period, epoch}] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	m, err := readManifest(dir) // last: see readFolder
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, p := range m.Periods {
		period := time.Duration(p.Period)
		for _, gone := range p.Erased {
			it := item(period, gone.Epoch, time.Duration(p.Past), keep)
			it.State, it.ErasedAt = Erased, &gone.At
			if there[rootID{period, gone.Epoch}] {
				it.State = Erasing
			}
			items = append(items, it)
		}
		for e := p.ErasedThrough + 1; e <= p.MadeThrough; e++ {
			it := item(period, e, time.Duration(p.Past), keep)
			switch {
			case !there[rootID{period, e}]:
				it.State = Lost
			case now.Before(it.From):
				it.State = Ready
			case now.Before(it.To):
				it.State = Current
			default:
				it.State = Past
			}
			items = append(items, it)
		}
	}
	return items, nil
}

func item(period time.Duration, epoch int64, past, keep time.Duration) Item {
	at := eraseFrom(period, epoch, past)
	return Item{
		Name: rootName(period, epoch), Period: period, Epoch: epoch,
		From: epochStart(period, epoch), To: epochStart(period, epoch+1),
		EraseAt: at, EraseBy: at.Add(keep),
	}
}

// eachRootFile visits the root files of a folder in name order.
func eachRootFile(dir string, visit func(name string, period time.Duration, epoch int64) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the key folder %s cannot be read", dir)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name, isKey := strings.CutSuffix(e.Name(), keySuffix)
		period, epoch, isRoot := parseRootName(name)
		if isKey && isRoot {
			if err := visit(name, period, epoch); err != nil {
				return err
			}
		}
	}
	return nil
}
