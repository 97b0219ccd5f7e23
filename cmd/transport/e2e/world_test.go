package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
)

// The end-to-end tests run the program itself with real XMPP servers, the mock network, and
// the XMPP clients of package lab.

const (
	longEnough  = 20 * time.Second // for what must happen
	aliceJID    = "alice@localhost"
	xmppSecret  = "e2e-component-secret"
	xmppPass    = "e2e-xmpp-password"
	icqDomain   = "icq.localhost"
	aimDomain   = "aim.localhost"
	bobICQ      = demo.BobUIN + "@" + icqDomain
	networkPass = "e2e-icq-password"
)

// xmppServers are the XMPP servers of the tests.
var xmppServers = map[string]func(context.Context, lab.Options) (*lab.Server, error){
	"prosody":  lab.Prosody,
	"ejabberd": lab.Ejabberd,
}

// eachServer runs a test with each server. If a server is missing, the test is skipped, or
// fails if TRANSPORT_E2E is "require", as in "make test".
func eachServer(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	eachServerWith(t, lab.Options{}, test)
}

// eachServerWith is eachServer with other options.
func eachServerWith(t *testing.T, o lab.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	for name, start := range xmppServers {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, name, start, o)) })
	}
}

// world are the servers and files of a test.
type world struct {
	t       *testing.T
	name    string // of the XMPP server
	server  *lab.Server
	mock    *oscarmock.Network
	bob     *oscarmock.Bot
	dir     string
	files   string // the address that files are served on, "" for none
	private bool   // files are fetched from loopback
	linger  time.Duration
	extra   string // lines of [[network]] for ICQ
	second  string // the second [[network]], "" for AIM
	secret  string // of ICQ's component, as the gateway has it
	via     string // where the gateway reaches the XMPP server

	icqServer string // where the gateway signs people on to ICQ, "" for the mock
	password  string // of people's accounts there
	process   *lab.Process
	logFile   string
}

func newWorld(t *testing.T, name string, start func(context.Context, lab.Options) (*lab.Server, error), o lab.Options) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o.Users = map[string]string{"alice": xmppPass, "carol": xmppPass}
	o.Components = map[string]string{icqDomain: xmppSecret, aimDomain: xmppSecret}
	w := &world{t: t, name: name, dir: t.TempDir(), secret: xmppSecret, password: networkPass}
	var err error
	w.server, err = start(ctx, o)
	if errors.Is(err, lab.ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.via = w.server.Component
	w.logFile = filepath.Join(w.dir, "gateway.log")
	t.Cleanup(func() {
		if w.process != nil {
			w.process.Kill()
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", tail(w.log(), 60))
			t.Logf("the log of %s:\n%s", name, tail(w.server.Log(), 30))
		}
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.mock = oscarmock.New(oscarmock.Options{})
	t.Cleanup(w.mock.Close)
	w.mock.AddAccount(oscarmock.Account{Name: demo.AliceUIN, Password: networkPass, Nick: "Alice"})
	w.mock.AddAccount(oscarmock.Account{Name: "1003", Password: networkPass, Nick: "Carol"})
	w.mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: networkPass})
	w.bob = w.mock.Bot(demo.BobUIN, oscarmock.BotOptions{Nick: "Bob", AddBack: true})
	if err := w.mock.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return w
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// builtProgram builds the program, once for all tests.
var builtProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "transport-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "transport")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programBuilt {
		if path, err := builtProgram(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// programBuilt: a test has built the program.
var programBuilt bool

// config writes the configuration and returns its path.
func (w *world) config() string {
	w.t.Helper()
	path := filepath.Join(w.dir, "transport.toml")
	second := w.second
	if second == "" {
		second = fmt.Sprintf("driver = \"oscar\"\ndomain = %q\nsecret = %q\n[network.options]\nflavor = \"aim\"\nserver = %q\n", aimDomain, xmppSecret, w.mock.Addr())
	}
	icq := w.icqServer
	if icq == "" {
		icq = w.mock.Addr()
	}
	files, private := "", ""
	if w.files != "" {
		files = fmt.Sprintf("[files]\nlisten = %q\nurl = %q\nmax_size = 1_500_000\nsender_day = 3_000_000\n", w.files, "http://"+w.files+"/files/")
	}
	if w.private {
		private = "allow_private_files = true"
	}
	text := fmt.Sprintf(`
[log]
level = "debug"
format = "json"
[server]
address = %q
linger = %q
%s
[[network]]
driver = "oscar"
domain = %q
secret = %q
%s
[network.options]
server = %q
%s
[[network]]
%s
`, w.via, w.linger.String(), files, icqDomain, w.secret, w.extra, icq, private, second)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// start runs the program.
func (w *world) start() {
	w.t.Helper()
	programBuilt = true
	path, err := builtProgram()
	if err != nil {
		w.t.Fatal(err)
	}
	log, err := os.OpenFile(w.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(path, "run", "--config", w.config())
	cmd.Stdout, cmd.Stderr = log, log
	if w.process, err = lab.Start(cmd); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) log() string {
	data, err := os.ReadFile(w.logFile)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// waitLog waits until the log contains a text that many times.
func (w *world) waitLog(text string, times int) {
	w.t.Helper()
	w.wait(fmt.Sprintf("%q in the log", text), func() bool { return strings.Count(w.log(), text) >= times })
}

// wait waits until a condition holds.
func (w *world) wait(what string, so func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(longEnough)
	for !so() {
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// person is a user with an XMPP client.
type person struct {
	*lab.Client
	w *world
}

// login logs a user in like a client: roster, then presence.
func (w *world) login(jid string) *person {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longEnough)
	defer cancel()
	c, err := lab.Dial(ctx, w.server.Client, jid, xmppPass)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Kill() })
	p := &person{c, w}
	p.iq("get", "", "<query xmlns='jabber:iq:roster'/>")
	p.send("<presence/>")
	return p
}

func (p *person) send(stanza string) {
	p.w.t.Helper()
	ctx, cancel := context.WithTimeout(p.w.t.Context(), longEnough)
	defer cancel()
	if err := p.SendXML(ctx, stanza); err != nil {
		p.w.t.Fatal(err)
	}
}

// ask sends an IQ and returns the result or the error.
func (p *person) ask(typ, to, payload string) *element.Element {
	p.w.t.Helper()
	ctx, cancel := context.WithTimeout(p.w.t.Context(), longEnough+10*time.Second)
	defer cancel()
	reply, err := p.IQXML(ctx, typ, to, payload)
	var refused *lab.IQError
	if err != nil && !errors.As(err, &refused) {
		p.w.t.Fatal(err)
	}
	return reply
}

// iq sends an IQ that must succeed.
func (p *person) iq(typ, to, payload string) *element.Element {
	p.w.t.Helper()
	reply := p.ask(typ, to, payload)
	if reply.Attr("type") != "result" {
		p.w.t.Fatalf("%s %s to %s: %s", typ, payload, to, reply)
	}
	return reply
}

// expect waits for a stanza.
func (p *person) expect(what string, fits func(*element.Element) bool) *element.Element {
	p.w.t.Helper()
	ctx, cancel := context.WithTimeout(p.w.t.Context(), longEnough)
	defer cancel()
	e, err := p.Expect(ctx, what, fits)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return e
}

// presence waits for a presence; typ "" and show "" mean available.
func (p *person) presence(from, typ, show string) *element.Element {
	p.w.t.Helper()
	return p.expect(fmt.Sprintf("presence %q %q from %s", typ, show, from), func(e *element.Element) bool {
		return e.Name == "presence" && lab.From(e, from) && e.Attr("type") == typ && e.ChildText(lab.NSClient, "show") == show
	})
}

// message waits for a message with a body.
func (p *person) message(from string) *element.Element {
	p.w.t.Helper()
	return p.expect("a message from "+from, func(e *element.Element) bool {
		return e.Name == "message" && lab.From(e, from) && e.Child(lab.NSClient, "body") != nil && e.Attr("type") != "error"
	})
}

// condition returns the condition of a stanza error.
func condition(e *element.Element) string {
	if x := e.Child(lab.NSClient, "error"); x != nil {
		for c := range x.Elements() {
			if c.Space == "urn:ietf:params:xml:ns:xmpp-stanzas" && c.Name != "text" {
				return c.Name
			}
		}
	}
	return ""
}

func registration(name, password string) string {
	return "<query xmlns='jabber:iq:register'><username>" + name + "</username><password>" + password + "</password></query>"
}

// register registers with a gateway and completes the subscription handshake.
func (p *person) register(domain, name string) {
	p.w.t.Helper()
	p.iq("set", domain, registration(name, p.w.password))
	asked := p.expect("a request of the gateway, or the gateway in the roster", func(e *element.Element) bool {
		q := e.Child("jabber:iq:roster", "query")
		return e.Name == "presence" && e.Attr("type") == "subscribe" && e.Attr("from") == domain ||
			q != nil && e.Attr("type") == "set" && q.First().Attr("jid") == domain && q.First().Attr("subscription") == "both"
	})
	if asked.Name == "iq" { // by the server's leave
		p.presence(domain, "", "")
		return
	}
	p.send("<presence to='" + domain + "' type='subscribed'/>")
	p.send("<presence to='" + domain + "' type='subscribe'/>")
	p.presence(domain, "", "")
}

// add adds a contact to the user's roster.
func (p *person) add(jid string) {
	p.w.t.Helper()
	p.send("<presence to='" + jid + "' type='subscribe'/>")
	p.presence(jid, "subscribed", "")
	p.presence(jid, "subscribe", "")
	p.send("<presence to='" + jid + "' type='subscribed'/>")
}

// say sends a chat message.
func (p *person) say(to, id, text string) {
	p.w.t.Helper()
	e := element.New(lab.NSClient, "message").Set("to", to).Set("type", "chat").Set("id", id).
		Add(element.New(lab.NSClient, "body").AddText(text))
	p.send(e.String())
}

// heard waits for a message that Bob receives.
func (w *world) heard() oscarmock.BotMessage {
	w.t.Helper()
	select {
	case m := <-w.bob.Messages():
		return m
	case <-time.After(longEnough):
		w.t.Fatal("bob gets no message")
		return oscarmock.BotMessage{}
	}
}

func (w *world) signedOn(name string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longEnough)
	defer cancel()
	if err := w.mock.WaitSignedOn(ctx, name); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) signedOff(name string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longEnough)
	defer cancel()
	if err := w.mock.WaitSignedOff(ctx, name); err != nil {
		w.t.Fatal(err)
	}
}
