package lab

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a program that runs in a process group of its own. It ends at the
// latest with the process that started it.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Start starts a command. Wait, Terminate or Kill must follow.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	leash(cmd.SysProcAttr)
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux sends the parent-death signal when the thread that forked ends, so
		// that thread is kept until the process is gone.
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

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the process's end and returns its exit code, -1 if a signal
// ended it.
func (p *Process) Wait() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return fmt.Errorf("lab: %s has ended already", p.cmd.Path)
	default:
		return p.cmd.Process.Signal(s)
	}
}

// Terminate asks the process to end, and after the limit makes it. It returns
// once the process is gone; an error says that it had to be made.
func (p *Process) Terminate(limit time.Duration) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has just ended
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-p.done:
		p.Kill() // what is left of its group
		return nil
	case <-late.C:
		p.Kill()
		return fmt.Errorf("lab: %s did not end within %v of SIGTERM", p.cmd.Path, limit)
	}
}

// Kill ends the process and its group at once and waits until it is gone.
func (p *Process) Kill() {
	killGroup(p.PID())
	<-p.done
}
