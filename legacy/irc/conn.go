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

// conn is a connection to a server: lines out, and a goroutine that reads lines
// in.
type conn struct {
	net.Conn
	lines  chan inbound
	closed chan struct{}
	done   chan struct{}
	unhook func() bool
	life   context.Context
}

// inbound is some lines, or why no more follow.
type inbound struct {
	lines []string
	err   error
}

// newConn starts the reader. When life ends, writes end soon.
func newConn(nc net.Conn, life context.Context) *conn {
	c := &conn{Conn: nc, lines: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{}), life: life}
	c.unhook = context.AfterFunc(life, func() { _ = nc.SetWriteDeadline(time.Now().Add(byeLimit)) })
	go c.read()
	return c
}

// read reads lines until the connection ends; those that have come at once are
// handed on at once.
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
	_ = c.SetWriteDeadline(time.Now().Add(limit)) // Write tells
	return c.Conn.Write(b)
}

// close ends the connection and waits for the reader.
func (c *conn) close() {
	c.unhook()
	close(c.closed)
	c.Conn.Close()
	<-c.done
}
