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
	byeLimit   = time.Second      // for pending writes once the session is to end
)

// conn is a network connection to a server. A goroutine of its own reads frames.
type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	out    *oscarwire.FrameWriter
	frames chan inbound
	closed chan struct{} // closed to end the reader
	done   chan struct{} // closed when the reader has ended
	unhook func() bool
}

// inbound is a frame, or the error that ended the connection.
type inbound struct {
	frame oscarwire.Frame
	err   error
}

// dial connects to a server and starts the reader. redirected is set if another server has
// named it. The caller must call close. After life ends, pending writes have byeLimit left.
func (s *session) dial(ctx, life context.Context, addr string, redirected bool) (*conn, error) {
	raw, err := s.dialServer(ctx, addr, redirected)
	if err != nil {
		return nil, err
	}
	nc, err := s.secure(ctx, raw, addr)
	if err != nil {
		raw.Close()
		return nil, err
	}
	c := &conn{Conn: nc, raw: raw, frames: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{})}
	c.out = oscarwire.NewFrameWriter(deadlineWriter{nc, life}, 0)
	c.unhook = context.AfterFunc(life, func() { _ = nc.SetWriteDeadline(time.Now().Add(byeLimit)) })
	go c.read()
	return c, nil
}

// deadlineWriter sets a deadline for every write.
type deadlineWriter struct {
	net.Conn
	life context.Context
}

func (w deadlineWriter) Write(b []byte) (int, error) {
	limit := writeLimit
	if w.life.Err() != nil {
		limit = byeLimit
	}
	_ = w.SetWriteDeadline(time.Now().Add(limit)) // Write returns the error
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

// close closes the connection and waits for the reader.
func (c *conn) close() {
	c.unhook()
	close(c.closed)
	c.raw.Close() // without TLS's close_notify, which a peer could delay
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

// lost returns the error of a connection that ended without a sign-off.
func (n *network) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to the "+n.name()+" server was lost.")
}

// garbled returns the error of a server that violates the protocol.
func (n *network) garbled(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The "+n.name()+" server violated the OSCAR protocol.")
}
