//go:build stoppoint

// The test build that proves the guards: it can hold a lane between decision and write, and turn the client's half of
// both guards off to show what they prevent. Never shipped: built only with -tags stoppoint.

package kafka

import (
	"context"
	"os"
	"sync/atomic"
	"time"
)

// held makes the hold happen once a process: holding every transaction would let nothing through.
var held atomic.Bool

// guardsOff reads CONSENTRY_STOPPOINT_GUARDS=off.
func guardsOff() bool { return os.Getenv("CONSENTRY_STOPPOINT_GUARDS") == "off" }

// stopPoint holds the lane for CONSENTRY_STOPPOINT_HOLD (a duration), once, for the partner that
// CONSENTRY_STOPPOINT_PARTNER names, or any when it is empty. It makes the file CONSENTRY_STOPPOINT_MARK when it begins.
func stopPoint(ctx context.Context, partner string) {
	hold, err := time.ParseDuration(os.Getenv("CONSENTRY_STOPPOINT_HOLD"))
	if err != nil || hold <= 0 {
		return
	}
	if only := os.Getenv("CONSENTRY_STOPPOINT_PARTNER"); only != "" && only != partner {
		return
	}
	if !held.CompareAndSwap(false, true) {
		return
	}
	if mark := os.Getenv("CONSENTRY_STOPPOINT_MARK"); mark != "" {
		if os.WriteFile(mark, nil, 0o600) != nil {
			return // a hold that nobody learns of would prove nothing
		}
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
