package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
)

const (
	secret    = "chaos-secret"
	password  = "chaos-password"
	host      = "localhost"
	icqDomain = "icq.localhost"
	// slowDomain is an ICQ network with the rate limits of a live server.
	slowDomain = "slow.localhost"
	ircDomain  = "irc.localhost"
)

// The confirmations of the servers: the gateway's ping to its own domain returns; the PONG
// to a PING of the gateway; none.
const (
	xmppTokens = `<iq [^>]*\bid=['"]([^'"]+)['"][^>]*><ping`
	ircTokens  = `P[IO]NG [^\r\n]*:~(\w+)\r?\n`
	icqTokens  = `(\z.)` // matches nothing
)

// world are the processes of a run: the gateway, the servers, and the cables between them.
type world struct {
	dir     string
	disk    *disk // of the database and the files
	program string
	xmpp    *lab.Server
	irc     *lab.IRC
	icq     *oscarmock.Network
	slow    *oscarmock.Network
	icqAddr string

	filesAddr string // of the gateway's file server

	toXMPP, toIRC, toICQ, toSlow *cable

	mu      sync.Mutex // guards the fields below
	gateway *lab.Process
	ended   []string // problems: unexpected ends of the gateway, for example
}

// pair are the real servers of a run.
type pair struct {
	name string
	xmpp func(context.Context, lab.Options) (*lab.Server, error)
	irc  func(context.Context) (*lab.IRC, error)
}

var pairs = []pair{
	{"prosody+ngircd", lab.Prosody, lab.Ngircd},
	{"ejabberd+inspircd", lab.Ejabberd, func(ctx context.Context) (*lab.IRC, error) { return lab.Inspircd(ctx, lab.NoServices) }},
}

// newWorld starts the servers, and the gateway between them. The caller must call close,
// also after an error.
func newWorld(ctx context.Context, dir, program string, p pair, users int) (*world, error) {
	w := &world{dir: dir, program: program}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return w, err
	}
	var err error
	if w.disk, err = newDisk(w.file("disk")); err != nil {
		return w, err
	}
	if w.filesAddr, err = lab.FreeAddr(); err != nil {
		return w, err
	}
	o := lab.Options{Users: make(map[string]string), Components: map[string]string{icqDomain: secret, slowDomain: secret, ircDomain: secret}}
	for i := range users {
		o.Users[localpart(i)] = password
	}
	if w.xmpp, err = p.xmpp(ctx, o); err != nil {
		return w, err
	}
	if w.irc, err = p.irc(ctx); err != nil {
		return w, err
	}
	if w.icqAddr, err = lab.FreeAddr(); err != nil {
		return w, err
	}
	if w.icq, w.toICQ, err = startICQ(w.icqAddr, oscarmock.Options{}, users); err != nil {
		return w, err
	}
	if w.slow, w.toSlow, err = startICQ("127.0.0.1:0", oscarmock.Options{Rates: oscarmock.RatesOOS}, users); err != nil {
		return w, err
	}
	if w.toXMPP, err = newCable(w.xmpp.Component, xmppTokens); err != nil {
		return w, err
	}
	if w.toIRC, err = newCable(w.irc.Addr, ircTokens); err != nil {
		return w, err
	}
	if err := w.configure(); err != nil {
		return w, err
	}
	return w, w.start()
}

// startICQ starts a mock network that clients reach through a cable only.
func startICQ(addr string, o oscarmock.Options, users int) (*oscarmock.Network, *cable, error) {
	n := oscarmock.New(o)
	if err := n.Listen(addr); err != nil {
		return n, nil, err
	}
	c, err := newCable(n.Addr(), icqTokens)
	if err != nil {
		return n, nil, err
	}
	n.Inject(oscarmock.Fault{Step: oscarmock.StepRedirect, Addr: c.addr(), Times: -1})
	for i := range users {
		n.AddAccount(oscarmock.Account{Name: uin(i), Password: "icqpass", Nick: localpart(i)})
	}
	return n, c, nil
}

// configure writes the gateway's configuration.
func (w *world) configure() error {
	text := fmt.Sprintf("[log]\nlevel = \"debug\"\nformat = \"json\"\n[server]\naddress = %q\n", w.toXMPP.addr())
	text += fmt.Sprintf("[database]\npath = %q\nkey_file = %q\n", w.database(), w.keyFile())
	text += fmt.Sprintf("[files]\nlisten = %q\nurl = %q\ndir = %q\n", w.filesAddr, "http://"+w.filesAddr, filepath.Join(w.disk.dir, "files"))
	for _, n := range [][2]string{{icqDomain, w.toICQ.addr()}, {slowDomain, w.toSlow.addr()}} {
		text += fmt.Sprintf("[[network]]\ndriver = \"oscar\"\ndomain = %q\nsecret = %q\n[network.options]\nserver = %q\nallow_private_files = true\n", n[0], secret, n[1])
	}
	text += fmt.Sprintf("[[network]]\ndriver = \"irc\"\ndomain = %q\nsecret = %q\n[network.options]\nserver = %q\ntls = false\nrate = 0\n", ircDomain, secret, w.toIRC.addr())
	return os.WriteFile(w.file("transport.toml"), []byte(text), 0o600)
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) database() string { return filepath.Join(w.disk.dir, "transport.db") }
func (w *world) keyFile() string  { return filepath.Join(w.disk.dir, "transport.key") }

// start starts the gateway, with additional environment variables.
func (w *world) start(env ...string) error {
	log, err := os.OpenFile(w.file("gateway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(w.program, "run", "--config", w.file("transport.toml"))
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(os.Environ(), env...)
	p, err := lab.Start(cmd)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gateway = p
	go func() { // ends with the process
		<-p.Done()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.gateway == p {
			w.ended = append(w.ended, fmt.Sprintf("the gateway ended with exit code %d", p.Wait()))
		}
	}()
	return nil
}

// release returns the gateway's process, whose end is expected from now on.
func (w *world) release() *lab.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.gateway
	w.gateway = nil
	return p
}

// kill kills the gateway, with a record of what it has not read from its connections.
func (w *world) kill() {
	w.mu.Lock()
	p := w.gateway
	w.mu.Unlock()
	if p == nil {
		return
	}
	_ = p.Signal(syscall.SIGSTOP) // on an error, it has ended
	awaitStopped(p.PID())
	for _, c := range w.cables() {
		c.stall()
		c.unread()
	}
	w.release()
	p.Kill()
	for _, c := range w.cables() {
		c.resume()
	}
}

// awaitStopped waits until all threads of a process are stopped, at most for a second.
func awaitStopped(pid int) {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is valid
		running := 0
		for _, task := range tasks {
			data, err := os.ReadFile(task)
			if _, rest, ok := strings.Cut(string(data), ") "); err != nil || ok && !strings.HasPrefix(rest, "T") {
				running++
			}
		}
		if running == 0 {
			return
		}
	}
}

// stopGateway ends the gateway properly.
func (w *world) stopGateway() error {
	p := w.release()
	if p == nil {
		return errors.New("the gateway is not running")
	}
	if err := p.Terminate(10 * time.Second); err != nil {
		return err
	}
	if code := p.Wait(); code != 0 {
		w.problem("the gateway ended with exit code %d after SIGTERM", code)
	}
	return nil
}

// pid returns the gateway's process ID.
func (w *world) pid() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gateway == nil {
		return 0, errors.New("the gateway is not running")
	}
	return w.gateway.PID(), nil
}

// problem records a failure of the run.
func (w *world) problem(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, fmt.Sprintf(format, args...))
}

// signal sends a signal to the gateway.
func (w *world) signal(sig syscall.Signal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gateway == nil {
		return errors.New("the gateway is not running")
	}
	return w.gateway.Signal(sig)
}

// problems returns the unexpected ends of the gateway, and the panics in its log.
func (w *world) problems() (all []string) {
	w.mu.Lock()
	all = append(all, w.ended...)
	w.mu.Unlock()
	data, err := os.ReadFile(w.file("gateway.log"))
	if err != nil {
		return append(all, err.Error())
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			all = append(all, line)
		}
	}
	return all
}

func (w *world) cables() []*cable { return []*cable{w.toXMPP, w.toIRC, w.toICQ, w.toSlow} }

// witness is the proof that the gateway is not to blame for a loss.
func (w *world) witness(number int, dir direction) string {
	from := map[direction]*cable{fromICQ: w.toICQ, fromFile: w.toICQ, fromNick: w.toIRC, fromChannel: w.toIRC}[dir]
	if from == nil {
		from = w.toXMPP
	}
	switch {
	case !from.reached(number):
		return string(dir) + ": the gateway has never read it"
	case dir.toXMPP() && w.toXMPP.confirmed(number):
		return string(dir) + ": the XMPP server confirmed it and lost it"
	case (dir == toNick || dir == toChannel) && w.toIRC.confirmed(number):
		return string(dir) + ": the IRC server confirmed it and lost it"
	}
	return ""
}

// close ends all processes.
func (w *world) close() error {
	var errs []error
	if p := w.release(); p != nil {
		_ = p.Signal(syscall.SIGCONT) // on an error, it has ended
		errs = append(errs, p.Terminate(20*time.Second))
	}
	for _, c := range w.cables() {
		if c != nil {
			c.close()
		}
	}
	for _, n := range []*oscarmock.Network{w.icq, w.slow} {
		if n != nil {
			n.Close()
		}
	}
	if w.irc != nil {
		errs = append(errs, w.irc.Close())
	}
	if w.xmpp != nil {
		errs = append(errs, w.xmpp.Close())
	}
	if w.disk != nil {
		errs = append(errs, w.disk.close())
	}
	return errors.Join(errs...)
}

func localpart(i int) string { return fmt.Sprint("u", i) }
func uin(i int) string       { return fmt.Sprint(100000 + i) }
func friendUIN(i int) string { return fmt.Sprint(500000 + i) }
func channel(i int) string   { return fmt.Sprint("#c", i) }
