// fuzz_test.go: no text of a configuration file, however broken, may do more than be refused, and no secret of it may
// be shown.

package config

import (
	"bytes"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

func FuzzLoad(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*/*.txtar")
	if len(cases) == 0 {
		f.Fatal("no seeds")
	}
	for _, path := range append(cases, "testdata/base.txtar") {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			f.Add(file.Data)
		}
	}
	good := base(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range []string{"consentry.yaml", "sources/apps.yaml", "partners/acme.yaml"} {
			files := fstest.MapFS{}
			for name, data := range good {
				files[name] = &fstest.MapFile{Data: data}
			}
			files[path] = &fstest.MapFile{Data: text}
			l := Load("consentry.yaml", FromFS(files, map[string]string{"X": "resolved-value"}))
			var out bytes.Buffer
			l.Files.Print(&out, l.Problems)
			for _, p := range l.Problems {
				if p.Message == "" || p.Pos.File == "" {
					t.Fatalf("a problem without message or file: %+v", p)
				}
			}
			if bytes.Contains(out.Bytes(), []byte("resolved-value")) && !bytes.Contains(text, []byte("resolved-value")) {
				t.Fatalf("what a reference gives is shown:\n%s", &out)
			}
		}
	})
}
