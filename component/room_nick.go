package component

import (
	"strconv"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// legalNick is the nick nearest to what a user wants to be called, as the network takes
// it. The error says that there is none.
func (c *Component) legalNick(wanted string) (string, *stanzaError) {
	limiter, ok := c.cfg.Network.(legacy.NickLimiter)
	if !ok {
		return wanted, nil
	}
	nick := limiter.LegalNick(wanted)
	if nick == "" {
		why := c.badNick(wanted)
		return "", &why
	}
	return nick, nil
}

// badNick says that the network has no nick like a wanted one.
func (c *Component) badNick(wanted string) stanzaError {
	return stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable,
		Text: c.info.Name + " has no nicknames like " + strconv.Quote(wanted) + ". Choose one of letters and digits."}
}

// changeNick asks for another nick, or the legal one nearest to it. (XEP-0045 §7.6)
func (u *user) changeNick(st *inbound, r *room, client *roomClient) {
	nick, why := u.c.legalNick(st.to.Resource)
	roomer, ok := u.legacySession().(legacy.Roomer)
	switch {
	case why != nil:
		u.c.refuse(st, *why)
	case nick == r.nick: // the client learns that it is called so already
		client.id, client.nick = st.id, st.to.Resource
		u.sendSelf(r, st.from.String())
	default:
		client.id, r.renaming = st.id, st
		if !ok {
			return
		}
		if err := roomer.SetNick(u.ctx, r.peer, nick); err != nil {
			u.keepNick(r, err)
		}
	}
}

// nickInfo answers what the user is called in a room, for clients to propose that; with
// nothing if it is not known. (XEP-0045 §7.12)
func (u *user) nickInfo(peer legacy.Peer, node string) *element.Element {
	q := element.New(xep.NSDiscoInfo, "query").Set("node", node)
	if nick := u.nickAt(peer); nick != "" {
		q.Add(conferenceIdentity(resourceOf(nick)))
	}
	return q
}

// nickAt is what the user is called in a room: there, in another room of the same place, or
// by their registration. It is "" if it is not known.
func (u *user) nickAt(peer legacy.Peer) string {
	if r := u.rooms[peer.ID]; r != nil && r.joined {
		return r.nick
	}
	place := u.c.occupantName(&room{peer: peer}, "nick")
	for _, r := range u.rooms {
		if r.joined && u.c.occupantName(r, "nick") == place {
			return r.nick
		}
	}
	teller, ok := u.c.cfg.Network.(legacy.NickTeller)
	if !ok || u.account == nil {
		return ""
	}
	return teller.RoomNick(legacy.Account{Fields: u.account.Fields, Settings: allSettings(u.account)}, peer)
}
