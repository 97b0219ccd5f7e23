package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// ircServers are the IRC servers of the tests below.
var ircServers = map[string]func(context.Context) (*lab.IRC, error){
	"ngircd":      lab.Ngircd,
	"ircd-hybrid": lab.Hybrid,
	"inspircd":    func(ctx context.Context) (*lab.IRC, error) { return lab.Inspircd(ctx, lab.NoServices) },
}

const clubRoom = "#club@" + ircDomain

// ircScene is a channel with two XMPP users and one IRC user, who has created it.
type ircScene struct {
	*testing.T
	w            *world
	irc          *lab.IRC
	alice, carol *person
	bob          *ircUser
}

func (p *person) join(room, nick string) {
	p.w.t.Helper()
	p.send("<presence to='" + room + "/" + nick + "'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
}

var entries atomic.Int64

// enter joins and waits for the self-presence, which has the id of the request.
func (p *person) enter(room, nick string) *element.Element {
	p.w.t.Helper()
	return p.enterWith(room, nick, "")
}

// enterWith joins with a password.
func (p *person) enterWith(room, nick, key string) *element.Element {
	p.w.t.Helper()
	id := fmt.Sprint("enter", entries.Add(1))
	p.send("<presence to='" + room + "/" + nick + "' id='" + id + "'><x xmlns='http://jabber.org/protocol/muc'><password>" + key + "</password></x></presence>")
	return p.expect("the own presence", func(e *element.Element) bool { return e.Name == "presence" && e.Attr("id") == id })
}

func (p *person) groupchat(room, id, text string) {
	p.w.t.Helper()
	p.send("<message to='" + room + "' type='groupchat' id='" + id + "'><body>" + text + "</body></message>")
}

// body waits for a message with a text.
func (p *person) body(from, text string) *element.Element {
	p.w.t.Helper()
	return p.expect(fmt.Sprintf("%q from %s", text, from), func(e *element.Element) bool {
		return e.Name == "message" && lab.From(e, from) && e.ChildText("jabber:client", "body") == text
	})
}

// status waits for a presence of an occupant with a status code.
func (p *person) status(from, code string) *element.Element {
	p.w.t.Helper()
	return p.expect(code+" of "+from, func(e *element.Element) bool {
		return e.Name == "presence" && e.Attr("from") == from && strings.Contains(" "+codes(e)+" ", " "+code+" ")
	})
}

// role waits for an occupant to have an affiliation and a role.
func (p *person) role(from, affiliation, role string) {
	p.w.t.Helper()
	p.expect(from+" as "+role, func(e *element.Element) bool {
		item := e.Child("http://jabber.org/protocol/muc#user", "x").Child("http://jabber.org/protocol/muc#user", "item")
		return e.Name == "presence" && e.Attr("from") == from && item.Attr("affiliation") == affiliation && item.Attr("role") == role
	})
}

const mucAdmin = "http://jabber.org/protocol/muc#admin"

func (p *person) admin(room, item string) *element.Element {
	p.w.t.Helper()
	return p.iq("set", room, "<query xmlns='"+mucAdmin+"'><item "+item+"/></query>")
}

// TestIRCServers goes through the features that biboumi's users use, with each IRC server
// and Prosody. Features of some servers only are marked.
func TestIRCServers(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	for name, start := range ircServers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "prosody", lab.Prosody, lab.Options{})
			irc := startIRC(t, start)
			w.useIRC(irc.Addr)
			w.start()
			w.waitLinks(2)
			s := &ircScene{T: t, w: w, irc: irc, alice: w.login(aliceJID + "/one"), carol: w.login("carol@localhost/one")}
			s.bob = dialIRC(t, irc.Addr, "bob")
			s.bob.send("JOIN #club")
			s.bob.expect(" 366 ")
			s.alice.enter(clubRoom, "alice")
			s.bob.expect("JOIN")
			s.carol.enter(clubRoom, "carol")
			for _, scenario := range []func(*ircScene){
				(*ircScene).talk, (*ircScene).acts, (*ircScene).long, (*ircScene).hostile, (*ircScene).topic, (*ircScene).nicks, (*ircScene).private, (*ircScene).callerID,
				(*ircScene).moderation, (*ircScene).keys, (*ircScene).invitations, (*ircScene).list, (*ircScene).words, (*ircScene).raw, (*ircScene).whois,
				(*ircScene).history, (*ircScene).restart,
			} {
				scenario(s)
			}
			w.expectNoSecrets()
		})
	}
}

func (s *ircScene) talk() {
	s.alice.groupchat(clubRoom, "t1", "hello")
	s.bob.expect("PRIVMSG #club :hello")
	if echo := s.alice.body(clubRoom+"/alice", "hello"); echo.Attr("id") != "t1" {
		s.Errorf("the reflection is %s", echo)
	}
	s.carol.body(clubRoom+"/alice", "hello")
	s.bob.send("PRIVMSG #club :grüße, 世界 😀")
	s.alice.body(clubRoom+"/bob", "grüße, 世界 😀")
	s.carol.body(clubRoom+"/bob", "grüße, 世界 😀")
	s.bob.send("PRIVMSG #club :\x01ACTION nods\x01")
	s.alice.body(clubRoom+"/bob", "/me nods")
	s.bob.send("NOTICE #club :\x1funder\x1f")
	s.alice.expect("a notice", func(e *element.Element) bool {
		return e.Attr("from") == clubRoom+"/bob" && strings.Contains(e.ChildText("jabber:client", "body"), "under")
	})
	s.alice.send("<message to='" + clubRoom + "' type='groupchat' id='x1'><body>very bold</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>very <strong>bold</strong></p></body></html></message>")
	s.bob.expect("very \x02bold")
}

// acts: XMPP users get corrections, reactions and retractions as such, IRC users as text.
func (s *ircScene) acts() {
	child := func(p *person, ns, name, id string) {
		s.Helper()
		p.expect(name+" of "+id, func(e *element.Element) bool {
			return e.Name == "message" && e.Attr("from") == clubRoom+"/alice" && e.Child(ns, name).Attr("id") == id
		})
	}
	archived := func(e *element.Element) string { return e.Child("urn:xmpp:sid:0", "stanza-id").Attr("id") }
	s.alice.groupchat(clubRoom, "c1", "teh act")
	s.bob.expect("PRIVMSG #club :teh act")
	s.alice.body(clubRoom+"/alice", "teh act")
	seen := s.carol.body(clubRoom+"/alice", "teh act")
	// XEP-0308 §3
	s.alice.send("<message to='" + clubRoom + "' type='groupchat' id='c2'><body>the act</body><replace xmlns='urn:xmpp:message-correct:0' id='c1'/></message>")
	s.bob.expect("PRIVMSG #club :* the act")
	for p, id := range map[*person]string{s.alice: "c1", s.carol: seen.Attr("id")} {
		if got := p.body(clubRoom+"/alice", "the act").Child("urn:xmpp:message-correct:0", "replace").Attr("id"); got != id {
			s.Errorf("%q is corrected, not %q", got, id)
		}
	}
	// XEP-0444 §4.2: with message tags bob's client gets the reaction and no line
	s.bob.send("PRIVMSG #club :who is for it?")
	atAlice, atCarol := archived(s.alice.body(clubRoom+"/bob", "who is for it?")), archived(s.carol.body(clubRoom+"/bob", "who is for it?"))
	s.alice.send("<message to='" + clubRoom + "' type='groupchat' id='c3'><reactions xmlns='urn:xmpp:reactions:0' id='" + atAlice + "'><reaction>😃</reaction></reactions></message>")
	if !strings.Contains(s.irc.Name, "inspircd") {
		s.bob.expect(`PRIVMSG #club :bob: 😃 to "who is for it?"`)
	}
	child(s.alice, "urn:xmpp:reactions:0", "reactions", atAlice)
	child(s.carol, "urn:xmpp:reactions:0", "reactions", atCarol)
	// XEP-0424 §3
	s.alice.groupchat(clubRoom, "c4", "forget this")
	own, theirs := archived(s.alice.body(clubRoom+"/alice", "forget this")), archived(s.carol.body(clubRoom+"/alice", "forget this"))
	s.alice.send("<message to='" + clubRoom + "' type='groupchat' id='c5'><body>/me retracted a message</body><retract xmlns='urn:xmpp:message-retract:1' id='" + own + "'/></message>")
	s.bob.expect("PRIVMSG #club :(took back the last message)")
	child(s.alice, "urn:xmpp:message-retract:1", "retract", own)
	child(s.carol, "urn:xmpp:message-retract:1", "retract", theirs)
}

// long: a message too long for one line arrives complete, as several lines.
func (s *ircScene) long() {
	want := strings.Repeat("世界", 250)
	s.alice.groupchat(clubRoom, "l1", want+"\n\nend")
	var got strings.Builder
	for got.Len() < len(want) {
		line := s.bob.expect("PRIVMSG #club :")
		_, text, _ := strings.Cut(line, "PRIVMSG #club :")
		got.WriteString(text)
	}
	if got.String() != want {
		s.Errorf("bob reads %q", got.String())
	}
	s.bob.expect("PRIVMSG #club :end")
	if echo := s.alice.body(clubRoom+"/alice", want+"\nend"); echo.Attr("id") != "l1" {
		s.Error("the reflection lost its id")
	}
}

// hostile: after arbitrary bytes the stream continues, and later messages arrive.
func (s *ircScene) hostile() {
	for b := 1; b < 256; b++ {
		if b != '\n' && b != '\r' {
			s.bob.send("PRIVMSG #club :byte " + string([]byte{byte(b), 'x', byte(b)}))
		}
	}
	s.bob.send("TOPIC #club :\x03\x0b\xff\xfe <&>]]>")
	s.bob.send("PRIVMSG #club :]]><!--</body></message>")
	s.bob.send("PRIVMSG alice :\x01DCC SEND \"a file\" 2130706433 1 5\x01")
	s.bob.send("PRIVMSG #club :after all that")
	s.alice.body(clubRoom+"/bob", "]]><!--</body></message>")
	s.alice.body(clubRoom+"/bob", "after all that")
	s.carol.body(clubRoom+"/bob", "after all that")
}

func (s *ircScene) topic() {
	s.bob.send("MODE #club -t") // some servers set it on a new channel
	s.bob.send("PING topic")
	s.bob.expect("topic")
	s.alice.send("<message to='" + clubRoom + "' type='groupchat' id='s1'><subject>of alice</subject></message>")
	s.bob.expect("TOPIC #club :of alice")
	subject := func(p *person, from, want string) {
		p.expect("the subject "+want, func(e *element.Element) bool {
			return e.Name == "message" && e.Attr("from") == from && e.ChildText("jabber:client", "subject") == want
		})
	}
	subject(s.carol, clubRoom+"/alice", "of alice")
	s.bob.send("TOPIC #club :of bob")
	subject(s.alice, clubRoom+"/bob", "of bob")
}

func (s *ircScene) nicks() {
	// XEP-0045 §7.6
	s.alice.send("<presence to='" + clubRoom + "/alicia'/>")
	s.bob.expect("NICK")
	s.carol.status(clubRoom+"/alice", "303")
	s.alice.presence(clubRoom+"/alicia", "", "")
	s.alice.send("<presence to='" + clubRoom + "/bob' id='taken'/>")
	if got := condition(s.alice.expect("a refusal", func(e *element.Element) bool { return e.Attr("id") == "taken" })); got != "conflict" {
		s.Errorf("a nick that is in use: %q", got)
	}
	s.bob.send("NICK robert")
	s.alice.status(clubRoom+"/bob", "303")
	s.bob.send("NICK bob")
	s.alice.status(clubRoom+"/robert", "303")
	s.alice.send("<presence to='" + clubRoom + "/alice'/>")
	s.carol.status(clubRoom+"/alicia", "303")
	s.alice.presence(clubRoom+"/alice", "", "")
	// XEP-0045 §7.2.8: a nick in use when a room is entered
	dave := s.w.login("carol@localhost/other")
	dave.join("#else@"+ircDomain, "bob")
	if self := dave.status("#else@"+ircDomain+"/carol", "110"); !strings.Contains(codes(self), "210") {
		s.Errorf("the self-presence with the nick of bob is %s", self)
	}
	dave.send("<presence to='#else@" + ircDomain + "/carol' type='unavailable'/>")
}

func (s *ircScene) private() {
	s.bob.send("PRIVMSG alice :psst")
	s.alice.body("bob@"+ircDomain, "psst")
	s.alice.say("bob@"+ircDomain, "p1", "what?")
	s.bob.expect("PRIVMSG alice :what?"[:8])
	// XEP-0045 §7.5
	s.alice.send("<message to='" + clubRoom + "/carol' type='chat' id='p2'><body>between us</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>")
	s.carol.expect("a private message", func(e *element.Element) bool {
		return e.Attr("type") == "chat" && e.ChildText("jabber:client", "body") == "between us"
	})
	s.alice.send("<message to='" + clubRoom + "/nobody' type='chat' id='p3'><body>lost</body></message>")
	if got := condition(s.alice.expect("a refusal", func(e *element.Element) bool { return e.Attr("id") == "p3" })); got != "item-not-found" {
		s.Errorf("a message to nobody: %q", got)
	}
	s.alice.say("nobody@"+ircDomain, "p4", "lost too")
	if got := condition(s.alice.expect("a refusal", func(e *element.Element) bool { return e.Attr("id") == "p4" && e.Attr("type") == "error" })); got == "" {
		s.Error("a message to nobody was not refused")
	}
}

// callerID checks that a message is refused that the server keeps from its recipient
// (716), and that the sender sees why. ngIRCd has no caller-ID.
func (s *ircScene) callerID() {
	s.bob.send("MODE bob +g")
	s.alice.say("bob@"+ircDomain, "g1", "are you there?")
	if s.Name() == "TestIRCServers/ngircd" {
		s.bob.expect("PRIVMSG alice :are you there?"[:8])
		return
	}
	refused := s.alice.expect("a refusal", func(e *element.Element) bool { return e.Attr("id") == "g1" && e.Attr("type") == "error" })
	if !strings.Contains(refused.String(), "+g") {
		s.Errorf("a message to somebody with caller-ID: %s", refused)
	}
	s.alice.expect("that bob was told", func(e *element.Element) bool {
		return e.Attr("type") == "chat" && lab.From(e, "bob@"+ircDomain) && strings.Contains(e.ChildText("jabber:client", "body"), "informed")
	})
	s.bob.send("MODE bob -g")
	s.bob.expect("MODE bob")
}

func (s *ircScene) moderation() {
	s.bob.send("MODE #club +v alice")
	s.alice.role(clubRoom+"/alice", "member", "participant")
	s.bob.send("MODE #club -v+o alice alice")
	s.alice.role(clubRoom+"/alice", "owner", "moderator")
	s.alice.admin(clubRoom, "nick='carol' role='moderator'")
	s.bob.expect("+o carol")
	s.carol.role(clubRoom+"/carol", "owner", "moderator")
	s.alice.admin(clubRoom, "nick='carol' role='participant'")
	s.alice.role(clubRoom+"/carol", "member", "participant")
	// XEP-0045 §8.2
	s.alice.send("<iq type='set' id='kick' to='" + clubRoom + "'><query xmlns='" + mucAdmin + "'><item nick='carol' role='none'><reason>enough</reason></item></query></iq>")
	gone := s.carol.status(clubRoom+"/carol", "307")
	if gone.Attr("type") != "unavailable" || !strings.Contains(gone.String(), "enough") {
		s.Errorf("carol gets %s", gone)
	}
	s.bob.expect("KICK #club carol")
	s.carol.enter(clubRoom, "carol")
	// XEP-0045 §9.1: a ban uses the address of the banned occupant
	s.alice.admin(clubRoom, "jid='*!*\\40banned.invalid@"+ircDomain+"' affiliation='outcast'")
	s.bob.expect("+b *!*@banned.invalid")
	if list := s.alice.iq("get", clubRoom, "<query xmlns='"+mucAdmin+"'><item affiliation='outcast'/></query>").String(); !strings.Contains(list, "banned.invalid") {
		s.Errorf("the list of bans: %s", list)
	}
	s.bob.send("KICK #club carol :out")
	s.carol.status(clubRoom+"/carol", "307")
	s.carol.enter(clubRoom, "carol")
}

func (s *ircScene) keys() {
	s.bob.send("MODE #club +k sesame")
	s.bob.expect("MODE #club +k")
	s.carol.send("<presence to='" + clubRoom + "/carol' type='unavailable'/>")
	s.bob.expect("PART #club")
	s.carol.join(clubRoom, "carol")
	if got := condition(s.carol.presence(clubRoom+"/carol", "error", "")); got != "not-authorized" {
		s.Errorf("without a key: %q", got)
	}
	s.carol.enterWith(clubRoom, "carol", "sesame")
	s.bob.send("MODE #club -k sesame")
	s.bob.expect("-k")
}
