package main

import (
	"strings"
	"testing"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka/changelog"
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

// A grant that had ended when it came was ended by nobody.
func TestAccountOfAGrantThatHadEnded(t *testing.T) {
	late := &changelog.Event{Request: consent.Request{Kind: consent.AskGrant}, Effect: consent.Granted}
	late.EndedBy = &changelog.Event{Request: consent.Request{Kind: consent.AskGrant}, Effect: consent.Granted, InForce: true}
	held := &changelog.Event{Request: consent.Request{Kind: consent.AskGrant}, Effect: consent.Granted, InForce: true, EndedBy: late.EndedBy}
	if v := viewHistory([]*changelog.Event{late, held}); v[0].Void != "it had ended already" || v[0].EndedBy != "" || v[1].EndedBy != "grant" {
		t.Errorf("%+v", v)
	}
}
