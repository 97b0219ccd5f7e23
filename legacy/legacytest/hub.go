package legacytest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"transport/legacy"
)

// account is an account of the network. Echo.mu guards it.
type account struct {
	name     string
	known    bool     // it can sign on; otherwise it is an echo
	session  *Session // nil while offline
	presence legacy.Presence
	contacts map[string]legacy.Contact
	allowed  map[string]bool      // peers that Authorize approved (true) or denied
	blocked  map[string]bool      // by Block
	waiting  []legacy.Event       // events for the next sign-on
	read     map[string]time.Time // read markers, by peer ID

	// Scripted by a Handle:
	refusal  error                 // error of a sign-on
	sendErr  error                 // error of Send
	failure  error                 // error of MessageFailed and BlockChanged
	stall    bool                  // commands and sign-ons hang
	delay    *legacy.SignOnDelayed // emitted by sign-ons that hang, nil for nothing
	changed  chan struct{}
	commands []Command
}

// account returns an account and creates it if necessary. The caller holds mu.
func (n *Echo) account(name string) *account {
	a := n.accounts[name]
	if a == nil {
		a = &account{
			name:     name,
			contacts: make(map[string]legacy.Contact),
			allowed:  make(map[string]bool),
			blocked:  make(map[string]bool),
			read:     make(map[string]time.Time),
			changed:  make(chan struct{}),
		}
		n.accounts[name] = a
	}
	return a
}

// note records a command and wakes the goroutines that wait for one.
func (n *Echo) note(a *account, c Command) {
	if c != nil {
		if len(a.commands) >= n.opts.Record {
			a.commands = slices.Delete(a.commands, 0, 1)
		}
		a.commands = append(a.commands, c)
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

// signOn checks the password and makes s the account's session. It waits while
// the account is stalled.
func (n *Echo) signOn(ctx context.Context, s *Session) (legacy.Ready, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.account(s.login)
	if a.stall && a.delay != nil {
		delayed := *a.delay
		n.mu.Unlock()
		s.env.Emit(delayed)
		n.mu.Lock()
	}
	for a.stall {
		changed := a.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		n.mu.Lock()
		if ctx.Err() != nil {
			return legacy.Ready{}, ctx.Err()
		}
	}
	password, exists := n.opts.Accounts[s.login]
	switch {
	case a.refusal != nil:
		return legacy.Ready{}, a.refusal
	case n.opts.Accounts == nil && s.password == "wrong",
		n.opts.Accounts != nil && (!exists || password != s.password):
		return legacy.Ready{}, legacy.Errorf(legacy.Auth, "The Echo network does not know this name and password.")
	}
	if a.session != nil {
		a.session.in.put(item{end: true, err: legacy.Errorf(legacy.Replaced, "You signed on to the Echo network elsewhere.")})
	}
	a.known, a.session = true, s
	a.presence = legacy.Presence{Show: legacy.ShowOnline}
	n.note(a, SignOn{State: s.state})
	n.announce(a)
	ready := legacy.Ready{Self: legacy.Peer{ID: a.name}, Contacts: a.contactList()}
	for _, id := range slices.Sorted(maps.Keys(a.blocked)) {
		ready.Blocked = append(ready.Blocked, legacy.Peer{ID: id})
	}
	return ready, nil
}

// contactList returns the contact list, sorted.
func (a *account) contactList() []legacy.Contact {
	return slices.SortedFunc(maps.Values(a.contacts), func(x, y legacy.Contact) int {
		return cmp.Compare(x.Peer.ID, y.Peer.ID)
	})
}

// greet emits the contacts' presence and the stored events to a new session.
func (n *Echo) greet(s *Session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.account(s.login)
	if a.session != s {
		return
	}
	for _, c := range a.contactList() {
		if p := n.seen(a, c.Peer.ID); p.Show != legacy.ShowOffline {
			s.in.putEvents(legacy.PresenceChanged{From: c.Peer, Presence: p})
		}
	}
	s.in.putEvents(a.waiting...)
	a.waiting = nil
}

// seen returns the presence of a peer as an account sees it.
func (n *Echo) seen(by *account, peer string) legacy.Presence {
	p, ok := n.accounts[peer]
	switch {
	case !ok || !p.known:
		return legacy.Presence{Show: legacy.ShowOnline} // an echo
	case !n.canSee(p, by.name) || p.presence.Show == legacy.ShowInvisible:
		return legacy.Presence{}
	}
	return p.presence
}

// canSee reports whether an account shows its presence to another.
func (n *Echo) canSee(a *account, by string) bool {
	allowed, said := a.allowed[by]
	return allowed || !said && !n.opts.Authorization
}

// announce sends an account's presence to everybody who may see it.
func (n *Echo) announce(a *account) {
	for _, other := range n.accounts {
		if _, listed := other.contacts[a.name]; listed && other.session != nil {
			other.session.in.putEvents(legacy.PresenceChanged{From: legacy.Peer{ID: a.name}, Presence: n.seen(other, a.name)})
		}
	}
}

// ended removes a session that has ended with err.
func (n *Echo) ended(s *Session, err error) {
	s.in.close()
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.account(s.login)
	if a.session == s {
		a.session = nil
		a.presence = legacy.Presence{}
		n.announce(a)
	}
	n.note(a, SignOff{Err: err})
}

// stalled reports whether a session's commands hang.
func (n *Echo) stalled(s *Session) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.account(s.login).stall
}

// sendError returns the scripted error of Send.
func (n *Echo) sendError(s *Session) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.account(s.login).sendErr
}

// carryOut executes a command. It emits the events for the session itself without the
// lock; those for others go to their mailboxes.
func (n *Echo) carryOut(s *Session, c Command) {
	n.mu.Lock()
	a := n.account(s.login)
	n.note(a, c)
	var hears []legacy.Event
	switch c := c.(type) {
	case Send:
		hears = n.send(a, c.Outgoing)
	case SetPresence:
		a.presence = c.Presence
		n.announce(a)
	case AddContact:
		hears = n.addContact(a, c)
	case RemoveContact:
		delete(a.contacts, c.Peer.ID)
		hears = append(hears, legacy.ContactRemoved{Peer: c.Peer})
	case Authorize:
		n.authorize(a, c)
	case Block:
		if a.failure != nil {
			hears = append(hears, legacy.BlockChanged{Peer: c.Peer, Blocked: a.blocked[c.Peer.ID], Err: a.failure})
			break
		}
		if a.blocked[c.Peer.ID] = c.Blocked; !c.Blocked {
			delete(a.blocked, c.Peer.ID)
		}
		hears = append(hears, legacy.BlockChanged{Peer: c.Peer, Blocked: c.Blocked})
	case MarkRead:
		if c.Mark.After(a.read[c.Peer.ID]) {
			a.read[c.Peer.ID] = c.Mark
		}
		hears = append(hears, legacy.ReadMarked{Peer: c.Peer, Mark: a.read[c.Peer.ID]})
	case SetTyping:
		if p := n.accounts[c.Peer.ID]; p != nil && p.session != nil {
			p.session.in.putEvents(legacy.TypingChanged{From: legacy.Peer{ID: a.name}, State: c.State})
		}
	}
	n.mu.Unlock()
	for _, ev := range hears {
		s.env.Emit(ev)
	}
}

func (n *Echo) send(a *account, m legacy.Outgoing) []legacy.Event {
	if a.failure != nil {
		return []legacy.Event{legacy.MessageFailed{Ref: m.Ref, Err: a.failure}}
	}
	p, ok := n.accounts[m.To.ID]
	if !ok || !p.known {
		sent := []legacy.Event{legacy.MessageSent{Ref: m.Ref, State: n.opts.State}}
		if !n.opts.Silent {
			sent = append(sent, legacy.MessageReceived{From: m.To, Text: m.Text, ReadMark: n.now()})
		}
		return sent
	}
	ev := legacy.MessageReceived{From: legacy.Peer{ID: a.name}, Text: m.Text, ReadMark: n.now()}
	if p.session != nil && p.session.in.putEvents(ev) {
		return []legacy.Event{legacy.MessageSent{Ref: m.Ref, State: n.opts.State}}
	}
	if len(p.waiting) >= maxMail/2 {
		return []legacy.Event{legacy.MessageFailed{Ref: m.Ref, Err: legacy.Errorf(legacy.Offline, "%s is offline and has too many stored messages.", p.name)}}
	}
	ev.Time = ev.ReadMark
	p.waiting = append(p.waiting, ev)
	return []legacy.Event{legacy.MessageSent{Ref: m.Ref, State: legacy.Stored}}
}

func (n *Echo) addContact(a *account, c AddContact) []legacy.Event {
	id := c.Contact.Peer.ID
	p := n.accounts[id]
	contact := c.Contact
	contact.AwaitingAuth = p != nil && p.known && !n.canSee(p, a.name)
	a.contacts[id] = contact
	hears := []legacy.Event{legacy.ContactChanged{Contact: contact}}
	if contact.AwaitingAuth {
		ask := legacy.AuthRequested{From: legacy.Peer{ID: a.name}, Name: a.name, Reason: c.Reason}
		if p.session == nil || !p.session.in.putEvents(ask) {
			p.waiting = append(p.waiting, ask)
		}
	}
	return append(hears, legacy.PresenceChanged{From: contact.Peer, Presence: n.seen(a, id)})
}

func (n *Echo) authorize(a *account, c Authorize) {
	a.allowed[c.Peer.ID] = c.Allow
	self := legacy.Peer{ID: a.name}
	p := n.accounts[c.Peer.ID]
	if p == nil || p.session == nil {
		return
	}
	contact, listed := p.contacts[a.name]
	if !listed {
		return
	}
	contact.AwaitingAuth = !c.Allow
	p.contacts[a.name] = contact
	if !c.Allow {
		p.session.in.putEvents(legacy.AuthDenied{From: self, Reason: c.Reason})
	} else {
		p.session.in.putEvents(legacy.AuthGranted{From: self}, legacy.ContactChanged{Contact: contact})
	}
	p.session.in.putEvents(legacy.PresenceChanged{From: self, Presence: n.seen(p, a.name)})
}
