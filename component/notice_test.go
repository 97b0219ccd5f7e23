package component_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

var serverPeer = legacy.Peer{ID: "server.net", Service: true}

var nickServ = legacy.Peer{ID: "nickserv"}

const serverJID = "server.net@" + gw

// stays is a world whose user stays signed on while all clients are offline.
func stays(t *testing.T, f func(t *testing.T, w *world, h *legacytest.Handle)) {
	t.Helper()
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		if err := w.db.SetOptions(context.Background(), gw, alice, map[string]string{"stay": "1"}); err != nil {
			t.Fatal(err)
		}
		f(t, w, w.signOn(phone))
	})
}

// XEP-0203 §2: what a service says to a user without a client waits for one, and is one
// message then; the server would store each as a chat of its own.
func TestNoticesWait(t *testing.T) {
	stays(t, func(t *testing.T, w *world, h *legacytest.Handle) {
		say := func(texts ...string) {
			for _, text := range texts {
				w.emit(h, legacy.Notice{From: serverPeer, Text: text})
			}
		}
		say("at once")
		w.Next("<message type='chat' from='" + fullJID(serverJID) + "' to='" + alice + "'><body>at once</body></message>")
		w.presence(phone, gw, "unavailable")
		w.settle()
		w.Take()
		say("one", "two\n \nthree")
		w.emit(h, legacy.Notice{Text: "Down on Sunday."})
		w.Refute("<message/>")
		w.emit(h, legacy.MessageReceived{From: nickServ, Text: "You are now identified.", Service: true})
		w.Refute("<message/>")
		// What people say does not wait: the server stores it.
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "hello"})
		w.Expect("<message from='" + fullJID(carol) + "'><body>hello</body></message>")
		// RFC 6121 §4.7.2.3: a client with a negative priority wants no messages
		w.Send("<presence from='" + laptop + "' to='" + gw + "'><priority>-1</priority></presence>")
		w.settle()
		w.Refute("<message/>")
		said := time.Now()
		w.pass(time.Hour)
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		w.settle()
		delay := "<delay xmlns='urn:xmpp:delay' from='" + gw + "' stamp='" + said.UTC().Format("2006-01-02T15:04:05.000Z") + "'/>"
		w.Expect("<message type='chat' from='" + fullJID(serverJID) + "' to='" + alice + "'><body>one\ntwo\nthree</body>" + delay + "</message>")
		w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'><body>Down on Sunday.</body>" + delay + "</message>")
		w.Expect("<message type='chat' from='" + fullJID("nickserv@"+gw) + "' to='" + alice + "'><body>You are now identified.</body>" + delay + "</message>")
		w.Refute("<message/>")
		say("again at once")
		w.Expect("<message from='" + fullJID(serverJID) + "'><body>again at once</body></message>")
		w.emit(h, legacy.MessageReceived{From: nickServ, Text: "a bold line", Service: true, Markup: []legacy.Span{{Text: "a "}, {Text: "bold", Style: legacy.Bold}, {Text: " line"}}})
		w.Expect("<message from='" + fullJID("nickserv@"+gw) + "'><body>a *bold* line</body></message>")
	})
}

// The newest lines are kept; a client whose presence is not seen gets them once it sends
// something; and a user who leaves altogether gets one message for later.
func TestNoticeBounds(t *testing.T) {
	stays(t, func(t *testing.T, w *world, h *legacytest.Handle) {
		w.presence(phone, gw, "unavailable")
		w.settle()
		w.Take()
		for i := range 60 {
			w.emit(h, legacy.Notice{From: serverPeer, Text: fmt.Sprint("line ", i)})
		}
		w.emit(h, legacy.Notice{Text: strings.Repeat("ä", 20000)})
		for i := range 100 {
			w.emit(h, legacy.Notice{From: legacy.Peer{ID: fmt.Sprint("s", i), Service: true}, Text: "x"})
		}
		w.message(phone, gw, "h", "help")
		w.settle()
		senders := 0
		for _, e := range w.Take() {
			if e.Name != "message" || e.Child("urn:xmpp:delay", "delay") == nil {
				continue
			}
			body := e.ChildText(nsComponent, "body")
			switch senders++; e.Attr("from") {
			case serverJID:
				if lines := strings.Split(body, "\n"); len(lines) != 51 || lines[0] != "(10 earlier lines were left out.)" || lines[50] != "line 59" {
					t.Errorf("got %q", body)
				}
			case gw:
				if len(body) > 8<<10 || !strings.HasSuffix(body, "…") {
					t.Errorf("%d bytes", len(body))
				}
			}
		}
		if senders != 32 {
			t.Errorf("%d services", senders)
		}
		w.emit(h, legacy.Notice{From: serverPeer, Text: "an answer"})
		w.Expect("<message from='" + fullJID(serverJID) + "'><body>an answer</body></message>")
		w.pass(2 * time.Minute)
		w.emit(h, legacy.Notice{From: serverPeer, Text: "a"}, legacy.Notice{From: serverPeer, Text: "b"})
		w.Refute("<message/>")
		w.stop()
		w.Expect("<message from='" + fullJID(serverJID) + "'><body>a\nb</body></message>")
		w.Refute("<message/>")
	})
}

// What the gateway itself has to say waits as well.
func TestGatewayNoticeWaits(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked)}, func(t *testing.T, w *world) {
		err := w.db.PutAccount(context.Background(), registry.Account{Network: gw, User: alice, Login: "alice",
			Fields: map[string]string{"username": "alice", "password": hidden, legacy.RoomsField: "#club"}, Options: map[string]string{"stay": "1"}})
		if err != nil {
			t.Fatal(err)
		}
		h := w.signOn(phone)
		w.hear(asked, "join #club ")
		w.presence(phone, gw, "unavailable")
		w.pass(time.Minute)
		w.Take()
		w.emit(h, legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Forbidden, "You are banned.")})
		w.Refute("<message/>")
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		w.settle()
		w.Expect("<message type='chat' from='" + fullJID(gw) + "' to='" + alice + "'><body>You could not join " + club + ": You are banned.</body><delay xmlns='urn:xmpp:delay'/></message>")
	})
}
