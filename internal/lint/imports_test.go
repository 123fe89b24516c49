// Package lint keeps the house's rules as tests: who may import whom, and what no file may do.
package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/consentry/consentry/"

// rooms lists every room, the rooms that it may import, and what to do instead. A folder that is not here fails: the
// map in DESIGN.md and this table grow together. internal/ and deploy/ serve tests and tools and may import anything.
var rooms = map[string]struct {
	may     []string
	instead string
}{
	"schema":          {nil, "schema is pure: give it bytes and read slots"},
	"schema/registry": {[]string{"schema"}, "the registry fetches schemas; it knows no policy"},
	"detect":          {nil, "detect is pure over the lists that it is given; it knows no events, policies or clients"},
	"filters":         {[]string{"schema", "detect"}, "a filter gets values and a Keyring; it asks nobody"},
	"keys":            {[]string{"filters"}, "keys implement filters.Keyring and know no policy"},
	"consent":         {nil, "consent knows lines and questions, not events or policies"},
	"consent/signal":  {nil, "a signal string says no, or nothing; it knows no lines"},
	"policy":          {[]string{"schema", "filters", "detect", "consent/signal"}, "policy compiles specs that config filled in"},
	"processor":       {[]string{"schema", "filters", "detect", "policy", "consent", "consent/signal", "keys"}, "the processor knows neither Kafka nor Redis clients"},
	"kafka":           {[]string{"schema", "filters", "policy", "consent", "keys", "processor"}, "kafka moves records; verbs wire it in cmd"},
	"kafka/changelog": {[]string{"consent", "kafka"}, "the changelog moves changes of consent; it knows no events or policies"},
	"config":          {[]string{"policy"}, "config turns files into typed values; cmd connects them to the rooms"},
}

// owners lists the libraries that one room alone may import. A prefix ends in a slash where subpackages count too.
var owners = []struct {
	path    string
	rooms   []string
	instead string
}{
	{"github.com/linkedin/goavro/v2", []string{"schema"}, "ask schema for a Shape or a Reader"},
	{"github.com/twmb/franz-go/pkg/sr", []string{"schema/registry"}, "ask schema/registry"},
	{"github.com/twmb/franz-go/", []string{"kafka", "kafka/changelog", "cmd/consentry"}, "hand records to kafka"},
	{"github.com/redis/go-redis/", []string{"consent"}, "ask consent.Store"},
	{"github.com/goccy/go-yaml", []string{"config"}, "add the key to config"},
	{"go.uber.org/zap", []string{"cmd/consentry", "kafka", "kafka/changelog", "processor"}, "return an error: what cannot log cannot log an event"},
	{"math/rand", nil, "time comes from the event and noise from a keyed PRF"},
	{"unsafe", nil, "only in a measured hot path with an oracle test, by a line in this table"},
}

func TestImportsRunOneWay(t *testing.T) {
	eachGoFile(t, func(room, file string, imports []string) {
		if strings.HasPrefix(room, "internal/") || strings.HasPrefix(room, "deploy/") || strings.HasSuffix(file, "_test.go") {
			return
		}
		rule, known := rooms[room]
		if !known && room != "cmd/consentry" {
			t.Errorf("%s: room %q is not in the import table of internal/lint", file, room)
			return
		}
		for _, imp := range imports {
			target, ours := strings.CutPrefix(imp, module)
			if ours && room != "cmd/consentry" && !slices.Contains(rule.may, target) {
				t.Errorf("%s imports %s: %s", file, target, rule.instead)
			}
		}
	})
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	eachGoFile(t, func(room, file string, imports []string) {
		if strings.HasPrefix(room, "internal/") || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, imp := range imports {
			for _, o := range owners {
				if imp == o.path || strings.HasPrefix(imp, strings.TrimSuffix(o.path, "/")+"/") {
					// The demo embeds a broker and a registry; that is cmd's, and only there.
					embedded := room == "cmd/consentry" && (strings.HasSuffix(imp, "/srfake") || strings.HasSuffix(imp, "/kfake"))
					if !slices.Contains(o.rooms, room) && !embedded {
						t.Errorf("%s imports %s: %s", file, imp, o.instead)
					}
					break
				}
			}
		}
	})
}

func TestNoRegistrationBySideEffect(t *testing.T) {
	root := repoRoot(t)
	walkGo(t, root, func(path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+"init()") {
			t.Errorf("%s: an init function registers by side effect; list it explicitly", path)
		}
	})
}

// TestMapNamesEveryRoom keeps DESIGN.md honest: a room that the map does not name cannot be found by a newcomer.
func TestMapNamesEveryRoom(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(repoRoot(t), "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	for room := range rooms {
		if !strings.Contains(string(b), "`"+room+"`") {
			t.Errorf("DESIGN.md does not name the room `%s`", room)
		}
	}
}

func eachGoFile(t *testing.T, visit func(room, file string, imports []string)) {
	t.Helper()
	root := repoRoot(t)
	walkGo(t, root, func(path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, s := range f.Imports {
			imports = append(imports, strings.Trim(s.Path.Value, `"`))
		}
		visit(filepath.ToSlash(filepath.Dir(rel)), filepath.ToSlash(rel), imports)
	})
}

func walkGo(t *testing.T, root string, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func repoRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("go.mod is not above the working folder")
		}
		dir = parent
	}
}
