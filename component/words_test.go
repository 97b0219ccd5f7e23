package component_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// writes sends words to the gateway, and returns what it answers to them.
func (w *world) writes(from, text string) string {
	w.t.Helper()
	w.message(from, gw, "w", text)
	w.settle()
	return w.heard(from)
}

// heard is what the gateway has said to a client.
func (w *world) heard(to string) string {
	w.t.Helper()
	var said []string
	for _, e := range w.Take() {
		if e.Name == "message" && e.Attr("to") == to && strings.HasPrefix(e.Attr("from"), gw) {
			if e.Attr("type") != "chat" {
				w.t.Errorf("that is no readable answer: %s", e)
			}
			said = append(said, e.ChildText("jabber:component:accept", "body"))
		}
	}
	return strings.Join(said, "\n---\n")
}

// A conversation is what a user writes, and in turn what must be in the answer.
func (w *world) conversation(from string, turns ...string) {
	w.t.Helper()
	for i := 0; i < len(turns); i += 2 {
		if got := w.writes(from, turns[i]); !strings.Contains(got, turns[i+1]) || turns[i+1] == "" && got != "" {
			w.t.Errorf("writes %q and hears %q, want %q in it", turns[i], got, turns[i+1])
		} else if strings.Contains(got, hidden) {
			w.t.Errorf("%q is answered with a password: %q", turns[i], got)
		}
	}
}

// Who writes no more than the word is asked for one thing after the other.
func TestRegisterDialogue(t *testing.T) {
	stage(t, setup{echo: legacytest.Options{Accounts: map[string]string{"alice": hidden}}}, func(t *testing.T, w *world) {
		w.conversation(phone,
			"help", "register NAME PASSWORD: register with this gateway",
			"register", "Enter your name and password on the Echo network.\nName?\nWrite your answer, or cancel to stop.",
			"alice", "Password?",
			"cancel", "Cancelled; nothing was changed.",
			"register alice", "Password?",
			"wrong", "name and password",
			"register", "Name?",
			"a@b", "Password?",
			hidden, "An Echo name has", // and the name is asked for again
			"alice", "You are registered, and signed on to Echo.\nYour client keeps the message with your password: delete it there.",
		)
		if a, ok := w.account(alice); !ok || a.Fields["password"] != hidden {
			t.Error("not registered")
		}
		w.conversation(phone, "register alice x", "You are registered already, as alice.", "password "+hidden, "signed on to Echo.")
	})
}

// Answers are one client's, and are waited for ten minutes. What comes late is not
// repeated: it may be a password.
func TestDialogueBounds(t *testing.T) {
	stage(t, setup{}, func(t *testing.T, w *world) {
		w.conversation(phone, "register alice", "Password?")
		w.conversation(laptop, hidden, "I do not know that command.")
		w.pass(11 * time.Minute)
		w.conversation(phone, hidden, "You took too long to answer", hidden, "I do not know that command.")
		for range 10 { // a new word takes the place of what was asked for
			w.conversation(phone, "register", "Name?", "register bob", "Password?", "cancel", "Cancelled; nothing was changed.")
		}
	})
}

// A word that ends something asks first.
func TestUnregisterByWords(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.conversation(phone, "unregister", "Your account on Echo stays.\nWrite yes to go on", "no", "Cancelled; nothing was changed.")
		if _, there := w.account(alice); !there {
			t.Fatal("gone without a yes")
		}
		w.conversation(phone, "unregister", "Write yes", "Yes", "Your account was removed from this gateway.")
		if _, there := w.account(alice); there {
			t.Error("still registered")
		}
		w.conversation(phone, "unregister", "not registered")
	})
}

// add and remove: the network's list, the user's roster, and errors that can be read.
func TestContactsByWords(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, gw, "w", "add Carol Carol of the valley")
		w.Expect("<presence type='subscribe' from='" + carol + "' to='" + alice + "'><nick xmlns='http://jabber.org/protocol/nick'>Carol of the valley</nick></presence>")
		if added := legacytest.Expect[legacytest.AddContact](t, h); added.Contact.Peer.ID != "carol" || added.Contact.Name != "Carol of the valley" {
			t.Errorf("added %+v", added)
		}
		w.settle()
		if got := w.heard(phone); !strings.HasPrefix(got, carol+" is added to your contacts.") {
			t.Errorf("hears %q", got)
		}
		if !w.subscription(alice, "carol").Has(registry.To) {
			t.Errorf("the subscription is %v", w.subscription(alice, "carol"))
		}
		w.conversation(phone, "contacts", "You have 1 contact:\n"+carol+" (Carol of the valley)",
			"add ☃", "An Echo name has",
			"remove dave", "You have no contact with that address.",
			"export", carol+", carol, Carol of the valley",
			"remove "+carol, carol+" is removed from your contacts.",
			"remove", "The contact is removed from your list here and on the network.\nEcho name?", "cancel", "Cancelled; nothing was changed.",
			"contacts", "You have no contacts.")
		legacytest.Expect[legacytest.RemoveContact](t, h)
		h.End(legacy.Errorf(legacy.Temporary, "Gone."))
		w.settle()
		w.conversation(phone, "add dan", "dan@"+gw+" is added once you are signed on. You are not signed on: the network cannot be reached.")
	})
}

// The network's refusal of a contact is the answer to the word.
func TestAddRefused(t *testing.T) {
	network := func(n legacy.Network) legacy.Network { return unmoved{n} }
	stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.conversation(phone, "add dan", "")
		w.emit(h, legacy.ContactFailed{Peer: legacy.Peer{ID: "dan"}, Err: legacy.Errorf(legacy.NotFound, "There is no dan.")})
		if got := w.heard(phone); got != "There is no dan." {
			t.Errorf("hears %q", got)
		}
		w.conversation(phone, "add dan", "")
		h.End(legacy.Errorf(legacy.Temporary, "Gone."))
		w.settle()
		if got := w.heard(phone); !strings.Contains(got, "You were signed off before the network confirmed that.") {
			t.Errorf("hears %q", got)
		}
	})
}

// unmoved is a network that says nothing to changes of contacts.
type unmoved struct{ legacy.Network }

func (n unmoved) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	return unmovedSession{s}, err
}

type unmovedSession struct{ legacy.Session }

func (unmovedSession) AddContact(context.Context, legacy.Contact, string) error   { return nil }
func (unmovedSession) RemoveContact(context.Context, legacy.Peer) error           { return nil }
func (unmovedSession) Authorize(context.Context, legacy.Peer, bool, string) error { return nil }

// Rooms by words, and by the same commands in forms.
func TestRoomsByWords(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, gw, "w", "join #club")
		w.Expect("<message from='" + club + "' to='" + phone + "'><x xmlns='" + nsUser + "'><invite from='" + gw + "'/></x><x xmlns='jabber:x:conference' jid='" + club + "'/></message>")
		w.settle()
		if got := w.heard(phone); got != "The gateway has invited your client to "+club+". If your client shows no invitation, open xmpp:%23club@"+gw+"?join" {
			t.Errorf("hears %q", got)
		}
		w.conversation(phone, "join carol", "That is not a room. The name of a room looks like room.", "nick Al", "You are not in a room.")
		joined := w.stepper(phone, gw, "join-room")("room", "#club")
		w.mustMatch(joined, "<command xmlns='"+nsCommands+"' status='completed'><x xmlns='"+nsData+"'><field var='room' type='jid-single'><value>"+club+"</value></field></x></command>")

		list := legacy.RoomsListed{Rooms: []legacy.ListedRoom{
			{Room: legacy.Peer{ID: "#tea", Room: true}, Topic: "Tea, and cakes", Occupants: 2},
			{Room: clubPeer, Topic: "Cakes", Occupants: 30}, {Room: legacy.Peer{ID: "#x", Room: true}}}}
		w.conversation(phone, "list *CAKE*", "")
		list.Ref = w.hear(asked, `list * ""`)
		w.emit(h, list)
		if got := w.heard(phone); got != "Found 2 rooms.\n"+club+", 30, Cakes\n#tea@"+gw+", 2, Tea, and cakes" {
			t.Errorf("hears %q", got)
		}
		w.stepper(phone, gw, "list-rooms")("name", "tea")
		list.Ref = w.hear(asked, `list * ""`)
		w.emit(h, list)
		w.Expect("<iq type='result' id='c'><command xmlns='" + nsCommands + "' status='completed'><note>Found 1 room.</note><x xmlns='" + nsData + "'><item><field var='jid'><value>#tea@" + gw + "</value></field></item></x></command></iq>")
		w.conversation(phone, "list", "")
		w.emit(h, legacy.RoomsListed{Ref: w.hear(asked, `list * ""`), Err: legacy.Errorf(legacy.Forbidden, "No lists here.")})
		if got := w.heard(phone); got != "No lists here." {
			t.Errorf("hears %q", got)
		}

		w.enter(h, asked, phone, legacy.RoomJoined{})
		w.conversation(phone, "help", "nick NEW: ", "nick Al", "")
		w.hear(asked, "nick Al")
		w.emit(h, legacy.OccupantRenamed{Room: clubPeer, Old: "alice", New: "Al"})
		if got := w.heard(phone); got != "Your nick is now Al." {
			t.Errorf("hears %q", got)
		}
		w.conversation(phone, "nick", "New nick?", "Bo", "")
		w.hear(asked, "nick Bo")
		w.emit(h, legacy.RoomFailed{Room: clubPeer, Nick: true, Err: legacy.Errorf(legacy.Conflict, "Bo is somebody else.")})
		if got := w.heard(phone); got != "Bo is somebody else.\nNew nick?\nWrite your answer, or cancel to stop." {
			t.Errorf("hears %q", got)
		}
		w.conversation(phone, "cancel", "Cancelled; nothing was changed.")
	})
}

// Settings are shown, and changed one by one.
func TestSettingsByWords(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.conversation(phone,
			"settings", "stay = no: Stay signed on while I am offline\n",
			"settings", "\nTo change one, write: settings NAME VALUE",
			"settings stay yes", "Your settings are stored.",
			"settings", "stay = yes: ",
			"settings stay perhaps", "Write yes or no.",
			"settings color blue", "There is no setting with that name.",
			"settings max_history_length many", "Enter a number of lines",
			"account", "username = alice: Name\npassword = (not shown): ",
			"logout", "You have signed off.",
			"account username alice", "You are registered. You have signed off.",
			"login", "You are being signed on.",
			"server-configure nick a b", "A nick has no spaces.",
			"server-configure nick ab", "Your settings are stored.",
		)
		if a, _ := w.account(alice); a.Options["stay"] != "1" || len(a.Options) != 2 {
			t.Errorf("stored are %v", a.Options)
		}
	})
}

// A network's commands have words without more ado; in capitals, words are the network's
// own where it takes them.
func TestWordsOfNetworks(t *testing.T) {
	asked := make(chan string, 100)
	stage(t, setup{network: newCity(asked), echo: silence, users: []string{alice}}, func(t *testing.T, w *world) {
		const early = "<message type='chat' from='" + phone + "' to='" + gw + "' id='early'><body>LIST >50</body></message>"
		w.Send(early)
		w.expectError("<message id='early' from='"+gw+"' to='"+phone+"'/>", "recipient-unavailable", "wait")
		w.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		w.Send(early)
		h := w.echo.Session("alice")
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.Text != "LIST >50" || !sent.To.Service {
			t.Errorf("sent %+v", sent)
		}
		w.settle()
		w.Take()
		w.conversation(bob+"/x", "STATS u", "I do not know that command.") // a stranger
		w.conversation(phone, "help", "raw LINE: A line", "raw WHO me", "")
		w.emit(h, legacy.CommandDone{Ref: w.hear(asked, `do * "" raw map[line:WHO me]`), Text: "me is you"})
		if got := w.heard(phone); got != "me is you" {
			t.Errorf("hears %q", got)
		}
		w.conversation(phone, "LIST >100", "")
		if sent := legacytest.Expect[legacytest.Send](t, h); sent.Text != "LIST >100" || !sent.To.Service {
			t.Errorf("sent %+v", sent)
		}
		// A password that comes too late is nothing for the network to see.
		w.conversation(phone, "password", "Password?")
		w.pass(11 * time.Minute)
		w.run(phone, "status", "", "") // what was asked is forgotten by now
		w.conversation(phone, hidden, "You took too long to answer")
		legacytest.Refute[legacytest.Send](t, h)
		w.nothingAsked(asked)
	})
}

// What is for administrators is nobody else's word.
func TestWordsOfAdministrators(t *testing.T) {
	config := func(c *component.Config) { c.Policy.Admins = []string{bob} }
	stage(t, setup{users: []string{alice}, config: config}, func(t *testing.T, w *world) {
		w.signOn(phone)
		w.conversation(phone, "announce", "I do not know that command.")
		w.conversation(bob+"/x", "get-registered-users-num", "Registered users: 1",
			"user-stats", "JIDs of the users?", alice, alice+": You are signed on to Echo.",
			"announce", "Text?", "tea is ready", "Sent to 1 user.")
	})
}
