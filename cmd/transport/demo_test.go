package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// demoOutput collects what the demo prints, and lets a test wait for it.
type demoOutput struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newDemoOutput() *demoOutput { return &demoOutput{changed: make(chan struct{}, 1)} }

func (o *demoOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *demoOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *demoOutput) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.changed:
		case <-late:
			t.Fatalf("the demo does not print %q but\n%s", text, o.String())
		}
	}
}

// needProsody skips the test, or fails it, if Prosody is missing. It gives the test its own
// folder for temporary files, and checks that the folder is empty at the end.
func needProsody(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real servers are not short")
	}
	s, err := lab.Prosody(t.Context(), lab.Options{})
	if errors.Is(err, lab.ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	})
}

// The demo plays the whole story, and leaves no files behind.
func TestDemo(t *testing.T) {
	needProsody(t)
	began := time.Now()
	code, out, errs := runCLI(t, "demo")
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, stderr %q, stdout\n%s", code, errs, out)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it takes %v", took)
	}
	requireMatches(t, out,
		`icq\.localhost: a gateway to ICQ`,
		`wrong password: "ICQ does not accept the password`,
		`Bob comes online`,
		`\d\d:\d\d:\d\d  Alice  Hello\n  \d\d:\d\d:\d\d    Bob  Hello!`,
		`Grüße, かな, 😀`,
		`1 < 2 & <b>this</b>`,
		`Bob is away`, `Bob is back`,
		`unsubscribe from her`,
		`(?m)^The demo succeeded in .*: \d+ steps, \d+ messages`)
	if strings.Contains(out, "\x1b") {
		t.Error("colours for something that is no terminal")
	}
}

// With --keep the servers keep running, and a client can log in with the printed data.
func TestDemoKeep(t *testing.T) {
	needProsody(t)
	ctx, stop := context.WithCancel(t.Context())
	out, code, ended := newDemoOutput(), 0, make(chan struct{})
	go func() {
		defer close(ended)
		code = dispatch(ctx, []string{"demo", "--keep"}, stdio{out, out})
	}()
	t.Cleanup(func() {
		stop()
		await(t, "the demo's end", ended)
	})
	out.await(t, "Ctrl-C")
	field := func(name string) string {
		_, invitation, _ := strings.Cut(out.String(), "Your turn")
		m := regexp.MustCompile(`(?m)^ +` + regexp.QuoteMeta(name) + ` +(.+)$`).FindStringSubmatch(invitation)
		if m == nil {
			t.Fatalf("no %q in\n%s", name, out.String())
		}
		return m[1]
	}
	var host, port string
	if _, err := fmt.Sscanf(field("Server"), "%s port %s", &host, &port); err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSuffix(host, ",") + ":" + port
	bob, _, _ := strings.Cut(field("Bob"), " ")

	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := lab.Dial(limit, addr, field("Address (JID)"), field("Password"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	gateway := field("Gateway")
	iq := func(typ, to, payload string) {
		t.Helper()
		if _, err := c.IQXML(limit, typ, to, payload); err != nil {
			t.Fatal(err)
		}
	}
	send := func(stanza string) {
		t.Helper()
		if err := c.SendXML(limit, stanza); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(name, from, typ string) *element.Element {
		t.Helper()
		e, err := c.Expect(limit, name+" "+typ+" from "+from, func(e *element.Element) bool {
			return e.Name == name && lab.From(e, from) && e.Attr("type") == typ
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	iq("get", "", "<query xmlns='jabber:iq:roster'/>")
	send("<presence/>")
	iq("set", gateway, "<query xmlns='jabber:iq:register'><username>"+field("ICQ number")+"</username><password>"+field("ICQ password")+"</password></query>")
	for _, jid := range []string{gateway, bob} {
		if jid == bob {
			send("<presence to='" + jid + "' type='subscribe'/>")
			expect("presence", jid, "subscribed")
		}
		expect("presence", jid, "subscribe")
		send("<presence to='" + jid + "' type='subscribed'/>")
		if jid == gateway {
			send("<presence to='" + jid + "' type='subscribe'/>")
		}
		expect("presence", jid, "")
	}
	send("<message to='" + bob + "' type='chat' id='m1'><body>ping</body></message>")
	if got := expect("message", bob, "chat").ChildText(lab.NSClient, "body"); got != "pong" {
		t.Errorf("bob answers %q", got)
	}
	stop()
	await(t, "the demo's end", ended)
	if code != exitOK {
		t.Errorf("code %d:\n%s", code, out.String())
	}
	if !strings.Contains(out.String(), "All servers are stopped") {
		t.Errorf("it ends with\n%s", out.String())
	}
}

// An interrupted demo stops its servers, at each stage.
func TestDemoInterrupted(t *testing.T) {
	for _, at := range []string{"The servers", "serves alice", "looks for gateways", "They talk"} {
		t.Run(at, func(t *testing.T) {
			needProsody(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out, errs, code := newDemoOutput(), newDemoOutput(), make(chan int, 1)
			go func() { code <- dispatch(ctx, []string{"demo"}, stdio{out, errs}) }()
			out.await(t, at)
			stop()
			got := await(t, "the demo's end", code)
			if strings.Contains(out.String(), "The demo succeeded") {
				return // it was faster
			}
			if got != exitFailure || !strings.Contains(errs.String(), "interrupted") {
				t.Errorf("code %d, stderr %q", got, errs.String())
			}
		})
	}
}
