package component

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/stream"
	"transport/legacy"
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
	c      *Component
	bare   string
	domain string // of the bare JID
	log    zerolog.Logger

	inbox    inbox             // from the reader, which never blocks
	batch    []*inbound        // taken from it and not yet handled
	events   chan sessionEvent // from the session, which does
	orders   chan func(*user)  // from administrators' actors
	wake     chan struct{}     // look at the time and the link; capacity 1
	stopped  chan struct{}     // closed by stop
	done     chan struct{}     // closed when the loop has ended
	holders  int               // guarded by Component.mu
	signedOn atomic.Bool       // for others to look at

	ctx    context.Context // ends with the loop
	cancel context.CancelFunc

	conn        *stream.Conn // the one whose consequences have been drawn
	resources   map[string]resource
	shown       legacy.Presence // what the session was told last
	account     *registry.Account
	contacts    map[string]*contact     // by peer ID; the gateway itself is ""
	rooms       map[string]*room        // by peer ID
	entered     uint64                  // rooms so far
	sent        map[string]*sentMessage // by Outgoing.Ref
	session     *session                // the running one, nil if none
	trial       *trial                  // a registration that is being tried
	block       error                   // why no session is started until something changes
	attempt     int                     // sign-ons that failed in a row
	lastError   error                   // that ended a session
	lastErrorAt time.Time

	// Maps that are made by put.
	executions map[string]*execution    // of ad-hoc commands, by session id
	queries    map[string]query         // of ours, by id
	late       map[string]bool          // clients that have not answered in time what they were asked by words
	lookups    map[string]lookup        // questions to the network, by ref
	nicks      map[string]*nickQuery    // those of ours, by ref
	echos      map[string]time.Time     // ids of messages that the server hands back to us
	threads    map[string]string        // of conversations, by peer
	stored     map[string]time.Time     // stamps of the last messages that the network had stored, by peer
	notices    map[string]*heldNotices  // for a user without a client, by the peer ID of the service
	reacted    map[string][]string      // what the user has put to messages, by reactionKey
	leaving    map[string]bool          // rooms that are left, of which the network has not yet said so
	private    map[string]string        // rooms in which the user talks to somebody alone, by peer ID
	lists      map[string]roomList      // of the rooms that there are, by service
	typing     map[string]time.Time     // peers who are typing, with when that is no longer believed
	blocked    map[string]bool          // peers, as the network's list was last
	renaming   *nickChange              // that a command waits for, nil for none
	adding     map[string]func(error)   // who wait for contacts to be added, by peer
	blocking   map[string][]blockWaiter // who waits for a peer to be blocked or not

	chat       []chatLine // of one-to-one chats, the latest last
	guest      bool       // the account lasts as long as the user is in a room
	guestLeft  bool       // the last room was left
	unnamed    bool       // the guest has not said what to be called
	rename     string     // what the guest is to be called, "" if the network knows
	visits     []visit    // that wait for the session
	requests   []*request // IQs that are not answered yet
	refs       uint64     // Refs given out
	keptIn     bool       // there may be kept messages for the user
	keptOut    bool       // there may be kept messages for the network
	ownPicture string     // SHA-1 of the user's picture, as the session was told
	ownPhoto   string     // the hash in the user's presence for which the vCard was asked last

	forgetting []int64     // kept messages that were sent to the user
	forgetWhen <-chan bool // says that they have arrived, or not

	client         string    // full JID of whom the stanza is from that is being handled
	applicant      applicant // the client that has registered
	rosterFails    bool      // the server does not let us write the roster, whatever it says
	toAsk          []string  // peers that are yet to be put on the user's list
	toRemove       []string  // JIDs that are yet to be taken off it
	retryAt        time.Time // next sign-on
	called         bool      // the user wants to be signed on, unseen as their clients may be
	graceEnd       time.Time // until then a session stays without any resource
	visitEnd       time.Time // until then a session stays for what was asked of the network
	showAt         time.Time // when contacts whose presence flaps are shown
	askAt          time.Time // when the next of toAsk is sent
	readAt         time.Time // when the roster was read last
	reading        bool      // that is not answered yet
	readers        []func()  // what waits for the one after that
	leavingGateway bool      // the registration is being removed
	settling       *settling // what waits for changes that are on their way to the network
	askAwaits      bool      // that waits for a nick
	removeAt       time.Time // when the next of toRemove is sent, zero without a link
	keptTill       time.Time // when messages kept for the network are given up
	active         time.Time // when a client last sent something other than presence
	stall          stall     // of the messages that wait for the network
	armed          time.Time // when the pending wake-up comes, zero if there is none
	disarm         func()    // stops it

	parting stanzaError // what those hear who come too late
}

// userField is in all that is logged of a user. (A logger with a context of its own
// would take ten times as much memory.)
type userField string

// Run implements zerolog.Hook.
func (bare userField) Run(e *zerolog.Event, _ zerolog.Level, _ string) { e.Str("user", string(bare)) }

func newUser(c *Component, bare string) *user {
	u := &user{
		c:         c,
		bare:      bare,
		domain:    bare[strings.LastIndexByte(bare, '@')+1:],
		log:       c.log.Hook(userField(bare)),
		inbox:     newInbox(),
		events:    make(chan sessionEvent, eventsSize),
		orders:    make(chan func(*user), ordersSize),
		wake:      make(chan struct{}, 1),
		stopped:   make(chan struct{}),
		done:      make(chan struct{}),
		resources: make(map[string]resource),
		contacts:  make(map[string]*contact),
		sent:      make(map[string]*sentMessage),
		rooms:     make(map[string]*room),
		keptIn:    true,
		parting:   errShuttingDown,
	}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	return u
}

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
			u.notify("Something went wrong inside the gateway; your session was ended. It starts again with your next message or presence.")
		}
	}()
	for try := 0; ; try++ {
		err := u.load()
		if err == nil {
			break
		}
		u.log.Error().Err(err).Msg("cannot read a user's registration")
		if try == loadTries || !u.pause(loadPause) {
			u.parting = errDatabase
			return
		}
	}
	for taken := []*inbound(nil); ; {
		u.followLink()
		u.handleBatch()
		u.due()
		if u.idle() && u.c.retire(u) {
			return
		}
		u.arm()
		wake := u.inbox.wake
		if len(u.batch) > 0 { // the network is slower than the user
			wake = nil
		}
		select {
		case <-wake:
			taken = u.inbox.take(taken)
			u.batch = taken
		case ev := <-u.events:
			u.onEvent(ev)
			for more := min(len(u.events), eventsSize); more > 0; more-- { // what has come at once
				u.onEvent(<-u.events)
			}
			u.stall.extend(u.c.clock)
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
	if u.disarm != nil {
		u.disarm()
	}
	if u.session != nil {
		u.session.cancel()
	}
	for last := false; ; { // whoever still holds the actor may add one more
		for _, st := range append(u.batch, u.inbox.take(nil)...) {
			u.c.refuse(st, u.parting)
		}
		u.batch = nil
		if last {
			break
		}
		u.c.mu.Lock()
		last = u.holders == 0
		u.c.mu.Unlock()
		runtime.Gosched()
	}
	for _, r := range u.requests {
		u.fail(r, errInternal)
	}
	u.failSent(u.parting)
	u.sendHeldNotices()
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
	if u.keptOut = len(out) > 0; u.keptOut {
		u.keptTill = u.c.clock.Now()
		if !isNotFound(err) { // else it is a guest's, whose session is over
			u.keptTill = u.keptTill.Add(keptTime)
		}
	}
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
	u.account = &account
	if !u.option(optLoggedOut) {
		u.enterStays()
	}
	for _, row := range rows {
		u.contacts[row.Peer] = &contact{Contact: row, jid: u.c.contactJID(row.Peer)}
	}
	return nil
}

// storing bounds one use of the registry.
func (u *user) storing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(u.ctx, storeTime)
}

// idle reports whether nothing is going on that an actor is needed for.
func (u *user) idle() bool {
	return u.session == nil && u.trial == nil && len(u.rooms) == 0 && !u.wanted() && len(u.resources) == 0 && len(u.requests) == 0 &&
		len(u.sent) == 0 && len(u.events) == 0 && len(u.orders) == 0 && !u.executing() && !u.keptIn && u.forgetting == nil && u.retryAt.IsZero() && len(u.toAsk) == 0 && len(u.toRemove) == 0 && len(u.queries) == 0 && u.keptTill.IsZero()
}

// onStanza handles one stanza of the user's.
func (u *user) onStanza(st *inbound) {
	u.client = st.from.String()
	switch st.Name {
	case "iq":
		if st.typ != "get" && st.typ != "set" {
			u.onReply(st)
			break
		}
		r := &request{inbound: st, payload: st.First(), deadline: u.c.clock.Now().Add(requestTime)}
		u.requests = append(u.requests, r)
		st.handle(u, r)
		u.sweep()
	case "presence":
		u.onPresence(st)
	case "message":
		u.onMessage(st)
	}
	u.noteActivity(st)
}

// due does everything whose time has come.
func (u *user) due() {
	now := u.c.clock.Now()
	if !u.armed.IsZero() && !u.armed.After(now) {
		u.armed = time.Time{} // it has come
	}
	u.sweep()
	if !u.retryAt.IsZero() && !u.retryAt.After(now) {
		u.retryAt = time.Time{}
	}
	if !u.graceEnd.IsZero() && !u.graceEnd.After(now) {
		u.graceEnd, u.called = time.Time{}, false
		u.dropEmptyRooms()
		u.showOwnPresence()
	}
	if u.trial != nil && !u.trial.deadline.After(now) {
		u.endTrial(legacy.Errorf(legacy.Temporary, "The network did not answer in time. You are not registered; try again later."))
	}
	if !u.visitEnd.IsZero() && !u.visitEnd.After(now) {
		u.endVisit()
	}
	u.expireQueries(now)
	u.expireNicks(now)
	if u.settling != nil && !u.settling.deadline.After(now) {
		u.endSettling()
	}
	u.expireTyping(now)
	u.expireJoins(now)
	u.leaveLeft(now)
	if !u.showAt.IsZero() && !u.showAt.After(now) {
		u.showAt = time.Time{}
		u.showUnshown()
	}
	switch {
	case len(u.toRemove) > 0: // of a registration before this one
		if !u.removeAt.IsZero() && !u.removeAt.After(now) {
			u.removeNext(now)
		}
	case len(u.toAsk) > 0 && !u.askAt.After(now):
		u.askNext(now)
	}
	if !u.keptTill.IsZero() && !u.keptTill.After(now) {
		u.giveUpKept()
	}
	u.forgetDelivered()
	u.deliverKept()
	u.steer()
	u.endGuest()
}

// arm sets the wake-up for the earliest thing that is to come.
func (u *user) arm() {
	var next time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, r := range u.requests {
		soonest(r.deadline)
	}
	if s := u.session; s != nil && !s.ready && !s.ending {
		soonest(s.signOnBy)
	}
	for _, q := range u.queries {
		soonest(q.deadline)
	}
	for _, q := range u.nicks {
		soonest(q.deadline)
	}
	if u.settling != nil {
		soonest(u.settling.deadline)
	}
	for _, until := range u.typing {
		soonest(until)
	}
	for _, r := range u.rooms {
		soonest(r.leaveAt)
		for _, client := range r.clients {
			if !client.in {
				soonest(client.until)
			}
		}
	}
	if len(u.batch) > 0 {
		soonest(u.stall.end)
	}
	soonest(u.showAt)
	soonest(u.retryAt)
	soonest(u.graceEnd)
	soonest(u.visitEnd)
	soonest(u.keptTill)
	if u.trial != nil {
		soonest(u.trial.deadline)
	}
	switch {
	case len(u.toRemove) > 0:
		soonest(u.removeAt)
	case len(u.toAsk) > 0:
		soonest(u.askAt)
	}
	if next.Equal(u.armed) {
		return
	}
	if u.disarm != nil {
		u.disarm()
		u.disarm = nil
	}
	u.armed = next
	if !next.IsZero() {
		u.disarm = u.c.clock.AfterFunc(max(next.Sub(u.c.clock.Now()), 0), u.poke)
	}
}

// followLink draws the consequences of a link that came or went: who is online
// is unknown then, and the server tells it anew.
func (u *user) followLink() {
	conn := u.c.conn.Load()
	if conn == u.conn {
		return
	}
	u.conn = conn
	if len(u.resources) > 0 || u.session != nil || len(u.rooms) > 0 {
		clear(u.resources)
		for _, r := range u.rooms { // clients find out by themselves, and join again (XEP-0410)
			clear(r.clients)
			r.leaveAt = time.Time{}
		}
		for id, q := range u.queries {
			delete(u.queries, id)
			q.then(nil)
		}
		u.graceEnd = u.c.clock.Now().Add(linkGrace)
	}
	for _, r := range u.requests { // those who asked are not there to be answered
		r.answered = true
	}
	u.sweep()
	if conn == nil {
		return
	}
	u.keptIn = u.keptIn || u.account != nil
	if len(u.toRemove) > 0 {
		u.removeAt = u.c.clock.Now()
	}
	if u.legacySession() != nil {
		u.sendGatewayPresence(u.bare)
	}
}

// shutdown tells the user that everything goes offline and signs off.
func (u *user) shutdown() {
	u.closeRooms("332", errShuttingDown.with("The gateway is shutting down."))
	u.hideAll("The gateway is shutting down.")
	if u.session == nil {
		return
	}
	u.session.cancel()
	for u.session != nil { // what the network still says is delivered; Run ends within its bound
		select {
		case ev := <-u.events:
			u.onEvent(ev)
		case <-time.After(stopTimeout):
			return
		}
	}
}

// notify sends the user a message from the gateway itself.
func (u *user) notify(text string) { u.sendNotice("", text, time.Time{}) }
