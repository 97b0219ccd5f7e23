package oscar

import (
	"context"
	"errors"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// room is one that the user is in, or is about to enter or leave. Each has a
// connection of its own, which its goroutine serves. (AOL, "Chat")
type room struct {
	*client // of the connection; with what follows, of the room's goroutine
	peer    legacy.Peer
	id      oscarwire.RoomID // as the server found it

	occupants         map[string]legacy.Occupant // by normalised name
	listed, described bool                       // the server has told who is there, and what the room is
	entered           bool                       // RoomJoined was emitted
	enterBy           time.Time
	title             string
	maxBytes, maxText int // of a message, 0 for no limit

	queue chan func(*room)
	stop  context.CancelFunc

	// Of the session's goroutine:
	leaving bool // the core does not want to be there
	over    bool // the room's goroutine has ended: all is of the session's
	again   bool // the core wants to be there again
}

const roomQueueLen = 64 // what waits for a room's goroutine

// enterLimit is how long it may take to enter a room: less than the core's time.
var enterLimit = 40 * time.Second

// do hands something to the room's goroutine. It never waits; it is false if too
// much waits already.
func (r *room) do(f func(*room)) bool {
	select {
	case r.queue <- f:
		return true
	default:
		return false
	}
}

// run enters the room and serves until the user has left it, or it is lost.
func (r *room) run() error {
	ctx, cancel := context.WithTimeout(r.life, enterLimit)
	defer cancel()
	r.enterBy = r.now().Add(enterLimit)
	if err := r.connect(ctx); err != nil {
		return r.s.net.roomError(err)
	}
	cancel()
	return r.serve()
}

// connect finds the room by its name, and connects to it.
func (r *room) connect(ctx context.Context) error {
	if err := r.find(ctx); err != nil {
		return err
	}
	to, err := r.service(ctx, oscarwire.ServiceQuery{Family: oscarwire.FamilyChat, Room: &r.id})
	if err != nil {
		return err
	}
	return r.connectTo(ctx, to)
}

// connectTo connects to the room where the server says it is.
func (r *room) connectTo(ctx context.Context, to oscarwire.Redirect) error {
	if err := r.greet(ctx, to.Addr, to.Cookie); err != nil {
		return err
	}
	r.begun, r.rates.paused, r.icbm.acks = true, false, true
	r.heard = r.now()
	r.aliveNext = r.heard.Add(r.s.net.keepalive)
	r.write(&packet{id: oscarwire.ServiceClientReady, body: r.ready()})
	return r.err
}

// find asks the room navigator for the room, which is made if there is none.
func (r *room) find(ctx context.Context) error {
	to, err := r.service(ctx, oscarwire.ServiceQuery{Family: oscarwire.FamilyChatNav})
	if err != nil {
		return err
	}
	return r.s.visitAt(ctx, to, enterLimit, r.findAt)
}

// findAt asks the navigator, on a connection to it.
func (r *room) findAt(ctx context.Context, nav *client) error {
	exchange, name := splitExchange(strings.TrimPrefix(r.peer.ID, "#"))
	snac, err := nav.ask(ctx, oscarwire.ChatNavCreate, oscarwire.NewRoomCreate(exchange, name), oscarwire.ChatNavReply)
	if err != nil {
		return err
	}
	reply, err := oscarwire.ParseNavReply(snac.Body)
	if err != nil {
		return r.s.net.garbled(err)
	}
	room, err := reply.Room()
	if err != nil {
		return r.s.net.garbled(err)
	}
	r.id = room.RoomID
	r.describe(room)
	return nil
}

// service asks where a service is, over the session's connection.
func (r *room) service(ctx context.Context, q oscarwire.ServiceQuery) (oscarwire.Redirect, error) {
	type answer struct {
		to  oscarwire.Redirect
		err error
	}
	answers := make(chan answer, 1)
	err := r.onSession(ctx, func(c *client) {
		c.requestService(q, func(to oscarwire.Redirect, err error) {
			select {
			case answers <- answer{to, err}:
			default: // a second answer
			}
		})
	})
	if err != nil {
		return oscarwire.Redirect{}, err
	}
	select {
	case a := <-answers:
		return a.to, a.err
	case <-ctx.Done():
		return oscarwire.Redirect{}, ctx.Err()
	}
}

// onSession has the session's goroutine do something.
func (r *room) onSession(ctx context.Context, do command) error {
	select {
	case r.s.queue <- do:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve serves until the user has left the room, then it returns nil, or the room
// is lost.
func (r *room) serve() error {
	early := r.early
	r.early = nil
	for _, snac := range early {
		r.onSNAC(snac)
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for r.err == nil {
		timer.Reset(r.tick())
		select {
		case <-r.life.Done():
			r.signOff()
			return nil
		case in := <-r.conn.frames:
			if in.err != nil {
				return r.s.net.lost(in.err)
			}
			r.heard, r.probed = r.now(), false
			r.onFrame(in.frame)
		case do := <-r.queue:
			do(r)
		case <-timer.C:
		}
	}
	return r.err
}

// tick does what is due and returns how long there is nothing to do.
func (r *room) tick() time.Duration {
	now := r.now()
	if !now.Before(r.aliveNext) {
		r.keepAlive(now)
	}
	next := r.aliveNext
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if !r.entered {
		sooner(r.enterBy)
		if !now.Before(r.enterBy) {
			r.err = legacy.Errorf(legacy.Temporary, "The %s server does not say who is in the room.", r.s.net.name())
		}
	}
	sooner(r.expirePending(now))
	sooner(r.rates.drainAll(now))
	if r.err != nil {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// onFrame handles a frame of the room's connection.
func (r *room) onFrame(f oscarwire.Frame) {
	switch f.Channel {
	case oscarwire.ChannelData:
		snac, err := f.SNAC()
		if err != nil {
			r.err = r.s.net.garbled(err)
			return
		}
		r.onSNAC(snac)
	case oscarwire.ChannelSignOff:
		r.err = legacy.Errorf(legacy.Temporary, "The %s server closed the room.", r.s.net.name())
	}
}

// onSNAC handles a SNAC of the room's connection; one that makes no sense is
// logged and skipped.
func (r *room) onSNAC(snac oscarwire.SNAC) {
	if r.answer(snac) {
		return
	}
	var err error
	switch snac.ID {
	case oscarwire.ServicePause:
		r.pause()
	case oscarwire.ServiceResume:
		r.resume()
	case oscarwire.ServiceRateChange:
		var m oscarwire.RateChange
		if m, err = oscarwire.ParseRateChange(snac.Body); err == nil {
			r.rates.onRateChange(m)
		}
	case oscarwire.ChatRoomUpdate:
		var m oscarwire.Room
		if m, err = oscarwire.ParseRoom(snac.Body); err == nil {
			r.described = true
			r.describe(m)
			r.maybeEnter()
		}
	case oscarwire.ChatJoined, oscarwire.ChatLeft:
		err = r.onOccupants(snac)
	case oscarwire.ChatIncoming:
		err = r.onMessage(snac.Body)
	default:
		r.s.env.Log.Debug().Stringer("snac", snac.ID).Msg("not needed")
	}
	if err != nil {
		r.s.env.Log.Warn().Err(err).Stringer("snac", snac.ID).Msg("the server sent something that makes no sense")
	}
}

// invite asks somebody in.
func (r *room) invite(who legacy.Peer) {
	if !r.entered || r.err != nil {
		r.emit(legacy.RoomFailed{Room: r.peer, Err: errNotInRoom()})
		return
	}
	peer, id := r.peer, r.id
	_ = r.onSession(r.life, func(c *client) { c.chats.invite(peer, id, who) }) // an error is the end of the room
}

// abandon fails what is outstanding of a room that is over. The session's
// goroutine calls it, once that of the room has ended.
func (r *room) abandon(err error) {
	if r.err = err; err == nil {
		r.err = errNotInRoom()
	}
	for request, w := range r.pending {
		delete(r.pending, request)
		w.answered(oscarwire.SNAC{}, r.err)
	}
	for _, l := range r.rates.lanes {
		for _, p := range l.queue {
			p.fail(r.err)
		}
		l.queue = nil
	}
	for len(r.queue) > 0 {
		(<-r.queue)(r)
	}
}

// roomError is why a room cannot be entered, as the user should read it.
func (n *network) roomError(err error) error {
	var e *legacy.Error
	switch kind := legacy.KindOf(err); {
	case kind == legacy.NotFound:
		return legacy.Wrap(kind, err, "There is no such room.")
	case kind == legacy.Forbidden:
		return legacy.Wrap(kind, err, n.name()+" does not let you into this room.")
	case errors.As(err, &e) && (kind == legacy.Temporary || kind == legacy.RateLimited || kind == legacy.Unsupported):
		return err
	}
	return legacy.Wrap(legacy.Temporary, err, "The room cannot be entered at the moment.")
}
