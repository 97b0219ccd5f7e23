package component_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
)

const mib = 1 << 20

// budget is a setup with a memory budget of 100 MiB.
func budget(asked chan string) (setup, func(used uint64), *logs) {
	log := &logs{}
	m := component.NewMemory(100*mib, zerolog.New(log))
	s := setup{network: newRoomy(asked), users: []string{alice, bob}, config: func(cfg *component.Config) {
		cfg.Memory = m
		cfg.Policy.Admins = []string{alice}
	}}
	return s, func(used uint64) { m.Sample(used * mib) }, log
}

// What is refused first when the memory budget is used up, and what never is.
func TestMemoryBudget(t *testing.T) {
	asked := make(chan string, 100)
	s, used, log := budget(asked)
	stage(t, s, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		const guest, stranger = "guest@example.org/pc", "stranger@example.org/pc"
		join := func(from, room, id string) {
			w.Send("<presence from='" + from + "' to='" + room + "@" + gw + "/nick' id='" + id + "'>" + nsMUC + "</presence>")
			w.settle()
		}
		refused := func(stanza string) {
			t.Helper()
			e := w.Expect(stanza)
			if isError(t, e, "resource-constraint", "wait", "500"); !strings.Contains(e.String(), "The gateway is short of memory, and accepts nothing new for now. Try again in a few minutes.") {
				t.Errorf("got %s", e)
			}
		}
		chats := func() {
			t.Helper()
			w.message(phone, carol, "m", "hello")
			if got := legacytest.Expect[legacytest.Send](t, h); got.Text != "hello" {
				t.Errorf("the network got %q", got.Text)
			}
			w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "'><body>hello</body></message>")
		}
		joined := func(room string) {
			t.Helper()
			join(phone, room, "")
			if got := <-asked; got != "join "+room+" " {
				t.Errorf("asked for %q", got)
			}
			w.emit(h, legacy.RoomJoined{Room: legacy.Peer{ID: room, Room: true}, Nick: "nick"})
			w.Take()
		}
		chats()
		used(79)
		joined("#early")
		join(guest, "#early", "g0")
		if got := <-asked; got != "join #early " {
			t.Errorf("asked for %q", got)
		}
		w.emit(w.echo.Session("nick"), legacy.RoomJoined{Room: legacy.Peer{ID: "#early", Room: true}, Nick: "nick"})
		w.Take()

		used(80)
		join(stranger, "#early", "s1")
		refused("<presence type='error' id='s1'/>")
		w.message(stranger, gw, "h1", "help")
		refused("<message type='error' id='h1'/>")
		w.Send("<iq type='set' from='" + stranger + "' to='" + gw + "' id='r1'><query xmlns='jabber:iq:register'><username>stranger</username><password>x</password></query></iq>")
		refused("<iq type='error' id='r1'/>")
		w.Send("<iq type='set' from='" + guest + "' to='" + gw + "' id='r2'><query xmlns='jabber:iq:register'><username>guest</username><password>x</password></query></iq>")
		refused("<iq type='error' id='r2'/>")
		w.presence(bob+"/desk", gw, "") // a sign-on
		away := w.Expect("<presence from='" + gw + "' to='" + bob + "' type='unavailable'/>")
		if !strings.Contains(away.String(), "short of memory") {
			t.Errorf("bob is told %s", away)
		}
		w.settle()
		w.Take()
		chats()
		joined("#second")
		w.writes(guest, "ping") // a guest who is signed on is served
		w.Take()

		used(90)
		join(phone, "#third", "j3")
		refused("<presence type='error' id='j3'/>")
		chats()

		used(86)
		join(phone, "#third", "j4")
		refused("<presence type='error' id='j4'/>")
		used(84)
		joined("#third")
		join(stranger, "#early", "s2")
		refused("<presence type='error' id='s2'/>")

		text := w.writes(phone, "statistics")
		if want := "Memory budget: 84 of 100 MiB used, strangers, registrations and sign-ons are refused. Refused since the start: "; !strings.Contains(text, want) {
			t.Errorf("the statistics are %q, want %q", text, want)
		}
		used(74)
		w.pass(time.Minute) // bob's sign-on is tried again
		w.Expect("<presence from='" + fullJID(gw) + "' to='" + bob + "' type=''/>")
		used(78)
		used(50)
		if n := strings.Count(log.String(), `"level":"warn"`); n != 1 || strings.Count(log.String(), `"level":"info"`) != 1 {
			t.Errorf("the log is\n%s", log)
		}
	})
}

// At the last level, caches are dropped: avatars, and the history of rooms.
func TestMemoryCaches(t *testing.T) {
	asked := make(chan string, 100)
	s, used, _ := budget(asked)
	stage(t, s, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		join := "<presence from='" + laptop + "' to='" + club + "/alice'>" + nsMUC + "</presence>"
		w.enter(h, asked, phone, legacy.RoomJoined{Nick: "alice"})
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "earlier"})
		w.Take()
		used(95)
		w.settle()
		w.Send(join)
		w.settle()
		for _, e := range w.Take() {
			if strings.Contains(e.String(), "earlier") {
				t.Error("the history is still there")
			}
		}
		w.emit(h, legacy.RoomMessage{Room: clubPeer, Nick: "bob", Text: "later"})
		w.Expect("<message type='groupchat' to='" + phone + "'><body>later</body></message>")
	})
}

// No more guests than maxArriving are joining at the same time.
func TestArrivingGuests(t *testing.T) {
	const most = 1000
	asked := make(chan string, 10*most)
	stage(t, setup{network: newRoomy(asked)}, func(t *testing.T, w *world) {
		join := func(i int) {
			name := "g" + strings.Repeat("x", i%10) + string(rune('a'+i/10%10)) + string(rune('a'+i/100%10)) + string(rune('a'+i/1000))
			w.Send("<presence from='" + name + "@example.org/pc' to='" + club + "/" + name + "' id='" + name + "'>" + nsMUC + "</presence>")
		}
		for i := range most {
			join(i)
		}
		w.settle()
		w.Refute("<presence type='error'/>")
		join(most)
		e := w.Expect("<presence type='error'/>")
		if isError(t, e, "resource-constraint", "wait", "500"); !strings.Contains(e.String(), "Too many guests are joining at once. Try again in a minute.") {
			t.Errorf("got %s", e)
		}
		w.emit(w.echo.Session("gaaa"), legacy.RoomJoined{Room: clubPeer, Nick: "gaaa"})
		w.Take()
		join(most)
		w.settle()
		w.Refute("<presence type='error'/>")
		w.pass(2 * time.Minute) // the joins expire
		w.Take()
		for i := range most {
			join(most + 1 + i)
		}
		w.settle()
		w.Refute("<presence type='error'/>")
	})
}
