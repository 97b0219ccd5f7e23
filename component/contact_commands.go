package component

import (
	"fmt"
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// showPresence shows a contact's presence with details that a presence stanza cannot
// carry.
func (ro *roster) showPresence(x *execution) {
	ct, ok := ro.canSee(x.Peer)
	if !ok || !ct.Subscription.Has(registry.To) {
		x.Finish("error", "You do not see the presence of this contact.", nil)
		return
	}
	p := ct.presence
	if ro.blocked[ct.Peer] {
		p = legacy.Presence{}
	}
	name := showNames[p.Show]
	lines := []string{strings.ToUpper(name[:1]) + name[1:]}
	switch {
	case p.Show > legacy.ShowInvisible && !p.Since.IsZero():
		lines[0] += ", signed on since " + body.TimeText(p.Since)
	case p.Show <= legacy.ShowInvisible && !ct.LastSeen.IsZero():
		lines[0] += ", last seen at " + body.TimeText(ct.LastSeen)
	}
	if !p.Idle.IsZero() {
		lines = append(lines, "Idle since "+body.TimeText(p.Idle))
	}
	if p.Status != "" {
		lines = append(lines, p.Status)
	}
	form := xep.NewForm("result", "", ct.jid, "")
	form.Add(xep.NewField("presence", "text-multi", "Presence", lines...))
	x.Finish("info", strings.Join(lines, "\n"), form)
}

// peers returns the number of contacts without the gateway.
func (ro *roster) peers() int {
	n := len(ro.contacts)
	if ro.contacts[""] != nil {
		n--
	}
	return n
}

// sortedContacts returns the contacts without the gateway, sorted by name and address.
func (ro *roster) sortedContacts() []*contact {
	all := make([]*contact, 0, len(ro.contacts))
	for _, ct := range ro.contacts {
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
func (ro *roster) contactsText() string {
	all := ro.sortedContacts()
	if len(all) == 0 {
		return "You have no contacts."
	}
	var b strings.Builder
	b.WriteString("You have " + count(len(all), "contact") + ":")
	for i, ct := range all {
		if i == 500 {
			b.WriteString("\n…")
			break
		}
		b.WriteString("\n" + ct.jid)
		if name := ro.nameOf(ct); name != "" {
			b.WriteString(" (" + name + ")")
		}
		if ct.presence.Show > legacy.ShowInvisible {
			b.WriteString(", " + showNames[ct.presence.Show])
		}
	}
	return b.String()
}

// askAdd asks for the contact to add.
func (ro *roster) askAdd(x *execution) {
	asked := xep.NewForm("form", "", "Add a contact", "").
		Add(xep.Required(xep.NewField("peer", "text-single", ro.u.c.info.PeerName)), xep.NewField("name", "text-single", "Name"))
	x.Ask(asked, true, func(values xep.Answers) {
		peer, err := ro.peerByText(values.First("peer"))
		if err == nil && peer.ID == "" {
			err = legacy.Errorf(legacy.NotFound, "There is nobody at that address.")
		}
		if err != nil {
			x.FailField(err, "peer")
			return
		}
		ro.add(x, peer, body.Clean(strings.TrimSpace(values.First("name"))))
	})
}

// add adds a contact to the network's list and the user's roster.
func (ro *roster) add(x *execution, peer legacy.Peer, name string) {
	if why := ro.u.account.keepAccount(); why != nil {
		x.Fail(*why)
		return
	}
	ct := ro.contacts[peer.ID]
	switch {
	case ct != nil && ct.Subscription.Has(registry.To) && ct.Subscription.Has(registry.From):
		x.Finish("info", ct.jid+" is a contact of yours already.", nil)
		return
	case len(ro.contacts) > maxContacts:
		x.Finish("error", "You have too many contacts.", nil)
		return
	}
	ct = ro.contact(peer.ID)
	ct.Subscription &^= registry.Removed | registry.Refused
	if name != "" {
		ct.Name = name
	}
	added := ct.jid + " is added to your contacts. If your client asks, allow them to see when you are online."
	switch {
	case !ro.u.c.info.Features.Has(legacy.FeatureRoster):
		x.Finish("info", added, nil)
	case ct.Subscription.Has(registry.To): // nothing is left for the network to confirm
		if name != "" {
			ro.addContact(ct, "")
		}
		x.Finish("info", added, nil)
	case ro.adding[peer.ID] != nil:
		x.Fail(stanza.ErrBusy.With("That contact is being added."))
		return
	case !ro.u.commands.isSignedOn():
		x.Finish("info", ct.jid+" is added once you are signed on. "+ro.u.login.stateText(), nil)
	default:
		lazySet(&ro.adding, peer.ID, func(err error) {
			if err != nil {
				x.FailField(err, "peer")
				return
			}
			x.Finish("info", added, nil)
		})
	}
	ro.onSubscribe(ct, "", "")
}

// onAdded reports the result of adding a contact to the command that waits for it.
func (ro *roster) onAdded(peer string, err error) {
	if done := ro.adding[peer]; done != nil {
		delete(ro.adding, peer)
		done(err)
	}
}

// failAdding is onAdded with an error for all, after the session has ended.
func (ro *roster) failAdding() {
	for peer := range ro.adding {
		ro.onAdded(peer, legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed that. It is tried again when you are signed on."))
	}
}

// askRemove asks for the contact to remove.
func (ro *roster) askRemove(x *execution) {
	field := xep.Required(xep.NewField("peer", "text-single", ro.u.c.info.PeerName))
	x.Ask(xep.NewForm("form", "", "Remove a contact", "The contact is removed from your list here and on the network.").Add(field), true, func(values xep.Answers) {
		peer, err := ro.peerByText(values.First("peer"))
		ct := ro.contacts[peer.ID]
		switch {
		case err == nil && (ct == nil || peer.ID == "" || ct.Subscription.Has(registry.Removed)):
			err = legacy.Errorf(legacy.NotFound, "You have no contact with that address.")
			fallthrough
		case err != nil:
			x.FailField(err, "peer")
			return
		}
		x.Finish("info", ct.jid+" is removed from your contacts.", nil)
		ro.removeContact(ct)
	})
}

// removeContact removes a contact from the network's list and the user's roster.
func (ro *roster) removeContact(ct *contact) {
	ro.watch(ct, false)
	left := *ct
	ct.Subscription = 0
	ro.endContact(ct)
	if ro.writesRoster() {
		ro.queueRemoval(&left)
		return
	}
	ro.unsubscribeBoth(ct.jid)
	ro.suggestChange("delete", ct)
}

var contactColumns = [][2]string{{"jid", "Address"}, {"peer", "Address on the network"}, {"name", "Name"}, {"groups", "Groups"}}

// exportContacts shows the contacts as a table. (XEP-0004 §3.4)
func (ro *roster) exportContacts(x *execution) {
	table := xep.NewForm("result", "", "Contacts on "+ro.u.c.info.Name, "").Add(xep.Reported(contactColumns...))
	for _, ct := range ro.sortedContacts() {
		table.Add(xep.Item(contactColumns, ct.jid, ct.Peer, ct.Name, strings.Join(ct.Groups, ", ")))
	}
	x.Finish("", "", table)
}

// maxImport is the most contacts in one import.
const maxImport = 500 // limit: contacts in one import | the answer has the number of those left out

// askImport asks for contacts, one per line.
func (ro *roster) askImport(x *execution) {
	asked := xep.NewForm("form", "", "Import contacts",
		fmt.Sprintf("Enter one %s a line, and after a comma, if you like, a name. At most %d lines at a time.", ro.u.c.info.PeerName, maxImport)).
		Add(xep.Required(xep.NewField("contacts", "text-multi", "Contacts")))
	x.Ask(asked, true, func(values xep.Answers) { ro.onImport(x, values) })
}

func (ro *roster) onImport(x *execution, values xep.Answers) {
	if ro.u.login.legacySession() == nil {
		x.Finish("error", ro.u.login.stateText(), nil)
		return
	}
	if len(values.Lines("contacts")) == 0 {
		x.AskAgain("Enter at least one contact.", "contacts")
		return
	}
	added, known := 0, 0
	var wrong []string
	for _, line := range values.Lines("contacts") {
		address, name, _ := strings.Cut(line, ",")
		peer, err := ro.u.c.cfg.Network.ParsePeer(strings.TrimSpace(address))
		switch ct := ro.contacts[peer.ID]; {
		case err != nil || peer.Room:
			wrong = append(wrong, address)
		case ct != nil && (ct.Subscription.Has(registry.To) || ct.Subscription.Has(registry.AskTo)):
			known++
		case added >= maxImport || len(ro.contacts) >= maxContacts:
			wrong = append(wrong, address)
		default:
			ct = ro.contact(peer.ID)
			ct.Name = body.Clean(strings.TrimSpace(name))
			ro.onSubscribe(ct, "", "")
			added++
		}
	}
	text := "Added " + count(added, "contact") + "."
	if known > 0 {
		text += fmt.Sprintf(" Known before: %d.", known)
	}
	if len(wrong) > 0 {
		text += " Not added: " + strings.Join(wrong[:min(len(wrong), 20)], ", ") + "."
	}
	note := "info"
	if len(wrong) > 0 {
		note = "warn"
	}
	x.Finish(note, text, nil)
}

// unsynced returns the contacts that the user's roster lacks or has in one direction
// only.
func (ro *roster) unsynced() []*contact {
	var missing []*contact
	for _, ct := range ro.contacts {
		if ct.Peer != "" && !ct.Subscription.Has(registry.Removed) && !(ct.Subscription.Has(registry.From) && ct.Subscription.Has(registry.To)) {
			missing = append(missing, ct)
		}
	}
	return missing
}

// syncContacts offers the missing contacts to the user again.
func (ro *roster) syncContacts() (string, *stanza.Error) {
	missing := ro.unsynced()
	for _, ct := range missing {
		ct.Subscription = ct.Subscription&^registry.Refused | registry.AskFrom
		ro.offers = append(ro.offers, ct.Peer)
	}
	ro.save(missing...)
	if len(missing) == 0 {
		return "All contacts are on your list.", nil
	}
	return "You are being asked about " + count(len(missing), "contact") + ".", nil
}
