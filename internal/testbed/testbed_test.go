package testbed

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// within polls until ok, and fails the test after a while.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal(what)
		case <-tick.C:
		}
	}
}

func register(t *testing.T, r *Registry, subject, schema string) {
	t.Helper()
	body := strings.NewReader(`{"schema": "` + strings.ReplaceAll(schema, `"`, `\"`) + `"}`)
	res, err := http.Post(r.URL+"/subjects/"+subject+"/versions", "application/vnd.schemaregistry.v1+json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
}

func subjects(t *testing.T, r *Registry) string {
	t.Helper()
	res, err := http.Get(r.URL + "/subjects")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestARegistryKeepsItsDataOverAKillAndLosesItByAWipe(t *testing.T) {
	tb, err := Start(t.Context(), Options{Parts: []string{PartRegistries}})
	if err != nil {
		t.Fatal(err)
	}
	defer tb.Close()
	register(t, tb.Raw, "a-value", `"string"`)
	url := tb.Raw.URL
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"kill", func() error { return errors.Join(tb.Raw.Kill(), tb.Raw.Start(t.Context())) }, `["a-value"]`},
		{"wipe", func() error { return tb.Raw.Wipe(t.Context()) }, `[]`},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := subjects(t, tb.Raw); got != step.want || tb.Raw.URL != url {
			t.Errorf("after a %s: %s at %s", step.name, got, tb.Raw.URL)
		}
	}
	if got := subjects(t, tb.Partner); got != "[]" {
		t.Errorf("the two worlds see each other: %s", got)
	}
}

func TestPauseStopAndClose(t *testing.T) {
	tb, err := Start(t.Context(), Options{Parts: []string{PartRedis}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.Redis.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := tb.Redis.ready(t.Context()); err == nil {
		t.Error("a paused server answers")
	}
	if err := tb.Redis.Continue(); err != nil {
		t.Fatal(err)
	}
	if err := tb.Redis.ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(tb.Redis.Pause(), tb.Redis.Stop()); err != nil || tb.Redis.PID() != 0 {
		t.Errorf("a paused server cannot be stopped: %v", err)
	}
	if err := tb.Redis.Pause(); err == nil {
		t.Error("a stopped server was paused")
	}
	if err := tb.Redis.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := tb.Redis.PID()
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(pid, 0) == nil {
		t.Error("redis-server outlives Close")
	}
	if _, err := os.Stat(tb.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", tb.Dir, err)
	}
}

// The guard ends the parts when the process that started them is gone, however that came.
func TestTheGuardCleansUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g, err := startGuard(dir)
	if err != nil {
		t.Fatal(err)
	}
	part := &Process{name: "sleeper", argv: []string{"sleep", "600"}, dir: dir, pids: dir, ready: func(context.Context) error { return nil }}
	if err := part.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.alive.Close(); err != nil { // as the kernel does when we die
		t.Fatal(err)
	}
	within(t, "the part outlives its starter", func() bool { return part.PID() == 0 })
	within(t, "the folder is left", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
	_ = g.cmd.Wait() // its exit code says nothing
}

// What cannot be had is named, with the command that mends it.
func TestAMissingPartIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := need(t.Context(), io.Discard, toolRedis, toolMaven)
	if err == nil || !strings.Contains(err.Error(), "redis-server, mvn") || !strings.Contains(err.Error(), "redis-server maven") {
		t.Errorf("%v", err)
	}
	bin := t.TempDir()
	fake := "#!/bin/sh\necho 'openjdk version \"11.0.2\"'\n"
	if err := os.WriteFile(filepath.Join(bin, "java"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	if err := needJava(t.Context()); err == nil || !strings.Contains(err.Error(), "Java 17 or newer") || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("%v", err)
	}
}

func TestAProcessThatEndsTellsWhatItSaid(t *testing.T) {
	dir := t.TempDir()
	p := &Process{name: "broken", argv: []string{"sh", "-c", "echo the reason; exit 3"}, dir: dir, pids: dir,
		ready: func(context.Context) error { return errors.New("not yet") }}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("%v", err)
	}
}

// The control socket does to a part what its words say.
func TestControl(t *testing.T) {
	tb, err := Start(t.Context(), Options{Parts: []string{PartRedis}})
	if err != nil {
		t.Fatal(err)
	}
	defer tb.Close()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- tb.Serve(t.Context(), 42, func() { close(ready) }) }()
	<-ready
	ask := func(words ...string) (Report, error) { return Ask(t.Context(), tb.Socket(), words...) }
	r, err := ask("status")
	if err != nil || r.PID != 42 || len(r.Parts) != 1 || r.Parts[0].PID == 0 || !strings.Contains(strings.Join(r.Env, " "), "CONSENTRY_REDIS="+tb.Redis.Addr) {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err = ask("kill", "redis"); err != nil || r.Parts[0].PID != 0 {
		t.Errorf("%+v %v", r, err)
	}
	if _, err = ask("kill", "nothing"); err == nil {
		t.Error("a part that is not there was killed")
	}
	if _, err = ask("burn", "redis"); err == nil {
		t.Error("an unknown command was done")
	}
	if _, err = ask("down"); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
