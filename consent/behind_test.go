// A store that lost something and goes on counting.

package consent_test

import (
	"fmt"
	"testing"
	"time"
)

// Changes raise the place of a shard that fell back until it looks right again. What was lost is lost all the same: only
// a person ends the doubt.
func TestChangesDoNotMakeALossGood(t *testing.T) {
	onBoth(t, func(t *testing.T, r rig) {
		r.accept(t)
		r.apply(t, subject(1), withdraw())
		wantCause(t, r.Store, "")
		meta := fmt.Sprintf("consentry:{%02d}:meta", subject(1).Shard())
		must(t, r.raw.HIncrBy(t.Context(), meta, "place", -1).Err())
		wantCause(t, r.Store, "redis_wiped")
		r.apply(t, subject(1), grant(time.Now().UnixMilli()))
		wantCause(t, r.Store, "redis_wiped")
		r.accept(t)
		wantCause(t, r.Store, "")
	})
}
