package component

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/stanza"
	"transport/component/stream"
	"transport/registry"
)

const (
	ordersSize  = 16               // limit: orders of other actors that wait for a user's actor | the administrator reads "busy"
	requestTime = 30 * time.Second // deadline of an IQ from the user
	storeTime   = 10 * time.Second // deadline of a registry operation
	maxRequests = 1000             // limit: IQ requests of a user without an answer | a further one is refused: resource-constraint
	loadTries   = 3                // retries of reading a registration
	loadPause   = time.Second      // between them
)

// user is the actor of one bare JID. Its goroutine owns all fields below the channels;
// every event of this user is handled by its loop.
type user struct {
	c    *Component
	bare string // JID
	log  zerolog.Logger

	inbox    inbox                    // filled by the stream reader, which never blocks
	events   eventQueue[sessionEvent] // filled by the session, which blocks while it is full
	orders   chan func(*user)         // from administrators' actors
	wake     chan struct{}            // signals a timer or a change of the link; capacity 1
	stopped  chan struct{}            // closed by stop
	done     chan struct{}            // closed when the loop has ended
	refs     int                      // holders of the actor; guarded by Component.mu
	signedOn atomic.Bool              // read by other goroutines

	ctx    context.Context // ends with the loop
	cancel context.CancelFunc

	conn  *stream.Conn // the connection that followLink has handled last
	timer timer        // wakes the loop

	login    login
	clients  clients
	roster   roster
	outbox   outbox
	rooms    rooms
	calls    calls
	commands commands
	account  account
	markers  markers

	closeErr stanza.Error // refuses the stanzas that arrive after the loop has ended
}

// parts iterates over the parts, in the order of due and reset. The login is first: its
// grace period depends on the clients that were online before reset.
func (u *user) parts(yield func(part) bool) {
	for _, p := range [...]part{&u.login, &u.clients, &u.rooms, &u.calls, &u.roster, &u.outbox, &u.commands, &u.account, &u.markers} {
		if !yield(p) {
			return
		}
	}
}

// userField adds the user's JID to each log line. (A logger with its own context would
// take ten times as much memory.)
type userField string

// Run implements zerolog.Hook.
func (bare userField) Run(e *zerolog.Event, _ zerolog.Level, _ string) { e.Str("user", string(bare)) }

func newUser(c *Component, bare string) *user {
	u := &user{
		c:        c,
		bare:     bare,
		log:      c.log.Hook(userField(bare)),
		inbox:    newInbox(),
		events:   newEventQueue[sessionEvent](&c.actors.events),
		orders:   make(chan func(*user), ordersSize),
		wake:     make(chan struct{}, 1),
		stopped:  make(chan struct{}),
		done:     make(chan struct{}),
		closeErr: stanza.ErrShuttingDown,
	}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	u.login = login{u: u, visits: visits{u: u}}
	u.clients = clients{u: u, resources: make(map[string]resource)}
	u.roster = newRoster(u)
	u.roster.init()
	u.outbox = outbox{u: u, sent: make(map[string]*sentMessage), spool: spool{inbound: true}}
	u.rooms = newRooms(u)
	u.calls = calls{u: u}
	u.commands = commands{u: u}
	u.commands.init()
	u.account = account{u: u}
	u.markers = markers{u: u}
	return u
}

// domain is that of the user's server.
func (u *user) domain() string { return u.bare[strings.LastIndexByte(u.bare, '@')+1:] }

// stop asks the loop to end. Component.mu is held, and it is called once.
func (u *user) stop() { close(u.stopped) }

// poke makes the loop check its timers and the link. Any goroutine may call it.
func (u *user) poke() { poke(u.wake) }

// run is the actor's loop. A panic ends this user's session and is reported to the user;
// the next stanza starts a new actor.
func (u *user) run() {
	defer close(u.done)
	defer u.cancel()
	defer u.leave()
	defer func() {
		if r := recover(); r != nil {
			u.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("a user's actor panicked")
			u.notify("An internal error ended your session. It restarts with your next message or presence change.")
		}
	}()
	for try := 0; ; try++ {
		err := u.load()
		if err == nil {
			break
		}
		u.log.Error().Err(err).Msg("cannot read a user's registration")
		if try == loadTries || !u.pause(loadPause) {
			u.closeErr = stanza.ErrDatabase
			return
		}
	}
	for taken := []queued(nil); ; {
		u.followLink()
		u.handleBatch()
		u.due()
		if u.idle() && u.c.retire(u) {
			return
		}
		u.timer.set(u.next(), u.c.clock, u.poke)
		wake := u.inbox.wake
		if len(u.inbox.batch) > 0 { // the network is slower than the user
			wake = nil
		}
		events, congested := u.events.wake, u.congested()
		u.events.lengthen(congested != nil)
		if congested != nil {
			events = nil
			u.inbox.stall.extend(u.c.clock) // the network's confirmations may be among the events
		}
		select {
		case <-wake:
			taken = u.inbox.take(taken)
			u.inbox.batch = taken
		case <-events:
			u.onEvents()
			u.inbox.stall.extend(u.c.clock)
		case <-congested:
		case do := <-u.orders:
			do(u)
		case <-u.wake:
		case <-u.stopped:
			u.shutdown()
			return
		}
	}
}

// onEvents handles some of the queued events.
func (u *user) onEvents() {
	for range eventTurn {
		ev, ok := u.events.pop()
		if !ok {
			return
		}
		u.onEvent(ev)
	}
}

// congested returns nil while the XMPP server reads what is written to it, otherwise a channel
// that is closed when it has caught up. Until then the actor leaves the network's events in
// the queue and goes on serving the user's stanzas.
func (u *user) congested() <-chan struct{} {
	if u.conn == nil {
		return nil
	}
	return u.conn.Congested()
}

// leave cleans up after the loop, however it ended: it ends the session and refuses every
// stanza that is still queued.
func (u *user) leave() {
	u.c.mu.Lock()
	if u.c.users[u.bare] == u {
		delete(u.c.users, u.bare)
	}
	u.c.mu.Unlock()
	u.timer.stop()
	u.events.close()
	for last := false; ; { // a goroutine that holds a reference may add one more
		for _, st := range append(u.inbox.batch, u.inbox.take(nil)...) {
			st.Bouncer = &u.outbox
			st.Refuse(u.closeErr)
			u.c.journal.settled(st.Inbound)
		}
		u.inbox.batch = nil
		if last {
			break
		}
		u.c.mu.Lock()
		last = u.refs == 0
		u.c.mu.Unlock()
		runtime.Gosched()
	}
	u.reset(stopped)
}

// load reads the user's account, contacts and spool from the registry.
func (u *user) load() error {
	ctx, cancel := u.storing()
	defer cancel()
	out, err := u.outbox.spooled(ctx, registry.Outbound)
	if err != nil {
		return err
	}
	account, err := u.c.cfg.Registry.Account(ctx, u.c.domain, u.bare)
	u.outbox.load(len(out) > 0, !isNotFound(err))
	if isNotFound(err) {
		return nil
	}
	var damaged *registry.Damaged
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	fault := err
	rows, err := u.c.cfg.Registry.Contacts(ctx, u.c.domain, u.bare)
	if err != nil {
		return err
	}
	if damaged != nil {
		u.account.takeDamaged(ctx, &account, damaged, fault)
	} else {
		u.account.take(&account)
	}
	if !u.account.option(optLoggedOut) {
		u.rooms.AddPersistent()
	}
	u.roster.load(rows)
	return nil
}

// storing returns the context of one registry operation, with its deadline.
func (u *user) storing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(u.ctx, storeTime)
}

// idle reports whether the actor can end: no part is busy and both queues are empty.
func (u *user) idle() bool {
	for p := range u.parts {
		if p.busy() {
			return false
		}
	}
	return u.events.empty() && len(u.orders) == 0
}

// onStanza handles one stanza from the user.
func (u *user) onStanza(st queued) {
	u.clients.handling(st.Inbound)
	switch st.Name {
	case "iq":
		if st.Type != "get" && st.Type != "set" {
			u.calls.onIQReply(st.Inbound)
			break
		}
		r := &stanza.Request{Inbound: st.Inbound, Payload: st.First(), Deadline: u.c.clock.Now().Add(requestTime)}
		if u.calls.full() {
			r.Fail(stanza.ErrBusy)
			break
		}
		u.calls.await(r)
		st.handle(u, r)
		u.calls.sweep()
	case "presence":
		if st.Type == "" {
			u.login.hasten()
		}
		u.onPresence(st.Inbound)
	case "message":
		u.markers.onMessage(st.Inbound)
		st.Bouncer = &u.outbox
		u.outbox.onMessage(st.Inbound)
		if !st.Held {
			u.c.journal.settled(st.Inbound)
		}
	}
	u.clients.noteActivity(st.Inbound)
}

// due runs all expired timers. Afterwards it starts or ends the session, and a guest's
// account, as the parts now need it.
func (u *user) due() {
	now := u.c.clock.Now()
	u.timer.expire(now)
	for p := range u.parts {
		p.due(now)
	}
	u.login.reconcileSession()
	u.account.endGuest()
}

// next returns the time at which due must be called again, zero for never.
func (u *user) next() (next time.Time) {
	for p := range u.parts {
		next = earliest(next, p.next())
	}
	if len(u.inbox.batch) > 0 {
		next = earliest(next, u.inbox.stall.end)
	}
	return next
}

// reset makes each part drop the state that an event has invalidated.
func (u *user) reset(why resetReason) {
	for p := range u.parts {
		p.reset(why)
	}
}

// followLink resets the parts after the link to the XMPP server was lost or restored.
func (u *user) followLink() {
	if conn := u.c.conn.Load(); conn != u.conn {
		u.conn = conn
		u.reset(linkChanged)
	}
}

// shutdown sends unavailable presence to the user and signs off. The rooms stay open until
// the session has ended, or for half of stopTimeout: the network sends their messages until
// then.
func (u *user) shutdown() {
	const text = "The gateway is shutting down."
	closeRooms := func() { u.rooms.Close("332", stanza.ErrShuttingDown.With(text)) }
	u.roster.hideAll(text)
	if !u.login.cancel() {
		closeRooms()
		return
	}
	late := time.After(stopTimeout / 2)
	for u.login.hasSession() { // deliver the last events; Run ends within its bound
		select {
		case <-u.events.wake:
			ev, ok := u.events.pop() // signals the next one
			if !ok {
				continue
			}
			if _, ended := ev.what.(sessionEnd); ended && u.login.is(ev.from) {
				closeRooms()
			}
			u.onEvent(ev)
		case <-late:
			closeRooms()
		case <-time.After(stopTimeout):
			return
		}
	}
}
