package changelog

// What an operator is told to do about the role sync must mend it, and not the reading of events.

import (
	"strings"
	"testing"

	"github.com/consentry/consentry/kafka"
)

func TestNextIsOfThisRole(t *testing.T) {
	for _, c := range []kafka.Cause{kafka.RedisStale, kafka.RedisWiped, kafka.StateRestoring, kafka.OffsetsLost, kafka.TopicMissing} {
		next := nextOf(c)
		if next == c.Next() || len(next) < 20 || strings.Contains(next, "run: consentry offsets") || strings.Contains(next, "batch") {
			t.Errorf("%s: %q", c, next)
		}
	}
	if nextOf(kafka.RedisUnreachable) != kafka.RedisUnreachable.Next() || nextOf(kafka.TopicForbidden) == "" {
		t.Error("what means the same has other words")
	}
}
