package component

import (
	"slices"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// capsNode identifies the software in entity capabilities. The program has no web page;
// this one describes gateways. (XEP-0115 §4)
const capsNode = "https://xmpp.org/extensions/xep-0100.html"

// discoAnswers are the disco#info results that are the same for all users. They change
// with the policy only.
type discoAnswers struct {
	gateway, contact discoAnswer
	untyped          discoAnswer // of contacts whose clients send no typing notifications
	occupant         discoAnswer // of a contact as an occupant of a room, whose ping is not answered (XEP-0410 §3)
}

type discoAnswer struct {
	query *element.Element   // without a node
	nodes []string           // the nodes of its hashes
	caps  []*element.Element // the payload of presence
}

func newDiscoAnswers(c *Component, p *Policy) *discoAnswers {
	gateway := []string{
		xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSRegister, xep.NSGateway, xep.NSEscaping,
		xep.NSPing, xep.NSVersion, xep.NSTime, xep.NSLast, xep.NSVCard, xep.NSVCard4, xep.NSCaps, xep.NSCaps2, xep.NSCommands, xep.NSRosterX,
	}
	identities := []*element.Element{identity("gateway", c.info.Type, c.cfg.Name)}
	if c.info.Features.Has(legacy.FeatureRooms) { // clients offer to join rooms, and to list them, where that is
		gateway = append(gateway, xep.NSMUC)
		identities = append(identities, xep.ConferenceIdentity(c.cfg.Name))
	}
	if c.info.Features.Has(legacy.FeatureRoomList) {
		gateway = append(gateway, xep.NSRSM)
	}
	if c.info.Features.Has(legacy.FeatureSearch) {
		gateway = append(gateway, xep.NSSearch)
	}
	if c.info.Features.Has(legacy.FeatureBlocking) {
		gateway = append(gateway, xep.NSBlocking)
	}
	contact := []string{xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSPing, xep.NSCaps, xep.NSCaps2, xep.NSLast, xep.NSVCard, xep.NSVCard4, xep.NSCommands}
	if c.info.Features.Has(legacy.FeatureVersion) {
		contact = append(contact, xep.NSVersion)
	}
	if c.info.Features.Has(legacy.FeatureTyping) {
		contact = append(contact, xep.NSChatStates)
	}
	if c.info.Features.Has(legacy.FeatureReadMarkers) {
		contact = append(contact, xep.NSChatMarkers)
	}
	if c.info.Features.Has(legacy.FeatureMarkup) {
		contact = append(contact, xep.NSXHTMLIM)
	}
	if c.info.Features.Has(legacy.FeatureReceipts) {
		contact = append(contact, xep.NSReceipts)
	}
	client := identity("client", "pc", c.cfg.Name)
	without := func(feature string) []string {
		return slices.DeleteFunc(slices.Clone(contact), func(f string) bool { return f == feature })
	}
	return &discoAnswers{
		gateway: newDiscoAnswer(gateway, append(identities, serverInfo(p))...),
		contact: newDiscoAnswer(contact, client),
		untyped: newDiscoAnswer(without(xep.NSChatStates), client), occupant: newDiscoAnswer(without(xep.NSPing), client),
	}
}

// of returns the answer for a contact with a presence.
func (a *discoAnswers) of(p legacy.Presence) discoAnswer {
	if p.NoTyping {
		return a.untyped
	}
	return a.contact
}

func identity(category, typ, name string) *element.Element {
	return element.New(xep.NSDiscoInfo, "identity").Set("category", category).Set("type", typ).Set("name", name)
}

// newDiscoAnswer returns an answer with features, identities and forms. Nil elements are
// left out.
func newDiscoAnswer(features []string, others ...*element.Element) discoAnswer {
	query := element.New(xep.NSDiscoInfo, "query").Add(others...)
	for _, f := range features {
		query.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", f))
	}
	return discoAnswer{
		query: query,
		nodes: []string{capsNode + "#" + xep.CapsVer(query), xep.CapsNode(xep.CapsHash(query))},
		caps:  xep.Caps(capsNode, query),
	}
}

// serverInfo returns the contact addresses of the administrators, nil if there are none.
// (XEP-0157 §3)
func serverInfo(p *Policy) *element.Element {
	if len(p.Admins) == 0 {
		return nil
	}
	to := xep.NewField("admin-addresses", "list-multi", "")
	for _, admin := range p.Admins {
		to.Add(element.New(xep.NSDataForm, "value").AddText("xmpp:" + admin))
	}
	return xep.NewForm("result", "http://jabber.org/network/serverinfo", "", "").Add(to)
}

// reply is the answer to a query of a node: none, or that of our capabilities.
// (XEP-0030 §3.2, XEP-0115 §6.2, XEP-0390 §6)
func (a discoAnswer) reply(q *element.Element) (*element.Element, *stanza.Error) {
	node := q.Attr("node")
	if node == "" {
		return a.query, nil
	}
	if !slices.Contains(a.nodes, node) {
		return nil, &stanza.ErrItemNotFound
	}
	return a.query.Clone().Set("node", node), nil
}
func (c *Component) gatewayInfo(_ *stanza.Inbound, q *element.Element) (*element.Element, *stanza.Error) {
	if info := c.commands.Info(q.Attr("node"), legacy.Peer{}); info != nil {
		return info, nil
	}
	return c.disco.Load().gateway.reply(q)
}

// contactInfo answers a contact's disco#info as far as the result is the same for all
// contacts or requested by its hash.
func (c *Component) contactInfo(_ *stanza.Inbound, q *element.Element, _ legacy.Peer) (*element.Element, *stanza.Error) {
	if x, why := c.disco.Load().untyped.reply(q); why == nil && q.Attr("node") != "" {
		return x, nil
	}
	return c.disco.Load().contact.reply(q)
}

// onContactInfo answers a contact's disco#info for a subscriber.
func (ro *roster) onContactInfo(r *stanza.Request, peer legacy.Peer) {
	answer := ro.u.c.disco.Load().contact
	if ct, ok := ro.canSee(peer); ok && ct.Subscription.Has(registry.To) && !ro.blocked[ct.Peer] {
		answer = ro.u.c.disco.Load().of(ct.presence)
	}
	x, why := answer.reply(r.Payload)
	if why != nil {
		r.Fail(*why)
		return
	}
	r.Reply(x)
}

func (c *Component) noItems(_ *stanza.Inbound, q *element.Element) (*element.Element, *stanza.Error) {
	return noItems(q)
}

// noItems answers disco#items where there is nothing to list. (XEP-0030 §4.1)
func noItems(q *element.Element) (*element.Element, *stanza.Error) {
	if q.Attr("node") != "" {
		return nil, &stanza.ErrItemNotFound
	}
	return element.New(xep.NSDiscoItems, "query"), nil
}

func (c *Component) noContactItems(_ *stanza.Inbound, q *element.Element, _ legacy.Peer) (*element.Element, *stanza.Error) {
	return noItems(q)
}
