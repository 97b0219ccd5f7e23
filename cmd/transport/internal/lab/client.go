package lab

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"

	"transport/component/element"
)

// NSClient is the namespace of stanzas on a client's stream.
const NSClient = "jabber:client"

// Client is a user's connection to an XMPP server. Any goroutine may call its methods.
type Client struct {
	JID  jid.JID // full
	conn net.Conn
	s    *xmpp.Session
	done chan struct{}

	mu       sync.Mutex // guards the fields below
	changed  chan struct{}
	received []*element.Element
	err      error // why the stream ended
	sent     int
	features []string
}

// maxReceived limits the recorded stanzas; the oldest are dropped.
const maxReceived = 20_000

// Dial logs a user in. The connection is not encrypted: use it on loopback only. The
// caller must call Close.
func Dial(ctx context.Context, addr, user, password string) (*Client, error) {
	j, err := jid.Parse(user)
	if err != nil {
		return nil, fmt.Errorf("lab: %q: %w", user, err)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	negotiate := xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
		return xmpp.StreamConfig{Features: []xmpp.StreamFeature{
			xmpp.SASL("", password, sasl.ScramSha256, sasl.ScramSha1, sasl.Plain), bind(),
		}}
	})
	// xmpp.Secure: on loopback, send the password without TLS.
	s, err := xmpp.NewSession(ctx, j.Domain(), j, pipe{conn}, xmpp.Secure, negotiate)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("lab: sign on as %s: %w", user, err)
	}
	c := &Client{JID: s.LocalAddr(), conn: conn, s: s, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(c.done)
		err := s.Serve(xmpp.HandlerFunc(c.handle))
		if err == nil {
			err = io.EOF
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err = err
		c.signal()
	}()
	return c, nil
}

// pipe hides a connection's deadlines from the library. If a context ends just after its
// call, the library would make the next call time out.
type pipe struct{ conn net.Conn }

func (p pipe) Read(b []byte) (int, error) { return p.conn.Read(b) }

func (p pipe) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return 0, err
	}
	return p.conn.Write(b)
}

func (p pipe) Close() error { return p.conn.Close() }

// writeLimit is the deadline of a write.
const writeLimit = 30 * time.Second

// SetFeatures sets the features in the client's disco#info.
func (c *Client) SetFeatures(features ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.features = features
}

// handle records one stanza. It answers IQ requests at once.
func (c *Client) handle(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	e, err := element.FromTokens(xmlstream.MultiReader(xmlstream.Token(*start), t))
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if typ := e.Attr("type"); e.Name == "iq" && (typ == "get" || typ == "set") {
		c.record(e)
		_, err := xmlstream.Copy(t, c.answer(e).Reader())
		return err
	}
	c.record(e)
	return nil
}

// answer returns the answer to an IQ request, like a client. (RFC 6120 §8.4)
func (c *Client) answer(e *element.Element) *element.Element {
	reply := element.New(NSClient, "iq").Set("type", "result").Set("id", e.Attr("id"))
	if from := e.Attr("from"); from != "" {
		reply.Set("to", from)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := e.First()
	switch {
	case asked == nil:
	case asked.Is("http://jabber.org/protocol/disco#info", "query"):
		q := element.New(asked.Space, "query").Add(element.New(asked.Space, "identity").Set("category", "client").Set("type", "pc"))
		if node := asked.Attr("node"); node != "" {
			q.Set("node", node)
		}
		for _, f := range c.features {
			q.Add(element.New(asked.Space, "feature").Set("var", f))
		}
		return reply.Add(q)
	case e.Attr("type") == "set" && (e.Attr("from") == "" || e.Attr("from") == c.JID.Bare().String()), // a roster push (RFC 6121 §2.1.6)
		asked.Is("urn:xmpp:ping", "ping"), slices.Contains(c.features, asked.Space):
		return reply
	}
	const ns = "urn:ietf:params:xml:ns:xmpp-stanzas"
	return reply.Set("type", "error").Add(element.New(NSClient, "error").Set("type", "cancel").Add(element.New(ns, "service-unavailable")))
}

func (c *Client) record(e *element.Element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = latest(append(c.received, e))
	c.signal()
}

// signal wakes all waiting calls. The caller must hold c.mu.
func (c *Client) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// From reports whether a stanza is from a JID; a bare JID matches all of its resources.
func From(e *element.Element, jid string) bool {
	from := e.Attr("from")
	return from == jid || !strings.Contains(jid, "/") && strings.HasPrefix(from, jid+"/")
}

// Send sends a stanza in the namespace NSClient.
func (c *Client) Send(ctx context.Context, e *element.Element) error {
	if err := c.s.Send(ctx, e.Reader()); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// SendXML sends a stanza given as XML.
func (c *Client) SendXML(ctx context.Context, stanza string) error {
	e, err := element.Parse(stanza, NSClient)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return c.Send(ctx, e)
}

// IQError is an IQ error response.
type IQError struct{ Stanza *element.Element }

// Error returns the response as XML.
func (e *IQError) Error() string { return "lab: refused: " + e.Stanza.String() }

// IQ sends an IQ request (to "" is the server) and waits for the result. The error of an
// error response is an *IQError.
func (c *Client) IQ(ctx context.Context, typ, to string, payload *element.Element) (*element.Element, error) {
	c.mu.Lock()
	c.sent++
	id := fmt.Sprintf("lab-%d", c.sent)
	c.mu.Unlock()
	iq := element.New(NSClient, "iq").Set("type", typ).Set("id", id).Add(payload)
	if to != "" {
		iq.Set("to", to)
	}
	if err := c.Send(ctx, iq); err != nil {
		return nil, err
	}
	reply, err := c.Expect(ctx, "the answer to an IQ", func(e *element.Element) bool {
		return e.Name == "iq" && e.Attr("id") == id && (e.Attr("type") == "result" || e.Attr("type") == "error")
	})
	if err == nil && reply.Attr("type") == "error" {
		err = &IQError{reply}
	}
	return reply, err
}

// IQXML is IQ with a payload given as XML.
func (c *Client) IQXML(ctx context.Context, typ, to, payload string) (*element.Element, error) {
	e, err := element.Parse(payload, NSClient)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return c.IQ(ctx, typ, to, e)
}

// Expect waits for a matching stanza, removes it from the record and returns it. Earlier
// stanzas stay recorded. what describes the stanza in an error.
func (c *Client) Expect(ctx context.Context, what string, fits func(*element.Element) bool) (*element.Element, error) {
	for {
		c.mu.Lock()
		for i, e := range c.received {
			if fits(e) {
				c.received = append(c.received[:i:i], c.received[i+1:]...)
				c.mu.Unlock()
				return e, nil
			}
		}
		changed, err := c.changed, c.err
		c.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("lab: %s waits for %s: the stream ended: %w", c.JID, what, err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("lab: %s waits for %s: %w; received:\n%s", c.JID, what, ctx.Err(), c.tail())
		}
	}
}

// tail returns the last recorded stanzas as text.
func (c *Client) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, e := range c.received[max(0, len(c.received)-20):] {
		lines = append(lines, e.String())
	}
	return strings.Join(lines, "\n")
}

// Forget drops all recorded stanzas.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = nil
}

// Close closes the stream and waits for its end.
func (c *Client) Close() error {
	err := c.s.Close()
	closed := c.conn.Close()
	<-c.done
	if errors.Is(closed, net.ErrClosed) {
		closed = nil
	}
	return errors.Join(err, closed)
}

// Kill closes the connection without closing the stream.
func (c *Client) Kill() {
	c.conn.Close()
	<-c.done
}

// Count returns the number of matching recorded stanzas.
func (c *Client) Count(fits func(*element.Element) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.received {
		if fits(e) {
			n++
		}
	}
	return n
}
