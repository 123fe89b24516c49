// script_test.go runs testdata/script/*.txtar: the command line as a person types it. In a script
//
//	exec consentry check -c $SAMPLES/consentry.yaml    expects exit code 0
//	exits 78 consentry check -c bad.yaml               expects that exit code
//	hidden hunter2                                     expects that neither stdout nor stderr holds the word
//
// $SAMPLES is a fresh copy of deploy/samples whose variables are set to addresses where nothing listens.

package main

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	samples "github.com/consentry/consentry/deploy/samples"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"consentry": main})
}

var update = flag.Bool("update", false, "write what a command printed into the script that compares it")

// nobody is a port on which nothing listens.
const nobody = "127.0.0.1:1"

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"hidden": hidden,
		},
	})
}

func setup(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, "samples")
	if err := os.CopyFS(dir, samples.Files); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"SAMPLES":                    dir,
		"CONSENTRY_KAFKA":            nobody,
		"CONSENTRY_INSTANCE":         "0",
		"CONSENTRY_REGISTRY_RAW":     "http://" + nobody,
		"CONSENTRY_REGISTRY_PARTNER": "http://" + nobody,
		"CONSENTRY_REDIS":            nobody,
		"CONSENTRY_KEYS":             filepath.Join(env.WorkDir, "keys"),
		"CONSENTRY_ADMIN":            nobody,
	} {
		env.Setenv(name, value)
	}
	return nil
}

// exits runs a command and holds its exit code against the one given.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// hidden looks for words that the last command must not have shown.
func hidden(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: hidden word...")
	}
	all := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	for _, word := range args {
		if strings.Contains(all, word) {
			ts.Fatalf("%q is shown", word)
		}
	}
}

// TestSamplesAreWhole: what the scripts run against is all of deploy/samples.
func TestSamplesAreWhole(t *testing.T) {
	n := 0
	err := fs.WalkDir(samples.Files, ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n < 10 {
		t.Fatalf("%d files, %v", n, err)
	}
}

// TestEveryVerbHasExamples: each verb explains itself, and its examples parse: verb, flags and number of arguments.
func TestEveryVerbHasExamples(t *testing.T) {
	checked := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if !c.Runnable() || c.Name() == "help" || (c.HasParent() && c.Parent().Name() == "completion") {
			return
		}
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s: no Short or no Example", c.CommandPath())
		}
		for _, line := range strings.Split(strings.ReplaceAll(c.Example, "\\\n", " "), "\n") {
			args := exampleArgs(line)
			if args == nil {
				continue
			}
			checked++
			parseExample(t, c.CommandPath(), line, args)
		}
	}
	walk((&app{}).root())
	if checked < 2 {
		t.Fatalf("only %d examples", checked)
	}
}

// exampleArgs are what follows the word consentry in one command of an example.
func exampleArgs(line string) []string {
	for _, part := range strings.Split(line, "|") {
		words := shellWords(part)
		if len(words) == 0 || words[0] != "consentry" {
			continue
		}
		for i, w := range words {
			if w == ">" || w == "<" || strings.HasPrefix(w, "#") {
				words = words[:i]
				break
			}
		}
		return words[1:]
	}
	return nil
}

// shellWords splits at blanks outside quotes.
func shellWords(s string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	inWord := false
	for _, r := range s + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && r == ' ':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	return words
}

func parseExample(t *testing.T, path, line string, args []string) {
	t.Helper()
	found, rest, err := (&app{}).root().Find(args)
	if err != nil || !strings.HasPrefix(found.CommandPath()+" ", path+" ") {
		t.Errorf("%s: the example %q is of another verb (%v)", path, strings.TrimSpace(line), err)
		return
	}
	if err := found.ParseFlags(rest); err != nil {
		t.Errorf("%s: the example %q: %v", path, strings.TrimSpace(line), err)
		return
	}
	if err := found.ValidateArgs(found.Flags().Args()); err != nil {
		t.Errorf("%s: the example %q: %v", path, strings.TrimSpace(line), err)
	}
	if err := found.ValidateRequiredFlags(); err != nil {
		t.Errorf("%s: the example %q: %v", path, strings.TrimSpace(line), err)
	}
}
