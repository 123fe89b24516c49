package main

// README.md and docs/ are held against the tree: what they name is there, and what they tell people to type is
// understood. That the tour works is proven on real parts: go run ./internal/e2e/prove newcomer.

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/consentry/consentry/kafka"
)

const repo = "../.."

func readDoc(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repo, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadmeTestsExist: each `room TestName` of README is a test of that room.
func TestReadmeTestsExist(t *testing.T) {
	text := readDoc(t, "README.md")
	named := regexp.MustCompile("([a-z/]+) `((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(text, -1)
	if all := regexp.MustCompile("`(?:Test|Fuzz)[A-Za-z0-9]+`").FindAllString(text, -1); len(all) != len(named) || len(all) < 20 {
		t.Fatalf("%d tests are named, %d of them with their room", len(all), len(named))
	}
	for _, n := range named {
		if !hasFunc(t, n[1], n[2]) {
			t.Errorf("README.md names %s of %s, and there is no such test", n[2], n[1])
		}
	}
}

func hasFunc(t *testing.T, room, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repo, room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestReadmeProofsExist: each proof that README names can be run by that name.
func TestReadmeProofsExist(t *testing.T) {
	main := readDoc(t, "internal/e2e/prove/main.go")
	text := readDoc(t, "README.md")
	n := 0
	for _, m := range regexp.MustCompile("proofs? ((?:`[a-z]+`(?:, | and )?)+)").FindAllStringSubmatch(text, -1) {
		for _, name := range regexp.MustCompile("[a-z]+").FindAllString(strings.ReplaceAll(m[1], " and ", " "), -1) {
			n++
			if !strings.Contains(main, "{\""+name+"\", ") {
				t.Errorf("README.md names the proof %s, and there is none", name)
			}
		}
	}
	if n < 5 {
		t.Errorf("README.md names %d proofs only", n)
	}
}

// TestDocsLinksExist: each link into the tree leads somewhere.
func TestDocsLinksExist(t *testing.T) {
	docs := []string{"README.md", "DESIGN.md"}
	err := filepath.WalkDir(filepath.Join(repo, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			rel, _ := filepath.Rel(repo, path)
			docs = append(docs, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, doc := range docs {
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(readDoc(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(repo, filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("%d links in %d documents", n, len(docs))
	}
}

// TestReadmeCommandsParse: every consentry command of README is one, with these flags and this many arguments.
func TestReadmeCommandsParse(t *testing.T) {
	text := readDoc(t, "README.md")
	var commands []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "consentry ") || strings.Contains(line, "$(consentry ") {
			line = line[strings.Index(line, "consentry "):]
			commands = append(commands, strings.Split(line, "|")[0])
		}
	}
	for _, m := range regexp.MustCompile("`(consentry [^`]+)`").FindAllStringSubmatch(text, -1) {
		commands = append(commands, m[1])
	}
	for _, c := range commands {
		args := exampleArgs(strings.NewReplacer(" &", "", `2>"$tour/worker.log"`, "").Replace(c))
		if len(args) == 1 && args[0] == "--help" {
			continue
		}
		found, rest, err := (&app{}).root().Find(args)
		if err == nil {
			err = found.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("README.md says %q: %v", c, err)
			continue
		}
		// A verb that is only mentioned needs no arguments.
		if len(rest) == 0 {
			continue
		}
		if found.HasSubCommands() {
			t.Errorf("README.md says %q: %s has no verb %q", c, found.CommandPath(), rest[0])
			continue
		}
		if err := found.ValidateArgs(found.Flags().Args()); err != nil {
			t.Errorf("README.md says %q: %v", c, err)
		}
	}
	if len(commands) < 30 {
		t.Errorf("%d commands only", len(commands))
	}
}

// TestReadmeMetricsAndCausesExist: what an operator is told to alert on is there, and no cause is left without a word.
func TestReadmeMetricsAndCausesExist(t *testing.T) {
	text := readDoc(t, "README.md")
	source := readDoc(t, "kafka/metrics.go") + readDoc(t, "kafka/changelog/metrics.go")
	metrics := regexp.MustCompile(`consentry_[a-z_]+`).FindAllString(text, -1)
	for _, m := range metrics {
		if !strings.Contains(source, `"`+m+`"`) {
			t.Errorf("README.md names the metric %s, and there is none", m)
		}
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+_[a-z]+)` \\|").FindAllStringSubmatch(text, -1) {
		told[m[1]] = true
		if kafka.Cause(m[1]).Next() == "" {
			t.Errorf("README.md explains the cause %s, and there is none", m[1])
		}
	}
	causes := regexp.MustCompile(`Cause = "([a-z_]+)"`).FindAllStringSubmatch(readDoc(t, "kafka/cause.go"), -1)
	for _, c := range causes {
		if !told[c[1]] {
			t.Errorf("README.md does not say what to do about %s", c[1])
		}
	}
	if len(metrics) < 5 || len(causes) < 10 {
		t.Errorf("%d metrics, %d causes", len(metrics), len(causes))
	}
}

// TestDependenciesAreExplained: each module that our code imports has its line in docs/dependencies.md, and no other has.
func TestDependenciesAreExplained(t *testing.T) {
	var modules []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+\.\S+/\S+) v`).FindAllStringSubmatch(readDoc(t, "go.mod"), -1) {
		modules = append(modules, m[1])
	}
	direct := map[string]bool{}
	for imported := range foreignImports(t) {
		longest := ""
		for _, m := range modules {
			if (imported == m || strings.HasPrefix(imported, m+"/")) && len(m) > len(longest) {
				longest = m
			}
		}
		if longest == "" {
			t.Errorf("go.mod has no module of %s", imported)
		}
		direct[longest] = true
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(readDoc(t, "docs/dependencies.md"), -1) {
		explained[m[1]] = true
		if _, err := os.Stat(filepath.Join(repo, m[1])); err != nil && !direct[m[1]] {
			t.Errorf("docs/dependencies.md explains %s, which nothing imports", m[1])
		}
	}
	for path := range direct {
		if !explained[path] {
			t.Errorf("docs/dependencies.md does not say what %s does for us", path)
		}
	}
}

// foreignImports is what the tree imports that is neither ours nor Go's own.
func foreignImports(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(repo, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && !strings.HasPrefix(p, "github.com/consentry/") {
				found[p] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
