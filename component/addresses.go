package component

import (
	"strconv"
	"strings"

	"transport/component/address"
	"transport/component/stanza"
	"transport/legacy"
)

// addresses maps JIDs of the gateway's domain to addresses of the network and back.
type addresses struct {
	domain   string
	network  legacy.Network
	info     legacy.Info
	services bool // the network has services with addresses
}

// localOf returns the localpart of a legacy ID. Two legacy IDs can normalise to the same
// localpart (full-width ｂｏｂ and bob). An ID whose localpart does not map back to it gets
// a unique alias, so that nobody can impersonate another contact and replies reach the
// right peer.
func (a *addresses) localOf(id string) string {
	local := address.SafeLocal(address.EscapeLocal(id))
	if local == id && !strings.Contains(id, aliasMark) {
		return local
	}
	if len(id) > maxAliased { // too long for an alias; no network has such IDs
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

// parsePeer returns the peer of a localpart.
func (a *addresses) parsePeer(local string) (legacy.Peer, error) {
	return a.network.ParsePeer(nameOf(local))
}

// peer returns the legacy address of a contact's JID.
func (a *addresses) peer(contact address.JID) (legacy.Peer, error) {
	p, err := a.parsePeer(contact.Local)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "There are no rooms here.")
	}
	return p, err
}

// contactJID returns the bare JID of a legacy address.
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
// its messages come from: clients show a contact without a known resource as offline. No
// network has several resources of one person. (RFC 6121 §4.4.2, XEP-0085 §5.1)
func (a *addresses) full(bare string) string { return bare + "/" + a.info.Type }

// addressed returns the peer that a JID of ours addresses, the zero Peer for the gateway.
// The JID of an occupant addresses the person.
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

// roomAt returns the room of a JID. ok is false for any other address.
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

// legalNick returns the nick nearest to the desired one that the network permits, or an
// error if there is none.
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

// badNick returns the error of a nick that the network does not permit.
func (a *addresses) badNick(wanted string) stanza.Error {
	return stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable,
		Text: a.info.Name + " has no nicknames like " + strconv.Quote(wanted) + ". Choose one of letters and digits."}
}

func (a *addresses) exampleJID() string {
	return "<" + a.info.PeerName + ">@" + a.domain
}
