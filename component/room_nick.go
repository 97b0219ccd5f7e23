package component

import (
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// changeNick requests a nick change, to the legal nick that is closest to the requested
// one. (XEP-0045 §7.6)
func (r *room) changeNick(st *stanza.Inbound, client *roomClient) {
	nick, why := r.rs.u.c.peers.LegalNick(st.To.Resource)
	roomer, ok := r.rs.u.login.legacySession().(legacy.Roomer)
	switch {
	case why != nil:
		st.Refuse(*why)
	case !ok || !r.joined:
		st.Refuse(stanza.Error{Type: stanza.Wait, Condition: stanza.NotAcceptable, Text: "The gateway is reconnecting to the network. Try again in a moment."})
	case nick == r.nick: // the client receives its presence with the unchanged nick
		client.id, client.nick = st.ID, st.To.Resource
		r.sendSelf(st.From.String())
	default:
		client.id, r.pendingNick = st.ID, st
		if err := roomer.SetNick(r.rs.u.ctx, r.peer, nick); err != nil {
			r.refuseNickChange(err)
		}
	}
}

// nickInfo returns the user's reserved nick in a room, which clients propose on a join. It
// has no identity if the nick is unknown. (XEP-0045 §7.12)
func (rs *rooms) nickInfo(peer legacy.Peer, node string) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query").Set("node", node)
	if nick := rs.nickAt(peer); nick != "" {
		q.Add(xep.ConferenceIdentity(resourceOf(nick)))
	}
	return q
}

// nickAt returns the user's nick for a room: the nick in it, in another room of the same
// server, or of the registration. It is "" if none is known.
func (rs *rooms) nickAt(peer legacy.Peer) string {
	if r := rs.all[peer.ID]; r != nil && r.joined {
		return r.nick
	}
	place := rs.u.c.peers.OccupantName(peer, "nick")
	for _, r := range rs.all {
		if r.joined && rs.u.c.peers.OccupantName(r.peer, "nick") == place {
			return r.nick
		}
	}
	teller, ok := rs.u.c.cfg.Network.(legacy.NickTeller)
	if !ok || !rs.u.account.exists() {
		return ""
	}
	return teller.RoomNick(rs.u.account.legacy(), peer)
}
