package component

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// userCommands are the commands for users.
func userCommands() []*command {
	return []*command{
		{node: "register", name: "Register", who: strangers, ask: (*user).askRegistration},
		{node: "ping", name: "See whether the gateway answers", run: func(*user) (string, *stanzaError) { return "Pong", nil }},
		{node: "hello", name: "See whether forms work", ask: (*user).askName},
		{node: "status", name: "Show the state of my account", word: "status", about: "whether you are signed on, and why not",
			who: registered, run: func(u *user) (string, *stanzaError) { return u.statusText(), nil }},
		{node: "login", name: "Sign on", word: "login", about: "sign on, after logout or a failure", who: registered, run: (*user).login},
		{node: "logout", name: "Sign off until I sign on again", word: "logout", about: "sign off, and stay so until you write login", who: registered, run: (*user).logout},
		{node: "reconnect", name: "Connect anew", word: "reconnect", about: "close the connection to the network and open it again", who: registered, run: (*user).reconnect},
		{node: "invisible", name: "Be invisible", word: "invisible", about: "look offline to everybody on the network", who: registered,
			needs: legacy.FeatureInvisible, run: func(u *user) (string, *stanzaError) { return u.setInvisible("1") }},
		{node: "visible", name: "Be visible again", word: "visible", about: "undo invisible", who: registered,
			needs: legacy.FeatureInvisible, run: func(u *user) (string, *stanzaError) { return u.setInvisible("") }},
		{node: "options", name: "Settings", who: members, ask: (*user).askOptions},
		{node: "change-registration", name: "Change my account", who: registered, ask: (*user).askRegistration},
		{node: "contacts", name: "List my contacts", word: "contacts", about: "list your contacts on the network", who: registered,
			run: func(u *user) (string, *stanzaError) { return u.contactsText(), nil }},
		{node: "export-contacts", name: "Export my contacts", who: registered, ask: (*user).exportContacts},
		{node: "import-contacts", name: "Import contacts", who: registered, ask: (*user).askImport},
		{node: "sync-contacts", name: "Offer me my contacts again", word: "sync", about: "ask again about contacts that are not on your list", who: registered, run: (*user).syncContacts},
		{node: "block", name: "Block somebody", word: "block", argument: "ADDRESS", about: "keep somebody from writing to you and seeing you",
			who: registered, needs: legacy.FeatureBlocking, ask: (*user).askBlock, tell: (*user).blockByText},
		{node: "unblock", name: "Unblock somebody", word: "unblock", argument: "ADDRESS", about: "undo block",
			who: registered, needs: legacy.FeatureBlocking, ask: (*user).askUnblock, tell: (*user).unblockByText},
		{node: "blocked", name: "List those I have blocked", word: "blocked", about: "list those whom you have blocked",
			who: registered, needs: legacy.FeatureBlocking, run: (*user).blockedText},
		{node: "presence", name: "Show what is known of this contact's presence", at: atPerson, who: registered, ask: (*user).showPresence},
		{node: "unregister", name: "Remove my account from this gateway", who: registered, ask: (*user).askUnregister},
	}
}

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

// statusText says how the user's session is doing.
func (u *user) statusText() string {
	var b strings.Builder
	name := u.c.cfg.Name
	switch {
	case u.legacySession() != nil:
		fmt.Fprintf(&b, "You are signed on to %s since %s.", name, u.session.since.UTC().Format(timeFormat))
	case u.account.Options[optLoggedOut] != "":
		b.WriteString("You are signed off until you sign on again.")
	case u.block != nil:
		b.WriteString("You are not signed on: " + userText(u.block))
	case u.session != nil:
		b.WriteString("You are being signed on.")
		if turn := u.session.turn; !turn.IsZero() {
			b.WriteString(" The network limits how often people may sign on from here; your turn comes at " + turn.UTC().Format(timeFormat) + ".")
		}
	case !u.retryAt.IsZero():
		b.WriteString("The network cannot be reached. The next try is at " + u.retryAt.UTC().Format(timeFormat) + ".")
	default:
		b.WriteString("You are not signed on. Come online and the gateway signs you on.")
	}
	if u.lastError != nil && u.block == nil {
		fmt.Fprintf(&b, "\nThe last error, at %s: %s", u.lastErrorAt.UTC().Format(timeFormat), userText(u.lastError))
	}
	online := 0
	for _, ct := range u.contacts {
		if ct.Peer != "" && ct.presence.Show > legacy.ShowInvisible {
			online++
		}
	}
	fmt.Fprintf(&b, "\nAccount: %s. Contacts: %d, online %d.", u.account.Login, u.peers(), online)
	if len(u.sent) > 0 {
		fmt.Fprintf(&b, "\nMessages that the network has not confirmed yet: %d.", len(u.sent))
	}
	return b.String()
}

// showPresence says what the network tells of a contact's presence, some of which no
// presence stanza can.
func (u *user) showPresence(x *execution) {
	ct, ok := u.may(x.peer)
	if !ok || !ct.Subscription.Has(registry.To) {
		u.complete(x, "error", "You do not see the presence of this contact.", nil)
		return
	}
	p := ct.presence
	if u.blocked[ct.Peer] {
		p = legacy.Presence{}
	}
	at := func(t time.Time) string { return t.UTC().Format(timeFormat) }
	lines := []string{showNames[p.Show]}
	switch {
	case p.Show > legacy.ShowInvisible && !p.Since.IsZero():
		lines[0] += ", signed on since " + at(p.Since)
	case p.Show <= legacy.ShowInvisible && !ct.LastSeen.IsZero():
		lines[0] += ", last seen at " + at(ct.LastSeen)
	}
	if !p.Idle.IsZero() {
		lines = append(lines, "Idle since "+at(p.Idle))
	}
	if p.Status != "" {
		lines = append(lines, p.Status)
	}
	form := xep.NewForm("result", "", ct.jid, "")
	form.Add(xep.NewField("presence", "text-multi", "Presence", lines...))
	u.complete(x, "info", strings.Join(lines, "\n"), form)
}

var showNames = map[legacy.Show]string{legacy.ShowOffline: "Offline", legacy.ShowInvisible: "Offline", legacy.ShowDND: "Not to be disturbed",
	legacy.ShowXA: "Not available", legacy.ShowAway: "Away", legacy.ShowOnline: "Online", legacy.ShowChat: "Free for chat"}

// timeFormat is how times are shown to people.
const timeFormat = "2006-01-02 15:04:05 UTC"

// peers is the number of contacts, the gateway aside.
func (u *user) peers() int {
	n := len(u.contacts)
	if u.contacts[""] != nil {
		n--
	}
	return n
}

// login signs on, whatever kept the user from it.
func (u *user) login() (string, *stanzaError) {
	if u.legacySession() != nil {
		return "You are signed on.", nil
	}
	if why := u.setOption(optLoggedOut, ""); why != nil {
		return "", why
	}
	u.block, u.retryAt, u.attempt = nil, time.Time{}, 0
	if len(u.resources) == 0 {
		u.called, u.graceEnd = true, u.c.clock.Now().Add(linkGrace)
	}
	return "You are being signed on.", nil
}

// logout signs off for as long as the user wants.
func (u *user) logout() (string, *stanzaError) {
	if why := u.setOption(optLoggedOut, "1"); why != nil {
		return "", why
	}
	return "You are signed off until you sign on again.", nil
}

// setInvisible makes the user look offline, or as they are.
func (u *user) setInvisible(value string) (string, *stanzaError) {
	if why := u.setOption(optInvisible, value); why != nil {
		return "", why
	}
	u.showOwnPresence()
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
	return "The connection is made anew.", nil
}

// askRegistration asks for what the registration form asks for.
// (XEP-0077 §3.1, by a command for clients that lack it)
func (u *user) askRegistration(x *execution) {
	info := u.c.info
	asked := xep.NewForm("form", "", u.c.cfg.Name, info.Instructions)
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
		u.complete(x, "info", "You are registered, and signed on to "+u.c.cfg.Name+".", nil)
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

// howToRegister says what to write to register by text.
func (u *user) howToRegister() string {
	words := "register NAME"
	if f := u.c.asksFor("username"); f != nil {
		words = "register " + strings.ToUpper(strings.ReplaceAll(f.Label, " ", "-"))
	}
	switch f := u.c.asksFor("password"); {
	case f == nil:
	case f.Required:
		words += " PASSWORD"
	default:
		words += " [PASSWORD]"
	}
	return "To register, use your client's form for this gateway, or write: " + words
}

// registerByText registers, or changes the password, by a line of text, for
// clients that know neither forms nor commands.
func (u *user) registerByText(word, rest string, answer func(string)) {
	given := make(map[string]string)
	name, password, _ := strings.Cut(rest, " ")
	password = strings.TrimSpace(password)
	secret := u.c.asksFor("password")
	switch {
	case word == "password" && secret == nil:
		answer(u.helpText())
		return
	case word == "password" && !u.isRegistered():
		answer("You are not registered. " + u.howToRegister())
		return
	case word == "password" && rest == "":
		answer("Write: password NEW-PASSWORD")
		return
	case word == "password":
		given["password"] = rest
	case name == "", password == "" && secret != nil && secret.Required, password != "" && secret == nil:
		answer(u.howToRegister())
		return
	default:
		if given["username"] = name; password != "" {
			given["password"] = password
		}
	}
	u.register(given, func(why *stanzaError) {
		if why != nil {
			answer("That did not work: " + why.Text)
			return
		}
		text := "You are registered, and signed on to " + u.c.cfg.Name + "."
		if given["password"] != "" {
			text += " Your client keeps what you wrote, the password too: delete that message."
		}
		answer(text)
	})
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

// sortedContacts are the contacts without the gateway, by name and address.
func (u *user) sortedContacts() []*contact {
	all := make([]*contact, 0, len(u.contacts))
	for _, ct := range u.contacts {
		if ct.Peer != "" && !ct.Subscription.Has(registry.Removed) {
			all = append(all, ct)
		}
	}
	slices.SortFunc(all, func(a, b *contact) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.Peer, b.Peer)
	})
	return all
}

// contactsText lists the contacts for reading.
func (u *user) contactsText() string {
	all := u.sortedContacts()
	if len(all) == 0 {
		return "You have no contacts."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "You have %d contacts:", len(all))
	for i, ct := range all {
		if i == 500 {
			b.WriteString("\n…")
			break
		}
		b.WriteString("\n" + ct.jid)
		if ct.Name != "" {
			b.WriteString(" (" + ct.Name + ")")
		}
		if ct.presence.Show > legacy.ShowInvisible {
			b.WriteString(", online")
		}
	}
	return b.String()
}

var contactColumns = [][2]string{{"jid", "Address"}, {"peer", "Address on the network"}, {"name", "Name"}, {"groups", "Groups"}}

// exportContacts shows the contacts as a table. (XEP-0004 §3.4)
func (u *user) exportContacts(x *execution) {
	table := xep.NewForm("result", "", "Contacts on "+u.c.info.Name, "").Add(xep.Reported(contactColumns...))
	for _, ct := range u.sortedContacts() {
		table.Add(xep.Item(contactColumns, ct.jid, ct.Peer, ct.Name, strings.Join(ct.Groups, ", ")))
	}
	u.complete(x, "", "", table)
}

// maxImport is how many contacts are imported at a time.
const maxImport = 500

// askImport asks for contacts, one a line.
func (u *user) askImport(x *execution) {
	asked := xep.NewForm("form", "", "Import contacts",
		fmt.Sprintf("Enter one %s a line, and after a comma, if you like, a name. At most %d lines at a time.", u.c.info.PeerName, maxImport)).
		Add(xep.Required(xep.NewField("contacts", "text-multi", "Contacts")))
	u.questions(x, asked, true, (*user).onImport)
}

func (u *user) onImport(x *execution, values map[string][]string) {
	if u.legacySession() == nil {
		u.complete(x, "error", "You are not signed on to the network.", nil)
		return
	}
	added, known := 0, 0
	var wrong []string
	for _, line := range splitLines(values["contacts"]) {
		address, name, _ := strings.Cut(line, ",")
		peer, err := u.c.cfg.Network.ParsePeer(strings.TrimSpace(address))
		switch ct := u.contacts[peer.ID]; {
		case err != nil || peer.Room:
			wrong = append(wrong, address)
		case ct != nil && (ct.Subscription.Has(registry.To) || ct.Subscription.Has(registry.AskTo)):
			known++
		case added >= maxImport || len(u.contacts) >= maxContacts:
			wrong = append(wrong, address)
		default:
			ct = u.contact(peer.ID)
			ct.Name = cleanText(strings.TrimSpace(name))
			u.onSubscribe(ct, "", "")
			added++
		}
	}
	text := fmt.Sprintf("Added %d contacts; %d were there before.", added, known)
	if len(wrong) > 0 {
		text += " Not added: " + strings.Join(wrong[:min(len(wrong), 20)], ", ") + "."
	}
	note := "info"
	if len(wrong) > 0 {
		note = "warn"
	}
	u.complete(x, note, text, nil)
}

// splitLines are the lines of a text-multi field, whatever way the client sends
// them.
func splitLines(values []string) []string {
	var lines []string
	for _, v := range values {
		for line := range strings.Lines(v) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// syncContacts asks again about each contact that the user does not see.
func (u *user) syncContacts() (string, *stanzaError) {
	n := 0
	for _, ct := range u.contacts {
		if ct.Peer == "" || ct.Subscription.Has(registry.Removed) || ct.Subscription.Has(registry.From) && ct.Subscription.Has(registry.To) {
			continue
		}
		ct.Subscription = ct.Subscription&^registry.Refused | registry.AskFrom
		u.save(ct)
		u.toAsk = append(u.toAsk, ct.Peer)
		n++
	}
	if n == 0 {
		return "All contacts are on your list.", nil
	}
	return fmt.Sprintf("You are being asked about %d contacts.", n), nil
}
