package files

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ask sends a request to a store's handler.
func ask(s *Store, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "http://gateway"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.serve(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The headers that a browser receives.
func TestServe(t *testing.T) {
	s := open(t, testOptions(t))
	for _, tt := range []struct{ name, kind, how string }{
		{"a.JPG", "image/jpeg", `inline; filename=a.JPG`},
		{"a.ogg", "audio/ogg", `inline; filename=a.ogg`},
		{"a.webm", "video/webm", `inline; filename=a.webm`},
		{"a.svg", anything, `attachment; filename=a.svg`},
		{"a.html", anything, `attachment; filename=a.html`},
		{"a.jpg.html", anything, `attachment; filename=a.jpg.html`},
		{"a", anything, `attachment; filename=a`},
		{"gr\u00fc\u00dfe; x=\"1\".txt", anything, `attachment; filename="gr__e; x=_1_.txt"; filename*=utf-8''gr%C3%BC%C3%9Fe%3B%20x%3D_1_.txt`},
	} {
		link := save(t, s, tt.name, "<script>")
		path := strings.TrimPrefix(link, "https://files.example.org")
		for _, path := range []string{path, strings.TrimPrefix(path, "/some")} { // a reverse proxy may remove the prefix
			r := ask(s, "GET", path)
			if r.StatusCode != 200 || body(t, r) != "<script>" {
				t.Errorf("%s: %s", path, r.Status)
			}
			for header, want := range map[string]string{
				"Content-Type": tt.kind, "Content-Disposition": tt.how, "X-Content-Type-Options": "nosniff",
				"Content-Security-Policy": "default-src 'none'; sandbox",
			} {
				if got := r.Header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", tt.name, header, got, want)
				}
			}
		}
	}
	path := strings.TrimPrefix(save(t, s, "r.bin", "0123456789"), "https://files.example.org")
	if r := ask(s, "HEAD", path); r.StatusCode != 200 || body(t, r) != "" || r.ContentLength != 10 {
		t.Errorf("HEAD: %s, %d bytes", r.Status, r.ContentLength)
	}
	if r := ask(s, "GET", path, "Range", "bytes=2-4"); r.StatusCode != 206 || body(t, r) != "234" {
		t.Errorf("Range: %s", r.Status)
	}
	if r := ask(s, "POST", path); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s", r.Status)
	}
}

// All other requests are rejected.
func TestServeNothingElse(t *testing.T) {
	o := testOptions(t)
	s := open(t, o)
	path := strings.TrimPrefix(save(t, s, "x.txt", "x"), "https://files.example.org/some/")
	id, _, _ := strings.Cut(path, "/")
	for _, path := range []string{
		"/", "/some", "/some/", "/" + id, "/" + id + "/", "/" + id + "/y.txt", "/" + id + "-x.txt", "/some/" + id + "-x.txt",
		"/" + id + "/x.txt/", "/" + id + "/../x.txt", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/" + id + "/x.txt%00", "//" + id + "/x.txt/..",
		"/" + strings.ToLower(id) + "/x.txt",
	} {
		if r := ask(s, "GET", path); r.StatusCode != 404 || strings.Contains(body(t, r), id) {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

// Run serves, and stops when its context ends, even with open connections.
func TestRun(t *testing.T) {
	o := testOptions(t)
	s := open(t, o)
	addr := s.listener.Addr().String()
	s.o.URL = "http://" + addr
	s.prefix = ""
	link := save(t, s, "x.txt", "content")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	client := http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	r, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, r); got != "content" || r.StatusCode != 200 {
		t.Errorf("%s, %q", r.Status, got)
	}
	r.Body.Close()
	big, err := http.NewRequest("GET", link, nil)
	if err != nil {
		t.Fatal(err)
	}
	big.Header.Set("X", strings.Repeat("x", 2*maxHeader))
	if r, err := client.Do(big); err == nil {
		if r.Body.Close(); r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("large headers: %s", r.Status)
		}
	}
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run does not end")
	}
}

// Connections above the limit wait, and closing a connection frees its slot.
func TestBoundedListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	bounds := defaultLimits
	bounds.conns = 1
	l := newBoundedListener(inner, bounds)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	defer dial().Close()
	defer dial().Close()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	first.Close() // frees one slot, not two
	second, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	l.Close()
	if _, err := l.Accept(); err == nil {
		t.Error("a connection too many")
	}
}
