package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"transport/legacy"
)

// Upload is an HTTP upload slot. (XEP-0363 §5)
type Upload struct {
	URL    string
	Header http.Header
	Type   string // content type
	Size   int64  // bytes
	// Public is set if a stranger supplied the URL: then the address must be public and the
	// connection encrypted.
	Public bool
	// Dial opens connections.
	Dial legacy.DialFunc
}

const (
	answerLimit = 60 * time.Second // for the server's response, after the body is sent
	writeLimit  = 30 * time.Second // for each write of the body
	dialLimit   = 10 * time.Second // for each address of the server
)

// errPlace is the error of a URL that must not be used.
var errPlace = errors.New("files: upload URL not allowed")

// Put uploads Size bytes of r. It does not follow redirects. After it returns, it no
// longer uses r. Its errors are classified; classified errors of r are returned
// unchanged.
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
		return putError(errors.New("the server did not read the whole file"))
	}
	return nil
}

// putError converts an error to one for the user. It omits the URL, which is a secret.
func putError(err error) error {
	if errors.As(err, new(*legacy.Error)) {
		return err
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return legacy.Wrap(legacy.Temporary, err, "Your XMPP server rejected the upload of the file.")
}

// dial connects to the upload server, at a public address if Public is set.
func (to Upload) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	target := legacy.Target{Addr: addr, Limit: dialLimit}
	if !to.Public { // the gateway's own server: any address, also without TLS
		target.Scope, target.Ports = legacy.ScopeAny, []string{"80"}
	}
	c, err := legacy.Connect(ctx, to.Dial, target)
	if legacy.KindOf(err) == legacy.Forbidden {
		return nil, fmt.Errorf("%w: %v", errPlace, err) // unclassified: its text is for another user
	}
	if err != nil {
		return nil, err
	}
	return pacedConn{c}, nil
}

// pacedConn sets a deadline for every write.
type pacedConn struct{ net.Conn }

func (c pacedConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeLimit)) // Write returns the error
	return c.Conn.Write(b)
}

// putBody is the request body. The HTTP client may continue to read it after the
// response has arrived: finish stops that.
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

// finish stops all reads and returns the error of r.
func (b *putBody) finish() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.err
}
