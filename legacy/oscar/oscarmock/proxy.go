package oscarmock

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// proxy is a rendezvous proxy: it joins two connections with the same number and
// cookie. (libpurple, peer_proxy.c)
type proxy struct {
	net      *Network
	listener net.Listener

	mu      sync.Mutex // guards the fields below
	closed  bool
	number  uint16
	waiting map[uint16]waiting
	conns   map[net.Conn]struct{}
}

// waiting is a connection that waits for its peer.
type waiting struct {
	cookie oscarwire.Cookie
	peer   chan net.Conn // capacity 1
}

const maxProxied = 1000 // connections

// ListenProxy starts a rendezvous proxy on an address, host:port. It may be called
// once.
func (n *Network) ListenProxy(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	p := &proxy{net: n, listener: l, waiting: make(map[uint16]waiting), conns: make(map[net.Conn]struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.proxy != nil {
		l.Close()
		return errClosed
	}
	n.proxy = p
	n.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			if p.keep(nc) {
				n.wg.Go(func() {
					defer p.forget(nc)
					p.serve(nc)
				})
			}
		}
	})
	return nil
}

// ProxyAddr returns the rendezvous proxy's host:port, "" without one.
func (n *Network) ProxyAddr() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proxy == nil {
		return ""
	}
	return n.proxy.listener.Addr().String()
}

func (p *proxy) keep(nc net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns) >= maxProxied {
		nc.Close()
		return false
	}
	p.conns[nc] = struct{}{}
	return true
}

func (p *proxy) forget(nc net.Conn) {
	nc.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, nc)
}

// close stops the proxy.
func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for nc := range p.conns {
		nc.Close()
	}
}

// proxyLimit is the time that a connection waits for its peer.
const proxyLimit = 20 * time.Second

// serve serves one connection: the first of two copies both ways.
func (p *proxy) serve(nc net.Conn) {
	_ = nc.SetDeadline(time.Now().Add(proxyLimit)) // later calls return the error
	f, err := oscarwire.ReadProxyFrame(nc)
	if err != nil {
		return
	}
	say := func(kind uint16, payload []byte) {
		_, _ = nc.Write(oscarwire.ProxyFrame{Kind: kind, Payload: payload}.Append(nil)) // the next read returns the error
	}
	switch f.Kind {
	case oscarwire.ProxyCreate:
		request, err := oscarwire.ParseProxyRequest(f.Payload)
		if err != nil {
			say(oscarwire.ProxyError, []byte{0, byte(oscarwire.ProxyBadRequest)})
			return
		}
		number, peers := p.wait(request.Cookie)
		place := oscarwire.ProxyPlace{PIN: number, Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		say(oscarwire.ProxyCreated, place.Append(nil))
		timer := time.NewTimer(proxyLimit)
		defer timer.Stop()
		select {
		case peer := <-peers:
			defer peer.Close()
			p.join(nc, peer)
		case <-timer.C:
			p.take(number, request.Cookie)
			say(oscarwire.ProxyError, []byte{0, byte(oscarwire.ProxyNobodyCame)})
		case <-p.net.quit:
		}
	case oscarwire.ProxyJoin:
		peer, err := oscarwire.ParseProxyPeer(f.Payload)
		peers := p.take(peer.PIN, peer.Cookie)
		if err != nil || peers == nil {
			say(oscarwire.ProxyError, []byte{0, byte(oscarwire.ProxyBadRequest)})
			return
		}
		mine, theirs := net.Pipe()
		peers <- theirs
		p.copy(nc, mine)
	default:
		say(oscarwire.ProxyError, []byte{0, byte(oscarwire.ProxyBadRequest)})
	}
}

// wait registers a connection that waits for its peer.
func (p *proxy) wait(cookie oscarwire.Cookie) (number uint16, peers <-chan net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	w := waiting{cookie, make(chan net.Conn, 1)}
	p.waiting[p.number] = w
	return p.number, w.peer
}

// take removes a waiting connection, nil if there is none.
func (p *proxy) take(number uint16, cookie oscarwire.Cookie) chan<- net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.waiting[number]
	if !ok || w.cookie != cookie {
		return nil
	}
	delete(p.waiting, number)
	return w.peer
}

// join sends ready to both connections and copies.
func (p *proxy) join(nc, peer net.Conn) {
	ready := oscarwire.ProxyFrame{Kind: oscarwire.ProxyReady}.Append(nil)
	if _, err := nc.Write(ready); err != nil {
		return
	}
	if _, err := peer.Write(ready); err != nil {
		return
	}
	p.copy(nc, peer)
}

// copy copies both ways until either ends.
func (p *proxy) copy(a, b net.Conn) {
	_ = a.SetDeadline(time.Now().Add(idleLimit)) // copying returns the error
	defer a.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(a, b) // closing is noticed by the other side
		a.Close()
	}()
	_, _ = io.Copy(b, a)
	b.Close()
	<-done
}
