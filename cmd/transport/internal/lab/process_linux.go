package lab

import "syscall"

// leash makes a process the leader of a group, and has the system kill it when
// its parent ends.
func leash(attr *syscall.SysProcAttr) {
	attr.Setpgid = true
	attr.Pdeathsig = syscall.SIGKILL
}

// killGroup ends a process and what it has started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
