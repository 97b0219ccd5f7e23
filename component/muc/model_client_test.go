package muc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
)

// The states of a modelClient.
const (
	clientOut = iota
	clientJoining
	clientIn
)

// modelClient is a client of XEP-0045 that checks what it receives.
type modelClient struct {
	m         *roomModel
	full      string
	state     int
	since     string            // id of the join
	view      map[string]string // show and role of the occupants, by nick
	nick      string
	renaming  string   // the nick whose presence must be the next stanza
	wantsNext bool     // the next stanzas are the history and the subject of the join
	strange   bool     // it sent a presence to a room that it is not in
	subjects  int      // subjects that it must receive in this step
	texts     []string // texts that it must receive in this step
	errors    []string // ids that must have an error in this step
	open      []string // ids that may have an error, or an answer
}

func (c *modelClient) id() string {
	c.m.messages++
	return fmt.Sprintf("%05d", c.m.messages)
}

func (c *modelClient) out() {
	c.state, c.nick, c.renaming, c.wantsNext, c.subjects, c.texts, c.errors = clientOut, "", "", false, 0, nil, nil
	clear(c.view)
}

// sends sends a stanza.
func (c *modelClient) sends(name, to, typ, id, payload string) *stanza.Inbound {
	c.open = append(c.open, id)
	return c.m.stanza("<" + name + " from='" + c.full + "' to='" + to + "' type='" + typ + "' id='" + id + "'>" + payload + "</" + name + ">")
}

// The steps of clients:

func (m *roomModel) join(c *modelClient, nick string) {
	if c.state == clientOut {
		c.state, c.since = clientJoining, c.id()
		m.OnPresence(c.sends("presence", club+"/"+nick, "", c.since, join), clubPeer)
	}
}

func (m *roomModel) leave(c *modelClient) {
	was := c.state
	m.OnPresence(c.sends("presence", club+"/"+c.nick, "unavailable", c.id(), ""), clubPeer)
	m.settle()
	if was != clientOut && c.state != clientOut {
		m.fail("%s has left, and has no presence of it", c.full)
	}
}

// goOffline is what a server sends for a client that is gone, which receives nothing.
func (m *roomModel) goOffline(c *modelClient) {
	m.SetClientOffline(c.full, true)
	if c.state != clientOut {
		m.OnPresence(c.sends("presence", club+"/alice", "unavailable", "", ""), clubPeer)
	}
	c.out()
	m.settle()
	m.SetClientOffline(c.full, false)
}

func (m *roomModel) changeNick(c *modelClient, nick string) {
	if c.state != clientIn {
		return
	}
	id := c.id()
	before := len(m.asked)
	m.OnPresence(c.sends("presence", club+"/"+nick, "", id, ""), clubPeer)
	if len(m.asked) > before {
		m.refuseNick() // of the one that this one overtakes
		m.asksNick = id
	}
}

func (m *roomModel) away(c *modelClient, show string) {
	c.strange = c.state == clientOut
	nick := c.nick
	if nick == "" {
		nick = "nobody"
	}
	if c.state == clientJoining {
		return
	}
	m.OnPresence(c.sends("presence", club+"/"+nick, "", c.id(), "<show>"+show+"</show>"), clubPeer)
}

func (m *roomModel) sayAs(c *modelClient) {
	id, sent := c.id(), len(m.sent)
	st := c.sends("message", club, "groupchat", id, "<body>text "+id+"</body>")
	m.OnMessage(st, clubPeer)
	switch {
	case len(m.sent) == sent+1 && c.state == clientIn && m.isShown():
		m.saying = append(m.saying, st)
	case len(m.sent) == sent && (c.state != clientIn || !m.isShown()):
		c.errors = append(c.errors, id)
	default:
		m.fail("%d messages are sent to the network", len(m.sent)-sent)
	}
}

func (m *roomModel) setSubject(c *modelClient) {
	id, asked := c.id(), len(m.asked)
	m.OnMessage(c.sends("message", club, "groupchat", id, "<subject>s "+id+"</subject>"), clubPeer)
	if len(m.asked) > asked {
		if len(m.subjects) > 0 {
			m.clientError(m.subjects[0]) // this one overtakes it
		}
		m.subjects = []string{id}
	} else {
		c.errors = append(c.errors, id)
	}
}

// clientError expects an error of the client that has sent an id, if it is still there.
func (m *roomModel) clientError(id string) {
	for _, c := range m.clients {
		if id != "" && slices.Contains(c.open, id) {
			c.errors = append(c.errors, id)
		}
	}
}

func (m *roomModel) kick(c *modelClient, nick string, ban bool) {
	item := "<item nick='" + nick + "' role='none'/>"
	if ban {
		item = "<item jid='" + nick + "@" + gw + "' affiliation='outcast'/>"
	}
	st := c.sends("iq", club, "set", c.id(), "<query xmlns='http://jabber.org/protocol/muc#admin'>"+item+"</query>")
	m.OnIQ(&stanza.Request{Inbound: st, Payload: st.First()}, clubPeer)
}

// receive handles a stanza as a client does, and checks that it is legal now.
func (c *modelClient) receive(e *element.Element) {
	from, nick, _ := strings.Cut(e.Attr("from"), "/")
	if c.renaming != "" && (e.Name != "presence" || e.Attr("type") != "" || nick != c.renaming && c.nick != "") {
		c.m.fail("%s: after a 303 to %s came %s", c.full, c.renaming, e)
	}
	if from != club {
		c.m.fail("%s: from another room: %s", c.full, e)
	}
	switch {
	case e.Attr("type") == "error":
		c.receiveError(e)
	case e.Name == "presence":
		c.receivePresence(e, nick)
	case e.Name == "message":
		c.receiveMessage(e)
	default: // a result
		c.answered(e)
	}
}

// answered takes a request that has its answer.
func (c *modelClient) answered(e *element.Element) {
	i := slices.Index(c.open, e.Attr("id"))
	if i < 0 {
		c.m.fail("%s: a second answer, or one to nothing: %s", c.full, e)
		return
	}
	c.open = slices.Delete(c.open, i, i+1)
}

func (c *modelClient) receiveError(e *element.Element) {
	c.answered(e)
	if i := slices.Index(c.errors, e.Attr("id")); i >= 0 {
		c.errors = slices.Delete(c.errors, i, i+1)
	}
	if e.Name == "presence" && c.state == clientJoining {
		if e.Attr("id") != c.since {
			c.m.fail("%s: an error of another join: %s", c.full, e)
		}
		c.out()
	}
	if i := slices.Index(c.m.subjects, e.Attr("id")); i >= 0 {
		c.m.subjects = slices.Delete(c.m.subjects, i, i+1)
	}
}

func codesOf(e *element.Element) (codes []string) {
	for s := range e.Child(xep.NSMUCUser, "x").Children(xep.NSMUCUser, "status") {
		codes = append(codes, s.Attr("code"))
	}
	return codes
}

func (c *modelClient) receivePresence(e *element.Element, nick string) {
	codes, item := codesOf(e), e.Child(xep.NSMUCUser, "x").Child(xep.NSMUCUser, "item")
	self, gone := slices.Contains(codes, "110"), e.Attr("type") == "unavailable"
	_, known := c.view[nick]
	switch {
	case c.state == clientOut && gone && self && c.strange && slices.Contains(codes, "333"):
		c.strange = false // told that it is not in the room
	case c.state == clientOut:
		c.m.fail("%s is not in the room, and receives %s", c.full, e)
	case c.wantsNext:
		c.m.fail("%s: before the subject comes %s", c.full, e)
	case gone && slices.Contains(codes, "303"):
		if !known || self != (nick == c.nick) {
			c.m.fail("%s: a nick change of somebody else: %s", c.full, e)
		}
		delete(c.view, nick)
		if c.renaming = item.Attr("nick"); self { // after a rejoin, the others come before the new nick
			c.nick = ""
		}
	case gone && self:
		c.out()
	case gone:
		if !known || nick == c.nick {
			c.m.fail("%s: gone was already %s", c.full, e)
		}
		delete(c.view, nick)
	case self:
		if c.state == clientJoining {
			if e.Attr("id") != c.since {
				c.m.fail("%s: the join %s has the answer %s", c.full, c.since, e)
			}
			c.state, c.wantsNext = clientIn, true
		} else if c.nick != nick && c.renaming != nick {
			c.m.fail("%s is renamed without a 303: %s", c.full, e)
		}
		c.nick, c.renaming = nick, ""
		c.view[nick] = signature(e, item)
	default:
		if nick == c.nick && c.state == clientIn && c.renaming == "" {
			c.m.fail("%s: its own presence without a 110: %s", c.full, e)
		}
		if c.nick != "" {
			c.renaming = ""
		}
		c.view[nick] = signature(e, item)
	}
}

// signature is the visible state of an occupant.
func signature(e, item *element.Element) string {
	return item.Attr("role") + " " + item.Attr("affiliation") + " " + e.ChildText(stanza.NS, "show")
}

func (c *modelClient) receiveMessage(e *element.Element) {
	if c.state != clientIn {
		c.m.fail("%s is not in the room, and receives %s", c.full, e)
	}
	text, delayed := e.ChildText(stanza.NS, "body"), e.Child("urn:xmpp:delay", "delay") != nil
	switch {
	case text == "" && e.Child(stanza.NS, "subject") != nil:
		if !c.wantsNext {
			c.subjects--
		}
		c.wantsNext = false
	case c.wantsNext && !delayed:
		c.m.fail("%s: before the subject comes %s", c.full, e)
	case delayed, strings.HasPrefix(e.Attr("from"), club) && !strings.Contains(e.Attr("from"), "/"): // the history; the room itself
	default:
		i := slices.Index(c.texts, text)
		if i < 0 {
			c.m.fail("%s: nobody has said, or once more: %s", c.full, e)
			return
		}
		c.texts = slices.Delete(c.texts, i, i+1)
	}
}

// check compares what the client knows with the network, when everything is settled.
func (c *modelClient) check() {
	m := c.m
	switch {
	case c.renaming != "":
		m.fail("%s: no presence of %s after a 303", c.full, c.renaming)
	case c.wantsNext:
		m.fail("%s has joined, and has no subject", c.full)
	case c.subjects != 0:
		m.fail("%s: %d subjects are missing (or too many)", c.full, c.subjects)
	case len(c.texts) > 0:
		m.fail("%s has not received %q", c.full, c.texts)
	case len(c.errors) > 0:
		m.fail("%s has no error for %q", c.full, c.errors)
	}
	if !m.isShown() || len(m.asked) > 0 || m.awaits("leave") || m.awaits("join") {
		return
	}
	if c.state == clientJoining {
		m.fail("%s is still joining", c.full)
	}
	if c.state != clientIn {
		return
	}
	want := make(map[string]string)
	for nick, o := range m.occupants {
		show := ""
		if o.Away {
			show = "away"
		}
		want[nick] = roles[o.Level] + " " + affiliations[o.Level] + " " + show
	}
	if got := c.view[m.nick]; c.nick == m.nick { // its show is the clients' own
		want[m.nick] = got
	}
	if !maps.Equal(c.view, want) {
		m.fail("%s (%s) sees %v, the network (%s) has %v", c.full, c.nick, c.view, m.nick, want)
	}
}
