//go:build !unix

package lab

import (
	"os"
	"os/exec"
	"syscall"
)

// leash has nothing to offer here.
func leash(*syscall.SysProcAttr) {}

// killGroup ends a process.
func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

// asNobody does nothing here.
func asNobody(*exec.Cmd) {}
