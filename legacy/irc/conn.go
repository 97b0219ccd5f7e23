package irc

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"transport/legacy"
)

const (
	writeLimit = 15 * time.Second // for one batch of lines
	byeLimit   = time.Second      // once the session is to end
	maxLine    = 16 << 10         // bytes of a line with its tags
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

// inbound is a line, or why no more follow.
type inbound struct {
	line string
	err  error
}

// dial connects to a server. When life ends, writes end soon.
func (s *session) dial(ctx, life context.Context, to server) (*conn, error) {
	nc, err := s.env.Dial(ctx, "tcp", to.addr)
	if err == nil && s.net.opts.TLS {
		secure := tls.Client(nc, to.tls)
		if err = secure.HandshakeContext(ctx); err != nil {
			nc.Close()
		}
		nc = secure
	}
	if err != nil {
		text := "The " + s.net.name() + " server cannot be reached."
		var bad *tls.CertificateVerificationError
		if errors.As(err, &bad) {
			text = "The " + s.net.name() + " server does not prove that it is the one."
		}
		return nil, legacy.Wrap(legacy.Temporary, err, text)
	}
	c := &conn{Conn: nc, lines: make(chan inbound), closed: make(chan struct{}), done: make(chan struct{}), life: life}
	c.unhook = context.AfterFunc(life, func() { _ = nc.SetWriteDeadline(time.Now().Add(byeLimit)) })
	go c.read()
	return c, nil
}

// errTooLong says that a line is longer than IRC allows.
var errTooLong = errors.New("irc: a line is too long")

func (c *conn) read() {
	defer close(c.done)
	r := bufio.NewReaderSize(c.Conn, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = errTooLong
		}
		select {
		case c.lines <- inbound{string(line), err}:
		case <-c.closed:
			return
		}
		if err != nil {
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

// lost is the error of a connection that ended without a word.
func (n *network) lost(cause error) error {
	return legacy.Wrap(legacy.Temporary, cause, "The connection to the "+n.name()+" server was lost.")
}
