package e2e

import (
	"os/exec"
	"syscall"
)

// endWithTests makes a child end when the tests die without cleaning up, as they
// do on a panic or when their time is over.
func endWithTests(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
