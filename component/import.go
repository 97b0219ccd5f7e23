package component

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"transport/component/body"
	"transport/component/muc"
	"transport/legacy"
	"transport/registry"
)

// Imported is a user's data of another gateway.
type Imported struct {
	User string // bare JID
	// Settings are those of services and rooms, by their names on the network; "" is
	// the network itself, where it has no services.
	Settings map[string]map[string]string
	// History is the number of history lines on joining, nil for the default.
	History *int
	// Unrecorded disables the archive. Stays keeps the user in rooms while offline.
	Unrecorded, Stays bool
	// Contacts are services with a subscription in both directions.
	Contacts []string
}

// Account returns the registration and the contacts, and in left a text for each value
// that cannot be imported.
func (i Imported) Account(network legacy.Network, domain string) (account registry.Account, contacts []registry.Contact, left []string) {
	options := make(map[string]string)
	if i.Unrecorded {
		options[optNoHistory] = "1"
	}
	if i.Stays {
		options[optStayInRooms] = "1"
	}
	if i.History != nil {
		if n, ok := muc.ParseHistory(strconv.Itoa(*i.History)); !ok {
			left = append(left, fieldHistory+" of all rooms: "+wrongHistory)
		} else if n != muc.DefaultHistory {
			options[optHistory] = strconv.Itoa(n)
		}
	}
	nick := ""
	for _, name := range slices.Sorted(maps.Keys(i.Settings)) {
		var peer legacy.Peer
		if name != "" {
			var err error
			if peer, err = network.ParsePeer(name); err != nil {
				left = append(left, name+": "+userText(err))
				continue
			}
		}
		for _, key := range slices.Sorted(maps.Keys(i.Settings[name])) {
			value := i.Settings[name][key]
			if why := settingError(network, peer, key, value); why != "" {
				left = append(left, key+" of "+cmp.Or(name, domain)+": "+why)
				continue
			}
			if options[registry.SettingOption(peer.ID, key)] = value; key == "nick" && nick == "" {
				nick = value
			}
		}
	}
	for _, name := range i.Contacts {
		peer := legacy.Peer{}
		if name != "" {
			var err error
			if peer, err = network.ParsePeer(name); err != nil {
				left = append(left, name+": "+userText(err))
				continue
			}
		}
		contacts = append(contacts, registry.Contact{Network: domain, User: i.User, Peer: peer.ID, Subscription: registry.To | registry.From})
	}
	account = registry.Account{Network: domain, User: i.User, Options: options,
		Fields: map[string]string{"username": cmp.Or(nick, guestName(network, i.User))}}
	return account, contacts, left
}

// settingError returns why a setting is invalid, "" if it is valid.
func settingError(network legacy.Network, p legacy.Peer, key, value string) string {
	configurer, ok := network.(legacy.Configurer)
	known := func(fields []legacy.Field) bool {
		return slices.ContainsFunc(fields, func(f legacy.Field) bool { return f.Var == key })
	}
	switch {
	case p.Room && known(ownSettings):
		if _, ok := muc.ParseHistory(value); key == fieldHistory && !ok {
			return wrongHistory
		}
		return ""
	case !ok || !known(configurer.Settings(p)):
		return "There is no such setting."
	}
	if err := configurer.ValidateSettings(p, map[string]string{key: value}); err != nil {
		return notAcceptable(err).Text
	}
	return ""
}

// ImportedLine returns the payload of a line of a room's archive (registry.Line.Payload).
func ImportedLine(nick, text string) ([]byte, error) {
	return muc.EncodeLine(nick, body.Clean(text))
}
