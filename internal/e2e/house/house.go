// Package house runs consentry as its users do: the built binary, the sample policies, a testbed of real parts, worker
// processes that can be killed and held. The long proofs and the scenarios on real parts share it.
package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/internal/testbed"
)

// House is one deployment: a folder with the samples' configuration, a binary and a testbed.
type House struct {
	Dir    string
	Bin    string
	Config string // path of consentry.yaml
	TB     *testbed.Testbed
	log    io.Writer
}

// New builds the binary with the given build tags, starts a testbed and lays the samples out beside it. Progress goes
// to log. Close it.
func New(ctx context.Context, log io.Writer, tags ...string) (*House, error) {
	return NewOn(ctx, log, testbed.RedisSingle, tags...)
}

// NewOn is New with a form of Redis, which the configuration does not name yet: see Edit.
func NewOn(ctx context.Context, log io.Writer, redis string, tags ...string) (*House, error) {
	dir, err := os.MkdirTemp("", "consentry-house-")
	if err != nil {
		return nil, err
	}
	h := &House{Dir: dir, Config: filepath.Join(dir, "conf", "consentry.yaml"), log: log}
	if h.Bin, err = Build(ctx, dir, tags...); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err = unpack(filepath.Join(dir, "conf")); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if h.TB, err = testbed.Start(ctx, testbed.Options{Progress: log, Redis: redis}); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Close kills the testbed and removes the folder. Workers are stopped by whoever started them.
func (h *House) Close() error {
	var err error
	if h.TB != nil {
		err = h.TB.Close()
	}
	return errors.Join(err, os.RemoveAll(h.Dir))
}

// Build compiles the command into dir and returns the binary's path.
func Build(ctx context.Context, dir string, tags ...string) (string, error) {
	return BuildTool(ctx, "./cmd/consentry", filepath.Join(dir, "consentry"+strings.Join(tags, "-")), tags...)
}

// BuildTool compiles any command of the checkout into the file bin, and returns bin.
func BuildTool(ctx context.Context, pkg, bin string, tags ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(tags, ","), "-o", bin, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}

// Root is the folder with go.mod, from wherever in it the program runs.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("go.mod is not above the working folder: run this inside the checkout")
		}
		dir = parent
	}
}

func unpack(dir string) error {
	return fs.WalkDir(samples.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := samples.Files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
}

// Edit rewrites a file of the configuration: each old text, which must be there, becomes the new one.
func (h *House) Edit(name string, oldNew ...string) error {
	path := filepath.Join(filepath.Dir(h.Config), name)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(oldNew); i += 2 {
		if !bytes.Contains(b, []byte(oldNew[i])) {
			return fmt.Errorf("%s does not hold %q", name, oldNew[i])
		}
		b = bytes.ReplaceAll(b, []byte(oldNew[i]), []byte(oldNew[i+1]))
	}
	return os.WriteFile(path, b, 0o644)
}

// env is the process's environment with the testbed's variables; later entries win.
func (h *House) env(more ...string) []string {
	return append(append(os.Environ(), h.TB.Env()...), more...)
}

// Setting is one of the testbed's variables, e.g. CONSENTRY_KEYS.
func (h *House) Setting(name string) string {
	for _, e := range h.TB.Env() {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// Verb runs one verb to its end. The error carries what it printed to stderr.
func (h *House) Verb(ctx context.Context, args ...string) (stdout string, err error) {
	return h.VerbIn(ctx, "", args...)
}

// VerbIn is Verb with a standard input.
func (h *House) VerbIn(ctx context.Context, stdin string, args ...string) (stdout string, err error) {
	return h.verb(ctx, h.env(), stdin, args...)
}

func (h *House) verb(ctx context.Context, env []string, stdin string, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, h.Bin, append(args, "-c", h.Config)...)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("consentry %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// Steps runs verbs one after another and says which one it is at.
func (h *House) Steps(ctx context.Context, steps ...string) error {
	for _, s := range steps {
		fmt.Fprintln(h.log, "consentry", s)
		if _, err := h.Verb(ctx, strings.Fields(s)...); err != nil {
			return err
		}
	}
	return nil
}
