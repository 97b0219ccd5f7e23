package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
)

// cable is a breakable TCP connection between the gateway and the XMPP server.
type cable struct {
	listener net.Listener
	to       string
	wg       sync.WaitGroup

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]struct{}
	broken bool
}

// newCable listens for connections to relay to an address, until the end of the test.
func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, to: to, conns: make(map[net.Conn]struct{})}
	c.wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.join(near) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		c.tear(true)
		c.wg.Wait()
	})
	return c
}

// join relays between both sides until one of them closes.
func (c *cable) join(near net.Conn) {
	defer c.drop(near)
	if !c.hold(near) {
		return
	}
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer c.drop(far)
	if !c.hold(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		near.Close()
	})
	_, _ = io.Copy(far, near)
	far.Close()
	back.Wait()
}

// hold stores a connection, unless the cable is broken.
func (c *cable) hold(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return false
	}
	c.conns[conn] = struct{}{}
	return true
}

func (c *cable) drop(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	conn.Close()
}

// tear resets all connections; data in transit is lost. With stay, new connections fail
// until mend.
func (c *cable) tear(stay bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = stay
	for conn := range c.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = false
}

// links returns the number of connections of components to the XMPP server.
func (w *world) links() int { return strings.Count(w.log(), `"connected to the XMPP server"`) }

// waitLinks waits for that number of connections of components.
func (w *world) waitLinks(times int) {
	w.t.Helper()
	w.wait(fmt.Sprintf("connection number %d", times), func() bool { return w.links() >= times })
}

// TestLinkDown breaks the connection to the XMPP server while both ends keep running: Bob's
// messages of the meantime arrive later with a delay stamp, the client gets current
// presence, and the ICQ session continues.
func TestLinkDown(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		c := newCable(t, w.server.Component)
		w.via = c.listener.Addr().String()
		alice := w.ready()
		c.tear(true)
		w.waitLog(`"not connected to the XMPP server"`, 2)
		if got := w.mock.Sessions(demo.AliceUIN); got != 1 {
			t.Errorf("%d sessions on ICQ", got)
		}
		if err := w.bob.Send(demo.AliceUIN, "can you read this?"); err != nil {
			t.Fatal(err)
		}
		w.bob.SignOff()
		alice.say(bobICQ, "lost", "nobody reads this")
		lost := alice.expect("an error", func(e *element.Element) bool { return e.Name == "message" && e.Attr("id") == "lost" })
		if lost.Attr("type") != "error" {
			t.Errorf("a message to a gateway that is not there: %s", lost)
		}
		c.mend()
		w.waitLinks(4)
		got := alice.message(bobICQ)
		if got.ChildText(lab.NSClient, "body") != "can you read this?" || got.Child("urn:xmpp:delay", "delay") == nil {
			t.Errorf("got %s", got)
		}
		alice.presence(bobICQ, "unavailable", "")
		w.bob.SignOn()
		alice.presence(bobICQ, "", "")
		alice.say(bobICQ, "m1", "yes")
		if got := w.heard().Text; got != "yes" {
			t.Errorf("bob reads %q", got)
		}
	})
}

// TestNoLossOnBrokenLinks breaks the connection repeatedly while Bob sends messages: Alice
// gets every message, in order. The id identifies repetitions.
func TestNoLossOnBrokenLinks(t *testing.T) {
	const breaks, between = 3, 150
	eachServer(t, func(t *testing.T, w *world) {
		c := newCable(t, w.server.Component)
		w.via = c.listener.Addr().String()
		alice := w.ready()
		for part := range breaks {
			for i := range between {
				if err := w.bob.Send(demo.AliceUIN, fmt.Sprint(part*between+i)); err != nil {
					t.Fatal(err)
				}
				if i == between/2 {
					c.tear(false)
				}
			}
			w.waitLinks(2 + 2*(part+1))
		}
		next, repeated, ids := 0, 0, make(map[string]string)
		for next < breaks*between {
			m := alice.message(bobICQ)
			text, id := m.ChildText(lab.NSClient, "body"), m.Attr("id")
			switch first, known := ids[text]; {
			case known && (id == "" || id != first):
				t.Errorf("%q came again as %q, first as %q", text, id, first)
			case known:
				repeated++
			case text != fmt.Sprint(next):
				t.Fatalf("%q came where %d should have", text, next)
			default:
				ids[text] = id
				next++
			}
		}
		t.Logf("%d lines, %d of them again", next, repeated)
	})
}

// TestKeptAcrossKill kills the gateway while it has spooled messages: they are on disk.
func TestKeptAcrossKill(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		c := newCable(t, w.server.Component)
		w.via = c.listener.Addr().String()
		alice := w.ready()
		c.tear(true)
		w.waitLog(`"not connected to the XMPP server"`, 2)
		for i := range 3 {
			if err := w.bob.Send(demo.AliceUIN, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
		}
		w.mock.Disconnect(demo.AliceUIN, oscarmock.DisconnectPolite)
		w.waitLog(`"a session ended"`, 1) // and with it all that it has received is dealt with
		w.process.Kill()
		c.mend()
		w.start()
		for i := range 3 {
			m := alice.message(bobICQ)
			if m.ChildText(lab.NSClient, "body") != fmt.Sprint("line ", i) || m.Child("urn:xmpp:delay", "delay") == nil {
				t.Errorf("number %d is %s", i, m)
			}
		}
	})
}
