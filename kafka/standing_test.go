package kafka

import (
	"errors"
	"testing"
	"time"
)

func TestEveryCauseSaysWhatToDo(t *testing.T) {
	// The closed list of the contract, in its order, and list_stale of the list of places.
	want := []Cause{"redis_unreachable", "redis_stale", "redis_wiped", "redis_malformed", "redis_unsafe", "registry_unreachable",
		"schema_unpublished", "broker_unreachable", "topic_missing", "topic_forbidden", "offsets_missing", "offsets_lost",
		"key_missing", "key_mismatch", "clock_skew", "list_stale", "state_restoring"}
	if len(causes) != len(want) {
		t.Fatalf("%d causes, the contract has %d", len(causes), len(want))
	}
	for i, c := range want {
		if causes[i].cause != c || len(c.Next()) < 20 {
			t.Errorf("cause %d is %s: %q", i, causes[i].cause, c.Next())
		}
	}
}

// clock is a clock that tests turn.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestStanding(t *testing.T) {
	c := &clock{at: time.Unix(1000, 0)}
	s := newStanding(c.now)
	parked := map[Cause]time.Duration{}
	s.seconds = func(cause Cause, d time.Duration) { parked[cause] += d }
	step := func(name, state string, cause Cause, sinceUnix int64) {
		t.Helper()
		if v := s.look(); v.State != state || v.Cause != cause || v.Since.Unix() != sinceUnix {
			t.Errorf("%s: %s %s since %d", name, v.State, v.Cause, v.Since.Unix())
		}
	}
	step("at first", StateStarting, "", 1000)
	c.at = c.at.Add(time.Second)
	s.begun()
	step("begun", StateRunning, "", 1001)
	c.at = c.at.Add(time.Second)
	s.doubt("lane 0", &Trouble{RedisUnreachable, ""}, "")
	step("one doubts", StateParked, RedisUnreachable, 1002)
	c.at = c.at.Add(time.Second)
	s.doubt("lane 1", &Trouble{KeyMissing, ""}, "")
	step("another doubts: the first stays shown", StateParked, RedisUnreachable, 1002)
	c.at = c.at.Add(time.Second)
	s.content("lane 0")
	step("the first is content", StateParked, KeyMissing, 1004)
	c.at = c.at.Add(time.Second)
	s.stop("store", true)
	step("a person's stop leads", StateStopped, "", 1005)
	s.stop("store", false)
	c.at = c.at.Add(time.Second)
	s.leave("lane 1")
	step("all content", StateRunning, "", 1006)
	c.at = c.at.Add(time.Second)
	s.doubt("lane 0", errors.New("of no known cause"), BrokerUnreachable)
	step("no cause of its own", StateParked, BrokerUnreachable, 1007)
	c.at = c.at.Add(3 * time.Second)
	s.tick()
	if parked[RedisUnreachable] != 2*time.Second || parked[BrokerUnreachable] != 3*time.Second {
		t.Errorf("parked seconds: %v", parked)
	}
}

func TestTroubleFromOutside(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Cause
	}{
		{&Trouble{RedisWiped, ""}, RedisWiped},
		{errors.Join(errors.New("x"), &Trouble{KeyMismatch, ""}), KeyMismatch},
		{&Trouble{"a word that is not in the list", ""}, BrokerUnreachable},
		{errors.New("x"), BrokerUnreachable},
	} {
		if got := causeOf(c.err, BrokerUnreachable); got != c.want {
			t.Errorf("%v: %s", c.err, got)
		}
	}
}
