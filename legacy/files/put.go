package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"transport/legacy"
)

// Upload is a place where a file is to be put by HTTP. (XEP-0363 §5)
type Upload struct {
	URL    string
	Header http.Header
	Type   string // of the file
	Size   int64  // bytes
	// Public: whoever named the place is a stranger, so that it must be one of the
	// public Internet, and the connection encrypted.
	Public bool
	// Dial opens connections.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	answerLimit = 60 * time.Second // for the server's answer, once it has everything
	writeLimit  = 30 * time.Second // for each piece of the file to go
)

// errPlace is that of a place that may not be used.
var errPlace = errors.New("files: not a place where files may be put")

// Put puts Size bytes of r to their place. It never goes where the server redirects
// it to. When it returns, r is used no more. Errors are classified; those of r that
// are come back as they are.
func Put(ctx context.Context, to Upload, r io.Reader) error {
	u, err := url.Parse(to.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || to.Public) {
		return putError(errPlace)
	}
	transport := &http.Transport{
		DialContext:            to.dial,
		TLSHandshakeTimeout:    headerLimit,
		ResponseHeaderTimeout:  answerLimit,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	body := &putBody{r: r, left: to.Size}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to.URL, body)
	if err != nil {
		return putError(err)
	}
	if to.Size == 0 {
		request.Body = http.NoBody
	}
	request.ContentLength = to.Size
	if to.Header != nil {
		request.Header = to.Header
	}
	request.Header.Set("Content-Type", to.Type)
	answer, err := client.Do(request)
	read := body.finish()
	if err == nil {
		defer answer.Body.Close()
	}
	switch {
	case read != nil:
		return read
	case err != nil:
		return putError(err)
	}
	if answer.StatusCode/100 != 2 {
		return putError(fmt.Errorf("HTTP status %d", answer.StatusCode))
	}
	if body.left > 0 {
		return putError(errors.New("the server has not taken everything"))
	}
	return nil
}

// putError is an error for the user. The place is left out, since its URL is a
// secret.
func putError(err error) error {
	if errors.As(err, new(*legacy.Error)) {
		return err
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return legacy.Wrap(legacy.Temporary, err, "Your XMPP server does not take the file that it has agreed to.")
}

// dial connects to the place, at a public address if it must be one.
func (to Upload) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if to.Public {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		public, ok := firstPublic(addrs)
		if !ok {
			return nil, errPlace
		}
		addr = net.JoinHostPort(public.String(), port) // not the name, which may mean another one now
	}
	c, err := to.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return pacedConn{c}, nil
}

func firstPublic(addrs []netip.Addr) (netip.Addr, bool) {
	for _, a := range addrs {
		if legacy.IsPublic(a) {
			return a.Unmap(), true
		}
	}
	return netip.Addr{}, false
}

// pacedConn gives every write a deadline.
type pacedConn struct{ net.Conn }

func (c pacedConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeLimit)) // Write tells
	return c.Conn.Write(b)
}

// putBody hands a file to the HTTP client, which may go on reading when its answer
// is there already: finish ends that.
type putBody struct {
	mu   sync.Mutex
	r    io.Reader
	left int64
	err  error // of r
	over bool
}

// Read implements io.Reader.
func (b *putBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
		return 0, io.ErrClosedPipe
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && b.left > 0 {
		b.err = sourceError(err)
		return n, b.err
	}
	return n, nil
}

// Close implements io.Closer. It does not wait for Read.
func (b *putBody) Close() error { return nil }

// finish is the error of the reader, which is used no more.
func (b *putBody) finish() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.err
}
