package lab

import (
	"bufio"
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

// IRC is an IRC server without rate limits. Its methods must not be called concurrently.
type IRC struct {
	Name string // of the program
	Addr string // host:port

	dir       string
	command   func() *exec.Cmd
	services  func() *exec.Cmd // nil: no services
	sasl      bool
	processes []*Process
}

// The password of the link between an IRC server and its services, and of the oper. The
// servers run on loopback for minutes only.
const ircSecret = "lab-secret"

// Ngircd starts an ngIRCd, a small server: no SASL, hardly any IRCv3. The caller must call
// Close.
func Ngircd(ctx context.Context) (*IRC, error) {
	path, err := find("ngircd", "on Debian or Ubuntu, apt-get install ngircd")
	if err != nil {
		return nil, err
	}
	return startIRC(ctx, "ngircd", func(s *IRC) error {
		s.command = func() *exec.Cmd { return exec.Command(path, "-n", "-f", s.file("ngircd.conf")) }
		return s.write("ngircd.conf", ngircdConfig(s.Addr))
	})
}

// Hybrid starts an ircd-hybrid: the older IRCv3 capabilities, and no message tags. The
// caller must call Close.
func Hybrid(ctx context.Context) (*IRC, error) {
	path, err := find("ircd-hybrid", "on Debian or Ubuntu, apt-get install ircd-hybrid")
	if err != nil {
		return nil, err
	}
	return startIRC(ctx, "ircd-hybrid", func(s *IRC) error {
		s.command = func() *exec.Cmd {
			cmd := exec.Command(path, "-foreground", "-configfile", s.file("ircd.conf"), "-logfile", s.file("ircd.log"), "-pidfile", s.file("ircd.pid"))
			asNobody(cmd) // ircd-hybrid does not run as root
			return cmd
		}
		if err := os.Chmod(s.dir, 0o777); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		return s.write("ircd.conf", hybridConfig(s.Addr))
	})
}

// Services are the services of an InspIRCd.
type Services int

// Atheme provides NickServ and SASL.
const (
	NoServices Services = iota
	NickServ
	NickServAndSASL
)

// Inspircd starts an InspIRCd: message tags, labeled responses, echo-message, history,
// MONITOR. The caller must call Close.
func Inspircd(ctx context.Context, services Services) (*IRC, error) {
	path, err := find("inspircd", "on Debian or Ubuntu, apt-get install inspircd")
	if err != nil {
		return nil, err
	}
	atheme := ""
	if services != NoServices {
		if atheme, err = find("atheme-services", "on Debian or Ubuntu, apt-get install atheme-services"); err != nil {
			return nil, err
		}
	}
	link, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s, err := startIRC(ctx, "inspircd", func(s *IRC) error {
		s.command = func() *exec.Cmd {
			args := []string{"--nofork", "--config", s.file("inspircd.conf")}
			if os.Geteuid() == 0 {
				args = append(args, "--runasroot")
			}
			return exec.Command(path, args...)
		}
		if services != NoServices {
			s.sasl = services == NickServAndSASL
			s.services = func() *exec.Cmd {
				return exec.Command(atheme, "-n", "-c", s.file("atheme.conf"), "-D", s.dir, "-l", s.file("atheme.log"), "-p", s.file("atheme.pid"))
			}
			if err := s.write("atheme.conf", athemeConfig(link)); err != nil {
				return err
			}
		}
		return s.write("inspircd.conf", inspircdConfig(s.dir, s.Addr, link, s.sasl))
	})
	return s, err
}

func startIRC(ctx context.Context, name string, prepare func(*IRC) error) (*IRC, error) {
	for attempt := 1; ; attempt++ {
		addr, err := FreeAddr()
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp("", "transport-lab-")
		if err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		s := &IRC{Name: name, Addr: addr, dir: dir}
		if err = prepare(s); err == nil {
			err = s.Start(ctx)
		}
		if err == nil {
			return s, nil
		}
		output := s.Log()
		s.Close()
		if attempt == 3 || ctx.Err() != nil { // otherwise another program may have taken the port
			return nil, fmt.Errorf("%w\n%s", err, tail(output, 30))
		}
	}
}

func (s *IRC) file(name string) string { return filepath.Join(s.dir, name) }

func (s *IRC) write(name, text string) error {
	if err := os.WriteFile(s.file(name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// Start starts the server again after Kill, on the same port, and returns when it accepts
// clients.
func (s *IRC) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.run(s.command()); err != nil {
		return err
	}
	if err := s.poll(ctx, func() bool { return accepts(ctx, s.Addr) }); err != nil || s.services == nil {
		return err
	}
	if err := s.run(s.services()); err != nil {
		return err
	}
	return s.poll(ctx, func() bool { return s.hasServices(ctx) })
}

func (s *IRC) run(cmd *exec.Cmd) error {
	out, err := os.OpenFile(s.file("output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	p, err := Start(cmd)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return nil
}

// poll waits until a condition holds, or a process has ended.
func (s *IRC) poll(ctx context.Context, so func() bool) error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for !so() {
		for _, p := range s.processes {
			select {
			case <-p.Done():
				return fmt.Errorf("lab: %s did not start: it ended with exit code %d", s.Name, p.Wait())
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("lab: %s did not start: %w", s.Name, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// hasServices reports whether the services are linked: NickServ is online, and the server
// offers SASL.
func (s *IRC) hasServices(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	fmt.Fprint(conn, "CAP LS 302\r\nNICK probe\r\nUSER probe 0 * :probe\r\nCAP END\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.Contains(line, " LS ") && s.sasl && !strings.Contains(line, "sasl="):
			return false
		case strings.HasPrefix(line, "PING"):
			fmt.Fprintf(conn, "PONG%s\r\n", line[4:])
		case strings.Contains(line, " 001 "):
			fmt.Fprint(conn, "ISON NickServ\r\n")
		case strings.Contains(line, " 303 "):
			return strings.Contains(line, "NickServ")
		}
	}
	return false
}

// Kill ends the server and its services.
func (s *IRC) Kill() {
	for _, p := range s.processes {
		p.Kill()
	}
	s.processes = nil
}

// Signal sends a signal to the server's process and to those of its services.
func (s *IRC) Signal(sig syscall.Signal) error {
	var errs []error
	for _, p := range s.processes {
		errs = append(errs, p.Signal(sig))
	}
	return errors.Join(errs...)
}

// Log returns the server's log.
func (s *IRC) Log() string {
	var b strings.Builder
	for _, name := range []string{"output.log", "atheme.log", "ircd.log"} {
		data, err := os.ReadFile(s.file(name))
		if err == nil {
			b.Write(data)
		} else if !errors.Is(err, os.ErrNotExist) {
			fmt.Fprintln(&b, err)
		}
	}
	return b.String()
}

// Close stops the server and removes its data.
func (s *IRC) Close() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}
