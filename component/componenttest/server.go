package componenttest

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what XEP-0114 prescribes
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/component/element"
)

// Addr is the only address that Server.Dial accepts.
const Addr = "xmpp.example:5347"

// Server is the XMPP server of one component, as its scripted other end. Its
// methods may be called by any goroutine; those that fail the test, by the
// test's only.
type Server struct {
	// Patience is how long an expectation waits, 20 s by default.
	Patience time.Duration

	t      testing.TB
	domain string

	mu       sync.Mutex
	changed  chan struct{} // closed, and replaced, whenever something below changes
	secret   string
	refusal  string             // the stream error that answers a handshake
	down     bool               // connections are refused
	routes   bool               // stanzas to the component's own domain are routed back
	stalled  bool               // the server does not read
	conn     net.Conn           // the current link, nil if there is none
	conns    []net.Conn         // all connections since the start
	links    int                // established since the start
	dials    []time.Time        // tries to connect
	withheld []*element.Element // not routed back
	queue    []*element.Element
	ended    error // how the last link ended
	served   sync.WaitGroup
	barriers int
}

// NewServer returns a Server of one component. It is closed with the test.
func NewServer(t testing.TB, domain, secret string) *Server {
	s := &Server{
		Patience: 20 * time.Second, t: t, domain: domain, secret: secret,
		routes: true, changed: make(chan struct{}),
	}
	t.Cleanup(s.Close)
	return s
}

// Close ends the link and waits for the server's goroutines.
func (s *Server) Close() {
	s.set(func() {
		s.down, s.stalled = true, false
		for _, conn := range s.conns {
			conn.Close()
		}
	})
	s.served.Wait()
}

// Dial is a component's Config.Dial.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials = append(s.dials, time.Now())
	s.changeLocked()
	if s.down || addr != Addr {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	ours, theirs := net.Pipe()
	s.conns = append(s.conns, ours)
	s.served.Go(func() { s.serve(ours) })
	return theirs, ctx.Err()
}

// serve performs the handshake and reads stanzas until the link ends.
// (XEP-0114 §3)
func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(&gated{conn, s})
	header, err := readThrough(in, "<stream:stream", ">")
	if err != nil {
		return
	}
	s.mu.Lock()
	secret, refusal, n := s.secret, s.refusal, len(s.dials)
	s.mu.Unlock()
	if refusal == "" && !strings.Contains(header, "to='"+s.domain+"'") && !strings.Contains(header, `to="`+s.domain+`"`) {
		refusal = "host-unknown"
	}
	id := fmt.Sprintf("<%d&'>", n) // ids may need unescaping
	s.write(conn, "<?xml version='1.0'?><stream:stream xmlns='"+space+"' xmlns:stream='"+element.StreamNamespace+
		"' from='"+s.domain+"' id='"+string(element.AppendAttr(nil, id))+"'>")
	if refusal != "" {
		s.refuse(conn, in, refusal)
		return
	}
	proof, err := readThrough(in, "<handshake", "</handshake>")
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(id + secret))
	if !strings.Contains(proof, ">"+hex.EncodeToString(sum[:])+"<") {
		s.refuse(conn, in, "not-authorized")
		return
	}
	s.write(conn, "<handshake/>")
	s.mu.Lock()
	s.conn = conn
	s.links++
	s.changeLocked()
	s.mu.Unlock()
	err = s.read(conn, in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	if s.conn == conn {
		s.conn = nil
	}
	s.changeLocked()
}

// refuse answers a handshake with a stream error, whatever the component is
// writing meanwhile, and waits for it to hang up.
func (s *Server) refuse(conn net.Conn, in io.Reader, condition string) {
	s.served.Go(func() { s.streamError(conn, condition) })
	_, _ = io.Copy(io.Discard, in) // any end is the end
}

// readThrough reads up to and including end, the first one behind start.
func readThrough(r *bufio.Reader, start, end string) (string, error) {
	var text string
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		text += string(c)
		if i := strings.Index(text, start); i >= 0 && strings.HasSuffix(text[i:], end) {
			return text, nil
		}
	}
}

// read queues stanzas until the link ends.
func (s *Server) read(conn net.Conn, in io.Reader) error {
	r := element.NewReader(in, space, element.Limits{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			s.write(conn, "</stream:stream>") // RFC 6120 §4.4
		}
		if err != nil {
			return err
		}
		if _, domain, _ := cutJID(e.Attr("from")); domain != s.domain || e.Attr("to") == "" {
			s.streamError(conn, "invalid-from") // as Prosody and ejabberd do
			s.t.Errorf("the component sent a stanza that ends its stream: %s", e)
			return errors.New("invalid-from")
		}
		s.mu.Lock()
		if e.Attr("to") != s.domain {
			s.queue = append(s.queue, e)
			s.changeLocked()
		}
		routes := s.routes
		if e.Attr("to") == s.domain && !routes {
			s.withheld = append(s.withheld, e)
		}
		s.mu.Unlock()
		if e.Attr("to") == s.domain && routes {
			s.write(conn, e.String())
		}
	}
}

// cutJID splits a JID.
func cutJID(jid string) (local, domain, resource string) {
	rest, resource, _ := strings.Cut(jid, "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return rest[:i], rest[i+1:], resource
	}
	return "", rest, resource
}

// write writes to one connection. It ignores errors: serve notices the end.
func (s *Server) write(conn net.Conn, xml string) { _, _ = io.WriteString(conn, xml) }

func (s *Server) streamError(conn net.Conn, condition string) {
	s.write(conn, "<stream:error><"+condition+" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
}

// gated is a connection whose reads block while the server is stalled.
type gated struct {
	net.Conn
	s *Server
}

func (g *gated) Read(p []byte) (int, error) {
	for {
		g.s.mu.Lock()
		stalled, changed := g.s.stalled, g.s.changed
		g.s.mu.Unlock()
		if !stalled {
			return g.Conn.Read(p)
		}
		<-changed
	}
}

// set changes a field and wakes the goroutines that wait for a change.
func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.changeLocked()
}

func (s *Server) changeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// SetSecret changes the secret for the next handshakes.
func (s *Server) SetSecret(secret string) { s.set(func() { s.secret = secret }) }

// SetRefusal sets the stream error that answers the next handshakes, "" for none.
func (s *Server) SetRefusal(condition string) { s.set(func() { s.refusal = condition }) }

// SetDown sets whether connections are refused.
func (s *Server) SetDown(down bool) { s.set(func() { s.down = down }) }

// SetRouting sets whether stanzas to the component's own domain are routed back to it, as
// Prosody and ejabberd do. They are by default.
func (s *Server) SetRouting(yes bool) { s.set(func() { s.routes = yes }) }

// RouteLate routes the stanzas to the component's own domain that were not routed back.
func RouteLate(s *Server) {
	s.mu.Lock()
	withheld := s.withheld
	s.withheld = nil
	s.mu.Unlock()
	for _, e := range withheld {
		s.Send(e.String())
	}
}

// Stall stops reading, until Resume.
func (s *Server) Stall() { s.set(func() { s.stalled = true }) }

// Resume ends Stall.
func (s *Server) Resume() { s.set(func() { s.stalled = false }) }

// Drop closes the connection without closing the stream.
func (s *Server) Drop() {
	s.set(func() {
		if s.conn != nil {
			s.conn.Close()
			s.conn = nil
		}
	})
}

// Dials returns the times of all attempts to connect.
func (s *Server) Dials() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.dials...)
}
