// explain --live against a real store, under the right house key and another one.
package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestExplainLiveWithAnotherKeyFolder: under another house key the store knows nobody, and "no consent" would be said of
// people who did agree.
func TestExplainLiveWithAnotherKeyFolder(t *testing.T) {
	c := newCounter(t)
	c.want(t, 0, "", "consent", "accept-epoch", "--yes")
	c.want(t, 0, "", "consent", "grant", "--subject", who, "--partner", "acme-ads", "--purpose", "advertising",
		"--categories", "location", "--linked", "--since", "2026-01-01T00:00:00Z")
	explain := []string{"explain", "--source", "location", "--live", "--at", "2026-11-22T12:00:10Z", "-"}
	if said := c.want(t, 0, explainedEvent, explain...); !strings.Contains(said, "acme-ads/advertising covers location") {
		t.Fatal(said)
	}
	t.Setenv("CONSENTRY_KEYS", filepath.Join(t.TempDir(), "keys"))
	c.want(t, 0, "", "keys", "init")
	if code, out, said := c.try(t, explainedEvent, explain...); code != 1 || !strings.Contains(said, "is not the one that was here first") {
		t.Errorf("exit %d: %s%s", code, out, said)
	}
}
