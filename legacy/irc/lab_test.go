package irc

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// lab is a signed-on client without a goroutine, a socket or a clock of its own. A test
// sends the server's lines, sets the time, and checks the client's lines and events.
// Every event must be legal.
type lab struct {
	mute   bool // the server does not answer fences
	slow   bool // it will answer them later; they do not count as sent
	t      testing.TB
	s      *session
	c      *client
	clock  time.Time
	events []legacy.Event
	wire   bytes.Buffer
}

// wire is a connection whose other side is a lab.
type wire struct {
	net.Conn
	to *bytes.Buffer
}

func (w wire) Write(b []byte) (int, error)      { return w.to.Write(b) }
func (w wire) SetWriteDeadline(time.Time) error { return nil }

// setup are the parameters of a lab.
type setup struct {
	options  func(*Options)
	fields   map[string]string
	settings map[string]map[string]string // by Peer.ID
	server   string                       // with named servers
	caps     []string
}

// newLab returns a client of alice that the server has just welcomed.
func newLab(t testing.TB, caps ...string) *lab {
	l := setup{caps: caps}.lab(t)
	l.welcome()
	return l
}

// lab returns a client that has just connected.
func (su setup) lab(t testing.TB) *lab {
	t.Helper()
	o := DefaultOptions()
	if o.Rate = 0; su.server == "" {
		o.Server = "irc.test:6697"
	}
	if su.options != nil {
		su.options(&o)
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	fields := map[string]string{"username": "alice"}
	maps.Copy(fields, su.fields)
	made, err := n.NewSession(legacy.Account{Fields: fields, Settings: su.settings},
		legacy.Env{Log: zerolog.Nop(), Now: func() time.Time { return l.clock }, Emit: l.emit})
	if err != nil {
		t.Fatal(err)
	}
	l.s = made.(*session)
	ln := newLink(l.s, su.server)
	l.s.serve(t.Context(), ln)
	l.c = newClient(ln, l.s.profile(su.server, ""), target{}, &conn{Conn: wire{to: &l.wire}, life: t.Context()})
	l.c.nick = l.c.profile.nicks[0]
	for _, name := range su.caps {
		l.c.caps[name] = true
	}
	return l
}

func (l *lab) welcome() {
	l.t.Helper()
	if !l.registering(":irc.test 001 alice :Welcome") {
		l.t.Fatal("not welcome")
	}
	l.sent()
}

// registering sends lines of the server before the welcome.
func (l *lab) registering(lines ...string) (done bool) {
	l.t.Helper()
	for _, line := range lines {
		m, err := ircwire.Parse(line)
		if err == nil {
			done, err = l.c.reg.onRegistering(m)
		}
		if err != nil {
			l.t.Fatalf("%s: %v", line, err)
		}
	}
	return done
}

func (l *lab) emit(ev legacy.Event) {
	if err := illegal(l.s.net, ev); err != nil {
		l.t.Errorf("the core is told %T%+v: %v", ev, ev, err)
	}
	l.events = append(l.events, ev)
}

// hear sends lines of the server.
func (l *lab) hear(lines ...string) {
	l.t.Helper()
	for _, line := range lines {
		if err := l.c.onLines([]string{line}); err != nil {
			l.t.Fatalf("%q ends the connection: %v", line, err)
		}
	}
}

// after advances the clock.
func (l *lab) after(d time.Duration) {
	l.clock = l.clock.Add(d)
	l.c.tick()
}

// do checks that a command was accepted, and executes the queue.
func (l *lab) do(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	for c, ok := l.c.link.queue.pop(); ok; c, ok = l.c.link.queue.pop() {
		c.do(l.c)
	}
}

// sent returns the lines sent since its last call.
func (l *lab) sent() []string {
	l.t.Helper()
	l.c.flush()
	text := l.wire.String()
	l.wire.Reset()
	if text == "" {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if token, ok := strings.CutPrefix(line, "PING :"+fenceMark); ok && !l.mute {
			if l.slow {
				continue
			}
			l.hear(":irc.test PONG irc.test :" + fenceMark + token)
			continue
		}
		lines = append(lines, line)
		body := line
		if strings.HasPrefix(line, "@") {
			_, body, _ = strings.Cut(line, " ")
		}
		if len(body) > ircwire.MaxLine || strings.ContainsAny(line, "\r\n\x00") || body == "" {
			l.t.Errorf("an impossible line of %d bytes is sent: %.100q", len(body), line)
		}
	}
	return lines
}

func (l *lab) wantSent(want ...string) {
	l.t.Helper()
	if got := l.sent(); !slices.Equal(got, want) {
		l.t.Errorf("sent %q\nwant %q", got, want)
	}
}

// want checks all events since its last call.
func (l *lab) want(want ...legacy.Event) {
	l.t.Helper()
	got := l.events
	l.events = nil
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			l.t.Errorf("also got %s", show(got[i]))
		case i >= len(got):
			l.t.Errorf("did not get %s", show(want[i]))
		case !reflect.DeepEqual(plainError(got[i]), plainError(want[i])):
			l.t.Errorf("got  %s\nwant %s", show(got[i]), show(want[i]))
		}
	}
}

func show(ev legacy.Event) string { return fmt.Sprintf("%T%+v", ev, ev) }

// fails returns an error of a kind, with any text.
func fails(kind legacy.Kind) error { return &legacy.Error{Kind: kind} }

// plainError reduces an event's error to its kind.
func plainError(ev legacy.Event) legacy.Event {
	v := reflect.New(reflect.TypeOf(ev)).Elem()
	v.Set(reflect.ValueOf(ev))
	if f := v.FieldByName("Err"); f.IsValid() && !f.IsNil() {
		f.Set(reflect.ValueOf(fails(legacy.KindOf(f.Interface().(error)))))
	}
	return v.Interface().(legacy.Event)
}

// take returns the only event, of the given type.
func take[E legacy.Event](l *lab) E {
	l.t.Helper()
	var e E
	if len(l.events) != 1 {
		l.t.Fatalf("got %+v, want one %T", l.events, e)
	}
	e, ok := l.events[0].(E)
	if !ok {
		l.t.Fatalf("got %s, want %T", show(l.events[0]), e)
	}
	l.events = nil
	return e
}

// enter joins alice to a channel with some other members.
func (l *lab) enter(name string, names ...string) legacy.Peer {
	l.t.Helper()
	peer := legacy.Peer{ID: l.s.net.id(name, l.c.link.server), Room: true}
	l.do(l.s.JoinRoom(l.t.Context(), peer, l.c.nick, ""))
	l.hear(":alice!u@h JOIN "+name, fmt.Sprintf(":irc.test 353 alice = %s :alice %s", name, strings.Join(names, " ")), ":irc.test 366 alice "+name+" :End")
	l.sent()
	if joined := take[legacy.RoomJoined](l); joined.Room != peer {
		l.t.Fatalf("joined %+v", joined)
	}
	return peer
}
