//go:build stoppoint

// The test build that can hold an owner between the commit of a transaction and its projection. Never shipped: built
// only with -tags stoppoint.

package changelog

import (
	"os"
	"sync/atomic"
	"time"
)

// held makes the hold happen once a process.
var held atomic.Bool

// stopPoint holds the lane, heartbeats and all, for CONSENTRY_STOPPOINT_CONSENT (a duration), once. It makes the file
// CONSENTRY_STOPPOINT_MARK when it begins.
func stopPoint() {
	hold, err := time.ParseDuration(os.Getenv("CONSENTRY_STOPPOINT_CONSENT"))
	if err != nil || hold <= 0 || !held.CompareAndSwap(false, true) {
		return
	}
	if mark := os.Getenv("CONSENTRY_STOPPOINT_MARK"); mark != "" {
		if os.WriteFile(mark, nil, 0o600) != nil {
			return // a hold that nobody learns of would prove nothing
		}
	}
	time.Sleep(hold)
}
