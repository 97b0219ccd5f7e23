package component

import (
	"context"
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
	eventsSize  = 16               // events of one user's session that may wait
	ordersSize  = 16               // what other actors may want at once
	requestTime = 30 * time.Second // for an IQ to be answered
	storeTime   = 10 * time.Second // for the registry to answer
	loadTries   = 3                // to read a registration, before the actor gives up
	loadPause   = time.Second      // between them
)

// user is the actor of one bare JID: its goroutine owns every field below the
// channels, and all that happens to this user goes through its loop.
type user struct {
	c    *Component
	bare string // JID
	log  zerolog.Logger

	inbox    inbox             // from the reader, which never blocks
	events   chan sessionEvent // from the session, which does
	orders   chan func(*user)  // from administrators' actors
	wake     chan struct{}     // look at the time and the link; capacity 1
	stopped  chan struct{}     // closed by stop
	done     chan struct{}     // closed when the loop has ended
	refs     int               // holders of the actor; guarded by Component.mu
	signedOn atomic.Bool       // for others to look at

	ctx    context.Context // ends with the loop
	cancel context.CancelFunc

	conn  *stream.Conn // the one whose consequences have been drawn
	timer timer        // pokes the loop

	login   login
	clients clients
	roster  roster
	outbox  outbox
	rooms   rooms
	calls   calls
	adhoc   adhoc
	account account

	closeErr stanza.Error // the answer to what comes too late
}

// userField is in all that is logged of a user. (A logger with a context of its own
// would take ten times as much memory.)
type userField string

// Run implements zerolog.Hook.
func (bare userField) Run(e *zerolog.Event, _ zerolog.Level, _ string) { e.Str("user", string(bare)) }

func newUser(c *Component, bare string) *user {
	u := &user{
		c:        c,
		bare:     bare,
		log:      c.log.Hook(userField(bare)),
		inbox:    newInbox(),
		events:   make(chan sessionEvent, eventsSize),
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
	u.rooms = rooms{u: u, all: make(map[string]*room)}
	u.calls = calls{u: u}
	u.adhoc = adhoc{u: u}
	u.account = account{u: u}
	return u
}

// domain is that of the user's server.
func (u *user) domain() string { return u.bare[strings.LastIndexByte(u.bare, '@')+1:] }

// stop asks the loop to end. Component.mu is held, and it is called once.
func (u *user) stop() { close(u.stopped) }

// poke makes the loop look at the time and the link. Any goroutine may call it.
func (u *user) poke() { poke(u.wake) }

// run is the actor's loop. A panic costs this user's session, and is told to the
// user; the next stanza starts a new actor.
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
		select {
		case <-wake:
			taken = u.inbox.take(taken)
			u.inbox.batch = taken
		case ev := <-u.events:
			u.onEvent(ev)
			for more := min(len(u.events), eventsSize); more > 0; more-- { // what has come at once
				u.onEvent(<-u.events)
			}
			u.inbox.stall.extend(u.c.clock)
		case do := <-u.orders:
			do(u)
		case <-u.wake:
		case <-u.stopped:
			u.shutdown()
			return
		}
	}
}

// leave is what is left to do whatever ended the loop: the session ends, and
// nobody is left without an answer.
func (u *user) leave() {
	u.c.mu.Lock()
	if u.c.users[u.bare] == u {
		delete(u.c.users, u.bare)
	}
	u.c.mu.Unlock()
	u.timer.stop()
	for last := false; ; { // whoever still holds the actor may add one more
		for _, st := range append(u.inbox.batch, u.inbox.take(nil)...) {
			st.Refuse(u.closeErr)
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

// load reads what the registry knows of the user.
func (u *user) load() error {
	ctx, cancel := u.storing()
	defer cancel()
	out, err := u.c.cfg.Registry.KeptMessages(ctx, u.c.domain, u.bare, registry.Outbound)
	if err != nil {
		return err
	}
	account, err := u.c.cfg.Registry.Account(ctx, u.c.domain, u.bare)
	u.outbox.load(len(out) > 0, !isNotFound(err))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := u.c.cfg.Registry.Contacts(ctx, u.c.domain, u.bare)
	if err != nil {
		return err
	}
	u.account.take(&account)
	if !u.account.option(optLoggedOut) {
		u.rooms.rejoinPersistent()
	}
	u.roster.load(rows)
	return nil
}

// storing bounds one use of the registry.
func (u *user) storing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(u.ctx, storeTime)
}

// idle reports whether nothing is going on that an actor is needed for.
func (u *user) idle() bool {
	return len(u.events) == 0 && len(u.orders) == 0 &&
		!u.calls.busy() && !u.roster.busy() && !u.clients.busy() && !u.rooms.busy() &&
		!u.outbox.busy() && !u.adhoc.busy() && !u.login.busy() && !u.account.busy()
}

// onStanza handles one stanza of the user's.
func (u *user) onStanza(st queued) {
	u.clients.handling(st.From)
	switch st.Name {
	case "iq":
		if st.Type != "get" && st.Type != "set" {
			u.calls.onIQReply(st.Inbound)
			break
		}
		r := &stanza.Request{Inbound: st.Inbound, Payload: st.First(), Deadline: u.c.clock.Now().Add(requestTime)}
		u.calls.await(r)
		st.handle(u, r)
		u.calls.sweep()
	case "presence":
		u.onPresence(st.Inbound)
	case "message":
		u.outbox.onMessage(st.Inbound)
	}
	u.clients.noteActivity(st.Inbound)
}

// due does everything whose time has come.
func (u *user) due() {
	now := u.c.clock.Now()
	u.timer.expire(now)
	u.calls.due(now)
	u.roster.due(now)
	u.clients.due(now)
	u.rooms.due(now)
	u.outbox.due(now)
	u.adhoc.due(now)
	u.login.due(now)
	u.account.due(now)
}

// next is when due has to be called again.
func (u *user) next() time.Time {
	next := earliest(u.calls.next(), u.roster.next(), u.clients.next(), u.rooms.next(),
		u.outbox.next(), u.adhoc.next(), u.login.next(), u.account.next())
	if len(u.inbox.batch) > 0 {
		next = earliest(next, u.inbox.stall.end)
	}
	return next
}

// reset has each part drop what an event has made void. The login comes first: for how
// long the session stays depends on the clients that there were.
func (u *user) reset(why resetReason) {
	u.login.reset(why)
	u.clients.reset(why)
	u.rooms.reset(why)
	u.calls.reset(why)
	u.roster.reset(why)
	u.outbox.reset(why)
	u.adhoc.reset(why)
	u.account.reset(why)
}

// followLink draws the consequences of a link that came or went.
func (u *user) followLink() {
	if conn := u.c.conn.Load(); conn != u.conn {
		u.conn = conn
		u.reset(linkChanged)
	}
}

// shutdown tells the user that everything goes offline and signs off.
func (u *user) shutdown() {
	u.rooms.closeRooms("332", stanza.ErrShuttingDown.With("The gateway is shutting down."))
	u.roster.hideAll("The gateway is shutting down.")
	if !u.login.cancel() {
		return
	}
	for u.login.hasSession() { // what the network still says is delivered; Run ends within its bound
		select {
		case ev := <-u.events:
			u.onEvent(ev)
		case <-time.After(stopTimeout):
			return
		}
	}
}
