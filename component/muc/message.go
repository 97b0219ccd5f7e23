package muc

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"transport/component/address"
	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

var (
	errNotInRoom       = stanza.Error{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."}
	errNoVoiceRequests = stanza.Error{Type: stanza.Cancel, Condition: stanza.NotAllowed, Text: "Voice requests are not supported here. Ask a moderator."}
)

// isVoiceRequest reports whether a message is a voice request. (XEP-0045 §7.13)
func isVoiceRequest(st *stanza.Inbound) bool {
	form := xep.Values(st.Child(xep.NSDataForm, "x"))["FORM_TYPE"]
	return len(form) > 0 && form[0] == "http://jabber.org/protocol/muc#request"
}

// onRoomMessage handles a message of an occupant, or of the room itself.
// (XEP-0045 §7.4)
func (r *Room) onRoomMessage(ev legacy.RoomMessage) {
	r.rs.shared.Received.Add(1)
	replaces := ""
	if re, old := r.rendition(ev); old != nil {
		switch re.act {
		case body.React:
			r.onRoomReaction(legacy.RoomReaction{Room: r.peer, Nick: ev.Nick, ID: old.stanzaID, Emojis: re.emojis}, xep.NewID())
			return
		case body.Retract:
			r.onRoomRedaction(legacy.RoomRedaction{Room: r.peer, Nick: ev.Nick, ID: old.stanzaID})
			return
		case body.Correct:
			ev.Text, ev.Markup, replaces = re.text, nil, old.id
		}
	}
	if ev.Reply != "" {
		r.loadHistory()
	}
	delete(r.rs.typing, typist{r.peer.ID, ev.Nick})
	l := line{nick: ev.Nick, text: body.Styled(ev.Text, ev.Markup), markup: ev.Markup, id: xep.NewID(), at: ev.Time,
		reply: ev.Reply, replaces: replaces}
	l.unstyled = replaces == "" && body.IsUnstyled(ev.Text, ev.Markup)
	l.quote(r.lineByID(ev.Reply))
	if !ev.Time.IsZero() {
		r.loadHistory() // the archive may have it already
	}
	if l.stanzaID = ev.ID; l.stanzaID == "" {
		l.stanzaID, l.localID = l.id, true
	} else if !ev.Time.IsZero() && slices.ContainsFunc(r.history, func(old line) bool { return old.stanzaID == ev.ID }) {
		return // the network's history repeats it after a reconnect
	}
	if l.at.IsZero() {
		l.at = r.rs.shared.Clock.Now()
	}
	l.at = r.nextStamp(l.at, !ev.Time.IsZero())
	if o := r.occupants[ev.Nick]; o != nil { // the same ID as in the presence
		r.identify(o)
		l.occupantID = o.id
	} else if ev.Nick != "" {
		l.occupantID = r.occupantID(cmp.Or(ev.Identity, ev.Nick))
	}
	r.addLine(l)
	r.eachClient(func(full string) {
		r.rs.shared.write(func(dst []byte) []byte { return l.appendTo(dst, r.jid, full, !ev.Time.IsZero()) })
	})
}

// clientGoneErrors are the error conditions by which a server reports that it could not deliver a
// stanza to a client. The client is removed without a leave presence: another client with
// the same full JID may be about to join. (XEP-0045 §18.1.2)
var clientGoneErrors = []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable,
	stanza.Redirect, stanza.JIDMalformed, stanza.RemoteServerNotFound, stanza.RemoteServerTimeout,
	stanza.ServiceUnavailable, stanza.InternalServerError}

// OnMessage handles a message to a room. (XEP-0045 §7.4, §8.1)
func (rs *Rooms) OnMessage(st *stanza.Inbound, peer legacy.Peer) {
	r, full := rs.all[peer.ID], st.From.String()
	inside := r != nil && r.clients[full] != nil
	if st.Type == "error" {
		if inside && isErrorOf(st, clientGoneErrors) {
			r.dropClient(full, "")
		}
		return
	}
	if x := st.Child(xep.NSMUCUser, "x"); x.Child(xep.NSMUCUser, "decline") != nil {
		return // the network cannot decline an invitation (XEP-0045 §7.8.2)
	}
	if !inside || r.state != Joined {
		if body.Plain(st.Element) != "" || body.ActOf(st.Element) != body.Say ||
			st.Child(stanza.NS, "subject") != nil || st.Child(xep.NSMUCUser, "x") != nil {
			why := errNotInRoom
			why.Type = stanza.Modify
			st.Refuse(why)
		}
		return
	}
	text, a, subject := body.Plain(st.Element), body.ActOf(st.Element), st.Child(stanza.NS, "subject")
	roomer, ok := rs.session().(legacy.Roomer)
	switch {
	case !ok:
		st.Refuse(rs.offline())
	case rs.inviteTo(st, roomer, peer):
	case st.To.Resource != "" && st.Type == "groupchat":
		st.Refuse(stanza.ErrBadRequest)
	case xep.IsEncrypted(st.Element):
		st.Refuse(stanza.ErrEncrypted)
	case len(text) > body.MaxSize:
		st.Refuse(stanza.ErrTooLarge)
	case st.To.Resource != "":
		r.onPrivateText(st, text)
	case isVoiceRequest(st):
		st.Refuse(errNoVoiceRequests)
	case st.Type != "groupchat":
		st.Refuse(stanza.ErrBadRequest)
	case subject != nil && text == "":
		r.pendingSubject = st
		if err := roomer.SetTopic(rs.ctx, peer, body.Clean(subject.Text())); err != nil {
			r.pendingSubject = nil
			st.Refuse(stanza.Translate(err))
		}
	case a == body.React:
		r.reactInRoom(st)
	case a == body.Retract:
		r.retractInRoom(st)
	case strings.TrimSpace(body.Clean(text)) != "":
		rs.host.Send(st, peer, body.Clean(text))
	default:
		r.relayChatState(st)
	}
}

// relayChatState sends the user's chat state to the network. (XEP-0085 §5.5)
func (r *Room) relayChatState(st *stanza.Inbound) {
	state, ok := xep.ChatState(st.Element)
	typer, types := r.rs.session().(legacy.RoomTyper)
	if !ok || !types || !r.messageTags || r.rs.account().Option(OptNoTyping) != "" {
		return
	}
	if err := typer.SetRoomTyping(r.rs.ctx, r.peer, body.Typing(state)); err != nil {
		r.rs.log.Debug().Err(err).Msg("cannot send the user's typing state")
	}
}

// inviteTo handles a mediated invitation. It returns false for any other message.
// (XEP-0045 §7.8.2)
func (rs *Rooms) inviteTo(st *stanza.Inbound, roomer legacy.Roomer, room legacy.Peer) bool {
	x := st.Child(xep.NSMUCUser, "x")
	if x == nil || x.Child(xep.NSMUCUser, "invite") == nil {
		return false
	}
	to := x.Child(xep.NSMUCUser, "invite").Attr("to")
	who, err := rs.shared.Peers.Network.ParsePeer(rs.peerNameOf(to))
	switch jid, bad := address.Parse(to); {
	case !strings.ContainsAny(to, "@/."): // not a JID, but a name of the network
		if who, err = rs.shared.Peers.Occupant(room, to); err == nil {
			err = roomer.Invite(rs.ctx, room, who)
		}
	case bad != nil || err != nil && jid.Domain == rs.shared.Peers.Domain:
		err = legacy.Errorf(legacy.NotFound, "Nobody has this address. Check the address of the person to invite.")
	case jid.Domain != rs.shared.Peers.Domain: // an XMPP user: the gateway sends the invitation itself
		rs.invitePerson(jid.Bare().String(), room, x.Child(xep.NSMUCUser, "invite").ChildText(xep.NSMUCUser, "reason"))
		return true
	case !who.Room && !who.Service:
		err = roomer.Invite(rs.ctx, room, who)
	default:
		err = legacy.Errorf(legacy.NotFound, "Only people can be invited.")
	}
	if err != nil {
		st.Refuse(stanza.Translate(err))
	}
	return true
}

// RelayInvite handles a direct invitation, which a client sends to the contact itself. It
// returns false for any other message. (XEP-0249 §2)
func (rs *Rooms) RelayInvite(st *stanza.Inbound) bool {
	x := st.Child(xep.NSConference, "x")
	jid, err := address.Parse(x.Attr("jid"))
	if x == nil || err != nil || jid.Domain != rs.shared.Peers.Domain {
		return false
	}
	peer, isRoom := rs.shared.Peers.Room(jid)
	who, err := rs.shared.Peers.Contact(st.To)
	if !isRoom || err != nil || who.ID == "" || who.Service {
		return false
	}
	roomer, ok := rs.session().(legacy.Roomer)
	if r := rs.all[peer.ID]; !ok || !r.isJoined() {
		st.Refuse(errNotInRoom)
	} else if err := roomer.Invite(rs.ctx, peer, who); err != nil {
		st.Refuse(stanza.Translate(err))
	}
	return true
}

// invitePerson sends an XMPP user an invitation to a room, in the user's name.
// (XEP-0045 §7.8.2)
func (rs *Rooms) invitePerson(to string, peer legacy.Peer, reason string) {
	room := rs.shared.Peers.JID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", rs.user)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
	}
	x := element.New(xep.NSMUCUser, "x").Add(inv)
	if r := rs.all[peer.ID]; r != nil && r.password != "" {
		x.Add(element.New(xep.NSMUCUser, "password").AddText(r.password))
	}
	rs.shared.Link.Send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "body").AddText(rs.user+" invites you to "+room+"."), x))
}

// onPrivateText sends a private message to an occupant. From then on that person's
// messages come from the occupant JID. (XEP-0045 §7.5)
func (r *Room) onPrivateText(st *stanza.Inbound, text string) {
	o := r.find(st.To.Resource)
	if o == nil {
		st.Refuse(stanza.ErrItemNotFound)
		return
	}
	peer, err := r.rs.shared.Peers.Occupant(r.peer, o.Nick)
	if err != nil {
		st.Refuse(stanza.ErrItemNotFound)
		return
	}
	text = body.Clean(text)
	if a := body.ActOf(st.Element); a != body.Retract && a != body.React && strings.TrimSpace(text) != "" {
		r.rs.notePrivate(peer, r)
	}
	r.rs.host.Send(st, peer, text)
}

// maxPrivate limits the people whose messages come from an occupant JID.
const maxPrivate = 256

// notePrivate notes that the messages of a person come from the occupant JID in a room.
func (rs *Rooms) notePrivate(person legacy.Peer, r *Room) {
	if _, known := rs.private[person.ID]; known || len(rs.private) < maxPrivate {
		if rs.private == nil {
			rs.private = make(map[string]string)
		}
		rs.private[person.ID] = r.peer.ID
	}
}

// DeliverPrivate delivers a message as a private message of a room, if the user last wrote to
// its sender there. It returns the ID of the stanza, and false otherwise. (XEP-0045 §7.5)
func (rs *Rooms) DeliverPrivate(ev legacy.MessageReceived) (id string, ok bool) {
	r := rs.all[rs.private[ev.From.ID]]
	if !r.isJoined() || len(r.clients) == 0 {
		return "", false
	}
	nick := ""
	for _, o := range r.occupants {
		if p, err := rs.shared.Peers.Occupant(r.peer, o.Nick); err == nil && p == ev.From {
			nick = o.Nick
		}
	}
	if nick == "" {
		return "", false
	}
	id = xep.NewID()
	r.identify(r.occupants[nick])
	r.eachClient(func(full string) {
		rs.shared.write(func(dst []byte) []byte {
			dst = stanza.AppendMessageStart(dst, r.occupantJID(nick), full, id)
			dst = stanza.AppendChild(dst, "body", body.Styled(ev.Text, ev.Markup))
			dst = body.AppendXHTML(dst, ev.Markup)
			if !ev.Time.IsZero() {
				dst = xep.Delay(rs.shared.Peers.Domain, ev.Time).Append(dst, stanza.NS)
			}
			dst = appendOccupantID(dst, r.occupants[nick].id)
			return append(dst, "<x xmlns='"+xep.NSMUCUser+"'/></message>"...)
		})
	})
	return id, true
}

// Reflect sends the user's message to every client of the user in the room, including its
// sender. id is the network's ID of the message, or "". (XEP-0045 §7.4)
func (rs *Rooms) Reflect(st *stanza.Inbound, id string) {
	peer, ok := rs.shared.Peers.Room(st.To)
	if !ok || st.Type != "groupchat" {
		return
	}
	rs.withRoom(peer, func(r *Room) {
		o := r.self()
		r.identify(o)
		switch body.ActOf(st.Element) {
		case body.React:
			e := st.Child(xep.NSReactions, "reactions")
			ev := legacy.RoomReaction{Room: r.peer, Nick: r.nick, ID: e.Attr("id"), Emojis: body.ReactionsIn(e)}
			r.onRoomReaction(ev, cmp.Or(st.ID, xep.NewID()))
			return
		case body.Retract:
			r.reflectRetraction(st)
			return
		}
		archived := cmp.Or(id, xep.NewID())
		l := line{nick: r.nick, text: body.Plain(st.Element), id: cmp.Or(st.ID, archived), stanzaID: archived,
			localID: id == "", at: r.nextStamp(rs.shared.Clock.Now(), false), occupantID: o.id,
			origin: st.Child(xep.NSStanzaID, "origin-id").Attr("id"), reply: st.Child(xep.NSReply, "reply").Attr("id"),
			quoted: body.QuoteIn(st.Element)}
		if body.ActOf(st.Element) == body.Correct {
			l.replaces = st.Child(xep.NSCorrect, "replace").Attr("id")
			if old := r.lineByID(l.replaces); old != nil && old.nick != r.nick && !r.saidBy(old, r.nick) {
				l.replaces = "" // another occupant's message (XEP-0308 §4)
			}
		}
		if old := r.lineByID(l.reply); old != nil {
			l.replyTo = old.nick
		}
		if rs.shared.Peers.Info.Lines { // the network received it without blank lines
			l.text, l.quoted = body.Compact(l.text, l.quoted)
		}
		r.addLine(l)
		r.eachClient(func(full string) {
			rs.shared.write(func(dst []byte) []byte { return l.appendTo(dst, r.jid, full, false) })
		})
	})
}

// typist is an occupant of a room.
type typist struct{ room, nick string } // room is a Peer.ID

// maxTyping limits the occupants whose composing state is stored.
const maxTypists = 256

// onRoomTyping handles an occupant's typing notification. A composing state that the
// network repeats is sent once. (XEP-0085 §5.3, §5.5)
func (r *Room) onRoomTyping(ev legacy.RoomTyping) {
	key := typist{r.peer.ID, ev.Nick}
	_, known := r.rs.typing[key]
	delete(r.rs.typing, key)
	state := "active"
	switch ev.State {
	case legacy.TypingActive:
		if len(r.rs.typing) < maxTypists {
			if r.rs.typing == nil {
				r.rs.typing = make(map[typist]time.Time)
			}
			r.rs.typing[key] = r.rs.shared.Clock.Now().Add(body.TypingTimeout)
		}
		if known {
			return
		}
		state = "composing"
	case legacy.TypingPaused:
		state = "paused"
	}
	r.sendRoomState(ev.Nick, state)
}

// expireTyping sends paused for each composing state that has expired.
func (rs *Rooms) expireTyping(now time.Time) {
	for who, until := range rs.typing {
		if until.After(now) {
			continue
		}
		delete(rs.typing, who)
		if r := rs.all[who.room]; r.isJoined() {
			r.sendRoomState(who.nick, "paused")
		}
	}
}

// sendRoomState sends an occupant's chat state to the clients.
func (r *Room) sendRoomState(nick string, state string) {
	if r.occupants[nick] == nil {
		return
	}
	r.eachClient(func(full string) {
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(nick)).Set("to", full).
			Set("type", "groupchat").Set("id", xep.NewID()).Add(element.New(xep.NSChatStates, state), element.New("urn:xmpp:hints", "no-store"), r.idOf(nick)))
	})
}
