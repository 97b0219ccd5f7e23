package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"transport/cmd/transport/internal/bench"
	"transport/cmd/transport/internal/lab"
)

// startReal starts a Prosody and an ngircd without rate limits.
func (b *world) startReal() (component, irc string) {
	users := make(map[string]string)
	for i := range maxUsers {
		users[fmt.Sprint("u", i)] = "x"
	}
	s, err := lab.Prosody(b.ctx, lab.Options{Users: users, Components: map[string]string{domain: bench.Secret}})
	bench.Check(err, "Prosody")
	b.ends = append(b.ends, func() { _ = s.Close() })
	ngircd, err := lab.Ngircd(b.ctx)
	bench.Check(err, "ngircd")
	b.ends = append(b.ends, func() { _ = ngircd.Close() })
	irc = ngircd.Addr
	b.prosody, b.ngircd = s, ngircd
	b.people = newBob(b.ctx, irc, b.atIRC)
	b.users = &realUsers{ctx: b.ctx, addr: s.Client, count: b.atXMPP, conns: make(map[int]*realUser)}
	return s.Component, irc
}

// realUsers are users of a real server, each with a minimal connection.
type realUsers struct {
	ctx      context.Context
	addr     string
	count    *bench.Counter
	mu       sync.Mutex
	conns    map[int]*realUser
	pres     atomic.Int64
	subj     atomic.Int64
	versions atomic.Int64
}

type realUser struct {
	conn net.Conn
	r    *bufio.Reader
}

// login logs a user in. (RFC 6120 §4 to §7)
func (u *realUsers) login(user int) *realUser {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c := u.conns[user]; c != nil {
		return c
	}
	conn, err := net.Dial("tcp", u.addr)
	bench.Check(err, "connect to Prosody")
	c := &realUser{conn, bufio.NewReaderSize(conn, 256<<10)}
	read := func(text string) {
		for {
			s, err := c.r.ReadString('>')
			bench.Check(err, "sign on to Prosody")
			if strings.Contains(s, text) {
				return
			}
		}
	}
	open := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
	fmt.Fprint(conn, open)
	read("</stream:features")
	fmt.Fprintf(conn, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
		base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x00u%d\x00x", user)))
	read("<success")
	fmt.Fprint(conn, open)
	read("</stream:features")
	fmt.Fprint(conn, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
	read("</iq")
	fmt.Fprint(conn, "<presence/>") // otherwise stanzas to the bare JID do not arrive
	u.conns[user] = c
	go u.read(user, c)
	return c
}

func (u *realUsers) read(user int, c *realUser) {
	var rest []byte
	for buf := make([]byte, 256<<10); ; {
		n, err := c.r.Read(buf)
		if err != nil {
			return
		}
		u.pres.Add(int64(bytes.Count(buf[:n], []byte("</presence>"))))
		u.subj.Add(int64(bytes.Count(buf[:n], []byte("<subject"))))
		u.versions.Add(int64(bytes.Count(buf[:n], []byte("</version>"))))
		rest = append([]byte(nil), u.count.Take(user, append(rest, buf[:n]...))...)
	}
}

// forget drops all connections: the server has ended.
func (u *realUsers) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.conns {
		c.conn.Close()
	}
	clear(u.conns)
	u.versions.Store(0)
}

// awaitGateway waits until the gateway answers a version request. (XEP-0092)
func (u *realUsers) awaitGateway(gateway *lab.Process) {
	bench.Until(u.ctx, "the gateway to connect", 20*time.Second, func() bool {
		u.write(0, fmt.Appendf(nil, "<iq type='get' id='v' to='%s'><query xmlns='jabber:iq:version'/></iq>", domain))
		time.Sleep(50 * time.Millisecond)
		select {
		case <-gateway.Done():
			bench.Fail("the gateway has ended")
		default:
		}
		return u.versions.Load() > 0
	})
}

func (u *realUsers) join(user int, channel string) {
	u.write(user, fmt.Appendf(nil, "<presence to='%s@%s/u%d'><x xmlns='http://jabber.org/protocol/muc'/></presence>", channel, domain, user))
}

func (u *realUsers) stanza(dst []byte, _ int, to, typ string, number int, body func([]byte) []byte) []byte {
	dst = fmt.Appendf(dst, "<message to='%s@%s' type='%s' id='m%d'><body>", to, domain, typ, number)
	return append(body(dst), "</body></message>"...)
}

func (u *realUsers) write(user int, stanzas []byte) {
	_, err := u.login(user).conn.Write(stanzas)
	bench.Check(err, "write to Prosody")
}

func (u *realUsers) presences() int { return int(u.pres.Load()) }
func (u *realUsers) subjects() int  { return int(u.subj.Load()) }

// lines reads IRC lines: source nick, command, first parameter, last parameter.
func lines(conn net.Conn, on func(source, command, target string, text []byte)) {
	r := bufio.NewReaderSize(conn, 1<<20)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		line = bytes.TrimRight(line, "\r\n")
		var source []byte
		if bytes.HasPrefix(line, []byte(":")) {
			source, line, _ = bytes.Cut(line[1:], []byte(" "))
			source, _, _ = bytes.Cut(source, []byte("!"))
		}
		command, rest, _ := bytes.Cut(line, []byte(" "))
		target, text, _ := bytes.Cut(rest, []byte(" "))
		on(string(source), string(command), string(target), bytes.TrimPrefix(text, []byte(":")))
	}
}
