package component_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/legacy"
	"transport/registry"
)

// The benchmarks play the XMPP server themselves, over a loopback connection, so
// that the component is all that they measure.

// echoNetwork is the fastest network there can be: what is sent comes back.
type echoNetwork struct{}

func (echoNetwork) Info() legacy.Info {
	return legacy.Info{Name: "Echo", Type: "icq", PeerName: "name",
		Form: []legacy.Field{{Var: "username", Label: "Name", Required: true}}}
}
func (echoNetwork) ParsePeer(name string) (legacy.Peer, error) { return legacy.Peer{ID: name}, nil }
func (echoNetwork) Validate(map[string]string) error           { return nil }
func (echoNetwork) Login(f map[string]string) string           { return f["username"] }
func (echoNetwork) NewSession(_ legacy.Account, env legacy.Env) (legacy.Session, error) {
	return &echoSession{env: env, queue: make(chan legacy.Outgoing, 256)}, nil
}

type echoSession struct {
	env   legacy.Env
	queue chan legacy.Outgoing
}

func (s *echoSession) Run(ctx context.Context) error {
	s.env.Emit(legacy.Ready{})
	for {
		select {
		case m := <-s.queue:
			s.env.Emit(legacy.MessageSent{Ref: m.Ref})
			s.env.Emit(legacy.MessageReceived{From: m.To, Text: m.Text})
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *echoSession) Send(_ context.Context, m legacy.Outgoing) error {
	select {
	case s.queue <- m:
		return nil
	default:
		return legacy.Errorf(legacy.RateLimited, "Too fast.")
	}
}

// roomNetwork is an echo network with rooms: what a user says there, bob repeats.
type roomNetwork struct{ echoNetwork }

func (roomNetwork) Info() legacy.Info {
	info := echoNetwork{}.Info()
	info.Features = legacy.FeatureRooms
	return info
}

func (roomNetwork) ParsePeer(name string) (legacy.Peer, error) {
	return legacy.Peer{ID: name, Room: name[0] == '#'}, nil
}

func (n roomNetwork) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.echoNetwork.NewSession(a, env)
	return roomEcho{s.(*echoSession)}, err
}

type roomEcho struct{ *echoSession }

func (s roomEcho) Run(ctx context.Context) error {
	s.env.Emit(legacy.Ready{})
	for {
		select {
		case m := <-s.queue:
			if m.Ref == "" {
				s.env.Emit(legacy.RoomJoined{Room: m.To, Nick: m.Text, Occupants: []legacy.Occupant{{Nick: m.Text}, {Nick: "bob"}}})
				continue
			}
			s.env.Emit(legacy.MessageSent{Ref: m.Ref})
			s.env.Emit(legacy.RoomMessage{Room: m.To, Nick: "bob", Text: m.Text})
		case <-ctx.Done():
			return nil
		}
	}
}

func (s roomEcho) JoinRoom(ctx context.Context, room legacy.Peer, nick, _ string) error {
	return s.Send(ctx, legacy.Outgoing{To: room, Text: nick})
}

func (roomEcho) LeaveRoom(context.Context, legacy.Peer, string) error                   { return nil }
func (roomEcho) SetNick(context.Context, legacy.Peer, string) error                     { return nil }
func (roomEcho) Invite(context.Context, legacy.Peer, legacy.Peer) error                 { return nil }
func (roomEcho) SetTopic(context.Context, legacy.Peer, string) error                    { return nil }
func (roomEcho) Moderate(context.Context, string, legacy.Peer, legacy.Moderation) error { return nil }

// played is the server's end of a component's stream.
type played struct {
	net.Conn
	r *bufio.Reader
}

// play starts a component on a network with registered users, and returns
// the server's end of its stream.
func play(b *testing.B, network legacy.Network, users ...string) *played {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	dir := b.TempDir()
	db, err := registry.Open(ctx, registry.Options{Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key")})
	if err != nil {
		b.Fatal(err)
	}
	for _, u := range users {
		if err := db.PutAccount(ctx, registry.Account{Network: "echo.example", User: u, Login: u, Fields: map[string]string{"username": u}}); err != nil {
			b.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	c, err := component.New(component.Config{
		Domain: "echo.example", Server: ln.Addr().String(), Secret: "s", Network: network,
		Registry: db, Log: zerolog.Nop(), Dial: new(net.Dialer).DialContext,
		Policy: component.Policy{Allow: []string{"*"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx)
	}()
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	p := &played{conn, bufio.NewReaderSize(conn, 256<<10)}
	b.Cleanup(func() {
		cancel()
		conn.Close()
		ln.Close()
		<-ended
		db.Close()
	})
	p.await(b, "to='echo.example'>")
	io.WriteString(p, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='echo.example' id='1'>")
	p.await(b, "</handshake>")
	io.WriteString(p, "<handshake/>")
	return p
}

// await reads up to and including a text.
func (p *played) await(b *testing.B, text string) {
	b.Helper()
	last := text[len(text)-1]
	var seen []byte
	for !bytes.HasSuffix(seen, []byte(text)) {
		part, err := p.r.ReadBytes(last)
		if err != nil {
			b.Fatalf("waiting for %q: %v after %q", text, err, seen)
		}
		seen = append(seen, part...)
		if len(seen) > 1<<20 {
			seen = seen[len(seen)-1024:]
		}
	}
}

// serve routes the component's own pings back to it and counts the stanzas that
// hold marker, until it has seen n of them.
func (p *played) serve(marker string, n int) error {
	var stanza []byte
	for seen := 0; seen < n; {
		part, err := p.r.ReadSlice('>')
		if err != nil {
			return err
		}
		stanza = append(stanza, part...)
		if bytes.HasSuffix(part, []byte("</iq>")) && bytes.Contains(stanza, []byte("to='echo.example'")) {
			if _, err := p.Write(stanza); err != nil {
				return err
			}
		}
		switch {
		case bytes.HasSuffix(part, []byte("</iq>")), bytes.HasSuffix(part, []byte("</message>")), bytes.HasSuffix(part, []byte("</presence>")):
		case bytes.HasSuffix(part, []byte("/>")) && (bytes.HasPrefix(stanza, []byte("<presence")) || bytes.HasPrefix(stanza, []byte("<iq"))) && bytes.Count(stanza, []byte("<")) == 1:
		default:
			continue
		}
		if bytes.Contains(stanza, []byte(marker)) {
			seen++
		}
		stanza = stanza[:0]
	}
	return nil
}

// stream writes b.N stanzas while serve counts the answers.
func (p *played) stream(b *testing.B, window int, stanza func(i int) string, marker string) {
	b.Helper()
	served := make(chan error, 1)
	sem := make(chan struct{}, window)
	go func() {
		var err error
		for i := 0; i < b.N && err == nil; i++ {
			err = p.serve(marker, 1)
			<-sem
		}
		served <- err
	}()
	b.ReportAllocs()
	b.ResetTimer()
	w := bufio.NewWriterSize(p.Conn, 64<<10)
	for i := range b.N {
		select {
		case sem <- struct{}{}:
		default:
			w.Flush()
			sem <- struct{}{}
		}
		w.WriteString(stanza(i))
	}
	w.Flush()
	if err := <-served; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stanzas/s")
}

// BenchmarkPing is reader → dispatch → writer.
func BenchmarkPing(b *testing.B) {
	p := play(b, echoNetwork{})
	p.stream(b, 1000, func(i int) string {
		return "<iq type='get' id='" + strconv.Itoa(i) + "' from='alice@example/phone' to='echo.example'><ping xmlns='urn:xmpp:ping'/></iq>"
	}, "type='result'")
}

// BenchmarkEcho is a message's whole way: reader → dispatch → actor → session →
// actor → writer. A window of messages is on its way at a time.
func BenchmarkEcho(b *testing.B) {
	for _, users := range []int{1, 20} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			var names []string
			for i := range users {
				names = append(names, fmt.Sprintf("alice%d@example", i))
			}
			p := play(b, echoNetwork{}, names...)
			for _, n := range names {
				fmt.Fprintf(p, "<presence from='%s/phone' to='echo.example'/>", n)
			}
			if err := p.serve("capabilities", 0); err != nil {
				b.Fatal(err)
			}
			for range names {
				if err := p.serve("protocol/caps", 1); err != nil {
					b.Fatal(err)
				}
			}
			p.stream(b, 200, func(i int) string {
				return "<message type='chat' id='" + strconv.Itoa(i) + "' from='" + names[i%users] + "/phone' to='bob@echo.example'>" +
					"<body>Wherefore art thou, Romeo? Deny thy father and refuse thy na</body>" +
					"<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>"
			}, "<body>")
		})
	}
}

// BenchmarkRoom is a room message's whole way: it is reflected to each of the user's
// clients in the room, and so is bob's.
func BenchmarkRoom(b *testing.B) {
	for _, clients := range []int{1, 4} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			p := play(b, roomNetwork{}, "alice@example")
			for i := range clients {
				fmt.Fprintf(p, "<presence from='alice@example/%d' to='#club@echo.example/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>", i)
			}
			if err := p.serve("<subject/>", clients); err != nil {
				b.Fatal(err)
			}
			p.stream(b, 200, func(i int) string {
				return "<message type='groupchat' id='" + strconv.Itoa(i) + "' from='alice@example/0' to='#club@echo.example'>" +
					"<body>Wherefore art thou, Romeo? Deny thy father and refuse thy na</body></message>"
			}, "/bob\" to=\"alice@example/0\"")
		})
	}
}
