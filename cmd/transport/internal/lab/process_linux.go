package lab

import (
	"os"
	"os/exec"
	"syscall"
)

// bindToParent makes a process the leader of a group, and makes the system kill it when its
// parent ends.
func bindToParent(attr *syscall.SysProcAttr) {
	attr.Setpgid = true
	attr.Pdeathsig = syscall.SIGKILL
}

// killGroup kills a process and its process group.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// asNobody makes a command run as nobody if it would run as root.
func asNobody(cmd *exec.Cmd) {
	const nobody = 65534
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
