// The guard: a shell that waits for the end of this process, however it comes (a panic, SIGKILL, a test that timed
// out), and then kills the parts by their pid files and removes the folder. Nothing of a testbed is left behind.

package testbed

import (
	"io"
	"os/exec"
	"syscall"
)

type guard struct {
	cmd   *exec.Cmd
	alive io.WriteCloser // closed by the kernel when this process ends
}

// The shell reads until the pipe closes. A line says that the testbed was closed in an orderly way: nothing to do.
const guardScript = `read -r line && exit 0
for f in "$1"/*.pid; do [ -f "$f" ] && kill -9 "$(cat "$f")" 2>/dev/null; done
rm -rf "$1"`

func startGuard(dir string) (*guard, error) {
	cmd := exec.Command("sh", "-c", guardScript, "testbed-guard", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the testbed, not for its guard
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &guard{cmd, alive}, cmd.Start()
}

func (g *guard) close() error {
	if _, err := io.WriteString(g.alive, "closed\n"); err != nil {
		return err
	}
	return g.cmd.Wait()
}
