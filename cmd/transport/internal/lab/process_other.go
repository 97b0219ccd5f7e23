//go:build !unix

package lab

import (
	"os"
	"os/exec"
	"syscall"
)

// bindToParent does nothing on this system.
func bindToParent(*syscall.SysProcAttr) {}

// killGroup kills a process.
func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

// asNobody does nothing on this system.
func asNobody(*exec.Cmd) {}
