package component_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// uploads plays the HTTP side of an upload service.
type uploads struct {
	mu     sync.Mutex
	dialed []string
	got    *http.Request
	body   string
	done   sync.WaitGroup
}

func (p *uploads) config(cfg *component.Config) {
	cfg.MaxFile = 1000
	cfg.Policy.Allow = []string{"*"}
	link := cfg.Dial
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == cfg.Server {
			return link(ctx, network, addr)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dialed = append(p.dialed, addr)
		ours, theirs := net.Pipe()
		p.done.Go(func() { p.serve(theirs) })
		return ours, nil
	}
}

func (p *uploads) serve(c net.Conn) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.got, p.body = r, string(body)
	p.mu.Unlock()
	_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
}

func (p *uploads) addresses() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.dialed, " ")
}

// stored is what StoreFile returned.
type stored struct {
	link string
	err  error
}

// store has a session store a file, as its adapter would.
func store(h *legacytest.Handle, name, content string) <-chan stored {
	result := make(chan stored, 1)
	h.Do(func(env legacy.Env) {
		go func() {
			link, err := env.StoreFile(context.Background(), legacy.File{Name: name, Size: int64(len(content))}, strings.NewReader(content))
			result <- stored{link, err}
		}()
	})
	return result
}

// reply answers an IQ of the component's.
func (w *world) reply(iq *element.Element, typ, payload string) {
	w.t.Helper()
	w.Send("<iq type='" + typ + "' id='" + iq.Attr("id") + "' from='" + iq.Attr("to") + "' to='" + gw + "'>" + payload + "</iq>")
}

const (
	slotOf = "<slot xmlns='urn:xmpp:http:upload:0'><put url='PUT'><header name='Authorization'>Basic\n abc</header>" +
		"<header name='Host'>evil.example</header></put><get url='GET'/></slot>"
	uploadInfo = "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:http:upload:0'/><x xmlns='jabber:x:data' type='result'>" +
		"<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field><field var='max-file-size'><value>LIMIT</value></field></x></query>"
)

// discover plays a server that has an upload service.
func (w *world) discover(server, limit string) {
	w.t.Helper()
	items := w.Expect("<iq type='get' from='" + gw + "' to='" + server + "'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
	w.reply(items, "result", "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='"+gw+"'/><item jid='rooms."+server+"'/><item jid='upload."+server+"'/></query>")
	for _, at := range []string{server, "rooms." + server} {
		iq := w.Expect("<iq type='get' to='" + at + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
		w.reply(iq, "error", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
	}
	iq := w.Expect("<iq type='get' to='upload." + server + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
	w.reply(iq, "result", strings.Replace(uploadInfo, "LIMIT", limit, 1))
}

func slot(put, get string) string {
	return strings.NewReplacer("PUT", put, "GET", get).Replace(slotOf)
}

// A file goes to where the user's server wants it. (XEP-0363 §4, §5)
func TestUpload(t *testing.T) {
	var place uploads
	stage(t, setup{users: []string{alice}, config: place.config}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		result := store(h, "../a b.png", "content")
		w.discover("example.org", "100")
		ask := w.Expect("<iq type='get' from='" + gw + "' to='upload.example.org'><request xmlns='urn:xmpp:http:upload:0' filename='a b.png' size='7' content-type='image/png'/></iq>")
		// Nobody else can answer.
		w.Send("<iq type='result' id='" + ask.Attr("id") + "' from='mallory@example.org/x' to='" + gw + "'>" + slot("http://evil.example/", "http://evil.example/") + "</iq>")
		w.reply(ask, "result", slot("http://upload.example.org/p?x=1&amp;y=2", "https://files.example.org/g"))
		if got := <-result; got.err != nil || got.link != "https://files.example.org/g" {
			t.Errorf("%+v", got)
		}
		place.done.Wait()
		r := place.got
		if r == nil {
			t.Fatal("nothing was put")
		}
		if r.Method != "PUT" || r.RequestURI != "/p?x=1&y=2" || r.Host != "upload.example.org" || place.body != "content" || r.ContentLength != 7 ||
			r.Header.Get("Authorization") != "Basic abc" || r.Header.Get("Content-Type") != "image/png" || place.addresses() != "upload.example.org:80" {
			t.Errorf("%s %s to %s at %s, %d bytes %q, %v", r.Method, r.RequestURI, r.Host, place.addresses(), r.ContentLength, place.body, r.Header)
		}
		w.settle()
	})
}

// What a server can say against it, and what the user hears.
func TestUploadRefused(t *testing.T) {
	refusal := func(condition, more string) string {
		return "<error type='cancel'><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + more + "</error>"
	}
	for _, tt := range []struct {
		name, limit, typ, answer string
		kind                     legacy.Kind
		text                     string
	}{
		{"limit", "6", "", "", legacy.TooLong, "larger than 6 bytes"},
		{"too large", "0", "error", refusal("not-acceptable", "<file-too-large xmlns='urn:xmpp:http:upload:0'/>"), legacy.TooLong, "of that size"},
		{"quota", "", "error", refusal("resource-constraint", ""), legacy.RateLimited, "accept more files"},
		{"forbidden", "x", "error", refusal("forbidden", ""), legacy.Forbidden, "does not accept files"},
		{"no slot", "10", "result", "", legacy.Temporary, "invalid upload address"},
		{"no link", "10", "result", slot("http://upload.example.org/", "javascript:alert(1)"), legacy.Temporary, "invalid upload address"},
		{"no place", "10", "result", slot("file:///etc/passwd", "http://upload.example.org/"), legacy.Temporary, "invalid upload address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var place uploads
			stage(t, setup{users: []string{alice}, config: place.config}, func(t *testing.T, w *world) {
				h := w.signOn(phone)
				result := store(h, "x", "content")
				w.discover("example.org", tt.limit)
				if tt.typ != "" {
					w.reply(w.Expect("<iq to='upload.example.org'><request xmlns='urn:xmpp:http:upload:0'/></iq>"), tt.typ, tt.answer)
				}
				got := <-result
				if got.link != "" || legacy.KindOf(got.err) != tt.kind || !strings.Contains(got.err.Error(), tt.text) {
					t.Errorf("%+v", got)
				}
				if at := place.addresses(); at != "" {
					t.Errorf("connected to %s", at)
				}
			})
		})
	}
}

// A server that is not the gateway's own cannot have it connect to what is not
// public.
func TestUploadOfStrangers(t *testing.T) {
	const eve = "eve@other.example"
	for _, to := range []string{"http://upload.other.example/", "https://127.0.0.1/", "https://[::1]:5347/", "https://10.0.0.1/"} {
		t.Run(to, func(t *testing.T) {
			var place uploads
			stage(t, setup{users: []string{eve}, config: place.config}, func(t *testing.T, w *world) {
				h := w.signOn(eve + "/x")
				result := store(h, "x", "content")
				w.discover("other.example", "100")
				w.reply(w.Expect("<iq to='upload.other.example'><request xmlns='urn:xmpp:http:upload:0'/></iq>"), "result", slot(to, "https://x.example/"))
				if got := <-result; got.link != "" || legacy.KindOf(got.err) != legacy.Temporary || place.addresses() != "" {
					t.Errorf("%+v, connected to %q", got, place.addresses())
				}
			})
		})
	}
}

// A server that has no such service, and one that says nothing.
func TestUploadNowhere(t *testing.T) {
	var place uploads
	stage(t, setup{users: []string{alice}, config: place.config}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		result := store(h, "x", "content")
		w.reply(w.Expect("<iq to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"), "result", "<query xmlns='http://jabber.org/protocol/disco#items'/>")
		w.reply(w.Expect("<iq to='example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"), "result", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
		if got := <-result; legacy.KindOf(got.err) != legacy.Unsupported || !strings.Contains(got.err.Error(), "Neither this gateway nor your XMPP server") {
			t.Errorf("%+v", got)
		}
		result = store(h, "x", "content")
		w.Expect("<iq to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
		if got := <-result; legacy.KindOf(got.err) != legacy.Temporary || !strings.Contains(got.err.Error(), "does not answer") {
			t.Errorf("%+v", got)
		}
	})
}

// An adapter of a gateway that takes no files has nothing to store them with.
func TestNoFiles(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		h.Do(func(env legacy.Env) {
			if env.MaxFile != 0 || env.StoreFile != nil {
				t.Error(errors.New("files can be stored"))
			}
		})
		w.settle()
	})
}
