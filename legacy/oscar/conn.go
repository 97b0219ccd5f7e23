package oscar

import (
	"bufio"
	"context"
	"net"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const (
	writeLimit = 15 * time.Second // for one frame
	byeLimit   = time.Second      // for what is still written once the session is to end
)

// conn is a connection to a server: frames out, and a goroutine that reads
// frames in.
type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	out    *oscarwire.FrameWriter
	frames chan inbound
	closed chan struct{} // ends the reader
	done   chan struct{} // the reader has ended
	unhook func() bool
}

// inbound is a frame, or why no more follow.
type inbound struct {
	frame oscarwire.Frame
	err   error
}

// dial connects to a server and starts to read. close must follow. When ctx ends,
// writes end soon.
func (s *session) dial(ctx, life context.Context, addr string) (*conn, error) {
	raw, err := s.reach(ctx, addr)
	if err != nil {
		return nil, err
	}
	nc, err := s.secure(ctx, raw, addr)
	if err != nil {
		raw.Close()
		return nil, err
	}
	c := &conn{Conn: nc, raw: raw, frames: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{})}
	c.out = oscarwire.NewFrameWriter(limitedWriter{nc, life}, 0)
	c.unhook = context.AfterFunc(life, func() { _ = nc.SetWriteDeadline(time.Now().Add(byeLimit)) })
	go c.read()
	return c, nil
}

// limitedWriter gives every write a deadline.
type limitedWriter struct {
	net.Conn
	life context.Context
}

func (w limitedWriter) Write(b []byte) (int, error) {
	limit := writeLimit
	if w.life.Err() != nil {
		limit = byeLimit
	}
	_ = w.SetWriteDeadline(time.Now().Add(limit)) // Write tells
	return w.Conn.Write(b)
}

func (c *conn) read() {
	defer close(c.done)
	fr := oscarwire.NewFrameReader(bufio.NewReaderSize(c.Conn, 4096), 0)
	for {
		f, err := fr.ReadFrame()
		select {
		case c.frames <- inbound{f, err}:
		case <-c.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// close ends the connection and waits for the reader.
func (c *conn) close() {
	c.unhook()
	close(c.closed)
	c.raw.Close() // without TLS's goodbye, for which a peer may keep us waiting
	<-c.done
}

// next waits for a frame.
func (c *conn) next(ctx context.Context) (oscarwire.Frame, error) {
	select {
	case in := <-c.frames:
		return in.frame, in.err
	case <-ctx.Done():
		return oscarwire.Frame{}, ctx.Err()
	}
}

// lost is the error of a connection that ended without a word.
func (n *network) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to the "+n.name()+" server was lost.")
}

// garbled is the error of a server that does not speak the protocol.
func (n *network) garbled(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The "+n.name()+" server sent something that is no OSCAR.")
}
