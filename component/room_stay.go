package component

import (
	"maps"
	"strings"
	"time"

	"transport/legacy"
	"transport/registry"
)

// Settings of rooms and services are options of the registration: this before the
// Peer.ID, a space and the name of the field.
const settingPrefix = "set "

// stayPrefix, before a Peer.ID, is the option of a room in which the user stays; its
// value is the nick.
const stayPrefix = "stay "

// settings are what the user has set for a room or a service. The map is the
// caller's.
func (u *user) settings(p legacy.Peer) map[string]string {
	values := make(map[string]string)
	if u.account != nil {
		for name, value := range u.account.Options {
			if key, ok := strings.CutPrefix(name, settingPrefix+p.ID+" "); ok && !strings.Contains(key, " ") { // else it is of a longer name
				values[key] = value
			}
		}
	}
	return values
}

// allSettings are the settings of all rooms and services, by Peer.ID.
func allSettings(account *registry.Account) map[string]map[string]string {
	all := make(map[string]map[string]string)
	for name, value := range account.Options {
		if name, ok := strings.CutPrefix(name, settingPrefix); ok {
			at := strings.LastIndexByte(name, ' ')
			if all[name[:at]] == nil {
				all[name[:at]] = make(map[string]string)
			}
			all[name[:at]][name[at+1:]] = value
		}
	}
	return all
}

// saveSettings stores what the user has set for a room or a service, and tells the
// session.
func (u *user) saveSettings(p legacy.Peer, values map[string]string) *stanzaError {
	options := maps.Clone(u.account.Options)
	if options == nil {
		options = make(map[string]string)
	}
	prefix := settingPrefix + p.ID + " "
	for name := range u.settings(p) {
		delete(options, prefix+name)
	}
	for name, value := range values {
		options[prefix+name] = value
	}
	if why := u.setOptions(options); why != nil {
		return why
	}
	if s, ok := u.legacySession().(legacy.Reconfigurer); ok {
		s.Reconfigure(p, values)
	}
	u.reviewRooms()
	return nil
}

// reviewRooms stays in rooms, or no longer, as the settings want it now.
func (u *user) reviewRooms() {
	for _, r := range u.rooms {
		before := r.stays
		switch r.stays = u.staysIn(r.peer); {
		case r.stays && r.joined:
			u.noteStay(r)
		case before && !r.stays:
			u.forgetStay(r)
			if len(r.clients) == 0 {
				u.quitRoom(r, "")
			}
		}
	}
}

// records reports whether what is said in a room is to be archived.
func (u *user) records(p legacy.Peer) bool {
	if v, said := u.setting(p, "record_history"); said {
		return u.c.archives() && v == "true"
	}
	return u.c.archives() && !u.option(optNoHistory)
}

// setting is one setting of a room or a service.
func (u *user) setting(p legacy.Peer, name string) (value string, said bool) {
	if u.account == nil {
		return "", false
	}
	value, said = u.account.Options[settingPrefix+p.ID+" "+name]
	return value, said
}

// staysIn reports whether the user is to stay in a room while no client does.
func (u *user) staysIn(p legacy.Peer) bool {
	if u.guest || u.account == nil {
		return false
	}
	if v, said := u.setting(p, "persistent"); said {
		return v == "true"
	}
	return u.option(optStayInRooms)
}

// noteStay remembers a room in which the user stays, for the next start.
func (u *user) noteStay(r *room) {
	if u.account != nil && !u.guest && u.account.Options[stayPrefix+r.peer.ID] != r.nick {
		if why := u.setOption(stayPrefix+r.peer.ID, r.nick); why != nil {
			u.log.Error().Msg("cannot remember a room: it will not be entered after a restart")
		}
	}
}

// forgetStay undoes noteStay.
func (u *user) forgetStay(r *room) {
	if u.account != nil && u.account.Options[stayPrefix+r.peer.ID] != "" {
		u.setOption(stayPrefix+r.peer.ID, "")
	}
}

// ownRoom is a room of the registration form.
type ownRoom struct {
	peer     legacy.Peer
	password string
}

// ownRooms are the rooms of the registration form (legacy.RoomsField), by Peer.ID.
func (u *user) ownRooms() map[string]*ownRoom {
	if u.account == nil || u.account.Fields[legacy.RoomsField] == "" {
		return nil
	}
	all := make(map[string]*ownRoom)
	for text := range strings.Lines(u.account.Fields[legacy.RoomsField]) {
		name, password, _ := strings.Cut(strings.TrimSpace(text), " ")
		if p, err := u.c.cfg.Network.ParsePeer(name); err == nil && p.Room && len(all) < maxRooms {
			all[p.ID] = &ownRoom{p, strings.TrimSpace(password)}
		}
	}
	return all
}

// enterOwnRooms makes the rooms that the user is in without a client's asking: those
// of the registration, and those in which they stayed before a restart.
func (u *user) enterOwnRooms() {
	if u.account == nil {
		return
	}
	for id, own := range u.ownRooms() {
		if u.rooms[id] == nil {
			if r := u.newRoom(own.peer); r != nil {
				r.password, r.own = own.password, true
			}
		}
	}
	u.enterStays()
}

// enterStays makes the rooms in which the user stayed before a restart.
func (u *user) enterStays() {
	for name, nick := range u.account.Options {
		id, ok := strings.CutPrefix(name, stayPrefix)
		if !ok || u.rooms[id] != nil {
			continue
		}
		if p, err := u.c.cfg.Network.ParsePeer(id); err == nil && p.Room && u.staysIn(p) {
			if r := u.newRoom(p); r != nil {
				r.wanted = nick
			}
		}
	}
}

// staysSomewhere reports whether an account is in rooms while its user is offline.
func staysSomewhere(a registry.Account) bool {
	for name := range a.Options {
		if strings.HasPrefix(name, stayPrefix) {
			return true
		}
	}
	return false
}

// lingerEnd is when a user is taken to have gone whose last client goes now, zero for at
// once.
func (u *user) lingerEnd() time.Time {
	if u.c.cfg.Linger == 0 {
		return time.Time{}
	}
	return u.c.clock.Now().Add(u.c.cfg.Linger)
}

// lingers puts off leaving a room that the last client has left. It is false where that
// is not to be put off.
func (u *user) lingers(r *room, reason string) bool {
	if !r.joined || u.c.cfg.Linger == 0 {
		return false
	}
	r.leaveAt, r.goodbye = u.lingerEnd(), reason
	return true
}

// backIn undoes lingers when a client comes. It is false, and the room is left, if
// the user is to be called something else than the resource or the nick says.
func (u *user) backIn(r *room, resource, nick string) bool {
	if r.leaveAt.IsZero() {
		return true
	}
	r.leaveAt = time.Time{}
	if resource == resourceOf(r.nick) || nick == r.nick {
		return true
	}
	u.quitRoom(r, r.goodbye)
	return false
}

// leaveLeft leaves the rooms that no client has come back to in time.
func (u *user) leaveLeft(now time.Time) {
	for _, r := range u.rooms {
		if !r.leaveAt.IsZero() && !r.leaveAt.After(now) {
			r.leaveAt = time.Time{}
			u.quitRoom(r, r.goodbye)
		}
	}
}

// inRooms reports whether a client of the user's is in a room, or the user stays in
// one.
func (u *user) inRooms() bool {
	for _, r := range u.rooms {
		if r.stays || len(r.clients) > 0 || !r.leaveAt.IsZero() {
			return true
		}
	}
	return false
}
