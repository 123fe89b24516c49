// A redis-server for one test, without the rest of the testbed.

package testbed

import (
	"context"
	"path/filepath"
)

// TB is what StartRedis needs of a testing.TB; so that no program of the testbed links package testing.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// StartRedis starts a redis-server with the settings that the consent store accepts, on a free port in the test's own
// folder, and ends it with the test. args are added to its command line and win, such as "--appendfsync", "everysec".
func StartRedis(tb TB, args ...string) *Redis {
	tb.Helper()
	r, err := newRedis(&Testbed{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatalf("redis-server: %v", err)
	}
	r.argv = append(r.argv, args...)
	tb.Cleanup(func() {
		if err := r.Kill(); err != nil {
			tb.Fatalf("redis-server does not end: %v", err)
		}
	})
	if err := r.Start(context.Background()); err != nil {
		tb.Fatalf("redis-server (apt-get install redis-server): %v", err)
	}
	return r
}

// DataDir is the folder with its append-only file and snapshots.
func (r *Redis) DataDir() string { return filepath.Join(r.dir, "data") }
