package component

import (
	"cmp"
	"strconv"
	"strings"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The fields that rooms have of the gateway's own, and that the user's settings have
// for all rooms. Users of other gateways know the names.
const (
	fieldRecord     = "record_history"
	fieldPersistent = "persistent"
	fieldHistory    = "max_history_length"
)

// unset is what clients of other gateways send for a switch that is to be as elsewhere.
const unset = "unset"

// wrongHistory is what somebody hears who enters another number of lines.
var wrongHistory = "Enter a number of lines from 0 to " + strconv.Itoa(maxHistory) + ", or -1 for all."

const historyLabel = "Lines of history for clients that do not request a number (-1 for all)"

// ownSettings are what the gateway itself offers for each room.
var ownSettings = []legacy.Field{
	{Var: fieldRecord, Label: "Archive the messages", Type: legacy.FieldBool},
	{Var: fieldPersistent, Label: "Stay while I am offline", Type: legacy.FieldBool},
	{Var: fieldHistory, Label: historyLabel},
}

// fieldsAt are the settings that a user has for a room or a service.
func (ac *account) fieldsAt(p legacy.Peer) []legacy.Field {
	var fields []legacy.Field
	if p.Room {
		fields = append(fields, ownSettings...)
	}
	if configurer, ok := ac.u.c.cfg.Network.(legacy.Configurer); ok {
		fields = append(fields, configurer.Settings(p)...)
	}
	return fields
}

// settingFields shows them with their values. What is secret is not shown.
func (ac *account) settingFields(p legacy.Peer) []*element.Element {
	values := ac.settings(p)
	var all []*element.Element
	for _, f := range ac.fieldsAt(p) {
		all = append(all, formField(f, ac.shownSetting(p, f, values)))
	}
	return all
}

// shownSetting is the value that a form shows for a setting: what the user has set, else
// what holds without that.
func (ac *account) shownSetting(p legacy.Peer, f legacy.Field, values map[string]string) string {
	value, said := values[f.Var]
	switch {
	case said:
		return value
	case f.Var == fieldRecord && p.Room:
		return boolText(ac.records(p))
	case f.Var == fieldPersistent && p.Room:
		return boolText(ac.option(optStayInRooms))
	case f.Var == fieldHistory && p.Room:
		return strconv.Itoa(ac.u.rooms.historyLength(p))
	}
	return f.Default
}

// takeSettings checks and stores the answers to settingFields. Fields that were left
// out stay as they are, and secrets that were left empty.
func (ac *account) takeSettings(p legacy.Peer, given map[string][]string) *stanza.Error {
	values := ac.settings(p)
	changed := false
	for _, f := range ac.fieldsAt(p) {
		answer, there := given[f.Var]
		value := fieldValue(f, answer)
		if !there || isSecret(f) && value == "" {
			continue
		}
		_, said := values[f.Var]
		if len(answer) > 0 && answer[0] == unset && f.Type == legacy.FieldBool {
			delete(values, f.Var)
			changed = changed || said
			continue
		}
		if sameAnswer(f, ac.shownSetting(p, f, values), value) {
			continue // one that follows the setting for all rooms goes on doing so
		}
		values[f.Var], changed = value, true
	}
	if _, ok := historyLength(values[fieldHistory]); values[fieldHistory] != "" && !ok && p.Room {
		return &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: wrongHistory, Field: fieldHistory}
	}
	if configurer, ok := ac.u.c.cfg.Network.(legacy.Configurer); ok {
		if err := configurer.ValidateSettings(p, values); err != nil {
			return notAcceptable(err)
		}
	}
	if !changed {
		return nil
	}
	if why := ac.keepAccount(); why != nil {
		return why
	}
	return ac.saveSettings(p, values)
}

// keepAccount makes a registration of a guest's account, so that what they have set
// can be kept.
func (ac *account) keepAccount() *stanza.Error {
	if ac.isRegistered() {
		return nil
	}
	if ac.u.login.registering() { // they are about to be
		return &stanza.ErrBusy
	}
	account := registry.Account{Network: ac.u.c.domain, User: ac.u.bare, Fields: map[string]string{"username": guestName(ac.u.c.cfg.Network, ac.u.bare)}}
	if ac.guest {
		account.Fields = ac.row.Fields
	}
	ctx, cancel := ac.u.storing()
	defer cancel()
	if err := ac.u.c.cfg.Registry.PutAccount(ctx, account); err != nil {
		ac.u.log.Error().Err(err).Msg("cannot store a registration")
		return &stanza.ErrDatabase
	}
	ac.take(&account)
	ac.u.c.setRegistered(ac.u.bare, true)
	ac.u.log.Info().Msg("registered a guest who has something to be kept")
	ac.u.roster.offerGateway()
	ac.u.roster.readRoster(func() {}) // the gateway may be there, as the user has it
	if ac.u.login.legacySession() != nil {
		ac.u.roster.sendGatewayPresence(ac.u.bare)
	}
	return nil
}

// guestName is what a guest is called who has not said so: the name of their JID.
func guestName(network legacy.Network, bare string) string {
	local, _, _ := strings.Cut(bare, "@")
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, local)
	if network.Validate(map[string]string{"username": name}) != nil {
		name = "u" + name
	}
	return name
}

// askSettings asks for the settings of the room or service that a command was given
// to. (XEP-0050)
func (ad *adhoc) askSettings(x *execution) {
	form := xep.NewForm("form", "", "Settings of "+cmp.Or(x.peer.ID, ad.u.c.cfg.Name), "")
	for _, f := range ad.u.account.settingFields(x.peer) {
		form.Add(f)
	}
	x.ask(form, true, func(u *user, x *execution, values map[string][]string) {
		if why := u.account.takeSettings(x.peer, values); why != nil {
			x.fail(*why)
			return
		}
		x.finish("info", "Your settings are stored. Connection settings take effect when you next sign on.", nil)
	})
}
