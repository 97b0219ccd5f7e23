package component

import (
	"maps"
	"slices"
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The user can block contacts by ad-hoc commands, by text commands, and by the IQs of
// XEP-0191 that a client sends to the gateway. The network stores the list; messages and
// presence of blocked contacts that it still delivers are dropped.

const maxPendingBlocks = 64 // limit: blocks of a user that the network has not confirmed | a further one is refused: resource-constraint

// blockWaiter is a change of the block list that the network has not confirmed.
type blockWaiter struct {
	blocked bool
	done    func(error)
}

// setBlocked replaces the block list by the network's.
func (bl *blocklist) setBlocked(list []legacy.Peer) {
	clear(bl.blocked)
	for _, p := range list {
		if len(bl.blocked) < maxContacts {
			lazySet(&bl.blocked, p.ID, true)
		}
	}
}

// setBlocks blocks or unblocks peers one after the other, and calls then after the last
// one or with the first error.
func (bl *blocklist) setBlocks(peers []legacy.Peer, blocked bool, then func(error)) {
	blocker, ok := bl.ro.u.login.legacySession().(legacy.Blocker)
	switch {
	case len(peers) == 0:
		then(nil)
		return
	case !ok:
		then(legacy.Errorf(legacy.Offline, "%s", bl.ro.u.login.stateText()))
		return
	case len(bl.pending) >= maxPendingBlocks:
		then(legacy.Errorf(legacy.RateLimited, "Too many requests at once. Try again in a moment."))
		return
	}
	p := peers[0]
	if err := blocker.Block(bl.ro.u.ctx, p, blocked); err != nil {
		then(err)
		return
	}
	lazySet(&bl.pending, p.ID, append(bl.pending[p.ID], blockWaiter{blocked, func(err error) {
		if err != nil {
			then(err)
			return
		}
		bl.setBlocks(peers[1:], blocked, then)
	}}))
}

// onBlockChanged handles a change of the network's block list, or the error of one.
func (bl *blocklist) onBlockChanged(ev legacy.BlockChanged) {
	if ev.Peer.ID == "" {
		return
	}
	before := bl.blocked[ev.Peer.ID]
	switch {
	case !ev.Blocked:
		delete(bl.blocked, ev.Peer.ID)
	case len(bl.blocked) < maxContacts:
		lazySet(&bl.blocked, ev.Peer.ID, true)
	}
	if ct := bl.ro.contacts[ev.Peer.ID]; ct != nil && ev.Blocked != before && ct.Subscription.Has(registry.To) {
		ct.unsent = bl.ro.sendContactPresence(ct, bl.ro.u.bare, "") != nil
	}
	waiting := bl.pending[ev.Peer.ID]
	delete(bl.pending, ev.Peer.ID)
	for _, w := range waiting {
		if ev.Err == nil && ev.Blocked != w.blocked { // another client did the contrary before
			lazySet(&bl.pending, ev.Peer.ID, append(bl.pending[ev.Peer.ID], w))
			continue
		}
		w.done(ev.Err)
	}
	bl.ro.u.calls.sweep()
}

// failPendingBlocks fails all pending changes after the session has ended.
func (bl *blocklist) failPendingBlocks() {
	waiting := bl.pending
	bl.pending = nil
	for _, peer := range waiting {
		for _, w := range peer {
			w.done(legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed that."))
		}
	}
}

// onBlockList answers a query of the block list. (XEP-0191 §3.1)
func (bl *blocklist) onBlockList(r *stanza.Request) {
	if !bl.checkBlocking(r) {
		return
	}
	list := element.New(xep.NSBlocking, "blocklist")
	for _, id := range slices.Sorted(maps.Keys(bl.blocked)) {
		list.Add(element.New(xep.NSBlocking, "item").Set("jid", bl.ro.u.c.peers.JID(id)))
	}
	r.Reply(list)
}

// onBlockIQ blocks or unblocks the JIDs of an IQ; an unblock without JIDs unblocks all.
// (XEP-0191 §3.2 to §3.4) No push follows: a client accepts one from its own server only
// (§3.2).
func (bl *blocklist) onBlockIQ(r *stanza.Request) {
	if !bl.checkBlocking(r) {
		return
	}
	blocked := r.Payload.Name == "block"
	var peers []legacy.Peer
	for item := range r.Payload.Children(xep.NSBlocking, "item") {
		jid, err := address.Parse(item.Attr("jid"))
		if err != nil {
			r.Fail(stanza.ErrJIDMalformed)
			return
		}
		peer, err := bl.ro.u.c.peers.Contact(jid)
		switch {
		case jid.Domain != bl.ro.u.c.domain || jid.Local == "":
			r.Fail(stanza.ErrItemNotFound.With("Only people on " + bl.ro.u.c.cfg.Name + " can be blocked here."))
			return
		case err != nil:
			r.Fail(stanza.Translate(err))
			return
		}
		peers = append(peers, peer)
	}
	switch {
	case len(peers) == 0 && blocked: // XEP-0191 §3.3
		r.Fail(stanza.ErrBadRequest)
		return
	case len(peers) == 0:
		for id := range bl.blocked {
			peers = append(peers, legacy.Peer{ID: id})
		}
	}
	bl.setBlocks(peers, blocked, func(err error) {
		if err != nil {
			r.Fail(stanza.Translate(err))
			return
		}
		r.Reply(nil)
	})
}

// checkBlocking reports whether the block list is available. Otherwise it fails the
// request.
func (bl *blocklist) checkBlocking(r *stanza.Request) bool {
	switch {
	case !bl.ro.u.c.info.Features.Has(legacy.FeatureBlocking):
		r.Fail(stanza.ErrServiceUnavail)
	case !bl.ro.u.account.exists():
		r.Fail(stanza.ErrRegisterFirst)
	case bl.ro.u.login.legacySession() == nil:
		r.Fail(bl.ro.u.login.notOnline())
	default:
		return true
	}
	return false
}

// peerByText returns the contact that a text names, by its address on the network or its
// JID.
func (bl *blocklist) peerByText(text string) (legacy.Peer, error) {
	p, err := bl.anyPeerByText(text)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "That is a room.")
	}
	return p, err
}

// anyPeerByText is peerByText for rooms and services as well.
func (bl *blocklist) anyPeerByText(text string) (legacy.Peer, error) {
	if text = strings.TrimSpace(text); text == "" {
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "Enter an address.")
	}
	if jid, err := address.Parse(text); err == nil && jid.Domain == bl.ro.u.c.domain && jid.Local != "" {
		return bl.ro.u.c.peers.ParseLocal(jid.Local)
	}
	return bl.ro.u.c.cfg.Network.ParsePeer(text)
}

// blockPeer blocks or unblocks the contact that a text names, and reports the result as a
// text for the user.
func (bl *blocklist) blockPeer(text string, blocked bool, then func(said string, why *stanza.Error)) {
	peer, err := bl.peerByText(text)
	if err != nil {
		why := stanza.Translate(err)
		why.Field = "peer"
		then("", &why)
		return
	}
	bl.setBlocks([]legacy.Peer{peer}, blocked, func(err error) {
		switch {
		case err != nil:
			why := stanza.Translate(err)
			then("", &why)
		case blocked:
			then(peer.ID+" is blocked.", nil)
		default:
			then(peer.ID+" is not blocked.", nil)
		}
	})
}

// askBlock asks for the contact to block.
func (bl *blocklist) askBlock(x *execution) {
	asked := xep.NewForm("form", "", "Block somebody", "They can neither write to you nor see when you are online.").
		Add(xep.Required(xep.NewField("peer", "text-single", bl.ro.u.c.info.PeerName)))
	x.Ask(asked, true, func(values xep.Answers) { bl.onBlockAnswer(x, values.First("peer"), true) })
}

// askUnblock asks for the contact to unblock.
func (bl *blocklist) askUnblock(x *execution) {
	typ := "list-single"
	if x.ByWords() { // they may be named by any of their addresses
		typ = "text-single"
	}
	field := xep.Required(xep.NewField("peer", typ, bl.ro.u.c.info.PeerName))
	for _, id := range slices.Sorted(maps.Keys(bl.blocked)) {
		xep.Option(field, id, id)
	}
	if len(bl.blocked) == 0 {
		x.Finish("info", "You have not blocked anybody.", nil)
		return
	}
	x.Ask(xep.NewForm("form", "", "Unblock somebody", "").Add(field), true, func(values xep.Answers) { bl.onBlockAnswer(x, values.First("peer"), false) })
}

func (bl *blocklist) onBlockAnswer(x *execution, peer string, blocked bool) {
	bl.blockPeer(peer, blocked, func(said string, why *stanza.Error) {
		if why != nil {
			x.Fail(*why)
			return
		}
		x.Finish("info", said, nil)
	})
}

// blockedText lists the blocked contacts.
func (bl *blocklist) blockedText() (string, *stanza.Error) {
	if bl.ro.u.login.legacySession() == nil {
		why := bl.ro.u.login.notOnline()
		return "", &why
	}
	if len(bl.blocked) == 0 {
		return "You have not blocked anybody.", nil
	}
	return "You have blocked:\n" + strings.Join(slices.Sorted(maps.Keys(bl.blocked)), "\n"), nil
}
