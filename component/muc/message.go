package muc

import (
	"cmp"
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
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
	l.quote(r.history.byID(ev.Reply))
	if !ev.Time.IsZero() {
		r.loadHistory() // the archive may have it already
	}
	if l.stanzaID = ev.ID; l.stanzaID == "" {
		l.stanzaID, l.localID = l.id, true
	} else if !ev.Time.IsZero() && slices.ContainsFunc(r.history.lines, func(old line) bool { return old.stanzaID == ev.ID }) {
		return // the network's history repeats it after a reconnect
	}
	if l.at.IsZero() {
		l.at = r.rs.shared.Clock.Now()
	}
	l.at = r.history.nextStamp(l.at, !ev.Time.IsZero())
	if o := r.occupants[ev.Nick]; o != nil { // the same ID as in the presence
		r.identify(o)
		l.occupantID = o.id
	} else if ev.Nick != "" {
		l.occupantID = r.occupantID(cmp.Or(ev.Identity, ev.Nick))
	}
	r.addLine(l)
	r.rs.marks.Note(r.peer, l.stanzaID, ev.ReadMark)
	l.markable = r.rs.marks.IsMarkable(r.peer, l.stanzaID)
	r.eachClient(func(full string) {
		r.rs.shared.write(func(dst []byte) []byte { return l.appendTo(dst, r.jid, full, !ev.Time.IsZero()) })
	})
}

// OnMessage handles a message to a room. (XEP-0045 §7.4, §8.1)
func (rs *Rooms) OnMessage(st *stanza.Inbound, peer legacy.Peer) {
	r, full := rs.all[peer.ID], st.From.String()
	inside := r != nil && r.clients[full] != nil
	if st.Type == "error" {
		if inside && stanza.HasCondition(st.Element, clientGoneErrors...) {
			r.dropClient(full, "")
		}
		return
	}
	if x := st.Child(xep.NSMUCUser, "x"); x.Child(xep.NSMUCUser, "decline") != nil {
		return // the network cannot decline an invitation (XEP-0045 §7.8.2)
	}
	if !inside || r.state != Joined {
		if st.Child(stanza.NS, "body") != nil || body.Plain(st.Element) != "" || body.ActOf(st.Element) != body.Say ||
			st.Child(stanza.NS, "subject") != nil || st.Child(xep.NSMUCUser, "x") != nil {
			why := errNotInRoom
			if why.Type = stanza.Modify; inside && isRestoring(r) {
				why = r.loss.err()
			}
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
	case a == body.Say && subject == nil && body.IsBlank(st.Element, text):
		st.Refuse(stanza.ErrBlank)
	case st.To.Resource != "":
		r.onPrivateText(st, text)
	case isVoiceRequest(st):
		st.Refuse(errNoVoiceRequests)
	case st.Type != "groupchat":
		st.Refuse(stanza.ErrBadRequest)
	case subject != nil && text == "":
		r.refuseSubject(errNewerSubject)
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
			localID: id == "", at: r.history.nextStamp(rs.shared.Clock.Now(), false), occupantID: o.id,
			origin: st.Child(xep.NSStanzaID, "origin-id").Attr("id"), reply: st.Child(xep.NSReply, "reply").Attr("id"),
			quoted: body.QuoteIn(st.Element)}
		if body.ActOf(st.Element) == body.Correct {
			l.replaces = st.Child(xep.NSCorrect, "replace").Attr("id")
			if old := r.history.byID(l.replaces); old != nil && old.nick != r.nick && !r.saidBy(old, r.nick) {
				l.replaces = "" // another occupant's message (XEP-0308 §4)
			}
		}
		if old := r.history.byID(l.reply); old != nil {
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
