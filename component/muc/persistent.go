package muc

import (
	"strings"

	"transport/legacy"
	"transport/registry"
)

// persistentPrefix, before a Peer.ID, is the option that stores a persistent room; its value is
// the nick.
const persistentPrefix = "stay "

// ApplyPersistence updates which rooms are persistent after a change of settings, and leaves
// those that no longer are and have no client.
func (rs *Rooms) ApplyPersistence() {
	for _, r := range rs.all {
		before := r.persistent
		switch r.persistent = rs.isPersistent(r.peer); {
		case r.persistent && r.isJoined():
			r.savePersistent()
		case before && !r.persistent:
			r.forgetPersistent()
			if len(r.clients) == 0 && !r.kept {
				r.leave("")
			}
		}
	}
}

// Archives reports whether the messages of a room are archived.
func (u *user) Archives(p legacy.Peer) bool {
	account := u.account()
	if v, said := account.Setting(p.ID, FieldRecord); said {
		return u.shared.Archive.Enabled() && v == "true"
	}
	return u.shared.Archive.Enabled() && account.Option(OptNoHistory) == ""
}

// isPersistent reports whether the user stays in a room without a client.
func (u *user) isPersistent(p legacy.Peer) bool {
	account := u.account()
	if !account.Registered() {
		return false
	}
	if v, said := account.Setting(p.ID, FieldPersistent); said {
		return v == "true"
	}
	return account.Option(OptStayInRooms) != ""
}

// savePersistent stores a persistent room and the nick in it, to join it after a restart.
func (r *Room) savePersistent() {
	if account := r.rs.account(); account.Registered() && account.Option(persistentPrefix+r.peer.ID) != r.nick {
		if why := r.rs.host.SetOption(persistentPrefix+r.peer.ID, r.nick); why != nil {
			r.rs.log.Error().Msg("cannot store a persistent room: the gateway will not join it after a restart")
		}
	}
}

// forgetPersistent undoes savePersistent.
func (r *Room) forgetPersistent() {
	if r.rs.account().Option(persistentPrefix+r.peer.ID) != "" {
		r.rs.host.SetOption(persistentPrefix+r.peer.ID, "")
	}
}

// autojoinRoom is a room that the registration form names.
type autojoinRoom struct {
	peer     legacy.Peer
	password string
}

// autojoinRooms returns the rooms of the registration form (legacy.RoomsField), by Peer.ID.
func (rs *Rooms) autojoinRooms() map[string]*autojoinRoom {
	account := rs.account()
	if !account.Exists() || account.Fields[legacy.RoomsField] == "" {
		return nil
	}
	all := make(map[string]*autojoinRoom)
	for text := range strings.Lines(account.Fields[legacy.RoomsField]) {
		name, password, _ := strings.Cut(strings.TrimSpace(text), " ")
		if p, err := rs.shared.Peers.Network.ParsePeer(name); err == nil && p.Room && len(all) < maxRooms {
			all[p.ID] = &autojoinRoom{p, strings.TrimSpace(password)}
		}
	}
	return all
}

// autojoin adds the rooms that the user joins without a client: those of the registration
// form, and those that were persistent before a restart. Rejoin then joins them.
func (rs *Rooms) autojoin() {
	if !rs.account().Exists() {
		return
	}
	for id, own := range rs.autojoinRooms() {
		if rs.all[id] == nil {
			if r := rs.newRoom(own.peer); r != nil {
				r.password, r.autojoin = own.password, true
			}
		}
	}
	rs.AddPersistent()
}

// AddPersistent adds the rooms that were persistent before a restart.
func (rs *Rooms) AddPersistent() {
	account := rs.account()
	if !account.Exists() {
		return
	}
	for name, nick := range account.Options {
		id, ok := strings.CutPrefix(name, persistentPrefix)
		if !ok || rs.all[id] != nil {
			continue
		}
		if p, err := rs.shared.Peers.Network.ParsePeer(id); err == nil && p.Room && rs.isPersistent(p) {
			if r := rs.newRoom(p); r != nil {
				r.desiredNick = nick
			}
		}
	}
}

// HasPersistentRoom reports whether an account has a stored persistent room.
func HasPersistentRoom(a registry.Account) bool {
	for name := range a.Options {
		if strings.HasPrefix(name, persistentPrefix) {
			return true
		}
	}
	return false
}
