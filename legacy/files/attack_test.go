//go:build unix

package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// online is a store that serves on loopback.
type online struct {
	*Store
	addr string
}

// goOnline runs a store until the test ends.
func goOnline(t *testing.T, o Options, change func(*limits)) online {
	t.Helper()
	o.limits = defaultLimits
	if change != nil {
		change(&o.limits)
	}
	s := open(t, o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return online{s, s.listener.Addr().String()}
}

// path stores a file and returns the path of its link.
func (on online) path(t *testing.T, name, content string) string {
	t.Helper()
	return strings.TrimPrefix(save(t, on.Store, name, content), "https://files.example.org")
}

// do sends a request.
func (on online) do(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+on.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// dial opens a raw connection. Reads fail after ten seconds.
func (on online) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", on.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // reads and writes return the error
	return c.(*net.TCPConn)
}

// raw sends bytes and returns the answer.
func (on online) raw(t *testing.T, request string) (status int, h http.Header, body string) {
	t.Helper()
	c := on.dial(t)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body) // the server may close early
	return answer.StatusCode, answer.Header, string(b)
}

// closed waits for the server to close a connection, and returns what it had sent.
func closed(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Error("the server keeps the connection")
	}
	return string(b)
}

// Range and conditional requests. (RFC 9110 §13, §14)
func TestConditionalRequests(t *testing.T) {
	on := goOnline(t, testOptions(t), nil)
	path := on.path(t, "r.bin", "0123456789")
	first := on.do(t, "GET", path)
	tag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	if tag == "" || strings.HasPrefix(tag, "W/") || modified == "" {
		t.Fatalf("ETag %q, Last-Modified %q", tag, modified)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(path, "/some/"), "/")
	if strings.Contains(tag, id) {
		t.Error("the ETag, which proxies log, is the secret of the link")
	}
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		content string
	}{
		{"the same entity", []string{"If-None-Match", tag}, 304, ""},
		{"one of several", []string{"If-None-Match", `"x", ` + tag}, 304, ""},
		{"another entity", []string{"If-None-Match", `"x"`}, 200, "0123456789"},
		{"not modified", []string{"If-Modified-Since", modified}, 304, ""},
		{"modified", []string{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}, 200, "0123456789"},
		{"If-None-Match before If-Modified-Since", []string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200, "0123456789"},
		{"precondition", []string{"If-Match", `"x"`}, 412, ""},
		{"range", []string{"Range", "bytes=2-4"}, 206, "234"},
		{"suffix", []string{"Range", "bytes=-3"}, 206, "789"},
		{"range of this entity", []string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{"range of another entity", []string{"Range", "bytes=2-4", "If-Range", `"x"`}, 200, "0123456789"},
		{"range since", []string{"Range", "bytes=2-4", "If-Range", modified}, 206, "234"},
		{"range behind the end", []string{"Range", "bytes=10-"}, 416, "*"},
		{"overlapping ranges", []string{"Range", "bytes=0-" + strings.Repeat(",0-", 1000)}, 200, "0123456789"},
		{"unknown unit", []string{"Range", "lines=1-2"}, 416, "*"},
	} {
		r := on.do(t, "GET", path, tt.headers...)
		if got := body(t, r); r.StatusCode != tt.status || tt.content != "*" && got != tt.content && tt.status != 412 {
			t.Errorf("%s: %s, %q", tt.name, r.Status, got)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: the headers are %v", tt.name, r.Header)
		}
	}
}

// Every answer, errors included, has the headers that make it harmless in a browser.
func TestHarmlessHeaders(t *testing.T) {
	on := goOnline(t, testOptions(t), nil)
	for _, path := range []string{on.path(t, "a.html", "<script>"), on.path(t, "a.png", "x"), "/none"} {
		r := on.do(t, "GET", path)
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "cross-origin", "X-Robots-Tag": "noindex",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", path, header, got)
			}
		}
		if kind := r.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
			t.Errorf("%s: %s", path, kind)
		}
	}
}

// Only GET and HEAD. (RFC 9110 §15.5.6)
func TestMethods(t *testing.T) {
	on := goOnline(t, testOptions(t), nil)
	path := on.path(t, "x.txt", "content")
	for _, line := range []string{"POST " + path, "PUT " + path, "DELETE " + path, "PATCH " + path, "PROPFIND /", "TRACE " + path,
		"OPTIONS " + path, "OPTIONS *", "CONNECT 127.0.0.1:22", "get " + path} {
		status, h, _ := on.raw(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if status != 405 || h.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow: %s", line, status, h.Get("Allow"))
		}
	}
	if r := on.do(t, "GET", path); body(t, r) != "content" {
		t.Error("the file has changed")
	}
}

// Paths as they are, without the corrections of a client.
func TestHostilePaths(t *testing.T) {
	o := testOptions(t)
	on := goOnline(t, o, nil)
	if err := os.WriteFile(filepath.Join(filepath.Dir(o.Dir), "secret"), []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "notes.txt"), []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(on.path(t, "x.txt", "SECRET"), "/some/"), "/")
	for _, path := range []string{
		"/../secret", "../secret", "/some/../../secret", "/%2e%2e/secret", "/..%2fsecret", `/..\secret`, "/%5c..%5csecret", "/..%c0%afsecret",
		"//secret", "/./notes.txt", "/notes.txt", "/", "/some", "/some/", "/some/.", "/" + id, "/" + id + "/", "/" + id + "/..", "/" + id + "/x.txt%00.png",
		"/" + id + "/X.TXT", "/" + id[:25] + "/x.txt", "/" + strings.Repeat("A", 26) + "/x.txt", "/" + strings.Repeat("A", 4000),
		"http://" + strings.Repeat("a", 200) + "/x", "/%zz", "/" + id + "/x.txt;a", "/" + id + "%2Fx.txt%2F",
	} {
		status, _, content := on.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if status != 404 && status != 400 || strings.Contains(content, "SECRET") || strings.Contains(content, id) {
			t.Errorf("%s: %d, %q", path, status, content)
		}
	}
}

// Symbolic links in the folder are neither followed nor taken for files, and nothing waits
// for the writer of a FIFO.
func TestSymbolicLinks(t *testing.T) {
	o := testOptions(t)
	on := goOnline(t, o, nil)
	secret := filepath.Join(filepath.Dir(o.Dir), "secret")
	if err := os.WriteFile(secret, []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := on.path(t, "other.txt", "SECRET")
	insideID, _, _ := strings.Cut(strings.TrimPrefix(inside, "/some/"), "/")
	for name, replace := range map[string]func(file string) error{
		"link out of the folder": func(file string) error { return os.Symlink(secret, file) },
		"link in the folder":     func(file string) error { return os.Symlink(insideID+"-other.txt", file) },
		"FIFO":                   mkfifo,
		"folder":                 func(file string) error { return os.Mkdir(file, 0o700) },
	} {
		path := on.path(t, "x.txt", "x")
		id, _, _ := strings.Cut(strings.TrimPrefix(path, "/some/"), "/")
		file := filepath.Join(o.Dir, id+"-x.txt")
		if err := errors.Join(os.Remove(file), replace(file)); err != nil {
			t.Fatal(err)
		}
		if r := on.do(t, "GET", path); r.StatusCode != 404 || strings.Contains(body(t, r), "SECRET") {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	again := o
	again.Listen = "127.0.0.1:0"
	next := open(t, again)
	if len(next.kept) != 1 {
		t.Errorf("the next process finds %d files", len(next.kept))
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "SECRET" {
		t.Errorf("%q, %v", data, err)
	}
}

// quick are limits that a test can wait for.
func quick(l *limits) {
	l.header, l.idle, l.stall = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
}

// Slowloris: connections that send slowly, send nothing or do not read are closed.
func TestSlowClients(t *testing.T) {
	o := testOptions(t)
	o.MaxSize, o.TotalSize = 64<<20, 128<<20
	on := goOnline(t, o, quick)
	small := on.path(t, "x.txt", "content")
	large, err := on.Save(t.Context(), fileOf("large.bin", 64<<20), zeros{})
	if err != nil {
		t.Fatal(err)
	}
	large = strings.TrimPrefix(large, "https://files.example.org")
	for _, tt := range []struct{ name, send, more string }{
		{"sends nothing", "", ""},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n"},
		{"a request line without end", "GET /", "a"},
		{"a body without end", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "a"},
		{"chunks without end", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"},
		{"idle after a request", "HEAD " + small + " HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := on.dial(t)
			if _, err := io.WriteString(c, tt.send); err != nil {
				t.Fatal(err)
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				if tt.more == "" {
					return
				}
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for range tick.C {
					if _, err := io.WriteString(c, tt.more); err != nil {
						return
					}
				}
			}()
			start := time.Now()
			closed(t, c)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("closed after %v", took)
			}
			c.Close()
			<-over
		})
	}
	t.Run("does not read", func(t *testing.T) {
		c := on.dial(t)
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", large); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // the answer has begun
			t.Fatal(err)
		}
		// The download's own deadline is hours away; the server gives up for lack of progress.
		await(t, "the server closes", func() bool { return on.open() == 0 })
		if got := closed(t, c); len(got) >= 64<<20 {
			t.Error("the whole file was sent")
		}
	})
	t.Run("reads steadily", func(t *testing.T) { // for longer than the limit of one buffer
		c := on.dial(t)
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", large); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		total, buf := 0, make([]byte, 1<<20)
		for {
			n, err := io.ReadFull(c, buf)
			if total += n; err != nil {
				break
			}
			<-tick.C
		}
		if total < 64<<20 {
			t.Errorf("received %d bytes", total)
		}
	})
}

// await waits until a condition holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); <-tick.C {
		if ok() {
			return
		}
	}
	t.Errorf("never: %s", what)
}

// open returns the number of the server's connections. Accept holds one more slot.
func (on online) open() int { return len(on.listener.places) - 1 }

// One address cannot take all connections. Addresses of reverse proxies can.
func TestConnectionsOfAnAddress(t *testing.T) {
	on := goOnline(t, testOptions(t), func(l *limits) {
		l.perAddr, l.trusted = 2, func(netip.Addr) bool { return false }
	})
	path := on.path(t, "x.txt", "content")
	held := []*net.TCPConn{on.dial(t), on.dial(t)}
	for _, c := range held { // the server has accepted them
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		if r, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || r.StatusCode != 200 {
			t.Fatal(err)
		}
	}
	if got := closed(t, on.dial(t)); got != "" {
		t.Errorf("one connection too many got %q", got)
	}
	held[0].Close()
	await(t, "the server closes", func() bool { return on.open() == 1 })
	if r := on.do(t, "GET", path); r.StatusCode != 200 {
		t.Error(r.Status)
	}

	trusting := goOnline(t, testOptions(t), func(l *limits) { l.perAddr = 1 })
	path = trusting.path(t, "x.txt", "content")
	trusting.dial(t)
	if r := trusting.do(t, "GET", path); r.StatusCode != 200 {
		t.Errorf("a proxy's second connection: %s", r.Status)
	}
}

func TestOrigin(t *testing.T) {
	l := newBoundedListener(nil, defaultLimits)
	for addr, want := range map[string]string{
		"127.0.0.1": "", "::1": "", "10.1.2.3": "", "192.168.0.1": "", "::ffff:10.0.0.1": "",
		"203.1.113.7": "203.1.113.7/32", "::ffff:203.1.113.7": "203.1.113.7/32", "2a00:1::1:2:3:4": "2a00:1::/64",
	} {
		got := ""
		if p := l.origin(fromAddr{addr: netip.MustParseAddr(addr)}); p.IsValid() {
			got = p.String()
		}
		if got != want {
			t.Errorf("%s counts for %q, want %q", addr, got, want)
		}
	}
}

// fromAddr is a connection of an address.
type fromAddr struct {
	net.Conn
	addr netip.Addr
}

func (f fromAddr) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.addr, 1))
}
