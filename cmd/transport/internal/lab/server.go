package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrMissing: a server is not installed. The error that wraps it contains the way to
// install it.
var ErrMissing = errors.New("not installed")

// Options configure a server. The zero value is a server of the domain localhost without
// users and components, on free ports.
type Options struct {
	Domain     string            // "" for localhost
	Users      map[string]string // localpart to password
	Components map[string]string // domain to secret
	ClientPort int               // to listen on for clients, 0 for a free one
	// Host is the loopback address that the server listens on for clients, "" for
	// 127.0.0.1. Only Prosody supports another one, on which the standard ports are free.
	Host string
	// TLS makes the server offer STARTTLS, with a certificate of an authority made for
	// this server, for clients that require it. The server does not require it.
	TLS bool
	// Privileged grants the components the privileges to write rosters and to send
	// messages as users (XEP-0356), if the server supports it.
	Privileged bool
	// Uploads makes Prosody accept HTTP uploads. (XEP-0363)
	Uploads bool
	// Web makes Prosody serve WebSocket and BOSH over HTTPS on WebPort. Uploads then use
	// this port, too. It requires TLS.
	Web     bool
	WebPort int // 0 for a free one
	// Debug sets the server's log level to debug.
	Debug bool

	componentPort, uploadPort int // free ones, chosen at the start
}

// Server is an XMPP server. Its methods must not be called concurrently.
type Server struct {
	Domain    string
	Client    string // host:port for users
	Component string // host:port for components, "" if it has none
	Web       string // host:port for browsers, "" without
	Authority string // file with the authority's certificate, with TLS

	program server
	dir     string
	process *Process
	logged  int64 // size of the log when the process started, in bytes
}

// server is an implementation of an XMPP server.
type server interface {
	// prepare writes the configuration and the users into a folder.
	prepare(dir string, o Options) error
	// command returns the command that runs the server in the foreground.
	command(dir string) *exec.Cmd
	// ready reports whether the server has opened all its ports, from its log since the
	// start. The error is set if it cannot open them.
	ready(log string) (bool, error)
	logFile(dir string) string
	configFile(dir string) string
	// populate creates users that prepare cannot create, when the server accepts
	// clients on addr.
	populate(ctx context.Context, addr string, o Options) error
}

// errPortTaken: another program has taken a chosen port.
var errPortTaken = errors.New("port taken by another program")

const (
	startLimit = 90 * time.Second // ejabberd on a busy machine needs half of it
	stopLimit  = 20 * time.Second
	pollPause  = 20 * time.Millisecond
)

// start creates a server and returns when it accepts clients and components.
func start(ctx context.Context, program server, o Options) (*Server, error) {
	if o.Domain == "" {
		o.Domain = "localhost"
	}
	fixed := o
	for attempt := 1; ; attempt++ {
		s, err := try(ctx, program, fixed)
		if err == nil || !errors.Is(err, errPortTaken) || attempt == 3 {
			return s, err
		}
	}
}

func try(ctx context.Context, program server, o Options) (*Server, error) {
	var err error
	if o.Host == "" {
		o.Host = loopbackHost
	}
	if o.ClientPort, err = choosePortAt(o.Host, o.ClientPort); err != nil {
		return nil, err
	}
	if o.Web {
		if o.WebPort, err = choosePortAt(o.Host, o.WebPort); err != nil {
			return nil, err
		}
	}
	if o.componentPort, err = choosePort(0); err != nil {
		return nil, err
	}
	if o.Uploads {
		if o.uploadPort, err = choosePort(0); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "transport-lab-")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s := &Server{
		Domain:  o.Domain,
		Client:  hostPort(o.Host, o.ClientPort),
		program: program,
		dir:     dir,
	}
	if len(o.Components) > 0 {
		s.Component = loopback(o.componentPort)
	}
	if o.Web {
		s.Web = hostPort(o.Host, o.WebPort)
	}
	if o.TLS {
		s.Authority = filepath.Join(dir, authorityFile)
	}
	if err = program.prepare(dir, o); err == nil {
		err = s.Start(ctx)
	}
	if err == nil {
		err = program.populate(ctx, s.Client, o)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Start starts a server again after Stop or Kill, on the same ports with the same data,
// and returns when it accepts clients and components.
func (s *Server) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s.logged = 0
	if info, err := os.Stat(s.program.logFile(s.dir)); err == nil {
		s.logged = info.Size()
	}
	out, err := os.OpenFile(s.outputFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer out.Close()
	cmd := s.program.command(s.dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	if s.process, err = Start(cmd); err != nil {
		return err
	}
	if err := s.await(ctx); err != nil {
		s.process.Kill()
		return fmt.Errorf("lab: %s did not start: %w\n%s", filepath.Base(cmd.Path), err, tail(s.Log(), 30))
	}
	return nil
}

// await waits until the server logs that it is ready, and accepts connections.
func (s *Server) await(ctx context.Context) error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		ok, err := s.program.ready(s.read(s.program.logFile(s.dir), s.logged))
		switch {
		case err != nil:
			return err
		case ok && accepts(ctx, s.Client) && (s.Component == "" || accepts(ctx, s.Component)) && (s.Web == "" || accepts(ctx, s.Web)):
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.process.Done():
			return fmt.Errorf("ended with exit code %d", s.process.Wait())
		case <-tick.C:
		}
	}
}

// accepts reports whether a server accepts connections on an address.
func accepts(ctx context.Context, addr string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Stop shuts the server down with SIGTERM. Its data stay.
func (s *Server) Stop() error { return s.process.Terminate(stopLimit) }

// Kill kills the server with SIGKILL. Its data stay.
func (s *Server) Kill() { s.process.Kill() }

// Signal sends a signal to the server's process.
func (s *Server) Signal(sig syscall.Signal) error { return s.process.Signal(sig) }

// Replace replaces a text in the configuration of a server that is running; it has an effect
// after Restart.
func (s *Server) Replace(old, text string) error {
	file := s.program.configFile(s.dir)
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), old, text)), 0o600); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// Restart stops the server and starts it again.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Close stops the server and removes its data.
func (s *Server) Close() error {
	var err error
	if s.process != nil {
		err = s.Stop()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Done returns a channel that is closed when the server's process has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Log returns the server's log and output since it was created.
func (s *Server) Log() string {
	return s.read(s.program.logFile(s.dir), 0) + s.read(s.outputFile(), 0)
}

func (s *Server) outputFile() string { return filepath.Join(s.dir, "output.log") }

// read returns a file's contents from an offset on, "" if there are none.
func (s *Server) read(file string, from int64) string {
	data, err := os.ReadFile(file)
	if err != nil || int64(len(data)) < from {
		return ""
	}
	return string(data[from:])
}

// find looks for a program in PATH and in the folders of servers, which are not in every
// user's PATH.
func find(name, remedy string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/transport-tests/usr/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("lab: %s is %w: %s", name, ErrMissing, remedy)
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
