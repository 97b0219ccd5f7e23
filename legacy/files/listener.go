package files

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// boundedListener limits the number of open connections, of all and of each address.
type boundedListener struct {
	net.Listener
	limits limits
	places chan struct{}
	over   chan struct{} // closed by Close
	close  func() error

	mu   sync.Mutex
	from map[netip.Prefix]int // open connections of addresses that are not trusted
}

func newBoundedListener(inner net.Listener, l limits) *boundedListener {
	places := make(chan struct{}, l.conns) // limit: HTTP connections, in tests fewer | further ones wait in the kernel's queue
	b := &boundedListener{Listener: inner, limits: l, places: places, over: make(chan struct{}), from: make(map[netip.Prefix]int)}
	b.close = sync.OnceValue(func() error {
		close(b.over)
		return inner.Close()
	})
	return b
}

// Close implements net.Listener. It ends Accept, and may be called again.
func (l *boundedListener) Close() error { return l.close() }

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.places <- struct{}{}:
		case <-l.over:
			return nil, net.ErrClosed
		}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.places
			return nil, err
		}
		from := l.origin(c)
		if l.enter(from) {
			return &boundedConn{Conn: c, stall: l.limits.stall, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		c.Close()
		<-l.places
	}
}

// origin returns the network that an address counts for, a /64 of IPv6, and the zero
// value for a trusted one.
func (l *boundedListener) origin(c net.Conn) netip.Prefix {
	addr, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	from := addr.AddrPort().Addr().Unmap().WithZone("")
	if l.limits.trusted(from) {
		return netip.Prefix{}
	}
	bits := 32
	if from.Is6() {
		bits = 64
	}
	prefix, _ := from.Prefix(bits) // the size is valid
	return prefix
}

// enter counts a connection, and returns false if there are too many.
func (l *boundedListener) enter(from netip.Prefix) bool {
	if !from.IsValid() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[from] >= l.limits.perAddr {
		return false
	}
	l.from[from]++
	return true
}

func (l *boundedListener) leave(from netip.Prefix) {
	<-l.places
	if !from.IsValid() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// boundedConn frees its slot when it is closed, and fails when the peer stops reading.
type boundedConn struct {
	net.Conn
	stall    time.Duration
	leave    func()
	deadline atomic.Pointer[time.Time] // the HTTP server's, for the whole response
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// SetWriteDeadline implements net.Conn.
func (c *boundedConn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(&t)
	return c.Conn.SetWriteDeadline(t)
}

// Write implements io.Writer. The HTTP server passes a file in buffers of 32 KiB.
func (c *boundedConn) Write(b []byte) (int, error) {
	limit := time.Now().Add(c.stall)
	if t := c.deadline.Load(); t != nil && !t.IsZero() && t.Before(limit) {
		limit = *t
	}
	_ = c.Conn.SetWriteDeadline(limit) // Write returns the error
	return c.Conn.Write(b)
}
