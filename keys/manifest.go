package keys

// The manifest says what the folder should hold, so that a key that is gone on schedule (withhold) is told from one
// that is lost (park). It holds no key.

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const manifestVersion = 1

// erasuresKept bounds the account of single erasures per period; ErasedThrough covers the rest.
const erasuresKept = 1000

type manifest struct {
	Version int           `json:"version"`
	Made    time.Time     `json:"made"`
	Periods []periodState `json:"periods"` // sorted by length
}

// periodState is the account of one linking period. Every epoch from Oldest to MadeThrough was made; those up to
// ErasedThrough are erased (Oldest-1: none).
type periodState struct {
	Period        hours     `json:"period"`
	Oldest        int64     `json:"oldest"`
	MadeThrough   int64     `json:"made_through"`
	ErasedThrough int64     `json:"erased_through"`
	Past          seconds   `json:"past"` // the largest that a source had when the period was last in use
	Erased        []erasure `json:"erased,omitempty"`
}

type erasure struct {
	Epoch int64     `json:"epoch"`
	At    time.Time `json:"at"`
}

// hours prints as 168h, seconds as 604800s.
type (
	hours   time.Duration
	seconds time.Duration
)

func (h hours) MarshalText() ([]byte, error) { return unitText(time.Duration(h), time.Hour, "h"), nil }
func (s seconds) MarshalText() ([]byte, error) {
	return unitText(time.Duration(s), time.Second, "s"), nil
}
func (h *hours) UnmarshalText(b []byte) error {
	return parseUnit((*time.Duration)(h), b, time.Hour, "h")
}
func (s *seconds) UnmarshalText(b []byte) error {
	return parseUnit((*time.Duration)(s), b, time.Second, "s")
}

func unitText(d, unit time.Duration, suffix string) []byte {
	return append(strconv.AppendInt(nil, int64(d/unit), 10), suffix...)
}

func parseUnit(d *time.Duration, b []byte, unit time.Duration, suffix string) error {
	digits, ok := strings.CutSuffix(string(b), suffix)
	n, err := strconv.ParseInt(digits, 10, 32)
	if !ok || err != nil || n < 0 || n > int64((1<<63-1)/unit) {
		return errors.New("not a duration")
	}
	*d = time.Duration(n) * unit
	return nil
}

// parseManifest refuses anything that does not hang together: a damaged account must park, never withhold.
func parseManifest(b []byte) (*manifest, error) {
	m := &manifest{}
	if json.Unmarshal(b, m) != nil {
		return nil, errors.New(manifestFile + " is damaged; restore it from a backup")
	}
	if m.Version != manifestVersion {
		return nil, errors.New(manifestFile + " is of a version that this consentry does not know")
	}
	for i, p := range m.Periods {
		inOrder := i == 0 || m.Periods[i-1].Period < p.Period
		if !inOrder || p.Period < hours(time.Hour) || p.MadeThrough < p.Oldest || p.ErasedThrough < p.Oldest-1 || p.ErasedThrough > p.MadeThrough {
			return nil, errors.New(manifestFile + " contradicts itself; restore it from a backup")
		}
	}
	return m, nil
}

func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("the key folder has no " + manifestFile + "; " + whereKeysAre)
	}
	if err != nil {
		return nil, errors.New("the key folder's " + manifestFile + " cannot be read")
	}
	return parseManifest(b)
}

func (m *manifest) write(dir string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return errors.New("the manifest cannot be written out")
	}
	return writeFile(dir, manifestFile, append(b, '\n'), true)
}

// period finds the account of a period, nil if it was never in use.
func (m *manifest) period(d time.Duration) *periodState {
	for i := range m.Periods {
		if m.Periods[i].Period == hours(d) {
			return &m.Periods[i]
		}
	}
	return nil
}

func (m *manifest) addPeriod(p periodState) *periodState {
	m.Periods = append(m.Periods, p)
	slices.SortFunc(m.Periods, func(a, b periodState) int { return int(a.Period/hours(time.Hour)) - int(b.Period/hours(time.Hour)) })
	return m.period(time.Duration(p.Period))
}

// declareErased moves the account on; the file goes afterwards.
func (p *periodState) declareErased(epoch int64, at time.Time) {
	p.ErasedThrough = epoch
	p.Erased = append(p.Erased, erasure{epoch, at.UTC().Truncate(time.Second)})
	if n := len(p.Erased) - erasuresKept; n > 0 {
		p.Erased = slices.Delete(p.Erased, 0, n)
	}
}
