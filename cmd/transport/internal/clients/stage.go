package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// Names and passwords of a laboratory that is thrown away.
const (
	domain       = "example.org"
	secret       = "clients-secret"
	userPassword = "alice-xmpp"
	aliceUIN     = "1001"
	icqPassword  = "alice-icq"
	bobUIN       = "1002"
	carlaUIN     = "1003"
	daveUIN      = "1004"
)

const stageLimit = 2 * time.Minute

// stage is everything that a client walks on.
type stage struct {
	dir     string // where the client's home is, too; nobody may enter it
	out     string // where its pictures go
	modules string // the folder of what comes from npm
	host    string // the loopback address that is example.org
	prosody *lab.Server
	ircd    *lab.IRC
	mock    *oscarmock.Network
	bob     *oscarmock.Bot
	others  *others // the people at the other end, and their address for the walks
	web     *http.Server
	gateway *lab.Process
	started []*lab.Process // of the client
	running sync.WaitGroup // the goroutines of the stage
}

// setStage makes a laboratory. clear must follow.
func setStage(ctx context.Context, work, out string, o options) (st *stage, err error) {
	ctx, cancel := context.WithTimeout(ctx, stageLimit)
	defer cancel()
	st = &stage{out: out, modules: o.modules}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.clear())
		}
	}()
	if st.dir, err = os.MkdirTemp(work, "stage-"); err != nil {
		return st, err
	}
	for _, dir := range []string{work, st.dir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return st, err
		}
	}
	if err := st.makeTemp(); err != nil {
		return st, err
	}
	// The usual ports are free at an address that nobody else has, and clients find
	// the server without SRV records then.
	st.host = fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(128), rand.IntN(256), 1+rand.IntN(254))
	if st.prosody, err = lab.Prosody(ctx, lab.Options{
		Domain: domain, Host: st.host, ClientPort: 5222, WebPort: 5281,
		Users:      map[string]string{"alice": userPassword, "erin": userPassword},
		Components: map[string]string{"icq." + domain: secret, "irc." + domain: secret},
		TLS:        true, Web: true, Uploads: true, Privileged: true, Debug: true,
	}); err != nil {
		return st, err
	}
	if st.ircd, err = lab.Ngircd(ctx); err != nil {
		return st, err
	}
	if err := st.startICQ(); err != nil {
		return st, err
	}
	if st.gateway, err = st.startGateway(o.program); err != nil {
		return st, err
	}
	if st.others, err = newOthers(st); err != nil {
		return st, err
	}
	return st, st.waitGateway(ctx)
}

// temp is the folder for the temporary files of the clients. It is removed with the stage.
func (st *stage) temp() string { return filepath.Join(st.dir, "tmp") }

func (st *stage) makeTemp() error {
	if err := os.Mkdir(st.temp(), 0o777); err != nil {
		return err
	}
	return os.Chmod(st.temp(), 0o777|os.ModeSticky) // the user nobody writes there
}

// startICQ makes the network on which Alice has an account with a list: Bob, whose nick
// the network knows, Carla, who is called so on the list alone, and Dave, who is offline.
func (st *stage) startICQ() error {
	st.mock = oscarmock.New(oscarmock.Options{MOTD: "This is a mock network."})
	st.mock.AddAccount(oscarmock.Account{Name: aliceUIN, Password: icqPassword, Nick: "Alice"})
	st.bob = st.mock.Bot(bobUIN, oscarmock.BotOptions{Nick: "Bob", AddBack: true})
	carla := st.mock.Bot(carlaUIN, oscarmock.BotOptions{AddBack: true})
	st.mock.Bot(daveUIN, oscarmock.BotOptions{Nick: "Dave"})
	buddy := func(name string, id uint16, alias string) oscarwire.FeedbagItem {
		item := oscarwire.FeedbagItem{Name: name, GroupID: 7, ItemID: id, Class: oscarwire.FeedbagBuddy}
		if alias != "" {
			item.TLVs = oscarwire.TLVs{{Tag: oscarwire.TagFeedbagAlias, Value: []byte(alias)}}
		}
		return item
	}
	st.mock.EditFeedbag(aliceUIN, oscarwire.FeedbagInsert,
		oscarwire.FeedbagItem{Class: oscarwire.FeedbagGroup},
		oscarwire.FeedbagItem{Name: "Friends", GroupID: 7, Class: oscarwire.FeedbagGroup},
		buddy(bobUIN, 71, ""), buddy(carlaUIN, 72, "Carla"), buddy(daveUIN, 73, ""))
	for _, bot := range []*oscarmock.Bot{st.bob, carla} {
		bot.Add(aliceUIN)
		bot.SignOn()
	}
	carla.SetStatus(oscarwire.ModeAway.Status(), "having lunch", "")
	return st.mock.Listen("127.0.0.1:0")
}

// build builds the gateway of this tree.
func build(ctx context.Context, work string) (string, error) {
	path := filepath.Join(work, "transport")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "transport/cmd/transport").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return path, nil
}

func (st *stage) startGateway(program string) (*lab.Process, error) {
	config := filepath.Join(st.dir, "transport.toml")
	text := fmt.Sprintf(`
[log]
level = "debug"
[server]
address = %[1]q
[[network]]
driver = "oscar"
domain = "icq.%[2]s"
secret = %[3]q
admins = ["admin@%[2]s"]
[network.options]
server = %[4]q
[[network]]
driver = "irc"
domain = "irc.%[2]s"
secret = %[3]q
admins = ["admin@%[2]s"]
[network.options]
server = %[5]q
tls = false
`, st.prosody.Component, domain, secret, st.mock.Addr(), st.ircd.Addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "run", "--config", config)
	return st.logged(cmd, "gateway.log")
}

// logged starts a command whose output goes to a file beside the pictures.
func (st *stage) logged(cmd *exec.Cmd, name string) (*lab.Process, error) {
	log, err := os.OpenFile(filepath.Join(st.out, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return lab.Start(cmd)
}

// background starts a command that serves the client, until the stage is cleared.
func (st *stage) background(cmd *exec.Cmd, log string) error {
	p, err := st.logged(cmd, log)
	if err == nil {
		st.started = append(st.started, p)
	}
	return err
}

// waitGateway waits until both of the gateway's addresses answer.
func (st *stage) waitGateway(ctx context.Context) error {
	erin, err := lab.Dial(ctx, st.prosody.Client, "erin@"+domain+"/probe", userPassword)
	if err != nil {
		return err
	}
	defer erin.Close()
	for _, gateway := range []string{"icq." + domain, "irc." + domain} {
		for {
			_, err := erin.IQXML(ctx, "get", gateway, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
			var refused *lab.IQError
			if err == nil {
				break
			} else if !errors.As(err, &refused) {
				return err
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%s does not answer: %w", gateway, err)
			}
		}
	}
	return nil
}

// serve serves a web page at loopback until the stage is cleared, and returns its URL.
func (st *stage) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	st.web = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	st.running.Go(func() { _ = st.web.Serve(l) }) // it ends with the stage
	return "http://" + l.Addr().String() + "/", nil
}

// endLimit is how long a program, or a request to a server of the stage, may take to end.
const endLimit = 5 * time.Second

// end ends a program of the client, which removes its sockets and locks then, with its
// process group.
func end(p *lab.Process) {
	_ = p.Terminate(endLimit) // kills it if it is late
	p.Kill()                  // the rest of the group of a program that has ended itself
}

// shutdown ends a web server with its requests.
func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// clear ends everything, waits for the stage's goroutines, and keeps the server's log.
func (st *stage) clear() error {
	var errs []error
	for _, p := range slices.Backward(st.started) {
		end(p)
	}
	if st.web != nil {
		errs = append(errs, shutdown(st.web))
	}
	if st.others != nil {
		errs = append(errs, st.others.close())
	}
	if st.gateway != nil {
		errs = append(errs, st.gateway.Terminate(10*time.Second))
	}
	if st.ircd != nil {
		errs = append(errs, st.ircd.Close())
	}
	if st.mock != nil {
		st.mock.Close()
	}
	if st.prosody != nil {
		errs = append(errs, os.WriteFile(filepath.Join(st.out, "prosody.log"), []byte(st.prosody.Log()), 0o666), st.prosody.Close())
	}
	st.running.Wait()
	return errors.Join(append(errs, os.RemoveAll(st.dir))...)
}

// waitFor waits until something is so.
func waitFor(ctx context.Context, what string, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
	return nil
}
