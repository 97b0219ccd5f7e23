package oscar

import (
	"context"
	"errors"
	"slices"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// feedbag is the server-stored list: contacts, groups, and other items, which are left
// unchanged.
type feedbag struct {
	items map[itemKey]oscarwire.FeedbagItem
	known []itemKey // in order of arrival
	page  *oscarwire.CodePage
}

type itemKey struct{ group, item uint16 }

// maxItems is the limit of items in a list.
const maxItems = 30_000 // limit: items of a contact list, and peers with a known presence or name | the rest is ignored

func newFeedbag(page *oscarwire.CodePage) feedbag {
	return feedbag{items: make(map[itemKey]oscarwire.FeedbagItem), page: page}
}

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

// buddies returns the entries of a contact, one for each of its groups.
func (f *feedbag) buddies(id string) []oscarwire.FeedbagItem {
	var found []oscarwire.FeedbagItem
	for _, k := range f.known {
		if i := f.items[k]; i.Class == oscarwire.FeedbagBuddy && oscarwire.NormalizeScreenName(i.Name) == id {
			found = append(found, i)
		}
	}
	return found
}

// group returns the group with a name; with "", any group.
func (f *feedbag) group(name string) (oscarwire.FeedbagItem, bool) {
	for _, k := range f.known {
		i := f.items[k]
		if i.Class == oscarwire.FeedbagGroup && i.GroupID != 0 && (name == "" || i.Name == name) {
			return i, true
		}
	}
	return oscarwire.FeedbagItem{}, false
}

// contact returns a contact as a legacy.Contact.
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

// add merges an item into a contact.
func (f *feedbag) add(ct *legacy.Contact, i oscarwire.FeedbagItem) {
	if ct.Name == "" {
		ct.Name = i.Alias(f.page)
	}
	if group := f.items[itemKey{i.GroupID, 0}]; group.Name != "" {
		if name := f.page.Decode([]byte(group.Name)); !slices.Contains(ct.Groups, name) {
			ct.Groups = append(ct.Groups, name)
		}
	}
	ct.AwaitingAuth = ct.AwaitingAuth || i.AwaitsAuth()
}

// contacts returns the whole list.
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

// freeGroup returns an unused group ID, 0 if there is none.
func (f *feedbag) freeGroup() uint16 {
	for id := uint16(1); id < 0x7FFF; id++ {
		if _, used := f.items[itemKey{id, 0}]; !used {
			return id
		}
	}
	return 0
}

// freeItem returns an item ID that no item of the list has, 0 if there is none. Some
// servers require it to be unique over all groups. taken are the IDs that pending edits
// will use.
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

// contactList is the server-stored list of the user, with the pending edits.
type contactList struct {
	c *client

	list  feedbag
	keep  []byte          // the list as an opaque blob for StateSaved
	edits []func()        // queued edits; the first one is under way
	asked map[string]bool // peers with a pending authorization request
}

func newContactList(c *client) contactList {
	return contactList{c: c, asked: make(map[string]bool), list: newFeedbag(c.s.net.page)}
}

// loadList fetches the list, or confirms that the cached list is current. (AOL,
// "Feedbag"; Shutko, "SSI")
func (cl *contactList) loadList(ctx context.Context) error {
	kept, err := oscarwire.ParseFeedbagList(cl.c.s.state)
	if err == nil && len(kept.Items) > 0 && kept.Modified != 0 {
		cl.c.write(&packet{id: oscarwire.FeedbagQueryIfModified,
			body: oscarwire.FeedbagStamp{Modified: kept.Modified, Count: uint16(len(kept.Items))}})
	} else {
		kept = oscarwire.FeedbagList{}
		cl.c.write(&packet{id: oscarwire.FeedbagQuery})
	}
	for {
		snac, err := cl.c.await(ctx, oscarwire.FeedbagReply, oscarwire.FeedbagNotModified, oscarwire.FeedbagError)
		if err != nil {
			return err
		}
		switch snac.ID {
		case oscarwire.FeedbagError:
			return cl.c.answerError(snac, nil)
		case oscarwire.FeedbagNotModified:
			if len(kept.Items) == 0 {
				break // an empty list
			}
			for _, i := range kept.Items {
				cl.list.put(i)
			}
		case oscarwire.FeedbagReply:
			part, err := oscarwire.ParseFeedbagList(snac.Body)
			if err != nil {
				return cl.c.s.net.garbled(err)
			}
			for _, i := range part.Items {
				cl.list.put(i)
			}
			if len(cl.list.items) >= maxItems {
				return cl.c.s.net.garbled(errors.New("the contact list is too long"))
			}
			if snac.More() {
				continue
			}
			cl.keepList(part.Modified)
		}
		cl.c.write(&packet{id: oscarwire.FeedbagUse})
		return cl.c.err
	}
}

// keepList emits the list as StateSaved, for the next sign-on.
func (cl *contactList) keepList(modified uint32) {
	items := make(oscarwire.FeedbagItems, 0, len(cl.list.known))
	for _, k := range cl.list.known {
		items = append(items, cl.list.items[k])
	}
	cl.c.s.state = oscarwire.FeedbagList{Items: items, Modified: modified}.Append(nil)
	cl.keep = cl.c.s.state
}

// compare emits the differences from an earlier list.
func (cl *contactList) compare(before feedbag) {
	for _, ct := range cl.list.contacts() {
		if old, known := before.contact(ct.Peer.ID); !known || !sameContact(old, ct) {
			cl.c.emit(legacy.ContactChanged{Contact: ct})
		}
	}
	for _, ct := range before.contacts() {
		if _, still := cl.list.contact(ct.Peer.ID); !still {
			cl.c.emit(legacy.ContactRemoved{Peer: ct.Peer})
		}
	}
}

func sameContact(a, b legacy.Contact) bool {
	return a.Peer == b.Peer && a.Name == b.Name && a.AwaitingAuth == b.AwaitingAuth && slices.Equal(a.Groups, b.Groups)
}

// onListEdited handles an edit by another client of the account or by the server. It
// has the same form as a client's edit.
func (cl *contactList) onListEdited(snac oscarwire.SNAC) error {
	items, err := oscarwire.ParseFeedbagItems(snac.Body)
	groups := false
	touched := make(map[string]legacy.Contact)
	blocked := cl.blocked()
	for _, i := range items {
		if i.Class == oscarwire.FeedbagBuddy {
			id := oscarwire.NormalizeScreenName(i.Name)
			if _, seen := touched[id]; !seen && id != "" {
				touched[id], _ = cl.list.contact(id)
			}
		}
		groups = groups || i.Class == oscarwire.FeedbagGroup && cl.list.items[keyOf(i)].Name != i.Name
	}
	if groups { // every contact in the group may have moved
		for _, ct := range cl.list.contacts() {
			touched[ct.Peer.ID] = ct
		}
	}
	for _, i := range items {
		if snac.ID == oscarwire.FeedbagDelete {
			cl.list.remove(i)
		} else {
			cl.list.put(i)
		}
	}
	cl.emitBlockChanges(blocked)
	for id, before := range touched {
		now, still := cl.list.contact(id)
		switch {
		case !still && before.Peer.ID != "":
			cl.c.emit(legacy.ContactRemoved{Peer: before.Peer})
		case !still:
		case before.AwaitingAuth && !now.AwaitingAuth:
			cl.c.emit(legacy.ContactChanged{Contact: now})
			cl.c.emit(legacy.AuthGranted{From: now.Peer})
		case !sameContact(before, now):
			cl.c.emit(legacy.ContactChanged{Contact: now})
		}
	}
	return err
}
