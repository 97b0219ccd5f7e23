package oscar

import (
	"slices"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// defaultGroup is the group of a new contact without a group, if the list has none at
// all.
const defaultGroup = "General"

// maxEdits is the limit of queued edits.
const maxEdits = 256 // limit: contact list changes that wait | a further one is refused: resource-constraint

// edit queues an edit of the list. Each edit consists of several requests that depend
// on each other, so edits run one at a time. do must call editDone.
func (cl *contactList) edit(p legacy.Peer, do func()) {
	if len(cl.edits) >= maxEdits {
		cl.c.emit(legacy.ContactFailed{Peer: p, Err: legacy.Errorf(legacy.RateLimited, "Too many changes of your contact list are waiting. Try again in a moment.")})
		return
	}
	cl.edits = append(cl.edits, do)
	if len(cl.edits) == 1 {
		do()
	}
}

func (cl *contactList) editDone() {
	cl.edits[0] = nil
	if cl.edits = cl.edits[1:]; len(cl.edits) > 0 {
		cl.edits[0]()
	}
}

// change sends one change of the list and calls then with the status. The local list
// changes when the server has accepted it.
func (cl *contactList) change(id oscarwire.ID, item oscarwire.FeedbagItem, then func(oscarwire.FeedbagStatus, error)) {
	cl.c.rates.submit(&packet{id: id, body: oscarwire.FeedbagItems{item}, answered: func(snac oscarwire.SNAC, err error) {
		if err := cl.c.answerError(snac, err); err != nil {
			then(0, err)
			return
		}
		results, err := oscarwire.ParseFeedbagStatuses(snac.Body)
		if err != nil || len(results) == 0 || snac.ID != oscarwire.FeedbagAck {
			then(0, cl.c.s.net.garbled(err))
			return
		}
		switch {
		case results[0] != oscarwire.FeedbagOK && results[0] != oscarwire.FeedbagExists:
		case id == oscarwire.FeedbagDelete:
			cl.list.remove(item)
		default:
			cl.list.put(item)
		}
		then(results[0], nil)
	}})
}

// addContact adds a contact to the list and requests authorization if the contact
// requires it. (Shutko, "SSI: adding a contact")
func (cl *contactList) addContact(ct legacy.Contact, reason string) {
	if !cl.c.families[oscarwire.FamilyFeedbag] { // this server has no list; the gateway stores it
		cl.c.rates.submit(&packet{id: oscarwire.BuddyAdd, body: oscarwire.Names{ct.Peer.ID}})
		cl.c.emit(legacy.ContactChanged{Contact: ct})
		return
	}
	cl.edit(ct.Peer, func() {
		now, there := cl.list.contact(ct.Peer.ID)
		if there && now.AwaitingAuth {
			cl.askAuth(ct.Peer, reason)
		}
		cl.c.rates.submit(&packet{id: oscarwire.FeedbagStart})
		end := func(err error) {
			cl.c.rates.submit(&packet{id: oscarwire.FeedbagEnd})
			if now, there := cl.list.contact(ct.Peer.ID); err == nil && there {
				cl.c.emit(legacy.ContactChanged{Contact: now})
			} else {
				cl.c.emit(legacy.ContactFailed{Peer: ct.Peer, Err: err})
			}
			cl.editDone()
		}
		if there {
			cl.changeBuddy(ct, now, end)
			return
		}
		cl.needGroup(ct.Groups, func(group oscarwire.FeedbagItem, err error) {
			if err != nil {
				end(err)
				return
			}
			cl.insertBuddy(group, ct, reason, end)
		})
	})
}

// needGroup finds or creates the first of the groups.
func (cl *contactList) needGroup(groups []string, then func(oscarwire.FeedbagItem, error)) {
	name := ""
	if len(groups) > 0 {
		name = groups[0]
	}
	if group, ok := cl.list.group(name); ok {
		then(group, nil)
		return
	}
	if name == "" {
		name = defaultGroup
	}
	group := oscarwire.FeedbagItem{Name: name, GroupID: cl.list.freeGroup(), Class: oscarwire.FeedbagGroup}
	if group.GroupID == 0 {
		then(group, cl.c.s.net.listError(oscarwire.FeedbagLimit))
		return
	}
	cl.change(oscarwire.FeedbagInsert, group, func(st oscarwire.FeedbagStatus, err error) {
		if err == nil {
			err = cl.c.s.net.listError(st)
		}
		if err == nil {
			cl.reorder(0, func(ids []uint16) []uint16 { return append(ids, group.GroupID) })
		}
		then(group, err)
	})
}

// insertBuddy adds the entry. If the server answers "authorization required", it adds
// the entry again with the awaiting-authorization mark.
func (cl *contactList) insertBuddy(group oscarwire.FeedbagItem, ct legacy.Contact, reason string, end func(error)) {
	item := oscarwire.FeedbagItem{Name: ct.Peer.ID, GroupID: group.GroupID, ItemID: cl.list.freeItem(nil), Class: oscarwire.FeedbagBuddy}
	if item.ItemID == 0 {
		end(cl.c.s.net.listError(oscarwire.FeedbagLimit))
		return
	}
	if ct.Name != "" {
		item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagAlias, []byte(ct.Name))
	}
	inserted := func(st oscarwire.FeedbagStatus, err error) {
		if err == nil {
			err = cl.c.s.net.listError(st)
		}
		if err == nil {
			cl.reorder(group.GroupID, func(ids []uint16) []uint16 { return append(ids, item.ItemID) })
			if item.AwaitsAuth() {
				cl.askAuth(ct.Peer, reason)
			}
		}
		end(err)
	}
	cl.change(oscarwire.FeedbagInsert, item, func(st oscarwire.FeedbagStatus, err error) {
		if err != nil || st != oscarwire.FeedbagNeedsAuth {
			inserted(st, err)
			return
		}
		item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagAwaitAuth, nil)
		cl.change(oscarwire.FeedbagInsert, item, inserted)
	})
}

// changeBuddy renames or moves a contact on the list if ct differs. It does not move a
// contact that is in several groups.
func (cl *contactList) changeBuddy(ct, now legacy.Contact, end func(error)) {
	items := cl.list.buddies(ct.Peer.ID)
	rename := ct.Name != "" && ct.Name != now.Name
	if len(items) == 1 && len(ct.Groups) > 0 && !slices.Contains(now.Groups, ct.Groups[0]) {
		if !rename {
			ct.Name = now.Name
		}
		cl.moveBuddy(items[0], ct, end)
		return
	}
	if !rename {
		end(nil)
		return
	}
	left := len(items)
	var failed error
	for _, item := range items {
		item = item.Clone()
		item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagAlias, []byte(ct.Name))
		cl.change(oscarwire.FeedbagUpdate, item, func(st oscarwire.FeedbagStatus, err error) {
			if err == nil {
				err = cl.c.s.net.listError(st)
			}
			if err != nil {
				failed = err
			}
			if left--; left == 0 {
				end(failed)
			}
		})
	}
}

// moveBuddy moves an entry to another group. Servers have no move operation: it adds
// the new entry first and removes the old one on success.
func (cl *contactList) moveBuddy(old oscarwire.FeedbagItem, ct legacy.Contact, end func(error)) {
	cl.needGroup(ct.Groups, func(group oscarwire.FeedbagItem, err error) {
		item := old.Clone()
		item.GroupID, item.ItemID = group.GroupID, cl.list.freeItem(nil)
		if ct.Name != "" {
			item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagAlias, []byte(ct.Name))
		}
		if err == nil && item.ItemID == 0 {
			err = cl.c.s.net.listError(oscarwire.FeedbagLimit)
		}
		if err != nil {
			end(err)
			return
		}
		cl.change(oscarwire.FeedbagInsert, item, func(st oscarwire.FeedbagStatus, err error) {
			if err == nil {
				err = cl.c.s.net.listError(st)
			}
			if err != nil {
				end(err)
				return
			}
			cl.reorder(item.GroupID, func(ids []uint16) []uint16 { return append(ids, item.ItemID) })
			cl.change(oscarwire.FeedbagDelete, old, func(st oscarwire.FeedbagStatus, err error) {
				if err == nil {
					err = cl.c.s.net.listError(st)
				}
				cl.reorder(old.GroupID, func(ids []uint16) []uint16 {
					return slices.DeleteFunc(ids, func(id uint16) bool { return id == old.ItemID })
				})
				end(err)
			})
		})
	})
}

// reorder changes the order of a group's contacts or, with id 0, that of the groups.
// Only other clients show the order, so nothing waits for the result.
func (cl *contactList) reorder(id uint16, change func([]uint16) []uint16) {
	group, ok := cl.list.items[itemKey{id, 0}]
	if !ok && id != 0 {
		return
	}
	if !ok { // the master group, which contains the groups
		group = oscarwire.FeedbagItem{Class: oscarwire.FeedbagGroup}
	}
	group = group.Clone()
	ids := change(group.Order())
	group.SetOrder(ids)
	op := oscarwire.FeedbagUpdate
	if !ok {
		op = oscarwire.FeedbagInsert
	}
	cl.change(op, group, func(st oscarwire.FeedbagStatus, err error) {
		if err != nil || st != oscarwire.FeedbagOK {
			cl.c.s.env.Log.Debug().Err(err).Uint16("status", uint16(st)).Msg("the order of the list was not stored")
		}
	})
}

// askAuth sends an authorization request to a peer.
func (cl *contactList) askAuth(p legacy.Peer, reason string) {
	cl.c.rates.submit(&packet{id: oscarwire.FeedbagAuthRequest, body: oscarwire.AuthRequest{Name: p.ID, Reason: reason}})
}

// removeContact removes a contact from every group of the list.
func (cl *contactList) removeContact(p legacy.Peer) {
	if !cl.c.families[oscarwire.FamilyFeedbag] {
		cl.c.rates.submit(&packet{id: oscarwire.BuddyRemove, body: oscarwire.Names{p.ID}})
		cl.c.emit(legacy.ContactRemoved{Peer: p})
		return
	}
	cl.edit(p, func() { cl.removeBuddies(p, cl.list.buddies(p.ID)) })
}

func (cl *contactList) removeBuddies(p legacy.Peer, items []oscarwire.FeedbagItem) {
	if len(items) == 0 {
		cl.c.emit(legacy.ContactRemoved{Peer: p})
		cl.editDone()
		return
	}
	item := items[0]
	cl.change(oscarwire.FeedbagDelete, item, func(st oscarwire.FeedbagStatus, err error) {
		switch {
		case err != nil:
		case st == oscarwire.FeedbagNotFound:
			cl.list.remove(item)
		default:
			err = cl.c.s.net.listError(st)
		}
		if err != nil {
			cl.c.emit(legacy.ContactFailed{Peer: p, Err: err})
			cl.editDone()
			return
		}
		cl.reorder(item.GroupID, func(ids []uint16) []uint16 {
			return slices.DeleteFunc(ids, func(id uint16) bool { return id == item.ItemID })
		})
		cl.removeBuddies(p, items[1:])
	})
}

// authorizePeer answers an authorization request, or pre-approves a peer. It does not
// withdraw an approval: in ICQ that is only possible by removing the user from the
// peer's list, which goes beyond the removal of a contact.
func (cl *contactList) authorizePeer(p legacy.Peer, allow bool, reason string) {
	asked := cl.asked[p.ID]
	delete(cl.asked, p.ID)
	switch {
	case !cl.c.families[oscarwire.FamilyFeedbag]:
	case asked:
		cl.c.rates.submit(&packet{id: oscarwire.FeedbagAuthReply, body: oscarwire.AuthReply{Name: p.ID, Granted: allow, Reason: reason}})
	case allow:
		cl.c.rates.submit(&packet{id: oscarwire.FeedbagPreauthorize, body: oscarwire.AuthRequest{Name: p.ID}})
	}
}

// maxAsked is the limit of remembered authorization requests.
const maxAsked = 1024 // limit: remembered authorization requests | a further one may be sent twice

// authRequested emits an AuthRequested.
func (cl *contactList) authRequested(from legacy.Peer, name, reason string) {
	if len(cl.asked) < maxAsked {
		cl.asked[from.ID] = true
	}
	cl.c.emit(legacy.AuthRequested{From: from, Name: oscarwire.Clean(name), Reason: oscarwire.Clean(reason)})
}

// onAuthRequested handles 13/19.
func (cl *contactList) onAuthRequested(body []byte) error {
	m, err := oscarwire.ParseAuthRequest(body)
	if id := oscarwire.NormalizeScreenName(m.Name); id != "" {
		cl.authRequested(legacy.Peer{ID: id}, "", cl.c.s.net.page.Decode([]byte(m.Reason)))
	}
	return err
}

// onAuthReplied handles 13/1B.
func (cl *contactList) onAuthReplied(body []byte) error {
	m, err := oscarwire.ParseAuthReply(body)
	id := oscarwire.NormalizeScreenName(m.Name)
	switch {
	case id == "":
	case m.Granted:
		cl.granted(legacy.Peer{ID: id})
	default:
		cl.c.emit(legacy.AuthDenied{From: legacy.Peer{ID: id}, Reason: cl.c.s.net.page.Decode([]byte(m.Reason))})
	}
	return err
}

// onPreauthorized handles 13/15: an approval without a request.
func (cl *contactList) onPreauthorized(body []byte) error {
	m, err := oscarwire.ParseAuthRequest(body)
	if id := oscarwire.NormalizeScreenName(m.Name); id != "" {
		cl.granted(legacy.Peer{ID: id})
	}
	return err
}

// granted handles an approval. If the server leaves the awaiting-authorization mark on
// the list, granted removes it.
func (cl *contactList) granted(p legacy.Peer) {
	cl.c.emit(legacy.AuthGranted{From: p})
	for _, item := range cl.list.buddies(p.ID) {
		if !item.AwaitsAuth() {
			continue
		}
		item = item.Clone()
		item.TLVs = item.TLVs.Without(oscarwire.TagFeedbagAwaitAuth)
		cl.change(oscarwire.FeedbagUpdate, item, func(st oscarwire.FeedbagStatus, err error) {
			if err != nil || st != oscarwire.FeedbagOK {
				cl.c.s.env.Log.Debug().Err(err).Uint16("status", uint16(st)).Msg("a granted authorization was not stored")
			}
		})
	}
}

// onYouWereAdded handles 13/1C.
func (cl *contactList) onYouWereAdded(body []byte) error {
	m, err := oscarwire.ParseAuthName(body)
	if id := oscarwire.NormalizeScreenName(m.Name); id != "" {
		cl.c.emit(legacy.AddedYou{From: legacy.Peer{ID: id}})
	}
	return err
}
