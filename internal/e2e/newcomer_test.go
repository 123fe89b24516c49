// From an empty broker to the first released record a new user needs no command that preflight did not name.
package e2e

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/consentry/consentry/internal/e2e/house"
)

func TestPreflightLeadsToTheFirstReleasedRecord(t *testing.T) {
	h, err := house.New(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	var ran []string
	for {
		out, _ := h.Verb(t.Context(), "preflight", "--json") // its exit code is in the answer
		var answer struct {
			OK       bool
			Findings []finding
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if answer.OK {
			break
		}
		command := ""
		for _, f := range answer.Findings {
			if f.Level == "fail" && command == "" {
				command = f.Run
			}
		}
		verb, ours := strings.CutPrefix(command, "consentry ")
		if !ours || strings.Contains(strings.Join(ran, "\n"), command) {
			t.Fatalf("after %q preflight leads nowhere: %q\n%+v", ran, command, answer.Findings)
		}
		ran = append(ran, command)
		if _, err := h.VerbIn(t.Context(), "yes\n", strings.Fields(verb)...); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	t.Logf("ran %q", ran)

	w, err := h.Worker(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cl, err := h.Client(kgo.ConsumeTopics("partner.acme-ads.location"), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if f := cl.PollFetches(ctx); f.NumRecords() == 0 {
		t.Fatalf("nothing released: %v\n%s", f.Err(), w.Log())
	}
}
