package component

import (
	"maps"
	"strings"
	"time"

	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// settingPrefix begins the name of an option of the registration that is a setting of a
// room or a service. The Peer.ID, a space and the name of the field follow.
const settingPrefix = "set "

// persistentPrefix, before a Peer.ID, is the option that stores a persistent room; its value is
// the nick.
const persistentPrefix = "stay "

// settings returns the user's settings for a room or a service. The caller may change the
// map.
func (ac *account) settings(p legacy.Peer) map[string]string {
	values := make(map[string]string)
	if ac.row != nil {
		for name, value := range ac.row.Options {
			key, ok := strings.CutPrefix(name, settingPrefix+p.ID+" ")
			if ok && !strings.Contains(key, " ") { // otherwise the option belongs to a longer Peer.ID
				values[key] = value
			}
		}
	}
	return values
}

// allSettings returns the settings of all rooms and services, by Peer.ID.
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

// saveSettings stores the user's settings for a room or a service, and passes them to the
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

// applyPersistence updates which rooms are persistent after a change of settings, and leaves
// those that no longer are and have no client.
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

// records reports whether the messages of a room are archived.
func (ac *account) records(p legacy.Peer) bool {
	if v, said := ac.setting(p, "record_history"); said {
		return ac.u.c.archives() && v == "true"
	}
	return ac.u.c.archives() && !ac.option(optNoHistory)
}

// setting returns one setting of a room or a service; said is false if it has no value.
func (ac *account) setting(p legacy.Peer, name string) (value string, said bool) {
	if ac.row == nil {
		return "", false
	}
	value, said = ac.row.Options[settingPrefix+p.ID+" "+name]
	return value, said
}

// isPersistent reports whether the user stays in a room without a client.
func (rs *rooms) isPersistent(p legacy.Peer) bool {
	if rs.u.account.isGuest() || !rs.u.account.exists() {
		return false
	}
	if v, said := rs.u.account.setting(p, "persistent"); said {
		return v == "true"
	}
	return rs.u.account.option(optStayInRooms)
}

// savePersistent stores a persistent room and the nick in it, to join it after a restart.
func (r *room) savePersistent() {
	if r.rs.u.account.exists() && !r.rs.u.account.isGuest() && r.rs.u.account.value(persistentPrefix+r.peer.ID) != r.nick {
		if why := r.rs.u.account.setOption(persistentPrefix+r.peer.ID, r.nick); why != nil {
			r.rs.u.log.Error().Msg("cannot store a persistent room: the gateway will not join it after a restart")
		}
	}
}

// forgetPersistent undoes savePersistent.
func (r *room) forgetPersistent() {
	if r.rs.u.account.exists() && r.rs.u.account.value(persistentPrefix+r.peer.ID) != "" {
		r.rs.u.account.setOption(persistentPrefix+r.peer.ID, "")
	}
}

// autojoinRoom is a room that the registration form names.
type autojoinRoom struct {
	peer     legacy.Peer
	password string
}

// autojoinRooms returns the rooms of the registration form (legacy.RoomsField), by Peer.ID.
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

// autojoin adds the rooms that the user joins without a client: those of the registration
// form, and those that were persistent before a restart. rejoin then joins them.
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

// rejoinPersistent adds the rooms that were persistent before a restart.
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

// hasPersistentRoom reports whether an account has a stored persistent room.
func hasPersistentRoom(a registry.Account) bool {
	for name := range a.Options {
		if strings.HasPrefix(name, persistentPrefix) {
			return true
		}
	}
	return false
}

// lingerEnd is when a user counts as offline whose last client goes offline now. Zero
// means at once.
func (lg *login) lingerEnd() time.Time {
	if lg.u.c.cfg.Linger == 0 {
		return time.Time{}
	}
	return lg.u.c.clock.Now().Add(lg.u.c.cfg.Linger)
}

// delayLeave schedules the leave of a room without clients. It returns false if the user is to
// leave at once.
func (r *room) delayLeave(reason string) bool {
	if !r.joined || r.rs.u.c.cfg.Linger == 0 {
		return false
	}
	r.leaveAt, r.partReason = r.rs.u.login.lingerEnd(), reason
	return true
}

// cancelLeave cancels a delayed leave when a client joins. If the client asks for another
// nick than the user's, it completes the leave instead and returns false.
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

// leaveExpired leaves the rooms whose delayed leave is due.
func (rs *rooms) leaveExpired(now time.Time) {
	for _, r := range rs.all {
		if !r.leaveAt.IsZero() && !r.leaveAt.After(now) {
			r.leaveAt = time.Time{}
			r.leaveOnNetwork(r.partReason)
		}
	}
}

// needsSession reports whether a room has a client, is persistent, or is to be left later.
func (r *room) needsSession() bool {
	return r.persistent || len(r.clients) > 0 || !r.leaveAt.IsZero()
}
