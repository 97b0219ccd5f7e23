package oscar

import (
	"context"
	"errors"
	"slices"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// feedbag is the list that the server keeps: contacts, groups, and more that we
// leave alone.
type feedbag struct {
	items map[itemKey]oscarwire.FeedbagItem
	known []itemKey // in the order in which they came
}

type itemKey struct{ group, item uint16 }

// maxItems is how many items a list may have.
const maxItems = 30_000

func newFeedbag() feedbag { return feedbag{items: make(map[itemKey]oscarwire.FeedbagItem)} }

func keyOf(i oscarwire.FeedbagItem) itemKey { return itemKey{i.GroupID, i.ItemID} }

// put adds or replaces an item.
func (f *feedbag) put(i oscarwire.FeedbagItem) {
	k := keyOf(i)
	if _, known := f.items[k]; !known {
		if len(f.items) >= maxItems {
			return
		}
		f.known = append(f.known, k)
	}
	f.items[k] = i.Clone()
}

func (f *feedbag) remove(i oscarwire.FeedbagItem) {
	k := keyOf(i)
	if _, known := f.items[k]; known {
		delete(f.items, k)
		f.known = slices.DeleteFunc(f.known, func(o itemKey) bool { return o == k })
	}
}

// buddies are the entries of a contact, one for each group that holds it.
func (f *feedbag) buddies(id string) []oscarwire.FeedbagItem {
	var found []oscarwire.FeedbagItem
	for _, k := range f.known {
		if i := f.items[k]; i.Class == oscarwire.FeedbagBuddy && oscarwire.NormalizeScreenName(i.Name) == id {
			found = append(found, i)
		}
	}
	return found
}

// group is the group with a name; with "", any.
func (f *feedbag) group(name string) (oscarwire.FeedbagItem, bool) {
	for _, k := range f.known {
		i := f.items[k]
		if i.Class == oscarwire.FeedbagGroup && i.GroupID != 0 && (name == "" || i.Name == name) {
			return i, true
		}
	}
	return oscarwire.FeedbagItem{}, false
}

// contact is a contact as the core knows it.
func (f *feedbag) contact(id string) (legacy.Contact, bool) {
	items := f.buddies(id)
	if len(items) == 0 {
		return legacy.Contact{}, false
	}
	ct := legacy.Contact{Peer: legacy.Peer{ID: id}}
	for _, i := range items {
		f.add(&ct, i)
	}
	return ct, true
}

// add adds what an item says to a contact.
func (f *feedbag) add(ct *legacy.Contact, i oscarwire.FeedbagItem) {
	if ct.Name == "" {
		ct.Name = oscarwire.Clean(i.Alias())
	}
	if group := f.items[itemKey{i.GroupID, 0}]; group.Name != "" {
		if name := oscarwire.Clean(group.Name); !slices.Contains(ct.Groups, name) {
			ct.Groups = append(ct.Groups, name)
		}
	}
	ct.AwaitingAuth = ct.AwaitingAuth || i.AwaitsAuth()
}

// contacts is the whole list as the core knows it.
func (f *feedbag) contacts() []legacy.Contact {
	var all []legacy.Contact
	at := make(map[string]int)
	for _, k := range f.known {
		i := f.items[k]
		id := oscarwire.NormalizeScreenName(i.Name)
		if i.Class != oscarwire.FeedbagBuddy || id == "" {
			continue
		}
		n, known := at[id]
		if !known {
			n = len(all)
			at[id] = n
			all = append(all, legacy.Contact{Peer: legacy.Peer{ID: id}})
		}
		f.add(&all[n], i)
	}
	return all
}

// freeGroup is an unused group id, 0 if there is none.
func (f *feedbag) freeGroup() uint16 {
	for id := uint16(1); id < 0x7FFF; id++ {
		if _, used := f.items[itemKey{id, 0}]; !used {
			return id
		}
	}
	return 0
}

// freeItem is an item id that no item of the list has, 0 if there is none. Some
// servers want them unique over all groups. taken are those that are about to be
// used.
func (f *feedbag) freeItem(taken map[uint16]bool) uint16 {
	used := make(map[uint16]bool, len(f.items))
	for k := range f.items {
		used[k.item] = true
	}
	for id := uint16(1); id < 0x7FFF; id++ {
		if !used[id] && !taken[id] {
			return id
		}
	}
	return 0
}

// loadList loads the list, or learns that the one that we have kept is current.
// (AOL, "Feedbag"; Shutko, "SSI")
func (c *client) loadList(ctx context.Context) error {
	kept, err := oscarwire.ParseFeedbagList(c.s.state)
	if err == nil && len(kept.Items) > 0 && kept.Modified != 0 {
		c.write(&packet{id: oscarwire.FeedbagQueryIfModified,
			body: oscarwire.FeedbagStamp{Modified: kept.Modified, Count: uint16(len(kept.Items))}})
	} else {
		kept = oscarwire.FeedbagList{}
		c.write(&packet{id: oscarwire.FeedbagQuery})
	}
	for {
		snac, err := c.await(ctx, oscarwire.FeedbagReply, oscarwire.FeedbagNotModified, oscarwire.FeedbagError)
		if err != nil {
			return err
		}
		switch snac.ID {
		case oscarwire.FeedbagError:
			return c.answerError(snac, nil)
		case oscarwire.FeedbagNotModified:
			if len(kept.Items) == 0 {
				break // an empty list
			}
			for _, i := range kept.Items {
				c.list.put(i)
			}
		case oscarwire.FeedbagReply:
			part, err := oscarwire.ParseFeedbagList(snac.Body)
			if err != nil {
				return c.s.net.garbled(err)
			}
			for _, i := range part.Items {
				c.list.put(i)
			}
			if len(c.list.items) >= maxItems {
				return c.s.net.garbled(errors.New("the contact list is too long"))
			}
			if snac.More() {
				continue
			}
			c.keepList(part.Modified)
		}
		c.write(&packet{id: oscarwire.FeedbagUse})
		return c.err
	}
}

// keepList asks the core to keep the list for the next sign-on.
func (c *client) keepList(modified uint32) {
	items := make(oscarwire.FeedbagItems, 0, len(c.list.known))
	for _, k := range c.list.known {
		items = append(items, c.list.items[k])
	}
	c.s.state = oscarwire.FeedbagList{Items: items, Modified: modified}.Append(nil)
	c.keep = c.s.state
}

// compare tells the core what differs from an earlier list.
func (c *client) compare(before feedbag) {
	for _, ct := range c.list.contacts() {
		if old, known := before.contact(ct.Peer.ID); !known || !sameContact(old, ct) {
			c.emit(legacy.ContactChanged{Contact: ct})
		}
	}
	for _, ct := range before.contacts() {
		if _, still := c.list.contact(ct.Peer.ID); !still {
			c.emit(legacy.ContactRemoved{Peer: ct.Peer})
		}
	}
}

func sameContact(a, b legacy.Contact) bool {
	return a.Peer == b.Peer && a.Name == b.Name && a.AwaitingAuth == b.AwaitingAuth && slices.Equal(a.Groups, b.Groups)
}

// onListEdited handles an edit by another client of the account, or by the
// server: it comes in the form in which clients edit.
func (c *client) onListEdited(snac oscarwire.SNAC) error {
	items, err := oscarwire.ParseFeedbagItems(snac.Body)
	groups := false
	touched := make(map[string]legacy.Contact)
	blocked := c.blocked()
	for _, i := range items {
		if i.Class == oscarwire.FeedbagBuddy {
			id := oscarwire.NormalizeScreenName(i.Name)
			if _, seen := touched[id]; !seen && id != "" {
				touched[id], _ = c.list.contact(id)
			}
		}
		groups = groups || i.Class == oscarwire.FeedbagGroup && c.list.items[keyOf(i)].Name != i.Name
	}
	if groups { // every contact inside may have moved
		for _, ct := range c.list.contacts() {
			touched[ct.Peer.ID] = ct
		}
	}
	for _, i := range items {
		if snac.ID == oscarwire.FeedbagDelete {
			c.list.remove(i)
		} else {
			c.list.put(i)
		}
	}
	c.tellBlocked(blocked)
	for id, before := range touched {
		now, still := c.list.contact(id)
		switch {
		case !still && before.Peer.ID != "":
			c.emit(legacy.ContactRemoved{Peer: before.Peer})
		case !still:
		case before.AwaitingAuth && !now.AwaitingAuth:
			c.emit(legacy.ContactChanged{Contact: now})
			c.emit(legacy.AuthGranted{From: now.Peer})
		case !sameContact(before, now):
			c.emit(legacy.ContactChanged{Contact: now})
		}
	}
	return err
}
