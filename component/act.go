package component

import (
	"slices"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

const maxChatLines = 50 // limit: messages of a user's chats whose beginning is stored for quotations | older ones are quoted as "a message"

// forgetReactions discards the reactions of a line that the network did not accept.
func (ob *outbox) forgetReactions(st *stanza.Inbound) {
	if body.ActOf(st.Element) == body.React {
		ob.reactions.Forget(st.Child(xep.NSReactions, "reactions").Attr("id"))
		ob.u.rooms.ForgetReactions(st)
	}
}

// relayAct sends a reaction or a retraction to a contact as a line of text.
func (ob *outbox) relayAct(st *stanza.Inbound, a body.Act, peer legacy.Peer) {
	if peer.ID == "" || peer.Service || ob.u.account.option(optNoActs) {
		return
	}
	if a == body.Retract {
		ob.sendTo(st, peer, body.RetractionLine(ob.mention(peer, body.Retraction(st.Element).Attr("id")), ob.u.c.clock.Now()))
		return
	}
	e := st.Child(xep.NSReactions, "reactions")
	id, emojis := e.Attr("id"), body.ReactionsIn(e)
	fresh := ob.reactions.Fresh(peer.ID, id, emojis)
	if len(fresh) == 0 || ob.sendTo(st, peer, body.ReactionLine(fresh, ob.mention(peer, id))) {
		ob.reactions.Note(peer.ID, id, emojis)
	}
}

// sendToOccupant sends a private message, reaction, retraction or chat state to an occupant of
// a room, as a person of the network. (XEP-0045 §7.5)
func (ob *outbox) sendToOccupant(st *stanza.Inbound, person legacy.Peer, text string) bool {
	switch a := body.ActOf(st.Element); {
	case a == body.Retract || a == body.React:
		ob.relayAct(st, a, person)
	case strings.TrimSpace(text) == "":
		ob.onChatStateTo(st, person)
	default:
		return ob.sendTo(st, person, text)
	}
	return true
}

// mention describes a message of a one-to-one chat, for a line about it.
func (ob *outbox) mention(peer legacy.Peer, id string) body.Mention {
	later := false // the user has sent a later message
	for _, l := range slices.Backward(ob.chat) {
		switch {
		case l.peer != peer.ID:
		case id != "" && (l.id == id || l.origin == id):
			return body.Mention{Text: l.words, At: l.at, Last: l.own && !later}
		case l.own:
			later = true
		}
	}
	return body.Mention{}
}

// chatLine is the beginning of a message of a one-to-one chat.
type chatLine struct {
	peer, id, origin, words string
	own                     bool
	at                      time.Time
}

// noteChat stores the first words of a message.
func (ob *outbox) noteChat(l chatLine) {
	if len(ob.chat) >= 2*maxChatLines {
		ob.chat = append(ob.chat[:0], ob.chat[len(ob.chat)-maxChatLines+1:]...)
	}
	l.at = ob.u.c.clock.Now()
	ob.chat = append(ob.chat, l)
}
