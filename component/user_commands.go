package component

import (
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// userCommands returns the commands for users in the order of their listing: the most
// frequent first. Commands that end an account come last (endCommands).
func (c *Component) userCommands() []*command {
	all := []*command{
		{node: "register", name: "Register", word: "register", args: c.registerArgs(), argument: c.registerWords(), about: "register with this gateway",
			who: strangers, start: func(u *user, x *execution) { u.adhoc.askRegistration(x) }},
		{node: "add-contact", name: "Add a contact", word: "add", args: []string{"peer", "name"}, argument: "ADDRESS [NAME]", about: "add somebody to your contacts",
			who: members, start: func(u *user, x *execution) { u.roster.askAdd(x) }},
		{node: "remove-contact", name: "Remove a contact", word: "remove", args: []string{"peer"}, argument: "ADDRESS", about: "remove somebody from your contacts",
			who: registered, when: func(u *user) bool { return u.adhoc.hasContacts() }, start: func(u *user, x *execution) { u.roster.askRemove(x) }},
		{node: "contacts", name: "List my contacts", word: "contacts", about: "list your contacts on the network", who: registered, when: func(u *user) bool { return u.adhoc.hasContacts() },
			run: func(u *user) (string, *stanza.Error) { return u.roster.contactsText(), nil }},
		{node: "invisible", name: "Be invisible", word: "invisible", about: "look offline to everybody on the network", who: registered,
			needs: legacy.FeatureInvisible, when: func(u *user) bool { return !u.account.option(optInvisible) }, run: func(u *user) (string, *stanza.Error) { return u.adhoc.setInvisible("1") }},
		{node: "visible", name: "Be visible again", word: "visible", about: "undo invisible", who: registered,
			needs: legacy.FeatureInvisible, when: func(u *user) bool { return u.account.option(optInvisible) }, run: func(u *user) (string, *stanza.Error) { return u.adhoc.setInvisible("") }},
		{node: "block", name: "Block somebody", word: "block", args: []string{"peer"}, argument: "ADDRESS", about: "keep somebody from writing to you and seeing you",
			who: registered, needs: legacy.FeatureBlocking, when: func(u *user) bool { return u.adhoc.isSignedOn() }, start: func(u *user, x *execution) { u.roster.askBlock(x) }},
		{node: "unblock", name: "Unblock somebody", word: "unblock", args: []string{"peer"}, argument: "ADDRESS", about: "undo block",
			who: registered, needs: legacy.FeatureBlocking, when: func(u *user) bool { return u.adhoc.hasBlocked() }, start: func(u *user, x *execution) { u.roster.askUnblock(x) }},
		{node: "blocked", name: "List my blocked contacts", word: "blocked", about: "list the people whom you have blocked",
			who: registered, needs: legacy.FeatureBlocking, when: func(u *user) bool { return u.adhoc.hasBlocked() }, run: func(u *user) (string, *stanza.Error) { return u.roster.blockedText() }},
		{node: "presence", name: "Show what is known of this contact's presence", at: atPerson, who: registered, start: func(u *user, x *execution) { u.roster.showPresence(x) }},
		{node: "options", name: "Settings", word: "settings", argument: "[NAME VALUE]", edits: true, about: "show your settings, or change one", who: members, start: func(u *user, x *execution) { u.adhoc.askOptions(x) }},
		{node: "status", name: "Show the state of my account", word: "status", about: "whether you are signed on, and why not",
			when: func(u *user) bool { return u.adhoc.hasAccount() }, run: func(u *user) (string, *stanza.Error) { return u.login.statusText(), nil }},
		{node: "login", name: "Sign on", word: "login", about: "sign on, after logout or a failure", who: registered,
			when: func(u *user) bool { return !u.adhoc.isSignedOn() }, run: func(u *user) (string, *stanza.Error) { return u.adhoc.login() }},
		{node: "logout", name: "Sign off until I sign on again", word: "logout", about: "sign off, and stay so until you write login", who: registered,
			when: func(u *user) bool { return !u.account.option(optLoggedOut) }, run: func(u *user) (string, *stanza.Error) { return u.adhoc.logout() }},
		{node: "reconnect", name: "Connect anew", word: "reconnect", about: "close the connection to the network and open it again", who: registered,
			when: func(u *user) bool { return u.adhoc.isSignedOn() }, run: func(u *user) (string, *stanza.Error) { return u.adhoc.reconnect() }},
		{node: "sync-contacts", name: "Offer me my contacts again", word: "sync", about: "ask again about contacts that are not on your list", who: registered,
			when: func(u *user) bool { return len(u.roster.unsynced()) > 0 }, run: func(u *user) (string, *stanza.Error) { return u.roster.syncContacts() }},
		{node: "import-contacts", name: "Import contacts", word: "import", args: []string{"contacts"}, about: "add many contacts, one a line",
			who: registered, when: func(u *user) bool { return u.adhoc.isSignedOn() }, start: func(u *user, x *execution) { u.roster.askImport(x) }},
		{node: "export-contacts", name: "Export my contacts", word: "export", about: "show a table of your contacts", who: registered, when: func(u *user) bool { return u.adhoc.hasContacts() }, start: func(u *user, x *execution) { u.roster.exportContacts(x) }},
		{node: "change-registration", name: "Change my account", word: "account", argument: "[NAME VALUE]", edits: true, about: "show your registration, or change one thing in it",
			who: registered, start: func(u *user, x *execution) { u.adhoc.askRegistration(x) }},
	}
	if c.asksFor("password") != nil {
		all = append(all, &command{word: "password", args: []string{"password"}, argument: "NEW",
			about: "when the password on " + c.info.Name + " has changed", who: registered, start: func(u *user, x *execution) { u.adhoc.askPassword(x) }})
	}
	return all
}

// endCommands returns the commands that end an account.
func endCommands() []*command {
	return []*command{{node: "unregister", name: "Remove my account from this gateway", word: "unregister", about: "remove your account from this gateway", who: registered, start: func(u *user, x *execution) { u.adhoc.askUnregister(x) }}}
}

// debugCommands returns the commands for client developers. They are listed for
// administrators only, and run for everybody.
func debugCommands() []*command {
	return []*command{
		{node: "ping", name: "See whether the gateway answers", who: developers, run: func(*user) (string, *stanza.Error) { return "Pong", nil }},
		{node: "hello", name: "See whether forms work", who: developers, start: func(u *user, x *execution) { u.adhoc.askName(x) }},
	}
}

// Conditions of listing a command. An unlisted command still runs, and reports its error.

func (ad *adhoc) hasAccount() bool  { return ad.u.account.exists() }
func (ad *adhoc) isSignedOn() bool  { return ad.u.login.legacySession() != nil }
func (ad *adhoc) hasContacts() bool { return ad.u.roster.peers() > 0 }
func (ad *adhoc) hasBlocked() bool  { return ad.isSignedOn() && ad.u.roster.hasBlocked() }

// askName greets the user by the name that was entered.
func (ad *adhoc) askName(x *execution) {
	form := xep.NewForm("form", "", "Hello", "What is your name?").
		Add(xep.Required(xep.NewField("name", "text-single", "Name")))
	x.ask(form, true, func(u *user, x *execution, values map[string][]string) {
		name := strings.TrimSpace(strings.Join(values["name"], " "))
		if name == "" {
			x.askAgain("The name is missing.", "name")
			return
		}
		x.finish("info", "Hello "+body.Clean(name)+"!", nil)
	})
}

// login signs on in spite of earlier errors.
func (ad *adhoc) login() (string, *stanza.Error) {
	if ad.u.login.legacySession() != nil {
		return ad.u.login.stateText(), nil
	}
	if why := ad.u.account.setOption(optLoggedOut, ""); why != nil {
		return "", why
	}
	ad.u.login.forceOnline()
	return textSigningOn, nil
}

// logout signs off until the next login command.
func (ad *adhoc) logout() (string, *stanza.Error) {
	if why := ad.u.account.setOption(optLoggedOut, "1"); why != nil {
		return "", why
	}
	return textSignedOff, nil
}

// setInvisible makes the user appear offline to the network, or ends that.
func (ad *adhoc) setInvisible(value string) (string, *stanza.Error) {
	before := ad.u.account.value(optInvisible)
	if why := ad.u.account.setOption(optInvisible, value); why != nil {
		return "", why
	}
	if err := ad.u.clients.sendPresence(); err != nil {
		why := stanza.Translate(err)
		if undo := ad.u.account.setOption(optInvisible, before); undo != nil {
			why = *undo
		}
		return "", &why
	}
	if value == "" {
		return "Others see your presence again.", nil
	}
	return "You look offline to everybody on " + ad.u.c.cfg.Name + ". You still see others and get their messages.", nil
}

// reconnect ends the session and starts another.
func (ad *adhoc) reconnect() (string, *stanza.Error) {
	if _, why := ad.login(); why != nil {
		return "", why
	}
	if ad.u.login.hasSession() {
		ad.u.roster.hideAll("")
		ad.u.login.endSession()
	}
	return "Your connection is being restarted. " + textSigningOn, nil
}

// askRegistration asks for the fields of the registration form. (XEP-0077 §3.1, for
// clients without in-band registration)
func (ad *adhoc) askRegistration(x *execution) {
	info := ad.u.c.info
	asked := xep.NewForm("form", "", ad.u.c.cfg.Name, ad.u.account.instructions())
	for _, f := range info.Form {
		asked.Add(ad.u.account.registrationField(f))
	}
	x.ask(asked, true, func(u *user, x *execution, values map[string][]string) { u.adhoc.onRegistrationAnswers(x, values) })
}

func (ad *adhoc) onRegistrationAnswers(x *execution, values map[string][]string) {
	ad.u.account.register(joinValues(values), func(why *stanza.Error) {
		if why != nil {
			x.fail(*why)
			return
		}
		text := "You are registered, and signed on to " + ad.u.c.cfg.Name + "."
		if !ad.isSignedOn() { // nothing was changed
			text = "You are registered. " + ad.u.login.stateText()
		}
		x.finish("info", text, nil)
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
func (ad *adhoc) askPassword(x *execution) {
	f := *ad.u.c.asksFor("password")
	f.Required = true
	x.ask(xep.NewForm("form", "", "Enter my new password", "").Add(formField(f, "")), true, func(u *user, x *execution, values map[string][]string) { u.adhoc.onRegistrationAnswers(x, values) })
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
func (ad *adhoc) askUnregister(x *execution) {
	asked := xep.NewForm("form", "", "Remove my account from this gateway",
		"Your contacts leave your list, and the gateway forgets your name, your password and everything else about you. Your account on "+ad.u.c.info.Name+" stays.")
	x.ask(asked, true, func(u *user, x *execution, _ map[string][]string) {
		u.account.unregister(func(why *stanza.Error) {
			if why != nil {
				x.finish("error", why.Text, nil)
				return
			}
			x.finish("info", "Your account was removed from this gateway.", nil)
		})
	})
}
