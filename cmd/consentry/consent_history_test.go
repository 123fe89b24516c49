package main

import (
	"strings"
	"testing"
)

// Evidence that was not refused once must not rewrite what a person reads of the account.
func TestAccountShowsWhatIsThere(t *testing.T) {
	var b strings.Builder
	v := eventView{At: "2026-11-22T10:00:00Z", Kind: "withdraw", Evidence: "a\u202eb\u009bc", InForce: true}
	v.print(&b)
	if want := "2026-11-22T10:00:00Z  withdraw; evidence a\ufffdb\ufffdc\n"; b.String() != want {
		t.Errorf("%q and not %q", b.String(), want)
	}
}
