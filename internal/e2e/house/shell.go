package house

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Shell prepares a line as a user types it: in the folder of consentry.yaml, with consentry on the PATH and the
// testbed's variables set. The caller runs it.
func (h *House) Shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", line)
	cmd.Dir = filepath.Dir(h.Config)
	cmd.Env = h.env("PATH=" + filepath.Dir(h.Bin) + string(os.PathListSeparator) + os.Getenv("PATH"))
	// What it starts goes with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd
}
