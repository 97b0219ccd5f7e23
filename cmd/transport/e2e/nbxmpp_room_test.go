package e2e

import (
	"slices"
	"strings"
	"testing"

	"transport/cmd/transport/internal/lab"
)

const nbxmppRoom = "#club@" + ircDomain

// roomScene is a channel with two users of nbxmpp, and Bob on IRC.
type roomScene struct {
	*testing.T
	w            *world
	irc          *lab.IRC
	bob          *ircUser
	alice, carol *gajim
	own          *lab.MUCUser // alice
}

// TestNBXMPPRoom tests a channel of ngIRCd, which has no message tags.
func TestNBXMPPRoom(t *testing.T) {
	s := &roomScene{T: t, w: newClientWorld(t, false)}
	s.irc = startIRC(t, lab.Ngircd)
	s.w.useIRC(s.irc.Addr)
	s.w.start()
	s.w.waitLinks(2)
	s.alice, s.carol = s.w.nbxmpp(aliceJID+"/one"), s.w.nbxmpp("carol@localhost/one")
	s.bob = dialIRC(t, s.irc.Addr, "bob")
	s.entry()
	s.settings()
	s.unchanged()
	s.ranks()
	s.talk()
	s.nicks()
	s.archive()
	s.alice.noWarnings()
	s.carol.noWarnings()
	s.alice.noRequests()
	s.carol.noRequests()
	s.offline()
	s.back()
}

// entry joins. Gajim first queries disco#info, disables nick changes in a room that is
// conference/irc, and warns about a non-anonymous one. (gajim/gtk/chat_stack.py,
// ChatStack._update_group_chat_actions)
func (s *roomScene) entry() {
	before := s.alice.disco(nbxmppRoom)
	for _, is := range before.Is {
		switch is {
		case "is_muc", "muc_is_semianonymous", "muc_is_persistent", "has_mam", "has_mam_2":
		default:
			s.Errorf("disco#info of an empty room: %s", is) // XEP-0045 §6.4
		}
	}
	if !slices.Contains(before.Is, "is_muc") || len(before.Identities) != 1 || before.Identities[0].Type != "text" {
		s.Errorf("the room is %s", before.XML)
	}
	self := s.alice.enter(nbxmppRoom, "alice")
	s.own = self.MUCUser
	// Converse finds its own occupant by its JID, and clients offer the configuration to
	// owners. nbxmpp makes the JIDs bare.
	if s.own.JID != aliceJID || s.own.Affiliation != "owner" || s.own.Role != "moderator" {
		s.Errorf("the own presence is %s", self.XML)
	}
	s.bob.send("JOIN #club")
	s.bob.expect(" 366 ")
	s.alice.occupant(nbxmppRoom+"/bob", "available", anybody)
	s.alice.call(nil, "MUC", "set_subject", nbxmppRoom, "about cats")
	s.alice.subject(nbxmppRoom)
	s.bob.expect("TOPIC #club :about cats")
	s.carol.enter(s.find(), "carol")
	if got := s.carol.last(nbxmppRoom+"/carol", "available"); got.MUCUser.Affiliation != "none" {
		s.Errorf("carol is %s", got.XML)
	}
	s.alice.occupant(nbxmppRoom+"/carol", "available", anybody)
	// Occupants from before and after the join both have JIDs.
	for nick, from := range map[string]*gajim{"alice": s.carol, "bob": s.carol, "carol": s.alice} {
		for _, e := range from.History() {
			if e.JID == nbxmppRoom+"/"+nick && e.MUCUser != nil && e.MUCUser.JID != nick+"@"+ircDomain {
				s.Errorf("%s is %s", nick, e.XML)
			}
		}
	}
	if got := s.alice.disco(nbxmppRoom); slices.Contains(got.Features, "urn:xmpp:reactions:0") {
		s.Error("a channel without tags announces reactions")
	}
}

// find: Carol, who has no account, finds the room.
func (s *roomScene) find() string {
	// Gajim uses its browser for rooms for conference/text, and another one for
	// conference/irc.
	// (gajim/gtk/discovery.py, ServicesCache.get_browser)
	gateway := s.carol.disco(ircDomain)
	types := make(map[string]bool)
	for _, i := range gateway.Identities {
		types[i.Category+"/"+i.Type] = true
	}
	if !types["conference/text"] || types["conference/irc"] || !types["gateway/irc"] || !slices.Contains(gateway.Is, "is_muc") {
		s.Errorf("the gateway is %s", gateway.XML)
	}
	// The most common commands come first.
	if offered := s.carol.commands(ircDomain); !slices.Contains(offered, "join-room") || !slices.Contains(offered, "list-rooms") ||
		slices.Contains(offered, "change-registration") || slices.Contains(offered, "ping") {
		s.Errorf("a guest is offered %v", offered)
	}
	// The list, then each room's topic and number of occupants. (gajim/gtk/discovery.py,
	// MucBrowser._update_info)
	var items lab.DiscoItems
	s.carol.call(&items, "Discovery", "disco_items", lab.JIDArgument(ircDomain))
	listed := ""
	for _, i := range items.Items {
		if strings.HasPrefix(i.Name, "#club") {
			listed = i.JID
		}
	}
	if listed == "" {
		s.Fatalf("listed are %+v", items.Items)
	}
	info := s.carol.disco(listed)
	for name, want := range map[string]string{"muc#roominfo_occupants": "2", "muc#roominfo_description": "about cats"} {
		if len(info.Forms) != 1 || info.Forms[0].Field(name) == nil || !slices.Equal(info.Forms[0].Field(name).Values, []string{want}) {
			s.Errorf("%s is not %s: %s", name, want, info.XML)
		}
	}
	// XEP-0055, with columns for channels
	const search = "<query xmlns='jabber:iq:search'/>"
	form, why := s.carol.ask("get", ircDomain, search, nil)
	if why != nil || form.Field("channel") == nil {
		s.Fatalf("the search form is %+v, %v", form, why)
	}
	found, why := s.carol.ask("set", ircDomain, search, form.Fill(map[string][]string{"channel": {"cats"}}))
	if why != nil || len(found.Rows) != 1 {
		s.Fatalf("found are %+v, %v", found, why)
	}
	for name, want := range map[string]any{"jid": nbxmppRoom, "name": "#club", "topic": "about cats", "occupants": "2", "first": nil, "email": nil} {
		if found.Rows[0][name] != want {
			s.Errorf("%s is %v, want %v", name, found.Rows[0][name], want)
		}
	}
	// A command invites the client.
	step := s.carol.complete(s.carol.begin(ircDomain, "join-room"), map[string][]string{"room": {"#club"}})
	if step.Status != "completed" || len(step.Notes) != 1 {
		s.Errorf("the command ends as %+v", step)
	}
	s.carol.expect("an invitation", func(e *lab.ProbeEvent) bool { return e.Kind == "message" && e.Has("is_muc_invite_or_decline") })
	return listed
}

// settings fills in the form of the room's settings. XEP-0045 §10.2
func (s *roomScene) settings() {
	var config struct{ Form *lab.Form }
	s.alice.call(&config, "MUC", "request_config", lab.JIDArgument(nbxmppRoom))
	if config.Form == nil {
		s.Fatal("no form")
	}
	s.alice.call(nil, "MUC", "set_config", lab.JIDArgument(nbxmppRoom), config.Form.Fill(map[string][]string{
		"muc#roomconfig_moderatedroom": {"1"}, "muc#roomconfig_passwordprotectedroom": {"1"}, "muc#roomconfig_roomsecret": {"sesame"},
	}))
	s.bob.send("MODE #club")
	if modes := s.bob.expect(" 324 "); !strings.Contains(modes, "m") || !strings.Contains(modes, "k") {
		s.Errorf("the channel's modes are %s", modes)
	}
	s.alice.expect("word of the settings", func(e *lab.ProbeEvent) bool { return e.Bare() == nbxmppRoom && e.Has("is_muc_config_change") })
	if is := s.alice.disco(nbxmppRoom).Is; !slices.Contains(is, "muc_is_moderated") || !slices.Contains(is, "muc_is_passwordprotected") {
		s.Errorf("the room is said to be %v", is)
	}
	s.alice.call(&config, "MUC", "request_config", lab.JIDArgument(nbxmppRoom))
	s.alice.call(nil, "MUC", "set_config", lab.JIDArgument(nbxmppRoom), config.Form.Fill(map[string][]string{
		"muc#roomconfig_moderatedroom": {"0"}, "muc#roomconfig_passwordprotectedroom": {"0"}, "muc#roomconfig_roomsecret": {""},
	}))
}

// unchanged submits the form of Carol's settings without a change: she gets no request, and
// stays a guest.
func (s *roomScene) unchanged() {
	step := s.carol.complete(s.carol.begin(nbxmppRoom, "configure"), nil)
	if step.Status != "completed" {
		s.Errorf("settings end as %+v", step)
	}
	s.carol.settled(ircDomain)
	if offered := s.carol.commands(ircDomain); !slices.Contains(offered, "register") {
		s.Errorf("after no change, a guest's commands are %v", offered)
	}
}

// ranks changes Bob's affiliations, as Gajim's menus do. Bob is on IRC.
func (s *roomScene) ranks() {
	bob := s.alice.last(nbxmppRoom+"/bob", "available").MUCUser
	for _, step := range []struct{ make, mode string }{
		{"member", "+v bob"}, {"admin", "+h bob"}, {"owner", "+o bob"}, {"none", "-vho bob"},
	} {
		if !mayMake(s.own, bob, step.make) {
			s.Errorf("%+v is not offered to make %+v %s", s.own, bob, step.make)
		}
		s.alice.make(nbxmppRoom, bob.JID, step.make)
		s.bob.expect("MODE #club " + step.mode)
		bob = s.alice.occupant(nbxmppRoom+"/bob", "available", func(m *lab.MUCUser) bool { return m.Affiliation == step.make }).MUCUser
	}
	var owners struct{ Users map[string]map[string]string }
	s.alice.call(&owners, "MUC", "get_affiliation", lab.JIDArgument(nbxmppRoom), "owner")
	if len(owners.Users) != 1 || owners.Users[aliceJID] == nil {
		s.Errorf("the owners are %v", owners.Users)
	}
	// gajim/gtk/menus.py, get_groupchat_mod_menu
	s.alice.call(nil, "MUC", "set_role", lab.JIDArgument(nbxmppRoom), "bob", "none", "enough")
	s.bob.expect("KICK #club bob :enough")
	if gone := s.carol.occupant(nbxmppRoom+"/bob", "unavailable", anybody); !gone.Has("is_kicked") || gone.MUCUser.Actor != "alice" || gone.MUCUser.Reason != "enough" {
		s.Errorf("a kick is %s", gone.XML)
	}
	s.alice.occupant(nbxmppRoom+"/bob", "unavailable", anybody)
	s.bob.send("JOIN #club")
	bob = s.alice.last(nbxmppRoom+"/bob", "available").MUCUser
	s.alice.make(nbxmppRoom, bob.JID, "outcast")
	s.bob.expect("KICK #club bob")
	if gone := s.alice.occupant(nbxmppRoom+"/bob", "unavailable", func(m *lab.MUCUser) bool { return m.Affiliation == "outcast" }); !slices.Contains(gone.MUCCodes, "301") {
		s.Errorf("a ban is %s", gone.XML) // XEP-0045 §9.1
	}
	// gajim/gtk/groupchat_outcasts.py removes outcasts by their JIDs.
	var outcasts struct{ Users map[string]map[string]string }
	s.alice.call(&outcasts, "MUC", "get_affiliation", lab.JIDArgument(nbxmppRoom), "outcast")
	if len(outcasts.Users) != 1 {
		s.Errorf("banned are %v", outcasts.Users)
	}
	for jid := range outcasts.Users {
		s.alice.make(nbxmppRoom, jid, "none")
	}
	s.bob.send("JOIN #club")
	s.bob.expect(" 366 ")
	s.alice.last(nbxmppRoom+"/bob", "available")
	s.carol.last(nbxmppRoom+"/bob", "available")
	// A user without an affiliation gets no such menu.
	if mayMake(&lab.MUCUser{Affiliation: "none"}, bob, "outcast") {
		s.Error("an occupant without an affiliation may ban")
	}
}

// talk checks that clients show nothing twice on a network without corrections,
// retractions and reactions.
func (s *roomScene) talk() {
	s.alice.groupchat(nbxmppRoom, "m1", "teh cat", "")
	s.bob.expect("PRIVMSG #club :teh cat")
	// XEP-0444 §4.2, XEP-0424 §5: they refer to the archive's id.
	own, seen := archiveID(s.alice.message("teh cat")), archiveID(s.carol.message("teh cat"))
	s.alice.groupchat(nbxmppRoom, "m2", "the cat", "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>")
	s.bob.expect("PRIVMSG #club :* the cat")
	s.alice.message("the cat")
	s.carol.message("the cat")
	s.carol.groupchat(nbxmppRoom, "r1", "> the cat\nhaha", "<reactions xmlns='urn:xmpp:reactions:0' id='"+seen+"'><reaction>😹</reaction></reactions>"+
		"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/>")
	if line := s.bob.expect("PRIVMSG #club"); !strings.Contains(line, "😹") || !strings.Contains(line, "alice") || !strings.Contains(line, "cat") {
		s.Errorf("of a reaction bob reads %q", line)
	}
	for g, id := range map[*gajim]string{s.alice: own, s.carol: seen} {
		e := g.expect("a reaction", func(e *lab.ProbeEvent) bool { return e.Kind == "message" && e.Reactions != nil })
		if e.Reactions.ID != id || !slices.Equal(e.Reactions.Emojis, []string{"😹"}) || e.Body != "" || e.Resource() != "carol" {
			s.Errorf("%s reads a reaction as %s", g.JID, e.XML)
		}
	}
	s.carol.groupchat(nbxmppRoom, "m3", "a secret", "")
	s.bob.expect("PRIVMSG #club :a secret")
	secret := archiveID(s.carol.message("a secret"))
	s.carol.groupchat(nbxmppRoom, "m4", "/me retracted a message", "<retract xmlns='urn:xmpp:message-retract:1' id='"+secret+"'/>"+
		"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>")
	if line := s.bob.expect("PRIVMSG #club"); strings.Contains(line, "ACTION") || !strings.Contains(line, "took back") {
		s.Errorf("of a retraction bob reads %q", line)
	}
	s.bob.send("PRIVMSG #club :really")
	// Gajim has no retractions: other users get a line of text.
	for g, retracted := range map[*gajim][]string{s.alice: {"carol: An earlier message was retracted, but your client does not support that."}, s.carol: nil} {
		g.message("really")
		want := slices.Concat([]string{"alice: the cat", "carol: a secret"}, retracted, []string{"bob: really"})
		if got := g.shown(nbxmppRoom); !slices.Equal(got, want) {
			s.Errorf("%s is shown %q", g.JID, got)
		}
	}
	// XEP-0045 §8.1
	s.alice.call(nil, "MUC", "set_subject", nbxmppRoom, "cats")
	s.bob.expect("TOPIC #club :cats")
	for _, g := range []*gajim{s.alice, s.carol} {
		if e := g.subject(nbxmppRoom); e.MUCSubject.Text != "cats" || e.MUCSubject.Author != "alice" {
			s.Errorf("%s gets the subject as %s", g.JID, e.XML)
		}
	}
}

// archiveID returns the archive's id of a message. (XEP-0359)
func archiveID(e *lab.ProbeEvent) string {
	if len(e.StanzaIDs) == 0 {
		return ""
	}
	return e.StanzaIDs[0].ID
}

// nicks: the client offers nick changes, and sees them as such; the gateway converts a nick
// that IRC does not allow. XEP-0045 §7.6, §7.2
func (s *roomScene) nicks() {
	s.alice.send("<presence to='" + nbxmppRoom + "/Alice Doe'/>")
	for _, g := range []*gajim{s.alice, s.carol} {
		gone := g.occupant(nbxmppRoom+"/alice", "unavailable", anybody)
		if !gone.Has("is_nickname_changed") || gone.Has("is_muc_self_presence") != (g == s.alice) || gone.MUCUser.Nick != "Alice_Doe" {
			s.Errorf("%s gets the nick change as %s", g.JID, gone.XML)
		}
		if got := g.occupant(nbxmppRoom+"/Alice_Doe", "available", anybody); slices.Contains(got.MUCCodes, "210") != (g == s.alice) {
			s.Errorf("%s gets the nick change as %s", g.JID, got.XML)
		}
	}
	// XEP-0045 §7.12
	var reserved lab.DiscoInfo
	s.alice.call(&reserved, "Discovery", "disco_info", lab.JIDArgument("#other@"+ircDomain), "x-roomuser-item")
	if len(reserved.Identities) != 1 || reserved.Identities[0].Name != "Alice_Doe" {
		s.Errorf("the nick to propose is %s", reserved.XML)
	}
	// Gajim uses the nick of the self-presence. (gajim/common/modules/muc.py,
	// MUC._on_muc_user_presence)
	if self := s.carol.enter("#den@"+ircDomain, "Carol Doe"); self.Resource() != "carol" || !self.Has("is_nickname_modified") {
		s.Errorf("carol enters as %s", self.XML) // by her connection, which is called carol
	}
	// A subject that was never set has no author and no time. (gajim/gtk/conversation/rows/
	// muc_subject.py)
	for _, e := range s.carol.History() {
		if e.Bare() == "#den@"+ircDomain && e.Has("is_muc_subject") && (e.Resource() != "" || e.MUCSubject.Text != "" || e.UserTimestamp != 0) {
			s.Errorf("no subject is %s", e.XML)
		}
	}
	s.alice.send("<presence to='#den@" + ircDomain + "/!@*'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
	refused := s.alice.expect("an error", func(e *lab.ProbeEvent) bool { return e.Kind == "presence" && e.Error != nil })
	if refused.Error.Condition != "not-acceptable" || refused.Error.By != "#den@"+ircDomain || refused.Error.Text == "" {
		s.Errorf("for a nick without a letter alice gets %s", refused.XML)
	}
}

// archive queries the archive: Gajim does so at each join, and sorts by time.
// XEP-0313 §4
func (s *roomScene) archive() {
	s.alice.groupchat(nbxmppRoom, "l1", "first\n\nsecond", "")
	s.bob.expect("PRIVMSG #club :first")
	s.bob.expect("PRIVMSG #club :second")
	s.alice.message("first\nsecond") // what was sent
	for _, text := range []string{"one", "two", "three"} {
		s.bob.send("PRIVMSG #club :" + text)
	}
	s.alice.message("three")
	s.alice.call(nil, "MAM", "make_query", lab.JIDArgument(nbxmppRoom), "q1")
	last, texts := 0.0, []string(nil)
	for _, e := range s.alice.History() {
		if e.MAM == nil {
			continue
		}
		if e.MAM.Timestamp <= last {
			s.Errorf("%q is not later than what is before it", e.Body)
		}
		if last = e.MAM.Timestamp; e.Body != "" {
			texts = append(texts, e.Body)
		}
	}
	if n := len(texts); n < 4 || !slices.Equal(texts[n-4:], []string{"first\nsecond", "one", "two", "three"}) {
		s.Errorf("archived is %q", texts)
	}
}

// offline: Alice's client goes offline, her connection ends, and the server's last notices
// do not become an offline chat.
func (s *roomScene) offline() {
	s.alice.Close()
	s.w.waitLog("signed off from the network", 1)
	again := s.w.nbxmpp(aliceJID + "/two")
	again.settled(ircDomain)
	for _, e := range again.History() {
		if e.Kind == "message" && e.Bare() == ircDomain {
			s.Errorf("alice finds %s", e.XML)
		}
	}
}

// back: Alice's client returns with the same resource before the old connection has ended.
// The gateway gets its presence, since she is registered. Her new session is not in a room
// yet: to Gajim, a leave would belong to an unknown room. (gajim/common/modules/muc.py, MUC._on_muc_user_presence)
func (s *roomScene) back() {
	before := s.w.nbxmpp(aliceJID + "/one")
	var r lab.Registration
	before.call(&r, "Register", "request_register_form", ircDomain)
	before.call(nil, "Register", "submit_register_form", r.Form.Fill(map[string][]string{"username": {"alice"}}), ircDomain)
	before.presence(ircDomain, "subscribe")
	before.call(nil, "BasePresence", "subscribed", ircDomain)
	before.call(nil, "BasePresence", "subscribe", ircDomain)
	before.presence(ircDomain, "available")
	before.enter(nbxmppRoom, "alice")
	again := s.w.nbxmpp(before.JID)
	self := again.enter(nbxmppRoom, "alice")
	for _, e := range again.History() {
		if e == self {
			break
		}
		if e.Kind == "presence" && e.Bare() == nbxmppRoom && e.Type != "available" {
			s.Errorf("before the join came %s", e.XML)
		}
	}
	s.bob.send("PRIVMSG #club :hello again")
	again.message("hello again")
	if e := again.last(nbxmppRoom+"/alice", "available"); !e.Has("is_muc_self_presence") {
		s.Errorf("alice is in the room as %s", e.XML)
	}
	again.noWarnings()
}
