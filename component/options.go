package component

import (
	"maps"
	"strconv"
	"strings"

	"transport/component/muc"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Options of a registration. They are stored with it; one that is not set has the
// default "".
const (
	optLoggedOut  = "logged-out"    // the user signed off until further notice
	optStay       = "stay"          // signed on while all clients are offline
	optAutoAccept = "auto-accept"   // subscription requests are approved
	optAutoDeny   = "auto-deny"     // subscription requests are denied, without asking the user
	optHideStatus = "hide-status"   // the status text is not sent to the network
	optInvisible  = "invisible"     // the user is signed on and appears offline
	optNoTyping   = muc.OptNoTyping // no typing notifications are sent

	optNoActs = muc.OptNoActs // no fallback text for reactions and retractions where the network supports neither

	optNoHistory   = muc.OptNoHistory   // room messages are not archived
	optStayInRooms = muc.OptStayInRooms // the user stays in rooms while all clients are offline
	optHistory     = muc.OptHistory     // history lines for a client that requests no number
	optAvatar      = "send-avatar"      // the avatar of the user's vCard is published
	optProfile     = "send-profile"     // the rest of the vCard is published
)

// switches are the boolean options and their form fields. An inverted one is on by
// default.
var switches = []struct {
	name, field, label string
	inverted           bool
	needs              legacy.Features
}{
	{optStay, optStay, "Stay signed on while I am offline", false, 0},
	{optAutoAccept, optAutoAccept, "Accept all contact requests without asking me", false, legacy.FeatureRoster},
	{optAutoDeny, optAutoDeny, "Refuse all contact requests without asking me", false, legacy.FeatureRoster},
	{optHideStatus, optHideStatus, "Do not show my status text on the network", false, legacy.FeaturePresence},
	{optInvisible, optInvisible, "Be invisible: look offline to everybody on the network", false, legacy.FeatureInvisible},
	{optNoTyping, optNoTyping, "Do not tell others when I am typing", false, legacy.FeatureTyping},
	{optNoActs, optNoActs, "Do not send my reactions and retractions as text where the network supports neither", false, 0},
	{optNoHistory, fieldRecord, "Archive the messages of rooms", true, legacy.FeatureRooms},
	{optStayInRooms, fieldPersistent, "Stay in rooms while I am offline", false, legacy.FeatureRooms},
	{optAvatar, optAvatar, "Publish the avatar of my vCard on the network", false, legacy.FeatureSetAvatar},
	{optProfile, optProfile, "Publish the rest of my vCard on the network", false, legacy.FeatureSetProfile},
}

// option reports whether a boolean option is set.
func (ac *account) option(name string) bool {
	return ac.row != nil && ac.row.Options[name] != ""
}

// setOption stores one option.
func (ac *account) setOption(name, value string) *stanza.Error {
	options := maps.Clone(ac.row.Options)
	if options == nil {
		options = make(map[string]string)
	}
	options[name] = value
	if value == "" {
		delete(options, name)
	}
	return ac.setOptions(options)
}

func (ac *account) setOptions(options map[string]string) *stanza.Error {
	if maps.Equal(options, ac.row.Options) {
		return nil
	}
	ctx, cancel := ac.u.storing()
	defer cancel()
	if err := ac.u.c.cfg.Registry.SetOptions(ctx, ac.u.c.domain, ac.u.bare, options); err != nil {
		ac.u.log.Error().Err(err).Msg("cannot store settings")
		return &stanza.ErrDatabase
	}
	ac.row.Options = options
	return nil
}

// askOptions asks for the options that apply to this network.
func (cm *commands) askOptions(x *execution) {
	asked := xep.NewForm("form", "", "Settings", "")
	for _, s := range switches {
		if cm.u.c.info.Features.Has(s.needs) {
			asked.Add(xep.NewField(s.field, "boolean", s.label, boolText(cm.u.account.option(s.name) != s.inverted)))
		}
	}
	rooms := cm.u.c.info.Features.Has(legacy.FeatureRooms)
	if rooms {
		asked.Add(xep.NewField(fieldHistory, "text-single", historyLabel, strconv.Itoa(cm.u.rooms.HistoryLength(legacy.Peer{}))))
	}
	x.Ask(asked, true, func(values xep.Answers) {
		before := cm.u.account.stored().Options
		options := maps.Clone(before)
		if options == nil {
			options = make(map[string]string)
		}
		for _, s := range switches {
			given, ok := values[s.field]
			switch {
			case !ok:
			case xep.IsTrue(given[0]) != s.inverted:
				options[s.name] = "1"
			default:
				delete(options, s.name)
			}
		}
		if given := values[fieldHistory]; rooms && len(given) > 0 {
			n, ok := muc.ParseHistory(strings.TrimSpace(given[0]))
			if !ok {
				x.AskAgain(wrongHistory, fieldHistory)
				return
			}
			if delete(options, optHistory); n != muc.DefaultHistory {
				options[optHistory] = strconv.Itoa(n)
			}
		}
		if maps.Equal(options, before) {
			x.Finish("info", "Your settings are unchanged.", nil)
			return
		}
		why := cm.u.account.keepAccount()
		if why == nil {
			why = cm.u.account.setOptions(options)
		}
		if why != nil {
			x.Finish("error", why.Text, nil)
			return
		}
		cm.u.clients.showOwnPresence()
		cm.u.rooms.ApplyPersistence()
		cm.u.clients.publishProfile()
		x.Finish("info", "Your settings are stored.", nil)
	})
}
