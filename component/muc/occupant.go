package muc

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// occupant is an occupant of a room, with its occupant ID.
type occupant struct {
	legacy.Occupant
	id string // XEP-0421
}

// Resource returns the resource for a nick. If servers would normalise the nick to a
// different resource, a hash is added, so that nobody can impersonate another occupant.
func Resource(nick string) string {
	safe := address.SafeResource(nick)
	if safe == nick {
		return nick
	}
	sum := sha256.Sum256([]byte(nick))
	mark := hex.EncodeToString(sum[:4])
	marked := strings.ToValidUTF8(safe[:min(len(safe), 1000)], "") + "~" + mark
	if address.SafeResource(marked) != marked { // a suffix in Latin letters is not legal after every script
		return "nick-" + mark
	}
	return marked
}

// occupantJID returns the occupant JID of a nick.
func (r *Room) occupantJID(nick string) string { return occupantJID(r.jid, nick) }

func occupantJID(room, nick string) string { return room + "/" + Resource(nick) }

// find returns the occupant with a resource, or else one whose nick differs only in case;
// nil if there is none. r may be nil.
func (r *Room) find(resource string) *occupant {
	if r == nil || resource == "" {
		return nil
	}
	if o := r.occupants[resource]; o != nil {
		return o
	}
	var alike *occupant // users type nicks in a different case
	for nick, o := range r.occupants {
		switch {
		case Resource(nick) == resource:
			return o
		case strings.EqualFold(nick, resource):
			alike = o
		}
	}
	return alike
}

// self returns the user's own occupant.
func (r *Room) self() *occupant {
	if o := r.occupants[r.nick]; o != nil {
		return o
	}
	return &occupant{Occupant: legacy.Occupant{Nick: r.nick}}
}

// personJID returns the JID of an occupant outside of the room: that of the contact on the
// network, which private messages and lists of affiliations use.
func (r *Room) personJID(nick string) string {
	name := r.rs.shared.Peers.OccupantName(r.peer, nick)
	if peer, err := r.rs.shared.Peers.Occupant(r.peer, nick); err == nil {
		name = peer.ID
	}
	return r.rs.shared.Peers.JID(name)
}

// occupantID returns the stable ID of an occupant, which does not reveal the identity that
// it is derived from. (XEP-0421 §3)
func (r *Room) occupantID(identity string) string {
	mac, _ := r.rs.shared.macs.Get().(hash.Hash) // reused: a channel can have thousands of occupants
	if mac == nil {
		mac = hmac.New(sha256.New, []byte(r.rs.shared.Secret))
	}
	mac.Reset()
	mac.Write([]byte("occupant-id\x00" + r.jid + "\x00" + identity))
	var sum [sha256.Size]byte
	id := hex.EncodeToString(mac.Sum(sum[:0])[:16])
	r.rs.shared.macs.Put(mac)
	return id
}

// identify sets an occupant's ID, unless it is set. Without a network identity the ID is
// derived from the nick, or random if that ID is already in use by an occupant that has
// since changed its nick.
func (r *Room) identify(o *occupant) {
	if o.id != "" {
		return
	}
	known := o.Identity != ""
	o.id = r.occupantID(cmp.Or(o.Identity, o.Nick))
	if o.Identity = ""; known || !r.renamed { // the ID replaces the identity, whose text takes memory for each occupant
		return
	}
	for _, other := range r.occupants {
		if other != o && other.id == o.id {
			o.id = r.occupantID(xep.NewID())
			return
		}
	}
}

// idOf returns the <occupant-id/> of an occupant, nil if the nick is not in the room.
// (XEP-0421 §3)
func (r *Room) idOf(nick string) *element.Element {
	o := r.occupants[nick]
	if o == nil {
		return nil
	}
	r.identify(o)
	return element.New(xep.NSOccupantID, "occupant-id").Set("id", o.id)
}

// updateOccupant stores a new or changed occupant and sends its presence to the clients.
func (r *Room) updateOccupant(o legacy.Occupant) {
	now, before := &occupant{Occupant: o}, r.occupants[o.Nick]
	if before != nil { // the ID stays, even if the network has sent the identity since
		r.identify(before)
		now.id = before.id
	}
	r.occupants[o.Nick] = now
	if o.Nick == r.nick && before != nil && before.Level == o.Level && (r.show != "" || before.Away == o.Away) {
		return // the clients have received their own presence already
	}
	r.eachClient(func(full string) {
		if o.Nick == r.nick {
			r.sendSelf(full)
			return
		}
		r.sendOccupant(full, now, occupantStanza{})
	})
}

func (r *Room) onOccupantLeft(ev legacy.OccupantLeft) {
	o := r.occupants[ev.Nick]
	if o == nil {
		return
	}
	delete(r.occupants, ev.Nick)
	r.eachClient(func(full string) {
		r.sendOccupant(full, o, occupantStanza{gone: true, codes: leaveCodes(ev.Kind), actor: ev.By, reason: ev.Reason})
	})
}

// occupantStanza holds the variable parts of an occupant's presence.
type occupantStanza struct {
	gone          bool
	codes         []string
	id            string
	newNick       string
	actor, reason string
	destroyed     bool
	show, status  string // override the occupant's
	moderated     bool   // the room is moderated
	jid           string // the occupant's JID outside of the room
}

// affiliations and roles by level. Operators are owners, since clients offer the
// settings of a room to owners only. (XEP-0045 §5.1, §5.2)
var (
	affiliations = [...]string{"none", "member", "admin", "owner", "owner"}
	roles        = [...]string{"participant", "participant", "moderator", "moderator", "moderator"}
)

// sendOccupant sends an occupant's presence to a client. The occupant's JID is the same in
// every presence. In the user's own it is the client's full JID, by which clients recognise
// themselves. (XEP-0045 §7.2.2, §7.14)
func (r *Room) sendOccupant(full string, o *occupant, s occupantStanza) {
	from := r.occupantJID(o.Nick)
	r.identify(o)
	s.moderated = r.moderated
	if slices.Contains(s.codes, "110") {
		s.jid = full
	} else {
		s.jid = r.personJID(o.Nick)
	}
	if o.Nick == r.nick && !s.gone {
		s.show, s.status = r.show, r.status
	}
	r.rs.shared.write(func(dst []byte) []byte { return appendOccupant(dst, from, full, o, s) })
}

func appendOccupant(dst []byte, from, to string, o *occupant, s occupantStanza) []byte {
	level := min(int(o.Level), len(roles)-1)
	role, affiliation := roleOf(o.Level, s.moderated), affiliations[level]
	if s.gone && slices.Contains(s.codes, "301") { // XEP-0045 §9.1
		affiliation = "outcast"
	}
	dst = append(dst, "<presence"...)
	dst = stanza.AppendAttr(dst, "from", from)
	dst = stanza.AppendAttr(dst, "to", to)
	dst = stanza.AppendAttr(dst, "id", s.id)
	if s.gone {
		if s.newNick == "" { // XEP-0045 §7.6: a nick change keeps the role
			role = "none"
		}
		dst = append(dst, " type='unavailable'>"...)
		dst = stanza.AppendChild(dst, "status", s.reason)
	} else {
		dst = append(dst, '>')
		if s.show == "" && o.Away {
			s.show = "away"
		}
		dst = stanza.AppendChild(stanza.AppendChild(dst, "show", s.show), "status", s.status)
	}
	dst = append(dst, "<x xmlns='"+xep.NSMUCUser+"'><item affiliation='"...)
	dst = append(dst, affiliation...)
	dst = append(dst, "' role='"...)
	dst = append(dst, role...)
	dst = append(dst, '\'')
	dst = stanza.AppendAttr(dst, "jid", s.jid)
	dst = stanza.AppendAttr(dst, "nick", s.newNick)
	if s.actor != "" {
		dst = append(dst, "><actor"...)
		dst = stanza.AppendAttr(dst, "nick", s.actor)
		dst = append(dst, "/>"...)
		dst = stanza.AppendChild(dst, "reason", s.reason)
		dst = append(dst, "</item>"...)
	} else {
		dst = append(dst, "/>"...)
	}
	for _, code := range s.codes {
		dst = append(append(append(dst, "<status code='"...), code...), "'/>"...)
	}
	if s.destroyed {
		dst = append(dst, "<destroy/>"...)
	}
	dst = append(dst, "</x>"...)
	dst = appendOccupantID(dst, o.id)
	return append(dst, "</presence>"...)
}

func appendOccupantID(dst []byte, id string) []byte {
	if id == "" {
		return dst
	}
	dst = append(dst, "<occupant-id xmlns='"+xep.NSOccupantID+"'"...)
	dst = stanza.AppendAttr(dst, "id", id)
	return append(dst, "/>"...)
}

// roleOf returns the role for a level. (XEP-0045 §5.1)
func roleOf(l legacy.Level, moderated bool) string {
	if l == legacy.LevelNone && moderated {
		return "visitor"
	}
	return roles[min(int(l), len(roles)-1)]
}
