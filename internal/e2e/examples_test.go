// Every example of every --help works as written, on real parts.
package e2e

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/internal/e2e/house"
)

// exampleOrder is the order in which a deployment's life gives the examples what they need. An example that begins with
// none of these fails the test: say where it belongs.
var exampleOrder = []string{
	"consentry version", "consentry places", "consentry check", "consentry detect", "consentry demo", "consentry keys init", "consentry keys", "consentry consent accept-epoch",
	"consentry simulate", "consentry topics", "consentry schema", "consentry offsets", "consentry preflight",
	"consentry run", "consentry status", "consentry consent import", "consentry consent grant",
	"consentry consent", "printf '+12025550123' | consentry consent", "consentry explain", "consentry stop", "consentry resume",
}

// afterMove lists the examples that want the truth about consents in Kafka. They come last, when the deployment has moved
// over; the first stays at work for the others.
var afterMove = []string{"consentry consent sync", "consentry consent verify", "consentry consent rebuild", "consentry consent forget"}

func TestExamplesWorkAsWritten(t *testing.T) {
	h, err := house.New(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	files := map[string]string{
		"categories.csv": "from,to\nskate_park,also_skating\n",
		"consents.csv": "action,subject,partner,purpose,categories,linked,since,until,evidence\n" +
			"grant,+12025550123,acme-ads,advertising,location,true,2026-01-01T00:00:00Z,,\n",
		"corpus.jsonl": `{"text":"ann at example dot org","class":"email"}` + "\n",
		"event.json": `{"subscriber":{"msisdn":"+12025550123","imsi":"310150123456789","account_id":"A1","name":null,` +
			`"activated_at":1577836800000,"minor":false},"device":{"imei":"352099001761481","mac":null,"os":"ios","model":null},` +
			`"cell":{"id":1,"lac":2,"neighbours":[]},"position":{"lat":38.5,"lon":-98.5,"accuracy":null},` +
			`"network":{"kind":"G5","roaming":false,"bars":3},"observed_at":` + strconv.FormatInt(time.Now().UnixMilli(), 10) +
			`,"ip":null,"probe":null,"payload":null,"attributes":{},"signals":null}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(filepath.Dir(h.Config), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	examples := collectExamples(t, h)
	rank := func(line string) int {
		return slices.IndexFunc(exampleOrder, func(p string) bool { return strings.HasPrefix(line, p) })
	}
	for _, line := range examples {
		if rank(line) < 0 {
			t.Errorf("the test does not know when to run the example %q", line)
		}
	}
	if len(examples) < 30 || t.Failed() {
		t.Fatalf("%d examples were found: %q", len(examples), examples)
	}
	slices.SortStableFunc(examples, func(a, b string) int { return rank(a) - rank(b) })
	worker := func() {}
	defer func() { worker() }()
	wantsMove := func(line string) bool {
		return slices.ContainsFunc(afterMove, func(p string) bool { return strings.HasPrefix(line, p) })
	}
	for _, line := range examples {
		if wantsMove(line) {
			continue
		}
		if strings.HasPrefix(line, "consentry run") {
			// The worker of the last such example stays for what follows.
			worker()
			worker = startWorker(t, h, line)
			continue
		}
		runExample(t, h, line)
	}
	worker()
	worker = moveOver(t, h)
	for _, line := range slices.DeleteFunc(examples, func(line string) bool { return !wantsMove(line) || strings.HasPrefix(line, afterMove[0]) }) {
		runExample(t, h, line)
	}
}

func runExample(t *testing.T, h *house.House, line string) {
	cmd := h.Shell(t.Context(), line)
	cmd.Stdin = strings.NewReader("+12025550123\n") // what a person types where --subject - asks for it
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// moveOver moves the deployment's consents into Kafka, as docs/consent-changelog.md says, and returns how to end its owner.
func moveOver(t *testing.T, h *house.House) func() {
	if err := h.Edit("consentry.yaml", "park_when_stale: 2s}\n", "park_when_stale: 2s, changelog: {}}\n"); err != nil {
		t.Fatal(err)
	}
	runExample(t, h, "consentry topics create")
	ctx, cancel := context.WithCancel(t.Context())
	cmd := h.Shell(ctx, "exec "+afterMove[0])
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	runExample(t, h, "consentry consent rebuild --from-store --yes")
	return func() {
		cancel()
		if _ = cmd.Wait(); !cmd.ProcessState.Success() {
			t.Errorf("%s: %s on SIGTERM", afterMove[0], cmd.ProcessState)
		}
	}
}

// startWorker runs an example that does not end by itself until it answers, and returns how to end it: with exit 0.
func startWorker(t *testing.T, h *house.House, line string) func() {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := h.Shell(ctx, "exec "+line)
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	deadline := time.Now().Add(time.Minute)
	for h.Shell(ctx, "consentry status").Run() != nil {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not every partner runs after a minute", line)
		}
		select {
		case err := <-done:
			t.Fatalf("%s: ended: %v", line, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	return func() {
		cancel()
		if <-done; !cmd.ProcessState.Success() {
			t.Errorf("%s: %s on SIGTERM", line, cmd.ProcessState)
		}
	}
}

// collectExamples asks every verb's help, from the root down.
func collectExamples(t *testing.T, h *house.House) []string {
	var all []string
	var visit func(verb ...string)
	visit = func(verb ...string) {
		out, err := exec.CommandContext(t.Context(), h.Bin, append(verb, "--help")...).Output()
		if err != nil {
			t.Fatalf("%q --help: %v", verb, err)
		}
		part, joined := "", false
		for line := range strings.Lines(string(out)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case !strings.HasPrefix(line, " ") && strings.HasSuffix(line, ":"):
				part = line
			case line == "":
			case part == "Examples:":
				text := strings.TrimSpace(line)
				more := strings.HasSuffix(text, `\`)
				text = strings.TrimSpace(strings.TrimSuffix(text, `\`))
				if joined {
					all[len(all)-1] += " " + text
				} else if !slices.Contains(all, text) || more {
					all = append(all, text)
				}
				joined = more
			case part == "Available Commands:" && strings.HasPrefix(line, "  "):
				name := strings.Fields(line)[0]
				if name != "help" && name != "completion" {
					visit(append(slices.Clone(verb), name)...)
				}
			}
		}
	}
	visit()
	return all
}
