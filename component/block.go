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

// The user can block people on the network by commands of the gateway, by words,
// and by the IQs of XEP-0191 that a client sends to the gateway itself. The
// network keeps the list; what it lets through all the same is not shown.

const maxPendingBlocks = 64 // peers that wait for the network at once

// blockWaiter waits until a peer is blocked, or is not.
type blockWaiter struct {
	blocked bool
	done    func(error)
}

// setBlocked takes over the network's list.
func (bl *blocklist) setBlocked(list []legacy.Peer) {
	clear(bl.blocked)
	for _, p := range list {
		if len(bl.blocked) < maxContacts {
			lazySet(&bl.blocked, p.ID, true)
		}
	}
}

// setBlocks asks the network to block peers, or not to, one after the other.
// then learns that all are done, or the first error.
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

// onBlockChanged: the network's list changed, or did not as it should have.
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

// failPendingBlocks answers those who wait for a network that is gone.
func (bl *blocklist) failPendingBlocks() {
	waiting := bl.pending
	bl.pending = nil
	for _, peer := range waiting {
		for _, w := range peer {
			w.done(legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed that."))
		}
	}
}

// onBlockList answers whom the user has blocked. (XEP-0191 §3.1)
func (bl *blocklist) onBlockList(r *stanza.Request) {
	if !bl.checkBlocking(r) {
		return
	}
	list := element.New(xep.NSBlocking, "blocklist")
	for _, id := range slices.Sorted(maps.Keys(bl.blocked)) {
		list.Add(element.New(xep.NSBlocking, "item").Set("jid", bl.ro.u.c.contactJID(id)))
	}
	r.Reply(list)
}

// onBlockIQ blocks those whom an IQ names, or unblocks them; to unblock none is to
// unblock all. (XEP-0191 §3.2 to §3.4) No push follows: a client takes it from its
// own server only (§3.2).
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
		peer, err := bl.ro.u.c.peer(jid)
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

// checkBlocking reports whether a list is there to be asked for or changed; else it
// says why not.
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

// peerByText is whom the user means, by an address of the network's or a JID here.
func (bl *blocklist) peerByText(text string) (legacy.Peer, error) {
	p, err := bl.anyPeerByText(text)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "That is a room.")
	}
	return p, err
}

// anyPeerByText is the same, of rooms and services as well.
func (bl *blocklist) anyPeerByText(text string) (legacy.Peer, error) {
	if text = strings.TrimSpace(text); text == "" {
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "Enter an address.")
	}
	if jid, err := address.Parse(text); err == nil && jid.Domain == bl.ro.u.c.domain && jid.Local != "" {
		return bl.ro.u.c.parsePeer(jid.Local)
	}
	return bl.ro.u.c.cfg.Network.ParsePeer(text)
}

// blockPeer blocks or unblocks whom a text names, and says what came of it.
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

// askBlock asks whom to block.
func (bl *blocklist) askBlock(x *execution) {
	asked := xep.NewForm("form", "", "Block somebody", "They can neither write to you nor see when you are online.").
		Add(xep.Required(xep.NewField("peer", "text-single", bl.ro.u.c.info.PeerName)))
	x.ask(asked, true, func(u *user, x *execution, values map[string][]string) {
		u.roster.onBlockAnswers(x, values, true)
	})
}

// askUnblock asks whom to unblock, of those who are blocked.
func (bl *blocklist) askUnblock(x *execution) {
	typ := "list-single"
	if x.byWords() { // they may be named by any of their addresses
		typ = "text-single"
	}
	field := xep.Required(xep.NewField("peer", typ, bl.ro.u.c.info.PeerName))
	for _, id := range slices.Sorted(maps.Keys(bl.blocked)) {
		xep.Option(field, id, id)
	}
	if len(bl.blocked) == 0 {
		x.finish("info", "You have not blocked anybody.", nil)
		return
	}
	x.ask(xep.NewForm("form", "", "Unblock somebody", "").Add(field), true, func(u *user, x *execution, values map[string][]string) {
		u.roster.onBlockAnswers(x, values, false)
	})
}

func (bl *blocklist) onBlockAnswers(x *execution, values map[string][]string, blocked bool) {
	var peer string
	if given := values["peer"]; len(given) > 0 {
		peer = given[0]
	}
	bl.blockPeer(peer, blocked, func(said string, why *stanza.Error) {
		if why != nil {
			x.fail(*why)
			return
		}
		x.finish("info", said, nil)
	})
}

// blockedText lists those who are blocked.
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
