package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"transport/component/element"
)

// longEnough is the deadline for an expected event.
const longEnough = 3 * time.Minute

// eachServer runs a test against each server, with a time limit.
func eachServer(t *testing.T, o Options, test func(t *testing.T, ctx context.Context, s *Server)) {
	t.Helper()
	if testing.Short() {
		t.Skip("real servers are not short")
	}
	for name, start := range map[string]func(context.Context, Options) (*Server, error){"prosody": Prosody, "ejabberd": Ejabberd} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), longEnough)
			defer cancel()
			s, err := start(ctx, o)
			if errors.Is(err, ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
					t.Errorf("the server's folder is left: %v", err)
				}
			})
			test(t, ctx, s)
		})
	}
}

func dial(t *testing.T, ctx context.Context, s *Server, jid string) *Client {
	t.Helper()
	c, err := Dial(ctx, s.Client, jid, "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

func isMessage(id string) func(*element.Element) bool {
	return func(e *element.Element) bool { return e.Name == "message" && e.Attr("id") == id }
}

func TestClient(t *testing.T) {
	o := Options{Domain: "x.example", Users: map[string]string{"ann": "secret", "o-neil_2": "secret"}}
	eachServer(t, o, func(t *testing.T, ctx context.Context, s *Server) {
		if _, err := Dial(ctx, s.Client, "ann@x.example", "wrong"); err == nil {
			t.Error("signed on with a wrong password")
		}
		ann, ben := dial(t, ctx, s, "ann@x.example/desk"), dial(t, ctx, s, "o-neil_2@x.example/pocket")
		if ann.JID.String() != "ann@x.example/desk" {
			t.Errorf("signed on as %s", ann.JID)
		}
		if err := ann.SendXML(ctx, "<message to='"+ben.JID.String()+"' id='m1'><body>1 &lt; 2 \U0001F600</body></message>"); err != nil {
			t.Fatal(err)
		}
		m, err := ben.Expect(ctx, "a message", isMessage("m1"))
		if err != nil || m.ChildText(NSClient, "body") != "1 < 2 \U0001F600" || m.Attr("from") != ann.JID.String() {
			t.Errorf("got %v, %v", m, err)
		}

		// A client answers pings and disco#info.
		ben.SetFeatures("urn:example:a")
		if _, err := ann.IQXML(ctx, "get", ben.JID.String(), "<ping xmlns='urn:xmpp:ping'/>"); err != nil {
			t.Error(err)
		}
		info, err := ann.IQXML(ctx, "get", ben.JID.String(), "<query xmlns='http://jabber.org/protocol/disco#info'/>")
		if err != nil || !strings.Contains(info.String(), "urn:example:a") {
			t.Errorf("got %v, %v", info, err)
		}
		var refused *IQError
		if _, err := ann.IQXML(ctx, "get", ben.JID.String(), "<query xmlns='urn:example:b'/>"); !errors.As(err, &refused) {
			t.Errorf("an unknown request: %v", err)
		}
		if _, err := ann.IQXML(ctx, "get", "nobody@x.example/none", "<ping xmlns='urn:xmpp:ping'/>"); !errors.As(err, &refused) {
			t.Errorf("a JID that does not exist: %v", err)
		}

		// The error of Expect lists the received stanzas.
		if err := ann.SendXML(ctx, "<message to='"+ben.JID.String()+"' id='m2'/>"); err != nil {
			t.Fatal(err)
		}
		if _, err := ben.Expect(ctx, "the second", isMessage("m2")); err != nil {
			t.Error(err)
		}
		if err := ann.SendXML(ctx, "<message to='"+ben.JID.String()+"' id='m3'/>"); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if _, err := ben.Expect(soon, "a wonder", isMessage("m4")); !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), "a wonder") || !strings.Contains(err.Error(), "m3") {
			t.Errorf("error is %v", err)
		}
		if err := ben.Close(); err != nil {
			t.Error(err)
		}
		if _, err := ben.Expect(ctx, "anything", isMessage("m4")); err == nil || ctx.Err() != nil {
			t.Errorf("a closed client's error is %v", err)
		}
	})
}

// A server keeps its data and its ports after Stop and Kill.
func TestServerComesBack(t *testing.T) {
	eachServer(t, Options{Users: map[string]string{"ann": "secret"}, TLS: true}, func(t *testing.T, ctx context.Context, s *Server) {
		c := dial(t, ctx, s, "ann@localhost")
		if _, err := c.IQXML(ctx, "set", "", "<query xmlns='jabber:iq:roster'><item jid='ben@localhost' name='Ben'/></query>"); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		again := dial(t, ctx, s, "ann@localhost")
		roster, err := again.IQXML(ctx, "get", "", "<query xmlns='jabber:iq:roster'/>")
		if err != nil || !strings.Contains(roster.String(), "Ben") {
			t.Errorf("the roster is %v, %v", roster, err)
		}
		s.Kill()
		if _, err := again.Expect(ctx, "the end", isMessage("")); err == nil || ctx.Err() != nil {
			t.Errorf("a killed server's client: %v", err)
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		dial(t, ctx, s, "ann@localhost")
	})
}

// Browsers reach Prosody over HTTPS on its own address, with a certificate that its
// authority has signed.
func TestWeb(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), longEnough)
	defer cancel()
	s, err := Prosody(ctx, Options{Domain: "x.example", Host: "127.77.0.1", Users: map[string]string{"ann": "secret"}, TLS: true, Uploads: true, Web: true})
	if errors.Is(err, ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	authority, err := os.ReadFile(s.Authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	var dialer net.Dialer
	browser := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", s.Web) },
	}}
	for _, path := range []string{"/http-bind", "/xmpp-websocket"} {
		answer, err := browser.Get("https://x.example" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", path, answer.Status)
		}
	}
	ann := dial(t, ctx, s, "ann@x.example")
	slot, err := ann.IQXML(ctx, "get", "upload.x.example", "<request xmlns='urn:xmpp:http:upload:0' filename='a.png' size='9'/>")
	if _, port, _ := net.SplitHostPort(s.Web); err != nil || !strings.Contains(slot.String(), "https://x.example:"+port+"/") {
		t.Errorf("a place for a file is %v, %v", slot, err)
	}
}

// A requested port in use is an error.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	if _, err := choosePort(n); err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("error is %v", err)
	}
}

func TestMissing(t *testing.T) {
	if _, err := find("no-such-server", "do this"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "do this") {
		t.Errorf("error is %v", err)
	}
}

// broken is a server whose configuration is not valid.
type broken struct {
	server
	dir *string // receives the server's folder
}

func (b broken) prepare(dir string, o Options) error {
	*b.dir = dir
	return errors.Join(b.server.prepare(dir, o), spoil(dir))
}

// spoil overwrites the configuration in a server's folder.
func spoil(dir string) error {
	for _, file := range []string{"/prosody.cfg.lua", "/ejabberd.yml"} {
		if _, err := os.Stat(dir + file); err == nil {
			if err := os.WriteFile(dir+file, []byte("]]"), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// The error of a server that cannot start contains the reason, and no process and no files
// are left.
func TestBrokenConfiguration(t *testing.T) {
	eachServer(t, Options{}, func(t *testing.T, ctx context.Context, s *Server) {
		check := func(err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), "did not start") || ctx.Err() != nil {
				t.Errorf("error is %v", err)
			}
		}
		var dir string
		_, err := try(ctx, broken{s.program, &dir}, Options{Domain: "localhost"})
		check(err)
		if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
			t.Errorf("the folder %q is left: %v", dir, err)
		}

		if err := errors.Join(s.Stop(), spoil(s.dir)); err != nil {
			t.Fatal(err)
		}
		check(s.Start(ctx))
		select {
		case <-s.Done():
		default:
			t.Error("its process still runs")
		}
	})
}

func TestLuaQuote(t *testing.T) {
	for in, want := range map[string]string{
		"plain": `"plain"`, `a"b\c`: `"a\034b\092c"`, "ü\n": `"\195\188\010"`,
	} {
		if got := luaQuote(in); got != want {
			t.Errorf("luaQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

// Signals reach only the server's process; a signal to an ended process is an error.
func TestSignal(t *testing.T) {
	eachServer(t, Options{}, func(t *testing.T, _ context.Context, s *Server) {
		if err := s.process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if code := s.process.Wait(); code != -1 {
			t.Errorf("exit code %d", code)
		}
		if err := s.process.Signal(syscall.SIGTERM); err == nil {
			t.Error("a process that has ended took a signal")
		}
	})
}
