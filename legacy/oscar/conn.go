package oscar

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const (
	writeLimit = 15 * time.Second // for one frame
	byeLimit   = time.Second      // for pending writes once the session is to end
)

// conn is a network connection to a server. A goroutine of its own reads frames. What is
// written to out waits for flush, which everybody calls who waits for something.
type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	out    *oscarwire.FrameWriter
	frames chan inbound
	rest   []oscarwire.Frame // received, not returned by next yet
	closed chan struct{}     // closed to end the reader
	done   chan struct{}     // closed when the reader has ended
	unhook func() bool
}

// inbound are frames that came together, or the error that ended the connection.
type inbound struct {
	frames []oscarwire.Frame
	err    error
}

const (
	readBuffer = 1024 // bytes, of each user; limits the frames of one inbound
	maxBatch   = 4096 // limit: bytes of packets to ICQ that wait to be written together | they are written at once
)

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
	c.out = oscarwire.NewFrameCollector(deadlineWriter{nc, life}, 0, maxBatch)
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
	r := bufio.NewReaderSize(c.Conn, readBuffer)
	fr := oscarwire.NewFrameReader(r, 0)
	pass := func(in inbound) bool {
		select {
		case c.frames <- in:
			return true
		case <-c.closed:
			return false
		}
	}
	for {
		var frames []oscarwire.Frame
		var err error
		for err == nil && (len(frames) == 0 || hasFrame(r)) {
			var f oscarwire.Frame
			if f, err = fr.ReadFrame(); err == nil {
				frames = append(frames, f)
			}
		}
		if len(frames) > 0 && !pass(inbound{frames: frames}) {
			return
		}
		if err != nil {
			pass(inbound{err: err})
			return
		}
	}
}

// hasFrame reports whether a whole frame is in the buffer, so that reading it does not
// wait.
func hasFrame(r *bufio.Reader) bool {
	if r.Buffered() < oscarwire.FLAPHeaderLen {
		return false
	}
	header, _ := r.Peek(oscarwire.FLAPHeaderLen)
	return r.Buffered() >= oscarwire.FLAPHeaderLen+int(binary.BigEndian.Uint16(header[4:]))
}

// flush writes what waits in out.
func (c *conn) flush() error { return c.out.Flush() }

// close writes what waits, closes the connection, and waits for the reader.
func (c *conn) close() {
	_ = c.flush() // who needs to know the outcome waits for an answer
	c.unhook()
	close(c.closed)
	c.raw.Close() // without TLS's close_notify, which a peer could delay
	<-c.done
}

// takeRest returns the frames that next has not returned.
func (c *conn) takeRest() []oscarwire.Frame {
	rest := c.rest
	c.rest = nil
	return rest
}

// next writes what waits, and waits for a frame.
func (c *conn) next(ctx context.Context) (oscarwire.Frame, error) {
	if err := c.flush(); err != nil {
		return oscarwire.Frame{}, err
	}
	if len(c.rest) == 0 {
		select {
		case in := <-c.frames:
			if in.err != nil {
				return oscarwire.Frame{}, in.err
			}
			c.rest = in.frames
		case <-ctx.Done():
			return oscarwire.Frame{}, ctx.Err()
		}
	}
	f := c.rest[0]
	c.rest = c.rest[1:]
	return f, nil
}

// lost returns the error of a connection that ended without a sign-off.
func (n *network) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to the "+n.name()+" server was lost.")
}

// garbled returns the error of a server that violates the protocol.
func (n *network) garbled(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The "+n.name()+" server violated the OSCAR protocol.")
}
