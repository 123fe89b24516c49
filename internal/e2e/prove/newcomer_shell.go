package main

// The bash in which the newcomer types: one process from the first command to the last, with an environment that holds
// nothing of who runs the proof.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/consentry/consentry/internal/testbed"
)

// notAssumed are tools that a developer often has and a newcomer may not.
var notAssumed = []string{"kcat", "docker", "jq", "python3", "curl", "redis-cli", "make", "kafka-topics.sh", "kafka-console-consumer.sh"}

// shell is that bash. Commands go in by files, so that none of them can eat the next one from the standard input.
type shell struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // what it says, line by line; closed when it has ended
	file  string
	home  string
}

func newShell(ctx context.Context, dir, clone string) (*shell, error) {
	s := &shell{file: filepath.Join(dir, "command"), home: filepath.Join(dir, "home"), lines: make(chan string, 1024)}
	cache, stubs, tmp := filepath.Join(dir, "cache"), filepath.Join(dir, "stubs"), filepath.Join(dir, "tmp")
	for _, d := range []string{s.home, cache, stubs, tmp} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	for _, tool := range notAssumed {
		script := "#!/bin/sh\necho " + tool + " is not part of a newcomer\\'s machine >&2\nexit 127\n"
		if err := os.WriteFile(filepath.Join(stubs, tool), []byte(script), 0o755); err != nil {
			return nil, err
		}
	}
	env := []string{"HOME=" + s.home, "PATH=" + stubs + ":" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=dumb",
		"XDG_CACHE_HOME=" + cache, "TMPDIR=" + tmp}
	settings, err := goSettings(ctx)
	if err != nil {
		return nil, err
	}
	env = append(env, settings...)
	if cold {
		// Java does not look at HOME for where Maven keeps what it has.
		env = append(env, "MAVEN_OPTS=-Dmaven.repo.local="+filepath.Join(dir, "m2"))
	} else {
		if err := lendDownloads(filepath.Join(cache, "consentry-testbed")); err != nil {
			return nil, err
		}
	}
	s.cmd = exec.Command("bash", "--noprofile", "--norc")
	s.cmd.Dir, s.cmd.Env = clone, env
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that end finds the worker in the background, too
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	_ = w.Close() // bash and its children have it
	go func() {
		defer close(s.lines)
		for sc := bufio.NewReader(out); ; {
			line, err := sc.ReadString('\n')
			if err != nil {
				return
			}
			s.lines <- line
		}
	}()
	return s, nil
}

// goSettings passes on where this machine gets modules from, and, unless cold, its caches.
func goSettings(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "-json", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOFLAGS", "GOTOOLCHAIN", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var all map[string]string
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, err
	}
	var env []string
	for name, value := range all {
		cache := name == "GOMODCACHE" || name == "GOCACHE"
		if value != "" && !(cold && cache) {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env, nil
}

// lendDownloads lets the newcomer's testbed use what this user has downloaded already; its state stays its own.
func lendDownloads(to string) error {
	from, err := testbed.CacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing yet: it downloads
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasSuffix(e.Name(), ".part") {
			if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// endMark closes the output of a command.
const endMark = "\x01newcomer\x01"

// run types one line and returns what it said on both streams, and its exit code. What the background says meanwhile
// is in there too.
func (s *shell) run(ctx context.Context, command string) (out string, code int, err error) {
	if err := os.WriteFile(s.file, []byte(command+"\n"), 0o600); err != nil {
		return "", 0, err
	}
	if _, err := fmt.Fprintf(s.in, ". '%s' </dev/null; printf '\\n%%s%%d\\n' '%s' $?\n", s.file, endMark); err != nil {
		return "", 0, errors.New("the shell has gone")
	}
	timer := time.NewTimer(tourBound)
	defer timer.Stop()
	var b strings.Builder
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return b.String(), 0, errors.New("the shell has gone")
			}
			if number, ended := strings.CutPrefix(strings.TrimSpace(line), endMark); ended {
				code, err := strconv.Atoi(number)
				return strings.TrimSuffix(b.String(), "\n"), code, err // the mark's own line break is not the command's
			}
			b.WriteString(line)
		case <-ctx.Done():
			return b.String(), 0, ctx.Err()
		case <-timer.C:
			return b.String(), 0, fmt.Errorf("not within %s", tourBound)
		}
	}
}

// end kills the shell and what it left in the background, and takes the testbed down, if it is up.
func (s *shell) end() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.in.Close()
	_ = s.cmd.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	down := exec.CommandContext(ctx, filepath.Join(s.cmd.Dir, "bin", "testbed"), "down")
	down.Env = s.cmd.Env
	_ = down.Run() // down already, or never built
}

// removeAll removes a folder in which a cold run has put modules, which Go writes read-only.
func removeAll(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o755)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}
