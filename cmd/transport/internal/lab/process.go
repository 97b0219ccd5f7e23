package lab

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a program that runs in its own process group. It does not outlive the process
// that started it.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Start starts a command. The caller must call Wait, Terminate or Kill.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	bindToParent(cmd.SysProcAttr)
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux sends the parent-death signal when the thread that forked ends. This
		// thread lives until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("lab: start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits until the process has ended and returns its exit code, -1 if a signal ended
// it.
func (p *Process) Wait() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal to the process, not to its group.
func (p *Process) Signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return fmt.Errorf("lab: %s has ended already", p.cmd.Path)
	default:
		return p.cmd.Process.Signal(s)
	}
}

// Terminate sends SIGTERM, and kills the process and its group if it has not ended after
// limit. It returns an error in that case. When it returns, the process has ended.
func (p *Process) Terminate(limit time.Duration) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // on an error, the process has already ended
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-p.done:
		p.Kill() // the rest of its group
		return nil
	case <-late.C:
		p.Kill()
		return fmt.Errorf("lab: %s did not end within %v of SIGTERM", p.cmd.Path, limit)
	}
}

// Kill kills the process and its group, and waits for the end of the process.
func (p *Process) Kill() {
	killGroup(p.PID())
	<-p.done
}
