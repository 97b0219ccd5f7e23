package irc

import (
	"context"
	"net"
	"time"
)

const (
	writeLimit = 15 * time.Second // for one batch of lines
	byeLimit   = time.Second      // once the session is to end
)

// conn is a network connection to a server. A goroutine of its own reads lines.
type conn struct {
	net.Conn
	lines  chan inbound
	closed chan struct{}
	done   chan struct{}
	unhook func() bool
	life   context.Context
}

// inbound is a batch of lines, or the error that ended the connection.
type inbound struct {
	lines []string
	err   error
}

// newConn starts the reader. After life ends, pending writes have byeLimit left.
func newConn(nc net.Conn, life context.Context) *conn {
	c := &conn{Conn: nc, lines: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{}), life: life}
	c.unhook = context.AfterFunc(life, func() { _ = nc.SetWriteDeadline(time.Now().Add(byeLimit)) })
	go c.read()
	return c
}

// read reads lines until the connection ends. It delivers lines that arrived together
// as one batch.
func (c *conn) read() {
	defer close(c.done)
	for r := newLineReader(c.Conn); ; {
		var in inbound
		if in.err = r.fill(); in.err == nil {
			in.lines = r.lines()
		}
		select {
		case c.lines <- in:
		case <-c.closed:
			return
		}
		if in.err != nil {
			return
		}
	}
}

// Write writes with a deadline.
func (c *conn) Write(b []byte) (int, error) {
	limit := writeLimit
	if c.life.Err() != nil {
		limit = byeLimit
	}
	_ = c.SetWriteDeadline(time.Now().Add(limit)) // Write returns the error
	return c.Conn.Write(b)
}

// close closes the connection and waits for the reader.
func (c *conn) close() {
	c.unhook()
	close(c.closed)
	c.Conn.Close()
	<-c.done
}
