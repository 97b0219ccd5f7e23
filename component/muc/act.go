package muc

import (
	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// reactInRoom sends reactions to a room: natively if the network supports them, else as a
// line of text. The user's clients in the room receive reactions in both cases.
// (XEP-0444 §4.2)
func (r *Room) reactInRoom(st *stanza.Inbound) {
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), body.ReactionsIn(e)
	if id == "" {
		st.Refuse(stanza.ErrBadRequest)
		return
	}
	r.loadHistory()
	old := r.history.byID(id)
	if reactor, ok := r.rs.session().(legacy.RoomReactor); ok && r.messageTags && (old == nil || !old.localID) {
		if err := reactor.React(r.rs.ctx, r.peer, id, emojis); err != nil {
			st.Refuse(stanza.Translate(err))
			return
		}
		r.rs.Reflect(st, "")
		return
	}
	fresh := r.rs.reactions.Fresh(r.peer.ID, id, emojis)
	if len(fresh) == 0 || r.rs.account().Option(OptNoActs) != "" {
		r.rs.Reflect(st, "")
	} else if !r.rs.host.Send(st, r.peer, body.ReactionLine(fresh, r.mention(id))) {
		return
	}
	r.rs.reactions.Note(r.peer.ID, id, emojis)
}

// retractInRoom retracts a message of the user in a room. If the network has no
// retractions, only the user's clients receive one, and the room receives a line of text.
// (XEP-0424 §3)
func (r *Room) retractInRoom(st *stanza.Inbound) {
	id := body.Retraction(st.Element).Attr("id")
	r.loadHistory()
	r.identify(r.self())
	old := r.history.byID(id)
	switch {
	case r.redaction && (old == nil || !old.localID):
		r.retract(st)
	case id == "":
		st.Refuse(stanza.ErrBadRequest)
	case old != nil && old.nick != r.nick && !r.saidBy(old, r.nick):
		st.Refuse(errNotYours)
	case r.rs.account().Option(OptNoActs) != "":
		r.rs.Reflect(st, "")
	default:
		r.rs.host.Send(st, r.peer, body.RetractionLine(r.mention(id), r.rs.shared.Clock.Now()))
	}
}

var errNotYours = stanza.Error{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "You can retract only your own messages."}

// mention describes a message of a room, for a line about it.
func (r *Room) mention(id string) body.Mention {
	r.loadHistory()
	old := r.history.byID(id)
	if old == nil {
		return body.Mention{}
	}
	m := body.Mention{Nick: old.nick, Text: body.FirstWords(old.ownText()), At: old.at}
	if m.Nick == r.nick {
		m.Nick, m.Last = "", true
		for i := len(r.history.lines) - 1; &r.history.lines[i] != old; i-- {
			m.Last = m.Last && r.history.lines[i].nick != r.nick
		}
	}
	return m
}

// onRoomReaction sends an occupant's reactions to the clients. (XEP-0444 §4.2)
func (r *Room) onRoomReaction(ev legacy.RoomReaction, stanzaID string) {
	reactions := element.New(xep.NSReactions, "reactions").Set("id", ev.ID)
	for _, emoji := range ev.Emojis[:min(len(ev.Emojis), body.MaxReactions)] {
		reactions.Add(element.New(xep.NSReactions, "reaction").AddText(emoji))
	}
	id := r.idOf(ev.Nick)
	r.eachClient(func(full string) {
		r.rs.shared.writeElement(element.New(stanza.NS, "message").Set("from", r.occupantJID(ev.Nick)).Set("to", full).
			Set("type", "groupchat").Set("id", stanzaID).Add(reactions, id))
	})
}

// ForgetReactions discards the reactions of a line that the network did not accept.
func (rs *Rooms) ForgetReactions(st *stanza.Inbound) {
	rs.reactions.Forget(st.Child(xep.NSReactions, "reactions").Attr("id"))
}
