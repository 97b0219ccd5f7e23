package component

import (
	"strconv"
	"strings"

	"transport/component/address"
	"transport/component/stanza"
	"transport/legacy"
)

// addresses translates between JIDs of the gateway's domain and addresses of the network.
type addresses struct {
	domain   string
	network  legacy.Network
	info     legacy.Info
	services bool // the network has parts with addresses of their own
}

// localOf is the localpart that a peer is shown with. Servers take several IDs for the
// same localpart, as of "bob" in letters of full width: whoever is not called what their
// localpart is read as has an alias, so that nobody passes for somebody else and answers
// reach who is answered.
func (a *addresses) localOf(id string) string {
	local := address.SafeLocal(address.EscapeLocal(id))
	if local == id && !strings.Contains(id, aliasMark) {
		return local
	}
	if len(id) > maxAliased { // no network has such names
		return strings.ReplaceAll(local, aliasMark, "?")
	}
	_, taken := aliased(local)
	name := address.UnescapeLocal(local)
	p, err := a.network.ParsePeer(name)
	if !taken && (name == id || err == nil && p.ID == id) {
		return local
	}
	return aliasOf(id)
}

// parsePeer is who a localpart stands for.
func (a *addresses) parsePeer(local string) (legacy.Peer, error) {
	return a.network.ParsePeer(nameOf(local))
}

// peer is the legacy address that a contact's JID stands for.
func (a *addresses) peer(contact address.JID) (legacy.Peer, error) {
	p, err := a.parsePeer(contact.Local)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "There are no rooms here.")
	}
	return p, err
}

// contactJID is the JID that a legacy address is shown as.
func (a *addresses) contactJID(peer string) string {
	if peer == "" {
		return a.domain
	}
	return a.localOf(peer) + "@" + a.domain
}

// gatewayJIDs are the addresses that the gateway's own presence comes from. Clients show
// it as available by the full one, and keep its capabilities, by which they know it for a
// gateway, for the bare one.
func (a *addresses) gatewayJIDs() [2]string { return [2]string{a.full(a.domain), a.domain} }

// full is a contact's or the gateway's bare JID with the resource that its presence and
// its messages come from: clients show whom they know no resource of as offline. None of
// the networks tells several places of one person apart. (RFC 6121 §4.4.2, XEP-0085 §5.1)
func (a *addresses) full(bare string) string { return bare + "/" + a.info.Type }

// addressed is what a JID of ours stands for, the zero Peer for the gateway. With an
// occupant's JID it is the person.
func (a *addresses) addressed(to address.JID) (legacy.Peer, error) {
	if to.Local == "" {
		return legacy.Peer{}, nil
	}
	p, err := a.parsePeer(to.Local)
	if err == nil && p.Room && to.Resource != "" {
		return a.occupantPeer(&room{peer: p}, to.Resource)
	}
	return p, err
}

// roomAt is the room that a JID stands for; ok is false for anything else.
func (a *addresses) roomAt(to address.JID) (legacy.Peer, bool) {
	if to.Local == "" || !a.info.Features.Has(legacy.FeatureRooms) {
		return legacy.Peer{}, false
	}
	p, err := a.parsePeer(to.Local)
	return p, err == nil && p.Room
}

// occupantPeer is an occupant as a person of the network: the room's name, with the
// nick in place of the room's own.
func (a *addresses) occupantPeer(r *room, nick string) (legacy.Peer, error) {
	peer, err := a.network.ParsePeer(a.occupantName(r, nick))
	if err == nil && (peer.Room || peer.Service) {
		err = legacy.Errorf(legacy.NotFound, "That address is not a person: you cannot send messages to it.")
	}
	return peer, err
}

// occupantName is the name by which the network's ParsePeer knows an occupant.
func (a *addresses) occupantName(r *room, nick string) string {
	if namer, ok := a.network.(legacy.OccupantNamer); ok {
		return namer.OccupantName(r.peer, nick)
	}
	return nick
}

// legalNick is the nick nearest to what a user wants to be called, as the network takes
// it. The error says that there is none.
func (a *addresses) legalNick(wanted string) (string, *stanza.Error) {
	limiter, ok := a.network.(legacy.NickLimiter)
	if !ok {
		return wanted, nil
	}
	nick := limiter.LegalNick(wanted)
	if nick == "" {
		why := a.badNick(wanted)
		return "", &why
	}
	return nick, nil
}

// badNick says that the network has no nick like a wanted one.
func (a *addresses) badNick(wanted string) stanza.Error {
	return stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable,
		Text: a.info.Name + " has no nicknames like " + strconv.Quote(wanted) + ". Choose one of letters and digits."}
}

func (a *addresses) exampleJID() string {
	return "<" + a.info.PeerName + ">@" + a.domain
}
