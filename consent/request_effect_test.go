package consent

// Effects of requests answer what verbs ask of any effect.

import "testing"

func TestRequestEffects(t *testing.T) {
	for e, reason := range requestEffects {
		refused := e == RefusedClosed || e == RefusedEpoch || e == RefusedOpened || e == RefusedUnreadable || e == RefusedHouse
		if e.Refused() != refused || e.Void() || e.Reason() != reason || (reason == "") != (e == Made || e == Adopted) {
			t.Errorf("effect %d: %q", e, reason)
		}
	}
}
