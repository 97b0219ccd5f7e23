package component

import (
	"maps"
	"strings"
	"time"

	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// Settings of rooms and services are options of the registration: this before the
// Peer.ID, a space and the name of the field.
const settingPrefix = "set "

// stayPrefix, before a Peer.ID, is the option of a room in which the user stays; its
// value is the nick.
const persistentPrefix = "stay "

// settings are what the user has set for a room or a service. The map is the
// caller's.
func (ac *account) settings(p legacy.Peer) map[string]string {
	values := make(map[string]string)
	if ac.row != nil {
		for name, value := range ac.row.Options {
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
func (ac *account) saveSettings(p legacy.Peer, values map[string]string) *stanza.Error {
	options := maps.Clone(ac.row.Options)
	if options == nil {
		options = make(map[string]string)
	}
	prefix := settingPrefix + p.ID + " "
	for name := range ac.settings(p) {
		delete(options, prefix+name)
	}
	for name, value := range values {
		options[prefix+name] = value
	}
	if why := ac.setOptions(options); why != nil {
		return why
	}
	if s, ok := ac.u.login.legacySession().(legacy.Reconfigurer); ok {
		s.Reconfigure(p, values)
	}
	ac.u.rooms.applyPersistence()
	return nil
}

// reviewRooms stays in rooms, or no longer, as the settings want it now.
func (rs *rooms) applyPersistence() {
	for _, r := range rs.all {
		before := r.persistent
		switch r.persistent = rs.isPersistent(r.peer); {
		case r.persistent && r.joined:
			r.savePersistent()
		case before && !r.persistent:
			r.forgetPersistent()
			if len(r.clients) == 0 {
				r.leaveOnNetwork("")
			}
		}
	}
}

// records reports whether what is said in a room is to be archived.
func (ac *account) records(p legacy.Peer) bool {
	if v, said := ac.setting(p, "record_history"); said {
		return ac.u.c.archives() && v == "true"
	}
	return ac.u.c.archives() && !ac.option(optNoHistory)
}

// setting is one setting of a room or a service.
func (ac *account) setting(p legacy.Peer, name string) (value string, said bool) {
	if ac.row == nil {
		return "", false
	}
	value, said = ac.row.Options[settingPrefix+p.ID+" "+name]
	return value, said
}

// staysIn reports whether the user is to stay in a room while no client does.
func (rs *rooms) isPersistent(p legacy.Peer) bool {
	if rs.u.account.isGuest() || !rs.u.account.exists() {
		return false
	}
	if v, said := rs.u.account.setting(p, "persistent"); said {
		return v == "true"
	}
	return rs.u.account.option(optStayInRooms)
}

// noteStay remembers a room in which the user stays, for the next start.
func (r *room) savePersistent() {
	if r.rs.u.account.exists() && !r.rs.u.account.isGuest() && r.rs.u.account.value(persistentPrefix+r.peer.ID) != r.nick {
		if why := r.rs.u.account.setOption(persistentPrefix+r.peer.ID, r.nick); why != nil {
			r.rs.u.log.Error().Msg("cannot remember a room: it will not be entered after a restart")
		}
	}
}

// forgetStay undoes noteStay.
func (r *room) forgetPersistent() {
	if r.rs.u.account.exists() && r.rs.u.account.value(persistentPrefix+r.peer.ID) != "" {
		r.rs.u.account.setOption(persistentPrefix+r.peer.ID, "")
	}
}

// ownRoom is a room of the registration form.
type autojoinRoom struct {
	peer     legacy.Peer
	password string
}

// ownRooms are the rooms of the registration form (legacy.RoomsField), by Peer.ID.
func (rs *rooms) autojoinRooms() map[string]*autojoinRoom {
	if !rs.u.account.exists() || rs.u.account.field(legacy.RoomsField) == "" {
		return nil
	}
	all := make(map[string]*autojoinRoom)
	for text := range strings.Lines(rs.u.account.field(legacy.RoomsField)) {
		name, password, _ := strings.Cut(strings.TrimSpace(text), " ")
		if p, err := rs.u.c.cfg.Network.ParsePeer(name); err == nil && p.Room && len(all) < maxRooms {
			all[p.ID] = &autojoinRoom{p, strings.TrimSpace(password)}
		}
	}
	return all
}

// enterOwnRooms makes the rooms that the user is in without a client's asking: those
// of the registration, and those in which they stayed before a restart.
func (rs *rooms) autojoin() {
	if !rs.u.account.exists() {
		return
	}
	for id, own := range rs.autojoinRooms() {
		if rs.all[id] == nil {
			if r := rs.newRoom(own.peer); r != nil {
				r.password, r.autojoin = own.password, true
			}
		}
	}
	rs.rejoinPersistent()
}

// enterStays makes the rooms in which the user stayed before a restart.
func (rs *rooms) rejoinPersistent() {
	for name, nick := range rs.u.account.stored().Options {
		id, ok := strings.CutPrefix(name, persistentPrefix)
		if !ok || rs.all[id] != nil {
			continue
		}
		if p, err := rs.u.c.cfg.Network.ParsePeer(id); err == nil && p.Room && rs.isPersistent(p) {
			if r := rs.newRoom(p); r != nil {
				r.desiredNick = nick
			}
		}
	}
}

// staysSomewhere reports whether an account is in rooms while its user is offline.
func hasPersistentRoom(a registry.Account) bool {
	for name := range a.Options {
		if strings.HasPrefix(name, persistentPrefix) {
			return true
		}
	}
	return false
}

// lingerEnd is when a user is taken to have gone whose last client goes now, zero for at
// once.
func (lg *login) lingerEnd() time.Time {
	if lg.u.c.cfg.Linger == 0 {
		return time.Time{}
	}
	return lg.u.c.clock.Now().Add(lg.u.c.cfg.Linger)
}

// lingers puts off leaving a room that the last client has left. It is false where that
// is not to be put off.
func (r *room) delayLeave(reason string) bool {
	if !r.joined || r.rs.u.c.cfg.Linger == 0 {
		return false
	}
	r.leaveAt, r.partReason = r.rs.u.login.lingerEnd(), reason
	return true
}

// backIn undoes lingers when a client comes. It is false, and the room is left, if
// the user is to be called something else than the resource or the nick says.
func (r *room) cancelLeave(resource string, nick string) bool {
	if r.leaveAt.IsZero() {
		return true
	}
	r.leaveAt = time.Time{}
	if resource == resourceOf(r.nick) || nick == r.nick {
		return true
	}
	r.leaveOnNetwork(r.partReason)
	return false
}

// leaveLeft leaves the rooms that no client has come back to in time.
func (rs *rooms) leaveExpired(now time.Time) {
	for _, r := range rs.all {
		if !r.leaveAt.IsZero() && !r.leaveAt.After(now) {
			r.leaveAt = time.Time{}
			r.leaveOnNetwork(r.partReason)
		}
	}
}

// inRooms reports whether a client of the user's is in a room, or the user stays in
// one.
func (rs *rooms) inRooms() bool {
	for _, r := range rs.all {
		if r.persistent || len(r.clients) > 0 || !r.leaveAt.IsZero() {
			return true
		}
	}
	return false
}
