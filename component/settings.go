package component

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"transport/component/element"
	"transport/component/muc"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The gateway's own settings of a room; the user's settings have the same fields as
// defaults for all rooms. Users of other gateways know these names.
const (
	fieldRecord     = muc.FieldRecord
	fieldPersistent = muc.FieldPersistent
	fieldHistory    = muc.FieldHistory
)

// unset is the value by which clients of other gateways reset a setting to its default.
const unset = "unset"

// wrongHistory is the error text of an invalid number of history lines.
var wrongHistory = "Enter a number of lines from 0 to " + strconv.Itoa(muc.MaxHistory) + ", or -1 for all."

const historyLabel = "Lines of history for clients that do not request a number (-1 for all)"

// ownSettings are the gateway's own settings of each room.
var ownSettings = []legacy.Field{
	{Var: fieldRecord, Label: "Archive the messages", Type: legacy.FieldBool},
	{Var: fieldPersistent, Label: "Stay while I am offline", Type: legacy.FieldBool},
	{Var: fieldHistory, Label: historyLabel},
}

// fieldsAt returns the fields of a room's or a service's settings.
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

// settingFields returns these fields as form fields with their values, without those of
// secrets.
func (ac *account) settingFields(p legacy.Peer) []*element.Element {
	values := ac.row.Settings(p.ID)
	var all []*element.Element
	for _, f := range ac.fieldsAt(p) {
		all = append(all, formField(f, ac.shownSetting(p, f, values)))
	}
	return all
}

// shownSetting returns the value that a form shows: the stored setting, or else the
// default in effect.
func (ac *account) shownSetting(p legacy.Peer, f legacy.Field, values map[string]string) string {
	value, said := values[f.Var]
	switch {
	case said:
		return value
	case f.Var == fieldRecord && p.Room:
		return boolText(ac.u.rooms.Archives(p))
	case f.Var == fieldPersistent && p.Room:
		return boolText(ac.option(optStayInRooms))
	case f.Var == fieldHistory && p.Room:
		return strconv.Itoa(ac.u.rooms.HistoryLength(p))
	}
	return f.Default
}

// takeSettings validates and stores the answers to settingFields. Missing fields and
// empty secrets keep their values.
func (ac *account) takeSettings(p legacy.Peer, given map[string][]string) *stanza.Error {
	values := ac.row.Settings(p.ID)
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
		if len(value) > max(maxField[f.Type], maxLine) {
			return &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: f.Label + " is too long.", Field: f.Var}
		}
		if sameAnswer(f, ac.shownSetting(p, f, values), value) {
			continue // a default stays a default
		}
		values[f.Var], changed = value, true
	}
	if _, ok := muc.ParseHistory(values[fieldHistory]); values[fieldHistory] != "" && !ok && p.Room {
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

// maxOptions is the most settings and options that an account stores.
const maxOptions = 2000 // limit: settings and options that an account stores | a further one is refused: resource-constraint

// saveSettings stores the user's settings for a room or a service, and passes them to the
// session.
func (ac *account) saveSettings(p legacy.Peer, values map[string]string) *stanza.Error {
	options := maps.Clone(ac.row.Options)
	if options == nil {
		options = make(map[string]string)
	}
	for name := range ac.row.Settings(p.ID) {
		delete(options, registry.SettingOption(p.ID, name))
	}
	for name, value := range values {
		options[registry.SettingOption(p.ID, name)] = value
	}
	if len(options) > maxOptions && len(options) > len(ac.row.Options) {
		why := stanza.ErrBusy.With("You have settings for too many rooms and servers. Set some of them to their defaults first.")
		return &why
	}
	if why := ac.setOptions(options); why != nil {
		return why
	}
	if s, ok := ac.u.login.legacySession().(legacy.Reconfigurer); ok {
		s.Reconfigure(p, values)
	}
	ac.u.rooms.ApplyPersistence()
	return nil
}

// keepAccount turns a guest's account into a registration, so that settings and contacts
// can be stored.
func (ac *account) keepAccount() *stanza.Error {
	if ac.isRegistered() {
		return nil
	}
	if ac.u.login.registering() { // a registration is pending
		return &stanza.ErrBusy
	}
	if why := ac.u.c.mayRegister(ac.u.bare); why != nil {
		return why
	}
	if ac.u.c.cfg.Memory.short(memoryNewcomers) {
		return &errMemory
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

// guestName returns the default nick of a guest: the localpart of the JID, in characters
// that every network accepts.
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

// askSettings asks for the settings of the room or service that the command was sent to.
// (XEP-0050)
func (cm *commands) askSettings(x *execution) {
	form := xep.NewForm("form", "", "Settings of "+cmp.Or(x.Peer.ID, cm.u.c.cfg.Name), "")
	for _, f := range cm.u.account.settingFields(x.Peer) {
		form.Add(f)
	}
	x.Ask(form, true, func(values xep.Answers) {
		if why := cm.u.account.takeSettings(x.Peer, values); why != nil {
			x.Fail(*why)
			return
		}
		x.Finish("info", "Your settings are stored. Connection settings take effect when you next sign on.", nil)
	})
}
