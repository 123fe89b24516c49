// Command mutants breaks consent/merge.go in every way that changes one place, and wants the tests of the merge to fail
// each time. It changes no file: a mutant is an overlay. A mutant that survives is a rule that no test holds.
//
//	go run ./internal/mutants
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// target is the file to break, and how its tests are run.
const (
	folder = "consent"
	target = "merge.go"
	tests  = "^(TestMerge|TestHistories|TestDamagedLines|TestEffects)"
)

// keep are the test files that are compiled; the others have large imports.
var keep = []string{"merge_test.go", "model_test.go"}

// equivalent are mutants that change no behaviour, each with the reason.
var equivalent = map[string]string{}

func main() {
	if err := mutate(); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func mutate() error {
	root, err := repository()
	if err != nil {
		return err
	}
	path := filepath.Join(root, folder, target)
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	found, err := list(source)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if verdict, out, err := run(root, dir, path, source); err != nil || verdict != survived {
		return fmt.Errorf("the tests fail on the unbroken file: %w\n%s", err, out)
	}
	counts := map[verdict]int{}
	for i, m := range found {
		v, _, err := run(root, dir, path, m.apply(source))
		if err != nil {
			return err
		}
		if v == survived && equivalent[m.name] != "" {
			v = same
		}
		counts[v]++
		if v == survived {
			fmt.Printf("survived: %s\n", m.name)
		}
		if (i+1)%20 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", i+1, len(found))
		}
	}
	fmt.Printf("%d mutants: %d caught, %d equivalent, %d do not compile, %d survived\n",
		len(found), counts[caught], counts[same], counts[broken], counts[survived])
	if counts[survived] > 0 || counts[caught] == 0 {
		return errors.New("some mutants survived")
	}
	return nil
}

type verdict int

const (
	survived verdict = iota
	caught
	same
	broken
)

// run tests the package with one file replaced.
func run(root, dir, path string, source []byte) (verdict, string, error) {
	mutant := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(mutant, source, 0o600); err != nil {
		return 0, "", err
	}
	replace := map[string]string{path: mutant}
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		return 0, "", err
	}
	for _, file := range files {
		if !slices.Contains(keep, filepath.Base(file)) {
			replace[file] = ""
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return 0, "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return 0, "", err
	}
	// A mutant that never ends is caught by the time-out.
	cmd := exec.Command("go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-timeout=60s", "-run", tests, "./"+folder)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CONSENTRY_HISTORIES=60000")
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return survived, "", nil
	case !errors.As(err, &failed):
		return 0, "", err
	case bytes.Contains(out, []byte("[build failed]")):
		return broken, string(out), nil
	}
	return caught, string(out), nil
}

// repository is the folder with go.mod.
func repository() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("run it inside the repository")
	}
	return filepath.Dir(mod), nil
}
