// Package peers maps JIDs of the gateway's domain to addresses of the network (legacy.Peer)
// and back: those of contacts, services, rooms and occupants.
package peers

import (
	"strconv"
	"strings"

	"transport/component/address"
	"transport/component/stanza"
	"transport/legacy"
)

// Map maps addresses of one gateway. It does not change: any goroutine may use it.
type Map struct {
	Domain  string // of the gateway
	Network legacy.Network
	Info    legacy.Info // of the network
}

// local returns the localpart of a legacy ID. Two legacy IDs can normalise to the same
// localpart (full-width ｂｏｂ and bob). An ID whose localpart does not map back to it gets
// a unique alias, so that nobody can impersonate another contact and replies reach the
// right peer.
func (m *Map) local(id string) string {
	local := address.SafeLocal(address.EscapeLocal(id))
	if local == id && !strings.Contains(id, aliasMark) {
		return local
	}
	if len(id) > maxAliased { // too long for an alias; no network has such IDs
		return strings.ReplaceAll(local, aliasMark, "?")
	}
	_, taken := aliased(local)
	name := address.UnescapeLocal(local)
	p, err := m.Network.ParsePeer(name)
	if !taken && (name == id || err == nil && p.ID == id) {
		return local
	}
	return aliasOf(id)
}

// ParseLocal returns the peer of a localpart.
func (m *Map) ParseLocal(local string) (legacy.Peer, error) {
	return m.Network.ParsePeer(NameOf(local))
}

// Contact returns the legacy address of a contact's JID.
func (m *Map) Contact(contact address.JID) (legacy.Peer, error) {
	p, err := m.ParseLocal(contact.Local)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "There are no rooms here.")
	}
	return p, err
}

// JID returns the bare JID of a legacy address.
func (m *Map) JID(peer string) string {
	if peer == "" {
		return m.Domain
	}
	return m.local(peer) + "@" + m.Domain
}

// GatewayJIDs are the addresses that the gateway's own presence comes from. Clients show
// it as available by the full one, and keep its capabilities, by which they know it for a
// gateway, for the bare one.
func (m *Map) GatewayJIDs() [2]string { return [2]string{m.Full(m.Domain), m.Domain} }

// Full is a contact's or the gateway's bare JID with the resource that its presence and
// its messages come from: clients show a contact without a known resource as offline. No
// network has several resources of one person. (RFC 6121 §4.4.2, XEP-0085 §5.1)
func (m *Map) Full(bare string) string { return bare + "/" + m.Info.Type }

// At returns the peer that a JID of ours addresses, the zero Peer for the gateway.
// The JID of an occupant addresses the person.
func (m *Map) At(to address.JID) (legacy.Peer, error) {
	if to.Local == "" {
		return legacy.Peer{}, nil
	}
	p, err := m.ParseLocal(to.Local)
	if err == nil && p.Room && to.Resource != "" {
		return m.Occupant(p, to.Resource)
	}
	return p, err
}

// Room returns the room of a JID. ok is false for any other address.
func (m *Map) Room(to address.JID) (legacy.Peer, bool) {
	if to.Local == "" || !m.Info.Features.Has(legacy.FeatureRooms) {
		return legacy.Peer{}, false
	}
	p, err := m.ParseLocal(to.Local)
	return p, err == nil && p.Room
}

// Occupant is an occupant as a person of the network: the room's name, with the
// nick in place of the room's own.
func (m *Map) Occupant(room legacy.Peer, nick string) (legacy.Peer, error) {
	peer, err := m.Network.ParsePeer(m.OccupantName(room, nick))
	if err == nil && (peer.Room || peer.Service) {
		err = legacy.Errorf(legacy.NotFound, "That address is not a person: you cannot send messages to it.")
	}
	return peer, err
}

// OccupantName is the name by which the network's ParsePeer knows an occupant.
func (m *Map) OccupantName(room legacy.Peer, nick string) string {
	if namer, ok := m.Network.(legacy.OccupantNamer); ok {
		return namer.OccupantName(room, nick)
	}
	return nick
}

// LegalNick returns the nick nearest to the desired one that the network permits, or an
// error if there is none.
func (m *Map) LegalNick(wanted string) (string, *stanza.Error) {
	limiter, ok := m.Network.(legacy.NickLimiter)
	if !ok {
		return wanted, nil
	}
	nick := limiter.LegalNick(wanted)
	if nick == "" {
		why := m.BadNick(wanted)
		return "", &why
	}
	return nick, nil
}

// BadNick returns the error of a nick that the network does not permit.
func (m *Map) BadNick(wanted string) stanza.Error {
	return stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable,
		Text: m.Info.Name + " has no nicknames like " + strconv.Quote(wanted) + ". Choose one of letters and digits."}
}

// ExampleJID returns an example of a contact's JID, for texts.
func (m *Map) ExampleJID() string {
	return "<" + m.Info.PeerName + ">@" + m.Domain
}
