package files

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"transport/legacy"
)

const (
	maxConns    = 256     // limit: HTTP connections of the file server | further ones wait in the kernel's queue
	maxPerAddr  = 16      // limit: HTTP connections of a public address or IPv6 /64 | further ones are closed
	maxHeader   = 8 << 10 // limit: bytes of the header of an HTTP request or answer | status 431
	headerLimit = 10 * time.Second
	slowest     = 8 << 10                // minimum rate of a client, bytes a second
	stopLimit   = 500 * time.Millisecond // for requests under way at shutdown
)

// limits are the limits of the HTTP server. Tests lower them.
type limits struct {
	conns   int           // simultaneous connections; further ones wait in the kernel's queue
	perAddr int           // simultaneous connections of an address; further ones are closed
	header  time.Duration // to send a request
	idle    time.Duration // between two requests
	stall   time.Duration // to receive one buffer of a file
	expire  time.Duration // between two deletions of expired files
	// trusted reports the addresses without perAddr.
	trusted func(netip.Addr) bool
}

var defaultLimits = limits{
	conns: maxConns, perAddr: maxPerAddr, header: headerLimit, idle: 30 * time.Second, stall: writeLimit, expire: time.Minute,
	// All connections of a reverse proxy have its address.
	trusted: func(a netip.Addr) bool { return !legacy.IsPublic(a) },
}

// Run serves until ctx ends, and removes expired files. It returns an error of the
// listener, after all its goroutines have ended.
func (s *Store) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadTimeout:       s.o.limits.header, // no request body is read
		ReadHeaderTimeout: s.o.limits.header,
		WriteTimeout:      s.o.limits.header, // serve extends it for files
		IdleTimeout:       s.o.limits.idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(debugWriter{s}, "", 0),
		// "OPTIONS *" is refused like every other method.
		DisableGeneralOptionsHandler: true,
	}
	var wg sync.WaitGroup
	life, stop := context.WithCancel(ctx)
	wg.Go(func() { s.expireOften(life) })
	wg.Go(func() {
		<-life.Done()
		limited, cancel := context.WithTimeout(context.Background(), stopLimit)
		defer cancel()
		if server.Shutdown(limited) != nil {
			server.Close() // aborts downloads under way
		}
	})
	err := server.Serve(s.listener)
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Store) expireOften(ctx context.Context) {
	t := time.NewTicker(s.o.limits.expire)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.expire()
		case <-ctx.Done():
			return
		}
	}
}

// serve handles a request. Its headers prevent a browser from executing a file with
// this server's origin.
func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")               // links are secrets
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // web clients show pictures; who has the link may have the file
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are allowed", http.StatusMethodNotAllowed)
		return
	}
	id, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, s.prefix), "/"), "/")
	e := s.find(id, name)
	if e == nil {
		http.Error(w, "This file does not exist or has expired.", http.StatusNotFound)
		return
	}
	f, err := s.open(e)
	if err != nil { // it may just have been removed
		s.o.Log.Warn().Err(reason(err)).Msg("cannot open a requested file")
		http.Error(w, "This file does not exist or has expired.", http.StatusNotFound)
		return
	}
	defer f.Close()
	kind, show := TypeOf(e.name)
	how := "attachment"
	if show {
		how = "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(how, e.name))
	h.Set("Cache-Control", "private, max-age=3600, immutable")
	// The contents of a link never change, so that any constant identifies them. (RFC 9110 §8.8.3)
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, e.size, e.stored.UnixNano()))
	limit := s.o.limits.header + time.Duration(e.size/slowest)*time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit)) // after an error the server's deadline applies
	http.ServeContent(w, r, "", e.stored, f)
}

// open opens a file. It follows no symbolic link, and blocks on no FIFO.
func (s *Store) open(e *entry) (*os.File, error) {
	is, err := s.root.Lstat(e.file())
	if err != nil {
		return nil, err
	}
	if !is.Mode().IsRegular() {
		return nil, errReplaced
	}
	f, err := s.root.Open(e.file())
	if err != nil {
		return nil, err
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(is, opened) {
		f.Close()
		return nil, errReplaced
	}
	return f, nil
}

// errReplaced: a name in the folder no longer is that of a file of the store.
var errReplaced = errors.New("it is not a regular file any more")

// debugWriter receives the HTTP server's log of client errors.
type debugWriter struct{ *Store }

func (w debugWriter) Write(b []byte) (int, error) {
	w.o.Log.Debug().Str("said", strings.TrimSpace(string(b))).Msg("HTTP")
	return len(b), nil
}
