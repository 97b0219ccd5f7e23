package muc

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
)

// expireJoins refuses the joins whose deadline has passed. (XEP-0045 §7.1)
func (rs *Rooms) expireJoins(now time.Time) {
	for _, r := range rs.all {
		for full, client := range r.clients {
			if !client.shown && !client.joinDeadline.After(now) {
				r.refuseJoin(full, stanza.ErrTimeout)
				r.dropClient(full, "")
			}
		}
	}
}

// refuseJoin answers a client's join with an error, from the occupant JID that the join
// was sent to.
func (r *Room) refuseJoin(full string, why stanza.Error) {
	client := r.clients[full]
	r.rs.shared.writeElement(joinError(r.jid, client.nick, full, client.id, why))
}

// refuseNewJoin answers a join with an error before the client is added to a room.
func (u *user) refuseNewJoin(st *stanza.Inbound, why stanza.Error) {
	u.shared.writeElement(joinError(st.To.Bare().String(), st.To.Resource, st.From.String(), st.ID, why))
}

// joinError builds the error presence that answers a join. id may be "".
// (XEP-0045 §7.2)
func joinError(room, nick, to, id string, why stanza.Error) *element.Element {
	p := element.New(stanza.NS, "presence").Set("from", room+"/"+nick).Set("to", to).Set("type", "error").
		Add(element.New(xep.NSMUC, "x"), why.Element().Set("by", room))
	if id != "" {
		p.Set("id", id)
	}
	return p
}
