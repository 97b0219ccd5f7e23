package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// resourceFaults leave the gateway too little of something.
func resourceFaults() []fault {
	return []fault{
		{name: "gateway: little memory", run: limitMemory},
		{name: "gateway: no file descriptor left", run: limitFiles},
		{name: floodName, run: flood},
	}
}

const (
	floodName  = "flood: one user sends 10,000 messages/s"
	floodRate  = 10_000 // messages a second
	floodTime  = 600 * time.Millisecond
	probeEvery = 20 * time.Millisecond
)

// probe makes random users send to ICQ, so that the latency can be measured. Those who flood
// do not.
func (c *campaign) probe(ctx context.Context, length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, probeEvery) {
		i := rand.IntN(len(c.people))
		if p := c.people[i]; !c.flooders[p.jid] && p.isUp() {
			p.say(toICQ, icqDomain, friendUIN(i)+"@"+icqDomain, "chat")
		}
	}
}

// flood makes a user send as fast as possible, at most floodRate, while others chat.
func flood(ctx context.Context, c *campaign) error {
	i := len(c.people) - 1
	p := c.people[i]
	c.flooders[p.jid] = true
	sent := make(chan int)
	go func() { // it is received below
		n := 0
		for began := time.Now(); time.Since(began) < floodTime && ctx.Err() == nil; wait(ctx, time.Millisecond) {
			for n < int(time.Since(began).Seconds()*floodRate) && time.Since(began) < floodTime {
				p.say(toICQ, icqDomain, friendUIN(i)+"@"+icqDomain, "chat")
				n++
			}
		}
		sent <- n
	}()
	c.probe(ctx, floodTime+time.Second)
	c.progress("  one user has sent %d messages in %v", <-sent, floodTime)
	return nil
}

const (
	littleMemory = "32MiB"   // what Go's garbage collector aims at
	memoryLimit  = 256 << 20 // at which the kernel ends the process
)

// limitMemory starts the gateway with too little memory for its usual ease, and in a control
// group with a limit if that is possible.
func limitMemory(ctx context.Context, c *campaign) error {
	if err := c.restart(ctx, "GOMEMLIMIT="+littleMemory); err != nil {
		return err
	}
	pid, err := c.pid()
	if err != nil {
		return err
	}
	group, err := newMemoryGroup(memoryLimit)
	if err == nil {
		err = group.add(pid)
	}
	if err != nil {
		c.progress("  only GOMEMLIMIT, without a control group: %v", err)
	}
	for _, p := range c.people[:min(slowUsers, len(c.people))] {
		c.burst(p, 40)
	}
	c.probe(ctx, c.span(2*time.Second, 4*time.Second))
	err = c.restart(ctx)
	return errors.Join(err, group.remove())
}

// memoryGroup is a control group with a memory limit, "" for none.
type memoryGroup string

// newMemoryGroup creates a control group below that of this process. (cgroups(7))
func newMemoryGroup(limit int) (memoryGroup, error) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		root, file := "", ""
		switch {
		case len(fields) < 3:
			continue
		case fields[1] == "memory": // version 1
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case fields[1] == "": // version 2
			root, file = "/sys/fs/cgroup", "memory.max"
		default:
			continue
		}
		dir := filepath.Join(root, fields[2], fmt.Sprint("transport-chaos-", os.Getpid()))
		if err = os.Mkdir(dir, 0o700); err != nil {
			continue
		}
		if err = os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(limit)), 0o600); err == nil {
			return memoryGroup(dir), nil
		}
		err = errors.Join(err, os.Remove(dir))
	}
	if err == nil {
		err = errors.New("no controller")
	}
	return "", err
}

// add moves a process into the group.
func (g memoryGroup) add(pid int) error {
	return os.WriteFile(filepath.Join(string(g), "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600)
}

// remove removes the group; its processes must have ended.
func (g memoryGroup) remove() error {
	if g == "" {
		return nil
	}
	return os.Remove(string(g))
}

// limitFiles leaves the gateway no file descriptor for a new connection for a while.
func limitFiles(ctx context.Context, c *campaign) (err error) {
	pid, err := c.pid()
	if err != nil {
		return err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return fmt.Errorf("%w: %w", errLeftOut, err)
	}
	old, err := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--nofile", "--noheadings", "--raw", "--output", "SOFT,HARD").Output()
	if err != nil {
		return fmt.Errorf("%w: prlimit: %w", errLeftOut, err)
	}
	limits := strings.Fields(string(old))
	if len(limits) != 2 {
		return fmt.Errorf("prlimit: %q", old)
	}
	set := func(soft string) error {
		return exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--nofile="+soft+":"+limits[1]).Run()
	}
	if err := set(strconv.Itoa(len(open))); err != nil {
		return fmt.Errorf("%w: prlimit: %w", errLeftOut, err)
	}
	defer func() { err = errors.Join(err, set(limits[0])) }()
	for _, wire := range []*cable{c.toICQ, c.toIRC, c.toXMPP} {
		wire.cut() // each link that comes back takes what another one needs
		wait(ctx, c.span(300*time.Millisecond, time.Second))
	}
	wait(ctx, c.span(time.Second, 3*time.Second))
	return nil
}
