package component

import (
	"crypto/sha1" //nolint:gosec // what XEP-0115 prescribes
	"slices"
	"strings"

	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/disco/info"
	"mellium.im/xmpp/form"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// capsNode names this program in entity capabilities. (XEP-0115 §4)
const capsNode = "https://transport.invalid/caps"

// discoAnswers are the answers to disco#info, which never change.
type discoAnswers struct {
	gateway, contact discoAnswer
	untyped          discoAnswer // of contacts whose clients do not tell of typing
}

type discoAnswer struct {
	query *element.Element // without a node
	ver   string           // its hash
	caps  *element.Element // the <c/> that presence carries
}

func newDiscoAnswers(c *Component) (a discoAnswers, err error) {
	gateway := []string{
		xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSRegister, xep.NSGateway, xep.NSEscaping,
		xep.NSPing, xep.NSVersion, xep.NSTime, xep.NSLast, xep.NSVCard, xep.NSVCard4, xep.NSCaps, xep.NSCommands, xep.NSRosterX,
	}
	if c.info.Features.Has(legacy.FeatureRooms) {
		gateway = append(gateway, xep.NSMUC)
	}
	if c.info.Features.Has(legacy.FeatureSearch) {
		gateway = append(gateway, xep.NSSearch)
	}
	if c.info.Features.Has(legacy.FeatureBlocking) {
		gateway = append(gateway, xep.NSBlocking)
	}
	a.gateway, err = newDiscoAnswer(info.Identity{Category: "gateway", Type: c.info.Type, Name: c.cfg.Name}, gateway, c.serverInfo()...)
	if err != nil {
		return a, err
	}
	contact := []string{xep.NSDiscoInfo, xep.NSDiscoItems, xep.NSPing, xep.NSCaps, xep.NSLast, xep.NSVCard, xep.NSVCard4}
	if c.info.Features.Has(legacy.FeatureTyping) {
		contact = append(contact, xep.NSChatStates)
	}
	if c.info.Features.Has(legacy.FeatureMarkup) {
		contact = append(contact, xep.NSXHTMLIM)
	}
	if c.info.Features.Has(legacy.FeatureReceipts) {
		contact = append(contact, xep.NSReceipts)
	}
	client := info.Identity{Category: "client", Type: "pc", Name: c.cfg.Name}
	if a.contact, err = newDiscoAnswer(client, contact); err != nil {
		return a, err
	}
	a.untyped, err = newDiscoAnswer(client, slices.DeleteFunc(slices.Clone(contact), func(f string) bool { return f == xep.NSChatStates }))
	return a, err
}

// of is what is said of a contact.
func (a *discoAnswers) of(p legacy.Presence) discoAnswer {
	if p.Untyped {
		return a.untyped
	}
	return a.contact
}

func newDiscoAnswer(id info.Identity, features []string, forms ...form.Data) (discoAnswer, error) {
	in := disco.Info{Identity: []info.Identity{id}, Form: forms}
	for _, f := range features {
		in.Features = append(in.Features, info.Feature{Var: f})
	}
	query, err := element.FromTokens(in.TokenReader())
	if err != nil {
		return discoAnswer{}, err
	}
	ver := in.Hash(sha1.New())
	return discoAnswer{
		query: query,
		ver:   ver,
		caps:  element.New(xep.NSCaps, "c").Set("hash", "sha-1").Set("node", capsNode).Set("ver", ver),
	}, nil
}

// serverInfo tells whom to turn to: the administrators. (XEP-0157 §3)
func (c *Component) serverInfo() []form.Data {
	var to []form.Option
	for _, admin := range c.policy.Load().Admins {
		to = append(to, form.Value("xmpp:"+admin))
	}
	if to == nil {
		return nil
	}
	return []form.Data{*form.New(form.Result, form.Hidden("FORM_TYPE", form.Value("http://jabber.org/network/serverinfo")),
		form.ListMulti("admin-addresses", to...))}
}

// reply is the answer to a query of a node: none, or that of our capabilities.
// (XEP-0030 §3.2, XEP-0115 §6.2)
func (a discoAnswer) reply(q *element.Element) (*element.Element, *stanzaError) {
	node := q.Attr("node")
	if node == "" {
		return a.query, nil
	}
	if ver, ok := strings.CutPrefix(node, capsNode+"#"); !ok || ver != a.ver {
		return nil, &errItemNotFound
	}
	return a.query.Clone().Set("node", node), nil
}

func (c *Component) gatewayInfo(_ *inbound, q *element.Element) (*element.Element, *stanzaError) {
	if info := c.commandInfo(q.Attr("node"), legacy.Peer{}); info != nil {
		return info, nil
	}
	return c.disco.gateway.reply(q)
}

// contactInfo answers what a contact's client can, as far as that is the same for all,
// or asked for by its hash.
func (c *Component) contactInfo(_ *inbound, q *element.Element, _ legacy.Peer) (*element.Element, *stanzaError) {
	if x, why := c.disco.untyped.reply(q); why == nil && q.Attr("node") != "" {
		return x, nil
	}
	return c.disco.contact.reply(q)
}

// onContactInfo answers what a contact's client can, to those who see them.
func (u *user) onContactInfo(r *request, peer legacy.Peer) {
	answer := u.c.disco.contact
	if ct, ok := u.may(peer); ok && ct.Subscription.Has(registry.To) && !u.blocked[ct.Peer] {
		answer = u.c.disco.of(ct.presence)
	}
	x, why := answer.reply(r.payload)
	if why != nil {
		u.fail(r, *why)
		return
	}
	u.reply(r, x)
}

func (c *Component) noItems(_ *inbound, q *element.Element) (*element.Element, *stanzaError) {
	return noItems(q)
}

// noItems answers disco#items where there is nothing to list. (XEP-0030 §4.1)
func noItems(q *element.Element) (*element.Element, *stanzaError) {
	if q.Attr("node") != "" {
		return nil, &errItemNotFound
	}
	return element.New(xep.NSDiscoItems, "query"), nil
}

func (c *Component) noContactItems(_ *inbound, q *element.Element, _ legacy.Peer) (*element.Element, *stanzaError) {
	return noItems(q)
}
