package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/consentry/consentry/internal/e2e/house"
)

// TestTourOfTheREADME: every fence of the tour is found, and a word that nobody knows is refused.
func TestTourOfTheREADME(t *testing.T) {
	root, err := house.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := tourOf(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(string(text), "```bash tour"); len(blocks) != want || want < 10 {
		t.Errorf("%d blocks of %d", len(blocks), want)
	}
	for _, bad := range []string{"no fence at all\n", "```bash tour dreined\nls\n```\n"} {
		if _, err := tourOf(bad); err == nil {
			t.Errorf("%q is taken for a tour", bad)
		}
	}
	lines := strings.Split(string(text), "\n")
	for _, b := range blocks {
		if !strings.HasPrefix(lines[b.line-1], "```bash tour") {
			t.Errorf("line %d is no fence: %q", b.line, lines[b.line-1])
		}
	}
}

// TestShell: one bash, whose commands keep variables, get no standard input, and tell both streams and the exit code.
func TestShell(t *testing.T) {
	dir := t.TempDir()
	sh, err := newShell(t.Context(), dir, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sh.end)
	for _, step := range []struct {
		command, out string
		code         int
	}{
		{"x='a  b'", "", 0},
		{`echo "$x"; echo wrong >&2`, "a  b\nwrong\n", 0},
		{"cat", "", 0},
		{"false", "", 1},
		{"sh -c 'exit 7'", "", 7},
		{"printf unfinished", "unfinished", 0},
		{"kcat -L", "kcat is not part of a newcomer's machine\n", 127},
		{`ls -A "$HOME"`, "", 0},
		{"sleep 600 &", "", 0},
		{"kill %1", "", 0},
	} {
		out, code, err := sh.run(t.Context(), step.command)
		if err != nil {
			t.Fatalf("%s: %v", step.command, err)
		}
		if out != step.out || code != step.code {
			t.Errorf("%s: exit %d and %q, want %d and %q", step.command, code, out, step.code, step.out)
		}
	}
	if _, _, err := sh.run(t.Context(), "exit 3"); err == nil {
		t.Error("a shell that has gone is taken for one that answers")
	}
}
