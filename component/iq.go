package component

import (
	"strconv"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// An iqRoute says who answers an IQ of one namespace and element.
type iqRoute struct {
	get, set bool // the types that it answers
	// gateway and contact answer at once, on the reader's goroutine, an IQ to
	// the gateway's own address or to a contact's; nil where nothing is there
	// to ask. An answer is a payload, nil for an empty result, or an error.
	gateway func(*Component, *inbound, *element.Element) (*element.Element, *stanzaError)
	contact func(*Component, *inbound, *element.Element, legacy.Peer) (*element.Element, *stanzaError)
	// actor answers an IQ to the gateway's own address on the sender's actor,
	// at once or later. Beside gateway, it answers what names a node.
	actor func(*user, *request)
	// contactActor answers an IQ to a contact on the sender's actor.
	contactActor func(*user, *request, legacy.Peer)
}

type iqName struct{ space, name string }

// iqRoutes is every IQ that we answer with more than an error.
var iqRoutes = map[iqName]iqRoute{
	{xep.NSDiscoInfo, "query"}:    {get: true, gateway: (*Component).gatewayInfo, contact: (*Component).contactInfo},
	{xep.NSDiscoItems, "query"}:   {get: true, gateway: (*Component).noItems, actor: (*user).onItems, contact: (*Component).noContactItems},
	{xep.NSPing, "ping"}:          {get: true, gateway: (*Component).pong, contact: (*Component).pongContact},
	{xep.NSVersion, "query"}:      {get: true, gateway: (*Component).version, contactActor: (*user).onContactVersion},
	{xep.NSTime, "time"}:          {get: true, gateway: (*Component).time},
	{xep.NSLast, "query"}:         {get: true, gateway: (*Component).uptime, contactActor: (*user).onContactLast},
	{xep.NSVCard, "vCard"}:        {get: true, gateway: (*Component).vCard, contactActor: (*user).onContactVCard},
	{xep.NSVCard4, "vcard"}:       {get: true, gateway: (*Component).vCard4, contactActor: (*user).onContactVCard},
	{xep.NSPubSub, "pubsub"}:      {get: true, contactActor: (*user).onContactPubSub},
	{xep.NSSearch, "query"}:       {get: true, set: true, actor: (*user).onSearch},
	{xep.NSGateway, "query"}:      {get: true, set: true, gateway: (*Component).prompt},
	{xep.NSBlocking, "blocklist"}: {get: true, actor: (*user).onBlockList},
	{xep.NSBlocking, "block"}:     {set: true, actor: (*user).onBlockIQ},
	{xep.NSBlocking, "unblock"}:   {set: true, actor: (*user).onBlockIQ},
	{xep.NSRegister, "query"}:     {get: true, set: true, actor: (*user).onRegister},
	{xep.NSCommands, "command"}:   {set: true, actor: (*user).onCommand},
}

// iqSpaces are the namespaces of iqRoutes.
var iqSpaces = func() map[string]bool {
	spaces := make(map[string]bool)
	for n := range iqRoutes {
		spaces[n.space] = true
	}
	return spaces
}()

// dispatchIQ answers an IQ, or hands it to its sender's actor. Every get and set
// is answered exactly once. (RFC 6120 §8.2.3)
func (c *Component) dispatchIQ(st *inbound) {
	switch st.typ {
	case "get", "set":
	case "result", "error":
		if !c.answered(st) && c.hasActor(st.user) { // it may have asked
			c.toActor(st)
		}
		return
	default:
		c.log.Debug().Str("stanza_id", st.id).Msg("an iq of no known type")
		return
	}
	payload := st.First()
	if payload == nil || st.Count() != 1 || st.id == "" {
		c.refuse(st, errBadRequest)
		return
	}
	route, ok := iqRoutes[iqName{payload.Space, payload.Name}]
	if st.to.Local != "" && c.commandIQ(st, payload) {
		return
	}
	if peer, room := c.roomAt(st.to); room {
		c.roomIQ(st, payload, peer)
		return
	}
	if !ok {
		if iqSpaces[payload.Space] {
			c.refuse(st, errNotImplemented)
		} else {
			c.refuse(st, errServiceUnavail)
		}
		return
	}
	if st.to.Local != "" {
		c.contactIQ(st, route, payload)
		return
	}
	switch {
	case st.typ == "get" && !route.get, st.typ == "set" && !route.set:
		c.refuse(st, errNotImplemented.with("That can only be asked for, or only be set."))
	case payload.Is(xep.NSDiscoItems, "query") && c.info.Features.Has(legacy.FeatureRoomList) && payload.Attr("node") == "" && !c.serves(st.from):
		c.refuse(st, errNotForYou)
	case payload.Is(xep.NSDiscoItems, "query") && (c.info.Features.Has(legacy.FeatureRoomList) && st.from.Local != "" || c.info.Features.Has(legacy.FeatureRooms) && c.hasActor(st.user)):
		st.handle = route.actor
		c.toActor(st)
	case route.gateway != nil && (route.actor == nil || payload.Attr("node") == ""):
		c.answer(st, payload, route.gateway)
	case route.actor == nil:
		c.refuse(st, errServiceUnavail)
	case !c.serves(st.from):
		c.refuse(st, errNotForYou)
	default:
		st.handle = route.actor
		c.toActor(st)
	}
}

// commandIQ hands what is about the commands of a room, a person or a service to the
// sender's actor, and questions to a service. It is false for any other IQ.
func (c *Component) commandIQ(st *inbound, payload *element.Element) bool {
	peer, err := c.addressed(st.to)
	node := payload.Attr("node")
	switch {
	case err != nil:
		return false
	case payload.Is(xep.NSCommands, "command") && st.typ == "set":
		st.handle = (*user).onCommand
	case payload.Is(xep.NSDiscoInfo, "query") && st.typ == "get" && c.commandInfo(node, peer) != nil:
		c.result(st, c.commandInfo(node, peer))
		return true
	case payload.Is(xep.NSDiscoInfo, "query") && st.typ == "get" && peer.Service && node == "":
		c.result(st, c.serviceInfo(peer))
		return true
	case payload.Is(xep.NSVersion, "query") && st.typ == "get" && peer.Service:
		c.answer(st, payload, (*Component).version)
		return true
	case payload.Is(xep.NSDiscoItems, "query") && st.typ == "get" && (node != "" || peer.Service):
		st.handle = (*user).onItems
	default:
		return false
	}
	if !c.serves(st.from) {
		c.refuse(st, errNotForYou)
		return true
	}
	c.toActor(st)
	return true
}

// contactIQ answers an IQ to a contact's address.
func (c *Component) contactIQ(st *inbound, route iqRoute, payload *element.Element) {
	peer, err := c.peer(st.to)
	switch {
	case err != nil:
		c.refuse(st, translateError(err))
	case payload.Is(xep.NSDiscoInfo, "query") && st.typ == "get" && payload.Attr("node") == "" && c.hasActor(st.user):
		st.handle = func(u *user, r *request) { u.onContactInfo(r, peer) }
		c.toActor(st)
	case route.contactActor != nil && st.typ == "get":
		if !c.serves(st.from) {
			c.refuse(st, errNotForYou)
			return
		}
		st.handle = func(u *user, r *request) { route.contactActor(u, r, peer) }
		c.toActor(st)
	case route.contactActor != nil: // nobody changes another one's data (XEP-0054 §3.2)
		c.refuse(st, errForbidden.with(""))
	case route.contact == nil || st.typ == "set" && !route.set:
		c.refuse(st, errServiceUnavail)
	default:
		c.answer(st, payload, func(c *Component, st *inbound, q *element.Element) (*element.Element, *stanzaError) {
			return route.contact(c, st, q, peer)
		})
	}
}

// roomIQ answers an IQ to a room. Discovery works before joining.
// (XEP-0045 §6.4)
func (c *Component) roomIQ(st *inbound, payload *element.Element, peer legacy.Peer) {
	switch {
	case st.to.Resource == "" && st.typ == "get" && payload.Is(xep.NSDiscoInfo, "query") && payload.Attr("node") == "" && !c.knows(st.user):
		c.result(st, c.roomInfo(peer, nil, nil, c.archives()))
	case st.to.Resource == "" && st.typ == "get" && payload.Is(xep.NSVersion, "query"):
		c.answer(st, payload, (*Component).version)
	case st.to.Resource == "" && st.typ == "get" && payload.Is(xep.NSDiscoItems, "query") && payload.Attr("node") == "":
		c.result(st, element.New(xep.NSDiscoItems, "query"))
	case !c.serves(st.from):
		c.refuse(st, errNotForYou)
	default:
		st.handle = func(u *user, r *request) { u.onRoomIQ(r, peer) }
		c.toActor(st)
	}
}

// peer is the legacy address that a contact's JID stands for.
func (c *Component) peer(contact address.JID) (legacy.Peer, error) {
	p, err := c.parsePeer(contact.Local)
	if err == nil && p.Room {
		err = legacy.Errorf(legacy.NotFound, "There are no rooms here.")
	}
	return p, err
}

// contactJID is the JID that a legacy address is shown as.
func (c *Component) contactJID(peer string) string {
	if peer == "" {
		return c.domain
	}
	return c.localOf(peer) + "@" + c.domain
}

// full is a contact's or the gateway's bare JID with the resource that its presence and
// its messages come from: clients show whom they know no resource of as offline. None of
// the networks tells several places of one person apart. (RFC 6121 §4.4.2, XEP-0085 §5.1)
func (c *Component) full(bare string) string { return bare + "/" + c.info.Type }

func (c *Component) answer(st *inbound, payload *element.Element,
	handle func(*Component, *inbound, *element.Element) (*element.Element, *stanzaError)) {
	result, why := handle(c, st, payload)
	if why != nil {
		c.refuse(st, *why)
		return
	}
	c.result(st, result)
}

// result answers an IQ with a result, whose payload may be nil.
func (c *Component) result(st *inbound, payload *element.Element) {
	reply := element.New(nsStanza, "iq").Set("type", "result")
	c.address(reply, st)
	c.send(reply.Add(payload))
}

// pong answers a ping; for a contact it says that the gateway is there.
// (XEP-0199 §4.4)
func (c *Component) pong(*inbound, *element.Element) (*element.Element, *stanzaError) {
	return nil, nil
}

func (c *Component) pongContact(*inbound, *element.Element, legacy.Peer) (*element.Element, *stanzaError) {
	return nil, nil
}

// version tells what software this is. (XEP-0092 §2)
func (c *Component) version(*inbound, *element.Element) (*element.Element, *stanzaError) {
	version := c.cfg.Version
	if version == "" {
		version = "unknown"
	}
	return element.New(xep.NSVersion, "query").
		Add(element.New(xep.NSVersion, "name").AddText("transport")).
		Add(element.New(xep.NSVersion, "version").AddText(version)), nil
}

// time tells the gateway's clock, in UTC. (XEP-0202 §2)
func (c *Component) time(*inbound, *element.Element) (*element.Element, *stanzaError) {
	return element.New(xep.NSTime, "time").
		Add(element.New(xep.NSTime, "tzo").AddText("Z")).
		Add(element.New(xep.NSTime, "utc").AddText(xep.Stamp(c.clock.Now()))), nil
}

// uptime tells how long the gateway has been running. (XEP-0012 §4)
func (c *Component) uptime(*inbound, *element.Element) (*element.Element, *stanzaError) {
	up := c.clock.Now().Sub(c.started) / time.Second
	return element.New(xep.NSLast, "query").Set("seconds", strconv.FormatInt(int64(up), 10)), nil
}

// vCard tells what the gateway is called. (XEP-0054 §3.1)
func (c *Component) vCard(*inbound, *element.Element) (*element.Element, *stanzaError) {
	return element.New(xep.NSVCard, "vCard").
		Add(element.New(xep.NSVCard, "FN").AddText(c.cfg.Name)).
		Add(element.New(xep.NSVCard, "NICKNAME").AddText(c.cfg.Name)), nil
}

// vCard4 is vCard in the newer form. (XEP-0292 §4)
func (c *Component) vCard4(*inbound, *element.Element) (*element.Element, *stanzaError) {
	const ns = xep.NSVCard4
	return element.New(ns, "vcard").
		Add(element.New(ns, "kind").Add(element.New(ns, "text").AddText("application"))).
		Add(element.New(ns, "fn").Add(element.New(ns, "text").AddText(c.cfg.Name))), nil
}

// prompt turns a legacy address into a JID. (XEP-0100 §6.3)
func (c *Component) prompt(st *inbound, q *element.Element) (*element.Element, *stanzaError) {
	answer := element.New(xep.NSGateway, "query")
	room := ""
	if c.info.RoomName != "" {
		room = ", or the room's name, as " + c.info.RoomName
	}
	if st.typ == "get" {
		return answer.
			Add(element.New(xep.NSGateway, "desc").AddText("Enter the " + c.info.PeerName + " of the person whom you want to add" + room + ".")).
			Add(element.New(xep.NSGateway, "prompt").AddText(c.info.PeerName)), nil
	}
	p := q.Child(xep.NSGateway, "prompt")
	if p == nil {
		return nil, &errBadRequest
	}
	peer, err := c.cfg.Network.ParsePeer(p.Text())
	if err != nil {
		why := translateError(err)
		return nil, &why
	}
	return answer.Add(element.New(xep.NSGateway, "jid").AddText(c.contactJID(peer.ID))), nil
}
