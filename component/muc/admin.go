package muc

import (
	"strings"

	"transport/component/address"
	"transport/component/body"
	"transport/component/element"
	"transport/component/peers"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// listOccupants answers with the occupants that have a role or an affiliation. The ban
// list (affiliation outcast) comes from the network. (XEP-0045 §9.2, §9.5, §10.6)
func (r *Room) listOccupants(req *stanza.Request) {
	q, item := element.New(xep.NSMUCAdmin, "query"), req.Payload.Child(xep.NSMUCAdmin, "item")
	keeper, ok := r.rs.session().(legacy.RoomConfigurer)
	if ok && item.Attr("affiliation") == "outcast" {
		r.rs.query(req, func(ev legacy.Event) {
			got := ev.(legacy.BansReceived)
			if got.Err != nil {
				req.Fail(Translate(got.Err))
				return
			}
			for _, b := range got.Bans {
				i := element.New(xep.NSMUCAdmin, "item").Set("affiliation", "outcast").Set("jid", r.rs.shared.Peers.JID(b.Mask))
				var why []string
				if b.By != "" {
					why = append(why, "by "+b.By)
				}
				if !b.Time.IsZero() {
					why = append(why, "on "+body.TimeText(b.Time))
				}
				if why != nil {
					i.Add(element.New(xep.NSMUCAdmin, "reason").AddText(strings.Join(why, " ")))
				}
				q.Add(i)
			}
			req.Reply(q)
		}, func(ref string) error { return keeper.RequestBans(r.rs.ctx, ref, r.peer) })
		return
	}
	for _, o := range r.occupants {
		level := min(int(o.Level), len(roles)-1)
		role := roleOf(o.Level, r.moderated)
		if item != nil && (item.Attr("role") == role || item.Attr("affiliation") == affiliations[level]) {
			listed := element.New(xep.NSMUCAdmin, "item").Set("affiliation", affiliations[level]).
				Set("nick", Resource(o.Nick)).Set("jid", r.listedJID(o.Nick))
			// A list of an affiliation may omit the roles (§9.5). With a role, Converse 12
			// reads the nick as the role, and then refuses its user every command.
			if item.Attr("affiliation") == "" {
				listed.Set("role", role)
			}
			q.Add(listed)
		}
	}
	req.Reply(q)
}

// Roles and affiliations that a client may set, and the levels of the network that they
// become. Kicks and bans are handled separately.
// (XEP-0045 §8.4, §8.5, §9.3, §9.6, §10.3)
var (
	levelsOfRoles = map[string]legacy.Level{
		"none": legacy.LevelNone, "visitor": legacy.LevelNone, "participant": legacy.LevelVoice, "moderator": legacy.LevelOperator,
	}
	levelsOfAffiliations = map[string]legacy.Level{
		"none": legacy.LevelNone, "outcast": legacy.LevelNone, "member": legacy.LevelVoice,
		"admin": legacy.LevelHelper, "owner": legacy.LevelOperator,
	}
)

// levelFor returns the level for a requested role or affiliation; has is the occupant's
// present level. An affiliation that the occupant has already does not change the level:
// a founder who is made an owner stays a founder. unmoderated is true if the room is known
// to let every occupant speak. (XEP-0045 §5.1, §5.2)
func levelFor(role, affiliation string, has legacy.Level, unmoderated bool) legacy.Level {
	switch {
	case affiliation != "" && affiliation == affiliations[has]:
		return has
	case affiliation != "":
		return levelsOfAffiliations[affiliation]
	case role == "moderator":
		return max(has, levelsOfRoles[role])
	case role == "participant" && has > legacy.LevelVoice && unmoderated: // a participant needs no voice there
		return legacy.LevelNone
	}
	return levelsOfRoles[role]
}

// maxModerations limits the items of one muc#admin IQ.
const maxModerations = 50 // limit: items of one muc#admin IQ | bad-request

// onModeration handles changes of roles and affiliations. The answer follows the last
// change, or is the first error. (XEP-0045 §8.2 to §9.7)
func (r *Room) onModeration(req *stanza.Request) {
	roomer, ok := r.rs.session().(legacy.Roomer)
	var steps []func(ref string) error
	for item := range req.Payload.Children(xep.NSMUCAdmin, "item") {
		step, why := r.moderation(roomer, item)
		if why != nil {
			req.Fail(*why)
			return
		}
		steps = append(steps, step)
	}
	if !ok || len(steps) == 0 || len(steps) > maxModerations {
		req.Fail(stanza.ErrBadRequest)
		return
	}
	r.rs.moderate(req, steps...)
}

// moderation returns the function that requests the change of one item from the network.
func (r *Room) moderation(roomer legacy.Roomer, item *element.Element) (func(ref string) error, *stanza.Error) {
	role, affiliation, jid := item.Attr("role"), item.Attr("affiliation"), item.Attr("jid")
	_, known := levelsOfRoles[role]
	both := role != "" && affiliation != ""
	if affiliation != "" { // the channel mode of an affiliation determines the role, too
		_, known = levelsOfAffiliations[affiliation]
	}
	if !known || both && (role == "none" || affiliation == "outcast") || item.Attr("nick") == "" && jid == "" {
		return nil, &stanza.ErrBadRequest
	}
	m := legacy.Moderation{Kick: role == "none", Ban: affiliation == "outcast",
		Reason: body.Clean(item.ChildText(xep.NSMUCAdmin, "reason"))}
	o := r.find(item.Attr("nick"))
	if o == nil {
		o = r.occupants[r.nickOfJID(jid)] // affiliations name a JID: the contact's, or the occupant's
	}
	if o != nil {
		unmoderated := r.config != nil && !r.moderated
		if role == "visitor" && affiliation == "" && unmoderated {
			why := stanza.ErrNotAllowed.With("This room is not moderated, so everybody in it may speak. Make it moderated first.")
			return nil, &why
		}
		m.Nick, m.Level = o.Nick, levelFor(role, affiliation, min(o.Level, legacy.LevelOwner), unmoderated)
		if m.Kick || m.Ban {
			m.Level = legacy.LevelNone
		}
		return func(ref string) error { return roomer.Moderate(r.rs.ctx, ref, r.peer, m) }, nil
	}
	keeper, keeps := roomer.(legacy.RoomConfigurer)
	mask := r.banMask(jid)
	if keeps && mask != "" && (affiliation == "outcast" || affiliation == "none") {
		return func(ref string) error { return keeper.SetBan(r.rs.ctx, ref, r.peer, mask, m.Ban) }, nil
	}
	why := stanza.ErrItemNotFound.With("Nobody of that name is in the room. " + r.rs.shared.Peers.Info.Name + " gives roles only to people in the room.")
	if role == "none" || affiliation == "outcast" {
		why.Text = "Nobody of that name is in the room."
	}
	return nil, &why
}

// banMask returns the ban mask for a JID of the gateway's domain, or the nick if the
// person is not in the room. It is "" for a JID of another domain.
func (r *Room) banMask(s string) string {
	jid, err := address.Parse(s)
	if err != nil || jid.Domain != r.rs.shared.Peers.Domain {
		return ""
	}
	if _, isRoom := r.rs.shared.Peers.Room(jid); isRoom {
		return jid.Resource
	}
	name := peers.NameOf(jid.Local)
	person, err := r.rs.shared.Peers.Network.ParsePeer(name)
	if err != nil {
		return name
	}
	for i := range name { // the name of an occupant begins with the nick
		if p, err := r.rs.shared.Peers.Occupant(r.peer, name[:i]); err == nil && p == person {
			return name[:i]
		}
	}
	return name
}

// moderate sends changes of a room to the network, each when the one before is confirmed.
// It answers the IQ after the last one, or with the first error.
func (u *user) moderate(req *stanza.Request, steps ...func(ref string) error) {
	u.query(req, func(ev legacy.Event) {
		switch done := ev.(legacy.Done); {
		case done.Err != nil:
			req.Fail(Translate(done.Err))
		case len(steps) > 1:
			u.moderate(req, steps[1:]...)
		default:
			req.Reply(nil)
		}
	}, steps[0])
}

// listedJID returns the JID of an occupant for lists: a bare JID, as in presence.
func (r *Room) listedJID(nick string) string {
	if nick == r.nick {
		return r.rs.bare
	}
	return r.personJID(nick)
}

// nickOfJID returns the nick of the occupant with a JID: the user's own JID, or one of the
// gateway's domain. It is "" if that person is not in the room.
func (r *Room) nickOfJID(s string) string {
	jid, err := address.Parse(s)
	if err != nil {
		return ""
	}
	if jid.Bare().String() == r.rs.bare {
		return r.nick
	}
	if in, isRoom := r.rs.shared.Peers.Room(jid); isRoom {
		if in == r.peer {
			if o := r.find(jid.Resource); o != nil {
				return o.Nick
			}
		}
		return ""
	}
	if jid.Domain != r.rs.shared.Peers.Domain || jid.Local == "" {
		return ""
	}
	person, err := r.rs.shared.Peers.ParseLocal(jid.Local)
	for nick := range r.occupants {
		if r.personJID(nick) == jid.Bare().String() {
			return nick
		}
		if p, bad := r.rs.shared.Peers.Occupant(r.peer, nick); err == nil && bad == nil && p == person { // the JID spells the name differently
			return nick
		}
	}
	return ""
}
