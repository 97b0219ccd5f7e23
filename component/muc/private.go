package muc

import (
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

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
const maxPrivate = 256 // limit: people whose messages come from an occupant JID | those of others come from their own

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

// EndPrivateChat ends the private conversation with a contact: the user has written to the
// contact's own JID.
func (rs *Rooms) EndPrivateChat(p legacy.Peer) { delete(rs.private, p.ID) }
