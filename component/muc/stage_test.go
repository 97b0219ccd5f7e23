package muc

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/component/componenttest"
	"transport/component/element"
	"transport/component/peers"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// These tests run rooms without a component, a network and an XMPP server: the user is a
// stage, the link collects what is written, and the test emits the network's events.

const (
	gw     = "gw.example.org"
	alice  = "alice@example.org"
	phone  = alice + "/phone"
	laptop = alice + "/laptop"
	club   = "#club@" + gw
	join   = "<x xmlns='http://jabber.org/protocol/muc'/>"
	nsUser = "http://jabber.org/protocol/muc#user"
)

var clubPeer = legacy.Peer{ID: "#club", Room: true}

// stage is the host of the rooms under test, their link, their clock and the session.
type stage struct {
	*testing.T
	Rooms
	shared  *Shared
	archive *registry.DB

	now       time.Time
	written   []*element.Element // by the rooms, not taken yet
	asked     []string           // of the network, not taken yet
	offline   bool               // there is no session
	refused   *stanza.Error
	account   registry.Account
	answers   map[string]func(legacy.Event) // of queries, by ref
	sent      []string                      // texts for the network, not taken yet
	notices   []string
	presences int
}

// newStage returns a user in no room. keep is how long the archive keeps lines, 0 for no
// archive.
func newStage(t *testing.T, keep, linger time.Duration) *stage {
	t.Helper()
	s := &stage{T: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), answers: make(map[string]func(legacy.Event)),
		account: registry.Account{Network: gw, User: alice, Fields: map[string]string{"username": "alice"}}}
	dir := t.TempDir()
	var err error
	s.archive, err = registry.Open(context.Background(), registry.Options{Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	network := network{}
	s.shared = &Shared{Peers: &peers.Map{Domain: gw, Network: network, Info: network.Info()}, Clock: (*stageClock)(s), Link: (*stageLink)(s),
		Archive: NewArchive(s.archive, gw, ArchiveLimits{Keep: keep, Lines: 1000}, (*stageClock)(s), zerolog.Nop()),
		Secret:  "s", Linger: linger, Received: new(atomic.Int64)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.shared.Archive.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		s.archive.Close()
	})
	log := zerolog.Nop()
	s.Rooms = NewRooms(context.Background(), s.shared, (*stageHost)(s), noMarks{}, alice, &log)
	return s
}

// noMarks are the read positions of a network without any.
type noMarks struct{}

func (noMarks) Note(legacy.Peer, string, time.Time) {}
func (noMarks) IsMarkable(legacy.Peer, string) bool { return false }

type stageClock stage

func (c *stageClock) Now() time.Time { return c.now }

type stageLink stage

func (l *stageLink) Write(b []byte) error {
	e, err := stanza.Parse(b)
	if err != nil {
		l.Fatalf("%s is written: %v", b, err)
	}
	l.written = append(l.written, e)
	return nil
}

func (l *stageLink) Send(e *element.Element) { l.written = append(l.written, e) }

// stageHost is the user as the rooms see it.
type stageHost stage

func (h *stageHost) Login() Login {
	if h.offline {
		return Login{Offline: &stanza.ErrNotOnline, Refused: h.refused}
	}
	return Login{Session: &session{(*stage)(h)}, Refused: h.refused, Online: true}
}

func (h *stageHost) Account() Account { return Account{Account: &h.account} }

func (h *stageHost) SetOption(name, value string) *stanza.Error {
	if h.account.Options == nil {
		h.account.Options = make(map[string]string)
	}
	h.account.Options[name] = value
	return nil
}

func (h *stageHost) Settings(legacy.Peer) ([]*element.Element, func(map[string][]string) *stanza.Error) {
	return nil, func(map[string][]string) *stanza.Error { return nil }
}

func (h *stageHost) Admit(string) (bool, *stanza.Error) { return false, nil }

func (h *stageHost) Query(_ *stanza.Request, answer func(legacy.Event), ask func(string) error) error {
	ref := fmt.Sprint("ref", len(h.answers))
	h.answers[ref] = answer
	return ask(ref)
}

func (h *stageHost) Send(_ *stanza.Inbound, to legacy.Peer, text string) bool {
	h.sent = append(h.sent, to.ID+" "+text)
	return true
}

func (h *stageHost) ShowPresence() { h.presences++ }

func (h *stageHost) Notify(text string) { h.notices = append(h.notices, text) }

// network is a network with rooms, whose names begin with #.
type network struct{}

func (network) Info() legacy.Info {
	return legacy.Info{Name: "Test", Type: "test", Features: legacy.FeatureRooms}
}

func (network) ParsePeer(name string) (legacy.Peer, error) {
	return legacy.Peer{ID: name, Room: strings.HasPrefix(name, "#")}, nil
}

func (network) Validate(map[string]string) error                              { return nil }
func (network) Login(map[string]string) string                                { return "" }
func (network) NewSession(legacy.Account, legacy.Env) (legacy.Session, error) { return nil, nil }

// session notes what the rooms ask of the network.
type session struct{ *stage }

func (s *session) note(format string, args ...any) error {
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
	return nil
}

func (s *session) Run(context.Context) error                   { return nil }
func (s *session) Send(context.Context, legacy.Outgoing) error { return nil }
func (s *session) JoinRoom(_ context.Context, r legacy.Peer, nick, _ string) error {
	return s.note("join %s as %s", r.ID, nick)
}
func (s *session) LeaveRoom(_ context.Context, r legacy.Peer, reason string) error {
	return s.note("leave %s %s", r.ID, reason)
}
func (s *session) SetNick(_ context.Context, r legacy.Peer, nick string) error {
	return s.note("nick %s %s", r.ID, nick)
}
func (s *session) Invite(_ context.Context, r, who legacy.Peer) error {
	return s.note("invite %s %s", r.ID, who.ID)
}
func (s *session) SetTopic(_ context.Context, r legacy.Peer, topic string) error {
	return s.note("topic %s %s", r.ID, topic)
}
func (s *session) Moderate(_ context.Context, ref string, r legacy.Peer, m legacy.Moderation) error {
	return s.note("moderate %s %s kick=%t", r.ID, m.Nick, m.Kick)
}

// stanza reads a stanza of the user.
func (s *stage) stanza(xml string) *stanza.Inbound {
	s.Helper()
	e, err := stanza.Parse([]byte(xml))
	if err != nil {
		s.Fatal(err)
	}
	st, err := stanza.Read(e, &stanza.Host{Domain: gw, Send: (*stageLink)(s).Send})
	if err != nil {
		s.Fatal(err)
	}
	return st
}

func (s *stage) presence(from, to, typ, payload string) {
	s.Helper()
	s.OnPresence(s.stanza("<presence from='"+from+"' to='"+to+"' type='"+typ+"'>"+payload+"</presence>"), clubPeer)
}

// say sends a room message, and returns it.
func (s *stage) say(from, id, payload string) *stanza.Inbound {
	s.Helper()
	st := s.stanza("<message type='groupchat' from='" + from + "' to='" + club + "' id='" + id + "'>" + payload + "</message>")
	s.OnMessage(st, clubPeer)
	return st
}

func (s *stage) iq(typ, from, to, payload string) {
	s.Helper()
	st := s.stanza("<iq type='" + typ + "' from='" + from + "' to='" + to + "' id='q'>" + payload + "</iq>")
	s.OnIQ(&stanza.Request{Inbound: st, Payload: st.First()}, clubPeer)
}

// emit has the network report something.
func (s *stage) emit(events ...legacy.Event) {
	s.Helper()
	for _, ev := range events {
		if !s.OnEvent(ev) {
			s.Errorf("%T is no event of a room", ev)
		}
	}
}

// joined brings clients into the room, with bob and zoe.
func (s *stage) joined(clients ...string) *Room {
	s.Helper()
	for _, full := range clients {
		s.presence(full, club+"/alice", "", join)
	}
	s.emit(roomJoined())
	s.written, s.asked = nil, nil
	return s.all["#club"]
}

func roomJoined() legacy.RoomJoined {
	return legacy.RoomJoined{Room: clubPeer, Nick: "alice", Topic: legacy.Topic{Text: "all sorts", By: "bob"},
		Occupants: []legacy.Occupant{{Nick: "zoe"}, {Nick: "alice"}, {Nick: "bob", Level: legacy.LevelOperator}}}
}

// expect checks all stanzas that were written since, in their order.
func (s *stage) expect(patterns ...string) {
	s.Helper()
	if len(s.written) != len(patterns) {
		s.Errorf("%d stanzas, want %d: %v", len(s.written), len(patterns), s.written)
	}
	for i, e := range s.written[:min(len(s.written), len(patterns))] {
		if !componenttest.Match(e, patterns[i]) {
			s.Errorf("stanza %d is %s\nwant %s", i, e, patterns[i])
		}
	}
	s.written = nil
}

// expectAsked checks what was asked of the network since.
func (s *stage) expectAsked(want ...string) {
	s.Helper()
	if strings.Join(s.asked, "\n") != strings.Join(want, "\n") {
		s.Errorf("the network was asked for %q, want %q", s.asked, want)
	}
	s.asked = nil
}

// occupantOf is a pattern of an occupant's presence.
func occupantOf(to, nick, typ string, codes ...string) string {
	x := ""
	for _, code := range codes {
		x += "<status code='" + code + "'/>"
	}
	return "<presence from='" + club + "/" + nick + "' to='" + to + "' type='" + typ + "'><x xmlns='" + nsUser + "'>" + x + "</x></presence>"
}
