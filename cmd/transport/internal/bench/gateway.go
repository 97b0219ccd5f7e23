package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"transport/cmd/transport/internal/lab"
)

// Gateway is the process that is measured.
type Gateway struct {
	*lab.Process
	dir      string // its working directory, where a build with the tag profile writes
	profiles bool
	program  string
}

// Build builds the transport program into a folder. With profiles, it is the build with the
// tag profile.
func Build(ctx context.Context, dir string, profiles bool) string {
	program, tags := filepath.Join(dir, "transport"), ""
	if profiles {
		tags = "profile"
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-tags", tags, "-o", program, "./cmd/transport").CombinedOutput()
	Check(err, "go build: "+string(out))
	return program
}

// Start starts a gateway with a folder as working directory. Its log is a file there.
// profiles is set for a program that Build has built so. The caller must call Kill.
func Start(cmd *exec.Cmd, dir string, profiles bool) *Gateway {
	out, err := os.Create(filepath.Join(dir, "log"))
	Check(err, "log")
	defer out.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	p, err := lab.Start(cmd)
	Check(err, "start "+filepath.Base(cmd.Path))
	return &Gateway{p, dir, profiles, cmd.Path}
}

// WriteConfig writes a configuration with one network into a folder, and returns the
// command that runs it. network are further lines of the network, and its options.
func WriteConfig(program, dir, xmpp, domain, network string) *exec.Cmd {
	text := fmt.Sprintf("[log]\nlevel = \"warn\"\n[database]\npath = %q\nkey_file = %q\n[server]\naddress = %q\n[[network]]\ndomain = %q\nsecret = %q\nrate = 0\n%s",
		filepath.Join(dir, Database), filepath.Join(dir, KeyFile), xmpp, domain, Secret, network)
	file := filepath.Join(dir, "t.toml")
	Check(os.WriteFile(file, []byte(text), 0o600), "configuration")
	return exec.Command(program, "run", "--config", file)
}

// The component's secret, and the files of the registry in the gateway's folder.
const (
	Secret   = "benchmark-secret"
	Database = "t.db"
	KeyFile  = "t.key"
)

// CPU returns the CPU time of the gateway so far.
func (g *Gateway) CPU() time.Duration {
	t, err := cpuTime(g.PID())
	Check(err, "CPU time")
	return t
}

// OwnCPU returns the CPU time of this process so far.
func OwnCPU() time.Duration {
	t, err := cpuTime(os.Getpid())
	Check(err, "CPU time")
	return t
}

// RSS returns the resident memory of the gateway in KiB.
func (g *Gateway) RSS() int { return g.status("VmRSS:") }

// Peak returns the largest resident memory of the gateway so far in KiB.
func (g *Gateway) Peak() int { return g.status("VmHWM:") }

func (g *Gateway) status(name string) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
	Check(err, "memory")
	_, rest, found := strings.Cut(string(data), name)
	if !found {
		Fail("the gateway has ended; its log is %s", filepath.Join(g.dir, "log"))
	}
	n, _ := strconv.Atoi(strings.Fields(rest)[0])
	return n
}

// Measurement is the interval of a scenario that is measured, and profiled.
type Measurement struct {
	g     *Gateway
	cpu   time.Duration
	start time.Time
}

// Begin begins a measurement. There is one at a time.
func (g *Gateway) Begin() Measurement {
	if g.profiles {
		Check(g.Signal(syscall.SIGUSR1), "begin a profile")
		g.awaitFile(cpuProfile)
	}
	return Measurement{g, g.CPU(), time.Now()}
}

// Elapsed returns the time since the beginning.
func (m Measurement) Elapsed() time.Duration { return time.Since(m.start) }

// End ends a measurement and returns a result with its times, and its profile.
func (m Measurement) End() Result {
	r := Result{Elapsed: time.Since(m.start), CPU: m.g.CPU() - m.cpu}
	if m.g.profiles {
		Check(m.g.Signal(syscall.SIGUSR2), "end a profile")
		m.g.awaitFile(heapProfile)
		r.Profile = m.g.top()
	}
	return r
}

// The files that a build with the tag profile writes (cmd/transport/profile.go): the first
// is there when the profile begins, the second when both are complete.
const (
	cpuProfile  = "cpu.pprof"
	heapProfile = "heap.pprof"
)

func (g *Gateway) awaitFile(name string) {
	Until(context.Background(), "the profile "+name, 20*time.Second, func() bool {
		_, err := os.Stat(filepath.Join(g.dir, name))
		return err == nil
	})
}

const topNodes = 30 // lines of each list of a profile

// top returns the profiles as text, and deletes their files.
func (g *Gateway) top() string {
	var b strings.Builder
	for _, list := range []struct{ title, file, order, sample string }{
		{"CPU, by the function itself", cpuProfile, "-flat", ""},
		{"CPU, with what the function calls", cpuProfile, "-cum", ""},
		{"memory in use, by the function itself", heapProfile, "-flat", "-sample_index=inuse_space"},
		{"memory in use, with what the function calls", heapProfile, "-cum", "-sample_index=inuse_space"},
		{"memory allocated since the start", heapProfile, "-flat", "-sample_index=alloc_space"},
	} {
		args := []string{"tool", "pprof", "-top", list.order, "-nodecount", strconv.Itoa(topNodes)}
		if list.sample != "" {
			args = append(args, list.sample)
		}
		out, err := exec.Command("go", append(args, g.program, filepath.Join(g.dir, list.file))...).Output()
		Check(err, "go tool pprof")
		fmt.Fprintf(&b, "%s:\n%s\n", list.title, out)
	}
	for _, name := range []string{cpuProfile, heapProfile} {
		Check(os.Remove(filepath.Join(g.dir, name)), "profile")
	}
	return b.String()
}
