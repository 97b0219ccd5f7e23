package oscarmock

import (
	"slices"

	"transport/legacy/oscar/oscarwire"
)

// feedbag handles the contact list. (AOL, "Feedbag"; Shutko, "SSI")
func (s *session) feedbag(snac oscarwire.SNAC) error {
	a := s.account
	switch snac.ID {
	case oscarwire.FeedbagRightsQuery:
		limits := make([]uint16, oscarwire.FeedbagRemoved+1)
		for class := range limits {
			limits[class] = uint16(s.net.maxItems(uint16(class)))
		}
		s.send(oscarwire.FeedbagRightsReply, snac.RequestID, oscarwire.NewFeedbagRights(limits))
	case oscarwire.FeedbagQuery:
		s.sendList(snac.RequestID)
	case oscarwire.FeedbagQueryIfModified:
		stamp, err := oscarwire.ParseFeedbagStamp(snac.Body)
		if err != nil {
			return err
		}
		if stamp.Modified == a.modified && int(stamp.Count) == len(a.items) {
			s.send(oscarwire.FeedbagNotModified, snac.RequestID, stamp)
			return nil
		}
		s.sendList(snac.RequestID)
	case oscarwire.FeedbagInsert, oscarwire.FeedbagUpdate, oscarwire.FeedbagDelete:
		items, err := oscarwire.ParseFeedbagItems(snac.Body)
		if err != nil {
			return err
		}
		s.net.edit(a, s, snac, items)
	case oscarwire.FeedbagAuthRequest, oscarwire.FeedbagPreauthorize:
		m, err := oscarwire.ParseAuthRequest(snac.Body)
		if err != nil {
			return err
		}
		if snac.ID == oscarwire.FeedbagPreauthorize {
			s.net.grant(a, oscarwire.NormalizeScreenName(m.Name))
			return nil
		}
		s.net.askAuth(a, oscarwire.NormalizeScreenName(m.Name), m.Reason)
	case oscarwire.FeedbagAuthReply:
		m, err := oscarwire.ParseAuthReply(snac.Body)
		if err != nil {
			return err
		}
		s.net.answerAuth(a, oscarwire.NormalizeScreenName(m.Name), m.Granted, m.Reason)
	case oscarwire.FeedbagRemoveMe:
		m, err := oscarwire.ParseAuthName(snac.Body)
		if err != nil {
			return err
		}
		if other := s.net.accounts[oscarwire.NormalizeScreenName(m.Name)]; other != nil {
			s.net.forget(other, a.id)
		}
	}
	return nil
}

// sendList sends the list, split if the options say so.
func (s *session) sendList(request uint32) {
	items := s.account.items
	part := s.net.opts.SplitList
	for part > 0 && len(items) > part {
		s.sendFlags(oscarwire.FeedbagReply, request, oscarwire.FlagMore, oscarwire.FeedbagList{Items: items[:part]})
		items = items[part:]
	}
	s.send(oscarwire.FeedbagReply, request, oscarwire.FeedbagList{Items: items, Modified: s.account.modified})
}

// maxItems returns the limit of items of a class.
func (n *Network) maxItems(class uint16) int {
	switch class {
	case oscarwire.FeedbagBuddy:
		return min(n.opts.MaxBuddies, 0xFFFF)
	case oscarwire.FeedbagPrivacy, oscarwire.FeedbagPreferences:
		return 1
	}
	return 200
}

// touch advances the list's modification time.
func (a *account) touch(n *Network) {
	a.edits++
	a.modified = max(a.modified+1, uint32(n.opts.Now().Unix()))
}

// edit applies an edit to an account's list and sends it to the account's other
// sessions. n.mu is held.
func (n *Network) edit(a *account, s *session, snac oscarwire.SNAC, items oscarwire.FeedbagItems) {
	var results oscarwire.FeedbagStatuses
	var taken oscarwire.FeedbagItems
	for _, i := range items {
		result := n.editItem(a, snac.ID, i)
		results = append(results, result)
		if result == oscarwire.FeedbagOK {
			taken = append(taken, i)
		}
	}
	if len(taken) > 0 {
		a.touch(n)
	}
	s.send(oscarwire.FeedbagAck, snac.RequestID, results)
	for _, other := range a.sessions {
		if other != s && len(taken) > 0 {
			other.send(snac.ID, 0, taken)
		}
	}
	n.edited(a, snac.ID, taken)
}

// editItem changes one item.
func (n *Network) editItem(a *account, op oscarwire.ID, i oscarwire.FeedbagItem) oscarwire.FeedbagStatus {
	at := slices.IndexFunc(a.items, func(o oscarwire.FeedbagItem) bool {
		return o.GroupID == i.GroupID && o.ItemID == i.ItemID && o.Class == i.Class
	})
	a.onList = nil
	switch {
	case op == oscarwire.FeedbagDelete && at < 0, op == oscarwire.FeedbagUpdate && at < 0:
		return oscarwire.FeedbagNotFound
	case op == oscarwire.FeedbagDelete:
		a.items = slices.Delete(a.items, at, at+1)
		return oscarwire.FeedbagOK
	case op == oscarwire.FeedbagInsert && at >= 0:
		return oscarwire.FeedbagExists
	}
	if op == oscarwire.FeedbagInsert {
		count := 0
		for _, o := range a.items {
			if o.Class == i.Class {
				count++
			}
		}
		if count >= n.maxItems(i.Class) {
			return oscarwire.FeedbagLimit
		}
	}
	if i.Class == oscarwire.FeedbagBuddy {
		id := oscarwire.NormalizeScreenName(i.Name)
		other := n.accounts[id]
		switch {
		case id == "", !slices.ContainsFunc(a.items, func(o oscarwire.FeedbagItem) bool {
			return o.Class == oscarwire.FeedbagGroup && o.GroupID == i.GroupID
		}):
			return oscarwire.FeedbagBad
		case op == oscarwire.FeedbagInsert && other != nil && other.needsAuth(a) && !i.AwaitsAuth():
			return oscarwire.FeedbagNeedsAuth
		}
		if other != nil && !other.needsAuth(a) {
			i.TLVs = i.TLVs.Without(oscarwire.TagFeedbagAwaitAuth)
		}
	}
	if at >= 0 {
		a.items[at] = i.Clone()
	} else {
		a.items = append(a.items, i.Clone())
	}
	return oscarwire.FeedbagOK
}

// edited applies the consequences of an edit: presence, and "you were added".
func (n *Network) edited(a *account, op oscarwire.ID, items oscarwire.FeedbagItems) {
	if len(items) > 0 {
		defer n.sendPresence(a) // the visibility of the account may have changed
	}
	for _, i := range items {
		id := oscarwire.NormalizeScreenName(i.Name)
		other := n.accounts[id]
		switch {
		case i.Class == oscarwire.FeedbagIcon && op != oscarwire.FeedbagDelete:
			n.nameIcon(a, i)
		case i.Class != oscarwire.FeedbagBuddy || other == nil || other == a:
		case op == oscarwire.FeedbagDelete:
			for _, s := range a.sessions {
				delete(s.seen, id)
			}
		case op == oscarwire.FeedbagInsert && a.lists(id):
			for _, s := range a.sessions {
				if s.ready && other.visible() && a.sees(other, s) {
					s.showBuddy(other, other.info(n.opts.Now()))
				}
			}
			for _, s := range other.sessions {
				s.send(oscarwire.FeedbagYouWereAdded, 0, oscarwire.AuthName{Name: a.Name, Rest: []byte{0, 0}})
			}
			if other.bot != nil {
				other.bot.added(a.id)
			}
		}
	}
}

// askAuth relays an authorization request, and stores it for an offline account.
func (n *Network) askAuth(a *account, id, reason string) {
	other := n.accounts[id]
	if other == nil || other.denies(a.id) {
		return
	}
	if !other.online() {
		n.storeICQ(a, other, oscarwire.MessageAuthRequest, oscarwire.JoinFE([]string{a.Nick, a.First, a.Last, a.Email, "1", reason}, nil))
		return
	}
	for _, s := range other.sessions {
		s.send(oscarwire.FeedbagAuthRequested, 0, oscarwire.AuthRequest{Name: a.Name, Reason: reason})
	}
	if other.bot != nil {
		other.bot.authRequested(a.id, reason)
	}
}

// storeICQ stores a message of channel 4 for an offline account.
func (n *Network) storeICQ(from, to *account, kind oscarwire.MessageType, text []byte) {
	uin, _ := oscarwire.ParseUIN(from.id)
	if len(to.offline) < maxStored {
		to.offline = append(to.offline, stored{oscarwire.NewIncomingICQ(oscarwire.Cookie{}, from.info(n.opts.Now()),
			oscarwire.ICQMessage{UIN: uin, Type: kind, Text: text}, 0), n.opts.Now()})
	}
}

// answerAuth relays the answer to an authorization request.
func (n *Network) answerAuth(a *account, id string, granted bool, reason string) {
	other := n.accounts[id]
	if other == nil {
		return
	}
	if granted {
		n.grant(a, id)
	}
	if !other.online() {
		kind := oscarwire.MessageAuthDenied
		if granted {
			kind = oscarwire.MessageAuthGranted
		}
		n.storeICQ(a, other, kind, []byte(reason))
		return
	}
	for _, s := range other.sessions {
		s.send(oscarwire.FeedbagAuthReplied, 0, oscarwire.AuthReply{Name: a.Name, Granted: granted, Reason: reason})
	}
}

// grant authorizes a name to have the account on its list: it removes the awaiting mark
// and shows the account's presence.
func (n *Network) grant(a *account, id string) {
	other := n.accounts[id]
	if other == nil {
		return
	}
	a.granted[id] = true
	for k, i := range other.items {
		if i.Class != oscarwire.FeedbagBuddy || !i.AwaitsAuth() || oscarwire.NormalizeScreenName(i.Name) != a.id {
			continue
		}
		i.TLVs = i.TLVs.Without(oscarwire.TagFeedbagAwaitAuth)
		other.items[k] = i
		other.onList = nil
		other.touch(n)
		for _, s := range other.sessions {
			s.send(oscarwire.FeedbagUpdate, 0, oscarwire.FeedbagItems{i})
			if s.ready {
				s.showBuddy(a, a.info(n.opts.Now()))
			}
		}
	}
}

// forget removes a name from an account's list.
func (n *Network) forget(a *account, id string) {
	for _, i := range slices.Clone(a.items) {
		if i.Class == oscarwire.FeedbagBuddy && oscarwire.NormalizeScreenName(i.Name) == id {
			n.editItem(a, oscarwire.FeedbagDelete, i)
			a.touch(n)
			for _, s := range a.sessions {
				s.send(oscarwire.FeedbagDelete, 0, oscarwire.FeedbagItems{i})
			}
		}
	}
}

// Feedbag returns a copy of an account's list.
func (n *Network) Feedbag(name string) []oscarwire.FeedbagItem {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.accounts[oscarwire.NormalizeScreenName(name)]
	if a == nil {
		return nil
	}
	items := make([]oscarwire.FeedbagItem, len(a.items))
	for k, i := range a.items {
		items[k] = i.Clone()
	}
	return items
}

// EditFeedbag edits an account's list like another client of the account; op is
// FeedbagInsert, FeedbagUpdate or FeedbagDelete.
func (n *Network) EditFeedbag(name string, op oscarwire.ID, items ...oscarwire.FeedbagItem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.accounts[oscarwire.NormalizeScreenName(name)]
	if a == nil {
		return
	}
	for _, i := range items {
		n.editItem(a, op, i)
	}
	a.touch(n)
	for _, s := range a.sessions {
		s.send(op, 0, oscarwire.FeedbagItems(items))
	}
	n.edited(a, op, items)
}
