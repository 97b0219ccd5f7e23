package main

import (
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"
)

// cable is a TCP proxy between the gateway and a server. It breaks on request, and records
// what has passed. Any goroutine may call its methods.
type cable struct {
	listener net.Listener
	to       string
	tokens   *regexp.Regexp
	done     chan struct{} // closed by close
	wg       sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	joints  map[*joint]struct{}
	wires   []wire              // of all connections so far
	stalled chan struct{}       // closed by resume; nil while bytes pass
	change  func([]byte) []byte // changes what the gateway sends; nil for nothing

	toServer, toGateway pace
}

// joint is an open connection through a cable.
type joint struct {
	wire
	gateway, server net.Conn
	writing         sync.Mutex // held for a write to the gateway and its record
}

// newCable listens for connections of the gateway to a server.
func newCable(to, tokens string) (*cable, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	c := &cable{listener: l, to: to, tokens: regexp.MustCompile(tokens), done: make(chan struct{}), joints: make(map[*joint]struct{})}
	c.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.join(conn) })
		}
	})
	return c, nil
}

func (c *cable) addr() string { return c.listener.Addr().String() }

// close closes all connections and waits for the goroutines.
func (c *cable) close() {
	c.listener.Close()
	c.mu.Lock()
	close(c.done)
	c.mu.Unlock()
	c.cut()
	c.wg.Wait()
}

// join relays a connection of the gateway until one side closes it.
func (c *cable) join(gateway net.Conn) {
	defer gateway.Close()
	server, err := net.DialTimeout("tcp", c.to, 10*time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	j := &joint{wire: wire{toGateway: newTape(c.tokens), toServer: newTape(c.tokens)}, gateway: gateway, server: server}
	c.mu.Lock()
	select {
	case <-c.done:
		c.mu.Unlock()
		return
	default:
	}
	c.joints[j] = struct{}{}
	c.wires = append(c.wires, j.wire)
	j.setBuffers(c.toServer, c.toGateway)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.joints, j)
	}()
	var back sync.WaitGroup
	back.Go(func() {
		defer gateway.Close()
		c.relay(server, gateway, &c.toGateway, func(data []byte) error {
			j.writing.Lock()
			defer j.writing.Unlock()
			n, err := gateway.Write(data)
			j.toGateway.add(data[:n])
			return err
		})
	})
	c.relay(gateway, server, &c.toServer, func(data []byte) error {
		n, err := server.Write(c.changed(data))
		j.toServer.add(data[:n])
		return err
	})
	server.Close()
	back.Wait()
}

// changed returns what is passed on to the server instead of data, which has the same length.
func (c *cable) changed(data []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change == nil {
		return data
	}
	return c.change(data)
}

// setChange sets the function that changes what the gateway sends, nil for none. It must
// not change the length.
func (c *cable) setChange(change func([]byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change = change
}

// relay passes bytes on at a pace, until an error. While the cable is stalled, it holds them.
func (c *cable) relay(from, to net.Conn, speed *pace, write func([]byte) error) {
	for buf := make([]byte, 16<<10); ; {
		n, err := from.Read(buf)
		if n > 0 {
			c.mu.Lock()
			stalled, speed := c.stalled, *speed
			c.mu.Unlock()
			if stalled != nil {
				select {
				case <-stalled:
				case <-c.done:
				}
			}
			// The kernel would take bytes for a process that has closed the connection.
			if closedByPeer(to) || speed.crawl(buf[:n], c.done, write) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stall holds all bytes in both directions until resume; the connections stay open.
func (c *cable) stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled == nil {
		c.stalled = make(chan struct{})
	}
}

func (c *cable) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled != nil {
		close(c.stalled)
		c.stalled = nil
	}
}

// cut resets all connections. Bytes that the cable holds are lost.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for j := range c.joints {
		for _, conn := range []net.Conn{j.gateway, j.server} {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			conn.Close()
		}
	}
}

// unread records for each connection how many bytes the gateway has left unread. The cable
// must be stalled, and the gateway stopped until its end. Without a record, everything counts
// as read.
func (c *cable) unread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var locked []*joint
	for j := range c.joints {
		if tryLock(&j.writing, time.Second) {
			locked = append(locked, j)
			defer j.writing.Unlock()
		}
	}
	queues, err := readQueues()
	if err != nil {
		return
	}
	for _, j := range locked {
		if n, ok := queues[ends{j.gateway.RemoteAddr().String(), j.gateway.LocalAddr().String()}]; ok {
			j.toGateway.cutOff(n)
		}
	}
}

func tryLock(mu *sync.Mutex, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); !mu.TryLock(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// reached reports whether the gateway may have read a message.
func (c *cable) reached(number int) bool {
	return c.any(func(w wire) bool { return w.reached(number) })
}

// confirmed reports whether the server has confirmed a message to the gateway.
func (c *cable) confirmed(number int) bool {
	return c.any(func(w wire) bool { return w.confirmed(number) })
}

func (c *cable) any(so func(wire) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.wires {
		if so(w) {
			return true
		}
	}
	return false
}
