package component

import (
	"maps"
	"slices"
	"strings"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// The user can block people on the network by commands of the gateway, by words,
// and by the IQs of XEP-0191 that a client sends to the gateway itself. The
// network keeps the list; what it lets through all the same is not shown.

const maxBlocking = 64 // peers that wait for the network at once

// blockWaiter waits until a peer is blocked, or is not.
type blockWaiter struct {
	blocked bool
	done    func(error)
}

// setBlocked takes over the network's list.
func (u *user) setBlocked(list []legacy.Peer) {
	clear(u.blocked)
	for _, p := range list {
		if len(u.blocked) < maxContacts {
			put(&u.blocked, p.ID, true)
		}
	}
}

// changeBlocks asks the network to block peers, or not to, one after the other.
// then learns that all are done, or the first error.
func (u *user) changeBlocks(peers []legacy.Peer, blocked bool, then func(error)) {
	blocker, ok := u.legacySession().(legacy.Blocker)
	switch {
	case len(peers) == 0:
		then(nil)
		return
	case !ok:
		then(legacy.Errorf(legacy.Offline, "%s", u.stateText()))
		return
	case len(u.blocking) >= maxBlocking:
		then(legacy.Errorf(legacy.RateLimited, "Too much at once. Try again in a moment."))
		return
	}
	p := peers[0]
	if err := blocker.Block(u.ctx, p, blocked); err != nil {
		then(err)
		return
	}
	put(&u.blocking, p.ID, append(u.blocking[p.ID], blockWaiter{blocked, func(err error) {
		if err != nil {
			then(err)
			return
		}
		u.changeBlocks(peers[1:], blocked, then)
	}}))
}

// onBlockChanged: the network's list changed, or did not as it should have.
func (u *user) onBlockChanged(ev legacy.BlockChanged) {
	if ev.Peer.ID == "" {
		return
	}
	before := u.blocked[ev.Peer.ID]
	switch {
	case !ev.Blocked:
		delete(u.blocked, ev.Peer.ID)
	case len(u.blocked) < maxContacts:
		put(&u.blocked, ev.Peer.ID, true)
	}
	if ct := u.contacts[ev.Peer.ID]; ct != nil && ev.Blocked != before && ct.Subscription.Has(registry.To) {
		ct.unshown = u.sendContactPresence(ct, u.bare, "") != nil
	}
	waiting := u.blocking[ev.Peer.ID]
	delete(u.blocking, ev.Peer.ID)
	for _, w := range waiting {
		if ev.Err == nil && ev.Blocked != w.blocked { // another client did the contrary before
			put(&u.blocking, ev.Peer.ID, append(u.blocking[ev.Peer.ID], w))
			continue
		}
		w.done(ev.Err)
	}
	u.sweep()
}

// failBlocking answers those who wait for a network that is gone.
func (u *user) failBlocking() {
	waiting := u.blocking
	u.blocking = nil
	for _, peer := range waiting {
		for _, w := range peer {
			w.done(legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed that."))
		}
	}
}

// onBlockList answers whom the user has blocked. (XEP-0191 §3.1)
func (u *user) onBlockList(r *request) {
	if !u.mayBlock(r) {
		return
	}
	list := element.New(xep.NSBlocking, "blocklist")
	for _, id := range slices.Sorted(maps.Keys(u.blocked)) {
		list.Add(element.New(xep.NSBlocking, "item").Set("jid", u.c.contactJID(id)))
	}
	u.reply(r, list)
}

// onBlockIQ blocks those whom an IQ names, or unblocks them; to unblock none is to
// unblock all. (XEP-0191 §3.2 to §3.4) No push follows: a client takes it from its
// own server only (§3.2).
func (u *user) onBlockIQ(r *request) {
	if !u.mayBlock(r) {
		return
	}
	blocked := r.payload.Name == "block"
	var peers []legacy.Peer
	for item := range r.payload.Children(xep.NSBlocking, "item") {
		jid, err := address.Parse(item.Attr("jid"))
		if err != nil {
			u.fail(r, errJIDMalformed)
			return
		}
		peer, err := u.c.peer(jid)
		switch {
		case jid.Domain != u.c.domain || jid.Local == "":
			u.fail(r, errItemNotFound.with("Only people on "+u.c.cfg.Name+" can be blocked here."))
			return
		case err != nil:
			u.fail(r, translateError(err))
			return
		}
		peers = append(peers, peer)
	}
	switch {
	case len(peers) == 0 && blocked: // XEP-0191 §3.3
		u.fail(r, errBadRequest)
		return
	case len(peers) == 0:
		for id := range u.blocked {
			peers = append(peers, legacy.Peer{ID: id})
		}
	}
	u.changeBlocks(peers, blocked, func(err error) {
		if err != nil {
			u.fail(r, translateError(err))
			return
		}
		u.reply(r, nil)
	})
}

// mayBlock reports whether a list is there to be asked for or changed; else it
// says why not.
func (u *user) mayBlock(r *request) bool {
	switch {
	case !u.c.info.Features.Has(legacy.FeatureBlocking):
		u.fail(r, errServiceUnavail)
	case u.account == nil:
		u.fail(r, errRegisterFirst)
	case u.legacySession() == nil:
		u.fail(r, u.notOnline())
	default:
		return true
	}
	return false
}

// peerByText is whom the user means, by an address of the network's or a JID here.
func (u *user) peerByText(text string) (legacy.Peer, error) {
	p, err := u.anyPeerByText(text)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "That is a room.")
	}
	return p, err
}

// anyPeerByText is the same, of rooms and services as well.
func (u *user) anyPeerByText(text string) (legacy.Peer, error) {
	text = strings.TrimSpace(text)
	if jid, err := address.Parse(text); err == nil && jid.Domain == u.c.domain && jid.Local != "" {
		return u.c.parsePeer(jid.Local)
	}
	return u.c.cfg.Network.ParsePeer(text)
}

// blockPeer blocks or unblocks whom a text names, and says what came of it.
func (u *user) blockPeer(text string, blocked bool, then func(said string, why *stanzaError)) {
	peer, err := u.peerByText(text)
	if err != nil {
		why := translateError(err)
		why.Field = "peer"
		then("", &why)
		return
	}
	u.changeBlocks([]legacy.Peer{peer}, blocked, func(err error) {
		switch {
		case err != nil:
			why := translateError(err)
			then("", &why)
		case blocked:
			then(peer.ID+" is blocked.", nil)
		default:
			then(peer.ID+" is not blocked.", nil)
		}
	})
}

// askBlock asks whom to block.
func (u *user) askBlock(x *execution) {
	asked := xep.NewForm("form", "", "Block somebody", "They can neither write to you nor see when you are online.").
		Add(xep.Required(xep.NewField("peer", "text-single", u.c.info.PeerName)))
	u.questions(x, asked, true, func(u *user, x *execution, values map[string][]string) {
		u.onBlockAnswers(x, values, true)
	})
}

// askUnblock asks whom to unblock, of those who are blocked.
func (u *user) askUnblock(x *execution) {
	typ := "list-single"
	if x.request.words { // they may be named by any of their addresses
		typ = "text-single"
	}
	field := xep.Required(xep.NewField("peer", typ, u.c.info.PeerName))
	for _, id := range slices.Sorted(maps.Keys(u.blocked)) {
		xep.Option(field, id, id)
	}
	if len(u.blocked) == 0 {
		u.complete(x, "info", "You have blocked nobody.", nil)
		return
	}
	u.questions(x, xep.NewForm("form", "", "Unblock somebody", "").Add(field), true, func(u *user, x *execution, values map[string][]string) {
		u.onBlockAnswers(x, values, false)
	})
}

func (u *user) onBlockAnswers(x *execution, values map[string][]string, blocked bool) {
	var peer string
	if given := values["peer"]; len(given) > 0 {
		peer = given[0]
	}
	u.blockPeer(peer, blocked, func(said string, why *stanzaError) {
		if why != nil {
			u.refuse(x, *why)
			return
		}
		u.complete(x, "info", said, nil)
	})
}

// blockedText lists those who are blocked.
func (u *user) blockedText() (string, *stanzaError) {
	if u.legacySession() == nil {
		why := u.notOnline()
		return "", &why
	}
	if len(u.blocked) == 0 {
		return "You have blocked nobody.", nil
	}
	return "You have blocked:\n" + strings.Join(slices.Sorted(maps.Keys(u.blocked)), "\n"), nil
}
