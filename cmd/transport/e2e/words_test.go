package e2e

import (
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// converse writes words to a gateway, alternating with the expected answers.
func (p *person) converse(domain string, turns ...string) {
	p.w.t.Helper()
	for i := 0; i < len(turns); i += 2 {
		p.say(domain, "", turns[i])
		p.expect("the answer to "+turns[i]+", "+turns[i+1], func(e *element.Element) bool {
			return lab.From(e, domain) && e.Name == "message" && strings.Contains(e.ChildText(lab.NSClient, "body"), turns[i+1])
		})
	}
}

// TestWordsOnly runs everything by words, like a user whose client shows no forms.
func TestWordsOnly(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.start()
		w.waitLinks(2)
		alice := w.login(aliceJID + "/one")
		alice.converse(icqDomain, "help", "register ICQ-NUMBER PASSWORD: ", "register", "ICQ number?",
			demo.AliceUIN, "Password?", "wrong", "ICQ does not accept the password.", "register "+demo.AliceUIN+" "+networkPass, "You are registered, and signed on to ICQ.")
		alice.registered(icqDomain)
		w.signedOn(demo.AliceUIN)
		alice.converse(icqDomain, "status", "You are signed on to ICQ.", "add ☃", "ICQ number",
			"add "+demo.BobUIN+" Bob the builder", bobICQ+" is added to your contacts.")
		alice.presence(bobICQ, "subscribe", "")
		alice.converse(icqDomain, "contacts", "1 contact:\n"+bobICQ+" (Bob the builder)", "settings stay yes", "Your settings are stored.",
			"settings", "stay = yes", "remove "+demo.BobUIN, bobICQ+" is removed from your contacts.", "contacts", "You have no contacts.",
			"unregister", "Write yes", "yes", "Your account was removed from this gateway.", "status", "You are not registered with this gateway.")
		w.signedOff(demo.AliceUIN)
		w.expectNoSecrets()
	})
}

// words runs the commands of channels by words.
func (s *ircScene) words() {
	s.alice.converse(ircDomain, "join #club", "The gateway has invited your client to "+clubRoom, "list cl", "Found 1 room.\n"+clubRoom, "nick Alicia", "Your nick is now Alicia.")
	s.bob.expect("NICK")
	s.alice.converse(ircDomain, "nick bob", "already in use", "nick alice", "Your nick is now alice.")
	s.bob.expect("NICK")
}
