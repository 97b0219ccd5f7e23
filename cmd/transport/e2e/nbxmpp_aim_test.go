package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// TestNBXMPPAIM tests a contact and a room on AIM, where addresses are names, and rooms
// have no affiliations.
func TestNBXMPPAIM(t *testing.T) {
	const name, doraAIM, room = "Alice AIM", "doraexplorer@" + aimDomain, "#lobby@" + aimDomain
	w := newClientWorld(t, true)
	w.mock.EditFeedbag(name, oscarwire.FeedbagInsert,
		oscarwire.FeedbagItem{Name: "Buddies", GroupID: 7, Class: oscarwire.FeedbagGroup},
		oscarwire.FeedbagItem{Name: "doraexplorer", GroupID: 7, ItemID: 71, Class: oscarwire.FeedbagBuddy})
	dora := w.mock.Bot("Dora Explorer", oscarmock.BotOptions{})
	dora.SignOn()
	dora.EnterRoom("Lobby")
	w.start()
	w.waitLinks(2)
	alice := w.nbxmpp(aliceJID + "/one")
	if info := alice.disco(aimDomain); !slices.Contains(info.Is, "is_gateway") || !slices.Contains(info.Is, "is_muc") {
		t.Errorf("the gateway is %s", info.XML)
	}
	alice.registerBy(aimDomain, name)
	alice.push("dora", func(i lab.RosterItem) bool {
		return i.JID == doraAIM && i.Subscription == "both" && i.Name == "Dora Explorer" && slices.Equal(i.Groups, []string{"Buddies"})
	})
	seen := alice.presence(doraAIM, "available")
	if len(alice.online(doraAIM)) != 1 {
		t.Errorf("dora is online at %q", alice.online(doraAIM))
	}
	if info := alice.capabilities(seen); !slices.Contains(info.Features, chatStates) {
		t.Errorf("dora does not type: %s", info.XML)
	}
	dora.SetTyping(name, oscarwire.TypingBegun)
	if typing := alice.expect("dora's typing", func(e *lab.ProbeEvent) bool { return e.ChatState == "composing" }); typing.JID != seen.JID {
		t.Errorf("%s types, %s is online", typing.JID, seen.JID)
	}

	// AIM sets the nick: the screen name.
	self := alice.enter(room, "alice")
	if self.Resource() != name || !self.Has("is_nickname_modified") || self.MUCUser.JID != aliceJID {
		t.Errorf("the own presence is %s", self.XML)
	}
	there := alice.last(room+"/Dora Explorer", "available").MUCUser
	if there.JID != doraAIM {
		t.Errorf("dora is %+v", there)
	}
	for _, to := range []string{"owner", "admin", "member", "outcast"} {
		if mayMake(self.MUCUser, there, to) {
			t.Errorf("alice is offered to make dora %s, which AIM cannot", to)
		}
	}
	reads := func(words ...string) {
		t.Helper()
		select {
		case m := <-dora.Messages():
			for _, word := range words {
				if !strings.Contains(m.Text, word) {
					t.Errorf("dora reads %q, want %q in it", m.Text, word)
				}
			}
		case <-time.After(longEnough):
			t.Fatal("dora gets no message")
		}
	}
	alice.groupchat(room, "m1", "teh cat", "")
	reads("teh cat")
	own := archiveID(alice.message("teh cat"))
	alice.groupchat(room, "m2", "the cat", "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>")
	reads("* the cat")
	alice.message("the cat")
	alice.groupchat(room, "r1", "", "<reactions xmlns='urn:xmpp:reactions:0' id='"+own+"'><reaction>😹</reaction></reactions>")
	reads("😹", "cat")
	alice.expect("the reaction", func(e *lab.ProbeEvent) bool {
		return e.Reactions != nil && e.Reactions.ID == own && slices.Equal(e.Reactions.Emojis, []string{"😹"}) && e.Body == ""
	})
	if got := alice.shown(room); !slices.Equal(got, []string{name + ": the cat"}) {
		t.Errorf("alice is shown %q", got)
	}
	alice.noRequests()
	alice.noWarnings()
}
