// Command mutants breaks consent/merge.go in every way that changes one place, and wants the tests of the merge to fail
// each time. It works on a copy of the few files that the merge needs. A mutant that survives is a rule that no test
// holds.
//
//	go run ./internal/mutants [REGEXP]
//
// With an expression it makes only the mutants whose name matches, such as '^31[0-9]:' for some lines.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// target is the file to break, and how its tests are run.
const (
	folder = "consent"
	target = "merge.go"
	tests  = "^(TestMerge|TestHistories|TestDamagedLines|TestEffects|TestRequestEffects)"
)

// beside are the other files that are copied: a package of their own, without Redis.
var beside = []string{"entry.go", "line.go", "merge_test.go", "model_test.go", "request_effect.go", "request_effect_test.go"}

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
	source, err := os.ReadFile(filepath.Join(root, folder, target))
	if err != nil {
		return err
	}
	found, err := list(source)
	if err != nil {
		return err
	}
	if len(os.Args) > 1 {
		only, err := regexp.Compile(os.Args[1])
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(m mutant) bool { return !only.MatchString(m.name) })
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := lay(root, dir); err != nil {
		return err
	}
	if verdict, out, err := run(dir, source); err != nil || verdict != survived {
		return fmt.Errorf("the tests fail on the unbroken file: %w\n%s", err, out)
	}
	counts := map[verdict]int{}
	for i, m := range found {
		v, _, err := run(dir, m.apply(source))
		if err != nil {
			return err
		}
		counts[v]++
		if v == survived {
			fmt.Printf("survived: %s\n", m.name)
		}
		if (i+1)%20 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", i+1, len(found))
		}
	}
	fmt.Printf("%d mutants: %d caught, %d do not compile, %d survived\n",
		len(found), counts[caught], counts[broken], counts[survived])
	if counts[survived] > 0 || counts[caught] == 0 {
		return errors.New("some mutants survived")
	}
	return nil
}

type verdict int

const (
	survived verdict = iota
	caught
	broken
)

// lay copies the files that do not change.
func lay(root, dir string) error {
	for _, name := range beside {
		b, err := os.ReadFile(filepath.Join(root, folder, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module mutant\n\ngo 1.26\n"), 0o600)
}

// run tests one version of the file.
func run(dir string, source []byte) (verdict, string, error) {
	if err := os.WriteFile(filepath.Join(dir, target), source, 0o600); err != nil {
		return 0, "", err
	}
	// A mutant that never ends is caught by the time-out.
	cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-timeout=60s", "-run", tests, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CONSENTRY_HISTORIES=20000", "GOFLAGS=")
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
