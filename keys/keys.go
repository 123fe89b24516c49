// Package keys makes, reads and erases the secrets of one deployment: the house key that names subjects in Redis, the
// event key, and one independent random root per epoch of each linking period.
//
// There is one writer (keys init, keys rotate), by lock; workers only read. A key that should be there and is not
// parks; a key that was erased on schedule withholds. The package knows no policy, asks no network and cannot log;
// nothing that it returns, errors included, holds a key.
package keys

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The key folder: house.key, event.key and one file per root (epoch-168h-2951.key), each 32 random bytes with mode
// 0600, beside manifest.json and the writer's lock.
const (
	houseFile    = "house.key"
	eventFile    = "event.key"
	manifestFile = "manifest.json"
	lockFile     = "lock"
	rootPrefix   = "epoch-"
	keySuffix    = ".key"
	keySize      = 32
)

// Ahead is how many epochs beyond the current one are kept ready.
const Ahead = 2

// Grace is added to an epoch's end and the source's `past` before its root may be erased.
const Grace = time.Hour

// A Sick error means that the key folder cannot be trusted: it implements Cause() string, key_missing or key_mismatch.
type Sick struct {
	cause  string
	reason string
}

func (s *Sick) Error() string { return s.cause + ": " + s.reason }
func (s *Sick) Cause() string { return s.cause }

func missing(err error) *Sick { return &Sick{cause: "key_missing", reason: err.Error()} }

// EpochOf counts whole periods from 1970-01-01T00:00Z.
func EpochOf(at time.Time, period time.Duration) int64 {
	ms, p := at.UnixMilli(), period.Milliseconds()
	e := ms / p
	if ms%p < 0 {
		e--
	}
	return e
}

// epochStart is the first instant of an epoch.
func epochStart(period time.Duration, epoch int64) time.Time {
	return time.UnixMilli(epoch * period.Milliseconds()).UTC()
}

// eraseFrom is the Kafka time that every reader must have committed past before the root may go: nothing of the epoch
// can be accepted after it.
func eraseFrom(period time.Duration, epoch int64, past time.Duration) time.Time {
	return epochStart(period, epoch+1).Add(past + Grace)
}

// rootName names a root in fingerprints and listings: epoch-168h-2951.
func rootName(period time.Duration, epoch int64) string {
	return fmt.Sprintf("%s%dh-%d", rootPrefix, int64(period/time.Hour), epoch)
}

// parseRootName is the inverse; ok is false for any other name.
func parseRootName(name string) (period time.Duration, epoch int64, ok bool) {
	rest, found := strings.CutPrefix(name, rootPrefix)
	hours, number, cut := strings.Cut(rest, "h-")
	if !found || !cut {
		return 0, 0, false
	}
	h, err := strconv.ParseInt(hours, 10, 32)
	if err != nil || h < 1 || h > 24*366 {
		return 0, 0, false
	}
	e, err := strconv.ParseInt(number, 10, 64)
	if err != nil || rootName(time.Duration(h)*time.Hour, e) != name {
		return 0, 0, false
	}
	return time.Duration(h) * time.Hour, e, true
}
