package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// PlayedXMPP is an XMPP server for one component that also acts as its users, u0@localhost,
// u1@localhost and so on.
type PlayedXMPP struct {
	Presences atomic.Int64 // that the users received
	Subjects  atomic.Int64
	Errors    atomic.Int64

	listener  net.Listener
	domain    string // the component's
	count     *Counter
	online    bool // the users are online: they answer probes
	connected chan struct{}
	mu        sync.Mutex // serialises writes
	conn      net.Conn
}

// PlayXMPP starts an XMPP server for the component with that domain. count counts the
// messages to its users. If online is set, all users have a client that is online. The
// caller must call Close.
func PlayXMPP(domain string, count *Counter, online bool) *PlayedXMPP {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Check(err, "listen")
	x := &PlayedXMPP{listener: l, domain: domain, count: count, online: online, connected: make(chan struct{}, 1)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go x.serve(conn)
		}
	}()
	return x
}

// Addr returns the host:port for components.
func (x *PlayedXMPP) Addr() string { return x.listener.Addr().String() }

// Close closes the listener.
func (x *PlayedXMPP) Close() { x.listener.Close() }

// Await waits until the component is connected.
func (x *PlayedXMPP) Await() {
	select {
	case <-x.connected:
	case <-time.After(20 * time.Second):
		Fail("the gateway does not connect")
	}
}

// serve performs the handshake, answers pings, and counts messages. (XEP-0114 §3)
func (x *PlayedXMPP) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 1<<20)
	until := func(text string) bool {
		for {
			s, err := r.ReadString('>')
			if err != nil || strings.Contains(s, text) {
				return err == nil
			}
		}
	}
	if !until("<stream:stream") {
		return
	}
	fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='%s' id='x'>", x.domain)
	if !until("</handshake") {
		return
	}
	fmt.Fprint(conn, "<handshake/>")
	x.mu.Lock()
	x.conn = conn
	x.mu.Unlock()
	x.connected <- struct{}{}
	var data []byte
	for buf := make([]byte, 1<<20); ; {
		n, err := r.Read(buf)
		if err != nil {
			return
		}
		data = append([]byte(nil), x.split(append(data, buf[:n]...))...)
	}
}

// split calls f for each complete stanza, and returns the rest.
func (x *PlayedXMPP) split(data []byte) []byte {
	for len(data) > 0 {
		if data[0] == ' ' || data[0] == '\n' {
			data = data[1:]
			continue
		}
		end := stanzaEnd(data)
		if end == 0 {
			break
		}
		x.stanza(data[:end])
		data = data[end:]
	}
	return data
}

// stanzaEnd returns the end of the first stanza, 0 if it is incomplete.
func stanzaEnd(data []byte) int {
	tag := bytes.IndexByte(data, '>')
	if tag < 1 || data[tag-1] == '/' {
		return tag + 1
	}
	name, _, _ := bytes.Cut(data[1:tag], []byte(" "))
	end := "</" + string(name) + ">"
	if i := bytes.Index(data, []byte(end)); i >= 0 {
		return i + len(end)
	}
	return 0
}

func (x *PlayedXMPP) stanza(s []byte) {
	switch s[1] {
	case 'p':
		if bytes.Contains(s, []byte("type='error'")) || bytes.Contains(s, []byte(`type="error"`)) {
			x.Errors.Add(1)
			return
		}
		if x.online && bytes.Equal(attr(s, "type"), []byte("probe")) {
			x.Send(fmt.Appendf(nil, "<presence from='%s/x' to='%s'/>", attr(s, "to"), x.domain)) // RFC 6121 §4.3.2
			return
		}
		x.Presences.Add(1)
	case 'm':
		switch {
		case bytes.Contains(s, []byte("type='error'")), bytes.Contains(s, []byte(`type="error"`)):
			x.Errors.Add(1)
		case bytes.Contains(s, []byte("<subject")):
			x.Subjects.Add(1)
		default:
			x.count.Take(receiver(s), s)
		}
	case 'i':
		switch typ := attr(s, "type"); {
		case bytes.Equal(typ, []byte("result")), bytes.Equal(typ, []byte("error")):
		case bytes.Contains(s, []byte("urn:xmpp:ping")):
			x.Send(fmt.Appendf(nil, "<iq type='result' from='%s' to='%s' id='%s'/>", attr(s, "to"), attr(s, "from"), attr(s, "id")))
		case x.online:
			x.Send(fmt.Appendf(nil, "<iq type='error' from='%s' to='%s' id='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
				attr(s, "to"), attr(s, "from"), attr(s, "id")))
		}
	}
}

// receiver returns the number of the user that a stanza is addressed to:
// to='u12@localhost/x'.
func receiver(s []byte) int {
	to := attr(s, "to")
	n := 0
	for i := 1; i < len(to) && to[i] >= '0' && to[i] <= '9'; i++ {
		n = n*10 + int(to[i]-'0')
	}
	return n
}

func attr(s []byte, name string) []byte {
	i := bytes.Index(s, []byte(" "+name+"="))
	if i < 0 {
		return nil
	}
	s = s[i+len(name)+2:]
	end := bytes.IndexByte(s[1:], s[0])
	if end < 0 {
		return nil
	}
	return s[1 : end+1]
}

// Send writes stanzas to the component.
func (x *PlayedXMPP) Send(b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.conn.Write(b)
	Check(err, "write to the gateway")
}
