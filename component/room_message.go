package component

import (
	"cmp"
	"slices"
	"strings"

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
func (r *room) onRoomMessage(ev legacy.RoomMessage) {
	r.rs.u.c.counters.fromNetwork.Add(1)
	replaces := ""
	if re, old := r.rendition(ev); old != nil {
		switch re.act {
		case body.React:
			r.onRoomReaction(legacy.RoomReaction{Room: r.peer, Nick: ev.Nick, ID: old.stanzaID, Emojis: re.emojis}, newID())
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
	r.rs.u.outbox.endTyping(typist(r, ev.Nick))
	l := line{nick: ev.Nick, text: body.Styled(ev.Text, ev.Markup), markup: ev.Markup, id: newID(), at: ev.Time,
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
		l.at = r.rs.u.c.clock.Now()
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
		_ = r.rs.u.c.write(func(dst []byte) []byte { return r.appendLine(dst, full, &l, !ev.Time.IsZero()) })
	})
}

// appendLine appends the message stanza of a line, for the client to; or for the archive's
// result if to is "". (XEP-0045 §7.2.13, §7.4)
func (r *room) appendLine(dst []byte, to string, l *line, delayed bool) []byte {
	if to == "" {
		dst = append(dst, "<message xmlns='jabber:client' type='groupchat'"...)
	} else {
		dst = append(dst, "<message type='groupchat'"...)
	}
	if l.nick == "" {
		dst = stanza.AppendAttr(dst, "from", r.jid)
	} else {
		dst = append(dst, ` from="`...)
		dst = element.AppendAttr(dst, r.jid)
		dst = append(dst, '/')
		dst = element.AppendAttr(dst, resourceOf(l.nick))
		dst = append(dst, '"')
	}
	dst = stanza.AppendAttr(dst, "to", to)
	dst = stanza.AppendAttr(dst, "id", l.id)
	dst = stanza.AppendChild(append(dst, '>'), "body", l.text)
	dst = body.AppendXHTML(dst, l.markup)
	if l.unstyled && l.quoted[1] == 0 {
		dst = append(dst, body.Unstyled...)
	}
	dst = l.appendReply(dst, r)
	if l.replaces != "" {
		dst = append(dst, "<replace xmlns='"+xep.NSCorrect+"'"...)
		dst = append(stanza.AppendAttr(dst, "id", l.replaces), "/>"...)
	}
	dst = appendOccupantID(dst, l.occupantID)
	if to != "" {
		dst = append(dst, "<stanza-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(stanza.AppendAttr(stanza.AppendAttr(dst, "id", l.stanzaID), "by", r.jid), "/>"...)
	}
	if l.origin != "" {
		dst = append(dst, "<origin-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(stanza.AppendAttr(dst, "id", l.origin), "/>"...)
	}
	if delayed {
		dst = xep.Delay(r.jid, l.at).Append(dst, stanza.NS)
	}
	return append(dst, "</message>"...)
}

// clientGoneErrors are the error conditions by which a server reports that it could not deliver a
// stanza to a client. The client is removed without a leave presence: another client with
// the same full JID may be about to join. (XEP-0045 §18.1.2)
var clientGoneErrors = []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable,
	stanza.Redirect, stanza.JIDMalformed, stanza.RemoteServerNotFound, stanza.RemoteServerTimeout,
	stanza.ServiceUnavailable, stanza.InternalServerError}

// onRoomText handles a message to a room. (XEP-0045 §7.4, §8.1)
func (rs *rooms) onRoomText(st *stanza.Inbound, peer legacy.Peer) {
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
	if !inside || !r.joined {
		if body.Plain(st.Element) != "" || body.ActOf(st.Element) != body.Say ||
			st.Child(stanza.NS, "subject") != nil || st.Child(xep.NSMUCUser, "x") != nil {
			why := errNotInRoom
			why.Type = stanza.Modify
			st.Refuse(why)
		}
		return
	}
	text, a, subject := body.Plain(st.Element), body.ActOf(st.Element), st.Child(stanza.NS, "subject")
	roomer, ok := rs.u.login.legacySession().(legacy.Roomer)
	switch {
	case !ok:
		st.Refuse(rs.u.login.notOnline())
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
		if err := roomer.SetTopic(rs.u.ctx, peer, body.Clean(subject.Text())); err != nil {
			r.pendingSubject = nil
			st.Refuse(stanza.Translate(err))
		}
	case a == body.React:
		r.reactInRoom(st)
	case a == body.Retract:
		r.retractInRoom(st)
	case strings.TrimSpace(body.Clean(text)) != "":
		rs.u.outbox.sendTo(st, peer, body.Clean(text))
	default:
		r.relayChatState(st)
	}
}

// relayChatState sends the user's chat state to the network. (XEP-0085 §5.5)
func (r *room) relayChatState(st *stanza.Inbound) {
	state, ok := xep.ChatState(st.Element)
	typer, types := r.rs.u.login.legacySession().(legacy.RoomTyper)
	if !ok || !types || !r.messageTags || r.rs.u.account.option(optNoTyping) {
		return
	}
	if err := typer.SetRoomTyping(r.rs.u.ctx, r.peer, body.Typing(state)); err != nil {
		r.rs.u.log.Debug().Err(err).Msg("cannot send the user's typing state")
	}
}

// inviteTo handles a mediated invitation. It returns false for any other message.
// (XEP-0045 §7.8.2)
func (rs *rooms) inviteTo(st *stanza.Inbound, roomer legacy.Roomer, room legacy.Peer) bool {
	x := st.Child(xep.NSMUCUser, "x")
	if x == nil || x.Child(xep.NSMUCUser, "invite") == nil {
		return false
	}
	to := x.Child(xep.NSMUCUser, "invite").Attr("to")
	who, err := rs.u.c.cfg.Network.ParsePeer(rs.peerNameOf(to))
	switch jid, bad := address.Parse(to); {
	case !strings.ContainsAny(to, "@/."): // not a JID, but a name of the network
		if who, err = rs.u.c.peers.Occupant(room, to); err == nil {
			err = roomer.Invite(rs.u.ctx, room, who)
		}
	case bad != nil || err != nil && jid.Domain == rs.u.c.domain:
		err = legacy.Errorf(legacy.NotFound, "Nobody has this address. Check the address of the person to invite.")
	case jid.Domain != rs.u.c.domain: // an XMPP user: the gateway sends the invitation itself
		rs.invitePerson(jid.Bare().String(), room, x.Child(xep.NSMUCUser, "invite").ChildText(xep.NSMUCUser, "reason"))
		return true
	case !who.Room && !who.Service:
		err = roomer.Invite(rs.u.ctx, room, who)
	default:
		err = legacy.Errorf(legacy.NotFound, "Only people can be invited.")
	}
	if err != nil {
		st.Refuse(stanza.Translate(err))
	}
	return true
}

// relayInvite handles a direct invitation, which a client sends to the contact itself. It
// returns false for any other message. (XEP-0249 §2)
func (rs *rooms) relayInvite(st *stanza.Inbound) bool {
	x := st.Child(xep.NSConference, "x")
	jid, err := address.Parse(x.Attr("jid"))
	if x == nil || err != nil || jid.Domain != rs.u.c.domain {
		return false
	}
	peer, isRoom := rs.u.c.peers.Room(jid)
	who, err := rs.u.c.peers.Contact(st.To)
	if !isRoom || err != nil || who.ID == "" || who.Service {
		return false
	}
	roomer, ok := rs.u.login.legacySession().(legacy.Roomer)
	if r := rs.all[peer.ID]; !ok || r == nil || !r.joined {
		st.Refuse(errNotInRoom)
	} else if err := roomer.Invite(rs.u.ctx, peer, who); err != nil {
		st.Refuse(stanza.Translate(err))
	}
	return true
}

// invitePerson sends an XMPP user an invitation to a room, in the user's name.
// (XEP-0045 §7.8.2)
func (rs *rooms) invitePerson(to string, peer legacy.Peer, reason string) {
	room := rs.u.c.peers.JID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", rs.u.bare)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
	}
	x := element.New(xep.NSMUCUser, "x").Add(inv)
	if r := rs.all[peer.ID]; r != nil && r.password != "" {
		x.Add(element.New(xep.NSMUCUser, "password").AddText(r.password))
	}
	rs.u.c.send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", newID()).
		Add(element.New(stanza.NS, "body").AddText(rs.u.bare+" invites you to "+room+"."), x))
}

// onPrivateText sends a private message to an occupant. From then on that person's
// messages come from the occupant JID. (XEP-0045 §7.5)
func (r *room) onPrivateText(st *stanza.Inbound, text string) {
	o := r.find(st.To.Resource)
	if o == nil {
		st.Refuse(stanza.ErrItemNotFound)
		return
	}
	peer, err := r.rs.u.c.peers.Occupant(r.peer, o.Nick)
	if err != nil {
		st.Refuse(stanza.ErrItemNotFound)
		return
	}
	if a := body.ActOf(st.Element); a == body.Retract || a == body.React {
		r.rs.u.outbox.relayAct(st, a, peer)
		return
	}
	if text = body.Clean(text); strings.TrimSpace(text) == "" {
		r.rs.u.outbox.onChatStateTo(st, peer)
		return
	}
	if _, known := r.rs.private[peer.ID]; known || len(r.rs.private) < maxThreads {
		lazySet(&r.rs.private, peer.ID, r.peer.ID)
	}
	r.rs.u.outbox.sendTo(st, peer, text)
}

// deliverPrivate delivers a message as a private message of a room, if the user last wrote to
// its sender there. It returns false otherwise. (XEP-0045 §7.5)
func (rs *rooms) deliverPrivate(ev legacy.MessageReceived) bool {
	r := rs.all[rs.private[ev.From.ID]]
	if r == nil || !r.joined || len(r.clients) == 0 || rs.u.c.conn.Load() == nil {
		return false
	}
	nick := ""
	for _, o := range r.occupants {
		if p, err := rs.u.c.peers.Occupant(r.peer, o.Nick); err == nil && p == ev.From {
			nick = o.Nick
		}
	}
	if nick == "" {
		return false
	}
	id := newID()
	rs.u.outbox.noteChat(chatLine{peer: ev.From.ID, id: id, words: body.FirstWords(ev.Text)})
	r.identify(r.occupants[nick])
	r.eachClient(func(full string) {
		_ = rs.u.c.write(func(dst []byte) []byte {
			dst = stanza.AppendMessageStart(dst, r.occupantJID(nick), full, id)
			dst = stanza.AppendChild(dst, "body", body.Styled(ev.Text, ev.Markup))
			dst = body.AppendXHTML(dst, ev.Markup)
			if !ev.Time.IsZero() {
				dst = xep.Delay(rs.u.c.domain, ev.Time).Append(dst, stanza.NS)
			}
			dst = appendOccupantID(dst, r.occupants[nick].id)
			return append(dst, "<x xmlns='"+xep.NSMUCUser+"'/></message>"...)
		})
	})
	return true
}

// reflect sends the user's message to every client of the user in the room, including its
// sender. id is the network's ID of the message, or "". (XEP-0045 §7.4)
func (rs *rooms) reflect(st *stanza.Inbound, id string) {
	peer, ok := rs.u.c.peers.Room(st.To)
	if !ok || st.Type != "groupchat" {
		return
	}
	rs.withRoom(peer, func(r *room) {
		o := r.self()
		r.identify(o)
		switch body.ActOf(st.Element) {
		case body.React:
			e := st.Child(xep.NSReactions, "reactions")
			ev := legacy.RoomReaction{Room: r.peer, Nick: r.nick, ID: e.Attr("id"), Emojis: body.ReactionsIn(e)}
			r.onRoomReaction(ev, cmp.Or(st.ID, newID()))
			return
		case body.Retract:
			r.reflectRetraction(st)
			return
		}
		archived := cmp.Or(id, newID())
		l := line{nick: r.nick, text: body.Plain(st.Element), id: cmp.Or(st.ID, archived), stanzaID: archived,
			localID: id == "", at: r.nextStamp(rs.u.c.clock.Now(), false), occupantID: o.id,
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
		if rs.u.c.info.Lines { // the network received it without blank lines
			l.text, l.quoted = body.Compact(l.text, l.quoted)
		}
		r.addLine(l)
		r.eachClient(func(full string) {
			_ = rs.u.c.write(func(dst []byte) []byte { return r.appendLine(dst, full, &l, false) })
		})
	})
}
