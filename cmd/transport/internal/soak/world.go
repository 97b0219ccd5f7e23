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
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
)

const (
	secret     = "soak-secret"
	password   = "soak-password"
	host       = "localhost"
	admin      = "admin@" + host
	icqDomain  = "icq.localhost"
	ircDomain  = "irc.localhost"
	answerTime = 10 * time.Second // for an answer of the gateway
)

// world are the processes of a run: the gateway, and the servers on its two sides.
type world struct {
	dir     string
	xmpp    *lab.Server
	irc     *lab.IRC
	icq     *oscarmock.Network
	gateway *lab.Process

	mu    sync.Mutex
	admin *lab.Client // nil until it is needed
}

// newWorld starts the servers and the gateway. The caller must call close, also after an
// error.
func newWorld(ctx context.Context, dir, program string, users int) (*world, error) {
	w := &world{dir: dir, icq: oscarmock.New(oscarmock.Options{})}
	o := lab.Options{Users: map[string]string{"admin": password}, Components: map[string]string{icqDomain: secret, ircDomain: secret}}
	for i := range users {
		o.Users[localpart(i)] = password
		w.icq.AddAccount(oscarmock.Account{Name: uin(i), Password: "icqpass", Nick: localpart(i)})
	}
	var err error
	if w.xmpp, err = lab.Prosody(ctx, o); err != nil {
		return w, err
	}
	if w.irc, err = lab.Ngircd(ctx); err != nil {
		return w, err
	}
	if err := w.icq.Listen("127.0.0.1:0"); err != nil {
		return w, err
	}
	text := fmt.Sprintf("[server]\naddress = %q\n[limits]\nmemory = 268_435_456\n", w.xmpp.Component) +
		fmt.Sprintf("[[network]]\ndriver = \"oscar\"\ndomain = %q\nsecret = %q\nadmins = [%q]\n[network.options]\nserver = %q\n", icqDomain, secret, admin, w.icq.Addr()) +
		fmt.Sprintf("[[network]]\ndriver = \"irc\"\ndomain = %q\nsecret = %q\nhistory_lines = 20\n[network.options]\nserver = %q\ntls = false\nrate = 0\n", ircDomain, secret, w.irc.Addr)
	file := filepath.Join(dir, "transport.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return w, err
	}
	log, err := os.Create(filepath.Join(dir, "gateway.log"))
	if err != nil {
		return w, err
	}
	defer log.Close()
	cmd := exec.Command(program, "run", "--config", file)
	cmd.Stdout, cmd.Stderr = log, log
	w.gateway, err = lab.Start(cmd)
	return w, err
}

// statistics asks the gateway for its statistics, as an administrator.
func (w *world) statistics(ctx context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.admin == nil {
		var err error
		if w.admin, err = lab.Dial(ctx, w.xmpp.Client, admin+"/soak", password); err != nil {
			return "", err
		}
	}
	w.admin.Forget()
	err := w.admin.SendXML(ctx, "<message to='"+icqDomain+"' type='chat'><body>statistics</body></message>")
	if err == nil {
		var answer *element.Element
		answer, err = w.admin.Expect(ctx, "the statistics", func(e *element.Element) bool {
			return e.Name == "message" && strings.Contains(e.ChildText(lab.NSClient, "body"), "goroutines:")
		})
		if err == nil {
			return answer.ChildText(lab.NSClient, "body"), nil
		}
	}
	w.admin.Kill() // the XMPP server was restarted
	w.admin = nil
	return "", err
}

// disturb interrupts one of the connections of the gateway, in turn.
func (w *world) disturb(ctx context.Context, turn, users int) (what string, err error) {
	switch turn % 3 {
	case 0:
		return "Prosody restarts", w.xmpp.Restart(ctx)
	case 1:
		w.irc.Kill()
		return "ngircd restarts", w.irc.Start(ctx)
	default:
		for i := range users {
			w.icq.Disconnect(uin(i), oscarmock.DisconnectClose)
		}
		return "all ICQ sessions are cut", nil
	}
}

// problems returns unexpected lines of the gateway's log, and its end.
func (w *world) problems() (all []string) {
	select {
	case <-w.gateway.Done():
		all = append(all, "the gateway has ended")
	default:
	}
	data, err := os.ReadFile(filepath.Join(w.dir, "gateway.log"))
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

func (w *world) close() error {
	var errs []error
	if w.admin != nil {
		w.admin.Kill()
	}
	if w.gateway != nil {
		errs = append(errs, w.gateway.Terminate(20*time.Second))
	}
	w.icq.Close()
	if w.irc != nil {
		errs = append(errs, w.irc.Close())
	}
	if w.xmpp != nil {
		errs = append(errs, w.xmpp.Close())
	}
	return errors.Join(errs...)
}

func localpart(i int) string { return fmt.Sprint("u", i) }
func uin(i int) string       { return fmt.Sprint(100000 + i) }
