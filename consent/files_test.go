package consent_test

// Files of a redis-server's data folder.

import (
	"os"
	"path/filepath"
	"testing"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// restore puts an old snapshot in the place of all data, as the base of an append-only file: what a person does who
// restores a backup.
func restore(t *testing.T, dir string, dump []byte) {
	t.Helper()
	aof := filepath.Join(dir, "appendonlydir")
	for _, err := range []error{
		os.RemoveAll(aof),
		os.Mkdir(aof, 0o700),
		os.WriteFile(filepath.Join(aof, "appendonly.aof.1.base.rdb"), dump, 0o600),
		os.WriteFile(filepath.Join(aof, "appendonly.aof.1.incr.aof"), nil, 0o600),
		os.WriteFile(filepath.Join(aof, "appendonly.aof.manifest"),
			[]byte("file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
