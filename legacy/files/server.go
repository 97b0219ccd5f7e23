package files

import (
	"context"
	stdlog "log"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	maxConns    = 256     // simultaneous connections; further ones wait in the kernel's queue
	maxHeader   = 8 << 10 // bytes
	headerLimit = 10 * time.Second
	idleTime    = 30 * time.Second
	slowest     = 8 << 10                // minimum rate of a client, bytes a second
	stopLimit   = 500 * time.Millisecond // for requests under way at shutdown
	expireEvery = time.Minute
)

// Run serves until ctx ends, and removes expired files. It returns an error of the
// listener, after all its goroutines have ended.
func (s *Store) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadTimeout:       headerLimit, // no request body is read
		ReadHeaderTimeout: headerLimit,
		WriteTimeout:      headerLimit, // serve extends it for files
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(debugWriter{s}, "", 0),
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
	err := server.Serve(&boundedListener{Listener: s.listener, places: make(chan struct{}, maxConns), over: life.Done()})
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Store) expireOften(ctx context.Context) {
	t := time.NewTicker(expireEvery)
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
	h.Set("Referrer-Policy", "no-referrer") // links are secrets
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
	f, err := s.root.Open(e.file())
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
	h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": e.name}))
	h.Set("Cache-Control", "private, max-age=3600, immutable")
	limit := headerLimit + time.Duration(e.size/slowest)*time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit)) // after an error the server's deadline applies
	http.ServeContent(w, r, "", e.stored, f)
}

// debugWriter receives the HTTP server's log of client errors.
type debugWriter struct{ *Store }

func (w debugWriter) Write(b []byte) (int, error) {
	w.o.Log.Debug().Str("said", strings.TrimSpace(string(b))).Msg("HTTP")
	return len(b), nil
}

// boundedListener limits the number of open connections.
type boundedListener struct {
	net.Listener
	places chan struct{}
	over   <-chan struct{} // ends Accept
}

func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.over:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &boundedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// boundedConn frees its slot when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
