package component

import (
	"strconv"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// iqRoute is the handlers of one IQ payload.
type iqRoute struct {
	get, set bool // the types that it answers
	// gateway and contact answer at once, on the reader's goroutine, an IQ to
	// the gateway's own address or to a contact's; nil where nothing is there
	// to ask. An answer is a payload, nil for an empty result, or an error.
	gateway func(*Component, *stanza.Inbound, *element.Element) (*element.Element, *stanza.Error)
	contact func(*Component, *stanza.Inbound, *element.Element, legacy.Peer) (*element.Element, *stanza.Error)
	// actor answers an IQ to the gateway's own address on the sender's actor,
	// at once or later. Beside gateway, it answers what names a node.
	actor func(*user, *stanza.Request)
	// contactActor answers an IQ to a contact on the sender's actor.
	contactActor func(*user, *stanza.Request, legacy.Peer)
}

type iqName struct{ space, name string }

// iqRoutes has every IQ payload that we answer with more than an error.
var iqRoutes = map[iqName]iqRoute{
	{xep.NSDiscoInfo, "query"}:    {get: true, gateway: (*Component).gatewayInfo, contact: (*Component).contactInfo},
	{xep.NSDiscoItems, "query"}:   {get: true, gateway: (*Component).noItems, actor: func(u *user, r *stanza.Request) { u.commands.onItems(r) }, contact: (*Component).noContactItems},
	{xep.NSPing, "ping"}:          {get: true, gateway: (*Component).pong, contact: (*Component).pongContact},
	{xep.NSVersion, "query"}:      {get: true, gateway: (*Component).version, contactActor: func(u *user, r *stanza.Request, peer legacy.Peer) { u.calls.onContactVersion(r, peer) }},
	{xep.NSTime, "time"}:          {get: true, gateway: (*Component).time},
	{xep.NSLast, "query"}:         {get: true, gateway: (*Component).uptime, contactActor: func(u *user, r *stanza.Request, peer legacy.Peer) { u.calls.onContactLast(r, peer) }},
	{xep.NSVCard, "vCard"}:        {get: true, gateway: (*Component).vCard, contactActor: func(u *user, r *stanza.Request, peer legacy.Peer) { u.calls.onContactVCard(r, peer) }},
	{xep.NSVCard4, "vcard"}:       {get: true, gateway: (*Component).vCard4, contactActor: func(u *user, r *stanza.Request, peer legacy.Peer) { u.calls.onContactVCard(r, peer) }},
	{xep.NSPubSub, "pubsub"}:      {get: true, contactActor: func(u *user, r *stanza.Request, peer legacy.Peer) { u.roster.onContactPubSub(r, peer) }},
	{xep.NSSearch, "query"}:       {get: true, set: true, actor: func(u *user, r *stanza.Request) { u.calls.onSearch(r) }},
	{xep.NSGateway, "query"}:      {get: true, set: true, gateway: (*Component).prompt},
	{xep.NSBlocking, "blocklist"}: {get: true, actor: func(u *user, r *stanza.Request) { u.roster.onBlockList(r) }},
	{xep.NSBlocking, "block"}:     {set: true, actor: func(u *user, r *stanza.Request) { u.roster.onBlockIQ(r) }},
	{xep.NSBlocking, "unblock"}:   {set: true, actor: func(u *user, r *stanza.Request) { u.roster.onBlockIQ(r) }},
	{xep.NSRegister, "query"}:     {get: true, set: true, actor: func(u *user, r *stanza.Request) { u.account.onRegister(r) }},
	{xep.NSCommands, "command"}:   {set: true, actor: func(u *user, r *stanza.Request) { u.commands.onCommand(r) }},
}

// iqSpaces are the namespaces of iqRoutes.
var iqSpaces = func() map[string]bool {
	spaces := make(map[string]bool)
	for n := range iqRoutes {
		spaces[n.space] = true
	}
	return spaces
}()

// dispatchIQ answers an IQ or queues it for its sender's actor. Every get and set is
// answered exactly once. (RFC 6120 §8.2.3)
func (c *Component) dispatchIQ(st *stanza.Inbound) {
	switch st.Type {
	case "get", "set":
	case "result", "error":
		if !c.deliverReply(st) && c.hasActor(st.User) { // it may have asked
			c.toActor(st, nil)
		}
		return
	default:
		c.log.Debug().Str("stanza_id", st.ID).Msg("an iq of no known type")
		return
	}
	payload := st.First()
	if payload == nil || st.Count() != 1 || st.ID == "" {
		st.Refuse(stanza.ErrBadRequest)
		return
	}
	route, ok := iqRoutes[iqName{payload.Space, payload.Name}]
	if st.To.Local != "" && c.commandIQ(st, payload) {
		return
	}
	if peer, room := c.peers.Room(st.To); room {
		c.roomIQ(st, payload, peer)
		return
	}
	if !ok {
		if iqSpaces[payload.Space] {
			st.Refuse(stanza.ErrNotImplemented)
		} else {
			st.Refuse(stanza.ErrServiceUnavail)
		}
		return
	}
	if st.To.Local != "" {
		c.contactIQ(st, route, payload)
		return
	}
	switch {
	case st.Type == "get" && !route.get, st.Type == "set" && !route.set:
		st.Refuse(stanza.ErrNotImplemented.With("This query does not support that IQ type."))
	case payload.Is(xep.NSDiscoItems, "query") && c.info.Features.Has(legacy.FeatureRoomList) && payload.Attr("node") == "" && !c.serves(st.From):
		st.Refuse(stanza.ErrNotForYou)
	case payload.Is(xep.NSDiscoItems, "query") && (c.info.Features.Has(legacy.FeatureRoomList) && st.From.Local != "" || c.info.Features.Has(legacy.FeatureRooms) && c.hasActor(st.User)):
		c.toActor(st, route.actor)
	case route.gateway != nil && (route.actor == nil || payload.Attr("node") == ""):
		c.answer(st, payload, route.gateway)
	case route.actor == nil:
		st.Refuse(stanza.ErrServiceUnavail)
	case !c.serves(st.From):
		st.Refuse(stanza.ErrNotForYou)
	default:
		c.toActor(st, route.actor)
	}
}

// commandIQ handles IQs about the commands of a room, a person or a service, and queries
// of a service. It returns false for any other IQ.
func (c *Component) commandIQ(st *stanza.Inbound, payload *element.Element) bool {
	peer, err := c.peers.At(st.To)
	node := payload.Attr("node")
	var handle func(*user, *stanza.Request)
	switch {
	case err != nil:
		return false
	case payload.Is(xep.NSCommands, "command") && st.Type == "set":
		handle = func(u *user, r *stanza.Request) { u.commands.onCommand(r) }
	case payload.Is(xep.NSDiscoInfo, "query") && st.Type == "get" && c.commands.Info(node, peer) != nil:
		st.Result(c.commands.Info(node, peer))
		return true
	case payload.Is(xep.NSDiscoInfo, "query") && st.Type == "get" && peer.Service && node == "":
		st.Result(c.serviceInfo(peer))
		return true
	case payload.Is(xep.NSVersion, "query") && st.Type == "get" && peer.Service:
		c.answer(st, payload, (*Component).version)
		return true
	case payload.Is(xep.NSDiscoItems, "query") && st.Type == "get" && (node != "" || peer.Service):
		handle = func(u *user, r *stanza.Request) { u.commands.onItems(r) }
	default:
		return false
	}
	if !c.serves(st.From) {
		st.Refuse(stanza.ErrNotForYou)
		return true
	}
	c.toActor(st, handle)
	return true
}

// contactIQ answers an IQ to a contact's address.
func (c *Component) contactIQ(st *stanza.Inbound, route iqRoute, payload *element.Element) {
	peer, err := c.peers.Contact(st.To)
	switch {
	case err != nil:
		st.Refuse(stanza.Translate(err))
	case payload.Is(xep.NSDiscoInfo, "query") && st.Type == "get" && payload.Attr("node") == "" && c.hasActor(st.User):
		c.toActor(st, func(u *user, r *stanza.Request) { u.roster.onContactInfo(r, peer) })
	case route.contactActor != nil && st.Type == "get":
		if !c.serves(st.From) {
			st.Refuse(stanza.ErrNotForYou)
			return
		}
		c.toActor(st, func(u *user, r *stanza.Request) { route.contactActor(u, r, peer) })
	case route.contactActor != nil: // nobody changes another one's data (XEP-0054 §3.2)
		st.Refuse(stanza.ErrForbidden.With(""))
	case route.contact == nil || st.Type == "set" && !route.set:
		st.Refuse(stanza.ErrServiceUnavail)
	default:
		c.answer(st, payload, func(c *Component, st *stanza.Inbound, q *element.Element) (*element.Element, *stanza.Error) {
			return route.contact(c, st, q, peer)
		})
	}
}

// roomIQ answers an IQ to a room. Discovery works before joining.
// (XEP-0045 §6.4)
func (c *Component) roomIQ(st *stanza.Inbound, payload *element.Element, peer legacy.Peer) {
	switch {
	case st.To.Resource == "" && st.Type == "get" && payload.Is(xep.NSDiscoInfo, "query") && payload.Attr("node") == "" && !c.knows(st.User):
		st.Result(c.rooms.Info(peer))
	case st.To.Resource == "" && st.Type == "get" && payload.Is(xep.NSVersion, "query"):
		c.answer(st, payload, (*Component).version)
	case st.To.Resource == "" && st.Type == "get" && payload.Is(xep.NSDiscoItems, "query") && payload.Attr("node") == "":
		st.Result(element.New(xep.NSDiscoItems, "query"))
	case !c.serves(st.From):
		st.Refuse(stanza.ErrNotForYou)
	default:
		c.toActor(st, func(u *user, r *stanza.Request) { u.rooms.onRoomIQ(r, peer) })
	}
}

func (c *Component) answer(st *stanza.Inbound, payload *element.Element,
	handle func(*Component, *stanza.Inbound, *element.Element) (*element.Element, *stanza.Error)) {
	result, why := handle(c, st, payload)
	if why != nil {
		st.Refuse(*why)
		return
	}
	st.Result(result)
}

// pong answers a ping. For a contact it means that the gateway is running. (XEP-0199
// §4.4)
func (c *Component) pong(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	return nil, nil
}

func (c *Component) pongContact(*stanza.Inbound, *element.Element, legacy.Peer) (*element.Element, *stanza.Error) {
	return nil, nil
}

// version answers a query for the gateway's software version. (XEP-0092 §2)
func (c *Component) version(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	version := c.cfg.Version
	if version == "" {
		version = "unknown"
	}
	return element.New(xep.NSVersion, "query").
		Add(element.New(xep.NSVersion, "name").AddText("transport")).
		Add(element.New(xep.NSVersion, "version").AddText(version)), nil
}

// time answers with the gateway's time, in UTC. (XEP-0202 §2)
func (c *Component) time(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	return element.New(xep.NSTime, "time").
		Add(element.New(xep.NSTime, "tzo").AddText("Z")).
		Add(element.New(xep.NSTime, "utc").AddText(xep.Stamp(c.clock.Now()))), nil
}

// uptime answers with the gateway's uptime in seconds. (XEP-0012 §4)
func (c *Component) uptime(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	up := c.clock.Now().Sub(c.started) / time.Second
	return element.New(xep.NSLast, "query").Set("seconds", strconv.FormatInt(int64(up), 10)), nil
}

// vCard answers with the gateway's name. (XEP-0054 §3.1)
func (c *Component) vCard(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	return element.New(xep.NSVCard, "vCard").
		Add(element.New(xep.NSVCard, "FN").AddText(c.cfg.Name)).
		Add(element.New(xep.NSVCard, "NICKNAME").AddText(c.cfg.Name)), nil
}

// vCard4 is vCard in the newer form. (XEP-0292 §4)
func (c *Component) vCard4(*stanza.Inbound, *element.Element) (*element.Element, *stanza.Error) {
	const ns = xep.NSVCard4
	return element.New(ns, "vcard").
		Add(element.New(ns, "kind").Add(element.New(ns, "text").AddText("application"))).
		Add(element.New(ns, "fn").Add(element.New(ns, "text").AddText(c.cfg.Name))), nil
}

// prompt translates a legacy address to a JID. (XEP-0100 §6.3)
func (c *Component) prompt(st *stanza.Inbound, q *element.Element) (*element.Element, *stanza.Error) {
	answer := element.New(xep.NSGateway, "query")
	room := ""
	if c.info.RoomName != "" {
		room = ", or the room's name, as " + c.info.RoomName
	}
	if st.Type == "get" {
		return answer.
			Add(element.New(xep.NSGateway, "desc").AddText("Enter the " + c.info.PeerName + " of the person whom you want to add" + room + ".")).
			Add(element.New(xep.NSGateway, "prompt").AddText(c.info.PeerName)), nil
	}
	p := q.Child(xep.NSGateway, "prompt")
	if p == nil {
		return nil, &stanza.ErrBadRequest
	}
	peer, err := c.cfg.Network.ParsePeer(p.Text())
	if err != nil {
		why := stanza.Translate(err)
		return nil, &why
	}
	return answer.Add(element.New(xep.NSGateway, "jid").AddText(c.peers.JID(peer.ID))), nil
}
