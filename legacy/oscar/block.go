package oscar

import (
	"context"
	"maps"
	"slices"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// The block list is stored on the server: as items of class 3, "deny", which the server
// enforces while the privacy mode is to deny the listed names (Open OSCAR Server, too),
// and for ICQ numbers also as items of class 0E, "ignore", which ICQ clients
// (libpurple's among them) use and enforce themselves. Blocking writes both, so that
// every client and server sees it.

var _ legacy.Blocker = (*session)(nil)

// Block implements legacy.Blocker.
func (s *session) Block(_ context.Context, p legacy.Peer, blocked bool) error {
	return s.enqueue(func(c *client) { c.contacts.block(p, blocked) })
}

// ignores reports whether the account has an ignore list.
func (cl *contactList) ignores() bool { return oscarwire.IsUIN(cl.c.s.self) }

// privacy returns the item with the privacy mode, and the mode. Without an item the
// mode is to allow everybody.
func (f *feedbag) privacy() (item oscarwire.FeedbagItem, mode uint8, ok bool) {
	for _, k := range f.known {
		if i := f.items[k]; i.Class == oscarwire.FeedbagPrivacy {
			if mode, ok := i.TLVs.U8(oscarwire.TagFeedbagPrivacyMode); ok {
				return i, mode, true
			}
			return i, oscarwire.PrivacyAllowAll, true
		}
	}
	return oscarwire.FeedbagItem{}, oscarwire.PrivacyAllowAll, false
}

// named returns the items of a class that have a name.
func (f *feedbag) named(class uint16, id string) []oscarwire.FeedbagItem {
	var found []oscarwire.FeedbagItem
	for _, k := range f.known {
		if i := f.items[k]; i.Class == class && oscarwire.NormalizeScreenName(i.Name) == id {
			found = append(found, i)
		}
	}
	return found
}

// blocked returns the normalised names on the block list.
func (cl *contactList) blocked() map[string]bool {
	_, mode, _ := cl.list.privacy()
	names := make(map[string]bool)
	for _, k := range cl.list.known {
		i := cl.list.items[k]
		if i.Class == oscarwire.FeedbagDeny && mode != oscarwire.PrivacyAllowAll ||
			i.Class == oscarwire.FeedbagIgnore && cl.ignores() {
			names[oscarwire.NormalizeScreenName(i.Name)] = true
		}
	}
	delete(names, "")
	return names
}

func (cl *contactList) blockedPeers() []legacy.Peer {
	var peers []legacy.Peer
	for _, id := range slices.Sorted(maps.Keys(cl.blocked())) {
		peers = append(peers, legacy.Peer{ID: id})
	}
	return peers
}

// emitBlockChanges emits a BlockChanged for each difference from before.
func (cl *contactList) emitBlockChanges(before map[string]bool) {
	now := cl.blocked()
	for id := range now {
		if !before[id] {
			cl.c.emit(legacy.BlockChanged{Peer: legacy.Peer{ID: id}, Blocked: true})
		}
	}
	for id, was := range before {
		if was && !now[id] {
			cl.c.emit(legacy.BlockChanged{Peer: legacy.Peer{ID: id}})
		}
	}
}

// listChange is one change of the server-stored list.
type listChange struct {
	op   oscarwire.ID
	item oscarwire.FeedbagItem
}

// block blocks or unblocks a peer.
func (cl *contactList) block(p legacy.Peer, blocked bool) {
	fail := func(err error) {
		cl.c.emit(legacy.BlockChanged{Peer: p, Blocked: cl.blocked()[p.ID], Err: err})
	}
	switch {
	case !cl.c.families[oscarwire.FamilyFeedbag]:
		fail(legacy.Errorf(legacy.Unsupported, "This %s server does not support a block list.", cl.c.s.net.name()))
		return
	case p.ID == cl.c.s.self: // some clients and servers misbehave
		fail(legacy.Errorf(legacy.Forbidden, "You cannot block yourself."))
		return
	case len(cl.edits) >= maxEdits:
		fail(legacy.Errorf(legacy.RateLimited, "Too many changes of your contact list are waiting. Try again in a moment."))
		return
	}
	cl.edit(p, func() {
		before := cl.blocked()
		changes, err := cl.blocking(p.ID, blocked)
		if err != nil {
			fail(err)
			cl.editDone()
			return
		}
		cl.applyChanges(changes, func(err error) {
			before[p.ID] = cl.blocked()[p.ID] // emits BlockChanged below in any case
			cl.emitBlockChanges(before)
			fail(err)
			cl.editDone()
		})
	})
}

// blocking returns the changes that block or unblock a name.
func (cl *contactList) blocking(id string, blocked bool) (changes []listChange, err error) {
	privacy, mode, hasPrivacy := cl.list.privacy()
	used := make(map[uint16]bool)
	insert := func(class uint16, name string) {
		if name != "" && len(cl.list.named(class, name)) > 0 {
			return
		}
		item := oscarwire.FeedbagItem{Name: name, ItemID: cl.list.freeItem(used), Class: class}
		if class == oscarwire.FeedbagPrivacy {
			item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagPrivacyMode, []byte{oscarwire.PrivacyDenyListed})
		}
		if used[item.ItemID] = true; item.ItemID == 0 {
			err = cl.c.s.net.listError(oscarwire.FeedbagLimit)
		}
		changes = append(changes, listChange{oscarwire.FeedbagInsert, item})
	}
	remove := func(class uint16) {
		for _, item := range cl.list.named(class, id) {
			changes = append(changes, listChange{oscarwire.FeedbagDelete, item})
		}
	}
	if !blocked {
		if mode == oscarwire.PrivacyBlockAll {
			return nil, legacy.Errorf(legacy.Forbidden, "Your privacy settings on %s block everybody. Change them with another client.", cl.c.s.net.name())
		}
		remove(oscarwire.FeedbagDeny)
		remove(oscarwire.FeedbagIgnore)
		if mode == oscarwire.PrivacyPermitListed {
			insert(oscarwire.FeedbagPermit, id)
		}
		return changes, err
	}
	insert(oscarwire.FeedbagDeny, id)
	if cl.ignores() && oscarwire.IsUIN(id) {
		insert(oscarwire.FeedbagIgnore, id)
	}
	switch {
	case mode == oscarwire.PrivacyPermitListed:
		remove(oscarwire.FeedbagPermit)
	case mode == oscarwire.PrivacyAllowAll && hasPrivacy:
		privacy = privacy.Clone()
		privacy.TLVs = privacy.TLVs.Set(oscarwire.TagFeedbagPrivacyMode, []byte{oscarwire.PrivacyDenyListed})
		changes = append(changes, listChange{oscarwire.FeedbagUpdate, privacy})
	case !hasPrivacy:
		insert(oscarwire.FeedbagPrivacy, "")
	}
	return changes, err
}

// applyChanges applies changes of the list one after the other.
func (cl *contactList) applyChanges(changes []listChange, then func(error)) {
	if len(changes) == 0 {
		then(nil)
		return
	}
	next := changes[0]
	cl.change(next.op, next.item, func(st oscarwire.FeedbagStatus, err error) {
		switch {
		case err != nil:
		case next.op == oscarwire.FeedbagDelete && st == oscarwire.FeedbagNotFound:
			cl.list.remove(next.item)
		default:
			err = cl.c.s.net.listError(st)
		}
		if err != nil {
			then(err)
			return
		}
		cl.applyChanges(changes[1:], then)
	})
}
