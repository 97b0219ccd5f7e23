package component

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"transport/component/address"
	"transport/component/adhoc"
	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
)

// nsAdmin is the namespace of service administration. (XEP-0133 §3)
const nsAdmin = "http://jabber.org/protocol/admin"

// maxListed is the most JIDs in one answer, which must fit into a stanza.
const maxListed = 2000 // limit: JIDs in a list for administrators | a note has the number of all

// adminCommands returns the commands for administrators, with the nodes of XEP-0133 where
// it defines one.
func adminCommands() []*command {
	return []*command{
		{Node: nsAdmin + "#get-registered-users-num", Name: "Count registered users", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.countRegistered(x) }},
		{Node: nsAdmin + "#get-online-users-num", Name: "Count users who are signed on", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.countOnline(x) }},
		{Node: nsAdmin + "#get-registered-users-list", Name: "List registered users", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.listRegistered(x) }},
		{Node: nsAdmin + "#get-online-users-list", Name: "List users who are signed on", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.listOnline(x) }},
		{Node: nsAdmin + "#user-stats", Name: "Show a user's state", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.askUserStats(x) }},
		{Node: nsAdmin + "#end-user-session", Aliases: []string{"disconnect-user"}, Name: "End users' sessions", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.askEndSession(x) }},
		{Node: nsAdmin + "#delete-user", Name: "Remove users' registrations", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.askDeleteUser(x) }},
		{Node: nsAdmin + "#announce", Name: "Send an announcement to all users who are signed on", Who: adhoc.Admins, Start: func(u *user, x *execution) { u.commands.askAnnounce(x) }},
		{Node: "statistics", Name: "Show counters", Word: "statistics", About: "counters of the gateway", Who: adhoc.Admins,
			Run: func(u *user) (string, *stanza.Error) { return u.c.statistics(u), nil }},
		{Node: "reload", Name: "Read the configuration again", Word: "reload", About: "read the configuration again", Who: adhoc.Admins, Run: func(u *user) (string, *stanza.Error) { return u.commands.reload() }},
	}
}

// isAdmin reports whether a bare JID is an administrator of the gateway.
func (c *Component) isAdmin(bare string) bool {
	return slices.Contains(c.policy.Load().Admins, bare)
}

// adminForm returns an empty form of service administration.
func adminForm(typ, title, instructions string) *element.Element {
	return xep.NewForm(typ, nsAdmin, title, instructions)
}

func (cm *commands) countRegistered(x *execution) {
	n := len(cm.u.c.registeredUsers())
	x.Finish("", "", adminForm("result", "", "").
		Add(xep.NewField("registeredusersnum", "text-single", "Registered users", strconv.Itoa(n))))
}

func (cm *commands) countOnline(x *execution) {
	n := len(cm.u.c.signedOnUsers())
	x.Finish("", "", adminForm("result", "", "").
		Add(xep.NewField("onlineusersnum", "text-single", "Users who are signed on", strconv.Itoa(n))))
}

func (cm *commands) listRegistered(x *execution) {
	cm.listUsers(x, cm.u.c.registeredUsers(), "registereduserjids", "Registered users")
}

func (cm *commands) listOnline(x *execution) {
	cm.listUsers(x, cm.u.c.signedOnUsers(), "onlineuserjids", "Users who are signed on")
}

func (cm *commands) listUsers(x *execution, names []string, field, label string) {
	note := ""
	if len(names) > maxListed {
		note = fmt.Sprintf("The first %d of %d.", maxListed, len(names))
		names = names[:maxListed]
	}
	x.Finish("info", note, adminForm("result", "", "").Add(xep.NewField(field, "jid-multi", label, names...)))
}

// askUsers runs do on the actors of some users and calls then with the answers. A busy
// actor answers "busy, try again".
func (cm *commands) askUsers(bares []string, do func(*user) string, then func(answers []string)) {
	answers := make([]string, len(bares))
	left := len(bares)
	got := func(i int, answer string) {
		answers[i] = answer
		if left--; left == 0 {
			then(answers)
		}
	}
	for i, bare := range bares {
		switch {
		case bare == cm.u.bare:
			got(i, do(cm.u))
		case !cm.u.c.order(bare, func(other *user) {
			answer := do(other)
			cm.u.c.order(cm.u.bare, func(*user) { got(i, answer) })
		}):
			got(i, "busy, try again")
		}
	}
}

// maxAccounts is the most users in one command.
const maxAccounts = 16 // limit: users in one command of an administrator | the form is shown again

// askAccounts asks for the users that a command applies to, and calls then with those
// JIDs that are registered or, as guests, signed on.
func (cm *commands) askAccounts(x *execution, title, instructions string, then func(bares []string)) {
	asked := adminForm("form", title, instructions).
		Add(xep.Required(xep.NewField("accountjids", "jid-multi", "JIDs of the users")))
	x.Ask(asked, true, func(values xep.Answers) {
		var bares []string
		for _, line := range values.Lines("accountjids", "accountjid", "jids") { // the last as users of other gateways know it
			jid, err := address.Parse(line)
			if err != nil {
				x.AskAgain(strconv.Quote(line)+" is not a JID.", "accountjids")
				return
			}
			if bare := jid.Bare().String(); !cm.u.c.isRegistered(bare) && !slices.Contains(cm.u.c.signedOnUsers(), bare) {
				x.AskAgain(bare+" is neither registered here nor signed on.", "accountjids")
				return
			} else if !slices.Contains(bares, bare) {
				bares = append(bares, bare)
			}
		}
		switch {
		case len(bares) == 0:
			x.AskAgain("Enter at least one JID.", "accountjids")
		case len(bares) > maxAccounts:
			x.AskAgain(fmt.Sprintf("At most %d users at a time.", maxAccounts), "accountjids")
		default:
			then(bares)
		}
	})
}

// report ends an execution with the result for each user.
func (cm *commands) report(x *execution, bares, answers []string) {
	var b strings.Builder
	for i, bare := range bares {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(bare + ": " + answers[i])
	}
	x.Finish("info", b.String(), nil)
}

func (cm *commands) askUserStats(x *execution) {
	cm.askAccounts(x, "Show a user's state", "", func(bares []string) {
		cm.askUsers(bares, func(other *user) string {
			if !other.account.exists() {
				return "not registered"
			}
			return fmt.Sprintf("%s Clients: %d.", strings.ReplaceAll(other.login.statusText(), "\n", " "), other.clients.count())
		}, func(answers []string) { cm.report(x, bares, answers) })
	})
}

// textEnded notifies a user whose session an administrator has ended.
const textEnded = "An administrator has signed you off."

func (cm *commands) askEndSession(x *execution) {
	cm.askAccounts(x, "End users' sessions", "They stay signed off until they sign on again.", func(bares []string) {
		cm.u.log.Info().Strs("users", bares).Msg("an administrator ends sessions")
		cm.askUsers(bares, func(other *user) string {
			if !other.account.exists() {
				return "not signed on"
			}
			if other.account.isGuest() {
				other.login.failVisits(stanza.ErrNotOnline.With(textEnded))
				other.rooms.Close("307", stanza.ErrNotOnline.With(textEnded))
				return "signed off"
			}
			if _, why := other.commands.logout(); why != nil {
				return why.Text
			}
			other.notify(textEnded + " Write login to the gateway to sign on again.")
			return "signed off"
		}, func(answers []string) { cm.report(x, bares, answers) })
	})
}

func (cm *commands) askDeleteUser(x *execution) {
	cm.askAccounts(x, "Remove users' registrations", "The gateway deletes everything that it has stored about them.", func(bares []string) {
		cm.u.log.Info().Strs("users", bares).Msg("an administrator removes registrations")
		cm.askUsers(bares, func(other *user) string {
			answer := "is being removed" // once the network has the user's last changes
			other.account.unregister(func(why *stanza.Error) {
				if answer = "removed"; why != nil {
					answer = why.Text
				}
			})
			return answer
		}, func(answers []string) { cm.report(x, bares, answers) })
	})
}

func (cm *commands) askAnnounce(x *execution) {
	asked := adminForm("form", "Announcement", "It is sent to all users who are signed on.").
		Add(xep.NewField("subject", "text-single", "Subject")).
		Add(xep.Required(xep.NewField("announcement", "text-multi", "Text")))
	x.Ask(asked, true, func(values xep.Answers) {
		text := body.Clean(strings.Join(values["announcement"], "\n"))
		if strings.TrimSpace(text) == "" {
			x.AskAgain("Enter a text.", "announcement")
			return
		}
		if subject := values["subject"]; len(subject) > 0 && subject[0] != "" {
			text = body.Clean(subject[0]) + "\n" + text
		}
		sent := 0
		for _, bare := range cm.u.c.signedOnUsers() {
			if bare == cm.u.bare {
				cm.u.notify(text)
				sent++
			} else if cm.u.c.order(bare, func(other *user) { other.notify(text) }) {
				sent++
			}
		}
		cm.u.log.Info().Int("users", sent).Msg("an administrator's announcement")
		x.Finish("info", "Sent to "+count(sent, "user")+".", nil)
	})
}

// reload reads the part of the configuration that can change at runtime.
func (cm *commands) reload() (string, *stanza.Error) {
	if cm.u.c.cfg.Reload == nil {
		return "", &stanza.ErrNotImplemented
	}
	policy, err := cm.u.c.cfg.Reload()
	if err != nil {
		cm.u.log.Error().Err(err).Msg("cannot read the configuration again")
		why := stanza.ErrInternal.With("The configuration has an error and was not loaded; see the log.")
		return "", &why
	}
	cm.u.c.setPolicy(policy)
	for _, bare := range cm.u.c.signedOnUsers() { // the contact form is part of the caps
		cm.u.c.order(bare, func(other *user) { other.roster.sendGatewayPresence(bare) })
	}
	cm.u.log.Info().Msg("an administrator had the configuration read again")
	return "The access lists and the list of administrators were reloaded. All other settings need a restart.", nil
}

// statistics returns the counters as a text for administrators.
func (c *Component) statistics(u *user) string {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	ctx, cancel := context.WithTimeout(u.ctx, storeTime)
	defer cancel()
	rows := "unknown"
	if stats, err := c.cfg.Registry.Stats(ctx); err == nil {
		rows = count(stats.Accounts, "registration") + ", " + count(stats.Contacts, "contact") + ", " + count(stats.Messages, "kept message")
	}
	n := &c.counters
	var b strings.Builder
	fmt.Fprintf(&b, "Version %s, up for %s.\n", c.cfg.Version, c.clock.Now().Sub(c.started).Round(time.Second))
	fmt.Fprintf(&b, "Users: %d registered here, %d signed on.\n", len(c.registeredUsers()), len(c.signedOnUsers()))
	fmt.Fprintf(&b, "Stanzas received: %d, refused: %d.\n", n.stanzas.Load(), n.refused.Load())
	fmt.Fprintf(&b, "Messages to the network: %d, failed: %d. ", n.toNetwork.Load(), n.failed.Load())
	fmt.Fprintf(&b, "Messages from the network: %d.\n", n.fromNetwork.Load())
	fmt.Fprintf(&b, "Connections to the XMPP server: %d.\n", n.links.Load())
	fmt.Fprintf(&b, "Database, all networks: %s.\n", rows)
	fmt.Fprintf(&b, "%s\n", c.cfg.Memory.text())
	fmt.Fprintf(&b, "Memory in use: %d KiB, goroutines: %d.", (mem.HeapInuse+mem.StackInuse)>>10, runtime.NumGoroutine())
	return b.String()
}
