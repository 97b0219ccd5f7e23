package muc

import (
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/peers"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

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
		st.Refuse(errNotIn(r))
	} else if err := roomer.Invite(rs.ctx, peer, who); err != nil {
		st.Refuse(stanza.Translate(err))
	}
	return true
}

// invitePerson sends an XMPP user an invitation to a room, in the user's name.
// (XEP-0045 §7.8.2)
func (rs *Rooms) invitePerson(to string, peer legacy.Peer, reason string) {
	room := rs.shared.Peers.JID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", rs.bare)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
	}
	x := element.New(xep.NSMUCUser, "x").Add(inv)
	if r := rs.all[peer.ID]; r != nil && r.password != "" {
		x.Add(element.New(xep.NSMUCUser, "password").AddText(r.password))
	}
	rs.shared.Link.Send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "body").AddText(rs.bare+" invites you to "+room+"."), x))
}

// onInvited handles an invitation from a contact.
func (u *user) onInvited(ev legacy.Invited) {
	u.Invite(u.bare, ev.Room, u.shared.Peers.JID(ev.By.ID), "")
}

// Invite sends an invitation to a room from the room itself, which most clients support,
// with a body for the others. (XEP-0045 §7.8.2, XEP-0249 §4)
func (u *user) Invite(to string, peer legacy.Peer, by, reason string) {
	room := u.shared.Peers.JID(peer.ID)
	inv := element.New(xep.NSMUCUser, "invite").Set("from", by)
	direct := element.New(xep.NSConference, "x").Set("jid", room)
	if reason != "" {
		inv.Add(element.New(xep.NSMUCUser, "reason").AddText(reason))
		direct.Set("reason", reason)
	}
	u.shared.Link.Send(element.New(stanza.NS, "message").Set("from", room).Set("to", to).Set("id", xep.NewID()).
		Add(element.New(stanza.NS, "body").AddText(strings.TrimSuffix(by, "@"+u.shared.Peers.Domain)+" invites you to "+room+"."),
			element.New(xep.NSMUCUser, "x").Add(inv), direct))
}

// peerNameOf returns the network's name for a JID of the gateway's domain, "" for another
// JID.
func (rs *Rooms) peerNameOf(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != rs.shared.Peers.Domain {
		return ""
	}
	if room, isRoom := rs.shared.Peers.Room(jid); isRoom {
		if o := rs.all[room.ID].find(jid.Resource); o != nil {
			if p, err := rs.shared.Peers.Occupant(room, o.Nick); err == nil {
				return p.ID
			}
		}
		return ""
	}
	return peers.NameOf(jid.Local)
}
