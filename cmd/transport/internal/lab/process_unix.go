//go:build unix && !linux

package lab

import (
	"os/exec"
	"syscall"
)

// bindToParent makes a process the leader of a group.
func bindToParent(attr *syscall.SysProcAttr) { attr.Setpgid = true }

// killGroup kills a process and its process group.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// asNobody does nothing on this system.
func asNobody(*exec.Cmd) {}
