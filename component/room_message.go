package component

import (
	"slices"
	"strings"

	"mellium.im/xmpp/stanza"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

var (
	errNotInRoom       = stanzaError{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."}
	errNoVoiceRequests = stanzaError{Type: stanza.Cancel, Condition: stanza.NotAllowed, Text: "A voice cannot be asked for so. Write to somebody who moderates the room."}
)

// asksForVoice reports whether a message asks to be let speak. (XEP-0045 §7.13)
func asksForVoice(st *inbound) bool {
	form := xep.Values(st.Child(xep.NSDataForm, "x"))["FORM_TYPE"]
	return len(form) > 0 && form[0] == "http://jabber.org/protocol/muc#request"
}

// onRoomMessage: somebody has spoken. (XEP-0045 §7.4)
func (u *user) onRoomMessage(r *room, ev legacy.RoomMessage) {
	u.c.counters.fromNetwork.Add(1)
	replaces := ""
	if re, old := u.rendition(r, ev); old != nil {
		switch re.act {
		case actReact:
			u.onRoomReaction(r, legacy.RoomReaction{Room: r.peer, Nick: ev.Nick, ID: old.archived, Emojis: re.emojis}, newID())
			return
		case actRetract:
			u.onRoomRedaction(r, legacy.RoomRedaction{Room: r.peer, Nick: ev.Nick, ID: old.archived})
			return
		case actCorrect:
			ev.Text, ev.Markup, replaces = re.text, nil, old.id
		}
	}
	if ev.Reply != "" {
		u.recall(r)
	}
	if len(u.typing) > 0 {
		delete(u.typing, typist(r, ev.Nick))
	}
	l := line{nick: ev.Nick, text: styled(ev.Text, ev.Markup), markup: ev.Markup, id: newID(), at: ev.Time, reply: ev.Reply, replaces: replaces}
	l.unstyled = replaces == "" && isUnstyled(ev.Text, ev.Markup)
	l.quote(r.said(ev.Reply))
	if !ev.Time.IsZero() {
		u.recall(r) // it may be known
	}
	if l.archived = ev.ID; l.archived == "" {
		l.archived, l.unnamed = l.id, true
	} else if !ev.Time.IsZero() && slices.ContainsFunc(r.history, func(old line) bool { return old.archived == ev.ID }) {
		return // it was said before a loss of the connection
	}
	if l.at.IsZero() {
		l.at = u.c.clock.Now()
	}
	l.at = r.stamp(l.at, !ev.Time.IsZero())
	if o := r.occupants[ev.Nick]; o != nil { // as in their presence, even if more is known now
		u.c.identify(r, o)
		l.occupant = o.id
	} else if ev.Nick != "" {
		l.occupant = u.c.occupantID(r, first(ev.Identity, ev.Nick))
	}
	u.remember(r, l)
	u.toClients(r, func(full string) {
		_ = u.c.write(func(dst []byte) []byte { return u.c.appendLine(dst, r, full, &l, !ev.Time.IsZero()) })
	})
}

// appendLine appends something that was said in a room as one of the user's clients
// gets it, or with to "" as the archive gives it out. (XEP-0045 §7.2.13, §7.4)
func (c *Component) appendLine(dst []byte, r *room, to string, l *line, delayed bool) []byte {
	if to == "" {
		dst = append(dst, "<message xmlns='jabber:client' type='groupchat'"...)
	} else {
		dst = append(dst, "<message type='groupchat'"...)
	}
	if l.nick == "" {
		dst = appendAttr(dst, "from", r.jid)
	} else {
		dst = append(dst, ` from="`...)
		dst = element.AppendAttr(dst, r.jid)
		dst = append(dst, '/')
		dst = element.AppendAttr(dst, resourceOf(l.nick))
		dst = append(dst, '"')
	}
	dst = appendAttr(dst, "to", to)
	dst = appendAttr(dst, "id", l.id)
	dst = appendChild(append(dst, '>'), "body", l.text)
	dst = appendXHTML(dst, l.markup)
	if l.unstyled && l.quoted[1] == 0 {
		dst = append(dst, unstyled...)
	}
	dst = l.appendReply(dst, r)
	if l.replaces != "" {
		dst = append(dst, "<replace xmlns='"+xep.NSCorrect+"'"...)
		dst = append(appendAttr(dst, "id", l.replaces), "/>"...)
	}
	dst = appendOccupantID(dst, l.occupant)
	if to != "" {
		dst = append(dst, "<stanza-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(appendAttr(appendAttr(dst, "id", l.archived), "by", r.jid), "/>"...)
	}
	if l.origin != "" {
		dst = append(dst, "<origin-id xmlns='"+xep.NSStanzaID+"'"...)
		dst = append(appendAttr(dst, "id", l.origin), "/>"...)
	}
	if delayed {
		dst = xep.Delay(r.jid, l.at).Append(dst, nsComponent)
	}
	return append(dst, "</message>"...)
}

// ghosts are the errors by which a server says that a client is gone. It is told nothing:
// they come of what its server could not deliver, and at its address there may be one by
// now that is about to join. (XEP-0045 §18.1.2)
var ghosts = []stanza.Condition{stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable, stanza.Redirect, stanza.JIDMalformed,
	stanza.RemoteServerNotFound, stanza.RemoteServerTimeout, stanza.ServiceUnavailable, stanza.InternalServerError}

// onRoomText handles a message to a room. (XEP-0045 §7.4, §8.1)
func (u *user) onRoomText(st *inbound, peer legacy.Peer) {
	r, full := u.rooms[peer.ID], st.from.String()
	inside := r != nil && r.clients[full] != nil
	if st.typ == "error" {
		if inside && isErrorOf(st, ghosts) {
			u.dropClient(r, full, "")
		}
		return
	}
	if x := st.Child(xep.NSMUCUser, "x"); x.Child(xep.NSMUCUser, "decline") != nil {
		return // the network has no word for it (XEP-0045 §7.8.2)
	}
	if !inside || !r.joined {
		if plainText(st.Element) != "" || actOf(st.Element) != actSay || st.Child(nsComponent, "subject") != nil || st.Child(xep.NSMUCUser, "x") != nil {
			why := errNotInRoom
			why.Type = stanza.Modify
			u.c.refuse(st, why)
		}
		return
	}
	text, a, subject := plainText(st.Element), actOf(st.Element), st.Child(nsComponent, "subject")
	roomer, ok := u.legacySession().(legacy.Roomer)
	switch {
	case !ok:
		u.c.refuse(st, u.notOnline())
	case u.inviteTo(st, roomer, peer):
	case st.to.Resource != "" && st.typ == "groupchat":
		u.c.refuse(st, errBadRequest)
	case xep.IsEncrypted(st.Element):
		u.c.refuse(st, errEncrypted)
	case len(text) > maxBody:
		u.c.refuse(st, errTooLarge)
	case st.to.Resource != "":
		u.onPrivateText(st, r, text)
	case asksForVoice(st):
		u.c.refuse(st, errNoVoiceRequests)
	case st.typ != "groupchat":
		u.c.refuse(st, errBadRequest)
	case subject != nil && text == "":
		r.retopic = st
		if err := roomer.SetTopic(u.ctx, peer, cleanText(subject.Text())); err != nil {
			r.retopic = nil
			u.c.refuse(st, translateError(err))
		}
	case a == actReact:
		u.reactInRoom(st, r)
	case a == actRetract:
		u.retractInRoom(st, r)
	case strings.TrimSpace(cleanText(text)) != "":
		u.sendTo(st, peer, cleanText(text))
	default:
		u.onRoomChatState(st, r)
	}
}

// onRoomChatState passes on that the user is typing. (XEP-0085 §5.5)
func (u *user) onRoomChatState(st *inbound, r *room) {
	state, ok := xep.ChatState(st.Element)
	typer, types := u.legacySession().(legacy.RoomTyper)
	if !ok || !types || !r.tags || u.option(optNoTyping) {
		return
	}
	if err := typer.SetRoomTyping(u.ctx, r.peer, translateChatState(state)); err != nil {
		u.log.Debug().Err(err).Msg("cannot tell that the user is typing")
	}
}

// inviteTo passes an invitation on. It is false for any other message.
// (XEP-0045 §7.8.2)
func (u *user) inviteTo(st *inbound, roomer legacy.Roomer, room legacy.Peer) bool {
	x := st.Child(xep.NSMUCUser, "x")
	if x == nil || x.Child(xep.NSMUCUser, "invite") == nil {
		return false
	}
	to := x.Child(xep.NSMUCUser, "invite").Attr("to")
	who, err := u.c.cfg.Network.ParsePeer(u.peerNameOf(to))
	switch jid, bad := address.Parse(to); {
	case !strings.ContainsAny(to, "@/."): // no JID, but what the network calls somebody
		if who, err = u.c.occupantPeer(u.rooms[room.ID], to); err == nil {
			err = roomer.Invite(u.ctx, room, who)
		}
	case bad != nil || err != nil && jid.Domain == u.c.domain:
		err = legacy.Errorf(legacy.NotFound, "There is nobody of that address to be invited.")
	case jid.Domain != u.c.domain: // somebody of XMPP, whom we ask ourselves
		u.invitePerson(jid.Bare().String(), room, x.Child(xep.NSMUCUser, "invite").ChildText(xep.NSMUCUser, "reason"))
		return true
	case !who.Room && !who.Service:
		err = roomer.Invite(u.ctx, room, who)
	default:
		err = legacy.Errorf(legacy.NotFound, "Only people can be invited.")
	}
	if err != nil {
		u.c.refuse(st, translateError(err))
	}
	return true
}

// passInvite asks somebody on the network into a room, as a client does by a message to
// them. It is false for any other message. (XEP-0249 §2)
func (u *user) passInvite(st *inbound) bool {
	x := st.Child(xep.NSConference, "x")
	jid, err := address.Parse(x.Attr("jid"))
	if x == nil || err != nil || jid.Domain != u.c.domain {
		return false
	}
	peer, isRoom := u.c.roomAt(jid)
	who, err := u.c.peer(st.to)
	if !isRoom || err != nil || who.ID == "" || who.Service {
		return false
	}
	roomer, ok := u.legacySession().(legacy.Roomer)
	if r := u.rooms[peer.ID]; !ok || r == nil || !r.joined {
		u.c.refuse(st, errNotInRoom)
	} else if err := roomer.Invite(u.ctx, peer, who); err != nil {
		u.c.refuse(st, translateError(err))
	}
	return true
}

// invitePerson asks somebody of XMPP into a room, in the user's name.
// (XEP-0045 §7.8.2)
func (u *user) invitePerson(to string, peer legacy.Peer, reason string) {
	room := u.c.contactJID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", u.bare)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
	}
	x := element.New(xep.NSMUCUser, "x").Add(inv)
	if r := u.rooms[peer.ID]; r != nil && r.password != "" {
		x.Add(element.New(xep.NSMUCUser, "password").AddText(r.password))
	}
	u.c.send(element.New(nsStanza, "message").Set("from", room).Set("to", to).Set("id", newID()).
		Add(element.New(nsStanza, "body").AddText(u.bare+" invites you to "+room+"."), x))
}

// onPrivateText sends what a client says to one occupant. What the occupant says
// from now on comes from there too. (XEP-0045 §7.5)
func (u *user) onPrivateText(st *inbound, r *room, text string) {
	o := r.find(st.to.Resource)
	if o == nil {
		u.c.refuse(st, errItemNotFound)
		return
	}
	peer, err := u.c.occupantPeer(r, o.Nick)
	if err != nil {
		u.c.refuse(st, errItemNotFound)
		return
	}
	if a := actOf(st.Element); a == actRetract || a == actReact {
		u.actAlone(st, a, peer)
		return
	}
	if text = cleanText(text); strings.TrimSpace(text) == "" {
		u.onChatStateTo(st, peer)
		return
	}
	if _, known := u.private[peer.ID]; known || len(u.private) < maxThreads {
		put(&u.private, peer.ID, r.peer.ID)
	}
	u.sendTo(st, peer, text)
}

// occupantPeer is an occupant as a person of the network: the room's name, with the
// nick in place of the room's own.
func (c *Component) occupantPeer(r *room, nick string) (legacy.Peer, error) {
	peer, err := c.cfg.Network.ParsePeer(c.occupantName(r, nick))
	if err == nil && (peer.Room || peer.Service) {
		err = legacy.Errorf(legacy.NotFound, "That is nobody to talk to.")
	}
	return peer, err
}

// occupantName is the name by which the network's ParsePeer knows an occupant.
func (c *Component) occupantName(r *room, nick string) string {
	if namer, ok := c.cfg.Network.(legacy.OccupantNamer); ok {
		return namer.OccupantName(r.peer, nick)
	}
	return nick
}

// passPrivately passes a message on as one from within a room, if the user talks to
// its sender there. It is false if not. (XEP-0045 §7.5)
func (u *user) passPrivately(ev legacy.MessageReceived) bool {
	r := u.rooms[u.private[ev.From.ID]]
	if r == nil || !r.joined || len(r.clients) == 0 || u.c.conn.Load() == nil {
		return false
	}
	nick := ""
	for _, o := range r.occupants {
		if p, err := u.c.occupantPeer(r, o.Nick); err == nil && p == ev.From {
			nick = o.Nick
		}
	}
	if nick == "" {
		return false
	}
	id := newID()
	u.noteChat(chatLine{peer: ev.From.ID, id: id, words: firstWords(ev.Text)})
	u.c.identify(r, r.occupants[nick])
	u.toClients(r, func(full string) {
		_ = u.c.write(func(dst []byte) []byte {
			dst = appendMessageStart(dst, r.occupantJID(nick), full, id)
			dst = appendChild(dst, "body", styled(ev.Text, ev.Markup))
			dst = appendXHTML(dst, ev.Markup)
			if !ev.Time.IsZero() {
				dst = xep.Delay(u.c.domain, ev.Time).Append(dst, nsComponent)
			}
			dst = appendOccupantID(dst, r.occupants[nick].id)
			return append(dst, "<x xmlns='"+xep.NSMUCUser+"'/></message>"...)
		})
	})
	return true
}

// reflect shows a message of the user's to every client of the user's in the room,
// the one that sent it too. id is what the network calls it. (XEP-0045 §7.4)
func (u *user) reflect(st *inbound, id string) {
	peer, ok := u.c.roomAt(st.to)
	if !ok || st.typ != "groupchat" {
		return
	}
	u.withRoom(peer, func(r *room) {
		o := r.self()
		u.c.identify(r, o)
		switch actOf(st.Element) {
		case actReact:
			e := st.Child(xep.NSReactions, "reactions")
			u.onRoomReaction(r, legacy.RoomReaction{Room: r.peer, Nick: r.nick, ID: e.Attr("id"), Emojis: reactionsIn(e)}, first(st.id, newID()))
			return
		case actRetract:
			u.reflectRetraction(r, st)
			return
		}
		archived := first(id, newID())
		l := line{nick: r.nick, text: plainText(st.Element), id: first(st.id, archived), archived: archived, unnamed: id == "", at: r.stamp(u.c.clock.Now(), false), occupant: o.id,
			origin: st.Child(xep.NSStanzaID, "origin-id").Attr("id"), reply: st.Child(xep.NSReply, "reply").Attr("id"), quoted: quoteIn(st.Element)}
		if actOf(st.Element) == actCorrect {
			l.replaces = st.Child(xep.NSCorrect, "replace").Attr("id")
			if old := r.said(l.replaces); old != nil && old.nick != r.nick && !r.isOf(old, r.nick) {
				l.replaces = "" // of somebody else's message (XEP-0308 §4)
			}
		}
		if old := r.said(l.reply); old != nil {
			l.replyTo = old.nick
		}
		if u.c.info.Lines { // as it was sent
			l.text, l.quoted = compact(l.text, l.quoted)
		}
		u.remember(r, l)
		u.toClients(r, func(full string) {
			_ = u.c.write(func(dst []byte) []byte { return u.c.appendLine(dst, r, full, &l, false) })
		})
	})
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
