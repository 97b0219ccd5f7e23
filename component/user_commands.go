package component

import (
	"slices"
	"strings"
	"time"

	"transport/component/xep"
	"transport/legacy"
)

// userCommands are the commands for users, in the order in which they are offered: what
// people do most comes first. What ends an account comes last (endCommands).
func (c *Component) userCommands() []*command {
	all := []*command{
		{node: "register", name: "Register", word: "register", args: c.registerArgs(), argument: c.registerWords(), about: "register with this gateway",
			who: strangers, ask: (*user).askRegistration},
		{node: "add-contact", name: "Add a contact", word: "add", args: []string{"peer", "name"}, argument: "ADDRESS [NAME]", about: "add somebody to your contacts",
			who: members, ask: (*user).askAdd},
		{node: "remove-contact", name: "Remove a contact", word: "remove", args: []string{"peer"}, argument: "ADDRESS", about: "remove somebody from your contacts",
			who: registered, when: (*user).hasContacts, ask: (*user).askRemove},
		{node: "contacts", name: "List my contacts", word: "contacts", about: "list your contacts on the network", who: registered, when: (*user).hasContacts,
			run: func(u *user) (string, *stanzaError) { return u.contactsText(), nil }},
		{node: "invisible", name: "Be invisible", word: "invisible", about: "look offline to everybody on the network", who: registered,
			needs: legacy.FeatureInvisible, when: func(u *user) bool { return !u.option(optInvisible) }, run: func(u *user) (string, *stanzaError) { return u.setInvisible("1") }},
		{node: "visible", name: "Be visible again", word: "visible", about: "undo invisible", who: registered,
			needs: legacy.FeatureInvisible, when: func(u *user) bool { return u.option(optInvisible) }, run: func(u *user) (string, *stanzaError) { return u.setInvisible("") }},
		{node: "block", name: "Block somebody", word: "block", args: []string{"peer"}, argument: "ADDRESS", about: "keep somebody from writing to you and seeing you",
			who: registered, needs: legacy.FeatureBlocking, when: (*user).isSignedOn, ask: (*user).askBlock},
		{node: "unblock", name: "Unblock somebody", word: "unblock", args: []string{"peer"}, argument: "ADDRESS", about: "undo block",
			who: registered, needs: legacy.FeatureBlocking, when: (*user).hasBlocked, ask: (*user).askUnblock},
		{node: "blocked", name: "List those I have blocked", word: "blocked", about: "list those whom you have blocked",
			who: registered, needs: legacy.FeatureBlocking, when: (*user).hasBlocked, run: (*user).blockedText},
		{node: "presence", name: "Show what is known of this contact's presence", at: atPerson, who: registered, ask: (*user).showPresence},
		{node: "options", name: "Settings", word: "settings", argument: "[NAME VALUE]", edits: true, about: "show your settings, or change one", who: members, ask: (*user).askOptions},
		{node: "status", name: "Show the state of my account", word: "status", about: "whether you are signed on, and why not",
			when: (*user).hasAccount, run: func(u *user) (string, *stanzaError) { return u.statusText(), nil }},
		{node: "login", name: "Sign on", word: "login", about: "sign on, after logout or a failure", who: registered,
			when: func(u *user) bool { return !u.isSignedOn() }, run: (*user).login},
		{node: "logout", name: "Sign off until I sign on again", word: "logout", about: "sign off, and stay so until you write login", who: registered,
			when: func(u *user) bool { return !u.option(optLoggedOut) }, run: (*user).logout},
		{node: "reconnect", name: "Connect anew", word: "reconnect", about: "close the connection to the network and open it again", who: registered,
			when: (*user).isSignedOn, run: (*user).reconnect},
		{node: "sync-contacts", name: "Offer me my contacts again", word: "sync", about: "ask again about contacts that are not on your list", who: registered,
			when: func(u *user) bool { return len(u.unsynced()) > 0 }, run: (*user).syncContacts},
		{node: "import-contacts", name: "Import contacts", word: "import", args: []string{"contacts"}, about: "add many contacts, one a line",
			who: registered, when: (*user).isSignedOn, ask: (*user).askImport},
		{node: "export-contacts", name: "Export my contacts", word: "export", about: "all that is known of your contacts", who: registered, when: (*user).hasContacts, ask: (*user).exportContacts},
		{node: "change-registration", name: "Change my account", word: "account", argument: "[NAME VALUE]", edits: true, about: "show your registration, or change one thing in it",
			who: registered, ask: (*user).askRegistration},
	}
	if c.asksFor("password") != nil {
		all = append(all, &command{word: "password", args: []string{"password"}, argument: "NEW",
			about: "when the password on " + c.info.Name + " has changed", who: registered, ask: (*user).askPassword})
	}
	return all
}

// endCommands end an account.
func endCommands() []*command {
	return []*command{{node: "unregister", name: "Remove my account from this gateway", word: "unregister", about: "remove your account from this gateway", who: registered, ask: (*user).askUnregister}}
}

// debugCommands are for those who write clients: they are listed for administrators only,
// and run for everybody.
func debugCommands() []*command {
	return []*command{
		{node: "ping", name: "See whether the gateway answers", who: developers, run: func(*user) (string, *stanzaError) { return "Pong", nil }},
		{node: "hello", name: "See whether forms work", who: developers, ask: (*user).askName},
	}
}

// What the commands are listed for: they run, and say why not, in any case.

func (u *user) hasAccount() bool  { return u.account != nil }
func (u *user) isSignedOn() bool  { return u.legacySession() != nil }
func (u *user) hasContacts() bool { return u.peers() > 0 }
func (u *user) hasBlocked() bool  { return u.isSignedOn() && len(u.blocked) > 0 }

// askName greets whoever has told their name.
func (u *user) askName(x *execution) {
	form := xep.NewForm("form", "", "Hello", "What are you called?").
		Add(xep.Required(xep.NewField("name", "text-single", "Name")))
	u.questions(x, form, true, func(u *user, x *execution, values map[string][]string) {
		name := strings.TrimSpace(strings.Join(values["name"], " "))
		if name == "" {
			u.showAgain(x, "The name is missing.", "name")
			return
		}
		u.complete(x, "info", "Hello "+cleanText(name)+"!", nil)
	})
}

// login signs on, whatever kept the user from it.
func (u *user) login() (string, *stanzaError) {
	if u.legacySession() != nil {
		return u.stateText(), nil
	}
	if why := u.setOption(optLoggedOut, ""); why != nil {
		return "", why
	}
	u.block, u.retryAt, u.attempt = nil, time.Time{}, 0
	if len(u.resources) == 0 {
		u.called, u.graceEnd = true, u.c.clock.Now().Add(linkGrace)
	}
	return textSigningOn, nil
}

// logout signs off for as long as the user wants.
func (u *user) logout() (string, *stanzaError) {
	if why := u.setOption(optLoggedOut, "1"); why != nil {
		return "", why
	}
	return textSignedOff, nil
}

// setInvisible makes the user look offline, or as they are.
func (u *user) setInvisible(value string) (string, *stanzaError) {
	before := u.account.Options[optInvisible]
	if why := u.setOption(optInvisible, value); why != nil {
		return "", why
	}
	if err := u.tellPresence(); err != nil {
		why := translateError(err)
		if undo := u.setOption(optInvisible, before); undo != nil {
			why = *undo
		}
		return "", &why
	}
	if value == "" {
		return "Others see you as you are.", nil
	}
	return "You look offline to everybody on " + u.c.cfg.Name + ", and see and hear all as before.", nil
}

// reconnect ends the session and starts another.
func (u *user) reconnect() (string, *stanzaError) {
	if _, why := u.login(); why != nil {
		return "", why
	}
	if u.session != nil {
		u.hideAll("")
		u.endSession()
	}
	return "Your connection is closed, and made anew. " + textSigningOn, nil
}

// askRegistration asks for what the registration form asks for.
// (XEP-0077 §3.1, by a command for clients that lack it)
func (u *user) askRegistration(x *execution) {
	info := u.c.info
	asked := xep.NewForm("form", "", u.c.cfg.Name, u.instructions())
	for _, f := range info.Form {
		asked.Add(u.registrationField(f))
	}
	u.questions(x, asked, true, (*user).onRegistrationAnswers)
}

func (u *user) onRegistrationAnswers(x *execution, values map[string][]string) {
	u.register(joinValues(values), func(why *stanzaError) {
		if why != nil {
			u.refuse(x, *why)
			return
		}
		text := "You are registered, and signed on to " + u.c.cfg.Name + "."
		if !u.isSignedOn() { // nothing was changed
			text = "You are registered. " + u.stateText()
		}
		u.complete(x, "info", text, nil)
	})
}

// joinValues makes one text of each field's values.
func joinValues(values map[string][]string) map[string]string {
	all := make(map[string]string, len(values))
	for name, v := range values {
		all[name] = strings.Join(v, "\n")
	}
	return all
}

// asksFor is the field of the registration form with a name, nil if it has none.
func (c *Component) asksFor(name string) *legacy.Field {
	i := slices.IndexFunc(c.info.Form, func(f legacy.Field) bool { return f.Var == name })
	if i < 0 {
		return nil
	}
	return &c.info.Form[i]
}

// askPassword asks for the password alone.
func (u *user) askPassword(x *execution) {
	f := *u.c.asksFor("password")
	f.Required = true
	u.questions(x, xep.NewForm("form", "", "Enter my new password", "").Add(formField(f, "")), true, (*user).onRegistrationAnswers)
}

// registerArgs are the fields that words behind "register" fill in: a name, and a
// password where there are any. No more words fit.
func (c *Component) registerArgs() []string {
	if c.asksFor("password") == nil {
		return []string{"username", ""}
	}
	return []string{"username", "password"}
}

// registerWords is what help calls them.
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

// howToRegister says what to write to register by text.
func (c *Component) howToRegister() string {
	return "To register, use your client's form for this gateway, or write: register " + c.registerWords()
}

// askUnregister asks whether the user means it.
func (u *user) askUnregister(x *execution) {
	asked := xep.NewForm("form", "", "Remove my account from this gateway",
		"Your contacts leave your list, and the gateway forgets your name, your password and everything else about you. Your account on "+u.c.info.Name+" stays.")
	u.questions(x, asked, true, func(u *user, x *execution, _ map[string][]string) {
		u.unregister(func(why *stanzaError) {
			if why != nil {
				u.complete(x, "error", why.Text, nil)
				return
			}
			u.complete(x, "info", "Your account was removed from this gateway.", nil)
		})
	})
}
