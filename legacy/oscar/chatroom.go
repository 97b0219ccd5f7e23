package oscar

import (
	"context"
	"errors"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// room is a room that the user is in, joining or leaving. It has a connection of its
// own, served by its own goroutine. (AOL, "Chat")
type room struct {
	*client // of this connection; the room's goroutine owns it and the following fields
	peer    legacy.Peer
	id      oscarwire.RoomID // as returned by the server

	occupants         map[string]legacy.Occupant // by normalised name
	listed, described bool                       // the server has sent the occupants, and the room's description
	entered           bool                       // RoomJoined was emitted
	enterBy           time.Time
	title             string
	limit             roomLimit

	queue chan func(*room)
	stop  context.CancelFunc

	// Owned by the session's goroutine:
	leaving bool // the core has called LeaveRoom
	over    bool // the room's goroutine has ended: the session's goroutine owns everything
	again   bool // the core has called JoinRoom again
}

const roomQueueLen = 64 // limit: commands for a room | a further one is refused: resource-constraint

// enterLimit is the time limit of a join. It must be below the core's.
var enterLimit = 40 * time.Second

// do queues a command for the room's goroutine. It never waits; it returns false if the
// queue is full.
func (r *room) do(f func(*room)) bool {
	select {
	case r.queue <- f:
		return true
	default:
		return false
	}
}

// run joins the room and serves until the user has left it, or the connection is lost.
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

// connect looks up the room by its name and connects to it.
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

// connectTo connects to the address that the server returned for the room.
func (r *room) connectTo(ctx context.Context, to oscarwire.Redirect) error {
	if err := r.connectBOS(ctx, to.Addr, to.Cookie); err != nil {
		return err
	}
	r.begun, r.rates.paused, r.icbm.acks = true, false, true
	r.heard = r.now()
	r.aliveNext = r.heard.Add(r.s.net.keepalive)
	r.write(&packet{id: oscarwire.ServiceClientReady, body: r.ready()})
	return r.err
}

// find looks up the room at the room navigator, which creates the room if it does not
// exist.
func (r *room) find(ctx context.Context) error {
	to, err := r.service(ctx, oscarwire.ServiceQuery{Family: oscarwire.FamilyChatNav})
	if err != nil {
		return err
	}
	return r.s.withServiceAt(ctx, to, enterLimit, r.findAt)
}

// findAt sends the lookup on a connection to the navigator.
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

// service requests the address of a service, over the session's connection.
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
			default: // a duplicate answer
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

// onSession runs a command on the session's goroutine and waits for it.
func (r *room) onSession(ctx context.Context, do command) error {
	select {
	case r.s.queue <- do:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve serves until the user has left the room (it returns nil) or the connection is
// lost.
func (r *room) serve() error {
	early := r.early
	r.early = nil
	for _, snac := range early {
		r.onSNAC(snac)
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	r.onFrames(r.conn.takeRest())
	for r.err == nil {
		next := r.tick()
		if r.flush(); r.err != nil {
			break
		}
		timer.Reset(next)
		select {
		case <-r.life.Done():
			r.signOff()
			return nil
		case in := <-r.conn.frames:
			if in.err != nil {
				return r.s.net.lost(in.err)
			}
			r.onFrames(in.frames)
		case do := <-r.queue:
			do(r)
		case <-timer.C:
		}
	}
	return r.err
}

// tick does all work that is due and returns the delay until the next.
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
			r.err = legacy.Errorf(legacy.Temporary, "The %s server did not send the list of occupants.", r.s.net.name())
		}
	}
	sooner(r.expirePending(now))
	sooner(r.rates.drainAll(now))
	if r.err != nil {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// onFrames handles frames of the room's connection.
func (r *room) onFrames(frames []oscarwire.Frame) {
	for _, f := range frames {
		if r.err != nil {
			return
		}
		r.heard, r.probed = r.now(), false
		r.onFrame(f)
	}
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

// onSNAC handles a SNAC of the room's connection. It logs and skips invalid ones.
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
		r.s.env.Log.Debug().Stringer("snac", snac.ID).Msg("ignored SNAC")
	}
	if err != nil {
		r.s.env.Log.Warn().Err(err).Stringer("snac", snac.ID).Msg("invalid SNAC from the server")
	}
}

// invite invites a user.
func (r *room) invite(who legacy.Peer) {
	if !r.entered || r.err != nil {
		r.emit(legacy.RoomFailed{Room: r.peer, Err: errNotInRoom()})
		return
	}
	peer, id := r.peer, r.id
	_ = r.onSession(r.life, func(c *client) { c.chats.invite(peer, id, who) }) // an error ends the room anyway
}

// abandon fails everything that is pending in a room. The session's goroutine calls it
// after the room's goroutine has ended.
func (r *room) abandon(err error) {
	if r.err = err; err == nil {
		r.err = errNotInRoom()
	}
	for request, w := range r.pending {
		delete(r.pending, request)
		w.answered(oscarwire.SNAC{}, r.err)
	}
	for _, l := range r.rates.lanes {
		for l.queue.size > 0 {
			l.queue.pop().fail(r.err)
		}
	}
	for len(r.queue) > 0 {
		(<-r.queue)(r)
	}
}

// roomError converts the error of a join to one for the user.
func (n *network) roomError(err error) error {
	var e *legacy.Error
	switch kind := legacy.KindOf(err); {
	case kind == legacy.NotFound:
		return legacy.Wrap(kind, err, "This room does not exist.")
	case kind == legacy.Forbidden:
		return legacy.Wrap(kind, err, n.name()+" does not allow you to join this room.")
	case errors.As(err, &e) && (kind == legacy.Temporary || kind == legacy.RateLimited || kind == legacy.Unsupported):
		return err
	}
	return legacy.Wrap(legacy.Temporary, err, "You cannot join the room at the moment. Try again later.")
}
