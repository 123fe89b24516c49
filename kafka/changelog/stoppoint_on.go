//go:build stoppoint

// The test build that can hold an owner at every step of a change. Never shipped: built only with -tags stoppoint.

package changelog

import (
	"os"
	"strings"
	"time"
)

// stopPoint holds the lane, heartbeats and all, if the file that CONSENTRY_STOPPOINT_CONSENT names says so: the name of
// the step, a space, a duration. The file is renamed to <file>.held when the hold begins, so each file holds once.
func stopPoint(at string) {
	file := os.Getenv("CONSENTRY_STOPPOINT_CONSENT")
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	name, long, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	hold, err := time.ParseDuration(long)
	if err != nil || name != at || os.Rename(file, file+".held") != nil {
		return // a hold that nobody learns of would prove nothing
	}
	time.Sleep(hold)
}
