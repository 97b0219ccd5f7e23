package lab

import (
	"os"
	"os/exec"
	"syscall"
)

// leash makes a process the leader of a group, and has the system kill it when
// its parent ends.
func leash(attr *syscall.SysProcAttr) {
	attr.Setpgid = true
	attr.Pdeathsig = syscall.SIGKILL
}

// killGroup ends a process and what it has started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// asNobody has a command run without root's rights, where it would have them.
func asNobody(cmd *exec.Cmd) {
	const nobody = 65534
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
