package component_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"transport/component/componenttest"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// TestRosterModel plays random sequences of what the user, the user's server and the
// network do with contacts, and compares the roster with a model of RFC 6121 (appendix A).
func TestRosterModel(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 5
	}
	files := registered(t)
	componenttest.Explore(t, seeds, 40, func(r *rand.Rand) rosterStep {
		return rosterStep{r.IntN(len(rosterSteps)), r.IntN(len(modelPeers)), r.IntN(6)}
	}, func(steps []rosterStep) (err error) {
		synctest.Test(t, func(t *testing.T) { err = playRoster(t, files, steps) })
		return err
	})
}

var modelPeers = []string{"carol", "dave"}

// rosterStep is a step of a rosterModel.
type rosterStep struct{ kind, peer, value int }

func (st rosterStep) String() string {
	return fmt.Sprintf("%s peer=%s value=%d", rosterSteps[st.kind].name, modelPeers[st.peer], st.value)
}

// rosterSteps are the steps. Each is possible in every state, if only as a step without effect.
var rosterSteps = []struct {
	name string
	do   func(m *rosterModel, p *modelPeer, value int)
}{
	{"the user subscribes", func(m *rosterModel, p *modelPeer, _ int) {
		if !p.to {
			p.askTo = true
			m.presence(alice, p.jid(), "subscribe")
		}
	}},
	{"the user unsubscribes", func(m *rosterModel, p *modelPeer, _ int) { m.unsubscribe(p) }},
	{"the user allows", func(m *rosterModel, p *modelPeer, _ int) {
		if p.askFrom {
			p.askFrom, p.from = false, true
			m.presence(alice, p.jid(), "subscribed")
		}
	}},
	{"the user denies", func(m *rosterModel, p *modelPeer, _ int) { m.deny(p) }},
	{"the user removes the contact", func(m *rosterModel, p *modelPeer, _ int) {
		m.unsubscribe(p)
		m.deny(p)
	}},
	{"the user goes offline", func(m *rosterModel, _ *modelPeer, _ int) {
		if m.online {
			m.online = false
			m.presence(phone, gw, "unavailable")
			m.pass(5 * time.Second)
			m.lostSession()
			m.Take()
			for _, p := range m.peers {
				p.seen = false
			}
		}
	}},
	{"the user comes online", func(m *rosterModel, _ *modelPeer, _ int) { m.comeOnline() }},
	{"the XMPP link is lost and back", func(m *rosterModel, _ *modelPeer, _ int) {
		m.Drop()
		m.links++
		m.Linked(m.links)
		if m.online { // the server answers the probe
			m.Send("<presence from='" + phone + "' to='" + gw + "'/>")
		}
	}},
	{"the network answers", func(m *rosterModel, _ *modelPeer, value int) { m.answer(value) }},
	{"the network answers", func(m *rosterModel, _ *modelPeer, value int) { m.answer(value) }},
	{"the contact changes its presence", func(m *rosterModel, p *modelPeer, _ int) {
		p.isOn = !p.isOn
		m.show(p)
	}},
	{"the contact asks for authorization", func(m *rosterModel, p *modelPeer, _ int) {
		m.h.Emit(legacy.AuthRequested{From: p.peer(), Reason: "please"})
	}},
	{"the contact grants authorization", func(m *rosterModel, p *modelPeer, _ int) {
		if p.listed && p.awaiting && m.h.SignedOn() {
			p.awaiting = false
			m.h.Emit(legacy.AuthGranted{From: p.peer()}, legacy.ContactChanged{Contact: p.contact()})
			m.show(p)
		}
	}},
	{"the contact denies authorization", func(m *rosterModel, p *modelPeer, _ int) {
		if p.listed && m.h.SignedOn() {
			p.awaiting = true
			m.h.Emit(legacy.AuthDenied{From: p.peer()}, legacy.ContactChanged{Contact: p.contact()}, legacy.PresenceChanged{From: p.peer()})
		}
	}},
	{"another client adds the contact", func(m *rosterModel, p *modelPeer, _ int) {
		if !p.listed && !m.asks(p) && m.h.SignedOn() {
			p.listed, p.awaiting = true, false
			m.h.Emit(legacy.ContactChanged{Contact: p.contact()})
			m.show(p)
		}
	}},
	{"another client removes the contact", func(m *rosterModel, p *modelPeer, _ int) {
		if p.listed && !m.asks(p) && m.h.SignedOn() {
			p.listed = false
			m.h.Emit(legacy.ContactRemoved{Peer: p.peer()})
		}
	}},
	{"the session ends, and is back", func(m *rosterModel, _ *modelPeer, _ int) {
		if m.h.End(legacy.Errorf(legacy.Temporary, "It is lost.")) {
			m.settle()
			m.lostSession()
			m.read()
			m.back()
		}
	}},
	{"a minute passes", func(m *rosterModel, _ *modelPeer, _ int) { m.pass(time.Minute) }},
}

// modelPeer is a contact: what the user's server and the network have of it.
type modelPeer struct {
	name                     string
	to, from, askTo, askFrom bool // of the user's roster (RFC 6121 §A.1)
	seen                     bool // the user sees it online
	listed, awaiting         bool // on the network
	isOn                     bool
}

func (p *modelPeer) jid() string       { return p.name + "@" + gw }
func (p *modelPeer) peer() legacy.Peer { return legacy.Peer{ID: p.name} }
func (p *modelPeer) contact() legacy.Contact {
	return legacy.Contact{Peer: p.peer(), AwaitingAuth: p.awaiting}
}
func (p *modelPeer) visible() bool { return p.listed && !p.awaiting && p.isOn }
func (p *modelPeer) presence() legacy.Presence {
	if p.visible() {
		return legacy.Presence{Show: legacy.ShowOnline}
	}
	return legacy.Presence{}
}

// rosterModel is the user's server and the network.
type rosterModel struct {
	*world
	h        *legacytest.Handle
	peers    []*modelPeer
	online   bool
	links    int
	requests *[]string // to the network's list, not answered yet
	failure  error
}

// listNetwork is an Echo that does nothing with the contact list by itself.
type listNetwork struct {
	legacy.Network
	requests *[]string
}

func (n listNetwork) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return listSession{s.(*legacytest.Session), n.requests}, nil
}

type listSession struct {
	*legacytest.Session
	requests *[]string
}

func (s listSession) AddContact(_ context.Context, c legacy.Contact, _ string) error {
	*s.requests = append(*s.requests, "add "+c.Peer.ID)
	return nil
}

func (s listSession) RemoveContact(_ context.Context, p legacy.Peer) error {
	*s.requests = append(*s.requests, "remove "+p.ID)
	return nil
}

func (s listSession) Authorize(context.Context, legacy.Peer, bool, string) error { return nil }

func (m *rosterModel) fail(format string, args ...any) {
	if m.failure == nil {
		m.failure = fmt.Errorf(format, args...)
	}
}

func playRoster(t *testing.T, files string, steps []rosterStep) error {
	m := &rosterModel{requests: new([]string), links: 1}
	m.world = newWorld(t, setup{files: files, forgets: true,
		network: func(n legacy.Network) legacy.Network { return listNetwork{n, m.requests} },
		echo:    legacytest.Options{Accounts: map[string]string{"alice": hidden, "carol": "", "dave": ""}}})
	for _, name := range modelPeers {
		m.peers = append(m.peers, &modelPeer{name: name})
	}
	m.start()
	m.Linked(1)
	m.h = m.echo.Session("alice")
	m.comeOnline()
	for _, st := range steps {
		rosterSteps[st.kind].do(m, m.peers[st.peer], st.value)
		m.settle()
		m.read()
		m.pass(10 * time.Second) // the debounced presence, and offers
		m.read()
		m.check()
		if m.failure != nil {
			break
		}
	}
	if strings.Contains(m.log.String(), "panic") {
		m.fail("panic: %s", m.log)
	}
	return m.failure
}

func (m *rosterModel) comeOnline() {
	if m.online {
		return
	}
	m.online = true
	m.setList()
	m.Send("<presence from='" + phone + "' to='" + gw + "'/>")
	m.settle()
	m.back()
}

// setList sets the list that the network sends at the next sign-on.
func (m *rosterModel) setList() {
	var list []legacy.Contact
	for _, p := range m.peers {
		if p.listed {
			list = append(list, p.contact())
		}
	}
	m.h.Contacts(list...)
}

func (m *rosterModel) lostSession() { *m.requests = nil }

// back waits until the session is back, and sends the presence of the list.
func (m *rosterModel) back() {
	m.setList()
	for range 60 {
		if m.h.SignedOn() {
			break
		}
		m.pass(10 * time.Second)
		m.read()
	}
	for _, p := range m.peers {
		m.show(p)
	}
	m.settle()
}

func (m *rosterModel) unsubscribe(p *modelPeer) {
	if p.to || p.askTo {
		p.to, p.askTo = false, false
		m.presence(alice, p.jid(), "unsubscribe")
	}
}

func (m *rosterModel) deny(p *modelPeer) {
	if p.from || p.askFrom {
		p.from, p.askFrom = false, false
		m.presence(alice, p.jid(), "unsubscribed")
	}
}

// show has the network send the presence of a contact.
func (m *rosterModel) show(p *modelPeer) {
	if p.listed && !p.awaiting {
		m.h.Emit(legacy.PresenceChanged{From: p.peer(), Presence: p.presence()})
	}
}

// asks reports whether a change of a contact is under way.
func (m *rosterModel) asks(p *modelPeer) bool {
	return slices.ContainsFunc(*m.requests, func(r string) bool { return strings.HasSuffix(r, " "+p.name) })
}

// answer answers the oldest request.
func (m *rosterModel) answer(value int) {
	if len(*m.requests) == 0 || !m.h.SignedOn() {
		return
	}
	what, name, _ := strings.Cut((*m.requests)[0], " ")
	*m.requests = (*m.requests)[1:]
	p := m.peers[slices.Index(modelPeers, name)]
	switch {
	case value == 0:
		m.h.Emit(legacy.ContactFailed{Peer: p.peer(), Err: legacy.Errorf(legacy.NotFound, "There is nobody of that name.")})
	case what == "remove":
		p.listed = false
		m.h.Emit(legacy.ContactRemoved{Peer: p.peer()})
	default:
		if !p.listed {
			p.listed, p.awaiting = true, value == 1
		}
		m.h.Emit(legacy.ContactChanged{Contact: p.contact()})
		m.show(p)
	}
}

// read handles what the gateway sends as the user's server does. (RFC 6121 §A.3)
func (m *rosterModel) read() {
	for {
		all := m.Take()
		if len(all) == 0 {
			return
		}
		for _, e := range all {
			m.receive(e)
		}
		m.settle()
	}
}

func (m *rosterModel) receive(e *element.Element) {
	name, _, _ := strings.Cut(e.Attr("from"), "@")
	i := slices.Index(modelPeers, name)
	if e.Name != "presence" || i < 0 {
		return
	}
	p := m.peers[i]
	switch e.Attr("type") {
	case "subscribe":
		if p.from {
			m.presence(alice, p.jid(), "subscribed")
		} else {
			p.askFrom = true
		}
	case "subscribed":
		if p.askTo {
			p.to, p.askTo = true, false
		}
	case "unsubscribe":
		p.from, p.askFrom = false, false
	case "unsubscribed":
		p.to, p.askTo, p.seen = false, false, false
	case "unavailable":
		p.seen = false
	case "":
		if !p.to {
			m.fail("the user is not subscribed to %s, and receives %s", p.name, e)
		}
		p.seen = true
	}
}

// check compares the user's roster with the registry and the network, once nothing is
// under way.
func (m *rosterModel) check() {
	if !m.online || !m.h.SignedOn() {
		return
	}
	for _, p := range m.peers {
		sub := m.subscription(alice, p.name)
		switch {
		case m.asks(p):
		case sub.Has(registry.To) != p.to || sub.Has(registry.From) != p.from:
			m.fail("the registry has %s as %v, the roster has to=%t from=%t", p.name, sub, p.to, p.from)
		case p.to && p.listed && !p.awaiting && p.seen != p.isOn:
			m.fail("%s is online: %t, the user sees: %t", p.name, p.isOn, p.seen)
		case !p.to && p.seen:
			m.fail("the user is not subscribed to %s, and still sees it online", p.name)
		case p.askTo && p.listed && !p.awaiting && sub.Has(registry.AskTo):
			m.fail("%s has granted what the user asks for, and the user does not know", p.name)
		}
	}
}
