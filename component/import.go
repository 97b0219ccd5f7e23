package component

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"transport/component/body"
	"transport/legacy"
	"transport/registry"
)

// Imported is what another gateway has kept of a user.
type Imported struct {
	User string // bare JID
	// Settings are those of services and rooms, by their names on the network; "" is
	// the network itself, where it has no services.
	Settings map[string]map[string]string
	// History is how many lines are shown on joining, nil for as many as usual.
	History *int
	// Unrecorded: what is said is not kept. Stays: the user stays in rooms.
	Unrecorded, Stays bool
	// Contacts are services that see the user, and are seen.
	Contacts []string
}

// Account makes a registration and contacts of it. What cannot be taken is left out,
// and told in words.
func (i Imported) Account(network legacy.Network, domain string) (account registry.Account, contacts []registry.Contact, left []string) {
	options := make(map[string]string)
	if i.Unrecorded {
		options[optNoHistory] = "1"
	}
	if i.Stays {
		options[optStayInRooms] = "1"
	}
	if i.History != nil {
		if n, ok := historyLength(strconv.Itoa(*i.History)); !ok {
			left = append(left, fieldHistory+" of all rooms: "+wrongHistory)
		} else if n != defaultHistory {
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
			if options[settingPrefix+peer.ID+" "+key] = value; key == "nick" && nick == "" {
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

// settingError is why a setting is not taken, "" if it is.
func settingError(network legacy.Network, p legacy.Peer, key, value string) string {
	configurer, ok := network.(legacy.Configurer)
	known := func(fields []legacy.Field) bool {
		return slices.ContainsFunc(fields, func(f legacy.Field) bool { return f.Var == key })
	}
	switch {
	case p.Room && known(ownSettings):
		if _, ok := historyLength(value); key == fieldHistory && !ok {
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

// ImportedLine is a line of a room's archive, for registry.Line.Payload.
func ImportedLine(nick, text string) ([]byte, error) {
	return json.Marshal(storedLine{Nick: nick, Text: body.Clean(text)})
}
