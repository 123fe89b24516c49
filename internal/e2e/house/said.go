package house

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
)

// Said runs one verb to its end, however it ends, and gives everything that it said. env adds to the testbed's
// variables. The error is that it could not be run at all.
func (h *House) Said(ctx context.Context, stdin string, env []string, args ...string) (said []byte, code int, err error) {
	cmd := exec.CommandContext(ctx, h.Bin, append(args, "-c", h.Config)...)
	cmd.Env = h.env(env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	return out.Bytes(), cmd.ProcessState.ExitCode(), err
}
