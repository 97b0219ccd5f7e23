package component

import (
	"slices"
	"strings"

	"transport/component/adhoc"
	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// userCommands returns the commands for users in the order of their listing: the most
// frequent first. Commands that end an account come last (endCommands).
func (c *Component) userCommands() []*command {
	all := []*command{
		{Node: "register", Name: "Register", Word: "register", Args: c.registerArgs(), Argument: c.registerWords(), About: "register with this gateway",
			Who: adhoc.Strangers, Start: func(u *user, x *execution) { u.commands.askRegistration(x) }},
		{Node: "add-contact", Name: "Add a contact", Word: "add", Args: []string{"peer", "name"}, Argument: "ADDRESS [NAME]", About: "add somebody to your contacts",
			Who: adhoc.Members, Start: func(u *user, x *execution) { u.roster.askAdd(x) }},
		{Node: "remove-contact", Name: "Remove a contact", Word: "remove", Args: []string{"peer"}, Argument: "ADDRESS", About: "remove somebody from your contacts",
			Who: adhoc.Registered, When: func(u *user) bool { return u.commands.hasContacts() }, Start: func(u *user, x *execution) { u.roster.askRemove(x) }},
		{Node: "contacts", Name: "List my contacts", Word: "contacts", About: "list your contacts on the network", Who: adhoc.Registered, When: func(u *user) bool { return u.commands.hasContacts() },
			Run: func(u *user) (string, *stanza.Error) { return u.roster.contactsText(), nil }},
		{Node: "invisible", Name: "Be invisible", Word: "invisible", About: "look offline to everybody on the network", Who: adhoc.Registered,
			Needs: legacy.FeatureInvisible, When: func(u *user) bool { return !u.account.option(optInvisible) }, Run: func(u *user) (string, *stanza.Error) { return u.commands.setInvisible("1") }},
		{Node: "visible", Name: "Be visible again", Word: "visible", About: "undo invisible", Who: adhoc.Registered,
			Needs: legacy.FeatureInvisible, When: func(u *user) bool { return u.account.option(optInvisible) }, Run: func(u *user) (string, *stanza.Error) { return u.commands.setInvisible("") }},
		{Node: "block", Name: "Block somebody", Word: "block", Args: []string{"peer"}, Argument: "ADDRESS", About: "keep somebody from writing to you and seeing you",
			Who: adhoc.Registered, Needs: legacy.FeatureBlocking, When: func(u *user) bool { return u.commands.isSignedOn() }, Start: func(u *user, x *execution) { u.roster.askBlock(x) }},
		{Node: "unblock", Name: "Unblock somebody", Word: "unblock", Args: []string{"peer"}, Argument: "ADDRESS", About: "undo block",
			Who: adhoc.Registered, Needs: legacy.FeatureBlocking, When: func(u *user) bool { return u.commands.hasBlocked() }, Start: func(u *user, x *execution) { u.roster.askUnblock(x) }},
		{Node: "blocked", Name: "List my blocked contacts", Word: "blocked", About: "list the people whom you have blocked",
			Who: adhoc.Registered, Needs: legacy.FeatureBlocking, When: func(u *user) bool { return u.commands.hasBlocked() }, Run: func(u *user) (string, *stanza.Error) { return u.roster.blockedText() }},
		{Node: "presence", Name: "Show what is known of this contact's presence", At: adhoc.AtPerson, Who: adhoc.Registered, Start: func(u *user, x *execution) { u.roster.showPresence(x) }},
		{Node: c.settingsNode(), Aliases: []string{"options", "configure", "global-configure"}, Name: "Settings", Word: "settings", Argument: "[NAME VALUE]", Edits: true, About: "show your settings, or change one", Who: adhoc.Members, Start: func(u *user, x *execution) { u.commands.askOptions(x) }},
		{Node: "status", Name: "Show the state of my account", Word: "status", About: "whether you are signed on, and why not",
			When: func(u *user) bool { return u.commands.hasAccount() }, Run: func(u *user) (string, *stanza.Error) { return u.login.statusText(), nil }},
		{Node: "login", Name: "Sign on", Word: "login", About: "sign on, after logout or a failure", Who: adhoc.Registered,
			When: func(u *user) bool { return !u.commands.isSignedOn() }, Run: func(u *user) (string, *stanza.Error) { return u.commands.login() }},
		{Node: "logout", Name: "Sign off until I sign on again", Word: "logout", About: "sign off, and stay so until you write login", Who: adhoc.Registered,
			When: func(u *user) bool { return !u.account.option(optLoggedOut) }, Run: func(u *user) (string, *stanza.Error) { return u.commands.logout() }},
		{Node: "reconnect", Name: "Connect anew", Word: "reconnect", About: "close the connection to the network and open it again", Who: adhoc.Registered,
			When: func(u *user) bool { return u.commands.isSignedOn() }, Run: func(u *user) (string, *stanza.Error) { return u.commands.reconnect() }},
		{Node: "sync-contacts", Name: "Offer me my contacts again", Word: "sync", About: "ask again about contacts that are not on your list", Who: adhoc.Registered,
			When: func(u *user) bool { return len(u.roster.unsynced()) > 0 }, Run: func(u *user) (string, *stanza.Error) { return u.roster.syncContacts() }},
		{Node: "import-contacts", Name: "Import contacts", Word: "import", Args: []string{"contacts"}, About: "add many contacts, one a line",
			Who: adhoc.Registered, When: func(u *user) bool { return u.commands.isSignedOn() }, Start: func(u *user, x *execution) { u.roster.askImport(x) }},
		{Node: "export-contacts", Name: "Export my contacts", Word: "export", About: "show a table of your contacts", Who: adhoc.Registered, When: func(u *user) bool { return u.commands.hasContacts() }, Start: func(u *user, x *execution) { u.roster.exportContacts(x) }},
		{Node: "change-registration", Name: "Change my account", Word: "account", Argument: "[NAME VALUE]", Edits: true, About: "show your registration, or change one thing in it",
			Who: adhoc.Registered, Start: func(u *user, x *execution) { u.commands.askRegistration(x) }},
	}
	if c.asksFor("password") != nil {
		all = append(all, &command{Word: "password", Args: []string{"password"}, Argument: "NEW",
			About: "when the password on " + c.info.Name + " has changed", Who: adhoc.Registered, Start: func(u *user, x *execution) { u.commands.askPassword(x) }})
	}
	return all
}

// settingsNode returns the node of the user's settings: on networks with rooms, the one that
// users of other gateways expect.
func (c *Component) settingsNode() string {
	switch {
	case !c.info.Features.Has(legacy.FeatureRooms):
		return "options"
	case c.info.Services:
		return "configure"
	}
	return "global-configure"
}

// endCommands returns the commands that end an account.
func endCommands() []*command {
	return []*command{{Node: "unregister", Name: "Remove my account from this gateway", Word: "unregister", About: "remove your account from this gateway", Who: adhoc.Registered, Start: func(u *user, x *execution) { u.commands.askUnregister(x) }}}
}

// debugCommands returns the commands for client developers. They are listed for
// administrators only, and run for everybody.
func debugCommands() []*command {
	return []*command{
		{Node: "ping", Name: "See whether the gateway answers", Who: adhoc.Developers, Run: func(*user) (string, *stanza.Error) { return "Pong", nil }},
		{Node: "hello", Name: "See whether forms work", Who: adhoc.Developers, Start: func(u *user, x *execution) { u.commands.askName(x) }},
	}
}

// Conditions of listing a command. An unlisted command still runs, and reports its error.

func (cm *commands) hasAccount() bool  { return cm.u.account.exists() }
func (cm *commands) isSignedOn() bool  { return cm.u.login.legacySession() != nil }
func (cm *commands) hasContacts() bool { return cm.u.roster.peers() > 0 }
func (cm *commands) hasBlocked() bool  { return cm.isSignedOn() && cm.u.roster.hasBlocked() }

// askName greets the user by the name that was entered.
func (cm *commands) askName(x *execution) {
	form := xep.NewForm("form", "", "Hello", "What is your name?").
		Add(xep.Required(xep.NewField("name", "text-single", "Name")))
	x.Ask(form, true, func(values xep.Answers) {
		name := strings.TrimSpace(strings.Join(values["name"], " "))
		if name == "" {
			x.AskAgain("The name is missing.", "name")
			return
		}
		x.Finish("info", "Hello "+body.Clean(name)+"!", nil)
	})
}

// login signs on in spite of earlier errors.
func (cm *commands) login() (string, *stanza.Error) {
	if cm.u.login.legacySession() != nil {
		return cm.u.login.stateText(), nil
	}
	if why := cm.u.account.setOption(optLoggedOut, ""); why != nil {
		return "", why
	}
	cm.u.login.forceOnline()
	return textSigningOn, nil
}

// logout signs off until the next login command.
func (cm *commands) logout() (string, *stanza.Error) {
	if why := cm.u.account.setOption(optLoggedOut, "1"); why != nil {
		return "", why
	}
	return textSignedOff, nil
}

// setInvisible makes the user appear offline to the network, or ends that.
func (cm *commands) setInvisible(value string) (string, *stanza.Error) {
	before := cm.u.account.value(optInvisible)
	if why := cm.u.account.setOption(optInvisible, value); why != nil {
		return "", why
	}
	if err := cm.u.clients.sendPresence(); err != nil {
		why := stanza.Translate(err)
		if undo := cm.u.account.setOption(optInvisible, before); undo != nil {
			why = *undo
		}
		return "", &why
	}
	if value == "" {
		return "Others see your presence again.", nil
	}
	return "You look offline to everybody on " + cm.u.c.cfg.Name + ". You still see others and get their messages.", nil
}

// reconnect ends the session and starts another.
func (cm *commands) reconnect() (string, *stanza.Error) {
	if _, why := cm.login(); why != nil {
		return "", why
	}
	if cm.u.login.hasSession() {
		cm.u.roster.hideAll("")
		cm.u.login.endSession()
	}
	return "Your connection is being restarted. " + textSigningOn, nil
}

// askRegistration asks for the fields of the registration form. (XEP-0077 §3.1, for
// clients without in-band registration)
func (cm *commands) askRegistration(x *execution) {
	info := cm.u.c.info
	asked := xep.NewForm("form", "", cm.u.c.cfg.Name, cm.u.account.instructions())
	for _, f := range info.Form {
		asked.Add(cm.u.account.registrationField(f))
	}
	x.Ask(asked, true, func(values xep.Answers) { cm.onRegistrationAnswers(x, values) })
}

func (cm *commands) onRegistrationAnswers(x *execution, values xep.Answers) {
	cm.u.account.register(values.Joined(), func(why *stanza.Error) {
		if why != nil {
			x.Fail(*why)
			return
		}
		text := "You are registered, and signed on to " + cm.u.c.cfg.Name + "."
		if !cm.isSignedOn() { // nothing was changed
			text = "You are registered. " + cm.u.login.stateText()
		}
		x.Finish("info", text, nil)
	})
}

// asksFor returns the field of the registration form with a name, nil if there is none.
func (c *Component) asksFor(name string) *legacy.Field {
	i := slices.IndexFunc(c.info.Form, func(f legacy.Field) bool { return f.Var == name })
	if i < 0 {
		return nil
	}
	return &c.info.Form[i]
}

// askPassword asks for the password only.
func (cm *commands) askPassword(x *execution) {
	f := *cm.u.c.asksFor("password")
	f.Required = true
	x.Ask(xep.NewForm("form", "", "Enter my new password", "").Add(formField(f, "")), true, func(values xep.Answers) { cm.onRegistrationAnswers(x, values) })
}

// registerArgs returns the fields that the arguments of "register" fill in: the name and,
// on networks that have one, the password.
func (c *Component) registerArgs() []string {
	if c.asksFor("password") == nil {
		return []string{"username", ""}
	}
	return []string{"username", "password"}
}

// registerWords returns these arguments for the help text.
func (c *Component) registerWords() string {
	words := "NAME"
	if f := c.asksFor("username"); f != nil {
		words = strings.ToUpper(strings.ReplaceAll(f.Label, " ", "-"))
	}
	switch f := c.asksFor("password"); {
	case f == nil:
	case f.Required:
		words += " PASSWORD"
	default:
		words += " [PASSWORD]"
	}
	return words
}

// howToRegister explains how to register.
func (c *Component) howToRegister() string {
	return "To register, use your client's form for this gateway, or write: register " + c.registerWords()
}

// askUnregister asks the user to confirm.
func (cm *commands) askUnregister(x *execution) {
	asked := xep.NewForm("form", "", "Remove my account from this gateway",
		"Your contacts leave your list, and the gateway forgets your name, your password and everything else about you. Your account on "+cm.u.c.info.Name+" stays.")
	x.Ask(asked, true, func(xep.Answers) {
		cm.u.account.unregister(func(why *stanza.Error) {
			if why != nil {
				x.Finish("error", why.Text, nil)
				return
			}
			x.Finish("info", "Your account was removed from this gateway.", nil)
		})
	})
}
