package oscarmock

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// conn is a connection of a client. One goroutine reads (serve) and another writes, so
// that a client that does not read delays only itself.
type conn struct {
	net *Network
	nc  net.Conn
	out chan []byte // complete frames

	mu  sync.Mutex // guards the fields below
	seq uint16
	off bool
}

const (
	outLen     = 4096 // frames queued for a client
	maxPayload = 16 << 10
	writeLimit = 10 * time.Second
	idleLimit  = 10 * time.Minute
)

// frame queues a frame. A client that does not read is disconnected.
func (c *conn) frame(ch uint8, payload oscarwire.Appender) {
	var body []byte
	if payload != nil {
		body = payload.Append(nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := oscarwire.AppendFLAP(nil, ch, c.seq, body)
	if err != nil {
		c.net.log.Error().Err(err).Msg("a frame is too large")
		return
	}
	c.seq++
	c.queue(b)
}

// raw queues bytes unchanged.
func (c *conn) raw(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue(b)
}

func (c *conn) queue(b []byte) {
	if c.off {
		return
	}
	select {
	case c.out <- b:
	default:
		c.nc.Close()
	}
}

// finish closes the connection after the queue is written.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.off {
		c.off = true
		close(c.out)
	}
}

func (c *conn) write() {
	defer c.nc.Close()
	for b := range c.out {
		if c.net.opts.Coalesce {
			b = c.coalesce(b)
		} else {
			b = c.join(b)
		}
		step := len(b)
		if c.net.opts.ByteByByte {
			step = 1
		}
		for len(b) > 0 {
			_ = c.nc.SetWriteDeadline(time.Now().Add(writeLimit)) // Write returns the error
			k, err := c.nc.Write(b[:min(step, len(b))])
			if err != nil {
				c.nc.Close()
				for range c.out { // so that no producer blocks
				}
				return
			}
			b = b[k:]
		}
	}
}

// join joins b with the frames that wait already, as any server does under load.
func (c *conn) join(b []byte) []byte {
	for len(b) < coalesceMax {
		select {
		case more := <-c.out: // nil at the end, which the caller sees next
			if more == nil {
				return b
			}
			b = append(b, more...)
		default:
			return b
		}
	}
	return b
}

// Limits of coalescing: the time to wait for another frame, and the maximum number of
// bytes.
const (
	coalesceFor = 3 * time.Millisecond
	coalesceMax = 64 << 10
)

// coalesce joins b with the frames that follow within a short time.
func (c *conn) coalesce(b []byte) []byte {
	t := time.NewTimer(coalesceFor)
	defer t.Stop()
	for len(b) < coalesceMax {
		select {
		case more, ok := <-c.out:
			if !ok {
				return b
			}
			b = append(b, more...)
			t.Reset(coalesceFor)
		case <-t.C:
			return b
		}
	}
	return b
}

// serve reads frames until the connection ends.
func (c *conn) serve() {
	defer func() {
		c.finish()
		c.net.mu.Lock()
		delete(c.net.conns, c)
		c.net.mu.Unlock()
	}()
	c.net.serving()
	if c.fault(StepConnect, "") != goOn {
		c.drain()
		return
	}
	c.frame(oscarwire.ChannelSignOn, oscarwire.Hello())
	fr := oscarwire.NewFrameReader(bufio.NewReader(c.nc), maxPayload)
	h := &handshake{conn: c}
	var s *session
	for {
		_ = c.nc.SetReadDeadline(time.Now().Add(idleLimit)) // ReadFrame returns the error
		f, err := fr.ReadFrame()
		c.net.serving()
		if err == nil && s == nil {
			s, err = h.onFrame(f)
		} else if err == nil {
			err = s.onFrame(f)
		}
		if err == nil {
			continue
		}
		if s != nil {
			s.end()
		}
		if errors.Is(err, errSilent) {
			c.drain()
		}
		return
	}
}

// errSilent keeps the connection open without answers.
var errSilent = errors.New("oscarmock: silent")

// errDone closes a connection that is complete.
var errDone = errors.New("oscarmock: done")

// drain reads without answering until the client closes.
func (c *conn) drain() {
	_ = c.nc.SetReadDeadline(time.Now().Add(idleLimit))
	buf := make([]byte, 1024)
	for {
		if _, err := c.nc.Read(buf); err != nil {
			return
		}
	}
}
